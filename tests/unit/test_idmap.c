/* SPDX-License-Identifier: MIT
 * Renaming ids by rules of sed. */
#include "tests/lib/unit.h"

#include "cli/sigmon/idmap.h"

static const char *mapped(const char *const *rules, const char *id)
{
    static char out[SP_ID_MAX + 1];
    struct idmap m = {.n = 0};
    char why[128];
    for (; *rules; rules++) {
        if (!idmap_add(&m, *rules, why, sizeof(why))) {
            print_error("%s: %s\n", *rules, why);
            fail();
        }
    }
    bool ok = idmap_apply(&m, sp_str(id), out);
    idmap_fini(&m);
    return ok ? out : NULL;
}

#define MAPPED(id, ...) mapped((const char *const[]){__VA_ARGS__, NULL}, id)

static void test_as_sed_does(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {"s/drone/sim/", "drone-drone-1", "sim-drone-1"},
        {"s/drone/sim/g", "drone-drone-1", "sim-sim-1"},
        {"s/DRONE/sim/i", "drone-1", "sim-1"},
        {"s/DRONE/sim/gi", "drone-Drone", "sim-sim"},
        {"s/drone/sim/", "cam-1", "cam-1"},
        {"s/^/x-/", "cam", "x-cam"},
        {"s/$/-x/", "cam", "cam-x"},
        {"s/-//", "a-b", "ab"},
        {"s/(.*)-([0-9]+)/\\2-\\1/", "cam-7", "7-cam"},
        {"s/[0-9]+/<&>/", "c7", NULL},
        {"s/[0-9]+/n&n/", "c7", "cn7n"},
        {"s/[0-9]+/n\\&n/", "c7", NULL},
        {"s|a|b|", "a", "b"},
        {"s|a\\|b|x|", "a|b", "x"},
        {"s,a\\,b,x,", "a,b", "x"},
        {"s,a,\\,,", "a", NULL},
        {"s/\\./-/g", "a.b.c", "a-b-c"},
        {"s/x*/-/g", "abc", NULL},
        {"s/x*/y/g", "abc", "yaybycy"},
        {"s/a*/x/g", "baaac", "xbxcx"},
        {"s/^a/b/g", "aaa", "baa"},
        {"s/(b)|a/\\1x/", "a", "x"},
        {"s/a/\\0\\0/", "a", "aa"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *got = MAPPED(cases[i][1], cases[i][0]);
        if (cases[i][2]) {
            assert_non_null(got);
            assert_string_equal(got, cases[i][2]);
        } else {
            assert_null(got);
        }
    }
}

static void test_one_after_the_other(void **state)
{
    (void)state;
    assert_string_equal(MAPPED("a", "s/a/b/", "s/b/c/", "s/^/x/"), "xc");
}

static void test_what_gets_too_long_is_no_id(void **state)
{
    (void)state;
    char id[SP_ID_MAX + 2];
    memset(id, 'a', sizeof(id));
    id[SP_ID_MAX] = '\0';
    assert_string_equal(MAPPED(id, "s/b/c/"), id);
    assert_null(MAPPED(id, "s/a/bb/"));
    assert_null(MAPPED(id, "s/a/bb/", "s/bb/a/"));
    assert_null(MAPPED(id, "s/$/b/"));
    assert_null(MAPPED(id, "s/a/aaaaaaaa/g"));
    id[SP_ID_MAX] = 'a';
    id[SP_ID_MAX + 1] = '\0';
    assert_null(MAPPED(id, "s/a//"));
    assert_null(MAPPED("a", "s/a//"));
}

static void test_rules_that_are_none(void **state)
{
    (void)state;
    static const char *const bad[] = {"",         "s",         "s/",     "s/a",     "s/a/b",
                                      "s//b/",    "s/a/b/x",   "y/a/b/", "s/a/b/1", "s/(/b/",
                                      "s/a/\\1/", "s\\a\\b\\", "s/[/b/", "a/b"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct idmap m = {.n = 0};
        char why[128] = "";
        if (idmap_add(&m, bad[i], why, sizeof(why))) {
            print_error("%s was taken\n", bad[i]);
            fail();
        }
        assert_true(why[0] != '\0');
        assert_int_equal(m.n, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_sed_does),
        cmocka_unit_test(test_one_after_the_other),
        cmocka_unit_test(test_what_gets_too_long_is_no_id),
        cmocka_unit_test(test_rules_that_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
