/* SPDX-License-Identifier: MIT
 * The generator: connections, the epoll loop and the phases of a run. */
#ifndef SIGBENCH_GEN_H
#define SIGBENCH_GEN_H

#include "cli/sigbench/bench.h"

/* gen_count gives how many peers b describes. */
uint32_t gen_count(const struct bench *b);

/* gen_init makes the peers; false with a message printed. */
bool gen_init(struct bench *b);
void gen_fini(struct bench *b);

/* gen_run drives the run through its phases. */
void gen_run(struct bench *b);

/* gen_close closes what is still open after the run and waits, two seconds at most, until the
 * server has closed it too: its ids are free then. Counts stay as they are. */
void gen_close(struct bench *b);

/* gen_settled notes that a peer has registered. */
void gen_settled(struct peer *peer, int64_t now);

/* gen_open has a peer connect; of one that was away, its scenario's on_back hears how it went. */
void gen_open(struct peer *peer, int64_t intended);

/* gen_refused notes that the server refused the registration of a peer; m is its error. */
void gen_refused(struct peer *peer, struct sp_str m, int64_t now);

#endif
