/* SPDX-License-Identifier: MIT
 * Open addressing with linear probing and backward-shift deletion; at most half full, so that a
 * miss ends after a probe or two. */
#include "libproto/map.h"

#include <stdlib.h>

#define FIRST_SLOTS 64u

static inline uint64_t rotl(uint64_t v, unsigned n)
{
    return v << n | v >> (64 - n);
}

#define SIPROUND                                                                                   \
    do {                                                                                           \
        v0 += v1;                                                                                  \
        v1 = rotl(v1, 13) ^ v0;                                                                    \
        v0 = rotl(v0, 32);                                                                         \
        v2 += v3;                                                                                  \
        v3 = rotl(v3, 16) ^ v2;                                                                    \
        v0 += v3;                                                                                  \
        v3 = rotl(v3, 21) ^ v0;                                                                    \
        v2 += v1;                                                                                  \
        v1 = rotl(v1, 17) ^ v2;                                                                    \
        v2 = rotl(v2, 32);                                                                         \
    } while (0)

uint64_t sp_siphash(uint64_t k0, uint64_t k1, const char *p, size_t n)
{
    uint64_t v0 = k0 ^ 0x736f6d6570736575u, v1 = k1 ^ 0x646f72616e646f6du;
    uint64_t v2 = k0 ^ 0x6c7967656e657261u, v3 = k1 ^ 0x7465646279746573u;
    uint64_t last = (uint64_t)n << 56, word;
    size_t left = n;
    for (; left >= 8; left -= 8, p += 8) {
        memcpy(&word, p, 8);
        v3 ^= word;
        SIPROUND;
        v0 ^= word;
    }
    for (size_t i = 0; i < left; i++) {
        last |= (uint64_t)(unsigned char)p[i] << (8 * i);
    }
    v3 ^= last;
    SIPROUND;
    v0 ^= last;
    v2 ^= 0xff;
    SIPROUND;
    SIPROUND;
    SIPROUND;
    return v0 ^ v1 ^ v2 ^ v3;
}

bool sp_map_init(struct sp_map *m, sp_map_key_fn key_of, const uint8_t secret[16])
{
    *m = (struct sp_map){.mask = FIRST_SLOTS - 1, .key_of = key_of};
    memcpy(&m->k0, secret, 8);
    memcpy(&m->k1, secret + 8, 8);
    m->slots = calloc(FIRST_SLOTS, sizeof(*m->slots));
    return m->slots != NULL;
}

void sp_map_fini(struct sp_map *m)
{
    free(m->slots);
    m->slots = NULL;
}

static uint32_t hash_of(const struct sp_map *m, struct sp_str key)
{
    return (uint32_t)sp_siphash(m->k0, m->k1, key.p, key.n);
}

/* The slot that holds the key, or the free one where it would go. */
static uint32_t locate(const struct sp_map *m, struct sp_str key, uint32_t hash)
{
    uint32_t i = hash & m->mask;
    while (m->slots[i].value &&
           (m->slots[i].hash != hash || !sp_str_eq(m->key_of(m->slots[i].value), key))) {
        i = (i + 1) & m->mask;
    }
    return i;
}

void *sp_map_get(const struct sp_map *m, struct sp_str key)
{
    return m->slots[locate(m, key, hash_of(m, key))].value;
}

static bool grow(struct sp_map *m)
{
    uint32_t cap = (m->mask + 1) * 2;
    struct sp_map_slot *old = m->slots, *now = calloc(cap, sizeof(*now));
    if (!now) {
        return false;
    }
    for (uint32_t i = 0; i <= m->mask; i++) {
        if (!old[i].value) {
            continue;
        }
        uint32_t k = old[i].hash & (cap - 1);
        while (now[k].value) {
            k = (k + 1) & (cap - 1);
        }
        now[k] = old[i];
    }
    free(old);
    m->slots = now;
    m->mask = cap - 1;
    return true;
}

bool sp_map_put(struct sp_map *m, void *value)
{
    if (m->count * 2 > m->mask && !grow(m)) {
        return false;
    }
    struct sp_str key = m->key_of(value);
    uint32_t hash = hash_of(m, key);
    m->slots[locate(m, key, hash)] = (struct sp_map_slot){hash, value};
    m->count++;
    return true;
}

void *sp_map_del(struct sp_map *m, struct sp_str key)
{
    uint32_t hole = locate(m, key, hash_of(m, key));
    void *value = m->slots[hole].value;
    if (!value) {
        return NULL;
    }
    m->count--;
    for (uint32_t i = (hole + 1) & m->mask; m->slots[i].value; i = (i + 1) & m->mask) {
        uint32_t home = m->slots[i].hash & m->mask;
        if (((i - home) & m->mask) >= ((i - hole) & m->mask)) {
            m->slots[hole] = m->slots[i];
            hole = i;
        }
    }
    m->slots[hole].value = NULL;
    return value;
}
