/* SPDX-License-Identifier: MIT
 * Runs: one, or the same again and again. */
#ifndef SIGBENCH_RUNS_H
#define SIGBENCH_RUNS_H

#include "cli/sigbench/metric.h"

#define RUNS_MAX 100u

/* runs holds the metrics of each whole run of --repeat, and the last of them. */
struct runs {
    struct metrics *sample; /* owned; n of them */
    struct bench *last;     /* owned */
    unsigned n, asked;
};

/* run_once makes a run of its own of what base says and gives it, without connections, for
 * run_free; NULL with *status and a message printed. The clients of each call have other ids.
 * base->stop ends it; base remembers the server's memory before the first run. */
struct bench *run_once(struct bench *base, int *status);
void run_free(struct bench *b);

/* runs_single and runs_repeat make one run, or those of --repeat, print the report and give the
 * exit status. */
int runs_single(struct bench *base);
int runs_repeat(struct bench *base);

/* runs_write and runs_print tell the spread; all are the medians. */
void runs_write(struct sp_json *j, const struct runs *runs);
void runs_print(const struct runs *runs, const struct metrics *all);

#endif
