/* SPDX-License-Identifier: MIT
 * STUN and TURN servers: who is told, with which credentials, and when anew. */
#include "tests/core/world.h"

#include <stdlib.h>

#define NOW_S  1764244800 /* the wall clock of a new world */
#define TTL_S  600
#define STUN   "[\"stun:s\"]"
#define TURN   "[\"turn:t?transport=udp\",\"turns:t\"]"
#define TURN_Q "['turn:t?transport=udp','turns:t']"

static struct hub_conf timed(uint64_t ttl_s)
{
    struct hub_conf conf = world_conf();
    conf.heartbeat_us = 0;
    conf.ice = (struct hub_ice){
        .stun = SP_STR(STUN), .turn = SP_STR(TURN), .ttl_us = ttl_s * 1000000, .serial = 1};
    return conf;
}

static struct world *timed_world(uint64_t ttl_s)
{
    struct hub_conf conf = timed(ttl_s);
    return world_new_conf(&conf);
}

/* Checks the user name, the password and the rest of one message; gives its expiry. */
static int64_t check_timed(const char *json, const char *secret, const char *id, int64_t ttl_s)
{
    char text[512], want[512];
    long long expiry = 0;
    assert_true(value_of(json, "iceServers", text, sizeof(text)));
    const char *at = strstr(text, "\"username\":\"");
    assert_non_null(at);
    expiry = strtoll(at + 12, NULL, 10);
    snprintf(want, sizeof(want),
             "[{\"urls\":" STUN "},{\"urls\":" TURN
             ",\"username\":\"%lld:%s\",\"credential\":\"%s(%lld:%s)\"}]",
             expiry, id, secret, expiry, id);
    assert_string_equal(text, want);
    assert_int_equal(number_of(json, "ttl"), ttl_s);
    return expiry;
}

static int64_t now_s(const struct world *w)
{
    return w->now.wall_ms / 1000;
}

/* ---------------------------------------------------------------- who is told */

static void test_nothing_where_nothing_is_configured(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *a = dial(w);
    say(a, "{'type':'register','id':'a'}");
    assert_null(strstr(expect(a, "registered", "!iceServers", "!ttl"), "\"credential"));
    say(a, "{'type':'ice-servers','rid':7}");
    expect_text(a, "{'type':'ice-servers','rid':7,'iceServers':[],"
                   "'timestamp':'2025-11-27T12:00:00.000Z'}");
    advance(w, 3600 * 1000);
    assert_int_equal(unread(a), 0);
    world_free(w);
}

static void test_registered_has_them_in_its_place(void **state)
{
    (void)state;
    struct world *w = timed_world(TTL_S);
    struct sock *a = dial(w);
    say(a, "{'type':'register','id':'a','rid':1}");
    const char *json = expect(a, "registered", "rid=1");
    assert_int_equal(check_timed(json, "key", "a", TTL_S), NOW_S + TTL_S);
    static const char *const order[] = {"\"resume\"", "\"iceServers\"", "\"ttl\"",
                                        "\"server\"", "\"features\"",   "\"timestamp\""};
    const char *at = json;
    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        at = strstr(at, order[i]);
        assert_non_null(at);
    }
    assert_non_null(strstr(json, "\"ice-servers\""));
    world_free(w);
}

static void test_answer_in_all_its_bytes(void **state)
{
    (void)state;
    struct world *w = timed_world(TTL_S);
    struct sock *a = join(w, "a");
    forget(a);
    say(a, "{'type':'ice-servers','rid':'r'}");
    expect_text(a, "{'type':'ice-servers','rid':'r','iceServers':[{'urls':['stun:s']},{'urls':" //
                TURN_Q ",'username':'1764245400:a','credential':'key(1764245400:a)'}],'ttl':600,"
                   "'timestamp':'2025-11-27T12:00:00.000Z'}");
    say(a, "{'type':'ice-servers'}");
    expect(a, "ice-servers", "!rid");
    world_free(w);
}

