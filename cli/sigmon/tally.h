/* SPDX-License-Identifier: MIT
 * The figures of a recording: events in, counts by peer, pair and session out. Pure. */
#ifndef SIGMON_TALLY_H
#define SIGMON_TALLY_H

#include "cli/sigmon/book.h"
#include "cli/sigmon/spread.h"
#include "cli/sigmon/timeline.h"
#include "cli/sigmon/words.h"

enum tally_type { TALLY_OFFER, TALLY_ANSWER, TALLY_ICE, TALLY_BYE, TALLY_TYPES };

/* tally_way counts messages that were delivered one way. */
struct tally_way {
    int64_t n, by_type[TALLY_TYPES], bytes;
};

/* tally_peer is all that an id did. Its calls are those that it opened. */
struct tally_peer {
    struct tally_way sent, received;
    int64_t calls, answered, unanswered, open, called;
    int64_t errors, registrations, disconnects, rate_limits, protocol_errors;
    size_t len;
    char id[];
};

/* tally_order is a digest of a sequence of messages: FNV-1a of 64 bits over a line "offer 1893\n"
 * for each, its type and size. */
#define TALLY_ORDER_INIT 0xcbf29ce484222325u
uint64_t tally_order(uint64_t digest, enum sp_type type, int64_t size);

/* tally_pair is two ids, a not behind b; way 0 is from a to b. In the order of both ways each line
 * begins with "> " where the one sends that sent first, else with "< ". */
struct tally_pair {
    struct tally_way way[2];
    uint64_t order[2], both;
    int first; /* the way of the first message; -1: none */
    int64_t sessions;
    size_t alen, blen, len; /* len: of the key */
    const char *a, *b;
    char key[]; /* "a b" */
};

/* tally_figures are what metrics and reports name. */
struct tally_figures {
    int64_t events, messages, offers, answers, candidates, byes, bytes;
    int64_t attempts; /* messages and errors */
    int64_t errors, rate_limits, protocol_errors, refusals;
    int64_t sessions, opened, before, answered, unanswered, ended, open;
    int64_t peers, pairs, connections, registrations, takeovers, disconnects;
    int64_t gaps, missed, restarts;
    int64_t span_us, first_ms, last_ms; /* ms: wall clock; -1: no event */
};

struct tally {
    int64_t patience_us; /* how old an offer without an answer gets before it is unanswered */
    struct tally_figures f;
    struct spread setup, life, relay;
    struct words events, codes, reasons, candidates, media;
    struct book book;
    struct sp_map peers, pairs;
    struct timeline timeline;
    int64_t first_us, last_us; /* of timeline; of book_us */
    bool full;                 /* out of memory: the figures are incomplete */
};

/* tally_init is false when out of memory; tally_fini may follow either way. */
bool tally_init(struct tally *t, int64_t patience_us);
void tally_fini(struct tally *t);

void tally_event(struct tally *t, const struct sp_event *ev);
void tally_gap(struct tally *t, int64_t missed);
void tally_restart(struct tally *t);
/* tally_end settles the calls that are still open; nothing may follow. */
void tally_end(struct tally *t);

/* tally_peers gives all of f.peers, those with the most messages first, equals by id; tally_pairs
 * gives all of f.pairs by their ids. Arrays that the caller frees; NULL when out of memory. */
const struct tally_peer **tally_peers(const struct tally *t);
const struct tally_pair **tally_pairs(const struct tally *t, bool by_messages);

#endif
