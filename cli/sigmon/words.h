/* SPDX-License-Identifier: MIT
 * How often each of many words came. */
#ifndef SIGMON_WORDS_H
#define SIGMON_WORDS_H

#include "libproto/map.h"

struct word {
    int64_t n;
    size_t len;
    char text[];
};

struct words {
    struct sp_map map;
};

/* words_init is false when out of memory; words_fini may follow either way. */
bool words_init(struct words *w, const uint8_t secret[16]);
void words_fini(struct words *w);

/* words_add counts one; false when out of memory. */
bool words_add(struct words *w, struct sp_str text);

/* words_sorted gives the *n words, the most frequent first, equals by their bytes: an array that
 * the caller frees and that borrows from w. NULL when out of memory, with *n 0. */
const struct word **words_sorted(const struct words *w, size_t *n);

#endif
