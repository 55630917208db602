/* SPDX-License-Identifier: MIT
 * Where an axis has its marks, and what they say. */
#include "cli/sigbench/chart.h"

#include <math.h>

/* From which end of the axis on a unit is used, and how much it is. */
struct unit_row {
    double from, size;
    const char *name;
};

static const struct unit_row units[][4] = {
    [CHART_COUNT] = {{0, 1, ""}, {2e3, 1e3, "k"}, {2e6, 1e6, "M"}, {2e9, 1e9, "G"}},
    [CHART_USEC] = {{0, 1, "\302\265s"}, {2e3, 1e3, "ms"}, {2e6, 1e6, "s"}},
    [CHART_SECONDS] = {{0, 1, "s"}, {300, 60, "min"}, {18000, 3600, "h"}},
    [CHART_BYTES] = {{0, 1, "B"},
                     {2048, 1024, "KiB"},
                     {2097152, 1048576, "MiB"},
                     {2147483648, 1073741824, "GiB"}},
    [CHART_SHARE] = {{0, 0.01, "%"}},
    [CHART_NINES] = {{0, 1, ""}},
};

static const struct unit_row *unit_of(enum chart_unit unit, double v)
{
    const struct unit_row *row = units[unit];

    for (unsigned i = 1; i < 4 && row[0].name && units[unit][i].name; i++) {
        row = v >= units[unit][i].from ? &units[unit][i] : row;
    }
    return row;
}

/* The power of ten at or below v, whatever the last bit of the logarithm says. */
static double power_below(double v)
{
    return pow(10, floor(log10(v) + 1e-9));
}

static double round_up(double v)
{
    static const double steps[] = {1, 2, 5, 10};
    double ten = power_below(v);

    for (unsigned i = 0; i < 4; i++) {
        if (v <= steps[i] * ten * (1 + 1e-9)) {
            return steps[i] * ten;
        }
    }
    return 10 * ten;
}

static double round_down(double v)
{
    double ten = power_below(v), times = v / ten * (1 + 1e-9);

    return (times >= 5 ? 5 : times >= 2 ? 2 : 1) * ten;
}

static void add_tick(struct chart_ticks *t, double at, double lo, double hi)
{
    if (t->n < CHART_TICKS_MAX && at >= lo * (1 - 1e-9) && at <= hi * (1 + 1e-9)) {
        t->at[t->n++] = at;
    }
}

static void linear_ticks(const struct chart_axis *a, unsigned want, struct chart_ticks *t)
{
    double hi = a->hi > a->lo ? a->hi : a->lo + 1;
    const struct unit_row *u = a->unit == CHART_COUNT ? units[CHART_COUNT] : unit_of(a->unit, hi);
    double step = round_up((hi - a->lo) / want / u->size);
    double first = floor(a->lo / u->size / step + 1e-9);
    double last = ceil(hi / u->size / step - 1e-9);

    t->unit = a->unit == CHART_COUNT ? 0 : u->size;
    t->name = u->name;
    t->digits = step < 1 ? (int)-floor(log10(step) + 1e-9) : 0;
    t->lo = a->tight ? a->lo : first * step * u->size;
    t->hi = a->tight ? hi : last * step * u->size;
    for (double i = first; i <= last; i++) {
        add_tick(t, i * step * u->size, t->lo, t->hi);
    }
}

/* Marks within the decades where these are few, else only the decades, or one of several. */
static void log_ticks(const struct chart_axis *a, unsigned want, struct chart_ticks *t)
{
    double hi = a->hi > a->lo ? a->hi : a->lo * 2;

    t->lo = a->tight ? a->lo : round_down(a->lo);
    t->hi = a->tight ? hi : round_up(hi);
    double decades = log10(t->hi / t->lo);
    bool within = decades * 3 <= want && a->unit != CHART_NINES;
    double every = pow(10, ceil(fmax(decades, 1) / want));
    for (double ten = power_below(t->lo); ten <= t->hi * (1 + 1e-9); ten *= every) {
        add_tick(t, ten, t->lo, t->hi);
        if (within) {
            add_tick(t, 2 * ten, t->lo, t->hi);
            add_tick(t, 5 * ten, t->lo, t->hi);
        }
    }
}

void chart_ticks_of(const struct chart_axis *a, unsigned want, struct chart_ticks *out)
{
    *out = (struct chart_ticks){.name = ""};
    if (a->log) {
        log_ticks(a, want, out);
    } else {
        linear_ticks(a, want, out);
    }
}

void chart_value_text(char out[32], enum chart_unit unit, double v)
{
    const struct unit_row *u = unit_of(unit, v);

    snprintf(out, 32, "%.3g%s%s", v / u->size, *u->name && unit != CHART_COUNT ? " " : "", u->name);
}

/* 1, 10, 100, 1000 are 0, 90, 99 and 99.9 %. */
static void nines_text(char out[32], double v)
{
    int digits = v < 150 ? 0 : (int)floor(log10(v) + 1e-9) - 2;

    snprintf(out, 32, "%.*f%%", digits, 100 * (1 - 1 / v));
}

void chart_tick_text(char out[32], const struct chart_axis *a, const struct chart_ticks *t,
                     unsigned i)
{
    double v = t->at[i];

    if (a->unit == CHART_NINES) {
        nines_text(out, v);
    } else if (t->unit > 0) {
        snprintf(out, 32, "%.*f", t->digits, v / t->unit);
    } else {
        const struct unit_row *u = unit_of(a->unit, v * 2);
        snprintf(out, 32, "%.6g%s%s", v / u->size, a->unit == CHART_COUNT ? "" : " ", u->name);
    }
}
