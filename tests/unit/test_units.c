/* SPDX-License-Identifier: MIT
 * Durations, sizes, counts and the edit distance. */
#include "tests/lib/unit.h"

#include "libproto/units.h"

struct quantity {
    const char *text;
    int64_t value; /* -1: refused */
};

typedef bool (*parse_fn)(struct sp_str s, int64_t *out);

static void check(parse_fn parse, const struct quantity *q, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int64_t v = -1;
        bool ok = parse(sp_str(q[i].text), &v);
        if (ok != (q[i].value >= 0) || v != q[i].value) {
            fail_msg("'%s': %lld", q[i].text, (long long)v);
        }
    }
}

static bool bare_ms(struct sp_str s, int64_t *out)
{
    return sp_parse_duration(s, 1000, out);
}

static bool no_bare(struct sp_str s, int64_t *out)
{
    return sp_parse_duration(s, 0, out);
}

#define CHECK(parse, table) check(parse, table, sizeof(table) / sizeof((table)[0]))

static void test_durations(void **state)
{
    (void)state;
    static const struct quantity q[] = {{"250ms", 250000},
                                        {"5s", 5000000},
                                        {"1.5m", 90000000},
                                        {"2h", 7200000000},
                                        {"1d", 86400000000},
                                        {"10us", 10},
                                        {"0.25s", 250000},
                                        {"0s", 0},
                                        {"0", 0},
                                        {"30000", 30000000},
                                        {"1.5", 1500},
                                        {"0.000001s", 1},
                                        {"106751991d", 9223372022400000000},
                                        {"106751992d", -1},
                                        {"99999999999999999999", -1},
                                        {"9223372036854775807", -1},
                                        {"", -1},
                                        {"s", -1},
                                        {"-5s", -1},
                                        {"+5s", -1},
                                        {" 5s", -1},
                                        {"5s ", -1},
                                        {"5 s", -1},
                                        {"5S", -1},
                                        {"5sec", -1},
                                        {"5.s", -1},
                                        {".5s", -1},
                                        {"1.5us", -1},
                                        {"1.2.3s", -1},
                                        {"1.0000001s", -1},
                                        {"1e3s", -1},
                                        {"0x10s", -1}};
    CHECK(bare_ms, q);
    static const struct quantity none[] = {{"5", -1}, {"0", -1}, {"5s", 5000000}};
    CHECK(no_bare, none);
}

static void test_sizes(void **state)
{
    (void)state;
    static const struct quantity q[] = {{"4096", 4096},      {"0", 0},
                                        {"64K", 65536},      {"4k", 4096},
                                        {"4kB", 4096},       {"64KB", 65536},
                                        {"12B", 12},         {"1.5M", 1572864},
                                        {"2G", 2147483648},  {"2g", 2147483648},
                                        {"0.5k", 512},       {"8589934591G", 9223372035781033984},
                                        {"8589934592G", -1}, {"B", -1},
                                        {"K", -1},           {"", -1},
                                        {"1.5", -1},         {"1.5B", -1},
                                        {"1KK", -1},         {"1T", -1},
                                        {"1BB", -1},         {"1 K", -1},
                                        {"-1K", -1}};
    CHECK(sp_parse_size, q);
}

static void test_counts(void **state)
{
    (void)state;
    static const struct quantity q[] = {{"500", 500},       {"10k", 10000}, {"1.5M", 1500000},
                                        {"2G", 2000000000}, {"0", 0},       {"1B", -1},
                                        {"1kB", -1},        {"1.5", -1},    {"k", -1},
                                        {"ten", -1},        {"", -1},       {"1,000", -1}};
    CHECK(sp_parse_count, q);
}

static void test_cut(void **state)
{
    (void)state;
    static const struct {
        const char *text, *separators, *words[4];
    } cases[] = {{"a b c", " ", {"a", "b", "c"}},
                 {"  a\t\tb ", " \t", {"a", "b"}},
                 {",,a,,b,", ",", {"a", "b"}},
                 {"one", " ", {"one"}},
                 {"a b", "", {"a b"}},
                 {" \t ", " \t", {NULL}},
                 {"", " ", {NULL}}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sp_str rest = sp_str(cases[i].text);
        for (size_t k = 0; cases[i].words[k]; k++) {
            assert_text(sp_cut(&rest, cases[i].separators), cases[i].words[k]);
        }
        assert_int_equal(sp_cut(&rest, cases[i].separators).n, 0);
        assert_int_equal(sp_cut(&rest, cases[i].separators).n, 0);
    }
    /* a slice ends where it ends, whatever stands behind it */
    struct sp_str slice = {"ab cd", 4};
    assert_text(sp_cut(&slice, " "), "ab");
    assert_text(sp_cut(&slice, " "), "c");
    assert_int_equal(sp_cut(&slice, " ").n, 0);
}

static void test_guess(void **state)
{
    (void)state;
    static const char *const words[] = {"offer", "answer", "watch", "unwatch"};
    static const struct {
        const char *word, *best;
    } cases[] = {{"ofer", "offer"}, {"wacth", "watch"}, {"unwatc", "unwatch"}, {"zzzzz", NULL}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sp_guess g = sp_guess_init(sp_str(cases[i].word));
        for (size_t k = 0; k < 4; k++) {
            sp_guess_consider(&g, words[k]);
        }
        if (!cases[i].best) {
            assert_null(g.best);
        } else {
            assert_non_null(g.best);
            assert_string_equal(g.best, cases[i].best);
        }
    }
}

static void test_shares(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t want; /* -1: refused */
    } cases[] = {{"0%", 0},          {"1%", 10000},   {"0.5%", 5000}, {"100%", 1000000},
                 {"0.0001%", 1},     {"33%", 330000}, {"101%", -1},   {"100.1%", -1},
                 {"1", -1},          {"%", -1},       {"-1%", -1},    {"1.%", -1},
                 {"0.0000001%", -1}, {"1%%", -1},     {"1 %", -1},    {"", -1}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t v = -1;
        assert_int_equal(sp_parse_share(sp_str(cases[i].text), &v), cases[i].want >= 0);
        assert_int_equal(v, cases[i].want);
    }
}

static void test_distance(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        unsigned want;
    } cases[] = {{"", "", 0},          {"a", "", 1},        {"", "abc", 3},
                 {"from", "from", 0},  {"form", "from", 1}, {"frm", "from", 1},
                 {"fromm", "from", 1}, {"fram", "from", 1}, {"kitten", "sitting", 3},
                 {"ab", "ba", 1},      {"size", "rize", 1}, {"relay", "offer", 5}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sp_str a = sp_str(cases[i].a), b = sp_str(cases[i].b);
        assert_int_equal(sp_distance(a, b), cases[i].want);
        assert_int_equal(sp_distance(b, a), cases[i].want);
    }
}

static void test_distance_is_bounded(void **state)
{
    (void)state;
    char a[300], b[300];
    memset(a, 'a', sizeof(a));
    memset(b, 'b', sizeof(b));
    assert_int_equal(sp_distance((struct sp_str){a, 300}, (struct sp_str){b, 300}), 64);
    assert_int_equal(sp_distance((struct sp_str){a, 300}, SP_STR("")), 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_durations), cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_counts),    cmocka_unit_test(test_cut),
        cmocka_unit_test(test_guess),     cmocka_unit_test(test_shares),
        cmocka_unit_test(test_distance),  cmocka_unit_test(test_distance_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
