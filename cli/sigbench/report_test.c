/* SPDX-License-Identifier: MIT
 * What the reports are made of: ticks, escapes, figures, percentiles, whole files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/sigbench/chart.h"
#include "cli/sigbench/figure.h"
#include "cli/sigbench/hgrm.h"
#include "cli/sigbench/markup.h"
#include "cli/sigbench/outfile.h"

#include <math.h>

static struct hist h;
static char text[64 * 1024];

/* what is written by a writer, in text */
static FILE *open_text(void)
{
    memset(text, 0, sizeof(text));
    FILE *f = fmemopen(text, sizeof(text), "w");
    assert_non_null(f);
    return f;
}

static void assert_ticks(struct chart_axis a, unsigned want, const char *expect)
{
    struct chart_ticks t;
    char all[512] = "", one[32];

    chart_ticks_of(&a, want, &t);
    for (unsigned i = 0; i < t.n; i++) {
        chart_tick_text(one, &a, &t, i);
        size_t n = strlen(all);
        snprintf(all + n, sizeof(all) - n, "%s%s", i ? " " : "", one);
    }
    assert_string_equal(all, expect);
}

static void linear_ticks_are_1_2_5(void **state)
{
    (void)state;
    assert_ticks((struct chart_axis){"", CHART_COUNT, false, false, 0, 10}, 5, "0 2 4 6 8 10");
    assert_ticks((struct chart_axis){"", CHART_COUNT, false, false, 0, 3001}, 5, "0 1k 2k 3k 4k");
    assert_ticks((struct chart_axis){"", CHART_COUNT, false, false, 0, 0.3}, 5, "0 0.1 0.2 0.3");
    assert_ticks((struct chart_axis){"", CHART_SHARE, false, false, 0, 0.27}, 5, "0 10 20 30");
    assert_ticks((struct chart_axis){"", CHART_USEC, false, false, 0, 4400}, 5, "0 1 2 3 4 5");
    assert_ticks((struct chart_axis){"", CHART_BYTES, false, false, 0, 5.1 * 1048576}, 5,
                 "0 2 4 6");
    assert_ticks((struct chart_axis){"", CHART_SECONDS, false, true, 0, 8.2}, 7, "0 2 4 6 8");
    assert_ticks((struct chart_axis){"", CHART_SECONDS, false, true, 0, 3600}, 7,
                 "0 10 20 30 40 50 60");
}

static void log_ticks_are_decades_or_1_2_5(void **state)
{
    (void)state;
    assert_ticks((struct chart_axis){"", CHART_USEC, true, false, 18, 9076}, 5,
                 "10 \302\265s 100 \302\265s 1 ms 10 ms");
    assert_ticks((struct chart_axis){"", CHART_USEC, true, false, 110, 2000}, 7,
                 "100 \302\265s 200 \302\265s 500 \302\265s 1 ms 2 ms");
    assert_ticks((struct chart_axis){"", CHART_NINES, true, true, 1, 24006}, 7,
                 "0% 90% 99% 99.9% 99.99%");
    assert_ticks((struct chart_axis){"", CHART_NINES, true, true, 1, 2e6}, 7,
                 "0% 90% 99% 99.9% 99.99% 99.999% 99.9999%");
}

static void an_axis_of_nothing_has_a_span(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct chart_axis a = {"", CHART_USEC, i == 1, false, i, i};
        struct chart_ticks t;
        chart_ticks_of(&a, 5, &t);
        assert_true(t.hi > t.lo && t.n >= 2);
    }
}

static void ticks_stay_few_over_any_range(void **state)
{
    (void)state;
    for (double hi = 1e-3; hi < 1e13; hi *= 1.37) {
        struct chart_axis a = {"", CHART_COUNT, false, false, 0, hi};
        struct chart_ticks t;
        chart_ticks_of(&a, 5, &t);
        assert_true(t.n >= 3 && t.n <= 7 && t.at[0] >= 0 && t.hi >= hi * (1 - 1e-9));
        a = (struct chart_axis){"", CHART_COUNT, true, false, 1e-3, hi};
        chart_ticks_of(&a, 5, &t);
        assert_true(t.n >= 1 && t.n <= 8 && t.lo <= 1e-3 * (1 + 1e-9) && t.hi >= hi * (1 - 1e-9));
    }
}

static void markup_of_others_is_text(void **state)
{
    (void)state;
    FILE *f = open_text();
    markup_xml(f, SP_STR("<a href=\"x\">'&\033\xff\xe2\x80\xae"));
    fclose(f);
    assert_string_equal(text, "&lt;a href=&quot;x&quot;&gt;&#39;&amp;\\x1b\\xff\\u{202e}");
    f = open_text();
    markup_md(f, SP_STR("a|b\n`c` <d> [e](f) \\"));
    fclose(f);
    assert_string_equal(text, "a&#124;b&#92;x0a&#96;c&#96; &lt;d&gt; &#91;e&#93;(f) &#92;");
}

static void long_text_is_not_cut(void **state)
{
    static char in[3 * 4096 + 1];

    (void)state;
    for (size_t i = 0; i < sizeof(in) - 1; i += 3) {
        memcpy(in + i, "\xe2\x82\xac", 3);
    }
    FILE *f = open_text();
    markup_xml(f, sp_str(in));
    fclose(f);
    assert_string_equal(text, in);
}

