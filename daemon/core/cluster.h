/* SPDX-License-Identifier: MIT
 * The hub as one node of several. Each knows all clients: those of other nodes stand in the
 * registry as its own do, as clients without a socket, so that list, presence, rights and sessions
 * know no difference. What is sent to one of them is carried to its node, which answers what became
 * of it.
 *
 * Nodes tell each other who joins and leaves, in order for each pair of nodes; whoever may have
 * missed something asks for all. An id belongs to the registration with the highest epoch, wherever
 * it is: two nodes that were parted agree as soon as they hear of each other. */
#ifndef CORE_CLUSTER_H
#define CORE_CLUSTER_H

#include "daemon/core/busmsg.h"
#include "daemon/core/hub.h"

#define CLUSTER_NODES   32u
#define CLUSTER_CLIENTS 262144u /* of all other nodes */
#define CLUSTER_BATCH   (256u * 1024u)
#define CLUSTER_PENDING 16384u /* messages under way to one node */

struct client;
struct session;

/* carried is a message under way; owned by its node's list, its strings stand behind it. */
struct carried {
    struct carried *next;
    uint64_t seq, due_us;
    struct hub_ref sender;
    enum sp_type kind;
    bool opened; /* its session */
    struct sp_str rid, target, session;
};

struct node {
    char name[SP_ID_MAX];
    uint8_t nname;
    bool up;       /* heard of lately */
    bool asked;    /* its clients are not all known: it was asked for them */
    bool listing;  /* between BEGIN and END */
    bool watches;  /* it has monitors, who hear of our events */
    uint64_t boot; /* of its life */
    uint64_t heard_us, asked_us;
    struct client *clients; /* of it that we know */
    uint32_t outdone; /* of its clients that a later registration elsewhere has put aside, and of
                       * which it has not said that they left */
    uint64_t listed;  /* clients that were not named since the last BEGIN have an older mark */
    char *out;        /* what leaves at the end of the turn */
    size_t nout, out_cap;
    struct carried *first, **last;
    uint32_t ncarried;
    uint64_t next_seq;
};

struct cluster {
    bool on, up;
    char name[SP_ID_MAX];
    uint8_t nname;
    struct node *nodes; /* CLUSTER_NODES of them */
    unsigned nnodes;
    uint32_t nclients; /* of all other nodes */
    uint64_t hello_us; /* when the next is due */
    bool watches;      /* as it was told last */
    bool watched;      /* by some other node */
    struct hub_cluster_counts counts;
};

/* cluster_init is called once; without a name the hub is alone. */
bool cluster_init(struct hub *h, struct sp_str name);
void cluster_fini(struct hub *h);
/* cluster_tick says hello, gives up what was not answered, sends what was gathered; gives when to
 * be called again. */
uint64_t cluster_tick(struct hub *h);
/* cluster_regrade finds the place of others' clients in a new table of rights. */
void cluster_regrade(struct hub *h);

/* cluster_joined tells the others that a client of ours is registered, or is other than before;
 * kept: its sessions go on. cluster_left tells them that it is not any more. */
void cluster_joined(struct hub *h, const struct client *c, bool kept);
void cluster_left(struct hub *h, const struct client *c, enum sp_bye why);
/* cluster_vacant notes that a client has gone: one that it outdid may have its id now. */
void cluster_vacant(struct hub *h);
/* cluster_epoch gives the epoch of a registration that takes the place of old, which may be NULL.
 */
uint64_t cluster_epoch(struct hub *h, const struct client *old);
/* cluster_kick has another node's client closed. */
void cluster_kick(struct hub *h, const struct client *c);
/* cluster_carry sends a composed message to another node's client. False: answered with an error.
 */
bool cluster_carry(struct hub *h, struct client *c, const struct sp_msg *m, struct client *to,
                   struct session *s, struct sp_str text);
/* cluster_event tells an event of ours to the nodes that have monitors; cluster_watch, to all, that
 * we have some, or none any more. */
void cluster_event(struct hub *h, const struct sp_event *ev);
void cluster_watch(struct hub *h);
/* cluster_name gives the name of the node that a client is with. */
struct sp_str cluster_name(const struct hub *h, const struct client *c);

/* --- between the files of the cluster */

/* node_say gathers a record for a node; it leaves at the end of the turn. */
void node_say(struct hub *h, struct node *n, const struct bus_rec *r);
void node_say_all(struct hub *h, const struct bus_rec *r);
/* remote_*: other nodes' clients. */
void remote_join(struct hub *h, struct node *n, const struct bus_rec *r);
void remote_leave(struct hub *h, struct node *n, const struct bus_rec *r);
/* remote_drop takes one out, or all that the last list of its node did not name, or all. */
void remote_drop(struct hub *h, struct client *c, enum sp_bye why);
void remote_drop_unlisted(struct hub *h, struct node *n);
void remote_drop_all(struct hub *h, struct node *n);
/* remote_displaced ends one whose id is registered here now; it is out of the registry already. */
void remote_displaced(struct hub *h, struct client *c);
/* remote_tell says all clients of ours to a node. */
void remote_tell(struct hub *h, struct node *n);
/* carry_take delivers what another node carries to us; carry_done hears what became of ours. */
void carry_take(struct hub *h, struct node *n, const struct bus_rec *r);
void carry_done(struct hub *h, struct node *n, const struct bus_rec *r);
/* carry_late gives up what was not answered in time; carry_fail all that is under way. */
void carry_late(struct hub *h, struct node *n);
void carry_fail(struct hub *h, struct node *n, enum sp_err e);

#endif
