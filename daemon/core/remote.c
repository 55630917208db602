/* SPDX-License-Identifier: MIT
 * Other nodes' clients in our registry, and ours in theirs. */
#include "daemon/core/cluster.h"

#include "daemon/core/priv.h"

#include <stdlib.h>

enum { JOIN_KEPT = 1, JOIN_LOCAL = 2, JOIN_VOUCHED = 4 };

/* ---------------------------------------------------------------- ours, told to them */

static struct bus_rec join_of(const struct client *c, bool kept)
{
    struct bus_rec r = {.type = BUS_JOIN};
    r.num[BUS_F_epoch] = c->epoch;
    r.num[BUS_F_since] = (uint64_t)c->since_ms;
    r.num[BUS_F_flags] =
        (kept ? JOIN_KEPT : 0u) | (c->local ? JOIN_LOCAL : 0u) | (c->grant ? JOIN_VOUCHED : 0u);
    r.str[BUS_F_id] = c->id;
    r.str[BUS_F_role] = c->role;
    r.str[BUS_F_meta] = c->meta;
    if (c->grant) {
        r.str[BUS_F_grant] = c->grant->role;
    }
    return r;
}

void cluster_joined(struct hub *h, const struct client *c, bool kept)
{
    struct bus_rec r = join_of(c, kept);
    node_say_all(h, &r);
}

void cluster_left(struct hub *h, const struct client *c, enum sp_bye why)
{
    struct bus_rec r = {.type = BUS_LEAVE};
    r.num[BUS_F_epoch] = c->epoch;
    r.num[BUS_F_code] = why;
    r.str[BUS_F_id] = c->id;
    node_say_all(h, &r);
}

void cluster_kick(struct hub *h, const struct client *c)
{
    struct bus_rec r = {.type = BUS_KICK};
    r.num[BUS_F_epoch] = c->epoch;
    r.str[BUS_F_id] = c->id;
    node_say(h, c->node, &r);
}

void cluster_vacant(struct hub *h)
{
    for (unsigned i = 0; i < h->cluster.nnodes; i++) {
        struct node *n = &h->cluster.nodes[i];
        n->asked = n->asked || n->outdone;
    }
}

void remote_tell(struct hub *h, struct node *n)
{
    node_say(h, n, &(struct bus_rec){.type = BUS_BEGIN});
    for (uint32_t i = 0; i < h->nslots; i++) {
        struct client *c = h->slots[i];
        if (c && c->state == CLIENT_REGISTERED && client_find(h, c->id) == c) {
            struct bus_rec r = join_of(c, true);
            node_say(h, n, &r);
        }
    }
    node_say(h, n, &(struct bus_rec){.type = BUS_END});
}

/* ---------------------------------------------------------------- theirs */

static void link_in(struct hub *h, struct client *c)
{
    struct node *n = c->node;
    c->remote_prev = NULL;
    c->remote_next = n->clients;
    if (n->clients) {
        n->clients->remote_prev = c;
    }
    n->clients = c;
    h->cluster.nclients++;
}

static void link_out(struct hub *h, struct client *c)
{
    *(c->remote_prev ? &c->remote_prev->remote_next : &c->node->clients) = c->remote_next;
    if (c->remote_next) {
        c->remote_next->remote_prev = c->remote_prev;
    }
    h->cluster.nclients--;
}

/* Its memory goes with that of the dead: a call in progress may still look at it. */
static void bury(struct hub *h, struct client *c)
{
    link_out(h, c);
    c->state = CLIENT_DEAD;
    c->next = h->dead;
    h->dead = c;
}

void remote_displaced(struct hub *h, struct client *c)
{
    c->node->outdone++;
    c->state = CLIENT_CLOSING;
    session_end_all(h, c, SP_BYE_REPLACED);
    bury(h, c);
}

void remote_drop(struct hub *h, struct client *c, enum sp_bye why)
{
    client_leave(h, c, why);
    bury(h, c);
}

void remote_drop_all(struct hub *h, struct node *n)
{
    while (n->clients) {
        remote_drop(h, n->clients, SP_BYE_PEER_LEFT);
    }
}

void remote_drop_unlisted(struct hub *h, struct node *n)
{
    for (struct client *c = n->clients, *next; c; c = next) {
        next = c->remote_next;
        if (c->listed != n->listed) {
            remote_drop(h, c, SP_BYE_PEER_LEFT);
        }
    }
}

