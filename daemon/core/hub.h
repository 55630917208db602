/* SPDX-License-Identifier: MIT
 * The hub: the whole behaviour of the server as a state machine. It moves no bytes and reads no
 * clock; sockets are an interface, time is an argument. */
#ifndef CORE_HUB_H
#define CORE_HUB_H

#include "daemon/core/addrs.h"
#include "daemon/core/counts.h"
#include "daemon/core/limits.h"
#include "daemon/core/queue.h"
#include "libproto/event.h"
#include "libproto/msg.h"

/* hub_now is one moment on both clocks: durations use mono_us, timestamps wall_ms. */
struct hub_now {
    uint64_t mono_us;
    int64_t wall_ms;
};

/* hub_ref names a connection across callbacks that may outlive it; gen 0 is none. */
struct hub_ref {
    uint32_t slot, gen;
};

enum hub_policy { HUB_REPLACE, HUB_REJECT };

/* hub_ice is what clients are told of STUN and TURN servers; borrowed until the next hub_reconf. */
struct hub_ice {
    struct sp_str stun, turn;           /* JSON arrays of URLs; empty: none */
    struct sp_str username, credential; /* of TURN, for all; empty: see hub_ops.turn_credential */
    uint64_t ttl_us; /* how long one that was made for a client is good; whole seconds */
    uint32_t serial; /* when it is another one, all clients are told anew */
};

/* hub_conf is copied by hub_new and hub_reconf, with what its pointers say unless stated otherwise;
 * durations in microseconds, sizes in bytes. */
struct hub_conf {
    /* for good: hub_reconf does not change them */
    uint32_t max_message, event_ring;
    bool contents; /* kept with events, for monitors that may see them */
    uint32_t max_errors;
    uint32_t early_bytes; /* what a connection may send before it registers; 0: any number */
    uint64_t heartbeat_us, register_us, offer_us, session_us, slow_us;
    uint64_t resume_us;    /* how long one whose link is lost may be away; 0: not at all */
    uint64_t reconnect_us; /* over which a drain spreads those who come back */
    enum hub_policy policy;
    struct sp_scan_limits scan;
    bool auth;                             /* nobody registers without a grant */
    struct bucket_rate connects, failures; /* of one address */
    struct limits limits;
    const struct limits *role_limits; /* RIGHTS_ROLES of them; NULL: limits, for every role */
    const struct rights *rights;      /* NULL: the defaults */
    struct hub_ice ice;               /* empty: nobody is told of any */
    const char *server;               /* borrowed for good: name and version for "registered" */
    struct sp_str node;               /* for good: its name among others; empty: it is alone */
};

/* hub_basis is what a grant stands on, for hub_ops.vouch; the hub only keeps it. */
struct hub_basis {
    uint64_t key;    /* the token's; 0: none */
    uint64_t policy; /* what else a token was checked for */
    bool conf_role;  /* the role is not the peer's own, but the configuration's */
};

/* hub_grant is what authentication found out about a peer; borrowed for the call. */
struct hub_grant {
    struct sp_str id;         /* the id it may register; empty: those of ids */
    const struct sp_str *ids; /* patterns */
    unsigned nids;
    struct sp_str role; /* empty, or an id of at most SP_ROLE_MAX bytes */
    int64_t expires_ms; /* wall clock; INT64_MAX: never */
    struct hub_basis basis;
    const char *how; /* constant: "token", "certificate" */
};

/* The reason of a token that is right in every way, only too late: told as token_expired. Reasons
 * are compared with it by address. */
extern const char hub_expired[];

#define HUB_IDS_MAX        16u
#define HUB_CREDENTIAL_MAX 64u /* base64 of any hash */

enum hub_wrote { HUB_WROTE, HUB_BUSY, HUB_GONE };

/* hub_ops is the world below. sock is what hub_open was given. No operation calls back into the
 * hub, but close, which may call hub_closed at once. */
