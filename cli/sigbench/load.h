/* SPDX-License-Identifier: MIT
 * What the peers send and how arrivals are matched with what was due. */
#ifndef SIGBENCH_LOAD_H
#define SIGBENCH_LOAD_H

#include "cli/sigbench/bench.h"

/* load_init builds the message texts and the rings; false when out of memory. */
bool load_init(struct bench *b);
void load_fini(struct bench *b);

/* load_start fills the windows of the closed model or arms the schedule of the open one. */
void load_start(struct bench *b, int64_t now);
/* load_measure says that the measured window begins. */
void load_measure(struct bench *b, int64_t now);
/* load_tick launches what is due and gives the time of the next, INT64_MAX when there is none. */
int64_t load_tick(struct bench *b, int64_t now);

/* load_register sends the registration of a peer that has just connected. */
bool load_register(struct peer *peer);

/* load_message takes one message of the server. */
void load_message(struct peer *peer, char *p, size_t n);

/* load_give_up counts what a pair still waits for as lost: its connection has ended, or the run. */
void load_give_up(struct bench *b, struct pair *p);

/* What scenarios are made of. load_flight adds what was due at a time, NULL when the ring is full;
 * load_landed ends it and counts it, load_next launches another in the closed model. load_latency
 * records microseconds, load_us makes them. */
struct flight *load_flight(struct bench *b, struct pair *p, int64_t intended);
void load_landed(struct bench *b, struct pair *p, struct flight *f, uint64_t *count);
void load_next(struct bench *b, struct pair *p, int64_t now);
void load_latency(struct bench *b, const struct pair *p, int64_t us);
int64_t load_us(int64_t from, int64_t to);
bool load_may_launch(const struct bench *b);

#endif
