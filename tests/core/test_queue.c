/* SPDX-License-Identifier: MIT
 * Slow receivers: bounded queues, order, deadlines, and that nobody else is harmed. */
#include "tests/core/world.h"

#include <stdlib.h>

#define TICK 70u

static struct world *small_world(uint32_t bytes, uint32_t msgs)
{
    struct hub_conf conf = world_conf();
    conf.limits.queue_bytes = bytes;
    conf.limits.queue_msgs = msgs;
    return world_new_conf(&conf);
}

static void send_numbered(struct sock *from, const char *to, int n)
{
    say(from, "{'type':'ice','target':'%s','candidate':'%d','rid':%d}", to, n, n);
}

static void expect_numbered(struct sock *s, int n)
{
    char want[32];
    snprintf(want, sizeof(want), "candidate=%d", n);
    expect(s, "ice", want);
}

static void test_bound_of_messages(void **state)
{
    (void)state;
    struct world *w = small_world(1000000, 8);
    struct sock *a = join(w, "a"), *b = join(w, "b");
    b->room = 0;
    for (int i = 0; i < 8; i++) {
        send_numbered(a, "b", i);
        expect(a, "ack");
    }
    assert_true(b->want_write);
    expect_nothing(b);
    send_numbered(a, "b", 8);
    expect(a, "error", "code=target_overloaded", "rid=8", "retryable=true", "target=b");
    expect_closed(b, 4409);
    expect_nothing(a);
    send_numbered(a, "b", 9);
    expect(a, "error", "code=target_not_found", "rid=9");
    world_free(w);
}

static void test_bound_of_bytes(void **state)
{
    (void)state;
    struct world *w = small_world(4096, 1000);
    struct sock *a = join(w, "a"), *b = join(w, "b");
    b->room = 0;
    say(a, "{'type':'ice','target':'b','candidate':'%02000d','rid':0}", 0);
    expect(a, "ack");
    say(a, "{'type':'ice','target':'b','candidate':'%01900d','rid':1}", 0);
    expect(a, "ack");
    say(a, "{'type':'ice','target':'b','candidate':'%0400d','rid':2}", 0);
    expect(a, "error", "code=target_overloaded", "rid=2");
    expect_closed(b, 4409);
    world_free(w);
}

static void test_order_is_kept_through_the_queue(void **state)
{
    (void)state;
    struct world *w = small_world(1000000, 1000);
    struct sock *a = join(w, "a"), *b = join(w, "b");
    int sent = 0, got = 0;
    for (int round = 0; round < 300; round++) {
        b->room = world_random(w, 4);
        for (uint32_t k = world_random(w, 5); k > 0; k--) {
            send_numbered(a, "b", sent++);
        }
        if (world_random(w, 2)) {
            give_room(b, world_random(w, 6));
        }
        while (unread(b)) {
            expect_numbered(b, got++);
        }
        assert_true(got <= sent);
    }
    give_room(b, -1);
    while (unread(b)) {
        expect_numbered(b, got++);
    }
    assert_int_equal(got, sent);
    assert_int_equal(unread(a), (size_t)sent);
    world_free(w);
}

static void test_bounds_count_what_waits_only(void **state)
{
    (void)state;
    struct world *w = small_world(2000, 4);
    struct sock *a = join(w, "a"), *b = join(w, "b");
    for (int i = 0; i < 200; i++) {
        b->room = 0;
        send_numbered(a, "b", i);
        send_numbered(a, "b", i);
        give_room(b, -1);
    }
    assert_int_equal(unread(b), 400);
    assert_int_equal(b->closes, 0);
    world_free(w);
}

static void test_undrained_for_ten_seconds(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *a = join(w, "a"), *b = join(w, "b");
    call(a, b, "a", "b");
    b->room = 0;
    uint64_t start = w->now.mono_us;
    send_numbered(a, "b", 1);
    forget(a);
    advance(w, 9999);
    assert_int_equal(b->closes, 0);
    advance(w, 1 + TICK);
    expect_closed(b, 4409);
    assert_true(b->closed_us >= start + 10000000);
    expect(a, "bye", "from=b", "reason=peer-left");
    world_free(w);
}