struct hub_ops {
    /* write sends one text message now, or says that the socket is busy or gone. buf has
     * HUB_HEADROOM writable bytes in front of it; its content may be destroyed. */
    enum hub_wrote (*write)(void *ctx, void *sock, char *buf, size_t len);
    /* want_write asks for hub_writable once the socket is not busy any more. */
    void (*want_write)(void *ctx, void *sock);
    /* ping sends a WebSocket ping with that payload. */
    void (*ping)(void *ctx, void *sock, const char *payload, size_t len);
    /* close starts the closing handshake; hub_closed must follow, at the latest after a time-out of
     * the transport's own. Never called twice for a socket. */
    void (*close)(void *ctx, void *sock, unsigned code, const char *reason);
    /* random fills buf from a CSPRNG. */
    void (*random)(void *ctx, void *buf, size_t len);
    /* clock gives the monotonic time in microseconds, for the duration of a relay. */
    uint64_t (*clock)(void *ctx);
    /* event receives every event as it happens, for logs and audit. */
    void (*event)(void *ctx, const struct sp_event *ev);
    /* authenticate checks the token of a register; it is raw JSON, with its quotes. NULL and the
     * grant, or a constant reason for the log. */
    const char *(*authenticate)(void *ctx, void *sock, struct sp_str token, struct hub_grant *out);
    /* vouch tells, after hub_reconf, whether what a connection stands on is still good; basis is
     * that of its grant, NULL without one. Where the configuration gives another role now, it
     * changes *role, which is borrowed for the call. */
    bool (*vouch)(void *ctx, void *sock, const struct hub_basis *basis, struct sp_str *role);
    /* turn_credential makes the password that belongs to a TURN user name into out, which has
     * HUB_CREDENTIAL_MAX bytes. Its length; 0: it cannot now. */
    size_t (*turn_credential)(void *ctx, struct sp_str username, char *out);
    /* reload reads the configuration again and calls hub_reconf when it is good; otherwise false
     * and a sentence in why. */
    bool (*reload)(void *ctx, char *why, size_t cap);
    /* drain begins the graceful end; hub_drain must follow, but not at once. */
    void (*drain)(void *ctx);
    /* bus_send hands a message to another node (to), or to all (empty), in order for each. False:
     * the bus is down. Not called where hub_conf.node is empty. */
    bool (*bus_send)(void *ctx, struct sp_str to, const char *p, size_t n);
};

/* hub_peer describes a new connection; borrowed for the call. */
struct hub_peer {
    struct sp_str addr; /* "192.0.2.1:4711", "[::1]:4711" or "unix" */
    bool local;         /* came over loopback or a unix socket, and nobody else speaks through it */
    const struct addr_key *key;    /* NULL: its address is not limited */
    const struct hub_grant *grant; /* NULL: it brought no token or certificate */
    const char *refused;           /* constant: why what it brought is no good; NULL: it is good */
};

struct hub;

/* hub_new copies conf and borrows ops and ctx. NULL when out of memory. */
struct hub *hub_new(const struct hub_conf *conf, const struct hub_ops *ops, void *ctx,
                    struct hub_now now);
/* hub_free frees everything; no operation is called any more. */
void hub_free(struct hub *h);

/* hub_reconf takes a new configuration into use: every client's role, grant and limits are looked
 * at again. */
void hub_reconf(struct hub *h, const struct hub_conf *conf, struct hub_now now);

/* hub_admit asks whether an address may connect once more. Gives 0, or the microseconds after which
 * it may try again. hub_penalty asks the same of one that brings nothing good: too many failed
 * authentications came from there. */
uint64_t hub_admit(struct hub *h, const struct addr_key *key, struct hub_now now);
uint64_t hub_penalty(struct hub *h, const struct addr_key *key, struct hub_now now);
/* hub_refused tells of a peer that failed to authenticate before there was a connection to open. */
void hub_refused(struct hub *h, struct sp_str addr, const struct addr_key *key, const char *why,
                 struct hub_now now);
/* hub_note puts an event of the world below into the feed: a reload. */
void hub_note(struct hub *h, enum sp_event_type t, struct sp_str code, struct sp_str reason,
              struct hub_now now);
