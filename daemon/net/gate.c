/* SPDX-License-Identifier: MIT
 * Who may come in, out of the configuration. */
#include "daemon/net/gate.h"

#include "daemon/net/priv.h"
#include "libproto/id.h"
#include "libproto/map.h"
#include "libproto/units.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

/* cert_role gives a role to the certificates whose id it matches. */
struct cert_role {
    char match[SP_MATCH_MAX + 1], role[SP_ROLE_MAX + 1];
};

struct gate {
    struct token_keys *keys;
    struct token_policy policy;
    char *issuer, *audience;
    uint64_t policy_hash; /* of those two */
    char default_role[SP_ROLE_MAX + 1];
    bool certs;
    struct cert_role cert_roles[NET_LIST_MAX];
    struct cidr proxies[NET_LIST_MAX];
    bool proxy_unix; /* whoever comes over a unix socket is a proxy */
    char *origins[NET_LIST_MAX], *hosts[NET_LIST_MAX];
    unsigned ncert_roles, nproxies, norigins, nhosts;
};

/* ---------------------------------------------------------------- building */

struct build {
    struct gate *g;
    const struct net_gate *conf;
    struct net_bad *bad;
    char *why;
    size_t cap;
};

static bool out_of_memory(struct build *b)
{
    snprintf(b->why, b->cap, "out of memory");
    return false;
}

static bool copy(struct build *b, char **slot, const char *text)
{
    *slot = text ? strdup(text) : NULL;
    return !text || *slot || out_of_memory(b);
}

static bool copy_list(struct build *b, char **slots, unsigned *n, const struct net_list *list)
{
    for (unsigned i = 0; i < list->n; i++) {
        if (!copy(b, &slots[i], list->v[i])) {
            return false;
        }
        *n = i + 1;
    }
    return true;
}

static bool build_keys(struct build *b)
{
    const struct net_gate *conf = b->conf;
    *b->bad = (struct net_bad){"jwt-secret", 0};
    if (conf->jwt_secret && !token_keys_secret(b->g->keys, conf->jwt_secret,
                                               strlen(conf->jwt_secret), b->why, b->cap)) {
        return false;
    }
    for (unsigned i = 0; i < conf->jwt_keys.n; i++) {
        *b->bad = (struct net_bad){"jwt-key", i};
        if (!token_keys_file(b->g->keys, conf->jwt_keys.v[i], b->why, b->cap)) {
            return false;
        }
    }
    return true;
}

static bool build_cert_roles(struct build *b)
{
    const struct net_list *list = &b->conf->cert_roles;
    for (unsigned i = 0; i < list->n; i++) {
        struct cert_role *r = &b->g->cert_roles[i];
        const char *eq = strrchr(list->v[i], '=');
        size_t n = eq ? (size_t)(eq - list->v[i]) : 0;
        *b->bad = (struct net_bad){"cert-role", i};
        if (n == 0 || n > SP_MATCH_MAX || strlen(eq + 1) > SP_ROLE_MAX ||
            !sp_id_ok(sp_str(eq + 1))) {
            snprintf(b->why, b->cap, "'%.64s' is not PATTERN=ROLE", list->v[i]);
            return false;
        }
        memcpy(r->match, list->v[i], n);
        memcpy(r->role, eq + 1, strlen(eq + 1));
        b->g->ncert_roles = i + 1;
    }
    return true;
}

static bool build_proxies(struct build *b)
{
    const struct net_list *list = &b->conf->trusted_proxies;
    for (unsigned i = 0; i < list->n; i++) {
        *b->bad = (struct net_bad){"trusted-proxy", i};
        if (strcmp(list->v[i], "unix") == 0) {
            b->g->proxy_unix = true;
        } else if (cidr_parse(&b->g->proxies[b->g->nproxies], list->v[i])) {
            b->g->nproxies++;
        } else {
            snprintf(b->why, b->cap,
                     "'%.64s' is neither an address, a network such as 10.0.0.0/8 "
                     "or 2001:db8::/32, nor unix",
                     list->v[i]);
            return false;
        }
    }
    return true;
}

