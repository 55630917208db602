/* SPDX-License-Identifier: MIT
 * Timestamps both ways. */
#include "tests/lib/unit.h"

#include <time.h>

#include "libproto/time.h"

static const struct {
    int64_t ms;
    const char *text;
} known[] = {{0, "1970-01-01T00:00:00.000Z"},
             {1, "1970-01-01T00:00:00.001Z"},
             {951782399999, "2000-02-28T23:59:59.999Z"},
             {951782400000, "2000-02-29T00:00:00.000Z"},
             {1764244800000, "2025-11-27T12:00:00.000Z"},
             {4107542399999, "2100-02-28T23:59:59.999Z"},
             {4107542400000, "2100-03-01T00:00:00.000Z"},
             {253402300799999, "9999-12-31T23:59:59.999Z"}};

static void test_known(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        struct sp_stamp s = {0};
        int64_t ms;
        assert_text(sp_stamp_at(&s, known[i].ms), known[i].text);
        assert_true(sp_stamp_parse(sp_str(known[i].text), &ms));
        assert_true(ms == known[i].ms);
    }
}

/* One cache through jumps forth and back, against the C library's calendar. */
static void test_cache_and_calendar(void **state)
{
    (void)state;
    struct sp_stamp s = {0};
    uint64_t x = 88172645463325252u;
    for (int i = 0; i < 20000; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        int64_t ms = i % 3 == 0 ? (int64_t)(x % 253402300800000u) : s.ms + (int64_t)(x % 1500);
        if (ms > 253402300799999) {
            continue;
        }
        time_t sec = (time_t)(ms / 1000);
        struct tm tm;
        char want[32];
        int64_t back;
        gmtime_r(&sec, &tm);
        strftime(want, sizeof(want), "%Y-%m-%dT%H:%M:%S", &tm);
        struct sp_str got = sp_stamp_at(&s, ms);
        assert_memory_equal(got.p, want, 19);
        assert_true(sp_stamp_parse(got, &back));
        assert_true(back == ms);
    }
}

static void test_fractions(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } cases[] = {{"1970-01-01T00:00:01Z", 1000},
                 {"1970-01-01T00:00:01.5Z", 1500},
                 {"1970-01-01T00:00:01.25Z", 1250},
                 {"1970-01-01T00:00:01.123456789Z", 1123}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t ms = -1;
        assert_true(sp_stamp_parse(sp_str(cases[i].text), &ms));
        assert_int_equal(ms, cases[i].ms);
    }
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "2025",
                                      "2025-11-27",
                                      "2025-11-27T12:00:00",
                                      "2025-11-27T12:00:00.000",
                                      "2025-11-27 12:00:00Z",
                                      "2025-11-27T12:00:00+01:00",
                                      "2025-13-27T12:00:00Z",
                                      "2025-00-27T12:00:00Z",
                                      "2025-11-00T12:00:00Z",
                                      "2025-11-32T12:00:00Z",
                                      "2025-11-27T24:00:00Z",
                                      "2025-11-27T12:60:00Z",
                                      "2025-11-27T12:00:61Z",
                                      "2025-11-27T12:00:00.000Zx",
                                      "2025-11-27T12:00:00.0x0Z",
                                      "1969-12-31T23:59:59Z",
                                      "x025-11-27T12:00:00Z",
                                      "-025-11-27T12:00:00Z"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        int64_t ms = 7;
        if (sp_stamp_parse(sp_str(bad[i]), &ms) || ms != 7) {
            fail_msg("%s", bad[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known),
        cmocka_unit_test(test_cache_and_calendar),
        cmocka_unit_test(test_fractions),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
