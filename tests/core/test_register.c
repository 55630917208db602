/* SPDX-License-Identifier: MIT
 * Registration: the answer, the same id again, other ids, deadlines, what is not an id. */
#include "tests/core/world.h"

static const char *const registered_members[] = {
    "{\"type\":\"registered\"", ",\"id\":",        ",\"epoch\":",
    ",\"heartbeatInterval\":",  ",\"resume\":",    ",\"server\":",
    ",\"features\":",           ",\"timestamp\":",
};

static void test_registered_members_and_order(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *s = dial(w);
    say(s, "{'type':'register','id':'drone-1'}");
    const char *m = expect(s, "registered", "id=drone-1", "epoch=1", "heartbeatInterval=30000",
                           "server=sigd/test", "timestamp=2025-11-27T12:00:00.000Z", "!rid");
    const char *at = m;
    for (size_t i = 0; i < sizeof(registered_members) / sizeof(registered_members[0]); i++) {
        at = strstr(at, registered_members[i]);
        assert_non_null(at);
    }
    char resume[64];
    assert_true(value_of(m, "resume", resume, sizeof(resume)));
    assert_int_equal(strlen(resume), SP_RESUME_LEN);
    assert_true(count_in(m, "features") >= 1);
    assert_int_equal(hub_clients(w->hub), 1);
    expect_event(w, "register", "id=drone-1", "conn=1", "epoch=1", "addr=192.0.2.1:4711");
    expect_nothing(s);
    world_free(w);
}

static void test_same_id_again_is_answered_again(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *s = join(w, "drone-1");
    say(s, "{'type':'register','id':'drone-1','rid':'again','role':'drone'}");
    expect(s, "registered", "id=drone-1", "epoch=1", "rid=again");
    assert_int_equal(hub_clients(w->hub), 1);
    say(s, "{'type':'list','detail':true}");
    const char *list = expect(s, "clients", "count=1");
    assert_non_null(strstr(list, "\"role\":\"drone\""));
    expect_nothing(s);
    world_free(w);
}

static void test_other_id_is_refused(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *s = join(w, "drone-1");
    say(s, "{'type':'register','id':'drone-2','rid':1}");
    expect(s, "error", "code=already_registered", "rid=1", "retryable=false");
    say(s, "{'type':'offer','target':'drone-2','sdp':'v=0'}");
    expect(s, "error", "code=target_not_found");
    say(s, "{'type':'ping'}");
    expect(s, "pong", "timestamp=2025-11-27T12:00:00.000Z");
    world_free(w);
}

static void test_epochs_and_resume_tokens_are_new_each_time(void **state)
{
    (void)state;
    struct world *w = world_new();
    char last[64] = "", resume[64];
    int64_t epoch = 0;
    for (int i = 0; i < 100; i++) {
        struct sock *s = dial(w);
        say(s, "{'type':'register','id':'drone-%d'}", i % 3);
        const char *m = expect(s, "registered");
        assert_true(number_of(m, "epoch") > epoch);
        epoch = number_of(m, "epoch");
        assert_true(value_of(m, "resume", resume, sizeof(resume)));
        assert_string_not_equal(resume, last);
        memcpy(last, resume, sizeof(last));
        if (i % 2) {
            hang_up(s);
        }
        turn(w);
    }
    world_free(w);
}

static void test_bad_ids(void **state)
{
    (void)state;
    static const char *const bad[] = {"",          "-x",       ".a",    "a b", "a/b",
                                      "a\\u0000b", "\xc3\xa4", "a\\nb", "@x",  "*"};
    struct world *w = world_new();
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct sock *s = dial(w);
        say(s, "{'type':'register','id':'%s','rid':'r'}", bad[i]);
        expect(s, "error", "code=invalid_id", "rid=r");
        expect_nothing(s);
    }
    char id[SP_ID_MAX + 2];
    memset(id, 'a', sizeof(id));
    id[SP_ID_MAX + 1] = '\0';
    struct sock *s = dial(w);
    say(s, "{'type':'register','id':'%s'}", id);
    expect(s, "error", "code=invalid_id");
    id[SP_ID_MAX] = '\0';
    join(w, id);
    assert_int_equal(hub_clients(w->hub), 1);
    world_free(w);
}

static void test_bad_members(void **state)
{
    (void)state;
    static const char *const bad[][2] = {
        {"{'type':'register'}", "missing_member"},
        {"{'type':'register','id':7}", "invalid_member"},
        {"{'type':'register','id':null}", "invalid_member"},
        {"{'type':'register','id':'a','meta':[]}", "invalid_member"},
        {"{'type':'register','id':'a','meta':'x'}", "invalid_member"},
        {"{'type':'register','id':'a','role':''}", "invalid_member"},
        {"{'type':'register','id':'a','role':'two words'}", "invalid_member"},
        {"{'type':'register','id':'a','resume':5}", "invalid_member"},
        {"{'type':'register','id':'a','rid':1.5}", "invalid_member"},
        {"{'type':'register','id':'a','rid':{}}", "invalid_member"},
    };
    struct world *w = world_new();
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char want[64];
        snprintf(want, sizeof(want), "code=%s", bad[i][1]);
        struct sock *s = dial(w);
        say(s, "%s", bad[i][0]);
        expect(s, "error", want);
        expect_nothing(s);
    }
    assert_int_equal(hub_clients(w->hub), 0);
    world_free(w);
}

