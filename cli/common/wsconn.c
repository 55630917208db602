/* SPDX-License-Identifier: MIT
 * The state machine of one WebSocket client connection over wsio and libproto/wsframe.
 * Callbacks run from wsconn_io only; each may free, abort or restart its connection. */
#include "cli/common/wsconn.h"
#include "cli/common/wsbytes.h"
#include "cli/common/wsio.h"
#include "libproto/utf8.h"
#include "libproto/wsframe.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define SCRATCH_SIZE  (256u * 1024u)
#define MESSAGE_MAX   (16u * 1024u * 1024u)
#define QUEUE_MAX     (16u * 1024u * 1024u)
#define HANDSHAKE_MAX (16u * 1024u)

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

/* One buffer for all connections: whatever stays unfinished is moved to the connection. */
static char scratch[SCRATCH_SIZE];

struct wsconn *wsconn_new(const struct wsconn_ops *ops, void *ctx)
{
    struct wsconn *c = calloc(1, sizeof(*c));

    if (c) {
        c->ops = ops;
        c->ctx = ctx;
        c->io.fd = -1;
    }
    return c;
}

static void drop(struct wsconn *c, enum wsconn_state state)
{
    wsio_close(&c->io);
    wsbytes_free(&c->in);
    wsbytes_free(&c->msg);
    wsbytes_free(&c->out);
    c->in_message = false;
    c->need = 0;
    c->state = state;
    c->gen++;
}

void wsconn_free(struct wsconn *c)
{
    if (!c) {
        return;
    }
    drop(c, WSCONN_CLOSED);
    c->freed = true;
    if (!c->busy) {
        free(c);
    }
}

void wsconn_abort(struct wsconn *c)
{
    drop(c, WSCONN_CLOSED);
}

void wsconn_set_tls(struct wsconn *c, struct wsconn_tls *t)
{
    c->tls = t;
}

static void finish(struct wsconn *c, const struct wsconn_closed *why)
{
    drop(c, WSCONN_CLOSED);
    c->ops->on_closed(c->ctx, c, why);
}

__attribute__((format(printf, 4, 5))) static void fail(struct wsconn *c, enum wsconn_end end,
                                                       unsigned code, const char *fmt, ...)
{
    struct wsconn_closed why = {.end = end, .code = code};
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(why.reason, sizeof(why.reason), fmt, ap);
    va_end(ap);
    finish(c, &why);
}

static void fail_io(struct wsconn *c, int err)
{
    bool opening = c->state == WSCONN_CONNECTING || c->state == WSCONN_HANDSHAKE;

    if (err == EPROTO) {
        char text[128];
        wsio_tls_error(&c->io, text, sizeof(text));
        fail(c, WSCONN_END_TLS, 0, "%s", text);
    } else if (opening) {
        fail(c, WSCONN_END_CONNECT, 0, "%s",
             err ? strerror(err) : "the server closed the connection during the handshake");
    } else {
        fail(c, WSCONN_END_LOST, 0, "%s", err ? strerror(err) : "the stream ended unannounced");
    }
}

static bool queue_request(struct wsconn *c, const struct wsurl *u, struct sp_str headers)
{
    uint8_t rnd[16];
    char key[SP_WS_KEY_LEN];
    size_t cap = 512 + sizeof(u->path) + sizeof(u->hostport) + headers.n;
    struct sp_buf b;

    for (size_t i = 0; i < sizeof(rnd); i += sizeof(uint32_t)) {
        uint32_t r = wsbytes_mask();
        memcpy(rnd + i, &r, sizeof(r));
    }
    sp_ws_key(key, rnd);
    wsio_accept_of(c->accept, key);
    if (!wsbytes_reserve(&c->out, cap)) {
        return false;
    }
    sp_buf_init(&b, c->out.p, cap);
    if (!sp_ws_request(&b, sp_str(u->hostport), sp_str(u->path), (struct sp_str){key, sizeof(key)},
                       headers)) {
        errno = EINVAL;
        return false;
    }
    c->out.n = b.n;
    return true;
}

bool wsconn_start(struct wsconn *c, const struct wsurl *u, struct sp_str headers,
                  const struct sockaddr *bind_to, socklen_t bind_len)
{
    drop(c, WSCONN_IDLE);
    if (!queue_request(c, u, headers) || !wsio_connect(&c->io, u, bind_to, bind_len, &c->err) ||
        (u->tls && !wsio_start_tls(&c->io, c->tls, u->host))) {
        int err = errno;
        drop(c, WSCONN_IDLE);
        errno = err;
        return false;
    }
    c->state = WSCONN_CONNECTING;
    return true;
}

int wsconn_fd(const struct wsconn *c)
{
    return c->io.fd;
}

enum wsconn_state wsconn_state(const struct wsconn *c)
{
    return c->state;
}

