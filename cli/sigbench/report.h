/* SPDX-License-Identifier: MIT
 * Metrics, thresholds and the report of a run. */
#ifndef SIGBENCH_REPORT_H
#define SIGBENCH_REPORT_H

#include "cli/sigbench/bench.h"
#include "cli/sigbench/metric.h"
#include "libproto/json.h"

#define REPORT_REASONS_MAX 4u

/* verdict is what makes the figures untrustworthy: nothing, of a valid run. */
struct verdict {
    char text[REPORT_REASONS_MAX][160];
    unsigned n;
};

/* report is what every form of it says. */
struct report {
    const struct bench *b;
    const struct metrics *metrics;
    const struct verdict *verdict;
    int status; /* what sigbench exits with */
};

/* report_value is NAN where this run has no such metric. */
double report_value(const struct metrics *all, const char *name);

bool report_threshold_ok(const struct bench *b, unsigned i, const struct metrics *all);

/* the objects "environment" and "parameters" of the JSON report, which the other forms show. */
void report_environment(struct sp_json *j);
void report_parameters(struct sp_json *j, const struct bench *b);

/* report_check_thresholds parses all thresholds; false with a sentence in why. */
bool report_check_thresholds(const struct bench *b, char *why, size_t cap);

/* report_print writes the files, prints the summary or the JSON report, and gives the exit status.
 */
int report_print(struct bench *b);

#endif
