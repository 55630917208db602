/* SPDX-License-Identifier: MIT
 * What a run did in each interval of its measured window. */
#ifndef SIGBENCH_INTERVAL_H
#define SIGBENCH_INTERVAL_H

#include "cli/sigbench/hist.h"

#define INTERVALS_MAX 3600u /* of a longer run two neighbours become one, again and again */

/* interval is what happened between two moments. Latencies in microseconds, 0 where n is; CPU of
 * the server as the share of a core and its memory in bytes, below 0 where they are not known, as
 * before server_end. */
struct interval {
    int64_t from, to; /* ns since the window began */
    uint64_t sent, received, errors;
    uint64_t p50, p99, max;
    double server_cpu, server_rss;
    double generator_cpu;
};

struct bench;

/* intervals is zero but for length. */
struct intervals {
    int64_t length; /* ns */
    struct interval v[INTERVALS_MAX];
    unsigned n;
    int64_t began;                   /* the open one */
    uint64_t sent, received, errors; /* counts at its begin */
    int64_t own_cpu;
    struct hist latency; /* of the open one */
};

/* intervals_begin opens the first, intervals_tick closes what is over and gives when the open one
 * ends, intervals_end closes the last, if it was longer than half an interval. */
void intervals_begin(struct bench *b, int64_t now);
int64_t intervals_tick(struct bench *b, int64_t now);
void intervals_end(struct bench *b, int64_t now);

/* intervals_merge adds those of another thread. */
void intervals_merge(struct intervals *s, const struct intervals *other);

#endif
