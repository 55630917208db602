/* SPDX-License-Identifier: MIT
 * Lossy links: what was relayed to a client that asked for it is kept until it has surely arrived,
 * and a client whose link was lost is away for a while before it has left. */
#ifndef CORE_RESUME_H
#define CORE_RESUME_H

#include "daemon/core/hub.h"

/* As many as may be connected by default, each within the limits of its send queue; in all 64 MiB,
 * which is 64 messages of 1 KiB for a thousand. Beyond that a lost link is the end, as without. */
#define AWAY_CLIENTS 4096u
#define AWAY_BYTES   (64u * 1024u * 1024u)

struct client;

/* lasting is what a client that may come back has; owned by it. Messages sent - kept.count + 1 to
 * sent are kept, counted from its registration. */
struct lasting {
    struct queue kept;
    uint64_t sent;
    uint64_t mark; /* when pinged: so many were written before the ping */
    bool pinged;
    uint64_t ping_us;  /* what that ping says */
    uint64_t asked_us; /* when it was sent last */
    uint64_t until_us; /* away: when it has left */
};

/* resume_ask gives the client of a register what it asks for; out of memory it gets nothing. */
void resume_ask(struct hub *h, struct client *c, const struct sp_msg *m);
/* resume_proves tells whether a register has the token of an older registration. */
bool resume_proves(const struct client *old, const struct sp_msg *m);
/* resume_fits: the register proves to be of the peer that old is, and what it missed is kept. */
bool resume_fits(const struct client *old, const struct sp_msg *m);
/* resume_take hands sessions and missed messages from old to c, after c's registered. */
void resume_take(struct hub *h, struct client *old, struct client *c, const struct sp_msg *m);
/* resume_relay is client_relay for a client that has lasting. */
enum hub_wrote resume_relay(struct hub *h, struct client *c, struct sp_buf *b);
/* resume_ponged: what was written before the ping that said so has arrived. */
void resume_ponged(struct client *c, uint64_t ping_us);
/* resume_may: its link may be lost without its leaving; resume_away lets it be. */
bool resume_may(struct hub *h, struct client *c);
void resume_away(struct hub *h, struct client *c);
/* resume_over undoes the accounts of resume_away; the client leaves now. */
void resume_over(struct hub *h, struct client *c);
void resume_free(struct client *c);

#endif
