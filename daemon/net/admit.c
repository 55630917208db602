/* SPDX-License-Identifier: MIT
 * From the accepted socket to the hub: the address behind it, how often it comes, what it brings to
 * show who it is. */
#include "daemon/net/priv.h"

#include <stdio.h>
#include <stdlib.h>

#define PATIENCE_US 500000u /* a handshake is not given up for another before this age */
#define HEALTH_MAX  32u     /* connections of the health listener, within the spare descriptors */
#define RETRY_MAX_S 3600u

/* ---------------------------------------------------------------- the pool */

/* Places for those of whom nothing is known yet. The health listener has some of its own. */

void admit_enter(struct conn *c, uint64_t deadline_us)
{
    struct net *n = c->net;
    list_put(&n->handshake, c, deadline_us);
    c->shaking = true;
    *(c->health ? &n->nhealth : &n->nshaking) += 1;
}

void admit_leave(struct conn *c)
{
    struct net *n = c->net;
    if (c->shaking) {
        c->shaking = false;
        *(c->health ? &n->nhealth : &n->nshaking) -= 1;
    }
}

void admit_settle(struct conn *c, bool known)
{
    list_del(c);
    list_put(known ? &c->net->open : &c->net->strangers, c, c->deadline_us);
    if (known) {
        admit_leave(c);
        c->net->nclients += !c->client;
        c->client = true;
    }
}

void admit_gone(struct conn *c)
{
    c->net->nclients -= c->client;
    c->client = false;
}

static struct conn *first_of(struct conn_list *l, bool health)
{
    struct conn *c = l->head.next;
    while (c != &l->head && c->health != health) {
        c = c->next;
    }
    return c != &l->head ? c : NULL;
}

/* Both lists are in the order of their accept, which the deadline tells. */
static struct conn *oldest(struct net *n)
{
    struct conn *a = first_of(&n->handshake, false), *b = first_of(&n->strangers, false);
    return !a || (b && b->deadline_us < a->deadline_us) ? b : a;
}

static uint64_t patience_of(const struct conn *c)
{
    return c->deadline_us - HANDSHAKE_US + PATIENCE_US;
}

/* Connections that say nothing must not keep those out who would: where all places are taken, the
 * one that has had its time goes. */
bool admit_room(struct net *n)
{
    struct conn *c = n->nshaking >= n->pool ? oldest(n) : NULL;
    n->pool_full = c ? net_now(n).mono_us < patience_of(c) : n->nshaking >= n->pool;
    if (c && !n->pool_full) {
        bool open = c->state == CONN_OPEN;
        ws_doom(c, open ? SP_CLOSE_NOT_REGISTERED : 0,
                open ? sp_close_reason(SP_CLOSE_NOT_REGISTERED) : NULL);
    }
    return !n->pool_full;
}

uint64_t admit_next(struct net *n)
{
    const struct conn *c = n->pool_full && n->nshaking >= n->pool ? oldest(n) : NULL;
    return c ? patience_of(c) : UINT64_MAX;
}

void admit_health(struct net *n)
{
    struct conn *c = n->nhealth >= HEALTH_MAX ? first_of(&n->handshake, true) : NULL;
    if (c) {
        ws_doom(c, 0, NULL);
    }
}

/* ---------------------------------------------------------------- addresses */

static bool must_wait(struct conn *c, uint64_t wait_us)
{
    uint64_t seconds = (wait_us + 999999) / 1000000;
    c->retry_s = (uint16_t)(seconds < RETRY_MAX_S ? seconds : RETRY_MAX_S);
    return wait_us > 0;
}

