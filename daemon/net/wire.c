/* SPDX-License-Identifier: MIT
 * The frames of an open WebSocket. libwebsockets has made the handshake and keeps the socket, its
 * TLS and its end; it is told to read no more, and what is said in between is read and written
 * here: with one receive and one send for a relayed message, and nothing kept for a connection that
 * is quiet. */
#include "daemon/net/priv.h"

#include "libproto/utf8.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>

_Static_assert(HUB_HEADROOM >= SP_WS_SERVER_HEADER_MAX, "the hub leaves room for the header");

#define READ_MAX 16384u /* of one connection in a turn; a TLS record is no longer */

#define CONTROL_MAX 125u
#define SKIP_ALL    UINT64_MAX /* where a frame ends is not known any more */

/* ---------------------------------------------------------------- bytes that wait */

static bool bytes_room(struct wire_bytes *b, size_t cap)
{
    char *p = cap > b->cap ? realloc(b->p, cap) : b->p;
    if (!p) {
        return false;
    }
    b->p = p;
    b->cap = cap > b->cap ? (uint32_t)cap : b->cap;
    return true;
}

static bool bytes_put(struct wire_bytes *b, const char *p, size_t n)
{
    if (n == 0) {
        return true;
    }
    size_t need = b->n + n, twice = 2 * (size_t)b->cap;
    if (need > b->cap && !bytes_room(b, need > twice ? need : twice)) {
        return false;
    }
    memcpy(b->p + b->n, p, n);
    b->n += (uint32_t)n;
    return true;
}

static void bytes_drop(struct wire_bytes *b, size_t n)
{
    if (n < b->n) {
        memmove(b->p, b->p + n, b->n - n);
        b->n -= (uint32_t)n;
    } else {
        free(b->p);
        *b = (struct wire_bytes){NULL, 0, 0};
    }
}

/* ---------------------------------------------------------------- the socket */

static int outcome(const SSL *ssl, int got)
{
    int e = SSL_get_error(ssl, got);
    if (e == SSL_ERROR_ZERO_RETURN) {
        return 0;
    }
    errno = e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE ? EAGAIN : EPIPE;
    return -1;
}

static ssize_t receive(const struct conn *c, char *p, size_t n)
{
    if (!c->ssl) {
        return recv(c->fd, p, n, 0);
    }
    ERR_clear_error();
    int got = SSL_read(c->ssl, p, (int)n);
    return got > 0 ? got : outcome(c->ssl, got);
}

static ssize_t deliver(const struct conn *c, const char *p, size_t n)
{
    if (!c->ssl) {
        return send(c->fd, p, n, MSG_NOSIGNAL);
    }
    ERR_clear_error();
    int put = SSL_write(c->ssl, p, (int)n);
    return put > 0 ? put : outcome(c->ssl, put);
}

static void on_ready(uv_poll_t *poll, int status, int events);

static void lost(struct conn *c)
{
    if (c->state == CONN_OPEN) {
        ws_peer_closed(c);
    }
    ws_kill(c);
}

static void watch(struct conn *c, bool writable)
{
    if (c->watched) {
        uv_poll_start(&c->poll, writable ? UV_READABLE | UV_WRITABLE : UV_READABLE, on_ready);
    }
}

/* ---------------------------------------------------------------- writing */

/* Writes a frame in front of whose payload there is room for its header. A busy socket gives
 * HUB_BUSY, but what is kept goes out behind what waits. */
static enum hub_wrote put_frame(struct conn *c, enum sp_ws_op op, char *payload, size_t len,
                                bool kept)
{
    if (c->out.n && !kept) {
        return HUB_BUSY;
    }
    size_t head = sp_ws_put_header(payload, op, len), n = head + len;
    char *p = payload - head;
    ssize_t put = c->out.n ? 0 : deliver(c, p, n);
    if (put == (ssize_t)n) {
        return HUB_WROTE;
    }
    if (put < 0 && errno == EAGAIN) {
        if (!c->ssl && !kept) {
            return HUB_BUSY;
        }
        put = 0; /* TLS must be given the same bytes again */
    }
    if (put < 0 || !bytes_put(&c->out, p + put, n - (size_t)put)) {
        /* within a call of the hub, which must not hear of it before it is done */
        c->state == CONN_OPEN ? ws_doom(c, 0, NULL) : ws_kill(c);
        return HUB_GONE;
    }
    watch(c, true);
    return HUB_WROTE;
}