static void test_progress_counts(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *a = join(w, "a"), *b = join(w, "b");
    b->room = 0;
    for (int i = 0; i < 6; i++) {
        send_numbered(a, "b", i);
    }
    for (int i = 0; i < 5; i++) {
        advance(w, 9000);
        hub_alive(w->hub, a->ref, w->now);
        hub_alive(w->hub, b->ref, w->now);
        give_room(b, 1);
        expect_numbered(b, i);
    }
    expect_nothing(b);
    advance(w, 10000 + TICK);
    expect_closed(b, 4409);
    world_free(w);
}

static void test_drained_in_time_and_slow_again_later(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *a = join(w, "a"), *b = join(w, "b");
    for (int i = 0; i < 10; i++) {
        b->room = 0;
        send_numbered(a, "b", i);
        advance(w, 9900);
        give_room(b, -1);
        expect_numbered(b, i);
        hub_alive(w->hub, a->ref, w->now);
        hub_alive(w->hub, b->ref, w->now);
    }
    advance(w, 25000);
    expect_nothing(b);
    world_free(w);
}

static void test_spurious_writable(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *a = join(w, "a"), *b = join(w, "b");
    hub_writable(w->hub, b->ref, w->now);
    b->room = 0;
    send_numbered(a, "b", 0);
    b->want_write = false;
    hub_writable(w->hub, b->ref, w->now);
    assert_true(b->want_write);
    b->gone = true;
    hub_writable(w->hub, b->ref, w->now);
    hang_up(b);
    assert_int_equal(hub_clients(w->hub), 1);
    world_free(w);
}

static void test_stop_flushes_first(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *a = join(w, "a"), *b = join(w, "b"), *c = join(w, "c");
    b->room = c->room = 0;
    send_numbered(a, "b", 1);
    send_numbered(a, "b", 2);
    send_numbered(a, "c", 3);
    forget(a);
    hub_drain(w->hub, w->now);
    expect(a, "goaway");
    expect_closed(a, 1001);
    expect_nothing(b);
    give_room(b, 1);
    expect_numbered(b, 1);
    expect_nothing(b);
    give_room(b, -1);
    expect_numbered(b, 2);
    expect(b, "goaway", "reason=drain");
    expect_closed(b, 1001);
    /* how long a drain may take is not the hub's business: nobody is cut for being slow now */
    advance(w, 3600000);
    expect_nothing(c);
    assert_true(w->due == UINT64_MAX);
    give_room(c, -1);
    expect_numbered(c, 3);
    expect(c, "goaway");
    expect_closed(c, 1001);
    turn(w);
    assert_int_equal(hub_connections(w->hub), 0);
    world_free(w);
}

/* The goaway found no room in a full queue, and what was accepted was thrown away with 4409. */
static void test_stop_with_full_queues(void **state)
{
    (void)state;
    for (int bytes = 0; bytes < 2; bytes++) {
        struct world *w = bytes ? small_world(1000, 1000) : small_world(100000, 5);
        struct sock *a = join(w, "a"), *b = join(w, "b");
        int n = 0;
        b->room = 0;
        for (; n < 5; n++) {
            say(a, "{'type':'ice','target':'b','candidate':'%0*d'}", bytes ? 112 : 1, n);
        }
        assert_true(!bytes || hub_queued_bytes(w->hub) > 950);
        expect_nothing(b);
        hub_drain(w->hub, w->now);
        give_room(b, -1);
        for (int i = 0; i < n; i++) {
            expect(b, "ice");
        }
        expect(b, "goaway");
        expect_closed(b, 1001);
        world_free(w);
    }
}

/* One who does not read costs the others neither a message nor a delay. */
static void test_slow_client_harms_itself_only(void **state)
{
    (void)state;
    struct world *w = small_world(100000, 10);
    struct sock *a = join(w, "a"), *slow = join(w, "slow"), *fast = join(w, "fast");
    slow->room = 0;
    for (int i = 0; i < 50; i++) {
        send_numbered(a, "slow", i);
        send_numbered(a, "fast", i);
        expect_numbered(fast, i);
    }
    expect_closed(slow, 4409);
    expect_nothing(fast);
    assert_int_equal(a->closes, 0);
    assert_int_equal(unread(a), 100);
    world_free(w);
}

