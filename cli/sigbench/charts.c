/* SPDX-License-Identifier: MIT
 * From histograms and intervals to points. */
#include "cli/sigbench/charts.h"

#include "cli/sigbench/bench.h"
#include "cli/sigbench/hgrm.h"

#include <math.h>

#define BINS      60u
#define LOG_RATIO 20.0 /* beyond it a linear axis would hide the small */

/* The points of one chart at a time: the longest is a run of intervals. */
static struct {
    double x[CHART_SERIES_MAX][INTERVALS_MAX + 1], y[CHART_SERIES_MAX][INTERVALS_MAX];
} points;

static struct chart_series *add_series(struct chart *c, const char *name)
{
    unsigned i = c->n++;

    c->series[i] = (struct chart_series){.name = name, .x = points.x[i], .y = points.y[i]};
    return &c->series[i];
}

static void widen(struct chart_axis *a, double v)
{
    if (isfinite(v)) {
        a->hi = fmax(a->hi, v);
    }
}

static void add_point(struct chart *c, unsigned series, double x, double y)
{
    struct chart_series *s = &c->series[series];

    if (s->n < INTERVALS_MAX) {
        points.x[series][s->n] = x;
        points.y[series][s->n++] = y;
        widen(&c->y, y);
    }
}

/* An axis of latencies is logarithmic where one scale cannot show all; 0 us shows as 1. */
static void fit_latency(struct chart_axis *a, double lo)
{
    a->lo = fmax(lo, 1);
    a->log = a->hi / a->lo > LOG_RATIO;
    if (!a->log) {
        a->lo = 0;
    }
}

static void add_spectrum(struct chart *c, const struct hist *h, const char *name)
{
    struct hgrm_step s = {.h = h};
    unsigned series = c->n;

    if (h->n == 0) {
        return;
    }
    add_series(c, name);
    widen(&c->x, (double)h->n);
    while (hgrm_next(&s)) {
        double x = s.share < 1 ? fmin(1 / (1 - s.share), (double)h->n) : (double)h->n;
        add_point(c, series, x, (double)s.value);
    }
}

/* The first point of a spectrum is its least. */
static double least_of(const struct chart *c)
{
    double least = INFINITY;

    for (unsigned i = 0; i < c->n; i++) {
        least = fmin(least, c->series[i].y[0]);
    }
    return isfinite(least) ? least : 1;
}

bool charts_spectrum(struct chart *c, const struct bench *b)
{
    *c = (struct chart){.title = "Latency by percentile",
                        .x = {"percentile", CHART_NINES, true, true, 1, 10},
                        .y = {"latency", CHART_USEC, false, false, 0, 1}};
    add_spectrum(c, &b->latency, bench_is_open(b) ? "from when it was due" : "latency");
    if (bench_is_open(b)) {
        add_spectrum(c, &b->raw, "raw: from the actual send");
    }
    add_spectrum(c, &b->complete, "complete");
    fit_latency(&c->y, least_of(c));
    return b->latency.n > 0;
}

static double middle(const struct interval *v)
{
    return (double)(v->from + v->to) / 2 / (double)NS_PER_S;
}

static void over_time(struct chart *c, const struct bench *b, const char *title,
                      struct chart_axis y)
{
    const struct intervals *all = &b->intervals;
    double end = all->n ? (double)all->v[all->n - 1].to / (double)NS_PER_S : 0;

    *c = (struct chart){
        .title = title, .x = {"time since the start", CHART_SECONDS, false, true, 0, end}, .y = y};
}

static bool rate_chart(struct chart *c, const struct bench *b)
{
    uint64_t errors = 0;

    over_time(c, b, "Rate", (struct chart_axis){"per second", CHART_COUNT, false, false, 0, 0});
    add_series(c, "sent");
    add_series(c, "received");
    for (unsigned i = 0; i < b->intervals.n; i++) {
        errors += b->intervals.v[i].errors;
    }
    if (errors) {
        add_series(c, "errors");
    }
    for (unsigned i = 0; i < b->intervals.n; i++) {
        const struct interval *v = &b->intervals.v[i];
        const uint64_t n[] = {v->sent, v->received, v->errors};
        double secs = (double)(v->to - v->from) / (double)NS_PER_S;
        for (unsigned s = 0; s < c->n; s++) {
            add_point(c, s, middle(v), (double)n[s] / secs);
        }
    }
    return c->y.hi > 0;
}

