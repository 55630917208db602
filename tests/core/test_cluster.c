/* SPDX-License-Identifier: MIT
 * Nodes that know each other: clients of one talk to those of another as if they were with it. */
#include "tests/core/fleet.h"

static struct fleet *two(void)
{
    struct hub_conf conf = world_conf();
    struct fleet *f = fleet_new(2, &conf);
    fleet_meet(f);
    return f;
}

/* The whole list of a node, as "a,b,c". */
static const char *listed(struct world *w)
{
    static char text[4096];
    struct sock *s = dial_local(w);
    say(s, "{'type':'list'}");
    const char *all = expect(s, "clients");
    size_t n = 0;
    assert_true(value_of(all, "clients", text, sizeof(text)));
    for (size_t i = 0; text[i]; i++) {
        if (text[i] != '"' && text[i] != '[' && text[i] != ']') {
            text[n++] = text[i];
        }
    }
    text[n] = '\0';
    hang_up(s);
    return text;
}

static void test_everybody_is_known(void **state)
{
    (void)state;
    struct fleet *f = two();
    struct sock *a = join_with(f->w[0], "a", ",'role':'drone','meta':{'v':1}");
    join(f->w[1], "b");
    fleet_run(f, 10);
    assert_string_equal(listed(f->w[0]), "a,b");
    assert_string_equal(listed(f->w[1]), "a,b");
    assert_int_equal(hub_clients(f->w[0]->hub), 1);
    struct sock *s = dial_local(f->w[1]);
    say(s, "{'type':'list','detail':true,'match':'a'}");
    const char *m = expect(s, "clients", "count=1");
    assert_non_null(strstr(m, "\"role\":\"drone\",\"meta\":{\"v\":1}"));
    assert_non_null(strstr(m, "\"node\":\"n0\""));
    hang_up(a);
    fleet_run(f, 10);
    assert_string_equal(listed(f->w[1]), "b");
    fleet_free(f);
}

static void test_a_call(void **state)
{
    (void)state;
    struct fleet *f = two();
    struct sock *a = join(f->w[0], "a"), *b = join(f->w[1], "b");
    forget(a);
    forget(b);
    fleet_run(f, 10);
    say(a, "{'type':'offer','target':'b','sdp':'v=0','rid':1,'x':[1,2]}");
    expect_nothing(a);
    fleet_run(f, 10);
    char session[64], other[64];
    assert_true(value_of(expect(a, "ack", "rid=1"), "sessionId", session, sizeof(session)));
    const char *m = expect(b, "offer", "from=a", "sdp=v=0", "polite=true");
    assert_true(value_of(m, "sessionId", other, sizeof(other)));
    assert_string_equal(session, other);
    assert_non_null(strstr(m, "\"x\":[1,2]"));
    say(b, "{'type':'answer','target':'a','sdp':'v=1','rid':2}");
    say(b, "{'type':'ice','target':'a','candidate':'c','rid':3}");
    fleet_run(f, 10);
    expect(b, "ack", "rid=2");
    expect(b, "ack", "rid=3");
    expect(a, "answer", "from=b", "sdp=v=1");
    expect(a, "ice", "from=b");
    assert_int_equal(hub_sessions(f->w[0]->hub), 1);
    assert_int_equal(hub_sessions(f->w[1]->hub), 1);
    expect_event(f->w[0], "session_answer");
    say(a, "{'type':'bye','target':'b','rid':4}");
    fleet_run(f, 10);
    expect(a, "ack", "rid=4");
    expect(b, "bye", "from=a", "reason=hangup");
    assert_int_equal(hub_sessions(f->w[0]->hub), 0);
    assert_int_equal(hub_sessions(f->w[1]->hub), 0);
    expect_nothing(a);
    expect_nothing(b);
    fleet_free(f);
}

static void test_order(void **state)
{
    (void)state;
    struct fleet *f = two();
    f->delay_ms = 20;
    struct sock *a = join(f->w[0], "a"), *b = join(f->w[1], "b");
    fleet_run(f, 100);
    forget(a);
    forget(b);
    for (int i = 0; i < 500; i++) {
        say(a, "{'type':'ice','target':'b','candidate':'%d','rid':%d}", i, i);
        if (i % 7 == 0) {
            fleet_run(f, 5);
        }
    }
    fleet_run(f, 200);
    for (int i = 0; i < 500; i++) {
        char want[32];
        snprintf(want, sizeof(want), "candidate=%d", i);
        expect(b, "ice", want);
        snprintf(want, sizeof(want), "rid=%d", i);
        expect(a, "ack", want);
    }
    fleet_free(f);
}