/* What a client is said to be; false when out of memory, with nothing changed. */
static bool describe(struct hub *h, struct client *c, const struct bus_rec *r)
{
    struct sp_str grant = r->str[BUS_F_grant], none = {NULL, 0};
    struct sp_str role = str_dup(r->str[BUS_F_role]), meta = str_dup(r->str[BUS_F_meta]);
    struct grant *g = NULL;
    bool vouched = r->num[BUS_F_flags] & JOIN_VOUCHED;
    if (vouched && grant.n <= SP_ROLE_MAX) {
        g = calloc(1, sizeof(*g));
    }
    if (!role.p || !meta.p || (vouched && !g)) {
        str_free(role);
        str_free(meta);
        free(g);
        return false;
    }
    str_free(c->role);
    str_free(c->meta);
    free(c->grant);
    c->role = role.n ? role : (str_free(role), none);
    c->meta = meta.n ? meta : (str_free(meta), none);
    c->grant = g;
    if (g) {
        memcpy(g->role_text, grant.p, grant.n);
        g->role = (struct sp_str){g->role_text, grant.n};
        g->expires_ms = INT64_MAX;
    }
    c->local = r->num[BUS_F_flags] & JOIN_LOCAL;
    c->epoch = r->num[BUS_F_epoch];
    c->since_ms = (int64_t)r->num[BUS_F_since];
    c->listed = c->node->listed;
    auth_place(h, c);
    return true;
}

static struct client *remote_new(struct hub *h, struct node *n, const struct bus_rec *r)
{
    struct client *c = calloc(1, sizeof(*c));
    if (!c) {
        return NULL;
    }
    c->node = n;
    c->state = CLIENT_REGISTERED;
    c->rtt_us = -1;
    c->timer.owner = c;
    queue_init(&c->queue);
    c->id = str_dup(r->str[BUS_F_id]);
    if (!c->id.p || !describe(h, c, r)) {
        client_free(h, c);
        return NULL;
    }
    return c;
}

/* Of two registrations of one id the later counts; at the same microsecond the node's name decides,
 * for all nodes in the same way. */
static bool goes_before(const struct hub *h, const struct client *held, const struct node *n,
                        uint64_t epoch)
{
    struct sp_str a = cluster_name(h, held), b = {n->name, n->nname};
    if (held->epoch != epoch) {
        return held->epoch > epoch;
    }
    int order = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);
    return order ? order > 0 : a.n > b.n;
}

/* Gives up what is held under the id, be it ours or another node's. Watchers hear that it was
 * replaced, not that it left. */
static void give_up(struct hub *h, struct client *held)
{
    sp_map_del(&h->ids, held->id);
    order_remove(&h->order, held);
    if (held->node) {
        remote_displaced(h, held);
    } else {
        /* some may not hear of the one that takes its place */
        cluster_left(h, held, SP_BYE_REPLACED);
        client_doom(h, held, SP_CLOSE_REPLACED);
    }
}

static void enter(struct hub *h, struct client *c, struct client *held)
{
    struct seen before =
        held ? (struct seen){held->role, held->role_ix} : (struct seen){{NULL, 0}, 0};
    if (held) {
        give_up(h, held);
    }
    if (!order_reserve(&h->order) || !sp_map_put(&h->ids, c)) {
        /* asked for again with the next list */
        c->node->asked = true;
        client_free(h, c);
        return;
    }
    order_add(&h->order, c);
    link_in(h, c);
    if (held) {
        presence_change(h, c, before, "replaced");
    } else {
        presence_tell(h, c, "join");
    }
    held_arrived(h, c);
}

/* The same client as before, or its next connection to the same node. */
static void renew(struct hub *h, struct client *c, const struct bus_rec *r)
{
    struct seen before = {str_dup(c->role), c->role_ix};
    bool again = c->epoch != r->num[BUS_F_epoch];
    if (again && !(r->num[BUS_F_flags] & JOIN_KEPT)) {
        c->state = CLIENT_CLOSING;
        session_end_all(h, c, SP_BYE_REPLACED);
        c->state = CLIENT_REGISTERED;
    }
    if (describe(h, c, r) && before.role.p) {
        presence_change(h, c, before, again ? "replaced" : NULL);
        held_arrived(h, c);
    }
    str_free(before.role);
}

void remote_join(struct hub *h, struct node *n, const struct bus_rec *r)
{
    struct client *held = client_find(h, r->str[BUS_F_id]);
    if (held && held->node == n) {
        renew(h, held, r);
        return;
    }
    if (held && goes_before(h, held, n, r->num[BUS_F_epoch])) {
        n->outdone++;
        if (!held->node) {
            struct bus_rec ours = join_of(held, false);
            node_say(h, n, &ours);
        }
        return;
    }
    if (!sp_id_ok(r->str[BUS_F_id]) || h->cluster.nclients >= CLUSTER_CLIENTS) {
        h->cluster.counts.malformed++;
        return;
    }
    struct client *c = remote_new(h, n, r);
    if (c) {
        enter(h, c, held);
    } else {
        n->asked = true;
    }
}

void remote_leave(struct hub *h, struct node *n, const struct bus_rec *r)
{
    struct client *c = client_find(h, r->str[BUS_F_id]);
    uint64_t why = r->num[BUS_F_code];
    if (c && c->node == n && c->epoch == r->num[BUS_F_epoch]) {
        remote_drop(h, c, why < SP_BYE_COUNT ? (enum sp_bye)why : SP_BYE_PEER_LEFT);
    } else if (n->outdone) {
        n->outdone--;
    }
}
