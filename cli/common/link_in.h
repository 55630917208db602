/* SPDX-License-Identifier: MIT
 * The inside of a link, shared by link.c (waiting), linkask.c (asking) and linkconn.c (connecting).
 */
#ifndef CLI_LINK_IN_H
#define CLI_LINK_IN_H

#include "cli/common/bearer.h"
#include "cli/common/link.h"

#define LINK_HANDSHAKE_US 10000000
#define LINK_BESIDE_MAX   65 /* links in a ring: a scenario's identities and one for the rest */

struct link {
    const struct link_opts *o;
    struct wsconn *ws;
    struct wsconn_tls *tls;
    struct wsurl url;
    bool resolved;
    char shown[512]; /* the URL as messages show it */
    struct bearer bearer;
    int64_t renew_us; /* when the token's file is read again */
    bool stale;       /* this connection knows an older token */
    bool renewing;    /* it was given up for a new token */
    int signals;
    bool needs_reader, comes_back;
    link_message_fn on_message;
    link_input_fn on_input;
    link_signal_fn on_signal;
    link_remark_fn on_remark;
    link_wait_fn on_wait;
    void *message_ctx, *input_ctx, *signal_ctx, *remark_ctx, *wait_ctx;
    int input;
    struct wsconn_closed closed;
    int64_t goaway_us; /* when the server wants us back; -1: it did not send us away */
    struct link_who who;
    bool registered, recovering;
    unsigned rid;
    char rid_text[16];
    enum sp_type want;
    bool asking, answered;
    char *reply_copy;
    struct link_msg reply;
    struct link_fail why;
    struct link *next; /* ring of those that wait beside each other; alone: itself */
};

/* link_load_tls reads the files that the options name; false with a message printed. */
bool link_load_tls(struct link *l);

/* link_plan_renewal sets renew_us from the life of the token. */
void link_plan_renewal(struct link *l);
/* link_renew reads the token again and hands a new one to the server: by a register where there is
 * an identity, else by giving the connection up where its owner comes back. */
void link_renew(struct link *l);

/* link_take_answer is true for a message that answers what was asked, link_take_renewal for one
 * that answers a register of link_renew. */
bool link_take_answer(struct link *l, const struct link_msg *m);
bool link_take_renewal(struct link *l, const struct link_msg *m);

/* link_remark tells the user something about the connection. */
void link_remark(struct link *l, const char *text);

/* link_step is a round of waiting: link_serve, or what link_on_wait has put in its place. */
int link_step(struct link *l, int64_t deadline);

#endif
