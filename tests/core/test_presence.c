/* SPDX-License-Identifier: MIT
 * watch: joins, leaves and replacements, filtered, until unwatch; never of oneself. */
#include "tests/core/world.h"

static struct sock *watcher(struct world *w, const char *members)
{
    struct sock *s = dial_local(w);
    say(s, "{'type':'watch','rid':'w'%s}", members);
    expect(s, "ack", "rid=w", "!sessionId");
    return s;
}

static void test_join_leave_replaced(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *s = watcher(w, ""), *a = join_with(w, "a", ",'role':'cam'");
    expect_text(s, "{'type':'presence','event':'join','id':'a','role':'cam',"
                   "'timestamp':'2025-11-27T12:00:00.000Z'}");
    struct sock *b = join(w, "a");
    expect(s, "presence", "event=replaced", "id=a", "!role");
    expect_closed(a, 4501);
    expect_nothing(s);
    hang_up(b);
    expect(s, "presence", "event=leave", "id=a");
    expect_nothing(s);
    dial(w);
    advance(w, 11000);
    expect_nothing(s);
    world_free(w);
}

static void test_late_close_of_the_replaced_is_no_leave(void **state)
{
    (void)state;
    struct world *w = world_new();
    w->linger = true;
    struct sock *s = watcher(w, ""), *a = join(w, "a");
    join(w, "a");
    forget(s);
    finish(a);
    turn(w);
    expect_nothing(s);
    world_free(w);
}

static void test_every_way_to_go_is_one_leave(void **state)
{
    (void)state;
    struct hub_conf conf = world_conf();
    conf.limits.queue_msgs = 2;
    struct world *w = world_new_conf(&conf);
    struct sock *s = watcher(w, ",'match':'x'");
    for (int i = 0; i < 5; i++) {
        struct sock *x = join(w, "x");
        expect(s, "presence", "event=join", "id=x");
        x->room = i == 2 ? 0 : -1;
        switch (i) {
        case 0:
            hub_fault(w->hub, x->ref, HUB_FAULT_BINARY, w->now);
            break;
        case 1:
            say_lit(x, "\xff");
            break;
        case 2:
            for (int k = 0; k < 3; k++) {
                say(x, "{'type':'ping'}");
            }
            break;
        case 3:
            hub_fault(w->hub, x->ref, HUB_FAULT_TOO_LARGE, w->now);
            break;
        default:
            advance(w, 29000);
            hub_alive(w->hub, s->ref, w->now);
            advance(w, 31000);
            hub_alive(w->hub, s->ref, w->now);
            advance(w, 31000);
        }
        assert_int_equal(x->closes, 1);
        expect(s, "presence", "event=leave", "id=x");
        expect_nothing(s);
        turn(w);
    }
    world_free(w);
}

static void test_match_and_role(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *all = watcher(w, ""), *match = watcher(w, ",'match':'cam-*'");
    struct sock *role = watcher(w, ",'role':'pilot'");
    struct sock *both = watcher(w, ",'match':'cam-*','role':'pilot'");
    struct sock *s[] = {join(w, "cam-1"), join_with(w, "cam-2", ",'role':'pilot'"),
                        join_with(w, "x", ",'role':'pilot'"), join(w, "y")};
    for (int i = 0; i < 4; i++) {
        hang_up(s[i]);
    }
    assert_int_equal(unread(all), 8);
    assert_int_equal(unread(match), 4);
    assert_int_equal(unread(role), 4);
    expect(both, "presence", "event=join", "id=cam-2", "role=pilot");
    expect(both, "presence", "event=leave", "id=cam-2", "role=pilot");
    expect_nothing(both);
    world_free(w);
}

static void test_second_watch_replaces_the_first(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *s = watcher(w, ",'match':'a*'");
    say(s, "{'type':'watch','match':'b*'}");
    expect_nothing(s);
    join(w, "a1");
    expect_nothing(s);
    join(w, "b1");
    expect(s, "presence", "id=b1");
    expect_nothing(s);
    world_free(w);
}

static void test_bad_watch_keeps_the_old_one(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *s = watcher(w, ",'match':'a*'");
    say(s, "{'type':'watch','match':7,'rid':1}");
    expect(s, "error", "code=invalid_member", "rid=1");
    join(w, "a1");
    expect(s, "presence", "id=a1");
    world_free(w);
}

static void test_unwatch(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *s = join(w, "me");
    say(s, "{'type':'unwatch','rid':1}");
    expect(s, "ack", "rid=1");
    say(s, "{'type':'watch'}");
    join(w, "a");
    expect(s, "presence", "id=a");
    say(s, "{'type':'unwatch','rid':2}");
    expect(s, "ack", "rid=2");
    join(w, "b");
    expect_nothing(s);
    world_free(w);
}

