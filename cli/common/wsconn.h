/* SPDX-License-Identifier: MIT
 * One non-blocking WebSocket client connection on libproto/wsframe, driven by the caller's poll or
 * epoll loop. sigctl and sigmon have one or a few, sigbench has tens of thousands. */
#ifndef CLI_WSCONN_H
#define CLI_WSCONN_H

#include "libproto/types.h"

#include <sys/socket.h>

#define WSURL_ADDRS 4

/* wsurl is a parsed and resolved URL: ws://host[:port][/path], wss://…, ws+unix:/socket[:/path]. */
struct wsurl {
    bool tls;
    char host[256]; /* for Host: and SNI */
    char hostport[264];
    char path[2048];                           /* with the query */
    struct sockaddr_storage addr[WSURL_ADDRS]; /* in the order to try */
    socklen_t addr_len[WSURL_ADDRS];
    unsigned addrs;
};

/* wsurl_parse parses and resolves (getaddrinfo, blocking). False with a sentence in why; *usage is
 * set when the URL is malformed rather than unresolvable. */
bool wsurl_parse(struct wsurl *u, const char *url, bool *usage, char *why, size_t cap);

enum wsconn_state {
    WSCONN_IDLE,
    WSCONN_CONNECTING,
    WSCONN_HANDSHAKE,
    WSCONN_OPEN,
    WSCONN_CLOSING,
    WSCONN_CLOSED
};

/* How a connection ended. */
enum wsconn_end {
    WSCONN_END_CONNECT,  /* never opened: refused, unreachable, reset in the handshake */
    WSCONN_END_HTTP,     /* the server answered another status than 101; status holds it */
    WSCONN_END_CLOSE,    /* close frame; code and reason hold it */
    WSCONN_END_LOST,     /* the stream ended without a close frame */
    WSCONN_END_PROTOCOL, /* the server broke RFC 6455 */
    WSCONN_END_TLS       /* a certificate was refused, here or there, or TLS failed otherwise */
};

struct wsconn_closed {
    enum wsconn_end end;
    unsigned code;          /* close code or HTTP status */
    char reason[128];       /* close reason or a sentence */
    unsigned retry_after_s; /* of an HTTP answer: when it may be tried again; 0: not said */
};

struct wsconn;

/* What wss:// needs to know; zero means the system's authorities, no client certificate and the
 * host of the URL as the name to send and to verify. Strings are borrowed for the call. */
struct wsconn_tls_conf {
    const char *cacert, *cert, *key; /* PEM files; cert may hold a chain */
    const char *sni;                 /* name to send and to verify instead of the URL's host */
    bool insecure;                   /* do not verify the server */
    bool resume;                     /* offer the newest session again, RFC 8446 2.2, RFC 5077 */
};

struct wsconn_tls;

/* wsconn_tls_new loads the files; NULL with a sentence in why. Free it after the connections that
 * use it. */
struct wsconn_tls *wsconn_tls_new(const struct wsconn_tls_conf *conf, char *why, size_t cap);
void wsconn_tls_free(struct wsconn_tls *t);

/* wsconn_tls_handshakes gives how many were completed, *resumed those with a session from before.
 */
uint64_t wsconn_tls_handshakes(const struct wsconn_tls *t, uint64_t *resumed);

struct wsconn_ops {
    void (*on_open)(void *ctx, struct wsconn *c);
    /* one whole text message, borrowed for the call and writable in place */
    void (*on_message)(void *ctx, struct wsconn *c, char *p, size_t n);
    /* once; the connection may be freed or started again from here */
    void (*on_closed)(void *ctx, struct wsconn *c, const struct wsconn_closed *why);
    /* with --trace: each frame; NULL otherwise */
    void (*on_trace)(void *ctx, bool sent, unsigned op, struct sp_str payload);
};

/* wsconn_new allocates an idle connection; ops and ctx are borrowed for its life. Small: buffers
 * exist only while they hold something. */
struct wsconn *wsconn_new(const struct wsconn_ops *ops, void *ctx);
/* wsconn_free is safe from any callback of the connection and calls none; NULL does nothing. */
void wsconn_free(struct wsconn *c);

/* wsconn_set_tls says how the next starts do TLS; t is borrowed. Without it wss:// verifies against
 * the system's authorities. */
void wsconn_set_tls(struct wsconn *c, struct wsconn_tls *t);

/* wsconn_start begins to connect. headers: further request lines, each ended by CRLF, or empty.
 * bind_to (may be NULL) is a source address. False when the socket cannot even be made (errno) or
 * when path, host or headers would split the request (EINVAL). All other failures come by
 * on_closed, from wsconn_io. */
bool wsconn_start(struct wsconn *c, const struct wsurl *u, struct sp_str headers,
                  const struct sockaddr *bind_to, socklen_t bind_len);

int wsconn_fd(const struct wsconn *c);
enum wsconn_state wsconn_state(const struct wsconn *c);
/* wsconn_events gives the POLLIN|POLLOUT that the connection waits for now. */
short wsconn_events(const struct wsconn *c);
/* wsconn_io serves a ready descriptor: connects, handshakes, reads (until it would block), answers
 * pings, writes what is queued. Fits level- and edge-triggered loops (an edge-triggered one must
 * ask for POLLRDHUP and hand it in); never call it from one of the callbacks. */
void wsconn_io(struct wsconn *c, short revents);

/* wsconn_send queues one text message and writes what the socket takes at once. False when the
 * connection is not open or more than cap (16 MiB) is queued. */
bool wsconn_send(struct wsconn *c, struct sp_str text);
/* wsconn_queued gives the bytes not yet written. */
size_t wsconn_queued(const struct wsconn *c);

/* wsconn_close sends a close frame and waits for the peer's: on_closed follows. wsconn_abort drops
 * the socket at once and calls nobody. A connection that is not open yet is aborted by either. */
void wsconn_close(struct wsconn *c, unsigned code, const char *reason);
void wsconn_abort(struct wsconn *c);

#endif
