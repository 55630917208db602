/* SPDX-License-Identifier: MIT
 * TLS of the listeners on OpenSSL: certificates, client certificates, exchanging both while
 * serving. TLS 1.2 and 1.3 with authenticated encryption and forward secrecy only; sessions are
 * never resumed, so that every connection is checked against what is in force now. */
#ifndef NET_TLS_H
#define NET_TLS_H

#include "daemon/net/net.h"
#include "libproto/limits.h"

#include <openssl/types.h>

struct tls;

/* tls_failed_fn is told that a handshake failed, at most once for each. owner is what tls_own gave;
 * reason is a constant. certificate: for what the client showed as its certificate, or did not. */
typedef void tls_failed_fn(void *owner, bool certificate, const char *reason);

/* tls_check tells whether everything that conf names can be loaded. False with a sentence in why.
 */
bool tls_check(const struct net_tls *conf, char *why, size_t cap);

/* tls_new loads what conf names; conf is not kept. NULL with a sentence in why. */
struct tls *tls_new(const struct net_tls *conf, tls_failed_fn *on_failed, char *why, size_t cap);

/* tls_free gives back all but the contexts that tls_serve was given; no handshake may follow. */
void tls_free(struct tls *t);

/* tls_serve prepares a server's context: its handshakes use what t holds when the client's hello
 * arrives. Borrows t for the life of ctx. False when out of memory. */
bool tls_serve(struct tls *t, SSL_CTX *ctx);

/* tls_own says whose the handshakes are that begin from now on, for tls_failed_fn; borrowed until
 * their ends. */
void tls_own(struct tls *t, void *owner);

/* tls_reload loads everything anew. New handshakes use it and established connections live on; on
 * any error nothing has changed. False with a sentence in why. */
bool tls_reload(struct tls *t, const struct net_tls *conf, char *why, size_t cap);

/* tls_peer is what a client's certificate says. The id is the rest of the first SAN of type URI
 * that begins with "urn:sigkit:"; without one the first SAN of type DNS; without one the CN. */
struct tls_peer {
    char id[SP_ID_MAX + 1];
    int64_t expires_ms; /* notAfter, since the epoch */
    uint64_t key;       /* the first 8 bytes of its SHA-256 fingerprint */
};

/* tls_peer_of reads the certificate of an established connection; false without one. */
bool tls_peer_of(const SSL *ssl, struct tls_peer *out);

/* tls_still_good tells whether a new handshake would accept what the client of an established
 * connection has shown: for those who were let in before a tls_reload. */
bool tls_still_good(const struct tls *t, const SSL *ssl);

#endif
