/* SPDX-License-Identifier: MIT
 * The frames that a client connection reads: handshake, fragments, control frames. Callbacks may
 * free, abort or restart the connection; the generation tells. */
#include "cli/common/wsconn_in.h"
#include "libproto/utf8.h"

#include <stdio.h>
#include <stdlib.h>

#define MESSAGE_MAX     (16u * 1024u * 1024u)
#define HANDSHAKE_MAX   (16u * 1024u)
#define RETRY_AFTER_MAX 86400u

static void on_close_frame(struct wsconn *c, struct sp_str p)
{
    struct wsconn_closed why = {.end = WSCONN_END_CLOSE, .code = 1005};

    if (p.n == 1 || (p.n > 2 && !sp_utf8_valid(p.p + 2, p.n - 2))) {
        wsconn_fail_protocol(c, 1002, "the server's close frame is malformed");
        return;
    }
    if (p.n >= 2) {
        why.code = (unsigned)(uint8_t)p.p[0] << 8 | (uint8_t)p.p[1];
        memcpy(why.reason, p.p + 2, p.n - 2);
    }
    if (c->state == WSCONN_OPEN) {
        wsconn_send_close(c, p.n >= 2 ? why.code : 0, (struct sp_str){NULL, 0});
    }
    wsconn_finish(c, &why);
}

static void deliver(struct wsconn *c, char *p, size_t n)
{
    if (!sp_utf8_valid(p, n)) {
        wsconn_fail_protocol(c, 1007, "the server sent invalid UTF-8");
    } else if (c->state == WSCONN_OPEN) {
        c->ops->on_message(c->ctx, c, p, n);
    }
}

static void on_data_frame(struct wsconn *c, const struct sp_ws_frame *f, char *p)
{
    if (f->op == SP_WS_BINARY) {
        wsconn_fail_protocol(c, 1003, "the server sent a binary message");
        return;
    }
    if ((f->op == SP_WS_CONT) != c->in_message) {
        wsconn_fail_protocol(c, 1002, "the server broke the order of fragments");
        return;
    }
    if (f->fin && !c->in_message) {
        deliver(c, p, (size_t)f->len);
        return;
    }
    if (c->msg.n + f->len > MESSAGE_MAX || !wsbytes_add(&c->msg, p, (size_t)f->len)) {
        wsconn_fail_protocol(c, 1009, "the server's message is too large");
        return;
    }
    c->in_message = !f->fin;
    if (f->fin) {
        struct wsbytes whole = c->msg;
        c->msg = (struct wsbytes){0};
        deliver(c, whole.p, whole.n);
        free(whole.p);
    }
}

static void on_frame(struct wsconn *c, const struct sp_ws_frame *f, char *p)
{
    struct sp_str payload = {p, (size_t)f->len};

    if (c->ops->on_trace) {
        c->ops->on_trace(c->ctx, false, f->op, payload);
    }
    switch (f->op) {
    case SP_WS_CONT:
    case SP_WS_TEXT:
    case SP_WS_BINARY:
        on_data_frame(c, f, p);
        break;
    case SP_WS_PING:
        if (c->state == WSCONN_OPEN) {
            wsconn_send_frame(c, SP_WS_PONG, payload);
        }
        break;
    case SP_WS_PONG:
        break;
    case SP_WS_CLOSE:
        on_close_frame(c, payload);
        break;
    }
}

/* Retry-After in seconds (RFC 9110 10.2.3); a date, or more than a day, is no advice to follow. */
static unsigned retry_after(struct sp_str in)
{
    static const char name[] = "\r\nretry-after:";
    unsigned s = 0;
    size_t at = 0;

    while (at + sizeof(name) <= in.n && strncasecmp(in.p + at, name, sizeof(name) - 1) != 0) {
        at++;
    }
    for (at += sizeof(name) - 1; at < in.n && in.p[at] == ' '; at++) {
    }
    for (; at < in.n && in.p[at] >= '0' && in.p[at] <= '9' && s <= RETRY_AFTER_MAX; at++) {
        s = s * 10 + (unsigned)(in.p[at] - '0');
    }
    return s <= RETRY_AFTER_MAX && at < in.n && in.p[at] == '\r' ? s : 0;
}

