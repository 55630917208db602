/* SPDX-License-Identifier: MIT
 * Who is registered, what each of them sends, and their calls, as top shows them. Pure: lists and
 * events in, numbers out; time is an argument, in microseconds of a clock of the caller's. */
#ifndef SIGMON_CROWD_H
#define SIGMON_CROWD_H

#include "cli/sigmon/book.h"

#define CROWD_PEERS 20000u   /* so many are known, those of the newest events */
#define CROWD_CALLS 10000u   /* so many calls, the newest */
#define CROWD_KEPT  10000000 /* who has gone and what has ended is forgotten after so long */

/* peer is a client. Rates are of the last interval; bytes are sent and received together. */
struct peer {
    struct peer *older, *newer; /* in the order of the last event about each */
    char id[SP_ID_MAX + 1], role[SP_ROLE_MAX + 1];
    int64_t since_ms; /* wall clock; -1: not known */
    int64_t conn;     /* -1: not known */
    int64_t gone_us;  /* -1: it is here */
    bool doubt;       /* a gap may have told that it left */
    uint64_t out, in, bytes, errors;
    uint64_t was_out, was_in, was_bytes; /* when the interval began */
    double out_s, in_s, bytes_s;
    uint32_t waiting, sessions; /* its offers without an answer, its open sessions */
};

struct crowd {
    struct sp_map peers;
    struct peer *oldest, *newest;
    struct book book;  /* times are of the server's wall clock */
    size_t here, open; /* peers registered, sessions open; as of crowd_sample */
    uint64_t messages, errors, was_messages, was_errors;
    double messages_s, errors_s;
    int64_t missed;              /* events */
    int64_t server_ms, heard_us; /* the server's wall clock, at a moment of ours; -1: not known */
    int64_t sampled_us;          /* when the interval began; -1: none has */
    bool full;                   /* out of memory: something was not noted */
};

/* crowd_init is false when out of memory. */
bool crowd_init(struct crowd *c);
void crowd_fini(struct crowd *c);

void crowd_event(struct crowd *c, const struct sp_event *ev, int64_t now_us);

/* crowd_peer and crowd_call note what a list tells, since in ms of the server's wall clock or -1;
 * what is known already stays. */
void crowd_peer(struct crowd *c, struct sp_str id, struct sp_str role, int64_t since_ms);
struct call *crowd_call(struct crowd *c, struct sp_str session, struct sp_str from,
                        struct sp_str to, int64_t since_ms, bool answered);

/* crowd_clock tells what the server's wall clock shows; crowd_server_ms gives what it does now, -1
 * when nothing is known. */
void crowd_clock(struct crowd *c, int64_t server_ms, int64_t now_us);
int64_t crowd_server_ms(const struct crowd *c, int64_t now_us);

/* crowd_gone has every peer gone and every call forgotten: lists tell anew who is here. */
void crowd_gone(struct crowd *c, int64_t now_us);

/* crowd_missed says that n events were missed: until a list or an event tells of somebody, or of an
 * open call, it may be over. Once a list was read, the others are: crowd_settle_peers has them
 * gone, crowd_settle_calls forgets them. */
void crowd_missed(struct crowd *c, int64_t n);
void crowd_settle_peers(struct crowd *c, int64_t now_us);
void crowd_settle_calls(struct crowd *c, int64_t now_us);

/* crowd_sample ends an interval: rates, who waits, and what is old is forgotten. */
void crowd_sample(struct crowd *c, int64_t now_us);

#endif