/* hub_withhold answers what is relayed, register, kick and reload with overloaded while nobody can
 * be held to account: the audit log is required and cannot be written. */
void hub_withhold(struct hub *h, bool on);

/* hub_open takes in a connection whose WebSocket handshake is done. gen 0: out of memory. */
struct hub_ref hub_open(struct hub *h, void *sock, const struct hub_peer *peer, struct hub_now now);
/* hub_receive handles one whole text message; buf is borrowed for the call. */
void hub_receive(struct hub *h, struct hub_ref ref, const char *buf, size_t len,
                 struct hub_now now);
/* hub_max_message gives the largest message that this connection may send as things stand. */
uint32_t hub_max_message(const struct hub *h, struct hub_ref ref);
/* hub_alive notes a sign of life that is not a whole message (a fragment, a ping). */
void hub_alive(struct hub *h, struct hub_ref ref, struct hub_now now);
/* hub_pong notes the answer to a ping. */
void hub_pong(struct hub *h, struct hub_ref ref, const char *payload, size_t len,
              struct hub_now now);
/* hub_writable writes what is queued. */
void hub_writable(struct hub *h, struct hub_ref ref, struct hub_now now);

/* What a peer may do wrong below the level of messages. */
enum hub_fault { HUB_FAULT_BINARY, HUB_FAULT_TOO_LARGE };
/* hub_fault answers it with the stated error, if any, and the close code. */
void hub_fault(struct hub *h, struct hub_ref ref, enum hub_fault fault, struct hub_now now);

/* hub_closed says that the socket is gone; code is the peer's close code, 0 when there was none. */
void hub_closed(struct hub *h, struct hub_ref ref, unsigned code, struct hub_now now);

/* hub_tick runs what is due, flushes monitors, frees the dead; call it at the end of every turn of
 * the loop. Gives the monotonic time at which it wants to be called at the latest. */
uint64_t hub_tick(struct hub *h, struct hub_now now);

/* hub_drain tells every client when to come back, then closes it with 1001 once what was accepted
 * for it is written; nobody new is taken in afterwards. */
void hub_drain(struct hub *h, struct hub_now now);

/* The bus: what another node has said, as its life `boot` (a newer one is larger); what was lost of
 * it; that nobody listens there; that the bus is down or up again. */
void hub_bus_message(struct hub *h, struct sp_str node, uint64_t boot, const char *p, size_t n,
                     struct hub_now now);
void hub_bus_gap(struct hub *h, struct sp_str node, struct hub_now now);
void hub_bus_unheard(struct hub *h, struct sp_str node, struct hub_now now);
void hub_bus_state(struct hub *h, bool up, struct hub_now now);

struct hub_cluster_counts {
    uint64_t carried, taken;       /* messages for clients of others, and from them */
    uint64_t unsent;               /* batches that the bus did not take */
    uint64_t malformed, strangers; /* refused of other nodes; nodes beyond the most there may be */
};

struct hub_cluster {
    bool up;
    uint32_t nodes, clients; /* other nodes that are up, and their clients */
    uint32_t carried;        /* messages under way */
    struct hub_cluster_counts counts;
};
/* hub_cluster tells how the cluster stands; false where the hub is alone. */
bool hub_cluster(const struct hub *h, struct hub_cluster *out);

/* Gauges. */
uint32_t hub_connections(const struct hub *h);
uint32_t hub_clients(const struct hub *h); /* of this node */
uint32_t hub_sessions(const struct hub *h);
uint64_t hub_queued_bytes(const struct hub *h); /* walks all clients */
uint32_t hub_held(const struct hub *h);         /* offers that wait for their target */
/* hub_away counts clients whose link is lost and who may come back; hub_away_bytes what is kept for
 * them. */
uint32_t hub_away(const struct hub *h);
size_t hub_away_bytes(const struct hub *h);
uint32_t hub_monitors(const struct hub *h);
const struct hub_counts *hub_counts(const struct hub *h);

#endif
