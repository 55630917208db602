/* SPDX-License-Identifier: MIT
 * Clients that go and come back: churn, one after the other; storm, all at once. */
#ifndef SIGBENCH_AWAY_H
#define SIGBENCH_AWAY_H

#include "cli/sigbench/bench.h"

void churn_launch(struct bench *b, struct pair *p, int64_t intended);
bool churn_may_launch(const struct pair *p);
void churn_on_back(struct peer *peer, bool ok, int64_t now);

/* storm_begin cuts all connections, or, with --trigger, runs that command and waits for the cut. A
 * client that lost its connection tries again after a random part of a second, then with a back-off
 * that doubles, up to ten. storm_is_over: all are back. */
void storm_begin(struct bench *b, int64_t now);
int64_t storm_tick(struct bench *b, int64_t now);
void storm_on_back(struct peer *peer, bool ok, int64_t now);
bool storm_is_over(const struct bench *b);
/* storm_lost says that a client lost its connection. */
void storm_lost(struct peer *peer, int64_t now);

#endif
