/* SPDX-License-Identifier: MIT
 * The search for the highest rate that holds conditions. */
#ifndef SIGBENCH_FINDMAX_H
#define SIGBENCH_FINDMAX_H

#include "cli/sigbench/metric.h"

#define FINDMAX_STEPS 64u
#define FINDMAX_CONDS 8u

enum step_result { STEP_HELD, STEP_FAILED, STEP_INVALID };

/* step is one run at a rate; why names what failed. */
struct step {
    int64_t rate;
    enum step_result result;
    double achieved, p99_us; /* NAN where unknown */
    char why[160];
};

/* findmax holds the conditions under full names and what the search came to: rate 0 when none
 * held; limit is why the next higher one did not, empty when none was tried. */
struct findmax {
    char cond[FINDMAX_CONDS][160];
    unsigned conds;
    double precision;
    struct step step[FINDMAX_STEPS];
    unsigned n;
    int64_t rate;
    bool confirmed; /* by a second run */
    int64_t limit_rate;
    char limit[160];
};

/* findmax_parse reads "p99<5ms,errors<0.1%" and the precision, "2%"; false with a sentence in why.
 */
bool findmax_parse(struct findmax *f, const struct bench *base, char *why, size_t cap);

/* findmax_run searches, prints the report of the best run and gives the exit status. */
int findmax_run(struct bench *base);

/* findmax_write and findmax_print tell what was found. */
void findmax_write(struct sp_json *j, const struct findmax *f);
void findmax_print(const struct findmax *f);

#endif
