/* SPDX-License-Identifier: MIT
 * The inside of sigmon replay: replay.c is the command, replay_run.c carries the steps out when
 * they are due and may be, replay_conn.c has the connections, replay_report.c says how it went. */
#ifndef SIGMON_REPLAY_H
#define SIGMON_REPLAY_H

#include "cli/common/link.h"
#include "cli/sigmon/script.h"
#include "cli/sigmon/spread.h"
#include "cli/sigmon/words.h"

#define REPLAY_PATIENCE_US 10000000 /* with what the server has to answer */

struct replay;

enum replay_state {
    REPLAY_OPENING, /* until it is registered */
    REPLAY_READY,
    REPLAY_CLOSING, /* on our word */
    REPLAY_DEAD,    /* freed at the end of the turn */
    REPLAY_STATES
};

struct replay_conn {
    struct replay *r;
    struct wsconn *ws;
    uint32_t peer;
    enum replay_state state;
    int64_t since_us;                  /* in this state */
    struct replay_conn *older, *newer; /* of those in this state */
};

struct replay_conns {
    struct replay_conn *oldest, *newest;
    uint32_t n;
};

/* replay_queue is a chain of steps. */
struct replay_queue {
    struct step *head, *tail;
};

struct replay_peer {
    char id[SP_ID_MAX + 1];   /* as the map makes it */
    struct replay_conn *conn; /* registered; NULL: away */
    struct replay_queue due;  /* lives */
    struct step *life;        /* under way */
    uint32_t lives, sends;    /* through */
    uint32_t npairs;
    uint32_t *pairs; /* its part of replay's pairs_of */
    char resume[SP_RESUME_LEN + 1];
    bool woken, waits; /* in the queue of those to look at; of those to connect */
    struct replay_peer *next_woken, *next_waiting;
};

struct replay_pair {
    struct replay_queue due; /* messages */
    struct step *flying;
    bool has_rid, acked, delivered, elsewhere;
    int64_t sent_us;
    struct replay_pair *older, *newer; /* of those that fly */
    bool woken;
    struct replay_pair *next_woken;
};

struct replay_counts {
    int64_t sent, delivered, failed; /* failed: as recorded */
    int64_t resized;                 /* of those sent */
    int64_t as_recorded, differently;
    int64_t registered, not_registered, lost;
};

struct replay {
    const struct link_opts *opts;
    struct link *link; /* never open while it runs: options, token, signals */
    const struct script *script;
    struct wsurl url;
    const char *file, *shown_speed;
    double speed; /* 0: as fast as it goes */
    bool has_token;
    int ep;
    struct replay_peer *peers;
    struct replay_pair *pairs;
    uint32_t *pairs_of;
    struct sp_map by_id;
    char *text; /* where messages are written */
    size_t text_cap;

    size_t next, done; /* steps that were due; that are through */
    int64_t start_us, took_us;
    int64_t heard_us; /* when the server last said anything */
    struct replay_conns conns[REPLAY_STATES];
    struct replay_pair *fly_oldest, *fly_newest;
    struct replay_peer *woken_peers, *waiting, **waiting_end;
    struct replay_pair *woken_pairs;
    bool news, ending;
    int gone; /* the server has gone: an exit status */
    char why_gone[512];

    struct replay_counts counts;
    struct spread lag, round_trip;
    struct words differences; /* "RECORDED GOT" */
    char first[480];          /* what went differently first; "": nothing */
    int first_status;         /* of the first that could not register; 0: none */
    bool full;                /* out of memory */
};

/* ---- replay_run.c */

/* replay_init makes peers with the ids that names holds, one for each of the script's. Borrows all.
 * False when out of memory; replay_fini may follow either way. */
bool replay_init(struct replay *r, const struct script *s, char (*names)[SP_ID_MAX + 1]);
void replay_fini(struct replay *r);
/* replay_all carries it out until a moment: 0, EXIT_TIMEOUT when that comes before the end, others
 * as link_rest. */
int replay_all(struct replay *r, int64_t until);
bool replay_is_over(const struct replay *r);

/* What connections tell. */
void replay_life_done(struct replay *r, struct replay_peer *p);
/* replay_lost settles what was under way from and to a peer whose connection has ended. */
void replay_lost(struct replay *r, const struct replay_peer *p);
void replay_message(struct replay *r, struct replay_conn *c, const struct link_msg *m);
/* replay_silence ends it all when the server has not said anything for as long as one answer is
 * waited for. */
void replay_silence(struct replay *r, int64_t now);
/* replay_differs notes that something went differently. */
void replay_differs(struct replay *r, const char *recorded, const char *got, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void replay_wake(struct replay *r, struct replay_peer *p);

/* ---- replay_conn.c */

/* replay_join connects and registers a peer for its life; replay_leave ends its connection. Each is
 * followed by replay_life_done, now or later. */
void replay_join(struct replay *r, struct replay_peer *p);
void replay_leave(struct replay *r, struct replay_peer *p);
/* replay_expire gives up what the server has not answered; gives when to look again. */
int64_t replay_expire(struct replay *r, int64_t now);
/* replay_serve serves what is ready. */
void replay_serve(struct replay *r);
/* replay_bury frees the connections that have ended. */
void replay_bury(struct replay *r);
/* replay_goodbye closes what is still open and waits for it, a second at most. */
void replay_goodbye(struct replay *r);

/* ---- replay_report.c */

/* replay_print prints the summary, of exit status exit. */
void replay_print(struct replay *r, int exit);

#endif
