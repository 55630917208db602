/* SPDX-License-Identifier: MIT
 * What the files of the transport share. */
#ifndef NET_PRIV_H
#define NET_PRIV_H

#include "daemon/net/bus.h"
#include "daemon/net/gate.h"
#include "daemon/net/ice.h"
#include "libproto/wsframe.h"

#include <libwebsockets.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <uv.h>

#define CLOSE_US     3000000u /* for the peer's close frame; after it, and again after that, a kill */
#define ADDR_TEXT    112u     /* a unix path has up to 107 bytes */
#define HANDSHAKE_US 9000000u /* from accept to an open WebSocket; looked at once a second */
#define HEADER_BLOCK 16384u   /* size and alignment of where the headers of a request lie */
#define HEADER_MAX   (HEADER_BLOCK - 16u) /* longer ones are a bare close */
#define POOL_MIN     64u                  /* connections that may be without a WebSocket at once */
#define POOL_MAX     1024u

struct listener {
    uv_poll_t watcher;
    struct net *net;
    int fd;
    bool health, local_path, tls;
    bool passed; /* somebody else opened it: its path is not ours to remove */
    unsigned port;
    char text[ADDR_TEXT];
};

enum conn_state {
    CONN_HTTP,    /* accepted, no WebSocket yet */
    CONN_OPEN,    /* the hub knows it */
    CONN_CLOSING, /* one of both has said goodbye, or has gone */
    CONN_GONE,    /* libwebsockets is closing the socket */
    CONN_ORPHAN   /* adoption failed half-way; freed with its wsi, which the loop is closing */
};

/* wire_bytes are owned; p is NULL when there are none. */
struct wire_bytes {
    char *p;
    uint32_t n, cap;
};

/* conn is one accepted socket: made at accept, freed when libwebsockets lets go of the wsi. What
 * every message touches comes first. */
