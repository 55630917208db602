/* SPDX-License-Identifier: MIT
 * What the files of the transport share. */
#ifndef NET_PRIV_H
#define NET_PRIV_H

#include "daemon/net/tls.h"

#include <libwebsockets.h>
#include <sys/socket.h>
#include <uv.h>

_Static_assert(HUB_HEADROOM >= LWS_PRE, "the hub leaves room for the frame header");

#define CLOSE_US  3000000u /* for the peer's close frame; after it, and again after that, a kill */
#define ADDR_TEXT 112u     /* a unix path has up to 107 bytes */

struct listener {
    uv_poll_t watcher;
    struct net *net;
    int fd;
    bool health, local_path, tls;
    unsigned port;
    char text[ADDR_TEXT];
};

enum conn_state {
    CONN_HTTP,    /* accepted, no WebSocket yet */
    CONN_OPEN,    /* the hub knows it */
    CONN_FLUSH,   /* to be closed once libwebsockets has written what it holds */
    CONN_CLOSING, /* our close frame is under way, or the peer's was answered */
    CONN_ORPHAN   /* adoption failed half-way; freed with its wsi, which the loop is closing */
};

/* conn is one accepted socket: made at accept, freed when libwebsockets lets go of the wsi. What
 * every message touches comes first. */
struct conn {
    struct net *net;
    struct lws *wsi;
    struct hub_ref ref;
    enum conn_state state;
    bool health, local, forwarded, doomed, tls;
    bool heard;          /* a frame has arrived before */
    uint32_t suspects;   /* frames in a row that looked unmasked */
    uint64_t frame_left; /* payload of the current frame that has not arrived yet */
    char *rx;            /* fragments of a message under way */
    size_t rx_len, rx_cap;
    struct conn *next, *prev; /* in one of the deadline lists, oldest first */
    uint64_t deadline_us;
    unsigned close_code, peer_code;
    const char *close_reason;
    char addr[SP_ADDR_MAX];
};

/* All connections of a list have the same time-out, so the oldest is first. */
struct conn_list {
    struct conn head;
};

struct net {
    struct net_conf conf;
    struct hub *hub;
    uint32_t max_message;
    uv_loop_t loop;
    uv_check_t check;
    uv_timer_t timer, second;
    uv_signal_t term, interrupt;
    struct lws_context *lws;
    struct lws_vhost *vhost;
    struct tls *tls; /* NULL when no listener wants it */
    struct listener listeners[NET_LISTENERS];
    unsigned nlisteners;
    uint32_t nconn, max_conn;
    bool accepting, stopping, done;
    int reserve_fd; /* given up to accept and refuse when descriptors run out */
    uint64_t timer_due_us, started_us, stop_deadline_us;
    int64_t wall_offset_us;
    struct conn_list handshake, doomed, closing;
};

/* ---- net.c */
struct hub_now net_now(const struct net *n);
void list_put(struct conn_list *l, struct conn *c, uint64_t deadline_us);
void list_del(struct conn *c);
/* net_conn_gone counts a connection out: there may be room again, or nothing left to stop. */
void net_conn_gone(struct net *n);
/* net_turn runs the hub's deadlines and carries out closings; at the end of each turn of the loop.
 */
void net_turn(struct net *n);

/* ---- listen.c */
bool listen_open(struct net *n, const struct net_listener *spec, char *why, size_t cap);
/* listen_start watches the listeners again when there is room; listen_stop ceases to. */
void listen_start(struct net *n);
void listen_stop(struct net *n);
/* listen_shut refuses newcomers from now on; health is still told. */
void listen_shut(struct net *n);
void listen_close(struct net *n);

/* ---- ws.c */
bool ws_init(struct net *n, char *why, size_t cap);
void ws_adopt(struct net *n, int fd, const struct listener *l, const struct sockaddr_storage *peer);
/* ws_doom marks a connection to be closed at the end of the turn; code 0 drops it. */
void ws_doom(struct conn *c, unsigned code, const char *reason);
/* ws_close starts the closing handshake, or kills a connection that had its chance. */
void ws_close(struct conn *c);
void ws_kill(struct conn *c);
void ws_free(struct conn *c);
/* ws_tls_failed reports a handshake that failed; owner is the conn. */
void ws_tls_failed(void *owner, bool certificate, const char *reason);
extern const struct hub_ops ws_ops;

/* ---- http.c */
/* http_confirm decides on an upgrade request: 0 accept, 1 answered with a refusal, -1 drop. */
int http_confirm(struct conn *c);
/* http_request answers a plain request. */
void http_request(struct conn *c, const char *path);

/* ---- addr.c */
struct address {
    struct sockaddr_storage sa;
    socklen_t len;
    bool loopback, tls;
};
/* addr_parse reads a listener's address; no names are resolved. */
bool addr_parse(struct address *a, const char *text, char *why, size_t cap);
/* addr_format writes "192.0.2.1:4711", "[::1]:4711" or "unix"; IPv4-mapped addresses as IPv4. */
void addr_format(char *out, size_t cap, const struct sockaddr_storage *sa, bool with_port);
bool addr_is_local(const struct sockaddr_storage *sa);

#endif
