/* SPDX-License-Identifier: MIT
 * offer, answer, ice and bye between two clients: who gets what, acks, errors, glare. */
#include "tests/core/world.h"

static void test_a_whole_call(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *a = join(w, "drone-1"), *b = join(w, "cam-2");
    char want[200];
    say(a, "{'type':'offer','target':'cam-2','sdp':'v=0 o'}");
    const char *m = expect(b, "offer", "from=drone-1", "sdp=v=0 o", "polite=true", "!target",
                           "!rid", "timestamp=2025-11-27T12:00:00.000Z");
    char session[160];
    assert_true(value_of(m, "sessionId", session, sizeof(session)));
    assert_int_equal(strlen(session), SP_SESSION_LEN);
    assert_memory_equal(session, "session-", 8);
    snprintf(want, sizeof(want), "sessionId=%s", session);
    say(b, "{'type':'answer','target':'drone-1','sdp':'v=0 a'}");
    expect(a, "answer", "from=cam-2", "sdp=v=0 a", want, "!polite");
    say(b, "{'type':'ice','target':'drone-1','candidate':{'candidate':'x','sdpMLineIndex':0}}");
    expect(a, "ice", "from=cam-2", want, "candidate={\"candidate\":\"x\",\"sdpMLineIndex\":0}");
    say(a, "{'type':'ice','target':'cam-2','candidate':null}");
    expect(b, "ice", "from=drone-1", want, "candidate=null");
    say(a, "{'type':'bye','target':'cam-2'}");
    expect(b, "bye", "from=drone-1", want, "reason=hangup");
    expect_nothing(a);
    expect_nothing(b);
    assert_int_equal(hub_sessions(w->hub), 0);
    expect_event(w, "session_end", "reason=hangup", "from=drone-1", "to=cam-2", "id=drone-1");
    world_free(w);
}

static void test_bye_keeps_the_reason_of_its_sender(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *a = join(w, "a"), *b = join(w, "b");
    call(a, b, "a", "b");
    say(b, "{'type':'bye','target':'a','reason':'rejected'}");
    expect(a, "bye", "from=b", "reason=rejected");
    call(a, b, "a", "b");
    say(b, "{'type':'bye','target':'a','reason':null}");
    expect(a, "bye", "from=b", "reason=hangup");
    world_free(w);
}

static void test_rid_gets_exactly_one_ack(void **state)
{
    (void)state;
    static const char *const rids[] = {"'r1'", "7", "-3", "'a\\u0062\\n'", "''", "0"};
    struct world *w = world_new();
    struct sock *a = join(w, "a"), *b = join(w, "b");
    for (size_t i = 0; i < sizeof(rids) / sizeof(rids[0]); i++) {
        char want[100];
        say(a, "{'rid':%s,'type':'offer','target':'b','sdp':'v=0','sessionId':'s'}", rids[i]);
        snprintf(want, sizeof(want),
                 "{'type':'ack','rid':%s,'sessionId':'s','timestamp':'2025-11-27T12:00:00.000Z'}",
                 rids[i]);
        expect_text(a, want);
        expect_nothing(a);
        expect(b, "offer", "!rid");
        expect_nothing(b);
    }
    world_free(w);
}

static void test_every_relay_request_acks_or_errs_once(void **state)
{
    (void)state;
    static const char *const bodies[] = {"'type':'offer','sdp':'v=0'", "'type':'answer','sdp':'x'",
                                         "'type':'ice','candidate':null", "'type':'bye'"};
    struct world *w = world_new();
    struct sock *a = join(w, "a"), *b = join(w, "b");
    for (size_t i = 0; i < 4; i++) {
        say(a, "{%s,'target':'b','rid':'yes'}", bodies[i]);
        expect(a, "ack", "rid=yes");
        expect_nothing(a);
        forget(b);
        say(a, "{%s,'target':'nobody','rid':'no'}", bodies[i]);
        expect(a, "error", "code=target_not_found", "rid=no", "target=nobody", "retryable=true");
        expect_nothing(a);
        expect_nothing(b);
        say(a, "{%s,'target':'b','sessionId':'-','rid':'bad'}", bodies[i]);
        expect(a, "error", "code=invalid_id", "rid=bad");
        expect_nothing(a);
    }
    world_free(w);
}

