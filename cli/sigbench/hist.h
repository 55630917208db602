/* SPDX-License-Identifier: MIT
 * A log-linear histogram of microseconds with three significant digits, 1 us to 60 s.
 * Fixed size: recording never allocates. */
#ifndef SIGBENCH_HIST_H
#define SIGBENCH_HIST_H

#include <stddef.h>
#include <stdint.h>

#define HIST_HALF    1024u /* buckets per doubling: better than 1 in 1000 */
#define HIST_SHIFTS  15u   /* 2048 us << 15 is 67 s */
#define HIST_BUCKETS (HIST_HALF * (HIST_SHIFTS + 2u))
#define HIST_MAX_US  60000000

/* hist is zero-initialised; values beyond HIST_MAX_US count in the last bucket, max stays exact. */
struct hist {
    uint64_t n, sum, min, max;
    uint64_t bucket[HIST_BUCKETS];
};

void hist_add(struct hist *h, int64_t us);

/* hist_merge adds what other has. */
void hist_merge(struct hist *h, const struct hist *other);

/* hist_quantile gives the value that the share q (0..1) of the records do not exceed, 0 when there
 * are none. */
uint64_t hist_quantile(const struct hist *h, double q);
double hist_mean(const struct hist *h);

/* hist_top gives the largest value that bucket i holds. */
uint64_t hist_top(size_t i);

#endif
