/* SPDX-License-Identifier: MIT
 * Putting an end to it: kick, drain with goaway, reload. */
#include "tests/core/world.h"

#include <stdlib.h>

static struct sock *admin_of(struct world *w)
{
    return w->conf.auth ? dial_with(w, "id=boss;role=admin") : dial_local(w);
}

static struct world *auth_world(void)
{
    struct hub_conf conf = world_conf();
    conf.auth = true;
    return world_new_conf(&conf);
}

static struct sock *enter(struct world *w, const char *id, const char *role)
{
    char token[96];
    snprintf(token, sizeof(token), "id=%s;role=%s", id, role);
    struct sock *s = dial_with(w, token);
    say(s, "{'type':'register','id':'%s'}", id);
    expect(s, "registered");
    return s;
}

/* ---- kick */

static void test_kick(void **state)
{
    (void)state;
    struct world *w = auth_world();
    struct sock *boss = admin_of(w), *d = enter(w, "d", "drone"), *o = enter(w, "o", "operator");
    call(d, o, "d", "o");
    say(boss, "{'type':'kick','target':'d','reason':'noisy','rid':3}");
    expect(boss, "ack", "rid=3");
    expect_closed(d, 4502);
    expect(o, "bye", "from=d", "reason=kicked");
    expect_event(w, "admin", "kind=kick", "to=d", "id=boss", "reason=noisy", "!code");
    expect_event(w, "session_end", "reason=kicked", "id=d");
    expect_event(w, "disconnect", "id=d", "reason=4502 kicked");
    assert_int_equal(hub_clients(w->hub), 1);
    say(boss, "{'type':'kick','target':'d','rid':4}");
    expect(boss, "error", "code=target_not_found", "rid=4", "target=d");
    /* it may come back: a kick is no revocation */
    enter(w, "d", "drone");
    world_free(w);
}

static void test_kick_oneself(void **state)
{
    (void)state;
    struct world *w = auth_world();
    struct sock *boss = enter(w, "boss", "admin");
    say(boss, "{'type':'kick','target':'boss','rid':1}");
    expect(boss, "ack", "rid=1");
    expect_closed(boss, 4502);
    assert_int_equal(hub_clients(w->hub), 0);
    world_free(w);
}

static void test_kick_what_is_hidden(void **state)
{
    (void)state;
    static const char *const lines[] = {"guard kick>drone", "scout kick>drone list>drone,admin"};
    struct rights r;
    unsigned bad;
    char why[128];
    struct hub_conf conf = world_conf();
    assert_true(rights_parse(&r, lines, 2, &bad, why, sizeof(why)));
    conf.auth = true;
    conf.rights = &r;
    struct world *w = world_new_conf(&conf);
    struct sock *guard = dial_with(w, "id=g;role=guard"), *a = enter(w, "a", "admin");
    struct sock *scout = dial_with(w, "id=s;role=scout"), *d = enter(w, "d", "drone");
    say(guard, "{'type':'kick','target':'a'}");
    expect_text(guard, "{'type':'error','code':'target_not_found',"
                       "'message':'Target client not found','details':'a is not registered',"
                       "'retryable':true,'target':'a','timestamp':'2025-11-27T12:00:00.000Z'}");
    expect_event(w, "deliver_error", "kind=kick", "code=forbidden", "to=a");
    say(scout, "{'type':'kick','target':'a'}");
    expect(scout, "error", "code=forbidden", "target=a");
    expect_nothing(a);
    say(guard, "{'type':'kick','target':'d'}");
    expect_closed(d, 4502);
    world_free(w);
}

/* ---- drain, reload */

static void test_drain_is_asked_for_once(void **state)
{
    (void)state;
    struct world *w = auth_world();
    struct sock *boss = admin_of(w), *d = enter(w, "d", "drone");
    say(d, "{'type':'drain','rid':1}");
    expect(d, "error", "code=forbidden", "rid=1");
    assert_int_equal(w->drains, 0);
    say(boss, "{'type':'drain','rid':2}");
    expect(boss, "ack", "rid=2");
    assert_int_equal(w->drains, 1);
    expect_nothing(d);
    expect_event(w, "admin", "kind=drain", "id=boss", "!code");
    world_free(w);
}

