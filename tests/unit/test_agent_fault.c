/* SPDX-License-Identifier: MIT
 * What --delay, --drop and --id of simulated peers may say, chance that can be repeated, timers. */
#include "cli/sigctl/agent_fault.h"

#include "tests/lib/unit.h"

#include <stdlib.h>

static void ranges(void **state)
{
    static const struct {
        const char *text;
        int64_t least, most; /* -1: refused */
    } cases[] = {{"20ms..80ms", 20000, 80000},
                 {"30s..2m", 30000000, 120000000},
                 {"50ms", 50000, 50000},
                 {"1.5s..2.5s", 1500000, 2500000},
                 {"2", 2000000, 2000000},
                 {"0..80ms", 0, 80000},
                 {"80ms..20ms", -1, 0},
                 {"20ms..", -1, 0},
                 {"..80ms", -1, 0},
                 {"..", -1, 0},
                 {"", -1, 0},
                 {"1ms..2ms..3ms", -1, 0},
                 {"20ms-80ms", -1, 0}};
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct fault_range r = {7, 7};
        bool ok = fault_range_parse(sp_str(cases[i].text), &r);
        assert_int_equal(ok, cases[i].least >= 0);
        assert_int_equal(r.least, ok ? cases[i].least : 7);
        assert_int_equal(r.most, ok ? cases[i].most : 7);
    }
}

static void ids(void **state)
{
    static const struct {
        const char *pattern;
        int64_t number;
        const char *id; /* NULL: refused */
    } cases[] = {{"drone-%i", 7, "drone-7"},
                 {"drone-%04i", 7, "drone-0007"},
                 {"drone-%02i", 1234, "drone-1234"},
                 {"%i.cam", 3, "3.cam"},
                 {"alone", 9, "alone"},
                 {"a%019i", 1, "a0000000000000000001"},
                 {"a%020i", 1, NULL},
                 {"a%00i", 1, NULL},
                 {"a%0i", 1, NULL},
                 {"a%4i", 1, NULL},
                 {"a%d", 1, NULL},
                 {"a%s", 1, NULL},
                 {"a%i%i", 1, NULL},
                 {"a%", 1, NULL},
                 {"a%0", 1, NULL},
                 {"a%i%%", 1, NULL},
                 {"-%i", 1, NULL},
                 {"with space %i", 1, NULL},
                 {"", 1, NULL}};
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct fault_id id;
        char out[SP_ID_MAX + 1];
        bool ok = fault_id_parse(sp_str(cases[i].pattern), &id) &&
                  fault_id_write(&id, cases[i].number, out);
        assert_int_equal(ok, cases[i].id != NULL);
        if (ok) {
            assert_string_equal(out, cases[i].id);
        }
    }
}

static void ids_are_never_too_long(void **state)
{
    char pattern[SP_ID_MAX + 3], out[SP_ID_MAX + 1];
    struct fault_id id;
    (void)state;
    memset(pattern, 'a', sizeof(pattern));
    memcpy(pattern + SP_ID_MAX - 1, "%i", 3);
    assert_true(fault_id_parse(sp_str(pattern), &id));
    assert_true(fault_id_write(&id, 9, out));
    assert_int_equal(strlen(out), SP_ID_MAX);
    assert_false(fault_id_write(&id, 10, out));
}

static void chance_is_fair_and_repeatable(void **state)
{
    struct fault_range r = {10, 19};
    uint64_t a = 42, b = 42, c = 43;
    unsigned seen[10] = {0}, differ = 0;
    (void)state;
    for (int i = 0; i < 10000; i++) {
        int64_t v = fault_pick(&r, &a);
        assert_in_range(v, 10, 19);
        assert_int_equal(v, fault_pick(&r, &b));
        differ += v != fault_pick(&r, &c);
        seen[v - 10]++;
    }
    assert_true(differ > 8000);
    for (size_t i = 0; i < 10; i++) {
        assert_in_range(seen[i], 850, 1150); /* five sigma of a fair tenth */
    }
}

#define TIMERS 500

struct alarm {
    struct fault_timer timer; /* first: fire gets it */
    int fired;
};

static int64_t last_at;
static struct fault_timers all;

static void ring(struct fault_timer *t)
{
    struct alarm *alarm = (struct alarm *)t;
    assert_true(t->at >= last_at);
    assert_int_equal(t->place, 0);
    last_at = t->at;
    alarm->fired++;
}

static void timers_fire_in_order(void **state)
{
    static struct alarm alarms[TIMERS];
    uint64_t rng = 1;
    (void)state;
    for (size_t i = 0; i < TIMERS; i++) {
        alarms[i].timer.fire = ring;
        assert_true(fault_set(&all, &alarms[i].timer, (int64_t)(fault_random(&rng) * 1000)));
    }
    for (size_t i = 0; i < TIMERS; i += 3) { /* moved */
        assert_true(fault_set(&all, &alarms[i].timer, (int64_t)(fault_random(&rng) * 1000)));
    }
    for (size_t i = 0; i < TIMERS; i += 5) { /* taken back, once and again */
        fault_clear(&all, &alarms[i].timer);
        fault_clear(&all, &alarms[i].timer);
    }
    fault_fire(&all, 499);
    assert_true(fault_next(&all) > 499);
    fault_fire(&all, 1000);
    assert_true(fault_next(&all) == INT64_MAX);
    for (size_t i = 0; i < TIMERS; i++) {
        assert_int_equal(alarms[i].fired, i % 5 != 0);
    }
    fault_timers_free(&all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges),
        cmocka_unit_test(ids),
        cmocka_unit_test(ids_are_never_too_long),
        cmocka_unit_test(chance_is_fair_and_repeatable),
        cmocka_unit_test(timers_fire_in_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
