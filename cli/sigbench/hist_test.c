/* SPDX-License-Identifier: MIT
 * The histogram against sorted samples: quantiles hold three significant digits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/sigbench/hist.h"

static struct hist h;

static int clear(void **state)
{
    (void)state;
    h = (struct hist){0};
    return 0;
}

static void empty_is_zero(void **state)
{
    (void)state;
    assert_int_equal(hist_quantile(&h, 0.99), 0);
    assert_true(hist_mean(&h) <= 0);
}

static void small_values_are_exact(void **state)
{
    (void)state;
    for (int64_t v = 1; v <= 1000; v++) {
        hist_add(&h, v);
    }
    assert_int_equal(hist_quantile(&h, 0.5), 500);
    assert_int_equal(hist_quantile(&h, 0.99), 990);
    assert_int_equal(hist_quantile(&h, 1), 1000);
    assert_int_equal(h.min, 1);
    assert_true(hist_mean(&h) > 500.4 && hist_mean(&h) < 500.6);
}

static void large_values_keep_three_digits(void **state)
{
    static const int64_t values[] = {2047, 2048, 2049, 10007, 999999, 20000003, 59999999};

    (void)state;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        clear(NULL);
        hist_add(&h, values[i]);
        hist_add(&h, HIST_MAX_US);
        double got = (double)hist_quantile(&h, 0.5);
        assert_true(got >= (double)values[i] && got < (double)values[i] * 1.001);
    }
}

static void buckets_are_contiguous(void **state)
{
    (void)state;
    for (size_t i = 1; i < HIST_BUCKETS; i++) {
        uint64_t below = hist_top(i - 1);
        assert_true(hist_top(i) > below);
        if (hist_top(i) < HIST_MAX_US) {
            clear(NULL);
            hist_add(&h, (int64_t)below + 1);
            assert_int_equal(h.bucket[i], 1);
        }
    }
}

static void beyond_the_range_counts(void **state)
{
    (void)state;
    hist_add(&h, -5);
    hist_add(&h, INT64_C(3600000000));
    assert_int_equal(h.n, 2);
    assert_int_equal(h.min, 0);
    assert_int_equal(h.max, 3600000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(empty_is_zero, clear),
        cmocka_unit_test_setup(small_values_are_exact, clear),
        cmocka_unit_test_setup(large_values_keep_three_digits, clear),
        cmocka_unit_test_setup(buckets_are_contiguous, clear),
        cmocka_unit_test_setup(beyond_the_range_counts, clear),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
