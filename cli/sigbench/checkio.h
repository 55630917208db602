/* SPDX-License-Identifier: MIT
 * Between the generator and the delivery checker: stamps on what is sent, events from what comes.
 * All of it may be called without --check, and then does what would be done anyway. */
#ifndef SIGBENCH_CHECKIO_H
#define SIGBENCH_CHECKIO_H

#include "cli/sigbench/bench.h"

#include "libproto/json.h"

/* checkio_init makes the checker when the options ask for it; false when out of memory. */
bool checkio_init(struct bench *b);
void checkio_fini(struct bench *b);

/* checkio_send sends one message of a flight, with its session unless that is empty. */
bool checkio_send(struct bench *b, struct peer *from, const struct peer *to, enum text_kind kind,
                  uint32_t seq, struct sp_str session);

/* checkio_arrived tells whether the scenario may go by what a peer got. */
bool checkio_arrived(struct peer *peer, enum text_kind kind, struct sp_str m);
/* checkio_answered takes an ack, or an error that a registered peer got. */
void checkio_answered(struct peer *peer, struct sp_str m, bool failed);
void checkio_opened(const struct peer *peer);
void checkio_closed(const struct peer *peer);

/* checkio_drained tells whether everything has come, or been given up; *next is when to ask again
 * at the latest. */
bool checkio_drained(struct bench *b, int64_t now, int64_t *next);

/* checkio_text prints the line of the summary, checkio_json the member check of the report. */
void checkio_text(const struct bench *b);
void checkio_json(struct sp_json *j, const struct bench *b);

#endif
