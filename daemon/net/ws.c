/* SPDX-License-Identifier: MIT
 * libwebsockets 4.1.6: its callbacks on one side, the hub's operations on the other. Each odd line
 * here answers a trap of that version; the comment names it. */
#include "daemon/net/priv.h"

#include "daemon/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#define RX_BUFFER   3072u /* a 2 KB offer arrives whole; costs memory per connection */
#define RX_FIRST    1024u /* first allocation for a message in fragments */
#define SERV_BUF    16384u
#define HEADER_POOL 4096u /* requests being read at once */

/* ---------------------------------------------------------------- the hub's operations */

static enum hub_wrote op_write(void *ctx, void *sock, char *buf, size_t len)
{
    struct conn *c = sock;
    (void)ctx;
    if (c->state != CONN_OPEN) {
        return HUB_GONE;
    }
    /* written at once: waiting for WRITEABLE doubles the cost of a relay. But never behind a
     * partial write: the second message would go out without a frame header */
    if (lws_partial_buffered(c->wsi)) {
        return HUB_BUSY;
    }
    if (lws_write(c->wsi, (unsigned char *)buf, len, LWS_WRITE_TEXT) < 0) {
        ws_doom(c, 0, NULL);
        return HUB_GONE;
    }
    return HUB_WROTE;
}

static void op_want_write(void *ctx, void *sock)
{
    struct conn *c = sock;
    (void)ctx;
    lws_callback_on_writable(c->wsi);
}

static void op_ping(void *ctx, void *sock, const char *payload, size_t len)
{
    struct conn *c = sock;
    unsigned char buf[LWS_PRE + 125];
    (void)ctx;
    if (c->state == CONN_OPEN && len <= 125 && !lws_partial_buffered(c->wsi)) {
        memcpy(buf + LWS_PRE, payload, len);
        if (lws_write(c->wsi, buf + LWS_PRE, len, LWS_WRITE_PING) < 0) {
            ws_doom(c, 0, NULL);
        }
    }
}

static void op_close(void *ctx, void *sock, unsigned code, const char *reason)
{
    (void)ctx;
    ws_doom(sock, code, reason);
}

static void op_random(void *ctx, void *buf, size_t len)
{
    (void)ctx;
    if (getrandom(buf, len, 0) != (ssize_t)len) {
        abort();
    }
}

static uint64_t op_clock(void *ctx)
{
    return net_now(ctx).mono_us;
}

static void op_event(void *ctx, const struct sp_event *ev)
{
    const struct net *n = ctx;
    n->conf.hooks.event(ev);
}

static bool op_reload(void *ctx, char *why, size_t cap)
{
    const struct net *n = ctx;
    return n->conf.hooks.reload(why, cap);
}

static void op_drain(void *ctx)
{
    struct net *n = ctx;
    n->drain_asked = true;
}

const struct hub_ops ws_ops = {.write = op_write,
                               .want_write = op_want_write,
                               .ping = op_ping,
                               .close = op_close,
                               .random = op_random,
                               .clock = op_clock,
                               .event = op_event,
                               .authenticate = admit_register,
                               .vouch = admit_vouch,
                               .reload = op_reload,
                               .drain = op_drain};

/* ---------------------------------------------------------------- closing */

/* Never from inside the connection's own callback: closed at the end of the turn. */
void ws_doom(struct conn *c, unsigned code, const char *reason)
{
    if (!c->doomed) {
        c->doomed = true;
        admit_leave(c);
        c->close_code = code;
        c->close_reason = reason;
        list_del(c);
        list_put(&c->net->doomed, c, 0);
    }
}

/* `return -1` from a callback drops without a close frame under libuv; killing from outside, with
 * the reason set before, performs the closing handshake. */
static void send_close(struct conn *c)
{
    size_t n = strlen(c->close_reason);
    lws_close_reason(c->wsi, (enum lws_close_status)c->close_code,
                     (unsigned char *)(uintptr_t)c->close_reason,
                     n < SP_REASON_MAX ? n : SP_REASON_MAX);
    c->state = CONN_CLOSING;
    lws_set_timeout(c->wsi, (enum pending_timeout)1, LWS_TO_KILL_SYNC);
}

void ws_close(struct conn *c)
{
    list_del(c);
    list_put(&c->net->closing, c, net_now(c->net).mono_us + CLOSE_US);
    if (c->state == CONN_HTTP || c->close_code == 0) {
        ws_kill(c);
    } else if (lws_partial_buffered(c->wsi)) {
        /* it would drop the close frame behind a partial write: see SERVER_WRITEABLE */
        c->state = CONN_FLUSH;
        lws_callback_on_writable(c->wsi);
    } else if (c->state == CONN_OPEN || c->state == CONN_FLUSH) {
        send_close(c);
    }
}

