/* SPDX-License-Identifier: MIT
 * Heartbeat: pings after silence, the end after two missed ones, round trips, and what a pause of
 * the daemon itself must not do. */
#include "tests/core/world.h"

#include <stdlib.h>

#define BEAT 30000u
#define TICK 70u /* the wheel's lateness, in milliseconds, rounded up */

static void test_ping_after_silence(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *s = join(w, "a");
    uint64_t start = w->now.mono_us;
    advance(w, BEAT - 1);
    assert_int_equal(s->pings, 0);
    advance(w, TICK);
    assert_int_equal(s->pings, 1);
    char *end;
    unsigned long long at = strtoull(s->ping, &end, 10);
    assert_int_equal(*end, '\0');
    assert_true(at >= start + BEAT * 1000 && at <= start + (BEAT + TICK) * 1000);
    pong(s);
    advance(w, BEAT - 1);
    assert_int_equal(s->pings, 1);
    advance(w, TICK);
    assert_int_equal(s->pings, 2);
    expect_nothing(s);
    world_free(w);
}

static void test_two_missed_close(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *s = join(w, "a"), *peer = join(w, "b");
    call(s, peer, "a", "b");
    uint64_t start = w->now.mono_us;
    for (int i = 0; i < 3; i++) {
        advance(w, BEAT - 100);
        hub_alive(w->hub, peer->ref, w->now);
        advance(w, i < 2 ? 100 : 50);
    }
    assert_int_equal(s->pings, 2);
    assert_int_equal(s->closes, 0);
    advance(w, 50 + 3 * TICK);
    expect(s, "bye", "reason=timeout");
    expect_closed(s, 4400);
    assert_true(s->closed_us >= start + 3 * BEAT * 1000);
    assert_true(s->closed_us <= start + 3 * (BEAT + TICK) * 1000);
    assert_int_equal(hub_clients(w->hub), 1);
    world_free(w);
}

static void test_lost_link_tells_the_peer(void **state)
{
    (void)state;
    struct hub_conf conf = world_conf();
    conf.offer_us = UINT64_C(3600000000);
    struct world *w = world_new_conf(&conf);
    struct sock *s = join(w, "a"), *peer = join(w, "b");
    call(s, peer, "a", "b");
    for (int i = 0; i < 5 && !s->closes; i++) {
        advance(w, BEAT - 1000);
        hub_alive(w->hub, peer->ref, w->now);
    }
    expect_closed(s, 4400);
    expect(peer, "bye", "from=a", "reason=peer-left");
    expect_nothing(peer);
    world_free(w);
}

static void test_any_frame_is_life(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *s = join(w, "a");
    for (int i = 0; i < 40; i++) {
        advance(w, BEAT - 1);
        switch (i % 4) {
        case 0:
            say(s, "{'type':'ping'}");
            break;
        case 1:
            hub_alive(w->hub, s->ref, w->now);
            break;
        case 2:
            hub_pong(w->hub, s->ref, "", 0, w->now);
            break;
        default:
            say_lit(s, "nonsense");
        }
    }
    assert_int_equal(s->pings, 0);
    assert_int_equal(s->closes, 0);
    world_free(w);
}

static void test_life_after_one_missed_starts_over(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *s = join(w, "a");
    for (int i = 0; i < 5; i++) {
        advance(w, 2 * (BEAT + TICK));
        assert_int_equal(s->pings, 2 * (i + 1));
        hub_alive(w->hub, s->ref, w->now);
    }
    advance(w, 3 * BEAT + 3 * TICK);
    expect_closed(s, 4400);
    world_free(w);
}

static void test_round_trip_in_the_list(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *s = join(w, "a");
    say(s, "{'type':'list','detail':true}");
    assert_null(strstr(expect(s, "clients"), "rtt"));
    advance(w, BEAT + TICK);
    assert_int_equal(s->pings, 1);
    uint64_t sent = strtoull(s->ping, NULL, 10);
    stall(w, 37);
    w->now.mono_us = sent + 37005;
    pong(s);
    say(s, "{'type':'list','detail':true}");
    assert_non_null(strstr(expect(s, "clients"), "\"rtt\":37.005}"));
    world_free(w);
}

static void test_forged_pongs(void **state)
{
    (void)state;
    static const char *const payloads[] = {
        "", "-5", "x", "99999999999999999999", "1e3", "9007199254740991", " 1", "\xff"};
    struct world *w = world_new();
    struct sock *s = join(w, "a");
    for (size_t i = 0; i < sizeof(payloads) / sizeof(payloads[0]); i++) {
        hub_pong(w->hub, s->ref, payloads[i], strlen(payloads[i]), w->now);
    }
    say(s, "{'type':'list','detail':true}");
    assert_null(strstr(expect(s, "clients"), "rtt"));
    expect_nothing(s);
    world_free(w);
}

static void test_zero_switches_off(void **state)
{
    (void)state;
    struct hub_conf conf = world_conf();
    conf.heartbeat_us = 0;
    struct world *w = world_new_conf(&conf);
    struct sock *s = dial(w);
    say(s, "{'type':'register','id':'a'}");
    expect(s, "registered", "heartbeatInterval=0");
    advance(w, 24 * 3600000u);
    assert_int_equal(s->pings, 0);
    expect_nothing(s);
    assert_true(w->due == UINT64_MAX);
    world_free(w);
}

static void test_unregistered_monitors_are_pinged_too(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *s = dial_local(w);
    say(s, "{'type':'monitor','filter':'drain','rid':1}");
    expect(s, "ack");
    advance(w, 3 * BEAT + 3 * TICK);
    assert_int_equal(s->pings, 2);
    expect_closed(s, 4400);
    world_free(w);
}

/* The daemon was stopped for minutes (SIGSTOP, a paused virtual machine): nobody missed a ping,
 * because none was sent. Everyone gets the same time to answer as ever. */
static void test_pause_of_the_daemon_closes_nobody(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *s = join(w, "a");
    turn(w);
    stall(w, 10 * 60000);
    advance(w, 1000);
    assert_int_equal(s->pings, 1);
    expect_nothing(s);
    pong(s);
    advance(w, BEAT - 1001);
    assert_int_equal(s->pings, 1);
    expect_nothing(s);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ping_after_silence),
        cmocka_unit_test(test_two_missed_close),
        cmocka_unit_test(test_lost_link_tells_the_peer),
        cmocka_unit_test(test_any_frame_is_life),
        cmocka_unit_test(test_life_after_one_missed_starts_over),
        cmocka_unit_test(test_round_trip_in_the_list),
        cmocka_unit_test(test_forged_pongs),
        cmocka_unit_test(test_zero_switches_off),
        cmocka_unit_test(test_unregistered_monitors_are_pinged_too),
        cmocka_unit_test(test_pause_of_the_daemon_closes_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
