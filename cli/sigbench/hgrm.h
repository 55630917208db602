/* SPDX-License-Identifier: MIT
 * Percentiles of a histogram, ever finer towards the maximum, and HdrHistogram's text of them. */
#ifndef SIGBENCH_HGRM_H
#define SIGBENCH_HGRM_H

#include "cli/sigbench/hist.h"

#include <stdbool.h>
#include <stdio.h>

/* hgrm_step is the state of a walk; begins as {.h = h}, its members are those of the row. */
struct hgrm_step {
    const struct hist *h;
    double share;   /* the percentile as 0..1; 1: the last row */
    uint64_t value; /* us; what the share does not exceed */
    uint64_t total; /* records up to the value */
    size_t next;    /* bucket */
    double level;   /* of the next row */
};

/* hgrm_next goes to the next row, five for each halving of what is left to 100 %; false behind the
 * last. */
bool hgrm_next(struct hgrm_step *s);

/* hgrm_write writes rows of Value (ms), Percentile, TotalCount and 1/(1-Percentile), and the
 * footer with mean, deviation and maximum. */
void hgrm_write(FILE *f, const struct hist *h);

#endif
