/* SPDX-License-Identifier: MIT
 * The state machine of one WebSocket client connection over wsio and libproto/wsframe.
 * Callbacks run from wsconn_io only; each may free, abort or restart its connection. */
#include "cli/common/wsconn.h"
#include "cli/common/wsconn_in.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define SCRATCH_SIZE (256u * 1024u)
#define QUEUE_MAX    (16u * 1024u * 1024u)

/* One buffer for all connections: whatever stays unfinished is moved to the connection. */
static _Thread_local char scratch[SCRATCH_SIZE];

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

void wsconn_finish(struct wsconn *c, const struct wsconn_closed *why)
{
    drop(c, WSCONN_CLOSED);
    c->ops->on_closed(c->ctx, c, why);
}

void wsconn_fail(struct wsconn *c, enum wsconn_end end, unsigned code, const char *fmt, ...)
{
    struct wsconn_closed why = {.end = end, .code = code};
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(why.reason, sizeof(why.reason), fmt, ap);
    va_end(ap);
    wsconn_finish(c, &why);
}

static void fail_io(struct wsconn *c, int err)
{
    bool opening = c->state == WSCONN_CONNECTING || c->state == WSCONN_HANDSHAKE;

    if (err == EPROTO) {
        char text[128];
        wsio_tls_error(&c->io, text, sizeof(text));
        wsconn_fail(c, WSCONN_END_TLS, 0, "%s", text);
    } else if (opening) {
        wsconn_fail(c, WSCONN_END_CONNECT, 0, "%s",
                    err ? strerror(err) : "the server closed the connection during the handshake");
    } else {
        wsconn_fail(c, WSCONN_END_LOST, 0, "%s",
                    err ? strerror(err) : "the stream ended unannounced");
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
bool wsconn_send_frame(struct wsconn *c, enum sp_ws_op op, struct sp_str payload)
{
    static _Thread_local char frame[64 * 1024];
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
    return c->state == WSCONN_OPEN && wsconn_send_frame(c, SP_WS_TEXT, text);
}

void wsconn_send_close(struct wsconn *c, unsigned code, struct sp_str reason)
{
    char payload[125];
    size_t n = reason.n < sizeof(payload) - 2 ? reason.n : sizeof(payload) - 2;

    payload[0] = (char)(code >> 8);
    payload[1] = (char)(code & 0xff);
    if (n) {
        memcpy(payload + 2, reason.p, n);
    }
    wsconn_send_frame(c, SP_WS_CLOSE, (struct sp_str){payload, code ? n + 2 : 0});
}

void wsconn_close(struct wsconn *c, unsigned code, const char *reason)
{
    if (c->state == WSCONN_OPEN) {
        wsconn_send_close(c, code, sp_str(reason));
        c->state = WSCONN_CLOSING;
    } else if (c->state != WSCONN_CLOSING) {
        wsconn_abort(c);
    }
}

void wsconn_fail_protocol(struct wsconn *c, unsigned code, const char *text)
{
    if (c->state == WSCONN_OPEN) {
        wsconn_send_close(c, code, sp_str(text));
    }
    wsconn_fail(c, WSCONN_END_PROTOCOL, code, "%s", text);
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
        if (!wsconn_take(c, p - have, have + (size_t)n)) {
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