static void test_target_not_found_is_told_at_once(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *a = join(w, "a"), *b = join(w, "b");
    say(a, "{'type':'offer','target':'cam-2','sdp':'v=0'}");
    expect_text(a, "{'type':'error','code':'target_not_found',"
                   "'message':'Target client not found','details':'cam-2 is not registered',"
                   "'retryable':true,'target':'cam-2','timestamp':'2025-11-27T12:00:00.000Z'}");
    expect_event(w, "deliver_error", "kind=offer", "from=a", "to=cam-2", "code=target_not_found");
    assert_int_equal(hub_sessions(w->hub), 0);
    hang_up(b);
    say(a, "{'type':'offer','target':'b','sdp':'v=0'}");
    expect(a, "error", "code=target_not_found");
    world_free(w);
}

static void test_unregistered_sender_and_target(void **state)
{
    (void)state;
    static const char *const bodies[] = {"'type':'offer','sdp':'v=0'", "'type':'answer','sdp':'x'",
                                         "'type':'ice','candidate':null", "'type':'bye'"};
    struct world *w = world_new();
    struct sock *a = join(w, "a"), *x = dial_local(w);
    for (size_t i = 0; i < 4; i++) {
        say(x, "{%s,'target':'a','rid':1}", bodies[i]);
        expect(x, "error", "code=not_registered", "rid=1");
    }
    expect_nothing(x);
    expect_nothing(a);
    world_free(w);
}

static void test_session_not_found_rules(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *a = join(w, "a"), *b = join(w, "b");
    say(a, "{'type':'answer','target':'b','sdp':'v=0','rid':1}");
    expect(a, "error", "code=session_not_found", "retryable=false", "target=b", "rid=1");
    say(a, "{'type':'bye','target':'b','rid':2}");
    expect(a, "error", "code=session_not_found", "rid=2");
    say(a, "{'type':'ice','target':'b','candidate':null,'sessionId':'x','rid':3}");
    expect(a, "error", "code=session_not_found", "rid=3");
    say(a, "{'type':'answer','target':'b','sdp':'v=0','sessionId':'x'}");
    expect(a, "error", "code=session_not_found");
    expect_nothing(b);
    call(a, b, "a", "b");
    say(a, "{'type':'bye','target':'b','sessionId':'x'}");
    expect(a, "error", "code=session_not_found");
    assert_int_equal(hub_sessions(w->hub), 1);
    expect_nothing(b);
    world_free(w);
}

static void test_ice_without_a_session_is_relayed(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *a = join(w, "a"), *b = join(w, "b");
    say(a, "{'type':'ice','target':'b','candidate':'c','rid':1}");
    expect(b, "ice", "from=a", "candidate=c", "!sessionId");
    expect(a, "ack", "rid=1", "!sessionId");
    assert_int_equal(hub_sessions(w->hub), 0);
    say(a, "{'type':'ice','target':'b','candidate':'c','sessionId':null,'rid':1}");
    expect(b, "ice", "!sessionId");
    world_free(w);
}

/* Neither reach nor probe: the answer for a session of others is the one for no session at all. */
static void test_pairs_with_the_same_session_id_do_not_see_each_other(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *a = join(w, "a"), *b = join(w, "b"), *c = join(w, "c"), *d = join(w, "d");
    say(a, "{'type':'offer','target':'b','sdp':'1','sessionId':'s'}");
    say(c, "{'type':'offer','target':'d','sdp':'2','sessionId':'s'}");
    expect(b, "offer", "from=a", "sessionId=s");
    expect(d, "offer", "from=c", "sessionId=s");
    assert_int_equal(hub_sessions(w->hub), 2);
    say(c, "{'type':'answer','target':'b','sdp':'3','sessionId':'s'}");
    expect(c, "error", "code=session_not_found");
    say(c, "{'type':'bye','target':'a','sessionId':'s'}");
    expect(c, "error", "code=session_not_found");
    say(a, "{'type':'ice','target':'d','candidate':null,'sessionId':'s'}");
    expect(a, "error", "code=session_not_found");
    say(d, "{'type':'bye','target':'c','sessionId':'s'}");
    expect(c, "bye", "from=d", "sessionId=s");
    assert_int_equal(hub_sessions(w->hub), 1);
    say(b, "{'type':'answer','target':'a','sdp':'4','sessionId':'s'}");
    expect(a, "answer", "sdp=4", "sessionId=s");
    say(a, "{'type':'offer','target':'c','sdp':'5','sessionId':'s'}");
    expect(c, "offer", "from=a", "sessionId=s", "polite=true");
    assert_int_equal(hub_sessions(w->hub), 2);
    expect_nothing(a);
    expect_nothing(b);
    expect_nothing(d);
    world_free(w);
}

