/* SPDX-License-Identifier: MIT
 * What is known of one call, for its explanation: its messages, what befell its parties, and who
 * did what when it went wrong. Pure: events in, facts out. */
#ifndef SIGMON_FACTS_H
#define SIGMON_FACTS_H

#include "cli/sigmon/ladder.h"

/* incident is what happened to a party beside the call's own messages. */
struct incident {
    int side;
    enum sp_event_type event;
    int64_t ts_ms, us; /* us: since the first event of the call */
    char text[SP_REASON_MAX + SP_WORD_MAX + 8];
    size_t before; /* the rung that came next */
};

/* refusal counts what the server did not deliver, of one side. */
struct refusal {
    unsigned answers, others;
    int64_t answer_us;          /* of the first answer, since the first event; -1 */
    char code[SP_WORD_MAX + 1]; /* of the first */
};

/* facts are of the call with this id between these two. Ids are borrowed while it is filled. */
struct facts {
    struct ladder ladder;
    const char *session, *a, *b;
    const struct call *call; /* of the ladder's book; NULL: no event of it */
    struct rung *rungs;
    size_t nrungs;
    struct incident *incidents;
    size_t nincidents;
    struct refusal refused[2];
    unsigned limited[2]; /* how often a party was over a rate */
    int gone;            /* whose link went and ended it; -1: nobody's */
    int64_t missed;      /* events in gaps */
    bool another;        /* session of the two came later */
    bool restarted, full;
};

/* facts_init is false when out of memory; facts_fini may follow either way. */
bool facts_init(struct facts *f, const char *session, const char *a, const char *b);
void facts_fini(struct facts *f);
void facts_event(struct facts *f, const struct sp_event *ev);
/* facts_end says that there are no more events. */
void facts_end(struct facts *f);

/* finding is a row of what can be wrong with a call. */
enum weight {
    WEIGHT_FAILED, /* the call failed for it */
    WEIGHT_DOUBT,  /* it may have failed for it */
    WEIGHT_NOTE    /* good to know */
};

struct finding {
    const char *code;
    enum weight weight;
    /* writes the sentence and gives true when it is so */
    bool (*says)(const struct facts *f, char *text, size_t cap);
    const char *cause, *hint; /* may be NULL */
};

/* findings ends with a row whose code is NULL; the first that holds is the headline. */
extern const struct finding findings[];

#endif
