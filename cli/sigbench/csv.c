/* SPDX-License-Identifier: MIT
 * The intervals as a table for spreadsheets: RFC 4180. The columns are named as in the JSON report;
 * what is not known is empty. */
#include "cli/sigbench/formats_in.h"

#include <math.h>

static double from_us(const struct interval *v)
{
    return (double)(v->from / NS_PER_US);
}

static double to_us(const struct interval *v)
{
    return (double)(v->to / NS_PER_US);
}

static double sent(const struct interval *v)
{
    return (double)v->sent;
}

static double received(const struct interval *v)
{
    return (double)v->received;
}

static double errors(const struct interval *v)
{
    return (double)v->errors;
}

static double p50(const struct interval *v)
{
    return v->received ? (double)v->p50 : NAN;
}

static double p99(const struct interval *v)
{
    return v->received ? (double)v->p99 : NAN;
}

static double max(const struct interval *v)
{
    return v->received ? (double)v->max : NAN;
}

static double generator_cpu(const struct interval *v)
{
    return v->generator_cpu;
}

static double server_cpu(const struct interval *v)
{
    return v->server_cpu < 0 ? NAN : v->server_cpu;
}

static double server_rss(const struct interval *v)
{
    return v->server_rss < 0 ? NAN : v->server_rss;
}

static const struct {
    const char *name;
    int digits;
    double (*get)(const struct interval *v);
} columns[] = {
    {"from_us", 0, from_us},
    {"to_us", 0, to_us},
    {"sent", 0, sent},
    {"received", 0, received},
    {"errors", 0, errors},
    {"p50_us", 0, p50},
    {"p99_us", 0, p99},
    {"max_us", 0, max},
    {"generator_cpu_ratio", 4, generator_cpu},
    {"server_cpu_ratio", 4, server_cpu},
    {"server_rss_bytes", 0, server_rss},
};

#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

void format_csv(FILE *f, const struct report *r)
{
    const struct intervals *all = &r->b->intervals;

    for (size_t c = 0; c < COLUMNS; c++) {
        fprintf(f, "%s%s", c ? "," : "", columns[c].name);
    }
    fputs("\r\n", f);
    for (unsigned i = 0; i < all->n; i++) {
        for (size_t c = 0; c < COLUMNS; c++) {
            double v = columns[c].get(&all->v[i]);
            fputs(c ? "," : "", f);
            if (isfinite(v)) {
                fprintf(f, "%.*f", columns[c].digits, v);
            }
        }
        fputs("\r\n", f);
    }
}
