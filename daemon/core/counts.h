/* SPDX-License-Identifier: MIT
 * What happened, in numbers: all of them are made out of the events, in one place. */
#ifndef CORE_COUNTS_H
#define CORE_COUNTS_H

#include "libproto/event.h"

#define COUNTS_LATENCY 10u /* bounds of the histogram of relays, in counts_bounds */

/* counts only grow. */
struct hub_counts {
    uint64_t events[SP_EV_COUNT];
    uint64_t relays[SP_T_COUNT], relayed_bytes;
    uint64_t errors[SP_ERR_COUNT];         /* by the code of their event */
    uint64_t failed_auths, failed_reloads; /* among the events auth and reload */
    uint64_t latency[COUNTS_LATENCY + 1];  /* relays that took up to each bound, and longer */
    uint64_t latency_us;                   /* their sum */
};

/* The histogram's upper bounds in microseconds: from a message's arrival to its write. */
extern const uint32_t counts_bounds[COUNTS_LATENCY];

void counts_event(struct hub_counts *c, const struct sp_event *ev);

#endif
