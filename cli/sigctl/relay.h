/* SPDX-License-Identifier: MIT
 * Sending to a peer and waiting for what comes back; offer, answer, ice, bye, send and call share
 * it. */
#ifndef SIGCTL_RELAY_H
#define SIGCTL_RELAY_H

#include "cli/sigctl/show.h"

/* relay is one message to a peer. key and text (a plain string) or body (raw members) may be
 * empty. */
struct relay {
    const char *type, *target, *session;
    const char *key; /* the member that text or raw becomes */
    struct sp_str text, raw, body;
    int64_t hold_ms;     /* how long the server may wait for the target; 0: not at all */
    const char *counter; /* "seq", "line": the member of the result that count is; may be NULL */
    int64_t count;
};

/* relay_ack is what the result tells of an acknowledged message. */
struct relay_ack {
    struct sp_str session;
    int64_t rtt_us, wall_us;
};

/* refusal is a failed message; status is never 0, code may be empty. */
struct refusal {
    int status;
    int64_t retry_us; /* when the server lets it be sent again; -1: not said */
    char code[SP_WORD_MAX + 1];
    char text[480];
};

/* refusal_of reads the server's error, in words with a way out; target may be empty. */
void refusal_of(struct refusal *r, const struct link_msg *error, const char *target);

/* relay_put composes the message with a raw rid; false when it does not fit. */
bool relay_put(struct sp_buf *b, const struct relay *r, struct sp_str rid);
/* relay_size is more than what relay_put writes. */
size_t relay_size(const struct relay *r);

/* relay_begin connects and registers, after the command line was found right. */
int relay_begin(struct ctl *c);

/* relay_send sends it and waits for the ack; prints what fails. */
int relay_send(struct ctl *c, const struct relay *r, int64_t deadline);

/* relay_result prints the ack: {"ok":true,"type":"ack",…}. */
void relay_result(struct ctl *c, const struct relay *r, int64_t sent_us);
/* relay_one sends it and prints the ack. */
int relay_one(struct ctl *c, const struct relay *r);
void relay_acked(struct ctl *c, const struct relay *r, const struct relay_ack *ack);
/* relay_refused prints one of many that failed: on stdout for machines, on stderr for people. */
void relay_refused(struct ctl *c, const struct relay *r, const struct refusal *no);

/* relay_ice sends the candidates that spec names. sent counts them. */
int relay_ice(struct ctl *c, const char *target, const char *session, const char *spec,
              int64_t deadline, unsigned *sent);

/* await is a wait for one message of a peer; kept owns it. */
struct await {
    struct match match;
    struct ctl_kept kept, bye; /* bye: the peer ended the session instead */
    struct seen seen;
    char session[SP_ID_MAX + 1]; /* empty: any */
    bool bye_ends;               /* a bye of the peer ends the wait */
};

/* await_take is a ctl_take_fn: keeps the first match, remembers the rest. */
bool await_take(void *ctx, const struct link_msg *m);
/* await_done waits for it until the deadline and prints what fails: a time-out says what was seen.
 */
int await_done(struct ctl *c, struct await *w, int64_t deadline);
/* await_ended prints that the peer has ended the session and why, and gives the status. */
int await_ended(const struct ctl *c, const struct await *w);
void await_fini(struct await *w);

#endif
