/* SPDX-License-Identifier: MIT
 * How long a grant lasts: its end, renewal, revocation; and what an address that fails may. */
#include "tests/core/world.h"

#define TICK     70u
#define HOUR_MS  3600000
#define START_MS 1764244800000

static struct hub_conf auth_conf(void)
{
    struct hub_conf conf = world_conf();
    conf.auth = true;
    return conf;
}

static struct world *auth_world(void)
{
    struct hub_conf conf = auth_conf();
    return world_new_conf(&conf);
}

static struct sock *enter(struct world *w, const char *id, const char *claims)
{
    char token[128];
    snprintf(token, sizeof(token), "id=%s;%s", id, claims);
    struct sock *s = dial_with(w, token);
    say(s, "{'type':'register','id':'%s'}", id);
    expect(s, "registered");
    return s;
}

static struct sock *enter_until(struct world *w, const char *id, int64_t ms)
{
    char claims[64];
    snprintf(claims, sizeof(claims), "role=drone;exp=%lld", (long long)(w->now.wall_ms + ms));
    return enter(w, id, claims);
}

/* Lets time pass with answers to pings. */
static void live(struct world *w, struct sock *s, uint64_t ms)
{
    for (; ms > 0; ms -= ms < 10000 ? ms : 10000) {
        advance(w, ms < 10000 ? ms : 10000);
        hub_alive(w->hub, s->ref, w->now);
    }
}

static void expect_expiry(struct world *w, struct sock *s, uint64_t ms)
{
    live(w, s, ms - 1);
    expect_nothing(s);
    advance(w, 1 + TICK);
    expect_closed(s, 4503);
    assert_string_equal(s->close_reason, "token expired");
}

static void test_end(void **state)
{
    (void)state;
    static const uint64_t ends[] = {1, 2, 999, 5000, 29999, 30000, 30001, 90000, 24 * HOUR_MS};
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        struct world *w = auth_world();
        expect_expiry(w, enter_until(w, "a", (int64_t)ends[i]), ends[i]);
        world_free(w);
    }
}

static void test_end_without_heartbeat_or_register(void **state)
{
    (void)state;
    struct hub_conf conf = auth_conf();
    conf.heartbeat_us = 0;
    struct world *w = world_new_conf(&conf);
    char token[64];
    snprintf(token, sizeof(token), "id=m;role=monitor;exp=%lld",
             (long long)(w->now.wall_ms + HOUR_MS));
    struct sock *s = enter_until(w, "a", HOUR_MS), *m = dial_with(w, token);
    say(m, "{'type':'monitor','filter':'event=drain'}");
    advance(w, HOUR_MS - 1);
    expect_nothing(s);
    expect_nothing(m);
    advance(w, 1 + TICK);
    expect_closed(s, 4503);
    expect_closed(m, 4503);
    world_free(w);
}

static void test_end_in_the_past(void **state)
{
    (void)state;
    static const long long ends[] = {0, -1, 1, START_MS - 1, START_MS};
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        struct world *w = auth_world();
        char claims[64];
        snprintf(claims, sizeof(claims), "role=drone;exp=%lld", ends[i]);
        struct sock *s = enter(w, "a", claims);
        advance(w, TICK);
        expect_closed(s, 4503);
        assert_int_equal(hub_clients(w->hub), 0);
        world_free(w);
    }
}

static void test_ends_beyond_all_clocks(void **state)
{
    (void)state;
    /* the fourth is 2^64 us from now, and a little */
    static const int64_t ends[] = {INT64_MAX,
                                   INT64_MAX - 1,
                                   INT64_MAX / 1000 + 1,
                                   START_MS + INT64_C(18446744073709552),
                                   INT64_C(9007199254740991),
                                   INT64_C(253402300800000)};
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        struct world *w = auth_world();
        const struct hub_grant grant = {.id = SP_STR("a"), .expires_ms = ends[i], .how = "token"};
        struct sock *s = dial_peer(w, &(struct hub_peer){.addr = SP_STR("unix"), .grant = &grant});
        say(s, "{'type':'register','id':'a'}");
        expect(s, "registered");
        turn(w);
        assert_true(w->due >= w->now.mono_us + 1000000);
        live(w, s, 100000);
        expect_nothing(s);
        world_free(w);
    }
}

