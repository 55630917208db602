/* SPDX-License-Identifier: MIT
 * The hub: connections come in, messages are dispatched by the table, time passes. */
#include "daemon/core/hub.h"

#include "daemon/core/priv.h"
#include "libproto/utf8.h"

#include <stdlib.h>

/* What the server may add to the largest message that it forwards: type, two ids, a timestamp. */
#define STAMP_ROOM 1024u
/* The largest that it makes itself is a page of a list. */
#define OUT_MIN (192u * 1024u)

typedef void (*handler_fn)(struct hub *h, struct client *c, const struct sp_msg *m);

static const handler_fn handlers[SP_T_COUNT] = {
#define SP_REQUEST(id, handler, must, may, when, cls, text) [SP_T_##id] = on_##handler,
#include "libproto/tbl/requests.h"
#undef SP_REQUEST
};

static struct sp_str id_of(const void *client)
{
    return ((const struct client *)client)->id;
}

struct hub *hub_new(const struct hub_conf *conf, const struct hub_ops *ops, void *ctx,
                    struct hub_now now)
{
    struct hub *h = calloc(1, sizeof(*h));
    if (!h) {
        return NULL;
    }
    h->conf = *conf;
    h->ops = *ops;
    h->ctx = ctx;
    h->now = now;
    h->out_cap =
        conf->max_message + STAMP_ROOM > OUT_MIN ? conf->max_message + STAMP_ROOM : OUT_MIN;
    uint8_t secret[16];
    ops->random(ctx, secret, sizeof(secret));
    h->out = malloc(HUB_HEADROOM + h->out_cap);
    wheel_init(&h->wheel, now.mono_us);
    if (!h->out || !feed_init(&h->feed, conf->event_ring) || !sp_map_init(&h->ids, id_of, secret)) {
        hub_free(h);
        return NULL;
    }
    return h;
}

static void reap(struct hub *h)
{
    while (h->dead) {
        struct client *c = h->dead;
        h->dead = c->next;
        client_free(h, c);
    }
}

void hub_free(struct hub *h)
{
    if (!h) {
        return;
    }
    reap(h);
    for (uint32_t i = 0; i < h->nslots; i++) {
        struct client *c = h->slots[i];
        if (!c) {
            continue;
        }
        while (c->sessions) {
            session_discard(h, c->sessions);
        }
        presence_drop(h, c);
        client_free(h, c);
    }
    feed_fini(&h->feed);
    order_fini(&h->order);
    sp_map_fini(&h->ids);
    free(h->slots);
    free(h->gens);
    free(h->free_slots);
    free(h->out);
    free(h);
}

static bool grow_slots(struct hub *h)
{
    uint32_t n = h->nslots ? h->nslots * 2 : 64;
    struct client **slots = realloc(h->slots, n * sizeof(*slots));
    if (slots) {
        h->slots = slots;
    }
    uint32_t *gens = realloc(h->gens, n * sizeof(*gens));
    if (gens) {
        h->gens = gens;
    }
    uint32_t *spare = realloc(h->free_slots, n * sizeof(*spare));
    if (spare) {
        h->free_slots = spare;
    }
    if (!slots || !gens || !spare) {
        return false;
    }
    for (uint32_t i = n; i-- > h->nslots;) {
        slots[i] = NULL;
        gens[i] = 1;
        spare[h->nfree++] = i;
    }
    h->nslots = n;
    return true;
}

static void emit_connect(struct hub *h, const struct client *c)
{
    struct sp_event ev;
    sp_event_init(&ev, SP_EV_CONNECT, h->now.wall_ms);
    ev.s[SP_ES_addr] = c->addr;
    ev.n[SP_EN_conn] = (int64_t)c->conn;
    feed_emit(h, &ev);
}

struct hub_ref hub_open(struct hub *h, void *sock, const struct hub_peer *peer, struct hub_now now)
{
    struct hub_ref none = {0, 0};
    struct client *c = h->stopping ? NULL : calloc(1, sizeof(*c));
    if (!c || (h->nfree == 0 && !grow_slots(h))) {
        free(c);
        return none;
    }
    h->now = now;
    c->addr = str_dup(peer->addr);
    if (!c->addr.p) {
        free(c);
        return none;
    }
    c->ref.slot = h->free_slots[--h->nfree];
    c->ref.gen = h->gens[c->ref.slot];
    h->slots[c->ref.slot] = c;
    h->nconn++;
    c->sock = sock;
    c->trusted = peer->trusted;
    c->conn = ++h->last_conn;
    c->waiting_us = c->last_rx_us = now.mono_us;
    c->rtt_us = -1;
    c->timer.owner = c;
    c->timer.kind = TIMER_CLIENT;
    queue_init(&c->queue);
    client_arm(h, c);
    emit_connect(h, c);
    return c->ref;
}

