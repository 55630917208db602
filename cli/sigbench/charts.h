/* SPDX-License-Identifier: MIT
 * The charts of a run. */
#ifndef SIGBENCH_CHARTS_H
#define SIGBENCH_CHARTS_H

#include "cli/sigbench/chart.h"

struct bench;

/* chart_row makes one chart; false where the run has nothing to show in it. What the chart points
 * to stays until the next is made. */
struct chart_row {
    bool (*make)(struct chart *c, const struct bench *b);
};

/* charts is the table in the order of the page, the spectrum of percentiles first; its last row
 * makes nothing. */
extern const struct chart_row charts[];

/* charts_spectrum makes the spectrum of percentiles, empty where nothing arrived. */
bool charts_spectrum(struct chart *c, const struct bench *b);

#endif
