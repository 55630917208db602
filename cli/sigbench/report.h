/* SPDX-License-Identifier: MIT
 * Metrics, thresholds and the report of a run. */
#ifndef SIGBENCH_REPORT_H
#define SIGBENCH_REPORT_H

#include "cli/sigbench/bench.h"

/* report_check_thresholds parses all thresholds; false with a sentence in why. */
bool report_check_thresholds(const struct bench *b, char *why, size_t cap);

/* report_print prints the summary or the JSON report and gives the exit status. */
int report_print(const struct bench *b);

#endif
