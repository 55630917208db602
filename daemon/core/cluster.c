/* SPDX-License-Identifier: MIT
 * The nodes of a cluster: who is there, what is said to whom, and when. */
#include "daemon/core/cluster.h"

#include "daemon/core/priv.h"

#include <stdlib.h>

#define HELLO_US  1000000u
#define SILENT_US 3500000u /* a node that is not heard of for so long is down */
#define ASK_US    1000000u /* until a list that was asked for is asked for again */
#define OUT_FIRST 4096u

static struct sp_str name_of(const struct node *n)
{
    return (struct sp_str){n->name, n->nname};
}

bool cluster_init(struct hub *h, struct sp_str name)
{
    struct cluster *k = &h->cluster;
    if (!name.n) {
        return true;
    }
    k->nodes = calloc(CLUSTER_NODES, sizeof(*k->nodes));
    k->on = k->nodes != NULL;
    if (k->on) {
        memcpy(k->name, name.p, name.n);
        k->nname = (uint8_t)name.n;
    }
    return k->on;
}

void cluster_fini(struct hub *h)
{
    struct cluster *k = &h->cluster;
    for (unsigned i = 0; i < k->nnodes; i++) {
        struct node *n = &k->nodes[i];
        while (n->clients) {
            struct client *c = n->clients;
            n->clients = c->remote_next;
            while (c->sessions) {
                session_discard(h, c->sessions);
            }
            client_free(h, c);
        }
        while (n->first) {
            struct carried *next = n->first->next;
            free(n->first);
            n->first = next;
        }
        free(n->out);
    }
    free(k->nodes);
    *k = (struct cluster){.on = false};
}

struct sp_str cluster_name(const struct hub *h, const struct client *c)
{
    return c->node ? name_of(c->node) : (struct sp_str){h->cluster.name, h->cluster.nname};
}

/* ---------------------------------------------------------------- saying */

/* Hands over what was gathered; what a bus that is down does not take is lost, and known to be. */
static void flush(struct hub *h, struct node *n)
{
    size_t len = n->nout;
    n->nout = 0;
    if (len && !h->ops.bus_send(h->ctx, name_of(n), n->out, len)) {
        h->cluster.counts.unsent++;
    }
}

static bool room_for(struct node *n, size_t len)
{
    size_t cap = n->out_cap ? n->out_cap : OUT_FIRST;
    while (cap < n->nout + len) {
        cap *= 2;
    }
    if (cap == n->out_cap) {
        return true;
    }
    char *p = realloc(n->out, cap);
    if (p) {
        n->out = p;
        n->out_cap = cap;
    }
    return p != NULL;
}

void node_say(struct hub *h, struct node *n, const struct bus_rec *r)
{
    size_t len = bus_len(r);
    if (!h->cluster.up || !n->up) {
        return;
    }
    if (n->nout && n->nout + len > CLUSTER_BATCH) {
        flush(h, n);
    }
    if (!room_for(n, len)) {
        h->cluster.counts.unsent++;
        return;
    }
    struct sp_buf b;
    sp_buf_init(&b, n->out + n->nout, n->out_cap - n->nout);
    bus_put(&b, r);
    n->nout += b.n;
}

void node_say_all(struct hub *h, const struct bus_rec *r)
{
    for (unsigned i = 0; i < h->cluster.nnodes; i++) {
        node_say(h, &h->cluster.nodes[i], r);
    }
}

static void say_hello(struct hub *h)
{
    char room[64];
    struct sp_buf b;
    struct bus_rec r = {.type = BUS_HELLO};
    h->cluster.watches = h->feed.monitors != NULL;
    r.num[BUS_F_flags] = h->cluster.watches;
    sp_buf_init(&b, room, sizeof(room));
    bus_put(&b, &r);
    h->ops.bus_send(h->ctx, (struct sp_str){NULL, 0}, b.p, b.n);
    h->cluster.hello_us = h->now.mono_us + HELLO_US;
}

void cluster_watch(struct hub *h)
{
    if (h->cluster.up && h->cluster.watches != (h->feed.monitors != NULL)) {
        say_hello(h);
    }
}

static void set_watches(struct hub *h, struct node *n, bool watches)
{
    n->watches = watches;
    h->cluster.watched = false;
    for (unsigned i = 0; i < h->cluster.nnodes; i++) {
        h->cluster.watched = h->cluster.watched || h->cluster.nodes[i].watches;
    }
}