/* Tells another value from the same one; nobody chooses what is hashed but the operator. */
static uint64_t hash_of(const char *text)
{
    return text ? sp_siphash(1, 2, text, strlen(text)) : 0;
}

static bool build(struct build *b)
{
    struct gate *g = b->g;
    const struct net_gate *conf = b->conf;
    g->keys = token_keys_new();
    g->certs = conf->certs;
    snprintf(g->default_role, sizeof(g->default_role), "%s",
             conf->default_role ? conf->default_role : "");
    g->policy.leeway_ms = (int64_t)(conf->leeway_us / 1000);
    if (!g->keys || !copy(b, &g->issuer, conf->issuer) || !copy(b, &g->audience, conf->audience) ||
        !copy_list(b, g->origins, &g->norigins, &conf->origins) ||
        !copy_list(b, g->hosts, &g->nhosts, &conf->hosts)) {
        return out_of_memory(b);
    }
    g->policy.issuer = g->issuer;
    g->policy.audience = g->audience;
    g->policy_hash = hash_of(g->issuer) * 31 + hash_of(g->audience);
    return build_keys(b) && build_cert_roles(b) && build_proxies(b);
}

struct gate *gate_new(const struct net_gate *conf, struct net_bad *bad, char *why, size_t cap)
{
    struct build b = {calloc(1, sizeof(*b.g)), conf, bad, why, cap};
    *bad = (struct net_bad){NULL, 0};
    if (!b.g) {
        out_of_memory(&b);
        return NULL;
    }
    if (!build(&b)) {
        gate_free(b.g);
        return NULL;
    }
    return b.g;
}

void gate_free(struct gate *g)
{
    if (!g) {
        return;
    }
    token_keys_free(g->keys);
    free(g->issuer);
    free(g->audience);
    for (unsigned i = 0; i < NET_LIST_MAX; i++) {
        free(g->origins[i]);
        free(g->hosts[i]);
    }
    free(g);
}

/* ---------------------------------------------------------------- tokens and certificates */

bool gate_auth(const struct gate *g)
{
    return g->certs || token_keys_count(g->keys) > 0;
}

bool gate_certs(const struct gate *g)
{
    return g->certs;
}

static const char *role_of_cert(const struct gate *g, const char *id)
{
    for (unsigned i = 0; i < g->ncert_roles; i++) {
        if (sp_glob_match(sp_str(g->cert_roles[i].match), sp_str(id))) {
            return g->cert_roles[i].role;
        }
    }
    return g->default_role;
}

static bool token_names(const struct token_claims *claims, const char *id)
{
    bool found = claims->id[0] && strcmp(claims->id, id) == 0;
    for (unsigned i = 0; i < claims->nids && !found; i++) {
        found = sp_glob_match(sp_str(claims->ids[i]), sp_str(id));
    }
    return found;
}

static void set_role(struct pass *pass, const char *role)
{
    pass->basis.conf_role = true;
    snprintf(pass->claims.role, sizeof(pass->claims.role), "%s", role);
}

static const char *read_token(const struct gate *g, struct sp_str token, int64_t now_ms,
                              struct pass *pass)
{
    struct token_claims *claims = &pass->claims;
    const char *why = token_verify(g->keys, &g->policy, token.p, token.n, now_ms, claims);
    if (why) {
        return why == token_expired ? hub_expired : why;
    }
    pass->token = true;
    pass->basis = (struct hub_basis){.key = claims->key, .policy = g->policy_hash};
    claims->exp_ms += g->policy.leeway_ms;
    if (!claims->role[0]) {
        set_role(pass, g->default_role);
    }
    return NULL;
}

static const char *check_both(struct token_claims *claims, const struct tls_peer *peer)
{
    if (!token_names(claims, peer->id)) {
        return "token and certificate name different ids";
    }
    claims->nids = 0;
    claims->exp_ms = claims->exp_ms < peer->expires_ms ? claims->exp_ms : peer->expires_ms;
    memcpy(claims->id, peer->id, sizeof(claims->id));
    return NULL;
}