struct conn {
    struct net *net;
    struct lws *wsi;
    struct hub_ref ref;
    enum conn_state state;
    bool health, local, doomed, tls;
    bool proxy;       /* the peer may speak for others */
    bool admitted;    /* its address was asked about */
    bool limited;     /* by its address, which is key */
    bool shaking;     /* one of the pool: no WebSocket yet */
    bool client;      /* counted in nclients */
    uint16_t retry_s; /* it comes too often: when it may try again */
    struct addr_key key;
    struct pass *pass;   /* of its token or certificate, from the request to the hub */
    const char *refused; /* why those are no good */
    int fd;              /* of the wsi, as ssl is; both since the WebSocket is open */
    SSL *ssl;
    uv_poll_t poll;
    bool watched, polled, freed; /* poll is in use; not closed yet; memory waits for that */
    bool early;                  /* something came behind the request */
    bool in_parts;               /* a message in fragments is under way */
    bool said_close, heard_close;
    uint64_t skip;            /* bytes to come of a frame that is not obeyed */
    bool has_pong;            /* one is owed */
    struct wire_bytes in;     /* a frame that has not arrived whole */
    struct wire_bytes parts;  /* the fragments before it */
    struct wire_bytes out;    /* frames, the first begun, that the socket did not take */
    struct wire_bytes pong;   /* what the one that is owed says */
    struct conn *fresh;       /* the next that is open since this turn */
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

/* The answers to plain requests and refused upgrades that are counted. */
enum http_answer {
#define HTTP_STATUS(id, code, words) HTTP_##id,
#include "daemon/net/tbl/http.h"
#undef HTTP_STATUS
    HTTP_COUNT
};

struct net {
    struct net_conf conf;
    struct hub *hub;
    struct gate *gate;
    struct ice *ice;
    uint64_t answers[HTTP_COUNT], tls_failures, cert_refusals;
    uint32_t max_message;
    uv_loop_t loop;
    uv_check_t check;
    uv_timer_t timer, second;
    uv_signal_t term, interrupt, hangup, rotate;
    struct lws_context *lws;
    struct lws_vhost *vhost;
    struct tls *tls; /* NULL when no listener wants it */
    struct bus *bus; /* NULL: there are no other nodes */
    struct listener listeners[NET_LISTENERS];
    unsigned nlisteners;
    uint32_t nconn, max_conn;
    uint32_t nclients;       /* open connections but those that are in the pool */
    uint32_t nhealth;        /* connections of the health listener */
    uint32_t nshaking, pool; /* connections without a WebSocket yet, and how many there may be */
    bool accepting, stopping, done;
    bool out_of_fds, pool_full; /* why it does not accept */
    bool signalled; /* a second signal ends at once; an administrator may have begun the end */
    bool drain_asked, withheld;
    int reserve_fd; /* given up to refuse, or to answer for the health, without descriptors */
    uint64_t timer_due_us, started_us, stop_deadline_us, second_us, lag_us;
    int64_t wall_offset_us;
    struct conn *fresh;         /* open since this turn */
    struct conn_list strangers; /* of the pool: open, without a grant */
    struct conn_list handshake, open, doomed, closing;
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

/* ---- check.c */
rlim_t check_fds_needed(const struct net_conf *conf);
uint32_t check_pool(const struct net_conf *conf);
bool check_wants_tls(const struct net_conf *conf);
/* check_limit_fds raises or lowers the limit to what is needed. */
bool check_limit_fds(const struct net_conf *conf, char *why, size_t cap);

/* ---- stop.c */
/* stop_begin starts the graceful end; at once: no more waiting. */
void stop_begin(struct net *n);
/* stop_turn lets go of those who ask for the health when nobody else is left. */
void stop_turn(struct net *n);
void stop_signal(uv_signal_t *s, int number);

/* ---- admit.c */
/* admit_socket asks about a peer that has just connected; false: not even a handshake. */
bool admit_socket(struct net *n, struct conn *c, const struct sockaddr_storage *peer);
/* admit_address asks about the address that a request comes from, behind a proxy or not. False: too
 * often, see retry_s. */
bool admit_address(struct conn *c);
/* admit_penalty asks whether a request that brings nothing good comes from where too many failed to
 * authenticate. False: it must wait, see retry_s. */
bool admit_penalty(struct conn *c);
/* admit_token reads what the request brings; what is wrong with it is told behind the upgrade. */
void admit_token(struct conn *c);
/* admit_peer describes the connection to the hub; grant and ids (TOKEN_IDS_MAX) are the caller's
 * room. */
struct hub_peer admit_peer(struct conn *c, struct hub_grant *grant, struct sp_str *ids);
const char *admit_register(void *net, void *conn, struct sp_str token, struct hub_grant *out);
bool admit_vouch(void *net, void *conn, const struct hub_basis *basis, struct sp_str *role);
/* admit_settle puts an open connection where it belongs, once it is known and before; admit_gone
 * counts it out. */
void admit_settle(struct conn *c, bool known);
void admit_gone(struct conn *c);
/* admit_enter and admit_leave count who is without a WebSocket; admit_room makes room for one more
 * by giving up the oldest, and says whether there is. */
void admit_enter(struct conn *c, uint64_t deadline_us);
void admit_leave(struct conn *c);
bool admit_room(struct net *n);
/* admit_next gives the time at which admit_room could say otherwise; UINT64_MAX: not soon. */
uint64_t admit_next(struct net *n);
/* admit_health makes room for one more who asks for the health. */
void admit_health(struct net *n);

/* ---- metrics.c */
void metrics_put(struct net *n, struct sp_buf *b);
uint64_t metrics_rss(void);

/* ---- nodes.c */
/* nodes_start begins to talk to the other nodes, if there are to be any; nodes_stop ceases to. */
bool nodes_start(struct net *n, char *why, size_t cap);
void nodes_stop(struct net *n);
/* nodes_send is hub_ops.bus_send. */
bool nodes_send(void *net, struct sp_str to, const char *p, size_t len);
bool nodes_degraded(const struct net *n);

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
/* ws_check_early ends those whose handshake was done in this turn and who did not wait for it. */
void ws_check_early(struct net *n);
/* ws_peer_closed tells the hub that the peer has said goodbye, or is lost. */
void ws_peer_closed(struct conn *c);
/* ws_tls_failed reports a handshake that failed; owner is the conn. */
void ws_tls_failed(void *owner, bool certificate, const char *reason);
extern const struct hub_ops ws_ops;

/* ---- wire.c */
/* wire_start takes reading and writing over from libwebsockets, at once: with many events the loop
 * may look at the socket again in the same turn. False: it cannot. wire_has_early tells, at the end
 * of that turn, whether the peer did not wait for the handshake's end. */
bool wire_start(struct conn *c);
bool wire_has_early(const struct conn *c);
/* wire_write sends one message now; text has HUB_HEADROOM writable bytes in front of it. wire_ping
 * sends a ping, unless something waits. */
enum hub_wrote wire_write(struct conn *c, char *text, size_t len);
void wire_ping(struct conn *c, const char *p, size_t n);
/* wire_want_write has hub_writable called when there is room. */
void wire_want_write(struct conn *c);
/* wire_close says goodbye, behind what waits; the peer's answer ends the connection. */
void wire_close(struct conn *c, unsigned code, const char *reason);
/* wire_stop lets go of the socket, before libwebsockets closes it; wire_free frees the connection.
 */
void wire_stop(struct conn *c);
void wire_free(struct conn *c);

/* ---- http.c */
/* What may work less well than it should; ends with a NULL word. */
struct net_degraded {
    const char *word;
    bool (*is_so)(const struct net *n);
};
extern const struct net_degraded net_degraded[];
/* http_confirm decides on an upgrade request: 0 accept, 1 answered with a refusal, -1 drop. */
int http_confirm(struct conn *c, const void *in);
/* http_request answers a plain request. */
void http_request(struct conn *c, const char *path);

/* ---- addr.c */
struct address {
    struct sockaddr_storage sa;
    socklen_t len;
    bool loopback, tls;
    int fd; /* a socket that was passed on; 0: none */
};
/* addr_parse reads a listener's address; no names are resolved. */
bool addr_parse(struct address *a, const char *text, char *why, size_t cap);
/* addr_format writes "192.0.2.1:4711", "[::1]:4711" or "unix"; IPv4-mapped addresses as IPv4. */
void addr_format(char *out, size_t cap, const struct sockaddr_storage *sa, bool with_port);
bool addr_is_local(const struct sockaddr_storage *sa);
/* addr_read reads "192.0.2.1", "2001:db8::1", "[2001:db8::1]", each with ":PORT" or without. */
bool addr_read(struct sockaddr_storage *sa, struct sp_str text);
/* addr_key_of gives what the hub limits an address by. */
struct addr_key addr_key_of(const struct sockaddr_storage *sa);

/* cidr is a network; IPv4 as ::ffff:a.b.c.d/96+. */
struct cidr {
    uint8_t b[16];
    unsigned bits;
};
bool cidr_parse(struct cidr *c, const char *text);
bool cidr_has(const struct cidr *c, const struct sockaddr_storage *sa);

#endif
