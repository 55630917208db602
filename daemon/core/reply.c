/* SPDX-License-Identifier: MIT
 * Answers to the client that asked: errors, acks, and the buffer they are composed in. */
#include "daemon/core/priv.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define ERROR_WINDOW_US 10000000u

struct sp_buf hub_out(struct hub *h)
{
    struct sp_buf b;
    sp_buf_init(&b, h->out + HUB_HEADROOM, h->out_cap);
    return b;
}

struct sp_str hub_stamp(struct hub *h)
{
    return sp_stamp_at(&h->stamp, h->now.wall_ms);
}

/* A peer that keeps breaking the protocol is not worth an answer any more. The times of the last
 * max_errors are kept, so that a burst across two windows does not slip through. */
static void count_error(struct hub *h, struct client *c)
{
    uint32_t most = h->conf.max_errors;
    if (!c->err_at && most) {
        c->err_at = calloc(most, sizeof(*c->err_at));
    }
    uint64_t *oldest = c->err_at ? &c->err_at[c->err_count % most] : NULL;
    if (!oldest || (c->err_count >= most && h->now.mono_us - *oldest <= ERROR_WINDOW_US)) {
        client_doom(h, c, SP_CLOSE_POLICY);
        return;
    }
    *oldest = h->now.mono_us;
    c->err_count++;
}

static void emit_error(struct hub *h, struct client *c, enum sp_err e, struct sp_str target,
                       struct sp_str details)
{
    bool protocol = e <= SP_ALREADY_REGISTERED || e == SP_TOO_LARGE;
    struct sp_event ev;
    sp_event_init(&ev, protocol ? SP_EV_PROTOCOL_ERROR : SP_EV_DELIVER_ERROR, h->now.wall_ms);
    ev.kind = h->msg.type;
    ev.s[protocol ? SP_ES_id : SP_ES_from] = c->id;
    ev.s[SP_ES_to] = target;
    ev.s[SP_ES_code] = sp_str(sp_err_wire(e));
    ev.s[SP_ES_reason] = details;
    ev.n[SP_EN_conn] = (int64_t)c->conn;
    feed_emit(h, &ev);
    if (protocol && e != SP_TOO_LARGE) {
        count_error(h, c);
    }
}

void reply_error(struct hub *h, struct client *c, enum sp_err e, struct sp_str target,
                 const char *fmt, ...)
{
    char details[384];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(details, sizeof(details), fmt, ap);
    va_end(ap);
    struct sp_str text = {details, n < (int)sizeof(details) ? (size_t)n : sizeof(details) - 1};
    struct sp_buf b = hub_out(h);
    sp_put_error(&b, e, text, h->msg.rid, target, -1, hub_stamp(h));
    client_send(h, c, &b);
    emit_error(h, c, e, target, text);
}

void reply_ack(struct hub *h, struct client *c, struct sp_str session)
{
    if (h->msg.rid.n) {
        struct sp_buf b = hub_out(h);
        sp_put_ack(&b, h->msg.rid, session, hub_stamp(h));
        client_send(h, c, &b);
    }
}