void cluster_event(struct hub *h, const struct sp_event *ev)
{
    char room[6 * SP_EVENT_TEXT + 1024];
    struct sp_buf b;
    struct bus_rec r = {.type = BUS_EVENT};
    sp_buf_init(&b, room, sizeof(room));
    sp_put_event(&b, ev, sp_stamp_at(&h->stamp, ev->ts_ms));
    r.str[BUS_F_text] = sp_buf_view(&b);
    for (unsigned i = 0; i < h->cluster.nnodes; i++) {
        if (h->cluster.nodes[i].watches) {
            node_say(h, &h->cluster.nodes[i], &r);
        }
    }
}

static void on_event(struct hub *h, struct node *n, struct sp_str text)
{
    char scratch[SP_EVENT_TEXT];
    struct sp_event ev;
    struct sp_diag d;
    if (sp_scan_value(text.p, text.n, &sp_scan_replies, &d) ||
        sp_event_parse(&ev, text, scratch, sizeof(scratch), &d)) {
        h->cluster.counts.malformed++;
        return;
    }
    ev.s[SP_ES_node] = name_of(n);
    feed_take(h, &ev);
}

static void ask(struct hub *h, struct node *n)
{
    n->asked = true;
    n->asked_us = h->now.mono_us;
    node_say(h, n, &(struct bus_rec){.type = BUS_SYNC});
}

/* ---------------------------------------------------------------- nodes come and go */

static struct node *node_find(struct hub *h, struct sp_str name)
{
    struct cluster *k = &h->cluster;
    for (unsigned i = 0; i < k->nnodes; i++) {
        if (sp_str_eq(name_of(&k->nodes[i]), name)) {
            return &k->nodes[i];
        }
    }
    return NULL;
}

/* The place of a node that is down may be taken by another of whom nothing is kept. */
static struct node *node_new(struct hub *h, struct sp_str name)
{
    struct cluster *k = &h->cluster;
    struct node *n = k->nnodes < CLUSTER_NODES ? &k->nodes[k->nnodes] : NULL;
    for (unsigned i = 0; !n && i < k->nnodes; i++) {
        struct node *old = &k->nodes[i];
        n = !old->up && !old->clients && !old->first ? old : NULL;
    }
    if (!n || name.n > SP_ID_MAX) {
        return NULL;
    }
    k->nnodes += n == &k->nodes[k->nnodes];
    char *out = n->out;
    size_t cap = n->out_cap;
    *n = (struct node){.nname = (uint8_t)name.n, .out = out, .out_cap = cap};
    memcpy(n->name, name.p, name.n);
    n->last = &n->first;
    return n;
}

static void emit_node(struct hub *h, const struct node *n, enum sp_event_type t)
{
    struct sp_event ev;
    sp_event_init(&ev, t, h->now.wall_ms);
    ev.s[SP_ES_id] = name_of(n);
    feed_emit(h, &ev);
}

static void node_down(struct hub *h, struct node *n)
{
    n->up = n->asked = n->listing = false;
    set_watches(h, n, false);
    n->nout = 0;
    emit_node(h, n, SP_EV_NODE_DOWN);
    carry_fail(h, n, SP_CLUSTER_UNAVAILABLE);
    remote_drop_all(h, n);
}

/* Who is heard for the first time, or in a new life, has not heard of us either. */
static void node_heard(struct hub *h, struct node *n, uint64_t boot)
{
    n->heard_us = h->now.mono_us;
    if (n->up && n->boot != boot) {
        node_down(h, n);
    }
    if (!n->up) {
        n->up = true;
        n->boot = boot;
        emit_node(h, n, SP_EV_NODE_UP);
        remote_tell(h, n);
        ask(h, n);
    } else if (n->asked && h->now.mono_us >= n->asked_us + ASK_US) {
        ask(h, n);
    }
}

/* ---------------------------------------------------------------- what the bus brings */

static void on_record(struct hub *h, struct node *n, const struct bus_rec *r)
{
    switch (r->type) {
    case BUS_SYNC:
        remote_tell(h, n);
        break;
    case BUS_BEGIN:
        n->listing = true;
        n->listed++;
        n->outdone = 0;
        break;
    case BUS_END:
        if (n->listing) {
            n->listing = n->asked = false;
            remote_drop_unlisted(h, n);
        }
        break;
    case BUS_JOIN:
        remote_join(h, n, r);
        break;
    case BUS_LEAVE:
        remote_leave(h, n, r);
        break;
    case BUS_CARRY:
        carry_take(h, n, r);
        break;
    case BUS_DONE:
        carry_done(h, n, r);
        break;
    case BUS_KICK: {
        struct client *c = client_find(h, r->str[BUS_F_id]);
        if (c && !c->node && c->epoch == r->num[BUS_F_epoch]) {
            client_doom(h, c, SP_CLOSE_KICKED);
        }
        break;
    }
    case BUS_HELLO:
        set_watches(h, n, r->num[BUS_F_flags] & 1u);
        break;
    case BUS_EVENT:
        on_event(h, n, r->str[BUS_F_text]);
        break;
    case BUS_NONE:
    case BUS_TYPES:
        break;
    }
}