size_t wsconn_queued(const struct wsconn *c)
{
    return c->out.n;
}

short wsconn_events(const struct wsconn *c)
{
    if (c->io.fd < 0) {
        return 0;
    }
    if (c->state == WSCONN_CONNECTING) {
        return POLLOUT;
    }
    return c->io.want_write ? POLLIN | POLLOUT : POLLIN;
}

/* Writes what is queued. A broken stream is left to the read side, which may still find the close
 * frame that says why. */
static void flush(struct wsconn *c)
{
    while (c->out.n > 0) {
        ssize_t n = wsio_write(&c->io, c->out.p + c->out.off, c->out.n);
        if (n < 0) {
            if (errno == EINTR) {
                continue;
            }
            if (errno != EAGAIN) {
                shutdown(c->io.fd, SHUT_WR);
            }
            return;
        }
        c->out.off += (size_t)n;
        c->out.n -= (size_t)n;
    }
    if (c->out.p) {
        wsbytes_free(&c->out);
    }
}

/* Sends one frame: from the scratch buffer at once when nothing waits, the rest through the queue.
 */
static bool send_frame(struct wsconn *c, enum sp_ws_op op, struct sp_str payload)
{
    static char frame[64 * 1024];
    uint8_t head[SP_WS_HEADER_MAX];
    uint32_t mask = wsbytes_mask();
    size_t hn = sp_ws_header(head, op, true, payload.n, mask);
    bool direct = c->out.n == 0 && hn + payload.n <= sizeof(frame);
    size_t total = hn + payload.n;

    if (c->out.n + total > QUEUE_MAX || (!direct && !wsbytes_reserve(&c->out, total))) {
        return false;
    }
    if (c->ops->on_trace) {
        c->ops->on_trace(c->ctx, true, op, payload);
    }
    char *to = direct ? frame : c->out.p + c->out.off + c->out.n;
    memcpy(to, head, hn);
    if (payload.n) {
        memcpy(to + hn, payload.p, payload.n);
    }
    sp_ws_mask(to + hn, payload.n, mask, 0);
    if (!direct) {
        c->out.n += total;
        flush(c);
        return true;
    }
    ssize_t n = wsio_write(&c->io, frame, total);
    size_t put = n > 0 ? (size_t)n : 0;
    return put == total || wsbytes_add(&c->out, frame + put, total - put);
}

bool wsconn_send(struct wsconn *c, struct sp_str text)
{
    return c->state == WSCONN_OPEN && send_frame(c, SP_WS_TEXT, text);
}

static void send_close(struct wsconn *c, unsigned code, struct sp_str reason)
{
    char payload[125];
    size_t n = reason.n < sizeof(payload) - 2 ? reason.n : sizeof(payload) - 2;

    payload[0] = (char)(code >> 8);
    payload[1] = (char)(code & 0xff);
    if (n) {
        memcpy(payload + 2, reason.p, n);
    }
    send_frame(c, SP_WS_CLOSE, (struct sp_str){payload, code ? n + 2 : 0});
}

void wsconn_close(struct wsconn *c, unsigned code, const char *reason)
{
    if (c->state == WSCONN_OPEN) {
        send_close(c, code, sp_str(reason));
        c->state = WSCONN_CLOSING;
    } else if (c->state != WSCONN_CLOSING) {
        wsconn_abort(c);
    }
}

static void fail_protocol(struct wsconn *c, unsigned code, const char *text)
{
    if (c->state == WSCONN_OPEN) {
        send_close(c, code, sp_str(text));
    }
    fail(c, WSCONN_END_PROTOCOL, code, "%s", text);
}

static void on_close_frame(struct wsconn *c, struct sp_str p)
{
    struct wsconn_closed why = {.end = WSCONN_END_CLOSE, .code = 1005};

    if (p.n == 1 || (p.n > 2 && !sp_utf8_valid(p.p + 2, p.n - 2))) {
        fail_protocol(c, 1002, "the server's close frame is malformed");
        return;
    }
    if (p.n >= 2) {
        why.code = (unsigned)(uint8_t)p.p[0] << 8 | (uint8_t)p.p[1];
        memcpy(why.reason, p.p + 2, p.n - 2);
    }
    if (c->state == WSCONN_OPEN) {
        send_close(c, p.n >= 2 ? why.code : 0, (struct sp_str){NULL, 0});
    }
    finish(c, &why);
}

static void deliver(struct wsconn *c, char *p, size_t n)
{
    if (!sp_utf8_valid(p, n)) {
        fail_protocol(c, 1007, "the server sent invalid UTF-8");
    } else if (c->state == WSCONN_OPEN) {
        c->ops->on_message(c->ctx, c, p, n);
    }
}

