/* SPDX-License-Identifier: MIT
 * The messages of calls as the rungs of a ladder, out of events. Pure. */
#ifndef SIGMON_LADDER_H
#define SIGMON_LADDER_H

#include "cli/sigmon/book.h"

enum rung_way {
    RUNG_OVER,   /* from one party to the other */
    RUNG_FAILED, /* the server did not deliver it */
    RUNG_ENDED   /* the session ended without a bye of a party */
};

/* rung is a message, or candidates of one kind that came in a row. Numbers that are not known are
 * -1, texts empty. */
struct rung {
    enum rung_way way;
    int side;                  /* who sent it; of RUNG_ENDED who had gone, -1: neither */
    char id[2][SP_ID_MAX + 1]; /* the parties, 0 opened */
    char session[SP_ID_MAX + 1];
    int64_t ts_ms, us; /* us: since the first event of the call */
    enum sp_type kind;
    char detail[SP_WORD_MAX + 1]; /* kind of candidate, media of an SDP */
    int64_t size;                 /* bytes, of all of them */
    unsigned count;
    char code[SP_WORD_MAX + 1];     /* why it failed */
    char reason[SP_REASON_MAX + 1]; /* of an error or an end */
    int64_t setup_us, life_us;      /* of the answer, of the end */
};

typedef void (*ladder_fn)(void *ctx, const struct rung *r);

/* ladder has the newest rung, which later events may complete; done gets each that is complete. */
struct ladder {
    struct book book;
    struct rung rung;
    bool has_rung;
    bool apart; /* candidates are never put together */
    ladder_fn done;
    void *ctx;
};

/* ladder_init is false when out of memory. */
bool ladder_init(struct ladder *l, ladder_fn done, void *ctx);
void ladder_fini(struct ladder *l);

/* ladder_event takes an event and gives the call that it is of, NULL where it is of none; *full is
 * set when out of memory. */
const struct call *ladder_event(struct ladder *l, const struct sp_event *ev, bool *full);

/* ladder_flush says that the newest rung is complete. */
void ladder_flush(struct ladder *l);

#endif