static void test_reload(void **state)
{
    (void)state;
    struct world *w = auth_world();
    struct sock *boss = admin_of(w), *d = enter(w, "d", "drone");
    say(d, "{'type':'reload'}");
    expect(d, "error", "code=forbidden");
    say(boss, "{'type':'reload','rid':1}");
    expect(boss, "ack", "rid=1");
    expect_event(w, "admin", "kind=reload", "id=boss", "!code");
    assert_int_equal(w->reloads, 1);
    w->reload_fails = "sigd.conf:7: unknown key 'prot'";
    say(boss, "{'type':'reload','rid':2}");
    expect(boss, "error", "code=internal", "rid=2",
           "details=nothing was changed: sigd.conf:7: unknown key 'prot'");
    expect_event(w, "admin", "kind=reload", "code=internal");
    assert_int_equal(w->reloads, 2);
    /* it is one error, although it is told in two events */
    assert_int_equal(hub_counts(w->hub)->errors[SP_INTERNAL], 1);
    expect_nothing(d);
    world_free(w);
}

/* The one who asks may lose all rights by what it asks for; the answer still comes. */
static void test_reload_that_takes_the_right_to_reload(void **state)
{
    (void)state;
    static const char *const lines[] = {"admin none"};
    struct rights r;
    unsigned bad;
    char why[128];
    struct world *w = auth_world();
    struct sock *boss = admin_of(w);
    assert_true(rights_parse(&r, lines, 1, &bad, why, sizeof(why)));
    w->conf.rights = &r;
    say(boss, "{'type':'monitor','filter':'event=drain'}");
    say(boss, "{'type':'reload','rid':1}");
    expect(boss, "error", "code=forbidden", "!rid");
    expect(boss, "ack", "rid=1");
    say(boss, "{'type':'reload','rid':2}");
    expect(boss, "error", "code=forbidden", "rid=2");
    assert_int_equal(w->reloads, 1);
    world_free(w);
}

static void test_reload_that_revokes_who_asked(void **state)
{
    (void)state;
    struct world *w = auth_world();
    struct sock *boss = dial_with(w, "id=boss;role=admin;key=7");
    w->revoked_key = 7;
    say(boss, "{'type':'reload','rid':1}");
    expect_closed(boss, 4503);
    world_free(w);
}

/* ---- goaway */

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void test_goaway_spreads_them(void **state)
{
    (void)state;
    enum { N = 2000, WINDOW = 10000, BINS = 20 };
    struct hub_conf conf = world_conf();
    conf.reconnect_us = WINDOW * 1000;
    struct world *w = world_new_conf(&conf);
    static int64_t after[N];
    int64_t bins[BINS] = {0}, chi = 0;
    for (int i = 0; i < N; i++) {
        dial(w);
    }
    hub_drain(w->hub, w->now);
    for (int i = 0; i < N; i++) {
        after[i] =
            number_of(expect(w->socks[i], "goaway", "reason=drain", "!rid"), "reconnectAfter");
        assert_in_range(after[i], 0, WINDOW - 1);
        bins[after[i] / (WINDOW / BINS)]++;
        expect_closed(w->socks[i], 1001);
    }
    qsort(after, N, sizeof(after[0]), by_value);
    assert_true(after[0] < 100 && after[N - 1] > WINDOW - 100);
    assert_in_range(after[N / 4], 2200, 2800);
    assert_in_range(after[N / 2], 4600, 5400);
    assert_in_range(after[N * 3 / 4], 7200, 7800);
    for (int i = 0; i < BINS; i++) {
        chi += (bins[i] - N / BINS) * (bins[i] - N / BINS);
    }
    /* chi-square, 19 degrees of freedom: above 43.8 once in a thousand */
    assert_true(chi < 438 * (N / BINS) / 10);
    world_free(w);
}

static void test_goaway_without_a_window(void **state)
{
    (void)state;
    static const uint64_t windows[] = {0, 999, 1000, 1999};
    for (size_t i = 0; i < 4; i++) {
        struct hub_conf conf = world_conf();
        conf.reconnect_us = windows[i];
        struct world *w = world_new_conf(&conf);
        struct sock *s = join(w, "a");
        say(s, "{'type':'ping','rid':9}");
        forget(s);
        hub_drain(w->hub, w->now);
        expect_text(s, "{'type':'goaway','reason':'drain','reconnectAfter':0,"
                       "'timestamp':'2025-11-27T12:00:00.000Z'}");
        expect_closed(s, 1001);
        expect_event(w, "drain", "!code");
        world_free(w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kick),
        cmocka_unit_test(test_kick_oneself),
        cmocka_unit_test(test_kick_what_is_hidden),
        cmocka_unit_test(test_drain_is_asked_for_once),
        cmocka_unit_test(test_reload),
        cmocka_unit_test(test_reload_that_takes_the_right_to_reload),
        cmocka_unit_test(test_reload_that_revokes_who_asked),
        cmocka_unit_test(test_goaway_spreads_them),
        cmocka_unit_test(test_goaway_without_a_window),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