static void test_nobody_before_register(void **state)
{
    (void)state;
    struct hub_conf conf = timed(1);
    conf.register_us = 60000000;
    for (int auth = 0; auth <= 1; auth++) {
        conf.auth = auth;
        struct world *w = world_new_conf(&conf);
        struct sock *s[] = {dial(w), dial_local(w), auth ? dial_with(w, "id=c;role=admin") : NULL};
        for (size_t i = 0; i < 3 && s[i]; i++) {
            say(s[i], "{'type':'ice-servers','rid':1}");
            const char *json = expect(s[i], "error", "code=not_registered", "rid=1");
            assert_null(strstr(json, "iceServers"));
            say(s[i], "{'type':'monitor','rid':2}");
            forget(s[i]);
        }
        advance(w, 20000);
        for (size_t i = 0; i < 3 && s[i]; i++) {
            while (unread(s[i])) {
                expect(s[i], "events");
            }
        }
        world_free(w);
    }
}

static void test_a_token_is_enough(void **state)
{
    (void)state;
    struct hub_conf conf = timed(TTL_S);
    conf.auth = true;
    struct world *w = world_new_conf(&conf);
    struct sock *a = dial_with(w, "id=a;role=of-no-right");
    say(a, "{'type':'register','id':'a'}");
    check_timed(expect(a, "registered"), "key", "a", TTL_S);
    say(a, "{'type':'ice-servers'}");
    check_timed(expect(a, "ice-servers"), "key", "a", TTL_S);
    struct sock *b = dial(w);
    say(b, "{'type':'register','id':'b','token':'nonsense'}");
    assert_null(strstr(expect(b, "error", "code=unauthorized"), "key("));
    expect_closed(b, 1008);
    world_free(w);
}

static void test_credentials_are_in_no_event(void **state)
{
    (void)state;
    struct world *w = timed_world(1);
    struct sock *m = dial_local(w), *a = join(w, "a");
    say(m, "{'type':'monitor','rid':1}");
    say(a, "{'type':'ice-servers'}");
    advance(w, 5000);
    assert_true(w->events.n > 0);
    for (size_t i = 0; i < w->events.n; i++) {
        assert_null(strstr(w->events.v[i].p, "key("));
    }
    for (size_t i = 0; i < m->in.n; i++) {
        assert_null(strstr(m->in.v[i].p, "key("));
    }
    world_free(w);
}

/* ---------------------------------------------------------------- what they hold */

static void test_full_seconds_are_rounded_up(void **state)
{
    (void)state;
    struct world *w = timed_world(TTL_S);
    stall(w, 1);
    struct sock *a = dial(w);
    say(a, "{'type':'register','id':'a'}");
    assert_int_equal(check_timed(expect(a, "registered"), "key", "a", TTL_S), NOW_S + TTL_S + 1);
    world_free(w);
}

static void test_longest_id(void **state)
{
    (void)state;
    char id[SP_ID_MAX + 1];
    struct hub_conf conf = timed(TTL_S);
    memset(id, 'x', SP_ID_MAX);
    id[SP_ID_MAX] = '\0';
    conf.ice.username = SP_STR("u\"ser");
    conf.ice.credential = SP_STR("p\\w");
    struct world *w = world_new_conf(&conf);
    struct sock *a = dial(w);
    say(a, "{'type':'register','id':'%s'}", id);
    char text[256];
    const char *json = expect(a, "registered", "!ttl");
    assert_true(value_of(json, "iceServers", text, sizeof(text)));
    assert_string_equal(text, "[{\"urls\":" STUN "},{\"urls\":" TURN
                              ",\"username\":\"u\\\"ser\",\"credential\":\"p\\\\w\"}]");
    advance(w, 100 * 3600 * 1000);
    assert_int_equal(unread(a), 0);
    world_free(w);
}

static void test_stun_alone_has_no_end(void **state)
{
    (void)state;
    struct hub_conf conf = timed(TTL_S);
    conf.ice.turn.n = 0;
    struct world *w = world_new_conf(&conf);
    struct sock *a = dial(w);
    say(a, "{'type':'register','id':'a'}");
    expect(a, "registered", "iceServers=[{\"urls\":" STUN "}]", "!ttl");
    advance(w, 3 * TTL_S * 1000);
    assert_int_equal(unread(a), 0);
    world_free(w);
}

/* ---------------------------------------------------------------- anew, before the end */