enum hub_wrote wire_write(struct conn *c, char *text, size_t len)
{
    return put_frame(c, SP_WS_TEXT, text, len, false);
}

void wire_want_write(struct conn *c)
{
    watch(c, true);
}

static enum hub_wrote put_control(struct conn *c, enum sp_ws_op op, const char *p, size_t n,
                                  bool kept)
{
    char room[SP_WS_SERVER_HEADER_MAX + CONTROL_MAX], *payload = room + SP_WS_SERVER_HEADER_MAX;
    memcpy(payload, p, n);
    return put_frame(c, op, payload, n, kept);
}

void wire_ping(struct conn *c, const char *p, size_t n)
{
    if (n <= CONTROL_MAX) {
        put_control(c, SP_WS_PING, p, n, false);
    }
}

static void put_close(struct conn *c, const char *p, size_t n)
{
    c->said_close = true;
    put_control(c, SP_WS_CLOSE, p, n, true);
}

/* Both have said goodbye, and ours is written. */
static void end_if_said(struct conn *c)
{
    if (c->said_close && c->heard_close && c->out.n == 0) {
        ws_kill(c);
    }
}

void wire_close(struct conn *c, unsigned code, const char *reason)
{
    char text[CONTROL_MAX];
    size_t n = strlen(reason);
    n = n < SP_REASON_MAX ? n : SP_REASON_MAX;
    text[0] = (char)(code >> 8);
    text[1] = (char)code;
    memcpy(text + 2, reason, n);
    put_close(c, text, 2 + n);
    end_if_said(c);
}

/* A ping that comes while we cannot write is answered later, the newest alone (RFC 6455 5.5.3). */
static void put_pong(struct conn *c, const char *p, size_t n)
{
    if (put_control(c, SP_WS_PONG, p, n, false) == HUB_BUSY) {
        c->pong.n = 0;
        c->has_pong = bytes_put(&c->pong, p, n) || n == 0;
        watch(c, true);
    }
}

static void put_late_pong(struct conn *c)
{
    struct wire_bytes pong = c->pong;
    c->pong = (struct wire_bytes){NULL, 0, 0};
    c->has_pong = false;
    put_pong(c, pong.p ? pong.p : "", pong.n);
    free(pong.p);
}

static void flush(struct conn *c)
{
    if (c->out.n) {
        ssize_t put = deliver(c, c->out.p, c->out.n);
        if (put < 0 && errno != EAGAIN) {
            lost(c);
            return;
        }
        bytes_drop(&c->out, put > 0 ? (size_t)put : 0);
        if (c->out.n) {
            return;
        }
    }
    watch(c, false);
    if (c->state == CONN_CLOSING) {
        end_if_said(c);
        return;
    }
    if (c->has_pong) {
        put_late_pong(c);
    }
    hub_writable(c->net->hub, c->ref, net_now(c->net));
}

/* ---------------------------------------------------------------- reading */

static bool is_open(const struct conn *c)
{
    return c->state == CONN_OPEN && !c->doomed;
}

/* Until the peer says goodbye its frames are told apart, be they obeyed or not: who is closed over
 * unread bytes is reset, and does not learn why. */
static bool listens(const struct conn *c)
{
    return (c->state == CONN_OPEN || c->state == CONN_CLOSING) && !c->heard_close;
}

