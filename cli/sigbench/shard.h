/* SPDX-License-Identifier: MIT
 * A run on one or more threads, each with its part of the clients and of the rate. */
#ifndef SIGBENCH_SHARD_H
#define SIGBENCH_SHARD_H

#include "cli/sigbench/bench.h"

/* shard_run runs what b describes and gathers what all threads measured in b; stop is the signal
 * that ends it. Gives 0, or the exit status with a message printed. */
int shard_run(struct bench *b, const volatile sig_atomic_t *stop);

#endif
