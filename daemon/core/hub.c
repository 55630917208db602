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
/* However many events are kept. */
#define CONTENTS_MAX (64u * 1024u * 1024u)

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

/* Two KiB for each event that is kept, which is an SDP, and twice the largest message at least. */
static size_t contents_size(const struct hub_conf *conf)
{
    size_t size = (size_t)conf->event_ring * 2048, least = 2 * (size_t)conf->max_message;
    size = size < CONTENTS_MAX ? size : CONTENTS_MAX;
    return !conf->contents ? 0 : size > least ? size : least;
}

struct hub *hub_new(const struct hub_conf *conf, const struct hub_ops *ops, void *ctx,
                    struct hub_now now)
{
    struct hub *h = calloc(1, sizeof(*h));
    if (!h) {
        return NULL;
    }
    h->conf.max_message = conf->max_message;
    h->conf.event_ring = conf->event_ring;
    h->conf.contents = conf->contents;
    reconf_limits(h, conf);
    h->ops = *ops;
    h->ctx = ctx;
    h->now = now;
    h->started_us = now.mono_us;
    h->wall_lead = now.wall_ms - (int64_t)(now.mono_us / 1000);
    h->out_cap =
        conf->max_message + STAMP_ROOM > OUT_MIN ? conf->max_message + STAMP_ROOM : OUT_MIN;
    uint8_t secret[16], life[32];
    ops->random(ctx, secret, sizeof(secret));
    ops->random(ctx, life, sizeof(life));
    ops->random(ctx, h->addrs.secret, sizeof(h->addrs.secret));
    h->out = malloc(HUB_HEADROOM + h->out_cap);
    wheel_init(&h->wheel, now.mono_us);
    if (!h->out || !feed_init(&h->feed, conf->event_ring, contents_size(conf), life) ||
        !sp_map_init(&h->ids, id_of, secret) || !held_init(&h->holding, secret) ||
        !cluster_init(h, conf->node)) {
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
        held_drop(h, c);
        client_free(h, c);
    }
    cluster_fini(h);
    held_fini(&h->holding);
    feed_fini(&h->feed);
    addrs_fini(&h->addrs);
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
    c->conn = ++h->last_conn;
    c->waiting_us = c->last_rx_us = now.mono_us;
    c->rtt_us = -1;
    c->timer.owner = c;
    c->timer.kind = TIMER_CLIENT;
    queue_init(&c->queue);
    emit_connect(h, c);
    if (!auth_open(h, c, peer)) {
        client_doom(h, c, SP_CLOSE_INTERNAL);
    }
    client_arm(h, c);
    struct hub_ref ref = c->ref;
    hub_settle(h);
    return ref;
}

/* The living client behind a handle, with the clock set; NULL when it is on its way out. */
static struct client *begin(struct hub *h, struct hub_ref ref, struct hub_now now)
{
    struct client *c = client_get(h, ref);
    if (!c || c->doomed || c->away) {
        return NULL;
    }
    h->now = now;
    c->last_rx_us = now.mono_us;
    c->missed = 0;
    return c;
}

static uint32_t states_of(const struct client *c)
{
    uint32_t open = c->vouched ? SP_ST_OPEN | SP_ST_VOUCHED : SP_ST_OPEN;
    return c->state == CLIENT_REGISTERED ? SP_ST_REGISTERED : open;
}

/* Takes a message of len bytes out of the sender's buckets, or says how long to wait. */
static uint64_t over_rate(const struct hub *h, struct client *c, size_t len)
{
    const struct role_rate *r = &h->rates[c->role_ix];
    uint64_t now = h->now.mono_us;
    if (!r->messages.step_ns && !r->bytes.step_ns) {
        return 0;
    }
    uint64_t wait = bucket_wait(c->bytes_full, r->bytes, len, now);
    if (!wait) {
        wait = bucket_take(&c->messages_full, r->messages, 1, now);
    }
    if (!wait) {
        bucket_take(&c->bytes_full, r->bytes, len, now);
    }
    return wait;
}

