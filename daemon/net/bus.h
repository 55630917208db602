/* SPDX-License-Identifier: MIT
 * The bus on which the nodes of a cluster talk: Redis Pub/Sub, nothing is stored. One thread. */
#ifndef NET_BUS_H
#define NET_BUS_H

#include "libproto/types.h"

#include <uv.h>

#define BUS_PAYLOAD_MAX    (1024u * 1024u)
#define BUS_KEY_MIN        16u
#define BUS_UNSENT_MAX     (8u * 1024u * 1024u) /* bytes that wait for a Redis that does not read */
#define BUS_UNANSWERED_MAX 65536u               /* messages it has not yet answered */

struct bus;

/* bus_conf is borrowed for the call of bus_new. url is redis://[[user]:password@]host[:port][/db]
 * or unix:/path[?user=U&pass=P&db=N]; node an id; key what the nodes of the cluster share. */
struct bus_conf {
    const char *url, *node;
    const uint8_t *key;
    size_t nkey;
};

/* bus_hooks get the ctx of bus_new first. They are called from the loop, never from within a
 * function of the bus; they may send, and may close the bus. What they are given is borrowed. */
struct bus_hooks {
    /* a message of another node, or of this one: authentic, once and in order for each of the two
     * channels that a node hears; boot tells the lives of a node apart, later ones are greater */
    void (*message)(void *ctx, struct sp_str node, uint64_t boot, const char *p, size_t n);
    /* messages of another node to this one or to all are lost, or it has begun a new life, or it
     * had sent some before this node heard of it; comes before the next message of it */
    void (*gap)(void *ctx, struct sp_str node);
    /* a message to that node reached nobody */
    void (*unheard)(void *ctx, struct sp_str node);
    /* up: what is sent is published, and what others publish arrives. Down: what was sent lately
     * may be lost */
    void (*state)(void *ctx, bool up);
};

/* bus_counts only grow. Those of messages include the ones to and of this node, but no probes. */
struct bus_counts {
    uint64_t sent, bytes_sent, received, bytes_received;
    uint64_t malformed; /* refused: no message of ours, or one that is cut */
    uint64_t forged;    /* refused: made without the key, or for another channel */
    uint64_t replayed;  /* refused: of a former life, or not newer than the last one */
    uint64_t untimely;  /* refused: a new node or life whose clock is off by more than 30 s */
    uint64_t twins;     /* refused: another node has our name */
    uint64_t crowded;   /* refused: more nodes than are remembered */
    uint64_t gaps, unheard, reconnects;
};

/* bus_check_url tells whether a URL can be used. False with a sentence in why that holds no secret.
 */
bool bus_check_url(const char *url, char *why, size_t cap);

/* bus_new begins to connect, and never ceases to. NULL with a sentence in why. */
struct bus *bus_new(uv_loop_t *loop, const struct bus_conf *conf, const struct bus_hooks *hooks,
                    void *ctx, char *why, size_t cap);

/* bus_send publishes n bytes to a node, or with an empty name to all, this one too; the bytes are
 * copied. Messages to the same arrive in order. False, and nothing is sent: the bus is down, more
 * than BUS_UNSENT_MAX bytes or BUS_UNANSWERED_MAX messages are under way, or n is more than
 * BUS_PAYLOAD_MAX. */
bool bus_send(struct bus *b, struct sp_str to, const char *p, size_t n);

bool bus_up(const struct bus *b);
const struct bus_counts *bus_counts(const struct bus *b);

/* bus_close calls no hook any more; what is not yet handed to the kernel is tried once. The handles
 * close in the loop, which frees the bus. NULL is fine. While the name of a host is looked up the
 * loop does not end. */
void bus_close(struct bus *b);

#endif
