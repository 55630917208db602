/* SPDX-License-Identifier: MIT
 * A run is a copy of the base, which holds the options and the target. */
#include "cli/sigbench/runs.h"

#include "cli/common/out.h"
#include "cli/sigbench/check.h"
#include "cli/sigbench/checkio.h"
#include "cli/sigbench/counters.h"
#include "cli/sigbench/report.h"
#include "cli/sigbench/shard.h"
#include "cli/sigbench/stat.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

static unsigned made;

/* --- one ------------------------------------------------------------------------------------- */

/* What a server has freed it may keep: only the first run saw it without clients. */
static void keep_first_memory(struct bench *base, struct bench *b)
{
    if (base->server_start.ok) {
        b->server_start = base->server_start;
    } else {
        base->server_start = b->server_start;
    }
}

static int checked_run(struct bench *base, struct bench *b)
{
    if (getrandom(&b->run_id, sizeof(b->run_id), 0) != (ssize_t)sizeof(b->run_id) ||
        !checkio_init(b)) {
        return out_fail(EXIT_DATA, NULL, "out of memory");
    }
    int status = counters_begin(b) ? shard_run(b, &base->stop) : EXIT_DATA;
    return status || counters_compare(b) ? status : EXIT_DATA;
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
    *status = checked_run(base, b);
    if (*status) {
        run_free(b);
        return NULL;
    }
    keep_first_memory(base, b);
    return b;
}

void run_free(struct bench *b)
{
    if (b) {
        checkio_fini(b);
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
        r.files = &base->files;
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
    if (b->check && check_flagged(b->check) > 0) {
        report_object(&total->verdict, "run %u: the check found %llu flags", runs->n + 1,
                      (unsigned long long)check_flagged(b->check));
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
    struct report total = {.runs = &runs, .files = &base->files};
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
