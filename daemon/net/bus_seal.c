/* SPDX-License-Identifier: MIT
 * What a message on the bus looks like, and which are believed. */
#include "daemon/net/bus_seal.h"

#include "libproto/id.h"

#include <assert.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>

#define VERSION    1
#define AT_BOOT    3u
#define AT_COUNTER 11u
#define AT_WALL    19u
#define AT_NAME    27u
#define DIGEST_LEN 32u

const char *bus_verdict_word(enum bus_verdict v)
{
    static const char *const words[] = {"good",     "malformed", "forged", "replayed",
                                        "untimely", "twin",      "crowded"};
    return words[v];
}

/* ---------------------------------------------------------------- MAC */

struct bus_mac {
    EVP_MAC *mac;
    EVP_MAC_CTX *ctx;
};

struct bus_mac *bus_mac_new(const uint8_t *key, size_t n)
{
    char sha256[] = "SHA256";
    OSSL_PARAM params[] = {OSSL_PARAM_utf8_string(OSSL_MAC_PARAM_DIGEST, sha256, 6),
                           OSSL_PARAM_END};
    struct bus_mac *m = calloc(1, sizeof(*m));
    if (!m) {
        return NULL;
    }
    m->mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    m->ctx = m->mac ? EVP_MAC_CTX_new(m->mac) : NULL;
    if (!m->ctx || !EVP_MAC_init(m->ctx, key, n, params)) {
        bus_mac_free(m);
        return NULL;
    }
    return m;
}

void bus_mac_free(struct bus_mac *m)
{
    if (m) {
        EVP_MAC_CTX_free(m->ctx);
        EVP_MAC_free(m->mac);
        free(m);
    }
}

/* Without a key the context begins anew with the one it has, whose two blocks are hashed already.
 */
static bool mac_make(struct bus_mac *m, struct sp_str channel, struct sp_str head,
                     struct sp_str payload, uint8_t out[DIGEST_LEN])
{
    uint8_t n = (uint8_t)channel.n;
    size_t len;
    return EVP_MAC_init(m->ctx, NULL, 0, NULL) && EVP_MAC_update(m->ctx, &n, 1) &&
           EVP_MAC_update(m->ctx, (const uint8_t *)channel.p, channel.n) &&
           EVP_MAC_update(m->ctx, (const uint8_t *)head.p, head.n) &&
           EVP_MAC_update(m->ctx, (const uint8_t *)payload.p, payload.n) &&
           EVP_MAC_final(m->ctx, out, &len, DIGEST_LEN) && len == DIGEST_LEN;
}

/* ---------------------------------------------------------------- bytes */

static void put64(char *p, uint64_t v)
{
    for (unsigned i = 0; i < 8; i++) {
        p[i] = (char)(v >> (56 - 8 * i));
    }
}

static uint64_t get64(const char *p)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < 8; i++) {
        v = v << 8 | (unsigned char)p[i];
    }
    return v;
}

size_t bus_seal(struct bus_mac *m, struct sp_str channel, const struct bus_letter *l, char *out,
                size_t cap)
{
    uint8_t mac[DIGEST_LEN];
    size_t head = AT_NAME + l->node.n, n = head + BUS_MAC_LEN + l->payload.n;
    assert(sp_id_ok(l->node) && channel.n <= BUS_CHANNEL_MAX);
    if (n > cap) {
        return 0;
    }
    out[0] = VERSION;
    out[1] = (char)l->kind;
    out[2] = (char)l->node.n;
    put64(out + AT_BOOT, l->boot);
    put64(out + AT_COUNTER, l->counter);
    put64(out + AT_WALL, (uint64_t)l->wall_ms);
    memcpy(out + AT_NAME, l->node.p, l->node.n);
    if (!mac_make(m, channel, (struct sp_str){out, head}, l->payload, mac)) {
        return 0;
    }
    memcpy(out + head, mac, BUS_MAC_LEN);
    if (l->payload.n) {
        memcpy(out + head + BUS_MAC_LEN, l->payload.p, l->payload.n);
    }
    return n;
}

