/* SPDX-License-Identifier: MIT
 * A hash map from byte strings to pointers, keyed with SipHash-1-3 so that hostile names cannot
 * make it slow. The map holds no keys: the values know theirs. */
#ifndef SP_MAP_H
#define SP_MAP_H

#include "libproto/types.h"

typedef struct sp_str (*sp_map_key_fn)(const void *value);

struct sp_map_slot {
    uint32_t hash;
    void *value; /* NULL: free */
};

/* sp_map borrows its values; the key of a value must not change while it is in. */
struct sp_map {
    struct sp_map_slot *slots;
    uint32_t mask, count;
    uint64_t k0, k1;
    sp_map_key_fn key_of;
};

/* sp_map_init takes 16 bytes of randomness; false when out of memory. */
bool sp_map_init(struct sp_map *m, sp_map_key_fn key_of, const uint8_t secret[16]);
void sp_map_fini(struct sp_map *m);

/* sp_map_get gives the value with that key, or NULL. */
void *sp_map_get(const struct sp_map *m, struct sp_str key);
/* sp_map_put adds a value whose key is not in the map; false when out of memory. */
bool sp_map_put(struct sp_map *m, void *value);
/* sp_map_del removes and gives the value with that key, or NULL. */
void *sp_map_del(struct sp_map *m, struct sp_str key);

/* sp_siphash is SipHash-1-3. */
uint64_t sp_siphash(uint64_t k0, uint64_t k1, const char *p, size_t n);

#endif