static bool ask(struct conn *c)
{
    struct net *n = c->net;
    c->admitted = true;
    return !must_wait(c, c->limited ? hub_admit(n->hub, &c->key, net_now(n)) : 0);
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
    /* over TLS, or when places are scarce, there is no polite way to say no */
    return ask(c) || (!c->tls && n->nshaking < n->pool / 2);
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

/* Whoever speaks for others (a proxy) or is told to by a page (a browser) is not local. The headers
 * that libwebsockets knows, and those that it does not, are found in different ways. */
static bool speaks_for_others(struct lws *wsi)
{
    static const enum lws_token_indexes known[] = {WSI_TOKEN_X_FORWARDED_FOR, WSI_TOKEN_ORIGIN,
                                                   WSI_TOKEN_HTTP_X_REAL_IP, WSI_TOKEN_HTTP_VIA};
    static const char *const names[] = {
        "forwarded:",   "x-forwarded-host:", "x-forwarded-proto:", "x-forwarded-port:",
        "x-client-ip:", "true-client-ip:",   "cf-connecting-ip:",  "x-cluster-client-ip:"};
    bool does = false;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        does = does || lws_hdr_total_length(wsi, known[i]) > 0;
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        does = does || lws_hdr_custom_length(wsi, names[i], (int)strlen(names[i])) >= 0;
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

/* A good token is good whoever else guesses from the same address. */
bool admit_penalty(struct conn *c)
{
    const struct net *n = c->net;
    bool good = c->pass && !c->refused;
    return good || !c->limited || !must_wait(c, hub_penalty(n->hub, &c->key, net_now(n)));
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
    bool certs = c->tls && gate_certs(c->net->gate);
    return certs && tls_peer_of(lws_get_ssl(c->wsi), room) ? room : NULL;
}

/* A handshake may be older than the authorities and revocations that are in force now. */
static bool is_revoked(const struct conn *c)
{
    return c->tls && !tls_still_good(c->net->tls, lws_get_ssl(c->wsi));
}

static const char *read_pass(const struct conn *c, struct sp_str token, struct pass *pass)
{
    struct tls_peer room;
    if (is_revoked(c)) {
        return "certificate not good any more";
    }
    return gate_read(c->net->gate, token, peer_of(c, &room), net_now(c->net).wall_ms, pass);
}

void admit_token(struct conn *c)
{
    char text[TOKEN_MAX];
    struct tls_peer room;
    struct sp_str token;
    if (!gate_auth(c->net->gate)) {
        return;
    }
    c->refused = find_token(c->wsi, text, sizeof(text), &token);
    if (!c->refused && (token.n || peer_of(c, &room))) {
        c->pass = malloc(sizeof(*c->pass));
        c->refused = c->pass ? read_pass(c, token, c->pass) : "out of memory";
    }
    explicit_bzero(text, sizeof(text));
}

struct hub_peer admit_peer(struct conn *c, struct hub_grant *grant, struct sp_str *ids)
{
    struct hub_peer peer = {.addr = sp_str(c->addr),
                            .local = c->local,
                            .key = c->limited ? &c->key : NULL,
                            .refused = c->refused};
    if (c->pass && !c->refused) {
        *grant = gate_grant(c->pass, ids);
        peer.grant = grant;
    }
    return peer;
}

/* A token has no escapes in JSON, so the raw string is the token in quotes. */
const char *admit_register(void *net, void *conn, struct sp_str raw, struct hub_grant *out)
{
    static struct pass pass;
    static struct sp_str ids[TOKEN_IDS_MAX];
    struct conn *c = conn;
    struct sp_str token = {raw.p + 1, raw.n - 2};
    (void)net;
    const char *why = token.n ? read_pass(c, token, &pass) : "empty token";
    if (!why) {
        *out = gate_grant(&pass, ids);
        admit_settle(c, true);
    }
    return why;
}

bool admit_vouch(void *net, void *conn, const struct hub_basis *basis, struct sp_str *role)
{
    const struct net *n = net;
    const struct conn *c = conn;
    struct tls_peer room;
    return !is_revoked(c) && (!basis || gate_vouch(n->gate, basis, peer_of(c, &room), role));
}
