/* SPDX-License-Identifier: MIT
 * Addresses: a set-associative table, the way a processor's cache is one. */
#include "daemon/core/addrs.h"

#include "libproto/map.h"

#include <stdlib.h>
#include <string.h>

void addrs_fini(struct addrs *a)
{
    free(a->v);
    a->v = NULL;
}

static struct addr_entry *set_of(const struct addrs *a, const struct addr_key *key)
{
    uint64_t k[2];
    memcpy(k, a->secret, sizeof(k));
    uint64_t hash = sp_siphash(k[0], k[1], (const char *)key->b, sizeof(key->b));
    return &a->v[(hash % ADDRS_SETS) * ADDRS_WAYS];
}

/* Until when there is something to remember. */
static uint64_t until(const struct addr_entry *e)
{
    return e->connects > e->failures ? e->connects : e->failures;
}

struct addr_entry *addrs_get(struct addrs *a, const struct addr_key *key)
{
    if (!a->v) {
        a->v = calloc(ADDRS_SETS * ADDRS_WAYS, sizeof(*a->v));
        if (!a->v) {
            return NULL;
        }
    }
    struct addr_entry *set = set_of(a, key), *least = set;
    for (unsigned i = 0; i < ADDRS_WAYS; i++) {
        if (memcmp(&set[i].key, key, sizeof(*key)) == 0) {
            return &set[i];
        }
        if (until(&set[i]) < until(least)) {
            least = &set[i];
        }
    }
    *least = (struct addr_entry){.key = *key};
    return least;
}