static void test_renegotiation_keeps_the_session(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *a = join(w, "a"), *b = join(w, "b");
    char want[200];
    snprintf(want, sizeof(want), "sessionId=%s", call(a, b, "a", "b"));
    say(b, "{'type':'answer','target':'a','sdp':'v=0'}");
    expect(a, "answer", want);
    say(a, "{'type':'offer','target':'b','sdp':'v=1'}");
    expect(b, "offer", want, "polite=true");
    say(b, "{'type':'offer','target':'a','sdp':'v=2'}");
    expect(a, "offer", want, "polite=false");
    assert_int_equal(hub_sessions(w->hub), 1);
    say(b, "{'type':'offer','target':'a','sdp':'v=2','sessionId':'second'}");
    expect(a, "offer", "sessionId=second", "polite=true");
    assert_int_equal(hub_sessions(w->hub), 2);
    say(a, "{'type':'ice','target':'b','candidate':null}");
    expect(b, "ice", "sessionId=second");
    say(a, "{'type':'bye','target':'b'}");
    expect(b, "bye", "sessionId=second");
    say(a, "{'type':'bye','target':'b'}");
    expect(b, "bye", want);
    assert_int_equal(hub_sessions(w->hub), 0);
    world_free(w);
}

static void test_glare(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *a = join(w, "a"), *b = join(w, "b");
    say(a, "{'type':'offer','target':'b','sdp':'x'}");
    say(b, "{'type':'offer','target':'a','sdp':'y'}");
    const char *to_b = expect(b, "offer", "from=a", "polite=true");
    const char *to_a = expect(a, "offer", "from=b", "polite=false");
    char one[160], two[160];
    assert_true(value_of(to_a, "sessionId", one, sizeof(one)));
    assert_true(value_of(to_b, "sessionId", two, sizeof(two)));
    assert_string_equal(one, two);
    assert_int_equal(hub_sessions(w->hub), 1);
    world_free(w);
}

static void test_session_limit(void **state)
{
    (void)state;
    struct hub_conf conf = world_conf();
    conf.limits.max_sessions = 3;
    struct world *w = world_new_conf(&conf);
    struct sock *a = join(w, "a"), *b = join(w, "b"), *c = join(w, "c");
    for (int i = 0; i < 3; i++) {
        say(a, "{'type':'offer','target':'b','sdp':'v','sessionId':'s%d'}", i);
        expect(b, "offer");
    }
    say(a, "{'type':'offer','target':'c','sdp':'v','rid':1}");
    expect(a, "error", "code=session_limit", "retryable=true", "rid=1", "target=c");
    say(c, "{'type':'offer','target':'b','sdp':'v','rid':2}");
    /* nobody can keep others out by filling the callee's list */
    expect(b, "offer", "from=c");
    expect(c, "ack", "rid=2");
    say(b, "{'type':'offer','target':'b','sdp':'v'}");
    expect(b, "offer", "from=b");
    assert_int_equal(hub_sessions(w->hub), 5);
    say(a, "{'type':'offer','target':'b','sdp':'v','sessionId':'s1'}");
    expect(b, "offer", "sessionId=s1");
    say(b, "{'type':'bye','target':'a','sessionId':'s1'}");
    expect(a, "bye");
    say(a, "{'type':'offer','target':'c','sdp':'v'}");
    expect(c, "offer");
    world_free(w);
}

static void test_self_call(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *a = join(w, "a"), *b = join(w, "b");
    say(a, "{'type':'offer','target':'a','sdp':'v','rid':1}");
    expect(a, "offer", "from=a");
    expect(a, "ack", "rid=1");
    call(a, b, "a", "b");
    say(a, "{'type':'answer','target':'a','sdp':'v'}");
    expect(a, "answer", "from=a");
    say(a, "{'type':'bye','target':'a'}");
    expect(a, "bye", "from=a");
    assert_int_equal(hub_sessions(w->hub), 1);
    say(a, "{'type':'offer','target':'a','sdp':'v'}");
    hang_up(a);
    expect(b, "bye", "from=a", "reason=peer-left");
    assert_int_equal(hub_sessions(w->hub), 0);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_whole_call),
        cmocka_unit_test(test_bye_keeps_the_reason_of_its_sender),
        cmocka_unit_test(test_rid_gets_exactly_one_ack),
        cmocka_unit_test(test_every_relay_request_acks_or_errs_once),
        cmocka_unit_test(test_target_not_found_is_told_at_once),
        cmocka_unit_test(test_unregistered_sender_and_target),
        cmocka_unit_test(test_session_not_found_rules),
        cmocka_unit_test(test_ice_without_a_session_is_relayed),
        cmocka_unit_test(test_pairs_with_the_same_session_id_do_not_see_each_other),
        cmocka_unit_test(test_renegotiation_keeps_the_session),
        cmocka_unit_test(test_glare),
        cmocka_unit_test(test_session_limit),
        cmocka_unit_test(test_self_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
