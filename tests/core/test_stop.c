/* SPDX-License-Identifier: MIT
 * hub_drain and hub_free: everyone gets 1001, nobody new is let in, nothing leaks in any state. */
#include "tests/core/world.h"

static void test_everyone_gets_1001(void **state)
{
    (void)state;
    for (int linger = 0; linger < 2; linger++) {
        struct world *w = world_new();
        w->linger = linger;
        struct sock *s[100];
        char id[16];
        for (int i = 0; i < 100; i++) {
            snprintf(id, sizeof(id), "c%d", i);
            s[i] = i % 5 ? join(w, id) : dial(w);
        }
        call(s[1], s[2], "c1", "c2");
        say(s[3], "{'type':'offer','target':'c4','sdp':'v'}");
        forget_all(w);
        hub_drain(w->hub, w->now);
        for (int i = 0; i < 100; i++) {
            expect(s[i], "goaway", "!rid", "reason=drain", "reconnectAfter=0");
            expect_closed(s[i], 1001);
        }
        assert_int_equal(hub_clients(w->hub), 0);
        assert_int_equal(hub_sessions(w->hub), 0);
        assert_int_equal(hub_connections(w->hub), linger ? 100 : 0);
        for (int i = 0; linger && i < 100; i++) {
            finish(s[i]);
        }
        turn(w);
        assert_int_equal(hub_connections(w->hub), 0);
        expect_event(w, "session_end", "reason=shutdown");
        world_free(w);
    }
}

static void test_nobody_new_is_taken_in(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *before = dial(w);
    hub_drain(w->hub, w->now);
    struct sock *after = dial(w);
    assert_int_equal(after->ref.gen, 0);
    say(before, "{'type':'register','id':'a'}");
    say(after, "{'type':'register','id':'a'}");
    expect(before, "goaway");
    assert_int_equal(unread(before) + unread(after), 0);
    assert_int_equal(hub_clients(w->hub), 0);
    world_free(w);
}

static void test_stop_twice(void **state)
{
    (void)state;
    struct world *w = world_new();
    w->linger = true;
    struct sock *a = join(w, "a"), *b = join(w, "b");
    a->room = 0;
    say(b, "{'type':'ice','target':'a','candidate':null}");
    hub_drain(w->hub, w->now);
    hub_drain(w->hub, w->now);
    expect(b, "goaway");
    expect_closed(b, 1001);
    hub_drain(w->hub, w->now);
    advance(w, 2100);
    expect_nothing(a);
    give_room(a, -1);
    expect(a, "ice");
    expect(a, "goaway");
    expect_closed(a, 1001);
    hub_drain(w->hub, w->now);
    finish(a);
    hub_drain(w->hub, w->now);
    finish(b);
    turn(w);
    hub_drain(w->hub, w->now);
    assert_int_equal(hub_connections(w->hub), 0);
    world_free(w);
}

static void test_stop_while_others_are_closing(void **state)
{
    (void)state;
    struct world *w = world_new();
    w->linger = true;
    struct sock *old = join(w, "a"), *slow = join(w, "slow"), *fresh = join(w, "a");
    slow->room = 0;
    say(fresh, "{'type':'ice','target':'slow','candidate':null}");
    hub_fault(w->hub, slow->ref, HUB_FAULT_TOO_LARGE, w->now);
    hub_drain(w->hub, w->now);
    expect_closed(old, 4501);
    expect(fresh, "goaway");
    expect_closed(fresh, 1001);
    give_room(slow, -1);
    expect(slow, "ice");
    expect(slow, "error", "code=too_large");
    expect_closed(slow, 1009);
    world_free(w);
}

/* Monitors and watchers go as everyone does, and the events of the end do not wake the dead. */
static void test_stop_with_monitors_and_watchers(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *m = dial_local(w), *t = dial_local(w);
    say(m, "{'type':'monitor'}");
    say(t, "{'type':'watch'}");
    join(w, "a");
    advance(w, 25);
    forget_all(w);
    hub_drain(w->hub, w->now);
    expect(m, "events");
    expect(m, "goaway");
    expect_closed(m, 1001);
    expect(t, "goaway");
    expect_closed(t, 1001);
    advance(w, 60000);
    assert_true(w->due == UINT64_MAX);
    world_free(w);
}

/* Everything at once: sessions, queues, monitors behind, watchers, closing ones, dead ones. */
static void mess(struct world *w, uint32_t steps)
{
    struct sock *s[40] = {NULL};
    for (uint32_t i = 0; i < steps; i++) {
        uint32_t k = world_random(w, 40), to = world_random(w, 40);
        if (!s[k] || s[k]->over) {
            s[k] = dial_local(w);
            s[k]->room = world_random(w, 3) ? -1 : (long)world_random(w, 3);
        }
        switch (world_random(w, 12)) {
        case 0:
            say(s[k], "{'type':'monitor','backlog':%u}", world_random(w, 50));
            break;
        case 1:
            say(s[k], "{'type':'watch'}");
            break;
        case 2:
            hang_up(s[k]);
            break;
        case 3:
            hub_fault(w->hub, s[k]->ref, HUB_FAULT_TOO_LARGE, w->now);
            break;
        case 4:
            advance(w, world_random(w, 3000));
            break;
        case 5:
            give_room(s[k], (long)world_random(w, 3) - 1);
            break;
        case 6:
        case 7:
            say(s[k], "{'type':'register','id':'x%u','meta':{}}", world_random(w, 50));
            break;
        case 8:
            s[k]->gone = world_random(w, 20) == 0;
            break;
        default:
            say(s[k], "{'type':'offer','target':'x%u','sdp':'v','rid':1}", to);
        }
    }
}

static void test_free_in_any_state(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        struct hub_conf conf = world_conf();
        conf.limits.queue_msgs = 4;
        conf.event_ring = 32;
        struct world *w = world_new_conf(&conf);
        w->rng ^= seed * 0x2545f4914f6cdd1du;
        w->linger = seed % 2;
        w->keep_events = false;
        mess(w, (uint32_t)(seed * 7 % 1000));
        if (seed % 3 == 0) {
            hub_drain(w->hub, w->now);
        }
        world_free(w);
    }
}

/* After the storm the counts are those of an empty hub. */
static void test_all_hang_up_after_a_mess(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 50; seed++) {
        struct world *w = world_new();
        w->rng ^= seed * 0x2545f4914f6cdd1du;
        w->linger = seed % 2;
        w->keep_events = false;
        mess(w, 1000);
        for (size_t i = 0; i < w->nsocks; i++) {
            hang_up(w->socks[i]);
        }
        turn(w);
        assert_int_equal(hub_connections(w->hub), 0);
        assert_int_equal(hub_clients(w->hub), 0);
        assert_int_equal(hub_sessions(w->hub), 0);
        assert_true(w->due == UINT64_MAX);
        world_free(w);
    }
}

static void test_free_null(void **state)
{
    (void)state;
    hub_free(NULL);
    world_free(world_new());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_free_null),
        cmocka_unit_test(test_everyone_gets_1001),
        cmocka_unit_test(test_nobody_new_is_taken_in),
        cmocka_unit_test(test_stop_twice),
        cmocka_unit_test(test_stop_while_others_are_closing),
        cmocka_unit_test(test_stop_with_monitors_and_watchers),
        cmocka_unit_test(test_free_in_any_state),
        cmocka_unit_test(test_all_hang_up_after_a_mess),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
