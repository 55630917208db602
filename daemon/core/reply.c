/* SPDX-License-Identifier: MIT
 * Answers to the client that asked: errors, acks, and the buffer they are composed in. */
#include "daemon/core/priv.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define ERROR_WINDOW_US 10000000u
#define STRANGER_ERRORS 5u /* of one that was asked who it is and has not said */

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
    if (h->conf.auth && !c->grant && c->err_count + 1 >= STRANGER_ERRORS) {
        client_doom(h, c, SP_CLOSE_POLICY);
        return;
    }
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

/* What is noted of an error; those without a row are failed deliveries. A denial or a rate is no
 * fault of the protocol: who meets them may be sent by others. */
static const enum sp_event_type events[SP_ERR_COUNT] = {
    [SP_INVALID_JSON] = SP_EV_PROTOCOL_ERROR,
    [SP_INVALID_MESSAGE] = SP_EV_PROTOCOL_ERROR,
    [SP_UNKNOWN_TYPE] = SP_EV_PROTOCOL_ERROR,
    [SP_MISSING_MEMBER] = SP_EV_PROTOCOL_ERROR,
    [SP_INVALID_MEMBER] = SP_EV_PROTOCOL_ERROR,
    [SP_INVALID_ID] = SP_EV_PROTOCOL_ERROR,
    [SP_NOT_REGISTERED] = SP_EV_PROTOCOL_ERROR,
    [SP_ALREADY_REGISTERED] = SP_EV_PROTOCOL_ERROR,
    [SP_TOO_LARGE] = SP_EV_PROTOCOL_ERROR,
    [SP_UNAUTHORIZED] = SP_EV_AUTH,
    [SP_TOKEN_EXPIRED] = SP_EV_AUTH,
    [SP_RATE_LIMITED] = SP_EV_RATE_LIMIT,
};

static void emit_error(struct hub *h, struct client *c, enum sp_err e, struct sp_str target,
                       struct sp_str details)
{
    enum sp_event_type t = events[e] ? events[e] : SP_EV_DELIVER_ERROR;
    struct sp_event ev;
    sp_event_init(&ev, t, h->now.wall_ms);
    ev.kind = h->msg.type;
    if (t == SP_EV_DELIVER_ERROR) {
        ev.s[SP_ES_from] = client_name(c);
        if (h->msg.type != SP_T_NONE && sp_msg_has(&h->msg, SP_M_SESSION)) {
            ev.s[SP_ES_session] = h->msg.str[SP_M_SESSION];
        }
    } else {
        ev.s[SP_ES_id] = client_name(c);
        ev.s[SP_ES_addr] = c->addr;
    }
    ev.s[SP_ES_to] = target;
    ev.s[SP_ES_code] = sp_str(sp_err_wire(e));
    ev.s[SP_ES_reason] = details;
    ev.n[SP_EN_conn] = (int64_t)c->conn;
    feed_emit(h, &ev);
    if (t == SP_EV_PROTOCOL_ERROR && e != SP_TOO_LARGE) {
        count_error(h, c);
    }
}

static void send_error(struct hub *h, struct client *c, enum sp_err e, struct sp_str target,
                       struct sp_str details, int64_t wait_ms)
{
    struct sp_buf b = hub_out(h);
    sp_put_error(&b, e, details, h->msg.rid, target, wait_ms, hub_stamp(h));
    client_send(h, c, &b);
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
    send_error(h, c, e, target, text, -1);
    emit_error(h, c, e, target, text);
}

void reply_hidden(struct hub *h, struct client *c, struct sp_str target)
{
    char details[SP_ID_MAX + 32];
    int n = snprintf(details, sizeof(details), NOT_REGISTERED, (int)target.n, target.p);
    send_error(h, c, SP_TARGET_NOT_FOUND, target, (struct sp_str){details, (size_t)n}, -1);
    emit_error(h, c, SP_FORBIDDEN, target, SP_STR("hidden from the sender"));
}

void reply_wait(struct hub *h, struct client *c, enum sp_err e, uint64_t wait_us,
                const char *details)
{
    struct sp_str none = {NULL, 0};
    send_error(h, c, e, none, sp_str(details), (int64_t)((wait_us + 999) / 1000));
    emit_error(h, c, e, none, sp_str(details));
}

void reply_open(struct hub *h, struct sp_json *j, struct sp_buf *b, enum sp_type t)
{
    *b = hub_out(h);
    sp_json_init(j, b);
    sp_json_object(j, NULL);
    sp_json_str(j, "type", sp_str(sp_type_wire(t)));
    if (h->msg.rid.n) {
        sp_json_raw(j, "rid", h->msg.rid);
    }
}

void reply_send(struct hub *h, struct client *c, struct sp_json *j)
{
    sp_json_str(j, "timestamp", hub_stamp(h));
    sp_json_end(j, '}');
    client_send(h, c, j->b);
}

void reply_ack(struct hub *h, struct client *c, struct sp_str session)
{
    if (h->msg.rid.n) {
        struct sp_buf b = hub_out(h);
        sp_put_ack(&b, h->msg.rid, session, hub_stamp(h));
        client_send(h, c, &b);
    }
}
