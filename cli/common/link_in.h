/* SPDX-License-Identifier: MIT
 * The inside of a link, shared by link.c (waiting, asking) and linkconn.c (connecting). */
#ifndef CLI_LINK_IN_H
#define CLI_LINK_IN_H

#include "cli/common/link.h"

#define LINK_TOKEN_MAX    4096 /* what sigd takes */
#define LINK_HANDSHAKE_US 10000000

struct link {
    const struct link_opts *o;
    struct wsconn *ws;
    struct wsconn_tls *tls;
    struct wsurl url;
    bool resolved;
    char headers[LINK_TOKEN_MAX + 64];
    int signals;
    bool needs_reader;
    link_message_fn on_message;
    link_input_fn on_input;
    link_signal_fn on_signal;
    void *message_ctx, *input_ctx, *signal_ctx;
    int input;
    struct wsconn_closed closed;
    int64_t goaway_us; /* what the server asked us to wait before we come back; -1: nothing */
    struct link_who who;
    bool registered;
    unsigned rid;
    char rid_text[16];
    enum sp_type want;
    bool asking, answered;
    char *reply_copy;
    struct link_msg reply;
    struct link_fail why;
};

/* link_load_token and link_load_tls read what the options name; false with a message printed. */
bool link_load_token(struct link *l);
bool link_load_tls(struct link *l);

/* link_step waits for one round of readiness, no longer than the deadline, and serves it. */
int link_step(struct link *l, int64_t deadline);

#endif
