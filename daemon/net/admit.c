/* SPDX-License-Identifier: MIT
 * From the accepted socket to the hub: the address behind it, how often it comes, what it brings to
 * show who it is. */
#include "daemon/net/priv.h"

#include <stdio.h>
#include <stdlib.h>

#define PATIENCE_US 500000u /* a handshake is not given up for another before this age */

/* ---------------------------------------------------------------- the pool of handshakes */

void admit_enter(struct conn *c, uint64_t deadline_us)
{
    list_put(&c->net->handshake, c, deadline_us);
    c->shaking = true;
    c->net->nshaking++;
}

void admit_leave(struct conn *c)
{
    if (c->shaking) {
        c->shaking = false;
        c->net->nshaking--;
    }
}

static const struct conn *oldest(const struct net *n)
{
    const struct conn *c = n->handshake.head.next;
    return n->nshaking >= n->pool && c != &n->handshake.head ? c : NULL;
}

/* Connections that say nothing must not keep those out who would: where all places are taken, the
 * one that has had its time goes. */
bool admit_room(struct net *n)
{
    const struct conn *c = oldest(n);
    if (!c) {
        n->pool_full = n->nshaking >= n->pool;
    } else {
        n->pool_full = net_now(n).mono_us < c->deadline_us - HANDSHAKE_US + PATIENCE_US;
        if (!n->pool_full) {
            ws_doom(n->handshake.head.next, 0, NULL);
        }
    }
    return !n->pool_full;
}

uint64_t admit_next(const struct net *n)
{
    const struct conn *c = n->pool_full ? oldest(n) : NULL;
    return c ? c->deadline_us - HANDSHAKE_US + PATIENCE_US : UINT64_MAX;
}

/* ---------------------------------------------------------------- addresses */

static bool ask(struct conn *c)
{
    struct net *n = c->net;
    c->admitted = true;
    uint64_t wait = c->limited ? hub_admit(n->hub, &c->key, net_now(n)) : 0;
    uint64_t seconds = (wait + 999999) / 1000000;
    c->retry_s = (uint16_t)(seconds < 3600 ? seconds : 3600);
    return wait == 0;
}

bool admit_socket(struct net *n, struct conn *c, const struct sockaddr_storage *peer)
{
    c->proxy = gate_proxy(n->gate, peer);
    c->key = addr_key_of(peer);
    /* those on this machine are only limited where they too must say who they are */
    c->limited = peer->ss_family != AF_UNIX && (!c->local || gate_auth(n->gate));
    if (c->proxy || c->health) {
        return true;
    }
    return ask(c) || !c->tls;
}

static void read_forwarded(struct conn *c)
{
    static char text[HEADER_MAX + 1];
    struct sockaddr_storage client;
    int n = lws_hdr_copy(c->wsi, text, sizeof(text), WSI_TOKEN_X_FORWARDED_FOR);
    c->limited = true;
    if (n > 0 && gate_forwarded(c->net->gate, (struct sp_str){text, (size_t)n}, &client)) {
        addr_format(c->addr, sizeof(c->addr), &client, false);
        c->key = addr_key_of(&client);
    }
}

/* Whoever speaks for others (a proxy) or is told to by a page (a browser) is not local. */
static bool speaks_for_others(struct lws *wsi)
{
    static const char *const names[] = {
        "forwarded:", "x-forwarded-host:", "x-forwarded-proto:", "x-real-ip:"};
    bool does = lws_hdr_total_length(wsi, WSI_TOKEN_X_FORWARDED_FOR) > 0 ||
                lws_hdr_total_length(wsi, WSI_TOKEN_ORIGIN) > 0;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && !does; i++) {
        does = lws_hdr_custom_length(wsi, names[i], (int)strlen(names[i])) >= 0;
    }
    return does;
}

bool admit_address(struct conn *c)
{
    if (lws_hdr_total_length(c->wsi, WSI_TOKEN_X_FORWARDED_FOR) > 0 && c->proxy) {
        read_forwarded(c);
    }
    c->local = c->local && !speaks_for_others(c->wsi);
    return (c->admitted || ask(c)) && c->retry_s == 0;
}