void hub_bus_message(struct hub *h, struct sp_str node, uint64_t boot, const char *p, size_t n,
                     struct hub_now now)
{
    struct sp_str in = {p, n}, own = {h->cluster.name, h->cluster.nname};
    h->now = now;
    if (!h->cluster.on || sp_str_eq(node, own)) {
        return;
    }
    struct node *from = node_find(h, node);
    from = from ? from : node_new(h, node);
    if (!from) {
        h->cluster.counts.strangers++;
        return;
    }
    node_heard(h, from, boot);
    for (struct bus_rec r; in.n;) {
        if (!bus_get(&in, &r)) {
            h->cluster.counts.malformed++;
            break;
        }
        on_record(h, from, &r);
    }
    hub_settle(h);
}

void hub_bus_gap(struct hub *h, struct sp_str node, struct hub_now now)
{
    struct node *n = h->cluster.on ? node_find(h, node) : NULL;
    h->now = now;
    if (n && n->up) {
        n->listing = false; /* its end may be what was lost */
        ask(h, n);
    }
}

/* Its subscription may be coming back; if it is not, its silence tells. */
void hub_bus_unheard(struct hub *h, struct sp_str node, struct hub_now now)
{
    struct node *n = h->cluster.on ? node_find(h, node) : NULL;
    h->now = now;
    if (n && n->up) {
        carry_fail(h, n, SP_CLUSTER_UNAVAILABLE);
        hub_settle(h);
    }
}

void hub_bus_state(struct hub *h, bool up, struct hub_now now)
{
    struct cluster *k = &h->cluster;
    h->now = now;
    if (!k->on || k->up == up) {
        return;
    }
    k->up = up;
    for (unsigned i = 0; i < k->nnodes; i++) {
        struct node *n = &k->nodes[i];
        n->nout = 0;
        n->listing = false;
        if (up && n->up) {
            /* what was said meanwhile was not heard, on either side */
            n->heard_us = now.mono_us;
            remote_tell(h, n);
            ask(h, n);
        }
    }
    if (up) {
        say_hello(h);
    }
}

/* ---------------------------------------------------------------- time */

static uint64_t next_due(const struct hub *h)
{
    const struct cluster *k = &h->cluster;
    uint64_t due = k->on && k->up ? k->hello_us : UINT64_MAX;
    for (unsigned i = 0; i < k->nnodes; i++) {
        const struct carried *c = k->nodes[i].first;
        due = c && c->due_us < due ? c->due_us : due;
    }
    return due;
}

uint64_t cluster_tick(struct hub *h)
{
    struct cluster *k = &h->cluster;
    uint64_t now = h->now.mono_us;
    if (!k->on) {
        return UINT64_MAX;
    }
    if (k->up && now >= k->hello_us) {
        say_hello(h);
    }
    for (unsigned i = 0; i < k->nnodes; i++) {
        struct node *n = &k->nodes[i];
        carry_late(h, n);
        /* while the bus is down nobody is heard, and nobody is known to have gone */
        if (n->up && k->up && now >= n->heard_us + SILENT_US) {
            node_down(h, n);
        }
        flush(h, n);
    }
    hub_settle(h);
    return next_due(h);
}

uint64_t cluster_epoch(struct hub *h, const struct client *old)
{
    uint64_t next = h->last_epoch + 1, wall = (uint64_t)h->now.wall_ms * 1000;
    if (h->cluster.on) {
        next = wall > next ? wall : next;
        next = old && old->epoch >= next ? old->epoch + 1 : next;
    }
    h->last_epoch = next;
    return next;
}

void cluster_regrade(struct hub *h)
{
    for (unsigned i = 0; i < h->cluster.nnodes; i++) {
        for (struct client *c = h->cluster.nodes[i].clients; c; c = c->remote_next) {
            auth_place(h, c);
        }
    }
}

bool hub_cluster(const struct hub *h, struct hub_cluster *out)
{
    const struct cluster *k = &h->cluster;
    *out = (struct hub_cluster){.up = k->up, .clients = k->nclients, .counts = k->counts};
    for (unsigned i = 0; i < k->nnodes; i++) {
        out->nodes += k->nodes[i].up;
        out->carried += k->nodes[i].ncarried;
    }
    return k->on;
}