static void test_meta_up_to_its_bound(void **state)
{
    (void)state;
    char meta[SP_META_MAX + 8];
    struct world *w = world_new();
    for (int over = 0; over < 2; over++) {
        int fill = (int)SP_META_MAX - 8 + over;
        snprintf(meta, sizeof(meta), "{'k':'%0*d'}", fill, 0);
        struct sock *s = dial(w);
        say(s, "{'type':'register','id':'m%d','meta':%s}", over, meta);
        if (over) {
            expect(s, "error", "code=invalid_member");
        } else {
            expect(s, "registered");
        }
    }
    world_free(w);
}

static void test_null_optional_members_are_absent(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *s = dial(w);
    say(s, "{'type':'register','id':'a','role':null,'meta':null,'resume':null,'rid':null}");
    expect(s, "registered", "id=a", "!rid");
    world_free(w);
}

static void test_register_timeout(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *late = dial(w), *known = join(w, "drone-1"), *trusted = dial_local(w);
    uint64_t start = w->now.mono_us;
    say(late, "{'type':'ping'}");
    expect(late, "pong");
    advance(w, 9999);
    expect_nothing(late);
    advance(w, 100);
    expect_closed(late, 4408);
    assert_true(late->closed_us >= start + 10000000);
    assert_true(late->closed_us <= start + 10000000 + 70000);
    expect_closed(trusted, 4408);
    expect_nothing(known);
    assert_int_equal(hub_connections(w->hub), 1);
    world_free(w);
}

static void test_monitors_and_watchers_need_not_register(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *monitor = dial_local(w), *watcher = dial_local(w);
    say(monitor, "{'type':'monitor','filter':'register','rid':1}");
    expect(monitor, "ack", "rid=1");
    say(watcher, "{'type':'watch','rid':1}");
    expect(watcher, "ack", "rid=1");
    for (int i = 0; i < 20; i++) {
        advance(w, 1000);
        say(monitor, "{'type':'ping'}");
        say(watcher, "{'type':'ping'}");
    }
    forget_all(w);
    expect_nothing(monitor);
    expect_nothing(watcher);
    world_free(w);
}

/* The deadline for registering counts from the moment that it applies: a watcher of long standing
 * that stops watching gets time to register or to go. */
static void test_unwatch_does_not_close_at_once(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *s = dial_local(w);
    say(s, "{'type':'watch','rid':1}");
    expect(s, "ack", "rid=1");
    for (int i = 0; i < 20; i++) {
        advance(w, 1000);
        say(s, "{'type':'ping'}");
    }
    forget(s);
    say(s, "{'type':'unwatch','rid':2}");
    expect(s, "ack", "rid=2");
    advance(w, 1000);
    expect_nothing(s);
    world_free(w);
}

/* unwatch without a watch is no way to put registering off. */
static void test_unwatch_does_not_extend_the_timeout(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *s = dial(w);
    for (int i = 0; i < 9; i++) {
        advance(w, 1000);
        say(s, "{'type':'unwatch'}");
    }
    advance(w, 1200);
    forget(s);
    expect_closed(s, 4408);
    world_free(w);
}

static void test_reject_policy(void **state)
{
    (void)state;
    struct hub_conf conf = world_conf();
    conf.policy = HUB_REJECT;
    struct world *w = world_new_conf(&conf);
    struct sock *a = join(w, "drone-1"), *b = dial(w);
    say(b, "{'type':'register','id':'drone-1','rid':'r'}");
    expect(b, "error", "code=id_taken", "retryable=true", "rid=r");
    expect_nothing(a);
    hang_up(a);
    say(b, "{'type':'register','id':'drone-1'}");
    expect(b, "registered", "id=drone-1", "epoch=2");
    assert_int_equal(hub_clients(w->hub), 1);
    world_free(w);
}

static void test_bad_rid_has_no_effect_on_the_registry(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *s = join(w, "a");
    char rid[80];
    memset(rid, 'r', sizeof(rid));
    rid[SP_RID_MAX + 1] = '\0';
    say(s, "{'type':'list','rid':'%s'}", rid);
    expect(s, "error", "code=invalid_member", "!rid");
    rid[SP_RID_MAX] = '\0';
    say(s, "{'type':'list','rid':'%s'}", rid);
    expect(s, "clients", "count=1");
    say(s, "{'type':'list','rid':9007199254740992}");
    expect(s, "error", "code=invalid_member", "!rid");
    say(s, "{'type':'list','rid':-9007199254740991}");
    expect(s, "clients", "rid=-9007199254740991");
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_registered_members_and_order),
        cmocka_unit_test(test_same_id_again_is_answered_again),
        cmocka_unit_test(test_other_id_is_refused),
        cmocka_unit_test(test_epochs_and_resume_tokens_are_new_each_time),
        cmocka_unit_test(test_bad_ids),
        cmocka_unit_test(test_bad_members),
        cmocka_unit_test(test_meta_up_to_its_bound),
        cmocka_unit_test(test_null_optional_members_are_absent),
        cmocka_unit_test(test_register_timeout),
        cmocka_unit_test(test_monitors_and_watchers_need_not_register),
        cmocka_unit_test(test_unwatch_does_not_close_at_once),
        cmocka_unit_test(test_unwatch_does_not_extend_the_timeout),
        cmocka_unit_test(test_reject_policy),
        cmocka_unit_test(test_bad_rid_has_no_effect_on_the_registry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
