/* SPDX-License-Identifier: MIT
 * Offers that wait for a target that is not there yet: the member hold. */
#ifndef CORE_HELD_H
#define CORE_HELD_H

#include "daemon/core/hub.h"
#include "libproto/map.h"

/* A peer may call a handful that are late; what it holds is two messages of the default size at
 * least. In all: 4096 offers of 4 KiB, which is an SDP with all its candidates. */
#define HELD_OFFERS     16u
#define HELD_BYTES      (128u * 1024u)
#define HELD_ALL_OFFERS 4096u
#define HELD_ALL_BYTES  (16u * 1024u * 1024u)
#define HELD_MAX_US     60000000u /* as long as a session may be unanswered by default */

struct client;
struct held;

/* holding is what the hub holds for all; by target. */
struct holding {
    struct sp_map targets; /* of struct waited */
    uint32_t count;
    size_t bytes;
};

/* held_by is what one client has waiting. */
struct held_by {
    struct held *first; /* newest */
    uint32_t count;
    size_t bytes;
};

bool held_init(struct holding *k, const uint8_t secret[16]);
/* held_fini expects that everything was dropped. */
void held_fini(struct holding *k);
/* held_keep takes an offer that asks for it and whose target the sender cannot see; false: it has
 * to be handled now. */
bool held_keep(struct hub *h, struct client *c, const struct sp_msg *m);
/* held_arrived has the offers for c handled as if they came now; hub.msg is theirs afterwards. */
void held_arrived(struct hub *h, struct client *c);
/* held_look does so for all targets, when rights are others. */
void held_look(struct hub *h);
void held_timer(struct hub *h, struct held *o);
/* held_drop forgets, without a word, what a client has waiting. */
void held_drop(struct hub *h, struct client *c);

#endif
