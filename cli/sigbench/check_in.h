/* SPDX-License-Identifier: MIT
 * Shared by the halves of the checker: the messages under way, and what is made of events. */
#ifndef SIGBENCH_CHECK_IN_H
#define SIGBENCH_CHECK_IN_H

#include "cli/sigbench/check.h"

#define CHECK_NOBODY UINT32_MAX
#define GIVEN_UP     8u

/* What is known of a message that is under way. */
enum {
    ACKED = 1,
    FAILED = 2,
    ARRIVED = 4,
    STRAY = 8,       /* arrived somewhere else */
    NO_ANSWER = 16,  /* its source is gone: no outcome is owed */
    NO_ARRIVAL = 32, /* its destination was gone for a while: no delivery is owed */
    UNSENT = 64
};

struct entry {
    int64_t at; /* of the checker's clock: sent, then answered */
    uint32_t epoch;
    unsigned state;
};

/* given_up is a message whose time was over. */
struct given_up {
    uint32_t seq;
    unsigned state;
    enum check_flag flagged; /* CHECK_FLAGS: nothing was */
};

struct stream {
    uint32_t src, dst;
    uint32_t head, tail, cap;
    struct entry *ring;
    bool has_newest;
    uint32_t newest, newest_epoch;      /* of those that arrived */
    uint32_t unreadable;                /* came broken, so that nobody knows which they were */
    struct given_up given_up[GIVEN_UP]; /* the last ones */
    uint32_t ngiven_up;
};

struct party {
    uint32_t epoch;   /* connections so far */
    uint32_t unnamed; /* errors that may explain a message that did not arrive */
    bool up;
};

enum acks { ACKS_UNSEEN, ACKS_SEEN, ACKS_NONE };

struct check {
    struct check_conf conf;
    enum acks acks;
    bool broken;
    int64_t clock, ticked, swept;
    struct party *peers;
    uint32_t npeers;
    struct stream **slots; /* a hash set, a power of two */
    uint32_t nslots, nstreams;
    uint64_t pending;
    struct check_totals totals;
    uint64_t flags[CHECK_FLAGS];
    char examples[CHECK_FLAGS][CHECK_EXAMPLES][CHECK_EXAMPLE_MAX];
};

/* check_flag counts a flag and keeps the text of the first few; check_flag_message is of a message,
 * which arrived at a peer or at CHECK_NOBODY. */
void check_flag(struct check *c, enum check_flag f, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void check_flag_message(struct check *c, enum check_flag f, const struct check_stamp *m,
                        uint32_t at);

/* ring_peer makes room for a peer; false when out of memory. */
bool ring_peer(struct check *c, uint32_t peer);

/* ring_stream finds what goes from src to dst, NULL when nothing ever did; ring_add takes
 * in the next one and gives its stamp, false when out of memory. */
struct stream *ring_stream(const struct check *c, uint32_t src, uint32_t dst);
bool ring_add(struct check *c, uint32_t src, uint32_t dst, struct check_stamp *out);

static inline struct entry *ring_at(const struct stream *s, uint32_t seq)
{
    return &s->ring[seq & (s->cap - 1)];
}

/* ring_find gives NULL when the message is not under way; *gone tells whether it once was. */
struct entry *ring_find(const struct stream *s, const struct check_stamp *m, bool *gone);
/* ring_learn adds to what is known; ring_collect drops what is over from the front. */
void ring_learn(struct check *c, struct entry *e, unsigned what);
void ring_collect(struct check *c, struct stream *s);
/* ring_given_up finds one of the last whose time was over before all had come, NULL otherwise. */
const struct given_up *ring_given_up(const struct stream *s, uint32_t seq);

#endif
