/* SPDX-License-Identifier: MIT
 * A run is a copy of the base, which holds the options and the target. */
#include "cli/sigbench/runs.h"

#include "cli/common/out.h"
#include "cli/sigbench/gen.h"
#include "cli/sigbench/load.h"
#include "cli/sigbench/report.h"
#include "cli/sigbench/stat.h"

#include <stdio.h>
#include <stdlib.h>

static struct bench *volatile under_way;
static unsigned made;

void run_stop(struct bench *base, int signo)
{
    struct bench *b = under_way;

    base->stop = signo;
    if (b) {
        b->stop = signo;
    }
}

/* --- one ------------------------------------------------------------------------------------- */

static void drive(struct bench *base, struct bench *b)
{
    under_way = b;
    b->stop = base->stop;
    gen_run(b);
    if (base->server_start.ok) {
        /* what a server has freed it may keep: only the first run saw it without clients */
        b->server_start = base->server_start;
    } else {
        base->server_start = b->server_start;
    }
    if (base->conf.repeat > 0 || base->conf.find_max) {
        gen_close(b); /* more may follow */
    }
    under_way = NULL;
}

struct bench *run_once(struct bench *base, int *status)
{
    struct bench *b = malloc(sizeof(*b));

    *status = EXIT_USAGE;
    if (!b) {
        *status = out_fail(EXIT_DATA, NULL, "out of memory");
        return NULL;
    }
    *b = *base;
    if (made++ > 0) {
        snprintf(b->id_prefix, sizeof(b->id_prefix), "%.63s-r%u", base->id_prefix, made);
    }
    if (!gen_init(b)) {
        run_free(b);
        return NULL;
    }
    if (!load_init(b)) {
        *status = out_fail(EXIT_DATA, NULL, "out of memory");
        run_free(b);
        return NULL;
    }
    drive(base, b);
    load_fini(b);
    gen_fini(b);
    return b;
}

void run_free(struct bench *b)
{
    if (b) {
        load_fini(b);
        gen_fini(b);
        free(b);
    }
}

int runs_single(struct bench *base)
{
    struct report r;
    int status;
    struct bench *b = run_once(base, &status);

    if (b) {
        report_init(&r, b);
        status = report_print(&r);
    }
    run_free(b);
    return status;
}

/* --- several --------------------------------------------------------------------------------- */

/* The values of metric i, sorted. */
static unsigned values_of(const struct runs *runs, unsigned i, double v[RUNS_MAX])
{
    unsigned n = 0;

    for (unsigned k = 0; k < runs->n; k++) {
        if (runs->sample[k].m[i].has) {
            v[n++] = runs->sample[k].m[i].value;
        }
    }
    stat_sort(v, n);
    return n;
}

static void set_medians(const struct runs *runs, struct metrics *all)
{
    double v[RUNS_MAX];

    for (unsigned i = 0; i < all->n; i++) {
        unsigned n = values_of(runs, i, v);
        all->m[i].has = n > 0;
        all->m[i].value = n ? stat_median(v, n) : 0;
    }
}

/* Takes b; false when it ended too early to count. */
static bool add_run(struct runs *runs, struct report *total, struct bench *b)
{
    struct report r;

    report_init(&r, b);
    if (b->stop && runs->n > 0) {
        run_free(b);
        return false;
    }
    for (unsigned i = 0; i < r.verdict.n; i++) {
        report_object(&total->verdict, "run %u: %s", runs->n + 1, r.verdict.text[i]);
    }
    run_free(runs->last);
    total->b = runs->last = b;
    total->all = r.all;
    runs->sample[runs->n++] = r.all;
    return b->counts.connected > 0 || b->counts.connect_failed == 0;
}

int runs_repeat(struct bench *base)
{
    struct runs runs = {.asked = (unsigned)base->conf.repeat};
    struct report total = {.runs = &runs};
    struct bench *b = NULL;
    int status = EXIT_OK;

    runs.sample = calloc(runs.asked, sizeof(*runs.sample));
    if (!runs.sample) {
        return out_fail(EXIT_DATA, NULL, "out of memory");
    }
    while (runs.n < runs.asked && (runs.n == 0 || !base->stop)) {
        b = run_once(base, &status);
        if (!b || !add_run(&runs, &total, b)) {
            break;
        }
    }
    if (b) {
        set_medians(&runs, &total.all);
        total.stop = base->stop;
        status = report_print(&total);
    }
    run_free(runs.last);
    free(runs.sample);
    return status;
}

void runs_write(struct sp_json *j, const struct runs *runs)
{
    const struct metrics *names = &runs->sample[0];
    double v[RUNS_MAX];
    char name[64];

    sp_json_int(j, "repeat", runs->asked);
    sp_json_object(j, "spread");
    for (unsigned i = 0; i < names->n; i++) {
        unsigned n = values_of(runs, i, v);
        if (n > 0) {
            snprintf(name, sizeof(name), "%s%s", names->m[i].name, metric_suffix(names->m[i].unit));
            sp_json_array(j, name);
            metric_write(j, NULL, v[0]);
            metric_write(j, NULL, v[n - 1]);
            sp_json_end(j, ']');
        }
    }
    sp_json_end(j, '}');
    sp_json_array(j, "samples");
    for (unsigned k = 0; k < runs->n; k++) {
        metrics_write(j, NULL, &runs->sample[k]);
    }
    sp_json_end(j, ']');
}

void runs_print(const struct runs *runs, const struct metrics *all)
{
    double v[RUNS_MAX];
    char name[64], median[32], least[32], most[32];

    printf("%-10s  %u of %u, medians and spread\n", "runs", runs->n, runs->asked);
    for (unsigned i = 0; i < all->n; i++) {
        const struct metric *m = &all->m[i];
        unsigned n = values_of(runs, i, v);
        snprintf(name, sizeof(name), "%s%s", m->name, metric_suffix(m->unit));
        if (n == 0 || metric_trait_of(name).better == BETTER_NEUTRAL ||
            (v[n - 1] <= 0 && m->unit != UNIT_BYTES) || strstr(m->name, ".raw.")) {
            continue;
        }
        metric_format(median, m->unit, m->value);
        metric_format(least, m->unit, v[0]);
        metric_format(most, m->unit, v[n - 1]);
        printf("  %-26s  %12s  (%s .. %s)\n", m->name, median, least, most);
    }
}