static void on_data(struct conn *c, const struct sp_ws_frame *f, char *payload)
{
    struct hub *h = c->net->hub;
    struct hub_now now = net_now(c->net);
    if (f->fin && !c->in_parts) {
        hub_receive(h, c->ref, payload, (size_t)f->len, now);
    } else if (!bytes_put(&c->parts, payload, (size_t)f->len)) {
        ws_doom(c, SP_CLOSE_INTERNAL, "out of memory");
    } else if (f->fin) {
        hub_receive(h, c->ref, c->parts.p, c->parts.n, now);
        bytes_drop(&c->parts, c->parts.n);
        c->in_parts = false;
    } else {
        c->in_parts = true;
        hub_alive(h, c->ref, now);
    }
}

static void on_ping(struct conn *c, const struct sp_ws_frame *f, char *payload)
{
    hub_alive(c->net->hub, c->ref, net_now(c->net));
    put_pong(c, payload, (size_t)f->len);
}

static void on_pong(struct conn *c, const struct sp_ws_frame *f, char *payload)
{
    hub_pong(c->net->hub, c->ref, payload, (size_t)f->len, net_now(c->net));
}

static void on_close(struct conn *c, const struct sp_ws_frame *f, char *payload)
{
    struct sp_str s = {payload, (size_t)f->len};
    bool ok = sp_ws_close_ok(s), utf8 = s.n < 2 || sp_utf8_valid(payload + 2, s.n - 2);
    c->heard_close = true;
    if (is_open(c) && !(ok && utf8)) {
        ws_doom(c, ok ? SP_CLOSE_BAD_UTF8 : SP_CLOSE_PROTOCOL, "close frame is not valid");
        return;
    }
    if (is_open(c)) {
        c->peer_code = s.n ? (unsigned)(uint8_t)payload[0] << 8 | (uint8_t)payload[1]
                           : LWS_CLOSE_STATUS_NO_STATUS;
        put_close(c, payload, s.n);
        ws_peer_closed(c);
    }
    end_if_said(c);
}

typedef void (*frame_fn)(struct conn *c, const struct sp_ws_frame *f, char *payload);

static const frame_fn handlers[] = {
    [SP_WS_CONT] = on_data,   [SP_WS_TEXT] = on_data, [SP_WS_BINARY] = on_data,
    [SP_WS_CLOSE] = on_close, [SP_WS_PING] = on_ping, [SP_WS_PONG] = on_pong,
};

static void protocol_error(struct conn *c, const char *why)
{
    if (c->state == CONN_OPEN) {
        ws_doom(c, SP_CLOSE_PROTOCOL, why);
    } else {
        ws_kill(c);
    }
}

/* What is wrong with a frame can be told from its header; has is how much of its payload has
 * arrived. False: answered, and the connection is to end. */
static bool may_come(struct conn *c, const struct sp_ws_frame *f, size_t has)
{
    struct net *n = c->net;
    bool data = f->op < SP_WS_CLOSE, whole = f->fin && !c->in_parts && has >= f->len;
    if (data && (f->op == SP_WS_CONT) != c->in_parts) {
        protocol_error(c, "fragments out of order");
        return false;
    }
    uint32_t most = whole ? n->max_message : hub_max_message(n->hub, c->ref);
    if (data && f->op != SP_WS_BINARY && (f->len > most || c->parts.n > most - f->len)) {
        bytes_drop(&c->parts, c->parts.n);
        hub_fault(n->hub, c->ref, HUB_FAULT_TOO_LARGE, net_now(n));
        return false;
    }
    if (f->op == SP_WS_BINARY) {
        hub_fault(n->hub, c->ref, HUB_FAULT_BINARY, net_now(n));
        return false;
    }
    return true;
}

/* Passes over what is left of a frame that is not obeyed. */
static size_t skip(struct conn *c, size_t n)
{
    size_t k = c->skip < n ? (size_t)c->skip : n;
    c->skip -= c->skip == SKIP_ALL ? 0 : k;
    return k;
}

/* Takes the frames that have arrived whole out of p; gives how many bytes they had, and in *need
 * how many the next one has. */
