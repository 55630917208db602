/* SPDX-License-Identifier: MIT
 * Who may come in: tokens, certificates, proxies that speak for others, origins, host names. Built
 * as a whole from the configuration and exchanged as a whole. */
#ifndef NET_GATE_H
#define NET_GATE_H

#include "daemon/core/hub.h"
#include "daemon/net/tls.h"
#include "libtoken/token.h"

#include <sys/socket.h>

struct gate;

/* gate_new reads the key files. NULL with a sentence in why; *bad names the option and which of its
 * values is to blame. */
struct gate *gate_new(const struct net_gate *conf, struct net_bad *bad, char *why, size_t cap);
void gate_free(struct gate *g);

/* gate_auth tells whether authentication is on. */
bool gate_auth(const struct gate *g);
/* gate_certs tells whether client certificates count. */
bool gate_certs(const struct gate *g);

/* gate_vouch tells whether what a grant stands on is still good here; where the role was the
 * configuration's, *role becomes what it is now, borrowed from g. peer is NULL without a
 * certificate. */
bool gate_vouch(const struct gate *g, const struct hub_basis *basis, const struct tls_peer *peer,
                struct sp_str *role);

/* pass is what a token, a certificate or both are good for. */
struct pass {
    struct token_claims claims;
    struct hub_basis basis;
    bool token; /* there was one */
};

/* gate_read fills a pass from a token, a certificate's peer or both (either may be missing, but not
 * both), which then must agree. NULL, or a constant reason. */
const char *gate_read(const struct gate *g, struct sp_str token, const struct tls_peer *peer,
                      int64_t now_ms, struct pass *pass);

/* gate_grant makes a grant that borrows the pass and ids, which has room for TOKEN_IDS_MAX. */
struct hub_grant gate_grant(const struct pass *pass, struct sp_str *ids);

/* gate_origin tells whether pages of that origin may connect (RFC 6454, as the header has it). */
bool gate_origin(const struct gate *g, struct sp_str origin);
/* gate_host tells whether the health listener answers to that Host header: IP addresses and
 * localhost always, against pages that rebind a name to this machine. */
bool gate_host(const struct gate *g, struct sp_str host);

/* gate_proxy tells whether a peer is a proxy that may speak for others. */
bool gate_proxy(const struct gate *g, const struct sockaddr_storage *peer);
/* gate_forwarded reads X-Forwarded-For from its end: the first address that is not a trusted
 * proxy's is the client's. False when there is none. */
bool gate_forwarded(const struct gate *g, struct sp_str header, struct sockaddr_storage *client);

#endif