void ws_kill(struct conn *c)
{
    if (c->state == CONN_ORPHAN) {
        return;
    }
    if (c->state == CONN_CLOSING || c->state == CONN_FLUSH) {
        /* it had its chance; while something is buffered only a dead socket ends it */
        shutdown(lws_get_socket_fd(c->wsi), SHUT_RDWR);
    }
    c->state = CONN_CLOSING;
    lws_set_timeout(c->wsi, (enum pending_timeout)1, LWS_TO_KILL_SYNC);
}

void ws_free(struct conn *c)
{
    struct net *n = c->net;
    list_del(c);
    admit_leave(c);
    admit_gone(c);
    if (c->ref.gen) {
        hub_closed(n->hub, c->ref, c->peer_code, net_now(n));
    }
    free(c->pass);
    free(c->rx);
    free(c);
    net_conn_gone(n);
}

/* ---------------------------------------------------------------- receiving */

/* libwebsockets does not tell whether a frame was masked, and RFC 6455 5.1 wants a connection with
 * an unmasked one closed. The frame's header stands right in front of its payload in the receive
 * buffer, which lies inside the context's own allocation (or behind the header of a buflist
 * segment), so the bytes before it may be read. A header that was split between two reads may look
 * like anything: see breaks_masking. */
static bool is_unmasked(const unsigned char *in, uint64_t len, unsigned char first)
{
    size_t ext = len < 126 ? 0 : len < 65536 ? 2 : 8;
    unsigned char len7 = (unsigned char)(ext == 0 ? len : ext == 2 ? 126 : 127);
    const unsigned char *plain = in - 2 - ext, *masked = plain - 4;
    if ((masked[0] & 0x7f) == first && masked[1] == (0x80 | len7)) {
        return false;
    }
    for (size_t i = 0; i < ext; i++) {
        if (plain[2 + i] != (unsigned char)(len >> (8 * (ext - 1 - i)))) {
            return false;
        }
    }
    return (plain[0] & 0x7f) == first && plain[1] == len7;
}

/* A masked frame whose header was split from its mask looks unmasked once in 32768 times when it is
 * short, so a single short frame of a connection that masked before is only remembered. */
static bool breaks_masking(struct conn *c, const unsigned char *in, uint64_t len, unsigned char op)
{
    bool sure = !c->heard || len >= 126;
    c->heard = true;
    c->suspects = is_unmasked(in, len, op) ? c->suspects + 1 : 0;
    return c->suspects > (sure ? 0 : 1);
}

static bool append(struct conn *c, const char *in, size_t len, size_t expected)
{
    if (len == 0) {
        return true;
    }
    if (c->rx_len + len > c->rx_cap) {
        size_t cap = c->rx_cap ? c->rx_cap * 2 : RX_FIRST;
        while (cap < c->rx_len + len + expected) {
            cap *= 2;
        }
        char *p = realloc(c->rx, cap);
        if (!p) {
            return false;
        }
        c->rx = p;
        c->rx_cap = cap;
    }
    memcpy(c->rx + c->rx_len, in, len);
    c->rx_len += len;
    return true;
}

static void drop_rx(struct conn *c)
{
    free(c->rx);
    c->rx = NULL;
    c->rx_len = c->rx_cap = 0;
}

static void on_receive(struct conn *c, char *in, size_t len)
{
    struct net *n = c->net;
    struct lws *wsi = c->wsi;
    struct hub_now now = net_now(n);
    if (c->state != CONN_OPEN || c->doomed) {
        return;
    }
    size_t left = lws_remaining_packet_payload(wsi);
    bool first = lws_is_first_fragment(wsi), whole = left == 0 && lws_is_final_fragment(wsi);
    if (c->frame_left == 0 && len > 0) {
        unsigned char op = !first ? 0 : lws_frame_is_binary(wsi) ? 2 : 1;
        if (breaks_masking(c, (const unsigned char *)in, len + left, op)) {
            ws_doom(c, SP_CLOSE_PROTOCOL, "client frames must be masked");
            return;
        }
    }
    c->frame_left = left;
    if (lws_frame_is_binary(wsi)) {
        hub_fault(n->hub, c->ref, HUB_FAULT_BINARY, now);
    } else if (c->rx_len + len + left >
               (whole ? n->max_message : hub_max_message(n->hub, c->ref))) {
        drop_rx(c);
        hub_fault(n->hub, c->ref, HUB_FAULT_TOO_LARGE, now);
    } else if (whole && c->rx_len == 0) {
        hub_receive(n->hub, c->ref, in, len, now);
    } else if (!append(c, in, len, left)) {
        ws_doom(c, SP_CLOSE_INTERNAL, "out of memory");
    } else if (whole) {
        hub_receive(n->hub, c->ref, c->rx, c->rx_len, now);
        drop_rx(c);
    } else {
        hub_alive(n->hub, c->ref, now);
    }
}

