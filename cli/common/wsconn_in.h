/* SPDX-License-Identifier: MIT
 * What the two halves of a client connection share: its life and its sending (wsconn.c), the frames
 * that come in (wsframes.c). */
#ifndef CLI_WSCONN_IN_H
#define CLI_WSCONN_IN_H

#include "cli/common/wsbytes.h"
#include "cli/common/wsconn.h"
#include "cli/common/wsio.h"
#include "libproto/wsframe.h"

struct wsconn {
    const struct wsconn_ops *ops;
    void *ctx;
    struct wsconn_tls *tls;
    struct wsio io;
    enum wsconn_state state;
    uint32_t gen; /* grows whenever the stream is dropped: a callback may have done so */
    int err;      /* why connect failed at once */
    bool busy, freed, in_message;
    char accept[SP_WS_ACCEPT_LEN];
    size_t need;        /* bytes of the frame at the head of in */
    struct wsbytes in;  /* an unfinished frame */
    struct wsbytes msg; /* an unfinished message */
    struct wsbytes out; /* not yet written */
};

/* wsconn_finish drops the stream and tells the owner; c may be gone afterwards. */
void wsconn_finish(struct wsconn *c, const struct wsconn_closed *why);
void wsconn_fail(struct wsconn *c, enum wsconn_end end, unsigned code, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* wsconn_fail_protocol is wsconn_fail after a close frame with that code. */
void wsconn_fail_protocol(struct wsconn *c, unsigned code, const char *text);

bool wsconn_send_frame(struct wsconn *c, enum sp_ws_op op, struct sp_str payload);
void wsconn_send_close(struct wsconn *c, unsigned code, struct sp_str reason);

/* wsconn_take takes what one read gave, together with what was left unfinished before. False when
 * the connection is no longer the one it was. */
bool wsconn_take(struct wsconn *c, char *p, size_t n);

#endif
