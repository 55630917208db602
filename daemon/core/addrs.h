/* SPDX-License-Identifier: MIT
 * What is remembered of addresses: how fast they connect, how often they failed to authenticate. A
 * table of fixed size; where it is full, the address that has the least to remember goes. */
#ifndef CORE_ADDRS_H
#define CORE_ADDRS_H

#include "daemon/core/bucket.h"

#include <stddef.h>

#define ADDRS_SETS 1024u /* with 8 ways: 8192 addresses, 256 KiB */
#define ADDRS_WAYS 8u

/* addr_key names an address: IPv4 as ::ffff:a.b.c.d, of IPv6 the first 64 bits. */
struct addr_key {
    uint8_t b[16];
};

struct addr_entry {
    struct addr_key key;
    uint64_t connects, failures; /* buckets */
};

/* addrs allocates its table with the first address. The key keeps strangers from choosing which
 * entries they push out. */
struct addrs {
    struct addr_entry *v;
    uint8_t secret[16];
};

void addrs_fini(struct addrs *a);

/* addrs_get gives the entry of an address, made when it is new; NULL when out of memory. Borrowed
 * until the next call. */
struct addr_entry *addrs_get(struct addrs *a, const struct addr_key *key);

#endif