static void on_data_frame(struct wsconn *c, const struct sp_ws_frame *f, char *p)
{
    if (f->op == SP_WS_BINARY) {
        fail_protocol(c, 1003, "the server sent a binary message");
        return;
    }
    if ((f->op == SP_WS_CONT) != c->in_message) {
        fail_protocol(c, 1002, "the server broke the order of fragments");
        return;
    }
    if (f->fin && !c->in_message) {
        deliver(c, p, (size_t)f->len);
        return;
    }
    if (c->msg.n + f->len > MESSAGE_MAX || !wsbytes_add(&c->msg, p, (size_t)f->len)) {
        fail_protocol(c, 1009, "the server's message is too large");
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
            send_frame(c, SP_WS_PONG, payload);
        }
        break;
    case SP_WS_PONG:
        break;
    case SP_WS_CLOSE:
        on_close_frame(c, payload);
        break;
    }
}

static void fail_http(struct wsconn *c, struct sp_str in, unsigned status)
{
    const char *eol = memmem(in.p, in.n, "\r\n", 2);
    size_t n = eol ? (size_t)(eol - in.p) : in.n;
    size_t skip = n < sizeof("HTTP/1.1 ") - 1 ? n : sizeof("HTTP/1.1 ") - 1;

    fail(c, WSCONN_END_HTTP, status, "%.*s", (int)(n - skip), in.p + skip);
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
            fail(c, WSCONN_END_PROTOCOL, 0, "the server's answer to the upgrade has no end");
        }
        return 0;
    case SP_WS_UPGRADED:
        c->state = WSCONN_OPEN;
        c->ops->on_open(c->ctx, c);
        return used;
    case SP_WS_REFUSED:
        fail_http(c, in, status);
        return 0;
    case SP_WS_BAD:
        fail(c, WSCONN_END_PROTOCOL, 0, "%s", why);
        return 0;
    }
    return 0;
}

static size_t consume_frame(struct wsconn *c, char *p, size_t n)
{
    struct sp_ws_frame f;

    switch (sp_ws_parse_header(p, n, &f)) {
    case SP_WS_NEED_MORE:
        c->need = n + 1;
        return 0;
    case SP_WS_PROTOCOL_ERROR:
        fail_protocol(c, 1002, "the server sent a malformed frame");
        return 0;
    case SP_WS_HEADER:
        break;
    }
    if (f.len > MESSAGE_MAX) {
        fail_protocol(c, 1009, "the server's message is too large");
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
static bool take(struct wsconn *c, char *p, size_t n)
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
        fail(c, WSCONN_END_LOST, 0, "out of memory");
        return false;
    }
    free(held.p);
    return true;
}

/* Room for the next read: behind the unfinished frame, or the scratch buffer. */
static char *room(struct wsconn *c, size_t *cap)
{
    if (!c->in.p) {
        *cap = sizeof(scratch);
        return scratch;
    }
    size_t more = c->need > c->in.n ? c->need - c->in.n : 0;
    if (!wsbytes_reserve(&c->in, more > 4096 ? more : 4096)) {
        return NULL;
    }
    *cap = c->in.cap - c->in.off - c->in.n;
    return c->in.p + c->in.off + c->in.n;
}

static void read_stream(struct wsconn *c, bool to_end)
{
    for (;;) {
        size_t cap;
        char *p = room(c, &cap);
        ssize_t n = p ? wsio_read(&c->io, p, cap) : -1;
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0 && errno == EAGAIN) {
            return;
        }
        if (n <= 0) {
            fail_io(c, n < 0 ? errno : 0);
            return;
        }
        size_t have = c->in.n;
        if (!take(c, p - have, have + (size_t)n)) {
            return;
        }
        /* A short read has emptied the socket (epoll(7)), but for the end of the stream, whose
         * edge may be the one we were called for; TLS may hold more records. */
        if (!c->io.ssl && (size_t)n < cap && !to_end) {
            return;
        }
    }
}

static bool connected(struct wsconn *c)
{
    int err = c->err;
    socklen_t n = sizeof(err);

    if (err == 0 && getsockopt(c->io.fd, SOL_SOCKET, SO_ERROR, &err, &n) != 0) {
        err = errno;
    }
    if (err) {
        fail_io(c, err);
        return false;
    }
    c->state = WSCONN_HANDSHAKE;
    return true;
}

void wsconn_io(struct wsconn *c, short revents)
{
    if (c->io.fd < 0 || revents == 0) {
        return;
    }
    c->busy = true;
    if (c->state != WSCONN_CONNECTING || connected(c)) {
        uint32_t gen = c->gen;
        /* TLS reads first: its handshake runs there, and what it reads may unblock the writing. */
        if (!c->io.ssl) {
            flush(c);
        }
        read_stream(c, (revents & (POLLHUP | POLLERR | POLLRDHUP)) != 0);
        if (c->gen == gen && c->io.ssl) {
            flush(c);
        }
    }
    c->busy = false;
    if (c->freed) {
        free(c);
    }
}
