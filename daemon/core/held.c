/* SPDX-License-Identifier: MIT
 * Offers that wait for a target that is not there yet. A target that is hidden from the sender is
 * not there for it: how long an answer takes tells no more than its words. */
#include "daemon/core/held.h"

#include "daemon/core/priv.h"

#include <stdlib.h>

/* waited is an id that offers wait for, in the order in which they came. */
struct waited {
    struct held *first, *last;
    struct sp_str id; /* points behind the struct */
};

struct held {
    struct held *next, *prev;   /* of its target */
    struct held *newer, *older; /* of its sender */
    struct waited *target;
    struct client *sender;
    struct wheel_node timer;
    size_t n;
    char text[];
};

static struct sp_str id_of(const void *waited)
{
    return ((const struct waited *)waited)->id;
}

bool held_init(struct holding *k, const uint8_t secret[16])
{
    return sp_map_init(&k->targets, id_of, secret);
}

void held_fini(struct holding *k)
{
    sp_map_fini(&k->targets);
}

static struct waited *waited_get(struct holding *k, struct sp_str id)
{
    struct waited *w = sp_map_get(&k->targets, id);
    if (w) {
        return w;
    }
    w = calloc(1, sizeof(*w) + id.n);
    if (!w) {
        return NULL;
    }
    char *text = (char *)(w + 1);
    memcpy(text, id.p, id.n);
    w->id = (struct sp_str){text, id.n};
    if (!sp_map_put(&k->targets, w)) {
        free(w);
        return NULL;
    }
    return w;
}

static void waited_put(struct holding *k, struct waited *w)
{
    if (!w->first) {
        sp_map_del(&k->targets, w->id);
        free(w);
    }
}

static void link_in(struct hub *h, struct held *o)
{
    struct waited *w = o->target;
    struct held_by *by = &o->sender->held;
    o->prev = w->last;
    *(w->last ? &w->last->next : &w->first) = o;
    w->last = o;
    o->older = by->first;
    if (by->first) {
        by->first->newer = o;
    }
    by->first = o;
    by->count++;
    by->bytes += o->n;
    h->holding.count++;
    h->holding.bytes += o->n;
}

/* The target's entry may go with its last one. */
static void link_out(struct hub *h, struct held *o)
{
    struct waited *w = o->target;
    struct held_by *by = &o->sender->held;
    *(o->prev ? &o->prev->next : &w->first) = o->next;
    *(o->next ? &o->next->prev : &w->last) = o->prev;
    *(o->newer ? &o->newer->older : &by->first) = o->older;
    if (o->older) {
        o->older->newer = o->newer;
    }
    by->count--;
    by->bytes -= o->n;
    h->holding.count--;
    h->holding.bytes -= o->n;
    wheel_clear(&h->wheel, &o->timer);
    waited_put(&h->holding, w);
}

/* Denied openly is there too: it is told so at once. */
static bool sees(const struct hub *h, const struct client *c, const struct client *to)
{
    return to && !to->doomed &&
           (rights_may(&h->rights, c->role_ix, SP_T_OFFER, to->role_ix) ||
            rights_may(&h->rights, c->role_ix, SP_T_LIST, to->role_ix));
}

static bool has_room(const struct hub *h, const struct client *c, size_t n)
{
    return c->held.count < HELD_OFFERS && c->held.bytes + n <= HELD_BYTES &&
           h->holding.count < HELD_ALL_OFFERS && h->holding.bytes + n <= HELD_ALL_BYTES;
}

bool held_keep(struct hub *h, struct client *c, const struct sp_msg *m)
{
    int64_t ms = sp_msg_has(m, SP_M_HOLD) ? m->num[SP_M_HOLD] : 0;
    size_t n = m->doc.len;
    if (ms <= 0 || sees(h, c, client_find(h, m->str[SP_M_TARGET])) || !has_room(h, c, n)) {
        return false;
    }
    struct held *o = calloc(1, sizeof(*o) + n);
    if (!o) {
        return false;
    }
    o->target = waited_get(&h->holding, m->str[SP_M_TARGET]);
    if (!o->target) {
        free(o);
        return false;
    }
    o->sender = c;
    o->n = n;
    memcpy(o->text, m->doc.buf, n);
    o->timer.owner = o;
    o->timer.kind = TIMER_HELD;
    link_in(h, o);
    uint64_t us = ms < HELD_MAX_US / 1000 ? (uint64_t)ms * 1000 : HELD_MAX_US;
    wheel_set(&h->wheel, &o->timer, h->now.mono_us + us);
    return true;
}

/* It waits no more, whatever comes of it. */
static void handle(struct hub *h, struct held *o)
{
    struct client *c = o->sender;
    link_out(h, o);
    if (!c->doomed) {
        hub_again(h, c, o->text, o->n);
    }
    free(o);
}

void held_timer(struct hub *h, struct held *o)
{
    handle(h, o);
}

void held_arrived(struct hub *h, struct client *c)
{
    struct waited *w = h->holding.count ? sp_map_get(&h->holding.targets, c->id) : NULL;
    for (struct held *o = w ? w->first : NULL, *next; o; o = next) {
        next = o->next;
        if (sees(h, o->sender, c)) {
            handle(h, o);
        }
    }
}

void held_look(struct hub *h)
{
    if (!h->holding.count) {
        return;
    }
    const struct sp_map *t = &h->holding.targets;
    for (uint32_t i = 0; i <= t->mask;) {
        struct waited *w = t->slots[i].value;
        struct client *to = w ? client_find(h, w->id) : NULL;
        if (to) {
            held_arrived(h, to);
        }
        /* what is taken out may make another one move here */
        i += !t->slots[i].value || t->slots[i].value == w;
    }
}

void held_drop(struct hub *h, struct client *c)
{
    while (c->held.first) {
        struct held *o = c->held.first;
        link_out(h, o);
        free(o);
    }
}
