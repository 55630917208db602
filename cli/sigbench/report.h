/* SPDX-License-Identifier: MIT
 * Metrics, thresholds and the report of a run. */
#ifndef SIGBENCH_REPORT_H
#define SIGBENCH_REPORT_H

#include "cli/sigbench/bench.h"
#include "cli/sigbench/metric.h"
#include "libproto/json.h"

#define REPORT_REASONS_MAX 4u

/* verdict says what makes the figures untrustworthy: nothing, of a valid run; by_generator: what it
 * says is the fault of the generator alone. */
struct verdict {
    char text[REPORT_REASONS_MAX][160];
    unsigned n;
    bool by_generator;
};

struct runs;
struct findmax;

/* report is what every form of it says: one run, or what several came to. */
struct report {
    const struct bench *b; /* the run; of several the last whole one, of a search the best */
    struct metrics all;    /* of several: the medians */
    struct verdict verdict;
    int stop;                    /* the signal that ended it, or 0 */
    int status;                  /* what sigbench exits with; report_print sets it */
    struct format_files *files;  /* to be written; borrowed, may be NULL */
    const struct runs *runs;     /* of --repeat, else NULL */
    const struct findmax *found; /* of --find-max, else NULL */
};

/* report_init fills in what one run came to; b is borrowed. */
void report_init(struct report *r, const struct bench *b);

/* report_object adds a reason to a verdict. */
void report_object(struct verdict *v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

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
int report_print(struct report *r);

#endif