static void test_told_anew_before_the_end(void **state)
{
    (void)state;
    struct world *w = timed_world(TTL_S);
    struct sock *a = dial(w);
    say(a, "{'type':'register','id':'a','rid':5}");
    int64_t end = check_timed(expect(a, "registered"), "key", "a", TTL_S);
    for (int i = 0; i < 5; i++) {
        int64_t from = now_s(w);
        advance(w, TTL_S * 1000 * 7 / 10 - 100);
        assert_int_equal(unread(a), 0);
        while (unread(a) == 0) {
            advance(w, 100);
        }
        assert_in_range(now_s(w) - from, TTL_S * 7 / 10 - 1, TTL_S * 8 / 10 + 1);
        assert_true(now_s(w) < end);
        end = check_timed(expect(a, "ice-servers", "!rid"), "key", "a", TTL_S);
        assert_in_range(end - now_s(w), TTL_S, TTL_S + 1);
    }
    world_free(w);
}

static void test_shortest_life(void **state)
{
    (void)state;
    struct world *w = timed_world(1);
    struct sock *a = join(w, "a");
    forget(a);
    advance(w, 30000);
    assert_in_range(unread(a), 36, 43);
    world_free(w);
}

static void test_who_asks_is_told_later(void **state)
{
    (void)state;
    struct world *w = timed_world(TTL_S);
    struct sock *a = join(w, "a");
    advance(w, TTL_S * 500);
    forget(a);
    say(a, "{'type':'ice-servers'}");
    expect(a, "ice-servers");
    advance(w, TTL_S * 690);
    assert_int_equal(unread(a), 0);
    say(a, "{'type':'register','id':'a'}");
    expect(a, "registered");
    advance(w, TTL_S * 690);
    assert_int_equal(unread(a), 0);
    advance(w, TTL_S * 120);
    expect(a, "ice-servers");
    expect_nothing(a);
    world_free(w);
}

/* A thousand that came together are not told together. */
static void test_spread(void **state)
{
    (void)state;
    enum { CLIENTS = 1000, BINS = 20 };
    struct world *w = timed_world(TTL_S);
    struct sock *s[CLIENTS];
    for (int i = 0; i < CLIENTS; i++) {
        char id[16];
        snprintf(id, sizeof(id), "c%d", i);
        s[i] = join(w, id);
        forget(s[i]);
    }
    advance(w, TTL_S * 700);
    size_t before = 0;
    for (int b = 0; b < BINS; b++) {
        advance(w, TTL_S * 100 / BINS);
        size_t told = 0;
        for (int i = 0; i < CLIENTS; i++) {
            told += unread(s[i]);
        }
        assert_in_range(told - before, CLIENTS / BINS / 3, CLIENTS / BINS * 3);
        before = told;
    }
    advance(w, 100);
    for (int i = 0; i < CLIENTS; i++) {
        expect(s[i], "ice-servers");
    }
    world_free(w);
}

static void test_who_has_gone_is_not_told(void **state)
{
    (void)state;
    struct world *w = timed_world(TTL_S);
    w->linger = true;
    struct sock *a = join(w, "a"), *old = join(w, "b"), *slow = join(w, "c");
    forget_all(w);
    hang_up(a);
    struct sock *b = join(w, "b");
    slow->room = 0;
    advance(w, 1000);
    assert_int_equal(old->closes, 1);
    forget_all(w);
    advance(w, TTL_S * 1000);
    assert_int_equal(unread(a) + unread(old), 0);
    expect(b, "ice-servers");
    give_room(slow, -1);
    expect_closed(slow, 4409); /* what it was to be told did not go out in 10 s */
    world_free(w);
}

/* The wall clock is set: what clients hold ends by another one. */
static void test_clock_that_is_set(void **state)
{
    (void)state;
    static const int64_t steps[] = {2 * TTL_S * 1000, -3 * TTL_S * 1000};
    for (size_t i = 0; i < 2; i++) {
        struct world *w = timed_world(TTL_S);
        struct sock *a = join(w, "a");
        advance(w, 10000);
        forget(a);
        set_wall(w, steps[i]);
        advance(w, 6100);
        int64_t end = check_timed(expect(a, "ice-servers"), "key", "a", TTL_S);
        assert_in_range(end - now_s(w), TTL_S - 7, TTL_S + 1);
        expect_nothing(a);
        set_wall(w, 100); /* no more than noise */
        advance(w, 10000);
        assert_int_equal(unread(a), 0);
        world_free(w);
    }
}