static void figures_have_units(void **state)
{
    static const struct {
        enum metric_unit unit;
        double v;
        const char *expect;
    } rows[] = {{UNIT_USEC, 0, "0 \302\265s"},      {UNIT_USEC, 3.456, "3.46 \302\265s"},
                {UNIT_USEC, 840, "840 \302\265s"},  {UNIT_USEC, 23400, "23.40 ms"},
                {UNIT_USEC, 10000000, "10 s"},      {UNIT_BYTES, 512, "512 bytes"},
                {UNIT_BYTES, 5368709, "5.1 MiB"},   {UNIT_RATIO, 0.875, "87.5 %"},
                {UNIT_COUNT, 1234567, "1,234,567"}, {UNIT_COUNT, 7.5, "7.50"},
                {UNIT_PER_S, 2999.24, "2,999/s"},   {UNIT_COUNT, -1234, "-1,234"},
                {UNIT_BYTES, -2048, "-2 KiB"}};
    char out[48];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        figure_text(out, rows[i].unit, rows[i].v);
        assert_string_equal(out, rows[i].expect);
    }
}

static void percentiles_climb_to_the_maximum(void **state)
{
    (void)state;
    h = (struct hist){0};
    for (int64_t v = 1; v <= 1000; v++) {
        hist_add(&h, v);
    }
    struct hgrm_step s = {.h = &h}, before = s;
    unsigned rows = 0;
    while (hgrm_next(&s)) {
        assert_true(s.value >= before.value && s.total >= before.total);
        assert_true(s.share > before.share || rows == 0);
        assert_true((double)s.total >= s.share * 1000);
        assert_int_equal(s.value, hist_quantile(&h, s.share));
        before = s;
        rows++;
    }
    assert_int_equal(s.value, 1000);
    assert_int_equal(s.total, 1000);
    assert_true(rows > 40 && rows < 60);
}

static void hgrm_is_as_hdrhistogram_writes_it(void **state)
{
    (void)state;
    h = (struct hist){0};
    hist_add(&h, 1000);
    hist_add(&h, 3000);
    FILE *f = open_text();
    hgrm_write(f, &h);
    fclose(f);
    assert_string_equal(text, "       Value     Percentile TotalCount 1/(1-Percentile)\n\n"
                              "       1.000 0.000000000000          1           1.00\n"
                              "       1.000 0.100000000000          1           1.11\n"
                              "       1.000 0.200000000000          1           1.25\n"
                              "       1.000 0.300000000000          1           1.43\n"
                              "       1.000 0.400000000000          1           1.67\n"
                              "       1.000 0.500000000000          1           2.00\n"
                              "       3.000 0.550000000000          2           2.22\n"
                              "       3.000 1.000000000000          2\n"
                              "#[Mean    =        2.000, StdDeviation   =        1.000]\n"
                              "#[Max     =        3.000, Total count    =            2]\n"
                              "#[Buckets =           16, SubBuckets     =         2048]\n");
}

static void no_records_are_no_rows(void **state)
{
    (void)state;
    h = (struct hist){0};
    assert_false(hgrm_next(&(struct hgrm_step){.h = &h}));
}

static void a_chart_has_gaps_and_escapes(void **state)
{
    static const double x[] = {1, 2, 3, 4}, y[] = {5, NAN, 7, 8};
    struct chart c = {.title = "<t>",
                      .x = {"x", CHART_SECONDS, false, true, 0, 4},
                      .y = {"y", CHART_COUNT, false, false, 0, 8},
                      .series = {{"a & b", x, y, 4, false}},
                      .n = 1};

    (void)state;
    FILE *f = open_text();
    chart_write(f, &c, true);
    fclose(f);
    assert_non_null(strstr(text, ">&lt;t&gt;</text>"));
    assert_non_null(strstr(text, ">a &amp; b</text>"));
    assert_non_null(strstr(text, " d=\"M196.5 130.2M445.5 80.8L570.0 56.0\"/>"));
    assert_null(strstr(text, "nan"));
}

static void a_file_is_whole_or_not_there(void **state)
{
    char dir[] = "/tmp/sigbench_report_XXXXXX", path[64], why[256];
    struct outfile o;

    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/out", dir);
    assert_true(outfile_open(&o, path, why, sizeof(why)));
    fputs("half", o.f);
    assert_int_not_equal(access(path, F_OK), 0);
    outfile_discard(&o);
    assert_int_not_equal(access(path, F_OK), 0);
    assert_true(outfile_open(&o, path, why, sizeof(why)));
    fputs("whole", o.f);
    assert_true(outfile_commit(&o, why, sizeof(why)));
    assert_int_equal(access(path, F_OK), 0);
    unlink(path);
    assert_int_equal(rmdir(dir), 0); /* nothing else was left */
    assert_false(outfile_open(&o, path, why, sizeof(why)));
    assert_non_null(strstr(why, "No such file"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(linear_ticks_are_1_2_5),
        cmocka_unit_test(log_ticks_are_decades_or_1_2_5),
        cmocka_unit_test(an_axis_of_nothing_has_a_span),
        cmocka_unit_test(ticks_stay_few_over_any_range),
        cmocka_unit_test(markup_of_others_is_text),
        cmocka_unit_test(long_text_is_not_cut),
        cmocka_unit_test(figures_have_units),
        cmocka_unit_test(percentiles_climb_to_the_maximum),
        cmocka_unit_test(hgrm_is_as_hdrhistogram_writes_it),
        cmocka_unit_test(no_records_are_no_rows),
        cmocka_unit_test(a_chart_has_gaps_and_escapes),
        cmocka_unit_test(a_file_is_whole_or_not_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