/* ---------------------------------------------------------------- tokens and certificates */

/* Takes what a header or the query holds as the token; another one before it makes it two. */
static const char *take_token(char *room, size_t cap, const char *p, size_t n, struct sp_str *token)
{
    if (token->n) {
        return "two tokens";
    }
    if (n == 0 || n > cap) {
        return n ? "token too long" : "empty token";
    }
    memcpy(room, p, n);
    *token = (struct sp_str){room, n};
    return NULL;
}

/* Finds the token of the request, in the header (RFC 6750 2.1) or the query; empty when there is
 * none. Other schemes of authorization are between the client and a proxy. */
static const char *find_token(struct lws *wsi, char *room, size_t cap, struct sp_str *token)
{
    static char text[HEADER_MAX + 1];
    const char *why = NULL;
    int n = lws_hdr_copy(wsi, text, sizeof(text), WSI_TOKEN_HTTP_AUTHORIZATION);
    *token = (struct sp_str){NULL, 0};
    if (n > 7 && strncasecmp(text, "Bearer ", 7) == 0) {
        why = take_token(room, cap, text + 7, (size_t)n - 7, token);
    }
    for (int i = 0; !why; i++) {
        n = lws_hdr_copy_fragment(wsi, text, sizeof(text), WSI_TOKEN_HTTP_URI_ARGS, i);
        if (n < 0) {
            break;
        }
        if (strncmp(text, "token=", 6) == 0) {
            why = take_token(room, cap, text + 6, (size_t)n - 6, token);
        }
    }
    explicit_bzero(text, sizeof(text));
    return why;
}

static const struct tls_peer *peer_of(const struct conn *c, struct tls_peer *room)
{
    return c->tls && c->net->conf.gate.certs && tls_peer_of(lws_get_ssl(c->wsi), room) ? room
                                                                                       : NULL;
}

void admit_token(struct conn *c)
{
    char text[TOKEN_MAX];
    struct tls_peer room;
    struct sp_str token;
    const struct net *n = c->net;
    if (!gate_auth(n->gate)) {
        return;
    }
    const struct tls_peer *peer = peer_of(c, &room);
    c->refused = find_token(c->wsi, text, sizeof(text), &token);
    if (!c->refused && (token.n || peer)) {
        c->claims = malloc(sizeof(*c->claims));
        c->with_token = token.n > 0;
        c->refused = c->claims ? gate_read(n->gate, token, peer, net_now(n).wall_ms, c->claims)
                               : "out of memory";
    }
    explicit_bzero(text, sizeof(text));
}

struct hub_peer admit_peer(struct conn *c, struct hub_grant *grant, struct sp_str *ids)
{
    struct hub_peer peer = {.addr = sp_str(c->addr),
                            .local = c->local,
                            .key = c->limited ? &c->key : NULL,
                            .refused = c->refused};
    if (c->claims && !c->refused) {
        *grant = gate_grant(c->claims, ids, c->with_token);
        peer.grant = grant;
    }
    return peer;
}

/* A token has no escapes in JSON, so the raw string is the token in quotes. */
const char *admit_register(void *net, void *conn, struct sp_str raw, struct hub_grant *out)
{
    static struct token_claims claims;
    static struct sp_str ids[TOKEN_IDS_MAX];
    struct net *n = net;
    struct tls_peer room;
    struct sp_str token = {raw.p + 1, raw.n - 2};
    if (token.n == 0) {
        return "empty token";
    }
    const char *why = gate_read(n->gate, token, peer_of(conn, &room), net_now(n).wall_ms, &claims);
    *out = gate_grant(&claims, ids, true);
    return why;
}

bool admit_vouch(void *net, void *conn, uint64_t key)
{
    const struct net *n = net;
    const struct conn *c = conn;
    return (key == 0 || gate_has_key(n->gate, key)) &&
           (!c->tls || tls_still_good(n->tls, lws_get_ssl(c->wsi)));
}
