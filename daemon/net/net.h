/* SPDX-License-Identifier: MIT
 * The transport under the hub: listeners, the event loop, libwebsockets, HTTP. One thread. */
#ifndef NET_NET_H
#define NET_NET_H

#include "daemon/core/hub.h"

#define NET_LISTENERS 16
#define NET_LIST_MAX  64

/* net_list borrows strings. */
struct net_list {
    const char *const *v;
    unsigned n;
};

/* net_bad names the value of the configuration that cannot work: an option of sigd and which of its
 * values; option NULL: none in particular. */
struct net_bad {
    const char *option;
    unsigned i;
};

/* net_listener says where to listen: "127.0.0.1:8081", "[::1]:0", "unix:/run/sigd/sigd.sock", or
 * "fd:3", a listening socket that somebody passed on; each with "tls:" before it for TLS. */
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

/* net_gate says who may come in; borrowed, NULL and empty where nothing is set. */
struct net_gate {
    const char *jwt_secret, *issuer, *audience, *default_role;
    struct net_list jwt_keys;        /* "KID=FILE" */
    struct net_list cert_roles;      /* "PATTERN=ROLE" */
    struct net_list trusted_proxies; /* networks, or "unix" */
    struct net_list origins;         /* patterns */
    struct net_list hosts;           /* of the health listener */
    uint64_t leeway_us;
    bool certs; /* client certificates are asked for */
};

/* net_ice says what clients are told of STUN and TURN servers; borrowed, NULL and empty where
 * nothing is set. */
struct net_ice {
    struct net_list urls;
    const char *user, *password; /* the same for everybody, or */
    const char *secret;          /* what the password of each is made of */
    uint64_t ttl_us;
};

/* net_audit is how the audit log stands. */
struct net_audit {
    bool on, failing;
    bool degraded; /* it fails, or dropped records not long ago */
    uint64_t written, dropped;
    uint32_t queued;
};

/* net_hooks are what the transport asks of the program around it; called on the loop's thread. */
struct net_hooks {
    /* events of the hub, as they happen; borrowed for the call */
    void (*event)(const struct sp_event *ev);
    /* read the configuration again, and call net_reconf; false with a sentence in why */
    bool (*reload)(char *why, size_t cap);
    /* SIGUSR1: open files anew */
    void (*rotate)(void);
    /* once a second */
    void (*second)(void);
    /* the graceful end has begun */
    void (*draining)(void);
    void (*audit)(struct net_audit *out);
};

struct net_conf {
    struct net_listener listen[NET_LISTENERS];
    unsigned nlisten;
    uint32_t max_clients;
    uint64_t stop_us; /* how long a graceful stop may take */
    bool allow_anonymous;
    struct net_tls tls;
    struct net_gate gate;
    struct net_ice ice;
    const char *node;                /* borrowed: name of this server in /health */
    const char *redis, *cluster_key; /* of the bus to other nodes; NULL: there are none */
    struct net_hooks hooks;
};

struct net;

/* net_check tells whether the configuration can work: addresses, who may reach them, certificates,
 * keys, descriptors. False with a sentence in why and, where one value is to blame, in bad. */
bool net_check(const struct net_conf *conf, struct net_bad *bad, char *why, size_t cap);

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

/* net_reconf takes gate, certificates, ICE servers, stop_us and the hub's configuration into use,
 * or nothing of it. Authentication cannot be switched off so. False with a sentence in why. */
bool net_reconf(struct net *n, const struct net_conf *conf, const struct hub_conf *hub,
                struct net_bad *bad, char *why, size_t cap);
/* net_withhold stops relaying and registering, while the audit log is required and fails. */
void net_withhold(struct net *n, bool on);
/* net_note puts a reload into the events; why is NULL when it went well. */
void net_note_reload(struct net *n, const char *why);

/* net_run serves until SIGTERM, SIGINT or the request of an administrator: then every client is
 * told and closed with 1001, what is queued is flushed, and it returns; a second signal returns at
 * once. SIGHUP and SIGUSR1 call the hooks reload and rotate. */
void net_run(struct net *n);
void net_free(struct net *n);

#endif