static void on_established(struct conn *c)
{
    struct hub_grant grant;
    struct sp_str ids[TOKEN_IDS_MAX];
    struct hub_peer peer = admit_peer(c, &grant, ids);
    admit_settle(c, peer.grant || !gate_auth(c->net->gate));
    c->state = CONN_OPEN;
    c->ref = hub_open(c->net->hub, c, &peer, net_now(c->net));
    free(c->pass);
    c->pass = NULL;
    if (c->ref.gen == 0) {
        ws_doom(c, c->net->stopping ? SP_CLOSE_GOING_AWAY : SP_CLOSE_INTERNAL,
                c->net->stopping ? "server going away" : "out of memory");
    }
}

static void on_writable(struct conn *c)
{
    if (c->state == CONN_OPEN) {
        hub_writable(c->net->hub, c->ref, net_now(c->net));
    } else if (c->state == CONN_FLUSH && !lws_partial_buffered(c->wsi)) {
        list_del(c);
        list_put(&c->net->doomed, c, 0);
    }
}

static void on_peer_close(struct conn *c, const unsigned char *payload, size_t len)
{
    c->peer_code = len >= 2 ? (unsigned)payload[0] << 8 | payload[1] : LWS_CLOSE_STATUS_NO_STATUS;
    c->state = CONN_CLOSING;
    list_del(c);
    list_put(&c->net->closing, c, net_now(c->net).mono_us + CLOSE_US);
}

static void on_closed(struct conn *c)
{
    struct hub_ref ref = c->ref;
    admit_gone(c);
    c->ref.gen = 0;
    c->state = CONN_CLOSING;
    if (ref.gen) {
        hub_closed(c->net->hub, ref, c->peer_code, net_now(c->net));
    }
}

static int serve_tls(const struct net *n, SSL_CTX *ctx)
{
    return tls_serve(n->tls, ctx) ? 0 : -1;
}

static int on_lws(struct lws *wsi, enum lws_callback_reasons why, void *user, void *in, size_t len)
{
    struct conn *c = NULL;
    switch ((int)why) {
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
    case LWS_CALLBACK_HTTP:
    case LWS_CALLBACK_ESTABLISHED:
    case LWS_CALLBACK_RECEIVE:
    case LWS_CALLBACK_RECEIVE_PONG:
    case LWS_CALLBACK_SERVER_WRITEABLE:
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
    case LWS_CALLBACK_CLOSED:
    case LWS_CALLBACK_CLOSED_HTTP:
    case LWS_CALLBACK_WSI_DESTROY:
        c = lws_get_opaque_user_data(wsi);
        break;
    case LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS:
        return serve_tls(lws_context_user(lws_get_context(wsi)), user);
    default:
        return 0;
    }
    if (!c) {
        return 0;
    }
    c->wsi = wsi;
    switch ((int)why) {
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
        return c->doomed ? -1 : http_confirm(c, in);
    case LWS_CALLBACK_HTTP:
        if (c->doomed) {
            return -1;
        }
        http_request(c, in);
        return 0;
    case LWS_CALLBACK_ESTABLISHED:
        on_established(c);
        break;
    case LWS_CALLBACK_RECEIVE:
        on_receive(c, in, len);
        break;
    case LWS_CALLBACK_RECEIVE_PONG:
        hub_pong(c->net->hub, c->ref, in, len, net_now(c->net));
        break;
    case LWS_CALLBACK_SERVER_WRITEABLE:
        on_writable(c);
        break;
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        on_peer_close(c, in, len);
        break;
    case LWS_CALLBACK_CLOSED:
        on_closed(c);
        break;
    case LWS_CALLBACK_WSI_DESTROY:
        ws_free(c);
        break;
    default:
        break;
    }
    return 0;
}

/* ---------------------------------------------------------------- context and adoption */

void ws_tls_failed(void *owner, bool certificate, const char *reason)
{
    struct conn *c = owner;
    if (certificate) {
        c->net->cert_refusals++;
        hub_refused(c->net->hub, sp_str(c->addr), c->limited ? &c->key : NULL, reason,
                    net_now(c->net));
    } else {
        c->net->tls_failures++;
        LOG_LIMITED(LOG_INFO, "tls handshake failed", 5, LOG_STR("addr", sp_str(c->addr)),
                    LOG_STR("reason", sp_str(reason)));
    }
}

