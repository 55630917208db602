/* SPDX-License-Identifier: MIT
 * Tables for a README or a pull request. */
#include "cli/sigbench/figure.h"
#include "cli/sigbench/formats_in.h"
#include "cli/sigbench/markup.h"
#include "cli/sigbench/words.h"

/* Names are ours. */
static void put_row(void *ctx, struct sp_str name, struct sp_str value)
{
    FILE *f = ctx;

    fprintf(f, "| `%.*s` | ", (int)name.n, name.p);
    markup_md(f, value);
    fputs(" |\n", f);
}

static void put_verdict(FILE *f, const struct report *r)
{
    const char *why;

    fprintf(f, "### sigbench %s: %s\n\n", r->b->scenario->name, words_outcome(r));
    for (unsigned i = 0; (why = words_reason(r, i)); i++) {
        fputs("- ", f);
        markup_md(f, sp_str(why));
        fputs("\n", f);
    }
    fputs(words_reason(r, 0) ? "\n" : "", f);
}

static void put_latency(FILE *f, const char *name, const struct hist *h)
{
    static const double shares[] = {0.5, 0.9, 0.99, 0.999, 1};
    char text[48];

    if (h->n == 0) {
        return;
    }
    fprintf(f, "| %s |", name);
    for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
        figure_text(text, UNIT_USEC, (double)hist_quantile(h, shares[i]));
        fprintf(f, " %s |", text);
    }
    figure_text(text, UNIT_USEC, hist_mean(h));
    fprintf(f, " %s |\n", text);
}

static void put_latencies(FILE *f, const struct bench *b)
{
    if (b->latency.n == 0) {
        return;
    }
    fputs("| latency | p50 | p90 | p99 | p99.9 | max | mean |\n"
          "|:---|---:|---:|---:|---:|---:|---:|\n",
          f);
    put_latency(f, b->scenario->name, &b->latency);
    put_latency(f, "raw", &b->raw);
    put_latency(f, "complete", &b->complete);
    fputs("\n", f);
}

static void put_thresholds(FILE *f, const struct report *r)
{
    const struct opt_list *all = &r->b->conf.thresholds;
    char text[48];

    if (all->n == 0) {
        return;
    }
    fputs("| threshold | outcome | measured |\n|:---|:---|---:|\n", f);
    for (unsigned i = 0; i < all->n; i++) {
        bool ok = report_threshold_ok(r->b, i, &r->all);
        words_threshold(text, r, i);
        fputs("| ", f);
        markup_md(f, sp_str(all->v[i]));
        fprintf(f, " | %s | %s |\n", ok ? "ok" : "**failed**", text);
    }
    fputs("\n", f);
}

/* Quantiles have their own table, and counts that are 0 say nothing here. */
static void put_metrics(FILE *f, const struct report *r)
{
    size_t scenario = strlen(r->b->scenario->name);
    char name[48], text[48];

    fputs("| metric | value |\n|:---|---:|\n", f);
    for (unsigned i = 0; i < r->all.n; i++) {
        const struct metric *m = &r->all.m[i];
        bool quantile =
            strncmp(m->name, r->b->scenario->name, scenario) == 0 && m->name[scenario] == '.';
        if (m->has && !quantile && (m->value < 0 || m->value > 0)) {
            words_name(name, m);
            words_metric(text, m);
            put_row(f, sp_str(name), sp_str(text));
        }
    }
    fputs("\n", f);
}

void format_markdown(FILE *f, const struct report *r)
{
    put_verdict(f, r);
    put_latencies(f, r->b);
    put_thresholds(f, r);
    put_metrics(f, r);
    fputs("<details><summary>Parameters and environment</summary>\n\n"
          "| parameter | value |\n|:---|---:|\n",
          f);
    words_rows(r, words_parameters, put_row, f);
    words_rows(r, words_environment, put_row, f);
    fputs("\n</details>\n", f);
}
