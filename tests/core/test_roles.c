/* SPDX-License-Identifier: MIT
 * Roles in motion: what is taken away is gone at once, and each sees only what it may. */
#include "tests/core/world.h"

#include <stdlib.h>

#define TICK 70u

static struct world *auth_world(void)
{
    struct hub_conf conf = world_conf();
    conf.auth = true;
    return world_new_conf(&conf);
}

static struct sock *enter(struct world *w, const char *id, const char *role)
{
    char token[128], want[64];
    snprintf(token, sizeof(token), "id=%s;role=%s", id, role);
    snprintf(want, sizeof(want), "id=%s", id);
    struct sock *s = dial_with(w, token);
    say(s, "{'type':'register','id':'%s'}", id);
    expect(s, "registered", want);
    return s;
}

static void renew(struct sock *s, const char *id, const char *role)
{
    say(s, "{'type':'register','id':'%s','token':'id=%s;role=%s','rid':'renew'}", id, id, role);
}

static void reload(struct world *w, const char *const *lines, unsigned n)
{
    struct rights r;
    unsigned bad;
    char why[128];
    struct hub_conf conf = w->conf;
    assert_true(rights_parse(&r, lines, n, &bad, why, sizeof(why)));
    conf.rights = &r;
    hub_reconf(w->hub, &conf, w->now);
}

static void expect_powerless(struct sock *s, const char *other)
{
    static const char *const words[] = {"list",  "watch", "monitor", "sessions",
                                        "stats", "drain", "reload"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        say(s, "{'type':'%s','rid':1}", words[i]);
        expect(s, "error", "code=forbidden", "rid=1");
    }
    say(s, "{'type':'kick','target':'%s'}", other);
    expect(s, "error", "code=forbidden");
    say(s, "{'type':'offer','target':'%s','sdp':'v'}", other);
    expect(s, "error", "code=forbidden");
    say(s, "{'type':'bye','target':'%s'}", other);
    expect(s, "error", "code=forbidden");
}

static void expect_stripped(struct world *w, struct sock *s, struct sock *other)
{
    expect(s, "error", "code=forbidden", "!rid");
    assert_int_equal(hub_monitors(w->hub), 0);
    hang_up(join_with(w, "x", ",'token':'id=x;role=drone'"));
    advance(w, 100);
    expect_nothing(s);
    expect_powerless(s, "d");
    expect_nothing(other);
    expect_nothing(s);
}

/* A role that the new table gives nothing, or does not know any more, may nothing from now on. */
static void test_role_taken_away(void **state)
{
    (void)state;
    static const char *const pilot[] = {"pilot all"}, *const none[] = {"pilot none"};
    for (unsigned removed = 0; removed < 2; removed++) {
        struct world *w = auth_world();
        reload(w, pilot, 1);
        struct sock *d = enter(w, "d", "drone"), *p = enter(w, "p", "pilot");
        call(p, d, "p", "d");
        say(p, "{'type':'monitor'}");
        say(p, "{'type':'watch'}");
        advance(w, 100);
        forget_all(w);
        reload(w, none, !removed);
        expect_stripped(w, p, d);
        reload(w, pilot, 1);
        expect_nothing(p);
        enter(w, "y", "drone");
        expect(p, "presence", "id=y");
        assert_int_equal(hub_monitors(w->hub), 0);
        world_free(w);
    }
}

/* An own token of a lesser role kept the stream of a greater one running, beyond its end even. */
static void test_monitor_ends_with_a_lesser_token(void **state)
{
    (void)state;
    struct world *w = auth_world();
    struct sock *d = enter(w, "d", "drone"), *a = enter(w, "a", "admin");
    say(a, "{'type':'monitor'}");
    say(a, "{'type':'watch'}");
    advance(w, 100);
    forget_all(w);
    renew(a, "a", "camera");
    expect(a, "error", "code=forbidden", "!rid");
    expect(a, "registered", "rid=renew");
    assert_int_equal(hub_monitors(w->hub), 0);
    hang_up(d);
    advance(w, 100);
    expect_nothing(a);
    world_free(w);
}

static void test_monitor_stays_with_an_equal_token(void **state)
{
    (void)state;
    struct world *w = auth_world();
    struct sock *a = enter(w, "a", "admin");
    say(a, "{'type':'monitor'}");
    renew(a, "a", "monitor");
    expect(a, "registered", "rid=renew");
    assert_int_equal(hub_monitors(w->hub), 1);
    advance(w, 100);
    expect(a, "events");
    world_free(w);
}

/* Without its right a watch is no reason to stay unregistered for ever. */
static void test_watcher_without_right_has_a_deadline(void **state)
{
    (void)state;
    static const char *const pilot[] = {"pilot watch,list"}, *const none[] = {"pilot none"};
    struct world *w = auth_world();
    reload(w, pilot, 1);
    struct sock *p = dial_with(w, "id=p;role=pilot");
    say(p, "{'type':'watch'}");
    advance(w, 25000);
    reload(w, none, 1);
    uint64_t start = w->now.mono_us;
    advance(w, 9900);
    assert_int_equal(p->closes, 0);
    advance(w, 100 + TICK);
    expect_closed(p, 4408);
    assert_true(p->closed_us >= start + 10000000);
    world_free(w);
}

static void test_monitor_without_right_has_a_deadline(void **state)
{
    (void)state;
    static const char *const pilot[] = {"pilot monitor"};
    struct world *w = auth_world();
    reload(w, pilot, 1);
    struct sock *p = dial_with(w, "id=p;role=pilot");
    say(p, "{'type':'monitor'}");
    advance(w, 25000);
    forget(p);
    reload(w, NULL, 0);
    expect(p, "error", "code=forbidden");
    advance(w, 9900);
    expect_nothing(p);
    advance(w, 100 + TICK);
    expect_closed(p, 4408);
    world_free(w);
}