/* ---------------------------------------------------------------- reload */

static void test_reload_with_another_secret(void **state)
{
    (void)state;
    struct world *w = timed_world(TTL_S);
    struct sock *a = join(w, "a"), *b = join(w, "b"), *open = dial(w);
    struct hub_conf conf = timed(TTL_S);
    forget_all(w);
    hub_reconf(w->hub, &conf, w->now);
    advance(w, 6000);
    assert_int_equal(unread(a) + unread(b), 0);
    conf.ice.serial = 2;
    w->turn_secret = "new";
    hub_reconf(w->hub, &conf, w->now);
    assert_int_equal(unread(a), 0);
    advance(w, 5100);
    check_timed(expect(a, "ice-servers"), "new", "a", TTL_S);
    check_timed(expect(b, "ice-servers"), "new", "b", TTL_S);
    assert_int_equal(unread(a) + unread(b) + unread(open), 0);
    world_free(w);
}

static void test_reload_that_shortens_their_life(void **state)
{
    (void)state;
    struct world *w = timed_world(TTL_S);
    struct sock *a = join(w, "a");
    struct hub_conf conf = timed(10);
    conf.ice.serial = 2;
    forget(a);
    hub_reconf(w->hub, &conf, w->now);
    advance(w, 1100);
    check_timed(expect(a, "ice-servers"), "key", "a", 10);
    advance(w, 9000);
    expect(a, "ice-servers");
    expect_nothing(a);
    world_free(w);
}

static void test_reload_with_none_and_back(void **state)
{
    (void)state;
    struct world *w = timed_world(TTL_S);
    struct sock *a = join(w, "a");
    struct hub_conf conf = timed(TTL_S), none = timed(TTL_S);
    none.ice = (struct hub_ice){.serial = 2};
    forget(a);
    hub_reconf(w->hub, &none, w->now);
    advance(w, 5100);
    expect(a, "ice-servers", "iceServers=[]", "!ttl");
    advance(w, 3 * TTL_S * 1000);
    assert_int_equal(unread(a), 0);
    conf.ice.serial = 3;
    hub_reconf(w->hub, &conf, w->now);
    advance(w, 5100);
    check_timed(expect(a, "ice-servers"), "key", "a", TTL_S);
    expect_nothing(a);
    world_free(w);
}

/* ---------------------------------------------------------------- what cannot be made */

static void test_credential_that_cannot_be_made(void **state)
{
    (void)state;
    struct world *w = timed_world(TTL_S);
    w->no_credentials = true;
    struct sock *a = dial(w);
    say(a, "{'type':'register','id':'a'}");
    expect(a, "registered", "iceServers=[{\"urls\":" STUN "}]", "!ttl");
    say(a, "{'type':'ice-servers','rid':3}");
    expect(a, "error", "code=internal", "retryable=true", "rid=3");
    advance(w, 10000);
    assert_int_equal(unread(a), 0);
    w->no_credentials = false;
    advance(w, 1100);
    check_timed(expect(a, "ice-servers", "!rid"), "key", "a", TTL_S);
    advance(w, TTL_S * 690);
    expect_nothing(a);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_where_nothing_is_configured),
        cmocka_unit_test(test_registered_has_them_in_its_place),
        cmocka_unit_test(test_answer_in_all_its_bytes),
        cmocka_unit_test(test_nobody_before_register),
        cmocka_unit_test(test_a_token_is_enough),
        cmocka_unit_test(test_credentials_are_in_no_event),
        cmocka_unit_test(test_full_seconds_are_rounded_up),
        cmocka_unit_test(test_longest_id),
        cmocka_unit_test(test_stun_alone_has_no_end),
        cmocka_unit_test(test_told_anew_before_the_end),
        cmocka_unit_test(test_shortest_life),
        cmocka_unit_test(test_who_asks_is_told_later),
        cmocka_unit_test(test_spread),
        cmocka_unit_test(test_who_has_gone_is_not_told),
        cmocka_unit_test(test_clock_that_is_set),
        cmocka_unit_test(test_reload_with_another_secret),
        cmocka_unit_test(test_reload_that_shortens_their_life),
        cmocka_unit_test(test_reload_with_none_and_back),
        cmocka_unit_test(test_credential_that_cannot_be_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
