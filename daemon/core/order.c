/* SPDX-License-Identifier: MIT
 * The sorted index behind list. */
#include "daemon/core/order.h"

#include "daemon/core/priv.h"

#include <stdlib.h>

static uint64_t prefix_of(struct sp_str id)
{
    unsigned char b[8] = {0};
    memcpy(b, id.p, id.n < 8 ? id.n : 8);
    uint64_t v = 0;
    for (int i = 0; i < 8; i++) {
        v = v << 8 | b[i];
    }
    return v;
}

static int compare_ids(uint64_t pa, struct sp_str a, uint64_t pb, struct sp_str b)
{
    if (pa != pb) {
        return pa < pb ? -1 : 1;
    }
    int r = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);
    return r ? r : (a.n > b.n) - (a.n < b.n);
}

static int compare_entries(const void *x, const void *y)
{
    const struct order_entry *a = x, *b = y;
    return compare_ids(a->prefix, a->client->id, b->prefix, b->client->id);
}

void order_fini(struct order *o)
{
    free(o->sorted);
    free(o->fresh);
}

static bool reserve(struct order_entry **v, uint32_t *cap, uint32_t need)
{
    if (need <= *cap) {
        return true;
    }
    uint32_t n = *cap ? *cap * 2 : 64;
    while (n < need) {
        n *= 2;
    }
    struct order_entry *p = realloc(*v, n * sizeof(**v));
    if (!p) {
        return false;
    }
    *v = p;
    *cap = n;
    return true;
}

bool order_reserve(struct order *o)
{
    return reserve(&o->fresh, &o->fresh_cap, o->nfresh + 1);
}

void order_add(struct order *o, struct client *c)
{
    c->order_pos = o->nfresh;
    o->fresh[o->nfresh++] = (struct order_entry){prefix_of(c->id), c};
}

void order_remove(struct order *o, struct client *c)
{
    if (c->order_pos != ORDER_SORTED) {
        struct order_entry last = o->fresh[--o->nfresh];
        o->fresh[c->order_pos] = last;
        last.client->order_pos = c->order_pos;
        return;
    }
    uint32_t i = order_after(o, c->id) - 1;
    memmove(&o->sorted[i], &o->sorted[i + 1], (o->nsorted - i - 1) * sizeof(*o->sorted));
    o->nsorted--;
}

bool order_settle(struct order *o)
{
    if (o->nfresh == 0) {
        return true;
    }
    if (!reserve(&o->sorted, &o->sorted_cap, o->nsorted + o->nfresh)) {
        return false;
    }
    qsort(o->fresh, o->nfresh, sizeof(*o->fresh), compare_entries);
    /* from the back, so that the merge needs no third array */
    uint32_t a = o->nsorted, b = o->nfresh;
    for (uint32_t k = a + b; b > 0;) {
        if (a > 0 && compare_entries(&o->sorted[a - 1], &o->fresh[b - 1]) > 0) {
            o->sorted[--k] = o->sorted[--a];
        } else {
            o->sorted[--k] = o->fresh[--b];
            o->sorted[k].client->order_pos = ORDER_SORTED;
        }
    }
    o->nsorted += o->nfresh;
    o->nfresh = 0;
    return true;
}

uint32_t order_after(const struct order *o, struct sp_str id)
{
    uint64_t prefix = prefix_of(id);
    uint32_t low = 0, high = o->nsorted;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        const struct order_entry *e = &o->sorted[mid];
        if (compare_ids(e->prefix, e->client->id, prefix, id) <= 0) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low;
}
