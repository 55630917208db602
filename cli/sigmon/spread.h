/* SPDX-License-Identifier: MIT
 * Values that are all kept, and their percentiles by nearest rank: exact. */
#ifndef SIGMON_SPREAD_H
#define SIGMON_SPREAD_H

#include "libproto/json.h"

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

/* spread_put writes microseconds as a member: count, p50_us, p90_us, p99_us, max_us; null for none.
 */
void spread_put(struct sp_json *j, const char *key, struct spread *s);

#endif