static void fail_http(struct wsconn *c, struct sp_str in, unsigned status)
{
    const char *eol = memmem(in.p, in.n, "\r\n", 2);
    size_t n = eol ? (size_t)(eol - in.p) : in.n;
    size_t skip = n < sizeof("HTTP/1.1 ") - 1 ? n : sizeof("HTTP/1.1 ") - 1;
    struct wsconn_closed why = {
        .end = WSCONN_END_HTTP, .code = status, .retry_after_s = retry_after(in)};

    snprintf(why.reason, sizeof(why.reason), "%.*s", (int)(n - skip), in.p + skip);
    wsconn_finish(c, &why);
}

/* Returns how many of the n bytes are used up, 0 when more are needed. */
static size_t consume_handshake(struct wsconn *c, char *p, size_t n)
{
    struct sp_str in = {p, n};
    const char *why = NULL;
    unsigned status = 0;
    size_t used = 0;

    switch (
        sp_ws_response(in, (struct sp_str){c->accept, SP_WS_ACCEPT_LEN}, &used, &status, &why)) {
    case SP_WS_MORE:
        c->need = n + 1;
        if (n > HANDSHAKE_MAX) {
            wsconn_fail(c, WSCONN_END_PROTOCOL, 0, "the server's answer to the upgrade has no end");
        }
        return 0;
    case SP_WS_UPGRADED:
        c->state = WSCONN_OPEN;
        c->ops->on_open(c->ctx, c);
        return used;
    case SP_WS_REFUSED:
        fail_http(c, (struct sp_str){in.p, used}, status);
        return 0;
    case SP_WS_BAD:
        wsconn_fail(c, WSCONN_END_PROTOCOL, 0, "%s", why);
        return 0;
    }
    return 0;
}

static size_t consume_frame(struct wsconn *c, char *p, size_t n)
{
    struct sp_ws_frame f;

    switch (sp_ws_parse_header(p, n, SP_WS_OF_SERVER, &f)) {
    case SP_WS_NEED_MORE:
        c->need = n + 1;
        return 0;
    case SP_WS_PROTOCOL_ERROR:
        wsconn_fail_protocol(c, 1002, "the server sent a malformed frame");
        return 0;
    case SP_WS_HEADER:
        break;
    }
    if (f.len > MESSAGE_MAX) {
        wsconn_fail_protocol(c, 1009, "the server's message is too large");
        return 0;
    }
    size_t total = f.header_len + (size_t)f.len;
    if (n < total) {
        c->need = total;
        return 0;
    }
    on_frame(c, &f, p + f.header_len);
    return total;
}

/* Returns how many bytes were used; meaningless once the generation has changed. */
static size_t consume(struct wsconn *c, char *p, size_t n)
{
    uint32_t gen = c->gen;
    size_t off = 0;

    while (off < n) {
        size_t used = c->state == WSCONN_HANDSHAKE ? consume_handshake(c, p + off, n - off)
                                                   : consume_frame(c, p + off, n - off);
        if (used == 0 || c->gen != gen) {
            break;
        }
        off += used;
    }
    return off;
}

/* Takes what one read gave. False when the connection is no longer the one it was. */
bool wsconn_take(struct wsconn *c, char *p, size_t n)
{
    uint32_t gen = c->gen;
    struct wsbytes held = c->in;

    c->in = (struct wsbytes){0};
    size_t used = consume(c, p, n);
    if (c->gen != gen) {
        free(held.p);
        return false;
    }
    if (held.p && used < n) {
        held.off += used;
        held.n = n - used;
        c->in = held;
        return true;
    }
    if (used < n && !wsbytes_add(&c->in, p + used, n - used)) {
        wsconn_fail(c, WSCONN_END_LOST, 0, "out of memory");
        return false;
    }
    free(held.p);
    return true;
}