static bool latency_chart(struct chart *c, const struct bench *b)
{
    double least = INFINITY;

    over_time(c, b, "Latency over time",
              (struct chart_axis){"latency", CHART_USEC, false, false, 0, 0});
    add_series(c, "max");
    add_series(c, "p99");
    add_series(c, "p50");
    for (unsigned i = 0; i < b->intervals.n; i++) {
        const struct interval *v = &b->intervals.v[i];
        const uint64_t us[] = {v->max, v->p99, v->p50};
        for (unsigned s = 0; s < 3; s++) {
            add_point(c, s, middle(v), v->received ? (double)us[s] : NAN);
        }
        least = v->received ? fmin(least, (double)v->p50) : least;
    }
    fit_latency(&c->y, least);
    return isfinite(least);
}

static bool cpu_chart(struct chart *c, const struct bench *b)
{
    over_time(c, b, "CPU", (struct chart_axis){"of one core", CHART_SHARE, false, false, 0, 0});
    add_series(c, "generator");
    if (*server_source(&b->conf)) {
        add_series(c, "server");
    }
    for (unsigned i = 0; i < b->intervals.n; i++) {
        const struct interval *v = &b->intervals.v[i];
        add_point(c, 0, middle(v), v->generator_cpu);
        if (c->n > 1) {
            add_point(c, 1, middle(v), v->server_cpu < 0 ? NAN : v->server_cpu);
        }
    }
    return b->intervals.n > 0;
}

static bool memory_chart(struct chart *c, const struct bench *b)
{
    over_time(c, b, "Memory of the server",
              (struct chart_axis){"resident", CHART_BYTES, false, false, 0, 0});
    add_series(c, "resident set");
    for (unsigned i = 0; i < b->intervals.n; i++) {
        const struct interval *v = &b->intervals.v[i];
        add_point(c, 0, middle(v), v->server_rss < 0 ? NAN : v->server_rss);
    }
    return c->y.hi > 0;
}

static double edge(const struct chart_ticks *t, bool log, double i)
{
    return log ? t->lo * pow(t->hi / t->lo, i / BINS) : t->lo + (t->hi - t->lo) * i / BINS;
}

/* A bucket covers all that was rounded to it: spread over the bins that it overlaps, it makes no
 * combs where bins are as narrow as buckets. */
static void spread(double *y, const double *x, double from, double to, double amount)
{
    for (unsigned i = 0; i < BINS; i++) {
        double lo = i == 0 ? from : fmax(from, x[i]);
        double hi = i == BINS - 1 ? to : fmin(to, x[i + 1]);
        y[i] += hi > lo ? amount * (hi - lo) / (to - from) : 0;
    }
}

static bool histogram(struct chart *c, const struct bench *b)
{
    const struct hist *h = &b->latency;
    struct chart_ticks t;

    *c = (struct chart){.title = "Latency histogram",
                        .x = {"latency", CHART_USEC, false, false, 0, (double)h->max + 1},
                        .y = {"share", CHART_SHARE, false, false, 0, 0}};
    fit_latency(&c->x, (double)h->min);
    chart_ticks_of(&c->x, 7, &t);
    struct chart_series *s = add_series(c, "latency");
    s->bars = true;
    for (unsigned i = 0; i <= BINS; i++) {
        points.x[0][i] = edge(&t, c->x.log, i);
        points.y[0][i] = 0;
    }
    for (size_t i = 0; i < HIST_BUCKETS; i++) {
        if (h->bucket[i]) {
            spread(points.y[0], points.x[0], i ? (double)hist_top(i - 1) + 1 : 0,
                   (double)hist_top(i) + 1, (double)h->bucket[i] / (double)h->n);
        }
    }
    for (s->n = 0; s->n < BINS; s->n++) {
        widen(&c->y, points.y[0][s->n]);
    }
    return h->n > 0;
}

const struct chart_row charts[] = {{charts_spectrum}, {latency_chart}, {rate_chart}, {histogram},
                                   {cpu_chart},       {memory_chart},  {0}};
