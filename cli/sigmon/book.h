/* SPDX-License-Identifier: MIT
 * The calls that events tell of: who called whom, what went which way, how it ended. Pure: events
 * in, calls out. */
#ifndef SIGMON_BOOK_H
#define SIGMON_BOOK_H

#include "libproto/event.h"
#include "libproto/map.h"

enum book_kind {
#define KIND(id, word) BOOK_##id,
#include "cli/sigmon/tbl/kinds.h"
#undef KIND
    BOOK_KINDS
};

/* book_kind_word gives "host" and so on; book_kind_of finds it, with or without "/tcp", which sets
 * *tcp. The end of candidates is no kind. */
const char *book_kind_word(enum book_kind kind);
enum book_kind book_kind_of(struct sp_str summary, bool *tcp);

/* side is one of the two of a call: 0 opened it. Counts are of what it sent. */
struct side {
    char id[SP_ID_MAX + 1];
    uint32_t offers, answers, candidates, byes, errors;
    uint32_t kinds[BOOK_KINDS], tcp;
    bool end; /* it said that there are no more candidates */
    uint64_t bytes;
    char media[SP_WORD_MAX + 1]; /* of its last SDP */
};

/* call is a session of a pair. Times are of book_us, -1: not seen. */
struct call {
    struct call *older, *newer; /* in the order in which they were first seen */
    size_t key_n;
    char key[3 * SP_ID_MAX + 3];
    char id[SP_ID_MAX + 1];
    struct side side[2];
    int64_t first_ms; /* wall clock of its first event */
    int64_t first_us, last_us;
    int64_t opened_us, answered_us, ended_us;
    int64_t setup_us, life_us; /* as the server measured them */
    int ended_by;              /* the side that sent the bye; -1: nobody, or not seen */
    char reason[SP_REASON_MAX + 1];
    bool doubt; /* the caller's own; false when it is made */
};

struct book {
    struct sp_map calls;
    struct call *oldest, *newest;
    size_t n;
};

/* book_init and book_event are false, or NULL with *full set, when out of memory. */
bool book_init(struct book *b);
void book_fini(struct book *b);

/* book_us gives when an event happened, in microseconds of a clock that only goes on while the
 * server lives. */
int64_t book_us(const struct sp_event *ev);

/* book_event notes an event and gives the call that it is about, made where it is new; NULL for one
 * about no session, and for errors of a session that is not known. */
struct call *book_event(struct book *b, const struct sp_event *ev, bool *full);

/* book_side gives the side that has an id, -1 for neither. */
int book_side(const struct call *c, struct sp_str id);

bool book_is_over(const struct call *c);
void book_forget(struct book *b, struct call *c);

#endif