/* Tokens end by the wall clock, whoever sets it, and not by how long they were there. */
static void test_end_when_the_wall_clock_is_set(void **state)
{
    (void)state;
    for (int beating = 0; beating < 2; beating++) {
        struct hub_conf conf = auth_conf();
        conf.heartbeat_us = beating ? conf.heartbeat_us : 0;
        struct world *w = world_new_conf(&conf);
        struct sock *s = enter_until(w, "a", HOUR_MS);
        advance(w, 1000);
        set_wall(w, HOUR_MS - 6000);
        live(w, s, 4999);
        expect_nothing(s);
        /* back again, twice */
        set_wall(w, -HOUR_MS);
        live(w, s, HOUR_MS / 2);
        set_wall(w, -HOUR_MS / 2);
        live(w, s, HOUR_MS - 1);
        expect_nothing(s);
        advance(w, 2 + TICK);
        expect_closed(s, 4503);
        struct sock *t = enter_until(w, "a", HOUR_MS);
        advance(w, 500);
        /* nothing wakes the hub when the clock is set, so it looks */
        assert_true(w->due <= w->now.mono_us + 1000000);
        set_wall(w, HOUR_MS);
        advance(w, 1000);
        expect_closed(t, 4503);
        world_free(w);
    }
}

/* A clock that is slewed is a clock that was set in small steps. */
static void test_end_when_the_wall_clock_runs_fast(void **state)
{
    (void)state;
    struct world *w = auth_world();
    struct sock *s = enter_until(w, "a", HOUR_MS);
    int64_t end = w->now.wall_ms + HOUR_MS;
    while (w->now.wall_ms + 1000 < end) {
        expect_nothing(s);
        live(w, s, 1000);
        set_wall(w, 50);
    }
    advance(w, 2000);
    expect_closed(s, 4503);
    world_free(w);
}

static void renew(struct sock *s, const char *token)
{
    say(s, "{'type':'register','id':'a','token':'%s','rid':'renew'}", token);
}

static void test_renewal_keeps_it_alive(void **state)
{
    (void)state;
    struct world *w = auth_world();
    struct sock *s = enter_until(w, "a", 60000), *o = enter(w, "o", "role=operator");
    say(s, "{'type':'offer','target':'o','sdp':'v'}");
    char token[96];
    for (int i = 0; i < 20; i++) {
        live(w, s, 50000);
        hub_alive(w->hub, o->ref, w->now);
        pong(o);
        snprintf(token, sizeof(token), "id=a;role=drone;exp=%lld",
                 (long long)(w->now.wall_ms + 60000));
        renew(s, token);
        expect(s, "registered", "rid=renew", "epoch=1");
        say(o, "{'type':'answer','target':'a','sdp':'v'}");
        expect(s, "answer");
    }
    assert_int_equal(hub_sessions(w->hub), 1);
    live(w, o, 1);
    expect_expiry(w, s, 59999);
    world_free(w);
}

static void test_renewal_may_shorten(void **state)
{
    (void)state;
    struct world *w = auth_world();
    struct sock *s = enter_until(w, "a", HOUR_MS);
    char token[96];
    snprintf(token, sizeof(token), "id=a;role=drone;exp=%lld", (long long)(w->now.wall_ms + 5000));
    renew(s, token);
    expect(s, "registered");
    expect_expiry(w, s, 5000);
    world_free(w);
}