const char *gate_read(const struct gate *g, struct sp_str token, const struct tls_peer *peer,
                      int64_t now_ms, struct pass *pass)
{
    memset(pass, 0, sizeof(*pass));
    if (token.n) {
        const char *why = read_token(g, token, now_ms, pass);
        return why || !peer ? why : check_both(&pass->claims, peer);
    }
    pass->claims.exp_ms = peer->expires_ms;
    set_role(pass, role_of_cert(g, peer->id));
    memcpy(pass->claims.id, peer->id, sizeof(pass->claims.id));
    return NULL;
}

bool gate_vouch(const struct gate *g, const struct hub_basis *basis, const struct tls_peer *peer,
                struct sp_str *role)
{
    bool token = basis->key != 0;
    if (token && (!token_keys_has(g->keys, basis->key) || basis->policy != g->policy_hash)) {
        return false;
    }
    if (basis->conf_role) {
        *role = sp_str(token || !peer ? g->default_role : role_of_cert(g, peer->id));
    }
    return true;
}

struct hub_grant gate_grant(const struct pass *pass, struct sp_str *ids)
{
    const struct token_claims *claims = &pass->claims;
    for (unsigned i = 0; i < claims->nids; i++) {
        ids[i] = sp_str(claims->ids[i]);
    }
    return (struct hub_grant){.id = sp_str(claims->id),
                              .ids = ids,
                              .nids = claims->nids,
                              .role = sp_str(claims->role),
                              .expires_ms = claims->exp_ms,
                              .basis = pass->basis,
                              .how = pass->token ? "token" : "certificate"};
}

/* ---------------------------------------------------------------- origins and hosts */

bool gate_origin(const struct gate *g, struct sp_str origin)
{
    for (unsigned i = 0; i < g->norigins; i++) {
        if (sp_glob_match(sp_str(g->origins[i]), origin)) {
            return true;
        }
    }
    return g->norigins == 0;
}

bool gate_host(const struct gate *g, struct sp_str host)
{
    char name[256];
    struct in6_addr v6;
    const char *colon = memrchr(host.p, ':', host.n), *bracket = memrchr(host.p, ']', host.n);
    size_t n = colon && colon > bracket ? (size_t)(colon - host.p) : host.n;
    if (n >= 2 && host.p[0] == '[' && host.p[n - 1] == ']') {
        host.p++;
        n -= 2;
    }
    if (n == 0 || n >= sizeof(name)) {
        return false;
    }
    memcpy(name, host.p, n);
    name[n] = '\0';
    if (strcasecmp(name, "localhost") == 0 || inet_pton(AF_INET, name, &v6) == 1 ||
        inet_pton(AF_INET6, name, &v6) == 1) {
        return true;
    }
    for (unsigned i = 0; i < g->nhosts; i++) {
        if (strcasecmp(g->hosts[i], name) == 0) {
            return true;
        }
    }
    return false;
}

/* ---------------------------------------------------------------- proxies */

bool gate_proxy(const struct gate *g, const struct sockaddr_storage *peer)
{
    if (peer->ss_family != AF_INET && peer->ss_family != AF_INET6) {
        return g->proxy_unix;
    }
    for (unsigned i = 0; i < g->nproxies; i++) {
        if (cidr_has(&g->proxies[i], peer)) {
            return true;
        }
    }
    return false;
}

/* What stands before the last comma was written by somebody whom we need not believe, unless the
 * address behind it is a proxy's. */
bool gate_forwarded(const struct gate *g, struct sp_str header, struct sockaddr_storage *client)
{
    size_t end = header.n;
    while (true) {
        size_t start = end;
        while (start > 0 && header.p[start - 1] != ',') {
            start--;
        }
        struct sp_str text = {header.p + start, end - start};
        struct sp_str one = sp_cut(&text, " \t"), more = sp_cut(&text, " \t");
        if (more.n || !addr_read(client, one)) {
            return false;
        }
        if (!gate_proxy(g, client) || start == 0) {
            return true;
        }
        end = start - 1;
    }
}
