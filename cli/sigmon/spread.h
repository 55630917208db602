/* SPDX-License-Identifier: MIT
 * Values that are all kept, and their percentiles by nearest rank: exact. */
#ifndef SIGMON_SPREAD_H
#define SIGMON_SPREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* spread is zero-initialised. */
struct spread {
    int64_t *v;
    size_t n, cap;
    bool sorted;
};

void spread_fini(struct spread *s);

/* spread_add is false when out of memory. */
bool spread_add(struct spread *s, int64_t value);

/* spread_rank gives the smallest value that so many thousandths (1 to 1000) of all do not exceed;
 * -1 when there are none. It sorts what was added since. */
int64_t spread_rank(struct spread *s, unsigned permille);

#endif