static void test_sender_who_does_not_read_its_acks(void **state)
{
    (void)state;
    struct world *w = small_world(100000, 10);
    struct sock *a = join(w, "a"), *b = join(w, "b");
    call(a, b, "a", "b");
    a->room = 0;
    for (int i = 0; i < 20; i++) {
        send_numbered(a, "b", i);
    }
    expect_closed(a, 4409);
    for (int i = 0; i < 11; i++) {
        expect_numbered(b, i);
    }
    expect(b, "bye", "from=a", "reason=peer-left");
    expect_nothing(b);
    world_free(w);
}

static void test_self_call_of_a_busy_client(void **state)
{
    (void)state;
    struct world *w = small_world(100000, 3);
    struct sock *a = join(w, "a");
    a->room = 0;
    for (int i = 0; i < 3; i++) {
        say(a, "{'type':'offer','target':'a','sdp':'v','sessionId':'s%d','rid':1}", i);
    }
    expect_closed(a, 4409);
    assert_int_equal(hub_sessions(w->hub), 0);
    assert_int_equal(hub_clients(w->hub), 0);
    world_free(w);
}

/* The end of one overflows others with byes, whose ends overflow the next ones. */
static void test_overflow_spreads_like_dominoes(void **state)
{
    (void)state;
    enum { N = 60 };
    struct world *w = small_world(100000, 4);
    struct sock *s[N], *calm = join(w, "calm");
    char id[16], to[16];
    for (int i = 0; i < N; i++) {
        snprintf(id, sizeof(id), "d%d", i);
        s[i] = join(w, id);
    }
    for (int i = 0; i + 1 < N; i++) {
        snprintf(to, sizeof(to), "d%d", i + 1);
        say(s[i], "{'type':'offer','target':'%s','sdp':'v'}", to);
        say(s[i], "{'type':'offer','target':'calm','sdp':'v'}");
    }
    forget_all(w);
    for (int i = 1; i < N; i++) {
        s[i]->room = 0;
        for (int k = 0; k < 4; k++) {
            snprintf(to, sizeof(to), "d%d", i);
            say(calm, "{'type':'ice','target':'%s','candidate':null}", to);
        }
    }
    hang_up(s[0]);
    for (int i = 1; i < N; i++) {
        expect_closed(s[i], 4409);
    }
    assert_int_equal(hub_clients(w->hub), 1);
    assert_int_equal(hub_sessions(w->hub), 0);
    assert_int_equal(unread(calm), N - 1);
    for (int i = 0; i + 1 < N; i++) {
        expect(calm, "bye", "reason=peer-left");
    }
    expect_nothing(calm);
    world_free(w);
}

static void test_star_overflow(void **state)
{
    (void)state;
    enum { N = 200 };
    struct hub_conf conf = world_conf();
    conf.limits.queue_msgs = 1;
    conf.limits.max_sessions = 1000;
    struct world *w = world_new_conf(&conf);
    w->linger = true;
    struct sock *s[N], *hub = join(w, "center");
    char id[16];
    for (int i = 0; i < N; i++) {
        snprintf(id, sizeof(id), "ray%d", i);
        s[i] = join(w, id);
        say(s[i], "{'type':'offer','target':'center','sdp':'v'}");
        s[i]->room = 0;
        say(s[i], "{'type':'ping'}");
    }
    forget_all(w);
    hang_up(hub);
    for (int i = 0; i < N; i++) {
        expect_closed(s[i], 4409);
        finish(s[i]);
    }
    turn(w);
    assert_int_equal(hub_connections(w->hub), 0);
    assert_int_equal(hub_sessions(w->hub), 0);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bound_of_messages),
        cmocka_unit_test(test_bound_of_bytes),
        cmocka_unit_test(test_order_is_kept_through_the_queue),
        cmocka_unit_test(test_bounds_count_what_waits_only),
        cmocka_unit_test(test_undrained_for_ten_seconds),
        cmocka_unit_test(test_progress_counts),
        cmocka_unit_test(test_drained_in_time_and_slow_again_later),
        cmocka_unit_test(test_spurious_writable),
        cmocka_unit_test(test_stop_flushes_first),
        cmocka_unit_test(test_stop_with_full_queues),
        cmocka_unit_test(test_slow_client_harms_itself_only),
        cmocka_unit_test(test_sender_who_does_not_read_its_acks),
        cmocka_unit_test(test_self_call_of_a_busy_client),
        cmocka_unit_test(test_overflow_spreads_like_dominoes),
        cmocka_unit_test(test_star_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