/* The living client behind a handle, with the clock set; NULL when it is on its way out. */
static struct client *begin(struct hub *h, struct hub_ref ref, struct hub_now now)
{
    struct client *c = client_get(h, ref);
    if (!c || c->doomed) {
        return NULL;
    }
    h->now = now;
    c->last_rx_us = now.mono_us;
    c->missed = 0;
    return c;
}

static uint32_t states_of(const struct client *c)
{
    uint32_t open = c->trusted ? SP_ST_OPEN | SP_ST_TRUSTED : SP_ST_OPEN;
    return c->state == CLIENT_REGISTERED ? SP_ST_REGISTERED : open;
}

static void dispatch(struct hub *h, struct client *c, const char *buf, size_t len)
{
    struct sp_str none = {NULL, 0};
    struct sp_diag d;
    struct sp_msg *m = &h->msg;
    enum sp_err e = sp_msg_decode(m, buf, len, &h->conf.scan, &d);
    if (e && !sp_utf8_valid(buf, len)) {
        client_doom(h, c, SP_CLOSE_BAD_UTF8);
    } else if (e) {
        reply_error(h, c, e, none, "%s", d.text);
    } else if (!(m->row->states & states_of(c))) {
        reply_error(h, c, SP_NOT_REGISTERED, none, "register before %s", sp_type_wire(m->type));
    } else {
        handlers[m->type](h, c, m);
    }
}

void hub_receive(struct hub *h, struct hub_ref ref, const char *buf, size_t len, struct hub_now now)
{
    struct client *c = begin(h, ref, now);
    if (c) {
        dispatch(h, c, buf, len);
        hub_settle(h);
    }
}

void hub_alive(struct hub *h, struct hub_ref ref, struct hub_now now)
{
    begin(h, ref, now);
}

void hub_pong(struct hub *h, struct hub_ref ref, const char *payload, size_t len,
              struct hub_now now)
{
    struct client *c = begin(h, ref, now);
    int64_t sent;
    /* only the answer to the last ping counts: a client could make its round trip up */
    if (c && c->last_ping_us && sp_parse_int((struct sp_str){payload, len}, &sent) &&
        sent == (int64_t)c->last_ping_us) {
        c->rtt_us = (int64_t)now.mono_us - sent;
    }
}

void hub_fault(struct hub *h, struct hub_ref ref, enum hub_fault fault, struct hub_now now)
{
    struct client *c = begin(h, ref, now);
    if (!c) {
        return;
    }
    h->msg.rid.n = 0;
    h->msg.type = SP_T_NONE;
    switch (fault) {
    case HUB_FAULT_BINARY:
        client_doom(h, c, SP_CLOSE_UNSUPPORTED);
        break;
    case HUB_FAULT_TOO_LARGE:
        reply_error(h, c, SP_TOO_LARGE, (struct sp_str){NULL, 0}, "a message may have %u bytes",
                    h->conf.max_message);
        client_doom(h, c, SP_CLOSE_TOO_BIG);
        break;
    }
    hub_settle(h);
}

uint64_t hub_tick(struct hub *h, struct hub_now now)
{
    h->now = now;
    for (struct wheel_node *n; (n = wheel_pop(&h->wheel, now.mono_us));) {
        if (n->kind == TIMER_CLIENT) {
            client_timer(h, n->owner);
        } else {
            session_timer(h, n->owner);
        }
        hub_settle(h);
    }
    if (feed_due(h) <= now.mono_us) {
        feed_flush(h);
        hub_settle(h);
    }
    reap(h);
    uint64_t feed = feed_due(h), wheel = wheel_next(&h->wheel);
    return feed < wheel ? feed : wheel;
}

void hub_stop(struct hub *h, struct hub_now now)
{
    h->now = now;
    h->stopping = true;
    for (uint32_t i = 0; i < h->nslots; i++) {
        if (h->slots[i]) {
            client_doom(h, h->slots[i], SP_CLOSE_GOING_AWAY);
        }
    }
    hub_settle(h);
}

uint32_t hub_connections(const struct hub *h)
{
    return h->nconn;
}

uint32_t hub_clients(const struct hub *h)
{
    return h->ids.count;
}

uint32_t hub_sessions(const struct hub *h)
{
    return h->nsessions;
}
