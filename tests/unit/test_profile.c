/* SPDX-License-Identifier: MIT
 * When sends are due, for rates that change. */
#include "tests/lib/unit.h"

#include "cli/sigbench/profile.h"

#include <math.h>

static void near(double a, double b)
{
    if (fabs(a - b) > 1e-6 * fabs(b) + 1e-3) {
        fail_msg("%f, expected %f", a, b);
    }
}

static void test_constant(void **state)
{
    (void)state;
    struct profile p;
    profile_constant(&p, 500);
    near(profile_time(&p, 0), 0);
    near(profile_time(&p, 1), 2e6);
    near(profile_time(&p, 5000), 10e9);
}

static void test_ramp(void **state)
{
    (void)state;
    struct profile p;
    /* to 1000/s in 10 s: 5000 sends by then, a quarter of them in the first half */
    profile_ramp(&p, 1000, 10000000);
    near(profile_time(&p, 1250), 5e9);
    near(profile_time(&p, 5000), 10e9);
    near(profile_time(&p, 6000), 11e9);
}

static void test_stages(void **state)
{
    (void)state;
    struct profile p;
    char why[128];
    assert_true(profile_parse(&p, "2s@100,1s@2k", 0, why, sizeof(why)));
    near(profile_length(&p), 3e9);
    near(profile_last(&p), 2000);
    near(profile_time(&p, 100), 1e9);
    near(profile_time(&p, 200), 2e9);
    near(profile_time(&p, 1200), 2.5e9);
    assert_true(profile_parse(&p, "2s@100,2s@300", 1000000, why, sizeof(why)));
    /* 50 on the way up, 100 after it, 200 on the way to 300 */
    near(profile_time(&p, 50), 1e9);
    near(profile_time(&p, 150), 2e9);
    near(profile_time(&p, 350), 3e9);
    near(profile_time(&p, 650), 4e9);
    for (double n = 0, last = -1; n < 900; n += 0.5) {
        double t = profile_time(&p, n);
        assert_true(t > last);
        last = t;
    }
    /* a stage that is all ramp */
    assert_true(profile_parse(&p, "1s@100", 5000000, why, sizeof(why)));
    near(profile_length(&p), 1e9);
    near(profile_time(&p, 50), 1e9);
}

static void test_nonsense(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "1s", "1s@", "@5", "1s@0", "0s@5", "1s@x", "1s@5,"};
    struct profile p;
    char why[128];
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (profile_parse(&p, bad[i], 0, why, sizeof(why))) {
            /* a comma at the end begins nothing */
            assert_string_equal(bad[i], "1s@5,");
        } else {
            assert_non_null(strstr(why, "--stages"));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_constant),
        cmocka_unit_test(test_ramp),
        cmocka_unit_test(test_stages),
        cmocka_unit_test(test_nonsense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
