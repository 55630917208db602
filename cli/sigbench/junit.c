/* SPDX-License-Identifier: MIT
 * Thresholds as tests, in the form that build servers read: tests/schema/junit.xsd. */
#include "cli/sigbench/formats_in.h"
#include "cli/sigbench/markup.h"
#include "cli/sigbench/words.h"

#include <math.h>

/* The first test is that the run counts at all. */
static bool is_valid(const struct report *r)
{
    return !words_reason(r, 0);
}

static void put_counts(FILE *f, const struct report *r)
{
    double secs = report_value(&r->all, "seconds");
    unsigned n = r->b->conf.thresholds.n, failed = !is_valid(r);

    for (unsigned i = 0; i < n; i++) {
        failed += !report_threshold_ok(r->b, i, &r->all);
    }
    fprintf(f, " tests=\"%u\" failures=\"%u\" errors=\"0\" skipped=\"0\" time=\"%.6f\">\n", n + 1,
            failed, isfinite(secs) ? secs : 0);
}

static void open_test(FILE *f, const struct report *r, const char *name)
{
    fputs("    <testcase name=\"", f);
    markup_xml(f, sp_str(name));
    fprintf(f, "\" classname=\"sigbench.%s\" time=\"0\"", r->b->scenario->name);
}

static void put_validity(FILE *f, const struct report *r)
{
    const char *why = words_reason(r, 0);

    open_test(f, r, "the run is valid");
    if (!why) {
        fputs("/>\n", f);
        return;
    }
    fprintf(f, ">\n      <failure message=\"%s: ", words_outcome(r));
    markup_xml(f, sp_str(why));
    fputs("\" type=\"invalid\">", f);
    for (unsigned i = 0; (why = words_reason(r, i)); i++) {
        markup_xml(f, sp_str(why));
        fputs("\n", f);
    }
    fputs("</failure>\n    </testcase>\n", f);
}

static void put_threshold(FILE *f, const struct report *r, unsigned i)
{
    char measured[48];

    open_test(f, r, r->b->conf.thresholds.v[i]);
    if (report_threshold_ok(r->b, i, &r->all)) {
        fputs("/>\n", f);
        return;
    }
    words_threshold(measured, r, i);
    fprintf(f, ">\n      <failure message=\"measured: %s\" type=\"threshold\">", measured);
    markup_xml(f, sp_str(r->b->conf.thresholds.v[i]));
    fprintf(f, " does not hold, measured: %s</failure>\n    </testcase>\n", measured);
}

void format_junit(FILE *f, const struct report *r)
{
    fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites", f);
    put_counts(f, r);
    fprintf(f, "  <testsuite name=\"sigbench.%s\"", r->b->scenario->name);
    put_counts(f, r);
    put_validity(f, r);
    for (unsigned i = 0; i < r->b->conf.thresholds.n; i++) {
        put_threshold(f, r, i);
    }
    fputs("  </testsuite>\n</testsuites>\n", f);
}
