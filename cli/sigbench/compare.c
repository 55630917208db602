/* SPDX-License-Identifier: MIT
 * What got worse, and what is only noise. */
#include "cli/sigbench/compare.h"

#include "cli/common/out.h"
#include "cli/sigbench/formats.h"
#include "cli/sigbench/stat.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define TESTED_FROM 3u   /* samples of each side */
#define ALPHA       0.01 /* or the least that samples so few can show */
#define RELEVANT    0.02 /* what a significant change must have */
#define MARGIN      0.05 /* what is noise where nothing can be tested */
#define EPSILON     1e-9

/* --- verdicts -------------------------------------------------------------------------------- */

static struct figures figures_of(const struct series *s)
{
    return (struct figures){stat_median(s->v, s->n), s->v[0], s->v[s->n - 1]};
}

static double change_of(double base, double next)
{
    double difference = next - base;

    if (difference > 0 || difference < 0) {
        return base > 0 || base < 0 ? difference / fabs(base) : copysign(INFINITY, difference);
    }
    return 0;
}

/* The p of a change in the direction that the medians have. */
static double p_of(const struct series *base, const struct series *next, double change)
{
    if (base->n < TESTED_FROM || next->n < TESTED_FROM) {
        return NAN;
    }
    return change < 0 ? stat_greater(next->v, next->n, base->v, base->n)
                      : stat_greater(base->v, base->n, next->v, next->n);
}

static bool is_significant(double p, const struct series *base, const struct series *next)
{
    return isnan(p) || p <= fmax(ALPHA, stat_least_p(base->n, next->n)) + EPSILON;
}

/* bound: NAN when the metric is not asked for, below 0 when any worsening counts. */
static void judge(struct row *r, const struct series *base, const struct series *next, double bound)
{
    double relevant = isnan(r->p) ? MARGIN : RELEVANT;
    bool worse = r->trait.better == BETTER_LOWER ? r->change > 0 : r->change < 0;
    bool significant = is_significant(r->p, base, next);

    if (r->trait.better == BETTER_NEUTRAL) {
        r->verdict = CHANGE_NEUTRAL;
        return;
    }
    r->verdict = !significant || fabs(r->change) < relevant ? CHANGE_SAME
                 : worse                                    ? CHANGE_WORSE
                                                            : CHANGE_BETTER;
    if (bound < 0) {
        r->regression = r->verdict == CHANGE_WORSE;
        r->bound = relevant;
        return;
    }
    r->bound = bound;
    r->regression = worse && significant && fabs(r->change) > bound + EPSILON;
    if (r->regression) {
        r->verdict = CHANGE_WORSE;
    }
}

/* --- bounds ---------------------------------------------------------------------------------- */

struct bound {
    char name[64];
    double share;
};

static bool parse_bound(struct bound *b, const char *text)
{
    size_t n = strcspn(text, "=");
    char *end = NULL;

    if (n == 0 || n >= sizeof(b->name) || text[n] != '=') {
        return false;
    }
    memcpy(b->name, text, n);
    b->name[n] = '\0';
    b->share = strtod(text + n + 1, &end) / 100;
    return end != text + n + 1 && strcmp(end, "%") == 0 && b->share >= 0 && isfinite(b->share);
}

/* Names stand with or without their unit; a metric that has the very name comes first. */
static struct row *find_row(const struct comparison *c, const char *name)
{
    char full[96];

    for (unsigned pass = 0; pass < 2; pass++) {
        for (unsigned i = 0; i < c->n; i++) {
            const char *suffix = metric_suffix(c->row[i].trait.unit);
            snprintf(full, sizeof(full), "%s%s", name, pass ? suffix : "");
            if (strcmp(c->row[i].name, full) == 0) {
                return &c->row[i];
            }
        }
    }
    return NULL;
}

/* Sets the bound of each row that is asked for; 0 or an exit status. */
static int set_bounds(struct comparison *c, const struct opt_list *asked)
{
    struct bound b;

    for (unsigned i = 0; i < c->n; i++) {
        c->row[i].bound = asked->n == 0 && c->row[i].trait.watched ? -1 : NAN;
    }
    for (unsigned i = 0; i < asked->n; i++) {
        if (!parse_bound(&b, asked->v[i])) {
            return out_fail(EXIT_USAGE, NULL,
                            "--max-regress '%s': must be NAME=SHARE, as in "
                            "relay.p99=10%%",
                            asked->v[i]);
        }
        struct row *r = find_row(c, b.name);
        if (!r || r->trait.better == BETTER_NEUTRAL) {
            return out_fail(EXIT_USAGE, NULL, "--max-regress '%s': %s", asked->v[i],
                            r ? "that metric is neither better nor worse"
                              : "no metric of that name in both reports");
        }
        r->bound = b.share;
    }
    return 0;
}

