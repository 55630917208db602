/* SPDX-License-Identifier: MIT
 * STUN and TURN servers out of the configuration, and the passwords of TURN users. Built as a whole
 * and exchanged as a whole. */
#ifndef NET_ICE_H
#define NET_ICE_H

#include "daemon/core/hub.h"
#include "daemon/net/net.h"

#define ICE_URL_MAX  300u /* a name of 253 bytes, scheme, port and transport */
#define ICE_USER_MAX 508u /* RFC 8489 14.3: fewer than 509 bytes */

struct ice;

/* ice_new checks and copies. NULL with a sentence in why; *bad names the option and which of its
 * values is to blame. */
struct ice *ice_new(const struct net_ice *conf, struct net_bad *bad, char *why, size_t cap);
/* ice_free wipes the secret. NULL is fine. */
void ice_free(struct ice *ice);

/* ice_follow takes over the serial of the one before where both say the same, else a new one. */
void ice_follow(struct ice *ice, const struct ice *before);
/* ice_view gives what the hub is told; it borrows from ice. */
struct hub_ice ice_view(const struct ice *ice);

/* ice_credential writes base64(HMAC-SHA1(secret, username)) into out, which has HUB_CREDENTIAL_MAX
 * bytes: the password of coturn's use-auth-secret. Its length; 0: there is no secret, or OpenSSL
 * cannot. */
size_t ice_credential(const struct ice *ice, struct sp_str username, char *out);

enum ice_kind { ICE_STUN, ICE_TURN };

/* ice_url checks a stun:, stuns: (RFC 7064), turn: or turns: URL (RFC 7065), with transport udp or
 * tcp. False with a sentence in why that does not repeat the URL. */
bool ice_url(const char *url, enum ice_kind *kind, char *why, size_t cap);

#endif
