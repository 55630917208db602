/* SPDX-License-Identifier: MIT
 * When the events of a recording happened: one clock in microseconds that goes on over restarts of
 * the server. */
#ifndef SIGMON_TIMELINE_H
#define SIGMON_TIMELINE_H

#include "libproto/event.h"

/* timeline is zero-initialised. */
struct timeline {
    bool set;
    int64_t offset; /* of the server's own clock, which its start sets to 0 */
    int64_t last;
};

/* timeline_us gives microseconds since 1970, by the server's own clock where events tell it, never
 * less than for the event before. */
int64_t timeline_us(struct timeline *t, const struct sp_event *ev);

/* timeline_restart says that the server's own clock begins anew. */
void timeline_restart(struct timeline *t);

#endif