static size_t take(struct conn *c, char *p, size_t n, size_t *need)
{
    size_t used = 0;
    while (listens(c)) {
        struct sp_ws_frame f;
        used += skip(c, n - used);
        size_t left = n - used;
        *need = SP_WS_HEADER_MAX;
        switch (sp_ws_parse_header(p + used, left, SP_WS_OF_CLIENT, &f)) {
        case SP_WS_NEED_MORE:
            return used;
        case SP_WS_PROTOCOL_ERROR:
            protocol_error(c, left > 1 && !(p[used + 1] & 0x80) ? "client frames must be masked"
                                                                : "malformed frame");
            c->skip = SKIP_ALL;
            return n;
        case SP_WS_HEADER:
            break;
        }
        bool obeyed = is_open(c) && may_come(c, &f, left - f.header_len);
        if (!obeyed && f.op != SP_WS_CLOSE) {
            used += f.header_len;
            c->skip = f.len;
            continue;
        }
        if (f.len > left - f.header_len) {
            *need = f.header_len + (size_t)f.len;
            return used;
        }
        char *payload = p + used + f.header_len;
        sp_ws_mask(payload, (size_t)f.len, f.mask, 0);
        handlers[f.op](c, &f, payload);
        used += f.header_len + (size_t)f.len;
    }
    return n;
}

/* What is no whole frame yet waits in memory of its own, which has room for that frame and no more.
 */
static void take_read(struct conn *c, char *p, size_t n)
{
    size_t need = 0, used = take(c, p, n, &need), left = n - used;
    bool own = p == c->in.p;
    if (own) {
        bytes_drop(&c->in, used);
    }
    if (left == 0 || !listens(c)) {
        return;
    }
    hub_alive(c->net->hub, c->ref, net_now(c->net));
    if (!bytes_room(&c->in, need) || (!own && !bytes_put(&c->in, p + used, left))) {
        protocol_error(c, "out of memory");
    }
}

static void read_some(struct conn *c)
{
    static char room[READ_MAX];
    do {
        bool own = c->in.n > 0;
        char *p = own ? c->in.p + c->in.n : room;
        ssize_t n = receive(c, p, own ? c->in.cap - c->in.n : sizeof(room));
        if (n < 0 && errno == EAGAIN) {
            return;
        }
        if (n <= 0) {
            lost(c);
        } else if (own) {
            c->in.n += (uint32_t)n;
            take_read(c, c->in.p, c->in.n);
        } else {
            take_read(c, room, (size_t)n);
        }
    } while (c->ssl && listens(c) && SSL_pending(c->ssl) > 0);
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct conn *c = poll->data;
    if (status < 0) {
        lost(c);
        return;
    }
    if (events & UV_WRITABLE) {
        flush(c);
    }
    if ((events & UV_READABLE) && c->watched) {
        read_some(c);
    }
}

/* ---------------------------------------------------------------- begin and end */

bool wire_start(struct conn *c)
{
    c->fd = lws_get_socket_fd(c->wsi);
    c->ssl = c->tls ? lws_get_ssl(c->wsi) : NULL;
    lws_rx_flow_control(c->wsi, 0);
    if (uv_poll_init(&c->net->loop, &c->poll, c->fd)) {
        return false;
    }
    if (c->ssl) {
        SSL_set_mode(c->ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    }
    c->poll.data = c;
    c->watched = c->polled = true;
    watch(c, false);
    return true;
}

bool wire_has_early(const struct conn *c)
{
    return c->early || (c->ssl && SSL_pending(c->ssl) > 0);
}

static void on_poll_closed(uv_handle_t *poll)
{
    struct conn *c = poll->data;
    c->polled = false;
    if (c->freed) {
        free(c);
    }
}

void wire_stop(struct conn *c)
{
    if (c->watched) {
        c->watched = false;
        uv_close((uv_handle_t *)&c->poll, on_poll_closed);
    }
}

void wire_free(struct conn *c)
{
    free(c->in.p);
    free(c->parts.p);
    free(c->out.p);
    free(c->pong.p);
    c->freed = true;
    if (!c->polled) {
        free(c);
    }
}