static void crowd(struct world *w, int n)
{
    static const char *const roles[] = {"drone", "camera", "operator", "monitor", "admin", "pilot"};
    for (int i = 0; i < n; i++) {
        char id[32];
        const char *role = roles[world_random(w, 6)];
        snprintf(id, sizeof(id), "%s-%d", role, i);
        forget(enter(w, id, role));
    }
}

static int count_ids(const char *list, const char *part)
{
    int n = 0;
    for (const char *at = list; (at = strstr(at, part)); at++) {
        n++;
    }
    return n;
}

/* Walks all pages; gives how many ids there were. The count is that of what may be seen. */
static int walk(struct sock *s, int limit, const char *more)
{
    char next[SP_ID_MAX + 1] = "", after[SP_ID_MAX + 16] = "";
    int seen = 0;
    int64_t total = -1;
    do {
        say(s, "{'type':'list','limit':%d%s%s}", limit, more, after);
        const char *list = expect(s, "clients");
        int n = count_in(list, "clients");
        assert_true(n <= limit);
        assert_int_equal(count_ids(list, "monitor-") + count_ids(list, "admin-") +
                             count_ids(list, "pilot-") + count_ids(list, "drone-"),
                         0);
        assert_true(total == -1 || total == number_of(list, "count"));
        total = number_of(list, "count");
        seen += n;
        bool ended = !value_of(list, "next", next, sizeof(next));
        snprintf(after, sizeof(after), ",'after':'%s'", next);
        if (ended) {
            break;
        }
        assert_int_equal(n, limit);
    } while (true);
    assert_int_equal(seen, total);
    return seen;
}

static void test_lists_show_what_may_be_seen(void **state)
{
    (void)state;
    struct world *w = auth_world();
    struct sock *boss = enter(w, "boss", "admin"), *d = enter(w, "d0", "drone");
    crowd(w, 300);
    forget_all(w);
    say(boss, "{'type':'list'}");
    const char *all = expect(boss, "clients", "count=302");
    int cameras = count_ids(all, "camera-"), operators = count_ids(all, "operator-");
    static const int limits[] = {1, 7, 1000};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(walk(d, limits[i], ""), cameras + operators);
        assert_int_equal(walk(d, limits[i], ",'match':'c*'"), cameras);
        assert_int_equal(walk(d, limits[i], ",'role':'operator'"), operators);
        assert_int_equal(walk(d, limits[i], ",'role':'admin'"), 0);
        assert_int_equal(walk(d, limits[i], ",'match':'boss'"), 0);
        assert_int_equal(walk(d, limits[i], ",'match':'d0'"), 0);
    }
    world_free(w);
}

static void test_watchers_are_told_what_they_may_see(void **state)
{
    (void)state;
    struct world *w = auth_world();
    struct sock *o = enter(w, "o", "operator"), *d = enter(w, "d", "drone");
    say(o, "{'type':'watch'}");
    say(d, "{'type':'watch'}");
    forget_all(w);
    struct sock *c = enter(w, "c", "camera");
    expect(o, "presence", "event=join", "id=c", "role=camera");
    expect(d, "presence", "event=join", "id=c", "role=camera");
    /* it turns into what the drone may not see: for the drone it leaves, as what it was */
    renew(c, "c", "monitor");
    expect_nothing(o);
    expect(d, "presence", "event=leave", "id=c", "role=camera");
    renew(c, "c", "admin");
    expect_nothing(d);
    hang_up(c);
    expect(o, "presence", "event=leave", "id=c", "role=admin");
    c = enter(w, "c", "monitor");
    expect(o, "presence", "event=join", "id=c", "role=monitor");
    renew(c, "c", "camera");
    expect(d, "presence", "event=join", "id=c", "role=camera");
    /* another connection takes the id with another role */
    struct sock *again = enter(w, "c", "drone");
    expect(d, "presence", "event=leave", "id=c", "role=camera");
    expect(o, "presence", "event=replaced", "id=c", "role=drone");
    hang_up(again);
    expect_nothing(d);
    expect(o, "presence", "event=leave", "id=c", "role=drone");
    expect_nothing(o);
    world_free(w);
}

static void test_filtered_watch_and_a_new_role(void **state)
{
    (void)state;
    struct world *w = auth_world();
    struct sock *o = enter(w, "o", "operator");
    say(o, "{'type':'watch','role':'camera'}");
    struct sock *c = enter(w, "c", "camera");
    expect(o, "presence", "event=join", "id=c");
    renew(c, "c", "drone");
    expect(o, "presence", "event=leave", "id=c", "role=camera");
    renew(c, "c", "camera");
    expect(o, "presence", "event=join", "id=c", "role=camera");
    renew(c, "c", "camera");
    expect_nothing(o);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_role_taken_away),
        cmocka_unit_test(test_monitor_ends_with_a_lesser_token),
        cmocka_unit_test(test_monitor_stays_with_an_equal_token),
        cmocka_unit_test(test_watcher_without_right_has_a_deadline),
        cmocka_unit_test(test_monitor_without_right_has_a_deadline),
        cmocka_unit_test(test_lists_show_what_may_be_seen),
        cmocka_unit_test(test_watchers_are_told_what_they_may_see),
        cmocka_unit_test(test_filtered_watch_and_a_new_role),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
