/* SPDX-License-Identifier: MIT
 * STUN and TURN servers out of the configuration, and the passwords of TURN users. */
#include "daemon/net/ice.h"

#include "libproto/json.h"
#include "libproto/utf8.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>

#define ICE_URLS  16u /* as many as the option ice-server takes */
#define LIST_SIZE (ICE_URLS * (ICE_URL_MAX + 3u) + 2u)

struct ice {
    char *user, *password, *secret;
    uint64_t ttl_us;
    uint32_t serial;
    size_t n[2]; /* bytes of the lists, by enum ice_kind */
    char list[2][LIST_SIZE];
};

struct build {
    struct ice *ice;
    const struct net_ice *conf;
    struct net_bad *bad;
    char *why;
    size_t cap;
};

static bool fail(struct build *b, const char *option, const char *why)
{
    *b->bad = (struct net_bad){option, 0};
    snprintf(b->why, b->cap, "%s", why);
    return false;
}

static bool copy(struct build *b, char **slot, const char *text)
{
    *slot = text ? strdup(text) : NULL;
    return !text || *slot || fail(b, NULL, "out of memory");
}

static bool build_lists(struct build *b)
{
    struct sp_buf buf[2];
    struct sp_json j[2];
    char why[128];
    for (int k = ICE_STUN; k <= ICE_TURN; k++) {
        sp_buf_init(&buf[k], b->ice->list[k], LIST_SIZE);
        sp_json_init(&j[k], &buf[k]);
        sp_json_array(&j[k], NULL);
    }
    for (unsigned i = 0; i < b->conf->urls.n; i++) {
        const char *url = b->conf->urls.v[i];
        enum ice_kind kind;
        if (!ice_url(url, &kind, why, sizeof(why))) {
            *b->bad = (struct net_bad){"ice-server", i};
            /* what is said here is logged */
            bool secret = strchr(url, '@') != NULL;
            snprintf(b->why, b->cap, "'%.100s': %s", secret ? "***" : url, why);
            return false;
        }
        sp_json_str(&j[kind], NULL, sp_str(url));
        b->ice->n[kind] = 1;
    }
    for (int k = ICE_STUN; k <= ICE_TURN; k++) {
        sp_json_end(&j[k], ']');
        if (buf[k].full) {
            return fail(b, "ice-server", "too many");
        }
        b->ice->n[k] = b->ice->n[k] ? buf[k].n : 0;
    }
    return true;
}

/* What would reach a client as something else, or not at all. */
static bool is_text(const char *s)
{
    for (const char *p = s; *p; p++) {
        if ((unsigned char)*p < ' ' || *p == 0x7f) {
            return false;
        }
    }
    return sp_utf8_valid(s, strlen(s));
}

static bool check(struct build *b)
{
    const struct net_ice *c = b->conf;
    bool known = c->secret || c->user;
    if (b->ice->n[ICE_TURN] && !known) {
        return fail(b, "ice-server",
                    "a TURN server wants credentials: turn-secret-file, or turn-user and "
                    "turn-password-file");
    }
    if (known && !b->ice->n[ICE_TURN]) {
        return fail(b, c->secret ? "turn-secret-file" : "turn-user",
                    "there is no ice-server of turn: or turns: that it is for");
    }
    if (c->user && (!is_text(c->user) || strlen(c->user) > ICE_USER_MAX)) {
        return fail(b, "turn-user", "not UTF-8 text of at most 508 bytes");
    }
    if (c->user && !is_text(c->password)) {
        return fail(b, "turn-password-file", "the password is not UTF-8 text");
    }
    return true;
}

static bool build(struct build *b)
{
    const struct net_ice *c = b->conf;
    b->ice->ttl_us = c->secret ? c->ttl_us / 1000000 * 1000000 : 0;
    b->ice->serial = 1;
    return build_lists(b) && check(b) && copy(b, &b->ice->user, c->user) &&
           copy(b, &b->ice->password, c->password) && copy(b, &b->ice->secret, c->secret);
}

struct ice *ice_new(const struct net_ice *conf, struct net_bad *bad, char *why, size_t cap)
{
    struct build b = {calloc(1, sizeof(*b.ice)), conf, bad, why, cap};
    *bad = (struct net_bad){NULL, 0};
    if (!b.ice) {
        fail(&b, NULL, "out of memory");
        return NULL;
    }
    if (!build(&b)) {
        ice_free(b.ice);
        return NULL;
    }
    return b.ice;
}

static void wipe(char *s)
{
    if (s) {
        OPENSSL_cleanse(s, strlen(s));
    }
    free(s);
}

void ice_free(struct ice *ice)
{
    if (ice) {
        free(ice->user);
        wipe(ice->password);
        wipe(ice->secret);
        free(ice);
    }
}

static bool same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : !a && !b;
}

static struct sp_str list_of(const struct ice *ice, enum ice_kind k)
{
    return (struct sp_str){ice->list[k], ice->n[k]};
}

void ice_follow(struct ice *ice, const struct ice *before)
{
    bool unchanged = same(ice->user, before->user) && same(ice->password, before->password) &&
                     same(ice->secret, before->secret) && ice->ttl_us == before->ttl_us &&
                     sp_str_eq(list_of(ice, ICE_STUN), list_of(before, ICE_STUN)) &&
                     sp_str_eq(list_of(ice, ICE_TURN), list_of(before, ICE_TURN));
    ice->serial = before->serial + !unchanged;
}

struct hub_ice ice_view(const struct ice *ice)
{
    return (struct hub_ice){.stun = list_of(ice, ICE_STUN),
                            .turn = list_of(ice, ICE_TURN),
                            .username = sp_str(ice->user),
                            .credential = sp_str(ice->password),
                            .ttl_us = ice->ttl_us,
                            .serial = ice->serial};
}

size_t ice_credential(const struct ice *ice, struct sp_str username, char *out)
{
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    _Static_assert((20 + 2) / 3 * 4 < HUB_CREDENTIAL_MAX, "base64 of SHA-1 and a NUL");
    if (!ice->secret || !HMAC(EVP_sha1(), ice->secret, (int)strlen(ice->secret),
                              (const unsigned char *)username.p, username.n, mac, &n)) {
        return 0;
    }
    return (size_t)EVP_EncodeBlock((unsigned char *)out, mac, (int)n);
}