static void test_renewal_with_another_id(void **state)
{
    (void)state;
    struct world *w = auth_world();
    struct sock *s = enter_until(w, "a", 60000);
    renew(s, "id=b;role=drone");
    expect(s, "error", "code=forbidden", "rid=renew", "details=the token is not for the id a");
    renew(s, "ids=b*;role=admin");
    expect(s, "error", "code=forbidden");
    say(s, "{'type':'stats'}");
    expect(s, "error", "code=forbidden");
    expect_expiry(w, s, 60000);
    world_free(w);
}

static void test_renewal_with_another_role(void **state)
{
    (void)state;
    struct world *w = auth_world();
    struct sock *s = enter_until(w, "a", 60000);
    renew(s, "id=a;role=admin");
    expect(s, "registered");
    say(s, "{'type':'stats'}");
    expect(s, "stats");
    say(s, "{'type':'list','detail':true}");
    assert_non_null(strstr(expect(s, "clients"), "{\"id\":\"a\",\"role\":\"admin\","));
    say(s, "{'type':'register','id':'a','role':'drone','token':'id=a;role=camera'}");
    expect(s, "error", "code=forbidden");
    say(s, "{'type':'stats'}");
    expect(s, "stats");
    live(w, s, 100000);
    expect_nothing(s);
    world_free(w);
}

static void test_renewal_that_is_no_good(void **state)
{
    (void)state;
    struct world *w = auth_world();
    struct sock *s = enter_until(w, "a", 60000);
    renew(s, "nonsense");
    expect(s, "error", "code=unauthorized", "rid=renew");
    expect_closed(s, 1008);
    world_free(w);
}

/* ---- reloads */

static void test_revoked_key(void **state)
{
    (void)state;
    struct world *w = auth_world();
    struct sock *a = enter(w, "a", "role=drone;key=7"), *b = enter(w, "b", "role=camera;key=8");
    struct sock *open = dial_with(w, "id=o;role=drone;key=7");
    call(a, b, "a", "b");
    w->revoked_key = 7;
    expect_nothing(a);
    hub_reconf(w->hub, &w->conf, w->now);
    expect_closed(a, 4503);
    assert_string_equal(a->close_reason, "token or certificate revoked");
    expect_closed(open, 4503);
    expect(b, "bye", "from=a", "reason=peer-left");
    expect_nothing(b);
    world_free(w);
}

static void test_authentication_switched_on(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct hub_conf conf = auth_conf();
    struct sock *a = join(w, "a"), *early = dial(w), *m = dial_local(w);
    struct sock *holder = dial_with(w, "id=h;role=drone");
    say(holder, "{'type':'register','id':'h'}");
    expect(holder, "registered");
    say(m, "{'type':'monitor'}");
    forget_all(w);
    hub_reconf(w->hub, &conf, w->now);
    expect_closed(a, 1008);
    assert_string_equal(a->close_reason, "Unauthorized");
    expect_nothing(early);
    expect_nothing(holder);
    expect(m, "error", "code=forbidden", "!rid");
    expect_nothing(m);
    say(early, "{'type':'register','id':'a','token':'id=a;role=camera'}");
    expect(early, "registered");
    say(holder, "{'type':'offer','target':'a','sdp':'v'}");
    expect(early, "offer", "from=h");
    world_free(w);
}

/* The ring of error times kept its size, and the new number of errors was written behind it. */
static void test_another_number_of_errors(void **state)
{
    (void)state;
    static const uint32_t most[] = {20, 500, 0, 3, 20};
    struct world *w = world_new();
    struct sock *s = join(w, "a");
    for (size_t i = 0; i < 5; i++) {
        struct hub_conf conf = w->conf;
        conf.max_errors = most[i];
        hub_reconf(w->hub, &conf, w->now);
        for (uint32_t k = 0; k < most[i]; k++) {
            say(s, "{'type':'nonsense'}");
            expect(s, "error", "code=unknown_type");
        }
        expect_nothing(s);
    }
    say(s, "{'type':'nonsense'}");
    expect(s, "error");
    expect_closed(s, 1008);
    world_free(w);
}

