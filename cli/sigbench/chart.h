/* SPDX-License-Identifier: MIT
 * Line and bar charts as SVG, with round ticks, units and a legend. Pure: numbers in, text out. */
#ifndef SIGBENCH_CHART_H
#define SIGBENCH_CHART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* What numbers of an axis are. Nines: 1/(1-p) shown as the percentile p. */
enum chart_unit { CHART_COUNT, CHART_USEC, CHART_SECONDS, CHART_BYTES, CHART_SHARE, CHART_NINES };

/* chart_axis spans lo to hi; unless tight it is widened to round values. With log, lo is > 0. */
struct chart_axis {
    const char *label;
    enum chart_unit unit;
    bool log, tight;
    double lo, hi;
};

#define CHART_TICKS_MAX 24u

/* chart_ticks are the marks of an axis, on 1, 2 or 5 times a power of ten of its unit. */
struct chart_ticks {
    double lo, hi; /* of the axis as drawn */
    double at[CHART_TICKS_MAX];
    unsigned n;
    double unit;      /* how much one is of what the numbers say; 0: each says its own */
    const char *name; /* "ms"; "" */
    int digits;       /* behind the point */
};

/* chart_ticks_of finds about want ticks. */
void chart_ticks_of(const struct chart_axis *a, unsigned want, struct chart_ticks *out);

/* chart_tick_text writes the text of tick i: "20", "99.9%", on a log axis "100 us". */
void chart_tick_text(char out[32], const struct chart_axis *a, const struct chart_ticks *t,
                     unsigned i);

/* chart_value_text writes any value with its unit: "3.64 ms". */
void chart_value_text(char out[32], enum chart_unit unit, double v);

/* chart_series is n points that the caller owns. A y that is NAN is a gap. A bar i goes from x[i]
 * to x[i + 1], so that x has one more. */
struct chart_series {
    const char *name;
    const double *x, *y;
    size_t n;
    bool bars;
};

#define CHART_SERIES_MAX 4u

struct chart {
    const char *title;
    struct chart_axis x, y;
    struct chart_series series[CHART_SERIES_MAX];
    unsigned n;
};

/* chart_style is the style sheet that charts need, light and dark. */
extern const char chart_style[];

/* chart_write writes an <svg> element; standalone: a document of its own, with the style. */
void chart_write(FILE *f, const struct chart *c, bool standalone);

#endif