static void test_who_leaves(void **state)
{
    (void)state;
    struct fleet *f = two();
    struct sock *a = join(f->w[0], "a"), *b = join(f->w[1], "b");
    fleet_run(f, 10);
    say(a, "{'type':'offer','target':'b','sdp':'v=0'}");
    fleet_run(f, 10);
    forget(a);
    forget(b);
    hang_up(b);
    /* not heard of yet: it is told all the same */
    say(a, "{'type':'ice','target':'b','candidate':'c','rid':1}");
    fleet_run(f, 10);
    expect(a, "bye", "from=b", "reason=peer-left");
    expect(a, "error", "code=target_not_found", "rid=1", "target=b");
    say(a, "{'type':'ice','target':'b','candidate':'c','rid':2}");
    expect(a, "error", "code=target_not_found", "rid=2");
    assert_int_equal(hub_sessions(f->w[0]->hub), 0);
    fleet_free(f);
}

static void test_an_answer_to_none(void **state)
{
    (void)state;
    struct fleet *f = two();
    struct sock *a = join(f->w[0], "a");
    join(f->w[1], "b");
    fleet_run(f, 10);
    forget(a);
    say(a, "{'type':'answer','target':'b','sdp':'v=0','rid':1}");
    expect(a, "error", "code=session_not_found", "rid=1");
    fleet_free(f);
}

static void test_takeover(void **state)
{
    (void)state;
    struct fleet *f = two();
    struct sock *a = join(f->w[0], "a"), *b = join(f->w[1], "b");
    fleet_run(f, 10);
    say(a, "{'type':'offer','target':'b','sdp':'v=0'}");
    fleet_run(f, 10);
    forget_all(f->w[0]);
    forget_all(f->w[1]);
    struct sock *next = join(f->w[1], "a");
    forget(next);
    fleet_run(f, 10);
    expect_closed(a, 4501);
    expect(b, "bye", "from=a", "reason=replaced");
    assert_string_equal(listed(f->w[0]), "a,b");
    assert_string_equal(listed(f->w[1]), "a,b");
    assert_int_equal(hub_clients(f->w[0]->hub), 0);
    say(b, "{'type':'ice','target':'a','candidate':'c'}");
    expect(next, "ice", "from=b");
    fleet_free(f);
}

static void test_reject(void **state)
{
    (void)state;
    struct hub_conf conf = world_conf();
    conf.policy = HUB_REJECT;
    struct fleet *f = fleet_new(2, &conf);
    fleet_meet(f);
    join(f->w[0], "a");
    fleet_run(f, 10);
    struct sock *s = dial(f->w[1]);
    say(s, "{'type':'register','id':'a'}");
    expect(s, "error", "code=id_taken");
    fleet_free(f);
}

static void test_presence_and_kick(void **state)
{
    (void)state;
    struct fleet *f = two();
    struct sock *w = dial_local(f->w[1]);
    say(w, "{'type':'watch','rid':1}");
    expect(w, "ack");
    struct sock *a = join(f->w[0], "a");
    fleet_run(f, 10);
    expect(w, "presence", "event=join", "id=a");
    say(w, "{'type':'kick','target':'a','rid':2}");
    expect(w, "ack", "rid=2");
    forget(a);
    fleet_run(f, 10);
    expect_closed(a, 4502);
    expect(w, "presence", "event=leave", "id=a");
    join(f->w[0], "a");
    fleet_run(f, 10);
    expect(w, "presence", "event=join", "id=a");
    join(f->w[0], "a");
    fleet_run(f, 10);
    expect(w, "presence", "event=replaced", "id=a");
    join(f->w[1], "a");
    expect(w, "presence", "event=replaced", "id=a");
    fleet_run(f, 10);
    expect_nothing(w);
    fleet_free(f);
}

static void test_the_bus_is_down(void **state)
{
    (void)state;
    struct fleet *f = two();
    struct sock *a = join(f->w[0], "a"), *c = join(f->w[0], "c"), *b = join(f->w[1], "b");
    fleet_run(f, 10);
    forget(a);
    forget(b);
    forget(c);
    f->cut[1][0] = true;
    say(a, "{'type':'ice','target':'b','candidate':'c','rid':1}");
    fleet_run(f, 1000);
    expect_nothing(a);
    fleet_run(f, 1100);
    expect(a, "error", "code=route_timeout", "rid=1");
    f->cut[1][0] = false;
    fleet_up(f, 0, false);
    say(a, "{'type':'ice','target':'b','candidate':'c','rid':2}");
    expect(a, "error", "code=cluster_unavailable", "rid=2", "retryable=true");
    say(a, "{'type':'ice','target':'c','candidate':'c','rid':3}");
    expect(a, "ack", "rid=3");
    expect(c, "ice", "from=a");
    struct sock *d = join(f->w[1], "d");
    fleet_run(f, 10000);
    fleet_up(f, 0, true);
    fleet_run(f, 1500);
    assert_string_equal(listed(f->w[0]), "a,b,c,d");
    assert_string_equal(listed(f->w[1]), "a,b,c,d");
    forget(d);
    say(a, "{'type':'ice','target':'d','candidate':'c','rid':4}");
    fleet_run(f, 10);
    expect(a, "ack", "rid=4");
    expect(d, "ice", "from=a");
    fleet_free(f);
}

