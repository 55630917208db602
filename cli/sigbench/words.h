/* SPDX-License-Identifier: MIT
 * What the reports for people say alike: the outcome, and the parts of the JSON report as rows. */
#ifndef SIGBENCH_WORDS_H
#define SIGBENCH_WORDS_H

#include "cli/sigbench/report.h"

/* words_outcome says in a few words how the run ended: "passed", "invalid" …; words_reason gives
 * the i-th sentence why, NULL behind the last. */
const char *words_outcome(const struct report *r);
const char *words_reason(const struct report *r, unsigned i);

/* words_threshold writes what was measured for threshold i: "23.4 ms". */
void words_threshold(char out[48], const struct report *r, unsigned i);

/* words_metric writes a metric's value as people read it. */
void words_metric(char out[48], const struct metric *m);

/* words_name writes a metric's name as a threshold must say it to mean this one. */
void words_name(char out[48], const struct metric *m);

/* words_group gives the length of what a metric's name begins with, up to its last dot: 0 for
 * "sent", that of "relay.raw" for "relay.raw.p99". */
size_t words_group(const struct metric *m);

/* words_rows calls row for each member of an object of the JSON report, durations as "10.0 s". */
typedef void words_object_fn(struct sp_json *j, const struct report *r);
typedef void words_row_fn(void *ctx, struct sp_str name, struct sp_str value);
void words_rows(const struct report *r, words_object_fn *object, words_row_fn *row, void *ctx);
words_object_fn words_environment, words_parameters;

#endif