enum bus_verdict bus_open(struct bus_mac *m, struct sp_str channel, const char *p, size_t n,
                          struct bus_letter *l)
{
    uint8_t mac[DIGEST_LEN];
    if (n < BUS_HEAD_MIN || p[0] != VERSION || (unsigned char)p[1] >= BUS_KINDS) {
        return BUS_MALFORMED;
    }
    struct sp_str name = {p + AT_NAME, (unsigned char)p[2]};
    size_t head = AT_NAME + name.n;
    if (n < head + BUS_MAC_LEN || n - head - BUS_MAC_LEN > BUS_PAYLOAD_MAX || !sp_id_ok(name)) {
        return BUS_MALFORMED;
    }
    struct sp_str payload = {p + head + BUS_MAC_LEN, n - head - BUS_MAC_LEN};
    if (!mac_make(m, channel, (struct sp_str){p, head}, payload, mac) ||
        CRYPTO_memcmp(mac, p + head, BUS_MAC_LEN) != 0) {
        return BUS_FORGED;
    }
    *l = (struct bus_letter){.kind = (enum bus_kind)p[1],
                             .node = name,
                             .payload = payload,
                             .boot = get64(p + AT_BOOT),
                             .counter = get64(p + AT_COUNTER),
                             .wall_ms = (int64_t)get64(p + AT_WALL)};
    return BUS_GOOD;
}

/* ---------------------------------------------------------------- who is believed */

static struct bus_peer *find(struct bus_peers *p, struct sp_str name)
{
    for (unsigned i = 0; i < p->n; i++) {
        if (sp_str_eq((struct sp_str){p->v[i].name, p->v[i].n}, name)) {
            return &p->v[i];
        }
    }
    return NULL;
}

static bool is_forgotten(const struct bus_peer *peer, struct bus_now now)
{
    return now.mono_ms - peer->heard_ms > BUS_FORGET_MS;
}

/* Only those who have been silent so long that they are dead make room: who knows the key could
 * otherwise make us forget somebody, and replay him. */
static struct bus_peer *add(struct bus_peers *p, struct sp_str name, struct bus_now now)
{
    struct bus_peer *peer = NULL;
    for (unsigned i = 0; i < p->n && !peer; i++) {
        peer = is_forgotten(&p->v[i], now) ? &p->v[i] : NULL;
    }
    if (!peer && p->n < BUS_PEERS) {
        peer = &p->v[p->n++];
    }
    if (peer) {
        memset(peer, 0, sizeof(*peer));
        memcpy(peer->name, name.p, name.n);
        peer->n = (uint8_t)name.n;
    }
    return peer;
}

static bool is_timely(const struct bus_letter *l, struct bus_now now)
{
    return l->wall_ms >= now.wall_ms - BUS_SKEW_MS && l->wall_ms <= now.wall_ms + BUS_SKEW_MS;
}

/* A probe repeats the number of the last message, so that its loss is seen. */
static enum bus_verdict believe_counter(struct bus_peer *peer, enum bus_ear ear,
                                        const struct bus_letter *l, bool *gap)
{
    uint64_t next = peer->last[ear] + (l->kind == BUS_MESSAGE);
    if (l->counter < next) {
        return BUS_REPLAYED;
    }
    *gap = l->counter > next;
    peer->last[ear] = l->counter;
    return BUS_GOOD;
}

/* A life that is older than the one that is known would be a replay, unless nothing has been heard
 * for so long that it can only be a clock that was set back: what is timely now was not recorded.
 */
enum bus_verdict bus_believe(struct bus_peers *p, enum bus_ear ear, const struct bus_letter *l,
                             struct bus_now now, bool *gap)
{
    bool is_self = sp_str_eq(l->node, p->self), is_new_life = false;
    if (is_self && l->boot != p->boot) {
        return BUS_TWIN;
    }
    struct bus_peer *peer = find(p, l->node);
    bool known = peer && !is_forgotten(peer, now);
    if (known && l->boot < peer->boot) {
        return BUS_REPLAYED;
    }
    if (!known || l->boot > peer->boot) {
        if (!is_timely(l, now)) {
            return BUS_UNTIMELY;
        }
        is_new_life = peer && l->boot != peer->boot;
        if (!peer && !(peer = add(p, l->node, now))) {
            return BUS_CROWDED;
        }
        if (peer->boot != l->boot) {
            memset(peer->last, 0, sizeof(peer->last));
            peer->boot = l->boot;
        }
    }
    enum bus_verdict v = believe_counter(peer, ear, l, gap);
    if (v == BUS_GOOD) {
        peer->heard_ms = now.mono_ms;
        *gap = !is_self && (*gap || is_new_life);
    }
    return v;
}
