/* SPDX-License-Identifier: MIT
 * What a recording asks to be done again: who joins, leaves and sends what, when, after what. Pure:
 * events in, steps out. */
#ifndef SIGMON_SCRIPT_H
#define SIGMON_SCRIPT_H

#include "cli/sigmon/timeline.h"
#include "libproto/map.h"

enum step_kind { STEP_JOIN, STEP_LEAVE, STEP_SEND };

/* step is one of them; strings are the script's. Steps of a peer that join or leave are its lives:
 * one is not begun before as many messages of that peer as were recorded before it, sent and
 * received, are through. A message is not sent before those of its pair that were recorded before
 * it are through, and as many lives of both ends. */
struct step {
    int64_t due_us;    /* since the first event */
    struct step *next; /* for whoever carries it out */
    enum step_kind kind;
    uint32_t peer; /* who joins, leaves or sends */
    union {
        struct {
            const char *role; /* "": none */
            uint32_t sends;   /* of the peer, before it */
            unsigned code;    /* leave: to close with */
            bool takes_over;  /* join: while an earlier connection is still there */
            bool resumes;     /* and its sessions go on */
        } life;
        struct {
            uint32_t to, pair;
            uint32_t from_lives, to_lives; /* before it */
            enum sp_type type;
            int64_t size; /* -1: not recorded */
            struct sp_str session, summary, reason, content;
            const char *code; /* of the error that came of it; NULL: it was delivered */
            bool may_omit;    /* the session is the pair's newest */
            bool hidden;      /* the sender was told that there is no such target */
        } send;
    };
};

struct script_session;
struct script_block;

struct script_peer {
    uint32_t index;
    bool present, replaced; /* as far as events were read */
    int64_t conn;           /* -1: not known */
    uint32_t lives, sends;
    size_t takeover; /* the step, SIZE_MAX: none */
    char id[SP_ID_MAX + 1];
};

/* key is the two indices, the smaller one first. */
struct script_pair {
    uint32_t key[2], index;
    struct script_session *newest;
};

/* script owns all of it. */
struct script {
    struct step *steps; /* n of them; they move while events are read */
    size_t n, cap;
    struct script_peer **peers;
    size_t peers_cap;
    uint32_t npeers, npairs;
    struct sp_map by_id, by_pair, sessions;
    struct script_block *blocks;
    struct timeline timeline;
    int64_t first_us;
    size_t last_bye; /* the step, SIZE_MAX: none */
    bool any;
    int64_t messages, errors; /* to send; of them those that failed */
    int64_t skipped;          /* rates, protocol errors and the like, which are not done again */
    int64_t before;           /* messages left out: the opening of their session is not there */
    int64_t missed;
    size_t largest;                /* bytes of a message, or of its content */
    uint32_t present, most, joins; /* peers now, at a time, that join at all */
    bool full;                     /* out of memory */
};

/* script_init is false when out of memory; script_fini may follow either way. */
bool script_init(struct script *s);
void script_fini(struct script *s);

/* script_event reads the next event. content is the raw value of its sdp or candidate, or empty. */
void script_event(struct script *s, const struct sp_event *ev, struct sp_str content);
/* script_gap notes events that are missing; script_restart has all peers leave. */
void script_gap(struct script *s, int64_t missed);
void script_restart(struct script *s);

#endif
