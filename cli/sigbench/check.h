/* SPDX-License-Identifier: MIT
 * The delivery checker: it is told what was sent, answered and delivered, and flags what breaks the
 * promises of the protocol. Pure: no sockets, no clock. It remembers what is under way only. */
#ifndef SIGBENCH_CHECK_H
#define SIGBENCH_CHECK_H

#include "libproto/types.h"

enum check_flag {
    CHECK_LOST,
    CHECK_LATE,
    CHECK_DUPLICATE,
    CHECK_REORDERED,
    CHECK_MISDELIVERED,
    CHECK_FORGED_FROM,
    CHECK_CORRUPT,
    CHECK_ACK_AND_ERROR,
    CHECK_DOUBLE_ACK,
    CHECK_NO_OUTCOME,
    CHECK_UNKNOWN,
    CHECK_AFTER_ERROR,
    CHECK_COUNTER_MISMATCH,
    CHECK_FLAGS
};

#define CHECK_EXAMPLES    3u
#define CHECK_EXAMPLE_MAX 200u

/* check_stamp names a message: peers by number, the connection of the source that sent it counted
 * from 1, and its number from that source to that destination counted from 0. */
struct check_stamp {
    uint32_t run, src, epoch, dst, seq;
};

struct check_conf {
    uint32_t run;
    int64_t patience;   /* ns */
    bool need_outcomes; /* false: they are promised once the first has come */
    const char *prefix; /* of the clients' ids in examples; borrowed */
};

/* check_arrival is a message that a peer got. */
struct check_arrival {
    uint32_t at, from; /* from: UINT32_MAX where it is none of the run's peers */
    bool marked;       /* the stamp could be read, and its checksum fits */
    bool sound;        /* everything else is as its stamp wants it */
    struct check_stamp stamp;
};

struct check;

/* check_new gives NULL when out of memory. */
struct check *check_new(const struct check_conf *conf);
void check_free(struct check *c);

/* check_opened and check_closed tell of the connection of a peer. What was under way from or to it
 * when it ended may go either way. */
void check_opened(struct check *c, uint32_t peer);
void check_closed(struct check *c, uint32_t peer);

/* check_sent gives the next message of src to dst its stamp. False when out of memory; see
 * check_is_broken. check_unsent takes it back: it could not be sent after all. */
bool check_sent(struct check *c, uint32_t src, uint32_t dst, struct check_stamp *out);
void check_unsent(struct check *c, const struct check_stamp *m);

/* check_acked and check_failed take the answer that names a message, which came to its source; run
 * is not looked at. check_failed_unnamed takes an error that names none. check_answered_unknown
 * takes an answer that names no message at all. */
void check_acked(struct check *c, const struct check_stamp *m);
void check_failed(struct check *c, const struct check_stamp *m);
void check_failed_unnamed(struct check *c, uint32_t src);
void check_answered_unknown(struct check *c, uint32_t at);

/* check_arrived tells whether the receiver may go by what the message says. */
bool check_arrived(struct check *c, const struct check_arrival *a);

/* check_tick gives up what has waited for longer than the patience. Call it each turn of the loop:
 * a longer step between two calls counts as an eighth of the patience, since a generator that stood
 * still is no fault of the server's. Gives when it wants to be called at the latest. */
int64_t check_tick(struct check *c, int64_t now);

/* check_pending tells how many messages still have something to come. */
uint64_t check_pending(const struct check *c);

/* check_counters compares with what the server says it has relayed and refused since the begin;
 * errors UINT64_MAX: not known. Others must not use it meanwhile. */
void check_counters(struct check *c, uint64_t relayed, uint64_t errors);

/* check_merge adds the totals, flags and examples of another generator's checker of the same run.
 */
void check_merge(struct check *into, const struct check *from);

/* check_totals is what was told in all. */
struct check_totals {
    uint64_t sent, acked, failed, arrived;
    bool outcomes; /* the server answers each message, and that was checked */
    bool counters; /* its counters were compared */
};

struct check_totals check_totals(const struct check *c);
uint64_t check_flagged(const struct check *c); /* all flags together */
uint64_t check_count(const struct check *c, enum check_flag f);
const char *check_flag_name(enum check_flag f);
/* check_example gives the i-th example of a flag, NULL when there is none. */
const char *check_example(const struct check *c, enum check_flag f, unsigned i);
/* check_is_broken tells that memory ran out, so that nothing it says is worth anything. */
bool check_is_broken(const struct check *c);

#endif
