/* SPDX-License-Identifier: MIT
 * The counters of the server: what it says it has done. */
#ifndef SIGBENCH_COUNTERS_H
#define SIGBENCH_COUNTERS_H

#include "cli/sigbench/bench.h"

/* counters_read asks for them: by HTTP at --server-metrics, else with the request stats over a
 * connection of its own. Waits for two seconds at most. False with a sentence in why. */
bool counters_read(const struct bench *b, struct server_counters *out, char *why, size_t cap);

/* counters_compare has the checker compare what was added since the begin. Before the run it is
 * counters_begin. Neither does anything without --check. False: --server-metrics was given and does
 * not work, with a message printed. */
bool counters_begin(struct bench *b);
bool counters_compare(struct bench *b);

#endif
