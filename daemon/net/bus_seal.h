/* SPDX-License-Identifier: MIT
 * What a message on the bus looks like, and which are believed. Pure: no socket, no clock. */
#ifndef NET_BUS_SEAL_H
#define NET_BUS_SEAL_H

#include "daemon/net/bus.h"
#include "libproto/limits.h"

/* The bytes of a message, numbers big-endian:
 *   0  version, 1
 *   1  kind
 *   2  length of the name, 1 to SP_ID_MAX
 *   3  boot: when the sender's life began, microseconds since 1970
 *  11  counter: of this life's messages to this channel, from 1; a probe repeats the last one
 *  19  when it was sent, milliseconds since 1970
 *  27  name, then the MAC, then the payload
 * The MAC is the first half of HMAC-SHA256 over the length of the channel's name (one byte), that
 * name, what is before the MAC, and the payload. */
#define BUS_MAC_LEN  16u
#define BUS_HEAD_MIN (27u + 1u + BUS_MAC_LEN)
#define BUS_HEAD_MAX (27u + SP_ID_MAX + BUS_MAC_LEN)

#define BUS_ALL         "sigkit:all"
#define BUS_NODE        "sigkit:node:"
#define BUS_CHANNEL_MAX (sizeof(BUS_NODE) - 1 + SP_ID_MAX)

#define BUS_PEERS     64u     /* nodes that are remembered */
#define BUS_SKEW_MS   30000   /* how far clocks may be apart when nodes meet */
#define BUS_FORGET_MS 120000u /* no life is that silent. After it nothing recorded is timely */

enum bus_kind { BUS_MESSAGE, BUS_PROBE, BUS_KINDS };

/* bus_letter borrows node and payload. */
struct bus_letter {
    enum bus_kind kind;
    struct sp_str node, payload;
    uint64_t boot, counter;
    int64_t wall_ms;
};

enum bus_verdict {
    BUS_GOOD,
    BUS_MALFORMED,
    BUS_FORGED,
    BUS_REPLAYED,
    BUS_UNTIMELY,
    BUS_TWIN,
    BUS_CROWDED
};

const char *bus_verdict_word(enum bus_verdict v);

/* bus_mac holds the key, ready for use. */
struct bus_mac;
struct bus_mac *bus_mac_new(const uint8_t *key, size_t n);
void bus_mac_free(struct bus_mac *m);

/* bus_seal writes a letter for a channel; cap is at least BUS_HEAD_MAX and the payload. Gives its
 * bytes, 0 when the MAC cannot be made. */
size_t bus_seal(struct bus_mac *m, struct sp_str channel, const struct bus_letter *l, char *out,
                size_t cap);

/* bus_open reads a letter that came on a channel and checks its MAC: BUS_GOOD, BUS_MALFORMED or
 * BUS_FORGED; l is filled only by the first. */
enum bus_verdict bus_open(struct bus_mac *m, struct sp_str channel, const char *p, size_t n,
                          struct bus_letter *l);

/* The two channels that a node hears; each numbers its messages. */
enum bus_ear { BUS_EAR_ALL, BUS_EAR_NODE, BUS_EARS };

struct bus_peer {
    char name[SP_ID_MAX];
    uint8_t n;
    uint64_t boot, last[BUS_EARS], heard_ms;
};

/* bus_peers is what is known of the others, and of this node itself. */
struct bus_peers {
    struct bus_peer v[BUS_PEERS];
    unsigned n;
    struct sp_str self; /* borrowed */
    uint64_t boot;
};

/* bus_now is a monotonic clock and the wall's. */
struct bus_now {
    uint64_t mono_ms;
    int64_t wall_ms;
};

/* bus_believe decides whether an authentic letter is new, and remembers it then. *gap: something
 * before it has not come. */
enum bus_verdict bus_believe(struct bus_peers *p, enum bus_ear ear, const struct bus_letter *l,
                             struct bus_now now, bool *gap);

#endif