/* Where the configuration gives the role, a reload gives another. */
static void test_role_of_the_configuration_changes(void **state)
{
    (void)state;
    struct hub_conf conf = auth_conf();
    struct world *w = world_new_conf(&conf);
    struct sock *a = dial_with(w, "id=a;conf-role=admin"), *b = dial_with(w, "id=b;role=admin");
    struct sock *open = dial_with(w, "id=c;conf-role=admin");
    say(a, "{'type':'register','id':'a'}");
    say(b, "{'type':'register','id':'b'}");
    say(b, "{'type':'watch'}");
    forget_all(w);
    w->conf_role = "drone";
    hub_reconf(w->hub, &conf, w->now);
    say(a, "{'type':'stats'}");
    expect(a, "error", "code=forbidden");
    say(open, "{'type':'stats'}");
    expect(open, "error", "code=forbidden");
    say(b, "{'type':'stats'}");
    expect(b, "stats");
    say(b, "{'type':'list','role':'drone'}");
    expect(b, "clients", "count=1");
    w->conf_role = "nonsense";
    hub_reconf(w->hub, &conf, w->now);
    say(a, "{'type':'offer','target':'b','sdp':'v'}");
    expect(a, "error", "code=forbidden");
    world_free(w);
}

static void test_strangers_may_err_less(void **state)
{
    (void)state;
    struct hub_conf conf = auth_conf();
    struct world *w = world_new_conf(&conf);
    struct sock *stranger = dial(w), *known = dial_with(w, "id=a;role=drone");
    for (int i = 0; i < 5; i++) {
        say(stranger, "{'type':'nonsense'}");
        say(known, "{'type':'nonsense'}");
        expect(stranger, "error", "code=unknown_type");
        expect(known, "error", "code=unknown_type");
    }
    expect_closed(stranger, 1008);
    expect_nothing(known);
    world_free(w);
}

static void test_coming_again_fills_no_bucket(void **state)
{
    (void)state;
    struct hub_conf conf = world_conf();
    conf.limits.message_rate = 1;
    conf.limits.message_burst = 3;
    struct world *w = world_new_conf(&conf);
    for (int i = 0; i < 3; i++) {
        struct sock *a = dial(w);
        say(a, "{'type':'register','id':'a'}");
        expect(a, "registered");
        say(a, "{'type':'ping'}");
        if (i == 0) {
            expect(a, "pong");
        }
        say(a, "{'type':'ping'}");
        i == 0 ? expect(a, "pong") : expect(a, "error", "code=rate_limited");
    }
    world_free(w);
}

/* ---- addresses */

static const struct addr_key here = {{1}}, there = {{2}};

static struct sock *dial_from(struct world *w, const struct addr_key *key)
{
    return dial_peer(w, &(struct hub_peer){.addr = SP_STR("192.0.2.1:1"), .key = key});
}

static struct world *throttled(void)
{
    struct hub_conf conf = auth_conf();
    conf.failures = bucket_rate(1, 10000000, 3);
    return world_new_conf(&conf);
}

static void test_failures_throttle_an_address(void **state)
{
    (void)state;
    struct world *w = throttled();
    for (int i = 0; i < 3; i++) {
        assert_int_equal(hub_penalty(w->hub, &here, w->now), 0);
        struct sock *s = dial_from(w, &here);
        say(s, "{'type':'register','id':'a','token':'bad'}");
        expect(s, "error", "code=unauthorized");
        expect_closed(s, 1008);
    }
    assert_int_equal(hub_penalty(w->hub, &here, w->now), 10000000);
    assert_int_equal(hub_penalty(w->hub, &there, w->now), 0);
    assert_int_equal(hub_penalty(w->hub, NULL, w->now), 0);
    assert_int_equal(hub_admit(w->hub, &here, w->now), 0);
    advance(w, 9999);
    assert_int_equal(hub_penalty(w->hub, &here, w->now), 1000);
    advance(w, 1);
    assert_int_equal(hub_penalty(w->hub, &here, w->now), 0);
    world_free(w);
}