/* Two nodes of which the second dies, while a of the first is in a call with b of it. */
static struct fleet *bereaved(struct sock **a)
{
    struct fleet *f = two();
    *a = join(f->w[0], "a");
    join(f->w[1], "b");
    fleet_run(f, 10);
    say(*a, "{'type':'offer','target':'b','sdp':'v=0'}");
    fleet_run(f, 10);
    forget(*a);
    fleet_kill(f, 1);
    return f;
}

static void test_a_node_dies(void **state)
{
    (void)state;
    struct sock *a;
    struct fleet *f = bereaved(&a);
    say(a, "{'type':'ice','target':'b','candidate':'c','rid':1}");
    fleet_run(f, 4000);
    expect(a, "error", "code=route_timeout", "rid=1");
    expect(a, "bye", "from=b", "reason=peer-left");
    expect_event(f->w[0], "node_down", "id=n1");
    assert_string_equal(listed(f->w[0]), "a");
    fleet_start(f, 1);
    fleet_meet(f);
    assert_string_equal(listed(f->w[1]), "a");
    expect_event(f->w[0], "node_up", "id=n1");
    fleet_free(f);
}

/* A life that ends and begins again at once is noticed by its number. */
static void test_a_node_restarts(void **state)
{
    (void)state;
    struct sock *a;
    struct fleet *f = bereaved(&a);
    fleet_start(f, 1);
    fleet_meet(f);
    expect(a, "bye", "from=b", "reason=peer-left");
    assert_string_equal(listed(f->w[0]), "a");
    assert_string_equal(listed(f->w[1]), "a");
    fleet_free(f);
}

static void test_both_sides_claim(void **state)
{
    (void)state;
    struct fleet *f = two();
    fleet_part(f, 0, 1, true);
    struct sock *older = join(f->w[0], "x");
    fleet_run(f, 100);
    struct sock *newer = join(f->w[1], "x");
    fleet_run(f, 8000);
    forget(older);
    forget(newer);
    expect_nothing(older);
    fleet_part(f, 0, 1, false);
    fleet_run(f, 3000);
    expect_closed(older, 4501);
    expect_nothing(newer);
    assert_string_equal(listed(f->w[0]), "x");
    assert_string_equal(listed(f->w[1]), "x");
    fleet_free(f);
}

static void test_a_monitor_sees_all(void **state)
{
    (void)state;
    struct fleet *f = two();
    struct sock *m = dial_local(f->w[1]);
    say(m, "{'type':'monitor','filter':'event=register,relay,session_open','rid':1}");
    expect(m, "ack");
    fleet_run(f, 10);
    struct sock *a = join(f->w[0], "a");
    fleet_run(f, 100);
    const char *got = expect(m, "events");
    assert_non_null(strstr(got, "\"event\":\"register\",\"id\":\"a\""));
    assert_non_null(strstr(got, "\"node\":\"n0\""));
    join(f->w[1], "b");
    fleet_run(f, 100);
    got = expect(m, "events");
    assert_non_null(strstr(got, "\"id\":\"b\""));
    assert_non_null(strstr(got, "\"node\":\"n1\""));
    say(a, "{'type':'offer','target':'b','sdp':'v=0'}");
    fleet_run(f, 100);
    got = expect(m, "events");
    assert_int_equal(count_in(got, "events"), 2); /* each once: where the sender is */
    hang_up(m);
    fleet_run(f, 10);
    uint64_t before = f->letters;
    join(f->w[0], "c");
    fleet_run(f, 10);
    assert_true(f->letters - before <= 1); /* its join, no event */
    fleet_free(f);
}

/* Who says nonsense harms nobody; what is not whole is passed over. */
static void test_nonsense(void **state)
{
    (void)state;
    struct fleet *f = two();
    struct world *w = f->w[0];
    join(w, "a");
    for (int i = 0; i < 20000; i++) {
        char p[64];
        size_t n = fleet_random(f, sizeof(p)) + 1;
        for (size_t k = 0; k < n; k++) {
            p[k] = (char)fleet_random(f, k == 0 ? 12 : fleet_random(f, 3) ? 3 : 256);
        }
        hub_bus_message(w->hub, SP_STR("n1"), f->boot[1], p, n, w->now);
        if (i % 100 == 0) {
            turn(w);
        }
    }
    struct hub_cluster k;
    assert_true(hub_cluster(w->hub, &k));
    assert_true(k.counts.malformed > 1000);
    fleet_meet(f);
    assert_string_equal(listed(w), "a");
    fleet_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everybody_is_known),
        cmocka_unit_test(test_a_call),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_who_leaves),
        cmocka_unit_test(test_an_answer_to_none),
        cmocka_unit_test(test_takeover),
        cmocka_unit_test(test_reject),
        cmocka_unit_test(test_presence_and_kick),
        cmocka_unit_test(test_the_bus_is_down),
        cmocka_unit_test(test_a_node_dies),
        cmocka_unit_test(test_a_node_restarts),
        cmocka_unit_test(test_both_sides_claim),
        cmocka_unit_test(test_nonsense),
        cmocka_unit_test(test_a_monitor_sees_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