/* Who goes on after as many refusals as it had tokens does not listen. */
static void refuse_rate(struct hub *h, struct client *c, uint64_t wait, size_t len)
{
    const struct role_rate *r = &h->rates[c->role_ix];
    bool counted = r->messages.step_ns != 0;
    reply_wait(h, c, SP_RATE_LIMITED, wait, "slow down");
    if (bucket_take(&c->refusals_full, counted ? r->messages : r->bytes, counted ? 1 : len,
                    h->now.mono_us)) {
        client_doom(h, c, SP_CLOSE_RATE);
    }
}

/* What must not happen unless it can be written down; questions may be asked, and a server that
 * cannot go on may be ended. */
static bool is_accountable(const struct sp_msg *m)
{
    return m->row->class == SP_CLASS_RELAY || m->type == SP_T_REGISTER || m->type == SP_T_KICK ||
           m->type == SP_T_RELOAD;
}

void hub_charge(struct hub *h, struct client *c, uint32_t n)
{
    bucket_charge(&c->messages_full, h->rates[c->role_ix].messages, n, h->now.mono_us);
}

/* What keeps a well-formed request from its handler; true when it was answered. */
static bool stopped(struct hub *h, struct client *c, const struct sp_msg *m)
{
    struct sp_str none = {NULL, 0};
    const char *word = sp_type_wire(m->type);
    if (!(m->row->states & states_of(c))) {
        reply_error(h, c, SP_NOT_REGISTERED, none, "register before %s", word);
    } else if (m->row->class != SP_CLASS_FREE && !rights_any(&h->rights, c->role_ix, m->type)) {
        reply_error(h, c, SP_FORBIDDEN, none, "your role has no right to '%s'", word);
    } else if (h->withheld && is_accountable(m)) {
        reply_error(h, c, SP_OVERLOADED, none, "the audit log cannot be written");
    } else {
        return false;
    }
    return true;
}

/* What is well formed goes to its handler, the rest is answered. */
static void obey(struct hub *h, struct client *c, enum sp_err e, const struct sp_diag *d)
{
    if (e) {
        reply_error(h, c, e, (struct sp_str){NULL, 0}, "%s", d->text);
    } else if (!stopped(h, c, &h->msg)) {
        handlers[h->msg.type](h, c, &h->msg);
    }
}

static void dispatch(struct hub *h, struct client *c, const char *buf, size_t len)
{
    struct sp_diag d;
    enum sp_err e = sp_msg_decode(&h->msg, buf, len, &h->conf.scan, &d);
    uint64_t wait = over_rate(h, c, len);
    if (wait) {
        refuse_rate(h, c, wait, len);
    } else if (e && !sp_utf8_valid(buf, len)) {
        client_doom(h, c, SP_CLOSE_BAD_UTF8);
    } else {
        obey(h, c, e, &d);
    }
}

/* Strangers get little room: they have not said yet who they are. */
static bool is_stranger(const struct hub *h, const struct client *c)
{
    return h->conf.early_bytes && c->state == CLIENT_OPEN && !c->vouched;
}

static bool too_much_early(const struct hub *h, struct client *c, size_t len)
{
    if (!is_stranger(h, c)) {
        return false;
    }
    c->early_bytes += (uint32_t)len;
    return c->early_bytes > h->conf.early_bytes;
}

void hub_again(struct hub *h, struct client *c, const char *buf, size_t len)
{
    struct sp_diag d;
    enum sp_err e = sp_msg_decode(&h->msg, buf, len, &h->conf.scan, &d);
    h->msg.have &= ~SP_B(HOLD);
    obey(h, c, e, &d);
}

uint32_t hub_max_message(const struct hub *h, struct hub_ref ref)
{
    const struct client *c = client_get(h, ref);
    uint32_t most = h->conf.max_message;
    return c && is_stranger(h, c) && h->conf.early_bytes < most ? h->conf.early_bytes : most;
}

