/* SPDX-License-Identifier: MIT
 * stat against all choices of ranks, enumerated or counted by recursion elsewhere. */
#include "cli/sigbench/stat.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define N(v) (sizeof(v) / sizeof((v)[0]))

static void near(double is, double want)
{
    if (fabs(is - want) > 1e-6) {
        fail_msg("%.9f is not %.9f", is, want);
    }
}

static void test_quantiles(void **state)
{
    double v[] = {9, 1, 4, 2};

    (void)state;
    stat_sort(v, N(v));
    near(stat_median(v, N(v)), 3);
    near(stat_quantile(v, N(v), 0), 1);
    near(stat_quantile(v, N(v), 1), 9);
    near(stat_quantile(v, N(v), 0.25), 1.75);
    near(stat_median(v, 3), 2);
    near(stat_median(v, 1), 1);
    assert_true(isnan(stat_median(v, 0)));
}

static void test_exact(void **state)
{
    const double a[] = {1, 2, 3}, b[] = {4, 5, 6}, mixed[] = {1.5, 2.5, 9};
    const double few[] = {78, 64, 75, 45}, more[] = {110, 70, 53, 51};

    (void)state;
    near(stat_greater(a, 3, b, 3), 0.05);
    near(stat_greater(b, 3, a, 3), 1);
    near(stat_greater(a, 3, mixed, 3), 0.35);
    near(stat_greater(few, 4, more, 4), 0.557142857);
    near(stat_least_p(3, 3), 0.05);
    near(stat_least_p(5, 5), 1.0 / 252);
}

static void test_exact_with_ties(void **state)
{
    const double a[] = {1, 2, 2}, b[] = {2, 3, 3}, same[] = {7, 7, 7};

    (void)state;
    near(stat_greater(a, 3, b, 3), 0.15);
    near(stat_greater(same, 3, same, 3), 1);
}

static void test_largest_exact_and_approximation(void **state)
{
    double a[40], b[40];

    (void)state;
    for (unsigned i = 0; i < 40; i++) {
        a[i] = i;
        b[i] = (double)i + 0.5;
    }
    double exact = stat_greater(a, 20, b, 20), approximate = stat_greater(a, 21, b, 21);
    near(exact, 0.3997035936);
    assert_true(fabs(exact - approximate) < 0.01);
    for (unsigned i = 0; i < 40; i++) {
        b[i] = a[i] + 20;
    }
    assert_true(stat_greater(a, 40, b, 40) < 1e-6);
    assert_true(stat_greater(b, 40, a, 40) > 0.999999);
    for (unsigned i = 0; i < 40; i++) {
        b[i] = a[i] = 1;
    }
    near(stat_greater(a, 40, b, 40), 1);
}

static void test_empty(void **state)
{
    const double a[] = {1, 2, 3};

    (void)state;
    near(stat_greater(a, 3, a, 0), 1);
    near(stat_greater(a, 0, a, 3), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quantiles),
        cmocka_unit_test(test_exact),
        cmocka_unit_test(test_exact_with_ties),
        cmocka_unit_test(test_largest_exact_and_approximation),
        cmocka_unit_test(test_empty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
