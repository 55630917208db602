/* SPDX-License-Identifier: MIT
 * Quantities as people write them: 250ms, 64K, 10k. */
#ifndef SP_UNITS_H
#define SP_UNITS_H

#include "libproto/types.h"

/* sp_parse_duration reads "250ms", "5s", "1.5m", "2h", "1d", "10us" into microseconds; a bare
 * number has the unit bare_us (0: a unit is required); at most six fraction digits count, and less
 * than a microsecond is refused. False on anything else or overflow. */
bool sp_parse_duration(struct sp_str s, int64_t bare_us, int64_t *us);

/* sp_parse_size reads "4096", "64K", "4k", "1.5M", "2G" (powers of 1024, optional B) into bytes. */
bool sp_parse_size(struct sp_str s, int64_t *bytes);

/* sp_parse_count reads "500", "10k", "1.5M", "2G" (powers of 1000). */
bool sp_parse_count(struct sp_str s, int64_t *n);

/* sp_parse_share reads "5%" or "0.25%" into millionths, 0 to 1000000; a number without % is
 * refused.
 */
bool sp_parse_share(struct sp_str s, int64_t *millionths);

/* sp_cut takes the next word off *s, a run of bytes that are none of the separators; empty at the
 * end. */
struct sp_str sp_cut(struct sp_str *s, const char *separators);

/* sp_distance is the edit distance of two words, for "did you mean"; a swap of neighbours is one
 * edit; at most 64 bytes count. */
unsigned sp_distance(struct sp_str a, struct sp_str b);

/* sp_guess collects the candidate that a mistyped word most likely meant, one that it begins before
 * one that it resembles: best is NULL while none is near. Borrows the words. */
struct sp_guess {
    struct sp_str word;
    const char *best;
    unsigned distance; /* what a candidate must stay below */
};

struct sp_guess sp_guess_init(struct sp_str word);
void sp_guess_consider(struct sp_guess *g, const char *candidate);

#endif
