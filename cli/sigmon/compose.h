/* SPDX-License-Identifier: MIT
 * Messages between peers of a given size. Pure. */
#ifndef SIGMON_COMPOSE_H
#define SIGMON_COMPOSE_H

#include "libproto/buf.h"

#define COMPOSE_ROOM 8192u /* a message takes so much beside its size and content */

/* compose is what a message has to be. */
struct compose {
    enum sp_type type;             /* offer, answer, ice or bye */
    struct sp_str target, session; /* session may be empty */
    bool may_omit;                 /* the server finds the same session without its id */
    uint32_t rid;
    int64_t size;          /* bytes; -1: any */
    struct sp_str summary; /* as in an event: media of an SDP, kind of a candidate */
    struct sp_str reason;  /* of a bye; empty: none */
    struct sp_str content; /* the raw value of sdp or candidate; empty: one is made up */
};

struct composed {
    bool has_rid; /* an ack will come */
    bool fits;    /* the size is the one that was asked for */
};

/* compose_put writes one JSON object: a valid SDP or candidate with the summary, filled up to the
 * size; where that is small a shorter one, without rid and, where it may, without the session. What
 * is longer even so is written as if any size were right. */
struct composed compose_put(struct sp_buf *b, const struct compose *m);

#endif