void hub_receive(struct hub *h, struct hub_ref ref, const char *buf, size_t len, struct hub_now now)
{
    struct client *c = begin(h, ref, now);
    if (!c) {
        return;
    }
    if (too_much_early(h, c, len)) {
        client_doom_for(h, c, SP_CLOSE_POLICY, "too much before register");
    } else {
        dispatch(h, c, buf, len);
    }
    hub_settle(h);
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
    if (!c || !sp_parse_int((struct sp_str){payload, len}, &sent) || sent <= 0) {
        return;
    }
    /* only the answer to the last ping counts: a client could make its round trip up */
    if (sent == (int64_t)c->last_ping_us) {
        c->rtt_us = (int64_t)now.mono_us - sent;
    }
    resume_ponged(c, (uint64_t)sent);
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
    uint64_t look = auth_follow_clock(h);
    for (struct wheel_node *n; (n = wheel_pop(&h->wheel, now.mono_us));) {
        switch ((enum timer_kind)n->kind) {
        case TIMER_CLIENT:
            client_timer(h, n->owner);
            break;
        case TIMER_SESSION:
            session_timer(h, n->owner);
            break;
        case TIMER_HELD:
            held_timer(h, n->owner);
            break;
        }
        hub_settle(h);
    }
    if (feed_due(h) <= now.mono_us) {
        feed_flush(h);
        hub_settle(h);
    }
    uint64_t cluster = cluster_tick(h);
    reap(h);
    uint64_t feed = feed_due(h), wheel = wheel_next(&h->wheel);
    uint64_t due = feed < wheel ? feed : wheel;
    due = cluster < due ? cluster : due;
    return look < due ? look : due;
}

/* Each is told another moment, so that they do not come back all at once. */
static void send_goaway(struct hub *h, struct client *c)
{
    uint64_t rnd, window_ms = h->conf.reconnect_us / 1000;
    struct sp_buf b;
    struct sp_json j;
    h->ops.random(h->ctx, &rnd, sizeof(rnd));
    reply_open(h, &j, &b, SP_T_GOAWAY);
    sp_json_str(&j, "reason", SP_STR("drain"));
    sp_json_int(&j, "reconnectAfter", (int64_t)(window_ms ? rnd % window_ms : 0));
    reply_send(h, c, &j);
}

void hub_drain(struct hub *h, struct hub_now now)
{
    h->stopping = true;
    h->msg.rid.n = 0;
    hub_note(h, SP_EV_DRAIN, (struct sp_str){NULL, 0}, (struct sp_str){NULL, 0}, now);
    feed_flush(h); /* a monitor's last */
    for (uint32_t i = 0; i < h->nslots; i++) {
        struct client *c = h->slots[i];
        if (c && !c->doomed) {
            send_goaway(h, c);
            client_doom(h, c, SP_CLOSE_GOING_AWAY);
        }
    }
    hub_settle(h);
}

void hub_note(struct hub *h, enum sp_event_type t, struct sp_str code, struct sp_str reason,
              struct hub_now now)
{
    struct sp_event ev;
    h->now = now;
    sp_event_init(&ev, t, now.wall_ms);
    ev.s[SP_ES_code] = code;
    ev.s[SP_ES_reason] = reason;
    feed_emit(h, &ev);
}

void hub_withhold(struct hub *h, bool on)
{
    h->withheld = on;
}

uint32_t hub_connections(const struct hub *h)
{
    return h->nconn;
}

uint32_t hub_clients(const struct hub *h)
{
    return h->ids.count - h->cluster.nclients;
}

uint32_t hub_sessions(const struct hub *h)
{
    return h->nsessions;
}

uint64_t hub_queued_bytes(const struct hub *h)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < h->nslots; i++) {
        sum += h->slots[i] ? h->slots[i]->queue.bytes : 0;
    }
    return sum;
}

uint32_t hub_held(const struct hub *h)
{
    return h->holding.count;
}

uint32_t hub_away(const struct hub *h)
{
    return h->naway;
}

size_t hub_away_bytes(const struct hub *h)
{
    return h->away_bytes;
}

uint32_t hub_monitors(const struct hub *h)
{
    uint32_t n = 0;
    for (const struct monitor *m = h->feed.monitors; m; m = m->next) {
        n++;
    }
    return n;
}

const struct hub_counts *hub_counts(const struct hub *h)
{
    return &h->counts;
}
