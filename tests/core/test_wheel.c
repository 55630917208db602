/* SPDX-License-Identifier: MIT
 * The timing wheel: never early, at most one tick late, against a plain array as the model. */
#include "tests/lib/unit.h"

#include "daemon/core/wheel.h"

#include <stdbool.h>
#include <stdlib.h>

#define NODES 300u
#define START UINT64_C(1000000000000)

static uint64_t rng = 88172645463325252u;

static uint64_t below(uint64_t n)
{
    rng ^= rng << 13;
    rng ^= rng >> 7;
    rng ^= rng << 17;
    return (rng >> 11) % n;
}

static struct wheel wheel;
static struct wheel_node nodes[NODES];
static bool armed[NODES];
static uint64_t due[NODES];
static uint64_t set_at[NODES];

static void reset(uint64_t now)
{
    wheel_init(&wheel, now);
    memset(nodes, 0, sizeof(nodes));
    memset(armed, 0, sizeof(armed));
    for (uint32_t i = 0; i < NODES; i++) {
        nodes[i].owner = &nodes[i];
    }
}

static uint32_t count_armed(void)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < NODES; i++) {
        n += armed[i];
    }
    return n;
}

/* A deadline that was in the past when it was set counts from then. */
static uint64_t latest(uint32_t i)
{
    return (due[i] > set_at[i] ? due[i] : set_at[i]) + WHEEL_TICK_US;
}

static uint32_t pop_all(uint64_t now)
{
    uint32_t fired = 0;
    for (struct wheel_node *n; (n = wheel_pop(&wheel, now));) {
        uint32_t i = (uint32_t)(n - nodes);
        assert_true(i < NODES);
        assert_ptr_equal(n->owner, n);
        assert_true(armed[i]);
        assert_true(due[i] <= now);
        assert_null(n->next);
        armed[i] = false;
        fired++;
    }
    for (uint32_t i = 0; i < NODES; i++) {
        assert_false(armed[i] && now >= latest(i));
    }
    return fired;
}

static void arm(uint32_t i, uint64_t now, uint64_t at)
{
    wheel_set(&wheel, &nodes[i], at);
    armed[i] = true;
    due[i] = at;
    set_at[i] = now;
}

static uint64_t random_due(uint64_t now)
{
    switch (below(6)) {
    case 0:
        return now + below(WHEEL_TICK_US);
    case 1:
        return now + below(20000000);
    case 2:
        return now + below(UINT64_C(90000000000));
    case 3:
        return now + WHEEL_SLOTS * UINT64_C(65536) * (1 + below(3)) + below(3) - 1;
    case 4:
        return now / WHEEL_TICK_US * WHEEL_TICK_US + WHEEL_TICK_US * below(300);
    default:
        return now - below(2 * WHEEL_TICK_US);
    }
}

static void test_random_against_model(void **state)
{
    (void)state;
    uint64_t now = START;
    reset(now);
    for (uint32_t step = 0; step < 400000; step++) {
        uint32_t i = (uint32_t)below(NODES);
        uint64_t what = below(10);
        if (what < 5) {
            arm(i, now, random_due(now));
        } else if (what < 7) {
            wheel_clear(&wheel, &nodes[i]);
            armed[i] = false;
        } else if (what < 9) {
            now += below(3 * WHEEL_TICK_US);
            pop_all(now);
        } else if (below(200) == 0) {
            now += below(UINT64_C(60000000));
            pop_all(now);
        }
        if (step % 64 == 0) {
            assert_int_equal(wheel.count, count_armed());
        }
    }
}

/* Who calls exactly when wheel_next says misses nothing and is not asked to spin. */
static void test_next_is_enough(void **state)
{
    (void)state;
    uint64_t now = START + 12345;
    reset(now);
    assert_true(wheel_next(&wheel) == UINT64_MAX);
    for (uint32_t round = 0; round < 200; round++) {
        for (uint32_t i = 0; i < NODES; i += 1 + (uint32_t)below(40)) {
            arm(i, now, now + below(below(2) ? 3000000 : 120000000));
        }
        uint32_t wakes = 0;
        while (wheel.count > NODES / 20) {
            uint64_t next = wheel_next(&wheel);
            assert_true(next != UINT64_MAX);
            assert_true(next > now || wakes == 0);
            now = next > now ? next : now;
            pop_all(now);
            assert_true(++wakes < 4 * WHEEL_SLOTS * 10);
        }
    }
}

static void test_fires_within_one_tick(void **state)
{
    (void)state;
    for (uint64_t offset = 0; offset <= 3 * WHEEL_TICK_US; offset += 4099) {
        reset(START);
        arm(0, START, START + offset);
        uint64_t next = wheel_next(&wheel);
        assert_true(next >= START + offset);
        assert_true(next <= START + offset + WHEEL_TICK_US);
        assert_int_equal(pop_all(next), 1);
        assert_true(wheel_next(&wheel) == UINT64_MAX);
    }
}

/* A callback may disarm or move what fires in the same call. */
static void test_clear_and_move_among_the_fired(void **state)
{
    (void)state;
    reset(START);
    for (uint32_t i = 0; i < 10; i++) {
        arm(i, START, START + 100);
    }
    uint64_t now = START + 2 * WHEEL_TICK_US;
    struct wheel_node *first = wheel_pop(&wheel, now);
    assert_non_null(first);
    armed[first - nodes] = false;
    uint32_t other = first == &nodes[3] ? 4 : 3, moved = first == &nodes[5] ? 6 : 5;
    wheel_clear(&wheel, &nodes[other]);
    armed[other] = false;
    arm(moved, now, now + 10 * WHEEL_TICK_US);
    assert_int_equal(pop_all(now), 7);
    assert_int_equal(wheel.count, 1);
    assert_int_equal(pop_all(now + 12 * WHEEL_TICK_US), 1);
}

/* A deadline already past, armed by the one that fires, must not be served in the same call for
 * ever. */
static void test_rearming_in_the_past_does_not_spin(void **state)
{
    (void)state;
    reset(START);
    arm(0, START, START);
    uint64_t now = START + WHEEL_TICK_US;
    for (uint32_t calls = 0; calls < 5; calls++, now += WHEEL_TICK_US) {
        uint32_t fired = 0;
        while (wheel_pop(&wheel, now)) {
            assert_true(++fired < 3);
            wheel_set(&wheel, &nodes[0], now - 1);
        }
    }
}

static void test_far_deadline_after_a_long_rest(void **state)
{
    (void)state;
    reset(START);
    uint64_t now = START + UINT64_C(3600000000);
    arm(0, now, now + 5000000);
    arm(1, now, now + UINT64_C(86400000000));
    for (uint32_t wakes = 0; armed[0]; wakes++) {
        uint64_t next = wheel_next(&wheel);
        now = next > now ? next : now;
        pop_all(now);
        assert_true(wakes < 1000);
    }
    assert_true(now <= latest(0));
    wheel_clear(&wheel, &nodes[1]);
    wheel_clear(&wheel, &nodes[1]);
    assert_int_equal(wheel.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fires_within_one_tick),
        cmocka_unit_test(test_next_is_enough),
        cmocka_unit_test(test_clear_and_move_among_the_fired),
        cmocka_unit_test(test_rearming_in_the_past_does_not_spin),
        cmocka_unit_test(test_far_deadline_after_a_long_rest),
        cmocka_unit_test(test_random_against_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
