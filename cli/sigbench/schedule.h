/* SPDX-License-Identifier: MIT
 * When the sends of the open model are due. */
#ifndef SIGBENCH_SCHEDULE_H
#define SIGBENCH_SCHEDULE_H

#include "cli/sigbench/bench.h"

/* schedule_constant begins with one rate, the profile's first; schedule_profile with all of it. */
void schedule_constant(struct bench *b, int64_t now);
void schedule_profile(struct bench *b, int64_t now);

/* schedule_step goes on to the next send. */
void schedule_step(struct schedule *s);

/* schedule_random gives a number of 0..1, 1 excluded, of a sequence. */
double schedule_random(uint64_t *state);

#endif
