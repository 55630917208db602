/* SPDX-License-Identifier: MIT
 * Clients in the order of their ids, for listing. Joining costs O(1): newcomers wait unsorted until
 * somebody lists, then they are sorted and merged in. */
#ifndef CORE_ORDER_H
#define CORE_ORDER_H

#include "libproto/types.h"

struct client;

/* The first eight bytes of the id, big-endian, decide most comparisons without touching it. */
struct order_entry {
    uint64_t prefix;
    struct client *client;
};

/* order borrows the clients; fresh newcomers know their place there (client->order_pos). */
struct order {
    struct order_entry *sorted, *fresh;
    uint32_t nsorted, sorted_cap, nfresh, fresh_cap;
};

#define ORDER_SORTED UINT32_MAX /* client->order_pos once it is merged */

void order_fini(struct order *o);
/* order_reserve makes room for one more; false when out of memory. */
bool order_reserve(struct order *o);
/* order_add takes a registered client in; there must be room. */
void order_add(struct order *o, struct client *c);
void order_remove(struct order *o, struct client *c);

/* order_settle sorts the newcomers in; false when out of memory. The entries are then in
 * o->sorted[0..nsorted) until the next change. */
bool order_settle(struct order *o);
/* order_after gives the index of the first entry whose id is greater than id. */
uint32_t order_after(const struct order *o, struct sp_str id);

#endif