/* --- command --------------------------------------------------------------------------------- */

static bool add_rows(struct comparison *c)
{
    c->row = calloc(c->base.n + 1, sizeof(*c->row));
    for (unsigned i = 0; c->row && i < c->base.n; i++) {
        const struct series *base = &c->base.series[i];
        const struct series *next = side_find(&c->next, base->name);
        if (!next) {
            continue;
        }
        struct row *r = &c->row[c->n++];
        *r = (struct row){.name = base->name,
                          .trait = metric_trait_of(base->name),
                          .base = figures_of(base),
                          .next = figures_of(next)};
        r->change = change_of(r->base.median, r->next.median);
        r->p = p_of(base, next, r->change);
    }
    return c->row != NULL;
}

static void judge_rows(struct comparison *c)
{
    for (unsigned i = 0; i < c->n; i++) {
        struct row *r = &c->row[i];
        judge(r, side_find(&c->base, r->name), side_find(&c->next, r->name), r->bound);
        c->regressions += r->regression;
    }
    c->tested = c->base.samples >= TESTED_FROM && c->next.samples >= TESTED_FROM;
}

static int check_sides(struct comparison *c, bool force)
{
    const struct side *bad = c->base.invalid[0] ? &c->base : &c->next;

    if (strcmp(c->base.scenario, c->next.scenario) != 0) {
        if (!force) {
            return out_fail(EXIT_USAGE, NULL, "%s is of %s, %s of %s (--force to compare anyway)",
                            c->base.file, c->base.scenario, c->next.file, c->next.scenario);
        }
        compare_warn(c, "scenario: %s and %s", c->base.scenario, c->next.scenario);
    }
    if (bad->invalid[0]) {
        return out_fail(EXIT_INVALID_RUN, NULL, "%s holds a run that is not valid: %s", bad->file,
                        bad->invalid);
    }
    compare_differences(c, "parameters", c->base.parameters, c->next.parameters);
    compare_differences(c, "environment", c->base.environment, c->next.environment);
    return 0;
}

/* Gives status, or what became of a file. */
static int print(const struct comparison *c, const struct bench_conf *conf, int status)
{
    struct format_files files = {.on_stdout = false};
    int wrong = formats_open(&files, conf, true);

    if (wrong == 0) {
        wrong = formats_compare(&files, c);
    }
    formats_close(&files);
    if (wrong) {
        return wrong;
    }
    if (strcmp(conf->output, "json") == 0) {
        return compare_json(c, status) ? status : out_fail(EXIT_DATA, NULL, "out of memory");
    }
    if (!files.on_stdout) {
        compare_text(c);
    }
    return status;
}

static int compare(struct comparison *c, const struct bench_conf *conf)
{
    int status = check_sides(c, conf->force);

    if (status != 0) {
        return status;
    }
    if (!add_rows(c)) {
        return out_fail(EXIT_DATA, NULL, "out of memory");
    }
    status = set_bounds(c, &conf->max_regress);
    if (status != 0) {
        return status;
    }
    judge_rows(c);
    for (unsigned i = 0; i < c->warnings; i++) {
        out_note("%s", c->warning[i]);
    }
    return print(c, conf, c->regressions > 0 ? EXIT_REGRESSION : EXIT_OK);
}

int compare_run(const struct bench_conf *conf, const char *base, const char *next)
{
    struct comparison c = {.warnings = 0};
    int status;

    if (strcmp(base, "-") == 0 && strcmp(next, "-") == 0) {
        return out_fail(EXIT_USAGE, NULL, "only one of the two can be standard input");
    }
    status = side_read(&c.base, base, &c);
    if (status == 0) {
        status = side_read(&c.next, next, &c);
    }
    if (status == 0) {
        status = compare(&c, conf);
    }
    side_free(&c.base);
    side_free(&c.next);
    free(c.row);
    return status;
}
