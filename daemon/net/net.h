/* SPDX-License-Identifier: MIT
 * The transport under the hub: listeners, the event loop, libwebsockets, HTTP. One thread. */
#ifndef NET_NET_H
#define NET_NET_H

#include "daemon/core/hub.h"

#define NET_LISTENERS 16

/* net_listener says where to listen: "127.0.0.1:8081", "[::1]:0", "unix:/run/sigd/sigd.sock", each
 * with "tls:" before it for TLS. */
struct net_listener {
    const char *address, *where; /* borrowed; where it is configured, for messages */
    bool health;                 /* plain HTTP for /health instead of WebSocket */
};

enum net_client_cert { NET_CERT_NONE, NET_CERT_OPTIONAL, NET_CERT_REQUIRED };

/* net_tls names the PEM files of the tls: listeners; borrowed, NULL where there is none. */
struct net_tls {
    const char *cert, *key, *client_ca, *crl;
    enum net_client_cert client_cert;
};

struct net_conf {
    struct net_listener listen[NET_LISTENERS];
    unsigned nlisten;
    uint32_t max_clients;
    uint64_t stop_us; /* how long a graceful stop may take */
    bool allow_anonymous;
    struct net_tls tls;
    const char *node; /* borrowed: name of this server in /health */
    /* events of the hub, as they happen; borrowed for the call */
    void (*on_event)(const struct sp_event *ev);
};

struct net;

/* net_check tells whether the configuration can work: addresses, who may reach them, descriptors.
 * False with a sentence in why. */
bool net_check(const struct net_conf *conf, char *why, size_t cap);

/* net_new binds the listeners and raises the limit of file descriptors to what max_clients needs.
 * NULL with a sentence in why; *bind_failed tells a busy or forbidden address (exit 3) from a
 * configuration that cannot work (exit 9). */
struct net *net_new(const struct net_conf *conf, const struct hub_conf *hub, char *why, size_t cap,
                    bool *bind_failed);

/* net_address gives what listener i really listens on: "127.0.0.1:43127" or the socket's path;
 * net_port the port number alone, 0 for a unix socket. Borrowed. */
const char *net_address(const struct net *n, unsigned i);
unsigned net_port(const struct net *n, unsigned i);
bool net_is_unix(const struct net *n, unsigned i);
bool net_is_tls(const struct net *n, unsigned i);

/* net_run serves until SIGTERM or SIGINT: then every client is closed with 1001, what is queued is
 * flushed, and it returns; a second signal returns at once. */
void net_run(struct net *n);
void net_free(struct net *n);

#endif
