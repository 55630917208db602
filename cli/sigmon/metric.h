/* SPDX-License-Identifier: MIT
 * The figures of a recording by name, and bounds on them. */
#ifndef SIGMON_METRIC_H
#define SIGMON_METRIC_H

#include "cli/common/compare.h"
#include "cli/sigmon/tally.h"

#include <stdio.h>

enum metric_unit { METRIC_COUNT, METRIC_BYTES, METRIC_USEC };

/* metric is one row; the table ends with a row whose name is NULL. */
struct metric {
    const char *name;
    enum metric_unit unit;
    size_t off;        /* of the figure in tally_figures, or of the spread in tally */
    unsigned permille; /* of a spread; 0: a figure */
    size_t whole;      /* the figure that it may be a percentage of; SIZE_MAX: none */
    const char *help;
};
extern const struct metric metrics[];

/* metric_get gives a value; -1 when nothing of the kind was measured. */
int64_t metric_get(const struct metric *m, struct tally *t);

/* metric_print writes a value in its unit. */
void metric_print(FILE *f, const struct metric *m, int64_t value);

/* metric_help prints the table. */
void metric_help(FILE *f);

/* threshold is a condition that must not come true: setup.p99>20ms, errors>=1%. */
struct threshold {
    const struct metric *metric;
    struct compare compare;
    bool share; /* the bound is one of millionths of the whole */
};

/* threshold_parse is false with a sentence in why. */
bool threshold_parse(struct threshold *th, const char *text, char *why, size_t cap);

enum threshold_result { THRESHOLD_QUIET, THRESHOLD_FIRED, THRESHOLD_UNMEASURED };
enum threshold_result threshold_judge(const struct threshold *th, struct tally *t);

/* threshold_print writes the value that fired it: "errors is 12 (1.20%)". */
void threshold_print(FILE *f, const struct threshold *th, struct tally *t);

#endif