static void test_not_told_of_itself(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *s = watcher(w, ""), *other = watcher(w, "");
    say(s, "{'type':'register','id':'me'}");
    expect(s, "registered");
    expect_nothing(s);
    expect(other, "presence", "event=join", "id=me");
    struct sock *again = join(w, "me");
    expect_closed(s, 4501);
    expect_nothing(again);
    expect(other, "presence", "event=replaced", "id=me");
    say(again, "{'type':'watch'}");
    hang_up(again);
    expect(other, "presence", "event=leave", "id=me");
    expect_nothing(other);
    world_free(w);
}

static void test_rights(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *s = dial(w);
    say(s, "{'type':'watch','rid':1}");
    expect(s, "error", "code=not_registered", "rid=1");
    join(w, "a");
    expect_nothing(s);
    say(s, "{'type':'register','id':'s'}");
    expect(s, "registered");
    say(s, "{'type':'watch','rid':1}");
    expect(s, "ack", "rid=1");
    join(w, "b");
    expect(s, "presence", "id=b");
    world_free(w);
}

static void test_slow_watcher_is_closed_alone(void **state)
{
    (void)state;
    struct hub_conf conf = world_conf();
    conf.limits.queue_msgs = 5;
    struct world *w = world_new_conf(&conf);
    struct sock *slow = watcher(w, ""), *fast = watcher(w, "");
    slow->room = 0;
    char id[16];
    for (int i = 0; i < 10; i++) {
        snprintf(id, sizeof(id), "c%d", i);
        join(w, id);
        expect(fast, "presence", "event=join");
    }
    expect_closed(slow, 4409);
    expect_nothing(fast);
    assert_int_equal(hub_clients(w->hub), 10);
    world_free(w);
}

/* Watchers that fall over each other's leaving, all in one call. */
static void test_watchers_who_overflow_together(void **state)
{
    (void)state;
    enum { N = 30 };
    struct hub_conf conf = world_conf();
    conf.limits.queue_msgs = 2;
    struct world *w = world_new_conf(&conf);
    struct sock *s[N], *x = join(w, "x"), *calm = watcher(w, "");
    char id[16];
    for (int i = 0; i < N; i++) {
        snprintf(id, sizeof(id), "w%d", i);
        s[i] = join(w, id);
    }
    for (int i = 0; i < N; i++) {
        say(s[i], "{'type':'watch'}");
        s[i]->room = 0;
        say(s[i], "{'type':'ping'}");
        say(s[i], "{'type':'ping'}");
    }
    forget_all(w);
    hang_up(x);
    for (int i = 0; i < N; i++) {
        expect_closed(s[i], 4409);
    }
    assert_int_equal(unread(calm), N + 1);
    assert_int_equal(hub_clients(w->hub), 0);
    world_free(w);
}

/* Who watches a role is told when a client takes it or leaves it, by a second registration and by a
 * takeover. */
static void test_role_changes_are_seen(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *eye = dial_local(w), *x = dial(w), *y = dial(w);
    say(eye, "{'type':'watch','role':'camera'}");
    say(x, "{'type':'register','id':'x','role':'camera'}");
    expect(eye, "presence", "event=join", "id=x", "role=camera");
    say(x, "{'type':'register','id':'x','role':'drone'}");
    expect(eye, "presence", "event=leave", "id=x", "role=camera");
    say(x, "{'type':'register','id':'x','role':'camera'}");
    expect(eye, "presence", "event=join", "id=x");
    say(y, "{'type':'register','id':'x','role':'drone'}");
    expect(eye, "presence", "event=leave", "id=x", "role=camera");
    turn(w);
    expect_nothing(eye);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_role_changes_are_seen),
        cmocka_unit_test(test_join_leave_replaced),
        cmocka_unit_test(test_late_close_of_the_replaced_is_no_leave),
        cmocka_unit_test(test_every_way_to_go_is_one_leave),
        cmocka_unit_test(test_match_and_role),
        cmocka_unit_test(test_second_watch_replaces_the_first),
        cmocka_unit_test(test_bad_watch_keeps_the_old_one),
        cmocka_unit_test(test_unwatch),
        cmocka_unit_test(test_not_told_of_itself),
        cmocka_unit_test(test_rights),
        cmocka_unit_test(test_slow_watcher_is_closed_alone),
        cmocka_unit_test(test_watchers_who_overflow_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
