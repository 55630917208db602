/* SPDX-License-Identifier: MIT
 * RFC 3339 timestamps in UTC with milliseconds; time always comes in as an argument. */
#ifndef SP_TIME_H
#define SP_TIME_H

#include "libproto/limits.h"
#include "libproto/types.h"

/* sp_stamp caches the text of one millisecond; zero-initialise it. */
struct sp_stamp {
    int64_t ms;
    bool set;
    char text[SP_TIMESTAMP_LEN];
};

/* sp_stamp_at gives "2025-11-27T12:00:00.000Z" for ms since 1970 (years 1970..9999); the text is
 * borrowed until the next call. */
struct sp_str sp_stamp_at(struct sp_stamp *s, int64_t ms);

/* sp_stamp_parse reads such a timestamp back (any number of fraction digits). */
bool sp_stamp_parse(struct sp_str text, int64_t *ms);

#endif
