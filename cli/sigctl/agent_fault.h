/* SPDX-License-Identifier: MIT
 * What a simulated peer leaves to chance, and when: ranges, shares, ids by number, reproducible
 * random numbers, timers. No I/O. */
#ifndef SIGCTL_AGENT_FAULT_H
#define SIGCTL_AGENT_FAULT_H

#include "libproto/limits.h"
#include "libproto/types.h"

/* fault_range is a time between two, in microseconds; most 0: none was given. */
struct fault_range {
    int64_t least, most;
};

/* fault_range_parse reads "20ms..80ms" or "50ms", both ends included. */
bool fault_range_parse(struct sp_str s, struct fault_range *r);

/* fault_id is a pattern of ids: prefix, a number of at least width digits (%i or
 * %04i), suffix. Borrows the text. */
struct fault_id {
    struct sp_str prefix, suffix;
    int width;
    bool numbered;
};

/* fault_id_parse is false when there is another % than one %i or %0Ni. */
bool fault_id_parse(struct sp_str s, struct fault_id *id);
/* fault_id_write writes the id with that number; false when it is no client id. */
bool fault_id_write(const struct fault_id *id, int64_t number, char out[SP_ID_MAX + 1]);

/* fault_random gives the next number of a stream in [0,1) (splitmix64); the same seed, the same
 * numbers. fault_pick gives a time within the range. */
double fault_random(uint64_t *state);
int64_t fault_pick(const struct fault_range *r, uint64_t *state);

/* fault_timer is embedded in what it wakes; zero is idle. */
struct fault_timer {
    int64_t at;
    size_t place; /* in the heap, from 1; 0: idle */
    void (*fire)(struct fault_timer *t);
};

/* fault_timers is a heap of timers, soonest first; zero is empty. Whoever frees a timer clears it
 * first. */
struct fault_timers {
    struct fault_timer **heap;
    size_t n, cap;
};

/* fault_set sets or moves a timer; false when out of memory, the timer is idle then. */
bool fault_set(struct fault_timers *all, struct fault_timer *t, int64_t at);
void fault_clear(struct fault_timers *all, struct fault_timer *t);
/* fault_next gives when the soonest is due, INT64_MAX when there is none. */
int64_t fault_next(const struct fault_timers *all);
/* fault_fire wakes what is due; each timer is idle when its fire is called. */
void fault_fire(struct fault_timers *all, int64_t now);
void fault_timers_free(struct fault_timers *all);

#endif
