/* SPDX-License-Identifier: MIT
 * The hub: the whole behaviour of the server as a state machine. It moves no bytes and reads no
 * clock; sockets are an interface, time is an argument. */
#ifndef CORE_HUB_H
#define CORE_HUB_H

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

/* hub_conf is copied by hub_new; durations in microseconds, sizes in bytes. */
struct hub_conf {
    uint32_t max_message;
    uint32_t queue_bytes, queue_msgs;
    uint32_t max_sessions;
    uint32_t max_errors;
    uint32_t event_ring;
    uint64_t heartbeat_us, register_us, offer_us, session_us, slow_us;
    enum hub_policy policy;
    struct sp_scan_limits scan;
    const char *server; /* borrowed: name and version for "registered" */
};

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
};

/* hub_peer describes a new connection; borrowed for the call. */
struct hub_peer {
    struct sp_str addr; /* "192.0.2.1:4711", "[::1]:4711" or "unix" */
    bool trusted;       /* came over loopback or a unix socket: may list, watch and monitor */
};

struct hub;

/* hub_new copies conf and borrows ops and ctx. NULL when out of memory. */
struct hub *hub_new(const struct hub_conf *conf, const struct hub_ops *ops, void *ctx,
                    struct hub_now now);
/* hub_free frees everything; no operation is called any more. */
void hub_free(struct hub *h);

/* hub_open takes in a connection whose WebSocket handshake is done. gen 0: out of memory. */
struct hub_ref hub_open(struct hub *h, void *sock, const struct hub_peer *peer, struct hub_now now);
/* hub_receive handles one whole text message; buf is borrowed for the call. */
void hub_receive(struct hub *h, struct hub_ref ref, const char *buf, size_t len,
                 struct hub_now now);
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

/* hub_stop closes every connection with 1001; nobody new is taken in afterwards. */
void hub_stop(struct hub *h, struct hub_now now);

/* Gauges. */
uint32_t hub_connections(const struct hub *h);
uint32_t hub_clients(const struct hub *h);
uint32_t hub_sessions(const struct hub *h);

#endif
