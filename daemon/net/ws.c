/* SPDX-License-Identifier: MIT
 * libwebsockets 4.1.6: its callbacks on one side, the hub's operations on the other. Each odd line
 * here answers a trap of that version; the comment names it. */
#include "daemon/net/priv.h"

#include "daemon/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#define RX_BUFFER   128u /* of each connection; we read the frames ourselves */
#define SERV_BUF    16384u
#define HEADER_POOL 4096u /* requests being read at once */

/* ---------------------------------------------------------------- the hub's operations */

static enum hub_wrote op_write(void *ctx, void *sock, char *buf, size_t len)
{
    struct conn *c = sock;
    (void)ctx;
    return c->state == CONN_OPEN ? wire_write(c, buf, len) : HUB_GONE;
}

static void op_want_write(void *ctx, void *sock)
{
    (void)ctx;
    wire_want_write(sock);
}

static void op_ping(void *ctx, void *sock, const char *payload, size_t len)
{
    struct conn *c = sock;
    (void)ctx;
    if (c->state == CONN_OPEN) {
        wire_ping(c, payload, len);
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

static size_t op_turn_credential(void *ctx, struct sp_str username, char *out)
{
    return ice_credential(((const struct net *)ctx)->ice, username, out);
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
                               .turn_credential = op_turn_credential,
                               .reload = op_reload,
                               .drain = op_drain,
                               .bus_send = nodes_send};

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

void ws_close(struct conn *c)
{
    list_del(c);
    list_put(&c->net->closing, c, net_now(c->net).mono_us + CLOSE_US);
    if (c->state == CONN_OPEN && c->close_code) {
        c->state = CONN_CLOSING;
        wire_close(c, c->close_code, c->close_reason);
        if (!c->watched) {
            ws_kill(c);
        }
    } else {
        ws_kill(c);
    }
}

/* Never from inside a callback of libwebsockets about this connection. */
void ws_kill(struct conn *c)
{
    if (c->state == CONN_ORPHAN) {
        return;
    }
    if (c->state == CONN_GONE) {
        /* it had its chance; while something is buffered only a dead socket ends it */
        shutdown(lws_get_socket_fd(c->wsi), SHUT_RDWR);
    }
    c->state = CONN_GONE;
    wire_stop(c);
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
    wire_free(c);
    net_conn_gone(n);
}

/* ---------------------------------------------------------------- opening and ending */

/* Whose handshake was done last, in this turn and with no callback after it. */
static struct conn *opened;

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
    opened = c;
    c->early = !wire_start(c);
    c->fresh = c->net->fresh;
    c->net->fresh = c;
    if (c->ref.gen == 0) {
        ws_doom(c, c->net->stopping ? SP_CLOSE_GOING_AWAY : SP_CLOSE_INTERNAL,
                c->net->stopping ? "server going away" : "out of memory");
    }
}

/* RFC 6455 4.1: a client waits for the answer. What has come behind the request, libwebsockets has
 * read. */
static void on_early(struct conn *c)
{
    if (c->state == CONN_OPEN) {
        ws_doom(c, SP_CLOSE_PROTOCOL, "wait for the handshake's end");
    }
}

void ws_check_early(struct net *n)
{
    for (struct conn *c; (c = n->fresh);) {
        n->fresh = c->fresh;
        if (c->state == CONN_OPEN && wire_has_early(c)) {
            on_early(c);
        }
    }
    opened = NULL;
}

void ws_peer_closed(struct conn *c)
{
    struct hub_ref ref = c->ref;
    admit_gone(c);
    c->ref.gen = 0;
    c->state = CONN_CLOSING;
    list_del(c);
    list_put(&c->net->closing, c, net_now(c->net).mono_us + CLOSE_US);
    if (ref.gen) {
        hub_closed(c->net->hub, ref, c->peer_code, net_now(c->net));
    }
}

static void on_closed(struct conn *c)
{
    wire_stop(c);
    ws_peer_closed(c);
    c->state = CONN_GONE;
}

static int serve_tls(const struct net *n, SSL_CTX *ctx)
{
    return tls_serve(n->tls, ctx) ? 0 : -1;
}

static int on_lws(struct lws *wsi, enum lws_callback_reasons why, void *user, void *in, size_t len)
{
    (void)len;
    struct conn *c = NULL;
    opened = NULL;
    switch ((int)why) {
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
    case LWS_CALLBACK_HTTP:
    case LWS_CALLBACK_ESTABLISHED:
    case LWS_CALLBACK_RECEIVE:
    case LWS_CALLBACK_RECEIVE_PONG:
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
    case LWS_CALLBACK_RECEIVE_PONG:
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        on_early(c);
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

/* What http_confirm may look at around the headers of a request is not left to chance. */
static void *lws_memory(void *ptr, size_t size, const char *reason)
{
    if (opened && size && strcmp(reason, "lws_buflist_append_segment") == 0) {
        opened->early = true; /* the rest of a read whose beginning was the request */
    }
    if (size == 0) {
        free(ptr);
        return NULL;
    }
    if (!ptr && strcmp(reason, "ah data") == 0) {
        void *block = aligned_alloc(HEADER_BLOCK, HEADER_BLOCK);
        return block ? memset(block, 0, HEADER_BLOCK) : NULL;
    }
    return realloc(ptr, size);
}

bool ws_init(struct net *n, char *why, size_t cap)
{
    /* one vhost: adopted sockets are rebound by the Host header to any other */
    static struct lws_protocols protocols[] = {
        {.name = "sigd", .callback = on_lws, .rx_buffer_size = RX_BUFFER},
        {.name = NULL},
    };
    /* zeroed: every connection would get a timer in one sorted list, O(n) to insert */
    static const lws_retry_bo_t no_validity_timer;
    /* the largest answer to a plain request, or it is chopped and copied */
    protocols[0].tx_packet_size = 64u << 10;
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