static void on_lws_log(int level, const char *line)
{
    LOG_LIMITED(level & LLL_ERR ? LOG_ERROR : LOG_WARN, "libwebsockets", 5,
                LOG_STR("text", ((struct sp_str){line, strcspn(line, "\n")})));
}

/* What is_unmasked may look at in front of a buflist segment's text, and http_confirm around the
 * headers of a request, is not left to chance. */
static void *lws_memory(void *ptr, size_t size, const char *reason)
{
    if (size == 0) {
        free(ptr);
        return NULL;
    }
    if (!ptr && strcmp(reason, "ah data") == 0) {
        void *block = aligned_alloc(HEADER_BLOCK, HEADER_BLOCK);
        return block ? memset(block, 0, HEADER_BLOCK) : NULL;
    }
    bool segment = !ptr && strcmp(reason, "lws_buflist_append_segment") == 0;
    return segment ? calloc(1, size) : realloc(ptr, size);
}

bool ws_init(struct net *n, char *why, size_t cap)
{
    /* one vhost: adopted sockets are rebound by the Host header to any other. tx_packet_size must
     * hold the largest message, or frames are chopped and copied */
    static struct lws_protocols protocols[] = {
        {.name = "sigd", .callback = on_lws, .rx_buffer_size = RX_BUFFER},
        {.name = NULL},
    };
    /* zeroed: every connection would get a timer in one sorted list, O(n) to insert */
    static const lws_retry_bo_t no_validity_timer;
    protocols[0].tx_packet_size = n->max_message + (256u << 10);
    void *loops[] = {&n->loop};
    struct lws_context_creation_info info;
    memset(&info, 0, sizeof(info));
    info.port = CONTEXT_PORT_NO_LISTEN;
    info.protocols = protocols;
    info.retry_and_idle_policy = &no_validity_timer;
    /* not the default poll loop: with 8,000 idle clients it takes 6 ms of CPU per message */
    info.options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_SKIP_SERVER_CANONICAL_NAME;
    info.foreign_loops = loops;
    info.max_http_header_data = HEADER_MAX;
    info.max_http_header_pool2 = HEADER_POOL;
    info.pt_serv_buf_size = SERV_BUF;
    info.pcontext = &n->lws;
    info.user = n;
    if (n->tls) {
        /* makes a context for servers, which tls_serve prepares; -1 would not */
        info.port = CONTEXT_PORT_NO_LISTEN_SERVER;
        info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT |
                        LWS_SERVER_OPTION_CREATE_VHOST_SSL_CTX |
                        LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS;
    }
    info.timeout_secs = HANDSHAKE_US / 1000000;
    info.gid = -1;
    info.uid = -1;
    lws_set_allocator(lws_memory);
    lws_set_log_level(LLL_ERR | LLL_WARN, on_lws_log);
    n->lws = lws_create_context(&info);
    if (!n->lws) {
        snprintf(why, cap, "libwebsockets cannot start; is libwebsockets-evlib-uv installed?");
        return false;
    }
    n->vhost = lws_get_vhost_by_name(n->lws, "default");
    return n->vhost != NULL;
}

void ws_adopt(struct net *n, int fd, const struct listener *l, const struct sockaddr_storage *peer)
{
    struct conn *c = calloc(1, sizeof(*c));
    if (!c) {
        close(fd);
        return;
    }
    c->net = n;
    c->health = l->health;
    c->tls = l->tls;
    c->local = l->local_path || addr_is_local(peer);
    if (l->local_path) {
        snprintf(c->addr, sizeof(c->addr), "unix");
    } else {
        addr_format(c->addr, sizeof(c->addr), peer, true);
    }
    n->nconn++;
    admit_enter(c, net_now(n).mono_us + HANDSHAKE_US);
    if (!admit_socket(n, c, peer)) {
        close(fd);
        ws_free(c);
        return;
    }
    lws_adopt_desc_t desc;
    memset(&desc, 0, sizeof(desc));
    desc.vh = n->vhost;
    desc.type = LWS_ADOPT_SOCKET | LWS_ADOPT_HTTP;
    if (c->tls) {
        desc.type |= LWS_ADOPT_ALLOW_SSL;
        tls_own(n->tls, c);
    }
    desc.fd.sockfd = fd;
    desc.opaque = c;
    struct lws *wsi = lws_adopt_descriptor_vhost_via_info(&desc);
    if (wsi) {
        c->wsi = wsi;
    } else if (c->wsi) {
        /* CLOSED_HTTP has told it: a handshake failed at its first bytes. The wsi has our pointer
         * until the loop has closed it */
        c->state = CONN_ORPHAN;
    } else {
        ws_free(c);
    }
}