/* Whoever guesses tokens beside an honest client, behind the same address, does not lock it out. */
static void test_a_good_token_is_good_beside_bad_ones(void **state)
{
    (void)state;
    struct world *w = throttled();
    struct sock *a = dial_from(w, &here), *b = dial_from(w, &here);
    say(a, "{'type':'register','id':'a','token':'id=a;exp=1764244900000'}");
    expect(a, "registered");
    for (int i = 0; i < 5; i++) {
        say(dial_from(w, &here), "{'type':'register','id':'x','token':'bad'}");
    }
    assert_true(hub_penalty(w->hub, &here, w->now) > 0);
    say(a, "{'type':'register','id':'a','token':'id=a;exp=1764248400000'}");
    expect(a, "registered");
    say(b, "{'type':'register','id':'b','token':'id=b'}");
    expect(b, "registered");
    world_free(w);
}

static void test_every_kind_of_failure_counts(void **state)
{
    (void)state;
    struct world *w = throttled();
    hub_refused(w->hub, SP_STR("192.0.2.1:1"), &here, "no certificate", w->now);
    expect_event(w, "auth", "code=unauthorized", "reason=no certificate", "addr=192.0.2.1:1");
    struct sock *s = dial_from(w, &here);
    say(s, "{'type':'register','id':'a'}");
    expect(s, "error", "code=unauthorized");
    dial_peer(w, &(struct hub_peer){.addr = SP_STR("x"), .key = &here, .refused = "bad"});
    assert_int_equal(hub_penalty(w->hub, &here, w->now), 10000000);
    assert_int_equal(hub_counts(w->hub)->failed_auths, 3);
    world_free(w);
}

static void test_connects_of_an_address(void **state)
{
    (void)state;
    struct hub_conf conf = world_conf();
    conf.connects = bucket_rate(60, 60000000, 5);
    struct world *w = world_new_conf(&conf);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(hub_admit(w->hub, &here, w->now), 0);
    }
    assert_int_equal(hub_admit(w->hub, &here, w->now), 1000000);
    assert_int_equal(hub_admit(w->hub, &here, w->now), 1000000);
    assert_int_equal(hub_admit(w->hub, &there, w->now), 0);
    assert_int_equal(hub_admit(w->hub, NULL, w->now), 0);
    advance(w, 1000);
    assert_int_equal(hub_admit(w->hub, &here, w->now), 0);
    assert_int_equal(hub_admit(w->hub, &here, w->now), 1000000);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_end),
        cmocka_unit_test(test_end_without_heartbeat_or_register),
        cmocka_unit_test(test_end_in_the_past),
        cmocka_unit_test(test_ends_beyond_all_clocks),
        cmocka_unit_test(test_end_when_the_wall_clock_is_set),
        cmocka_unit_test(test_end_when_the_wall_clock_runs_fast),
        cmocka_unit_test(test_renewal_keeps_it_alive),
        cmocka_unit_test(test_renewal_may_shorten),
        cmocka_unit_test(test_renewal_with_another_id),
        cmocka_unit_test(test_renewal_with_another_role),
        cmocka_unit_test(test_renewal_that_is_no_good),
        cmocka_unit_test(test_revoked_key),
        cmocka_unit_test(test_authentication_switched_on),
        cmocka_unit_test(test_another_number_of_errors),
        cmocka_unit_test(test_failures_throttle_an_address),
        cmocka_unit_test(test_a_good_token_is_good_beside_bad_ones),
        cmocka_unit_test(test_role_of_the_configuration_changes),
        cmocka_unit_test(test_strangers_may_err_less),
        cmocka_unit_test(test_coming_again_fills_no_bucket),
        cmocka_unit_test(test_every_kind_of_failure_counts),
        cmocka_unit_test(test_connects_of_an_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
