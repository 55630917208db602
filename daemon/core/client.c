/* SPDX-License-Identifier: MIT
 * The life of a connection: sending to it, its deadlines, its end. */
#include "daemon/core/priv.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX_MISSED     2u       /* pings unanswered before the link counts as lost */
#define CLOSE_FLUSH_US 2000000u /* how long a closing client may take for what is queued */

struct client *client_get(const struct hub *h, struct hub_ref ref)
{
    if (ref.gen == 0 || ref.slot >= h->nslots || h->gens[ref.slot] != ref.gen) {
        return NULL;
    }
    return h->slots[ref.slot];
}

struct client *client_find(struct hub *h, struct sp_str id)
{
    return sp_map_get(&h->ids, id);
}

struct sp_str client_name(const struct client *c)
{
    return c->id.n || !c->grant ? c->id : c->grant->id;
}

struct sp_str str_dup(struct sp_str s)
{
    char *p = malloc(s.n ? s.n : 1);
    if (p && s.n) {
        memcpy(p, s.p, s.n);
    }
    return (struct sp_str){p, p ? s.n : 0};
}

struct sp_str str_keep(char **at, struct sp_str s)
{
    char *p = *at;
    if (s.n) {
        memcpy(p, s.p, s.n);
    }
    *at += s.n;
    return (struct sp_str){p, s.n};
}

void str_free(struct sp_str s)
{
    free((char *)(uintptr_t)s.p);
}

enum hub_wrote client_put(struct hub *h, struct client *c, struct sp_buf *b, bool relayed)
{
    assert(!b->full);
    if (c->doomed) {
        return HUB_GONE;
    }
    if (c->node || c->away) {
        return HUB_WROTE; /* its own node tells it; or nobody can hear an answer any more */
    }
    if (c->queue.count == 0) {
        enum hub_wrote r = h->ops.write(h->ctx, c->sock, b->p, b->n);
        if (r != HUB_BUSY) {
            return r;
        }
    }
    const struct limits *l = &h->limits[c->role_ix];
    /* the last message of a drain finds room in a full queue too: what it holds was accepted */
    size_t last = h->stopping ? b->n : 0;
    if (!queue_put(&c->queue, b->p, b->n, relayed, l->queue_bytes + last,
                   l->queue_msgs + h->stopping)) {
        client_doom(h, c, SP_CLOSE_SLOW);
        return HUB_BUSY;
    }
    if (c->queue.count == 1) {
        c->slow_since_us = h->now.mono_us;
        h->ops.want_write(h->ctx, c->sock);
        client_arm(h, c);
    }
    return HUB_WROTE;
}

enum hub_wrote client_send(struct hub *h, struct client *c, struct sp_buf *b)
{
    return client_put(h, c, b, false);
}

enum hub_wrote client_relay(struct hub *h, struct client *c, struct sp_buf *b)
{
    return c->lasting ? resume_relay(h, c, b) : client_put(h, c, b, true);
}

void client_doom(struct hub *h, struct client *c, enum sp_close code)
{
    client_doom_for(h, c, code, sp_close_reason(code));
}

void client_doom_for(struct hub *h, struct client *c, enum sp_close code, const char *reason)
{
    if (!c->doomed) {
        c->doomed = true;
        c->close_code = code;
        c->close_reason = reason;
        c->next = h->doomed;
        h->doomed = c;
    }
}

void client_leave(struct hub *h, struct client *c, enum sp_bye why)
{
    if (c->state != CLIENT_REGISTERED) {
        return;
    }
    /* another connection may hold the id by now: it took the entry over */
    if (client_find(h, c->id) == c) {
        sp_map_del(&h->ids, c->id);
        order_remove(&h->order, c);
        presence_tell(h, c, "leave");
        if (!c->node) {
            cluster_left(h, c, why);
        }
        cluster_vacant(h);
    }
    c->state = CLIENT_CLOSING;
    session_end_all(h, c, why);
}

static enum sp_bye bye_of(unsigned code)
{
    switch (code) {
    case SP_CLOSE_REPLACED:
        return SP_BYE_REPLACED;
    case SP_CLOSE_KICKED:
        return SP_BYE_KICKED;
    case SP_CLOSE_GOING_AWAY:
        return SP_BYE_SHUTDOWN;
    default:
        return SP_BYE_PEER_LEFT;
    }
}

static void emit_disconnect(struct hub *h, const struct client *c, unsigned code,
                            const char *reason)
{
    char text[SP_REASON_MAX];
    int n = code ? snprintf(text, sizeof(text), "%u %s", code, reason)
                 : snprintf(text, sizeof(text), "%s", reason);
    struct sp_event ev;
    sp_event_init(&ev, SP_EV_DISCONNECT, h->now.wall_ms);
    ev.s[SP_ES_id] = client_name(c);
    ev.s[SP_ES_addr] = c->addr;
    ev.s[SP_ES_reason] =
        (struct sp_str){text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1};
    ev.n[SP_EN_conn] = (int64_t)c->conn;
    feed_emit(h, &ev);
}

static void shut(struct hub *h, struct client *c)
{
    wheel_clear(&h->wheel, &c->timer);
    queue_fini(&c->queue);
    queue_init(&c->queue);
    c->state = CLIENT_DEAD;
    h->ops.close(h->ctx, c->sock, c->close_code, c->close_reason);
}

/* The slot of one whose socket is gone may be used again. */
static void release(struct hub *h, struct client *c)
{
    wheel_clear(&h->wheel, &c->timer);
    c->state = CLIENT_DEAD;
    h->slots[c->ref.slot] = NULL;
    h->free_slots[h->nfree++] = c->ref.slot;
    c->next = h->dead;
    h->dead = c;
}

/* One that was away leaves; its old socket may still be closing. */
static void leave_away(struct hub *h, struct client *c)
{
    resume_over(h, c);
    client_leave(h, c, bye_of(c->close_code));
    if (!c->sock) {
        release(h, c);
        return;
    }
    wheel_clear(&h->wheel, &c->timer);
    c->state = CLIENT_DEAD;
}

static bool is_link_lost(unsigned code)
{
    return code == SP_CLOSE_HEARTBEAT || code == SP_CLOSE_SLOW;
}

/* hub_settle carries out what was marked during a call. Ending one client's sessions may overflow
 * another's queue and doom it too; the list grows until all is quiet. */
static void settle_one(struct hub *h, struct client *c)
{
    if (c->away) {
        leave_away(h, c);
        return;
    }
    monitor_drop(h, c);
    presence_drop(h, c);
    held_drop(h, c);
    if (is_link_lost(c->close_code) && resume_may(h, c)) {
        emit_disconnect(h, c, c->close_code, c->close_reason);
        resume_away(h, c);
        h->ops.close(h->ctx, c->sock, c->close_code, c->close_reason);
        return;
    }
    client_leave(h, c, bye_of(c->close_code));
    emit_disconnect(h, c, c->close_code, c->close_reason);
    c->state = CLIENT_CLOSING;
    if (c->queue.count == 0 || c->close_code == SP_CLOSE_SLOW) {
        shut(h, c);
    } else if (h->stopping) {
        /* the world below knows how long a drain may take */
        wheel_clear(&h->wheel, &c->timer);
    } else {
        wheel_set(&h->wheel, &c->timer, h->now.mono_us + CLOSE_FLUSH_US);
    }
}

void hub_settle(struct hub *h)
{
    while (h->doomed) {
        struct client *c = h->doomed;
        h->doomed = c->next;
        settle_one(h, c);
    }
}

bool client_drain(struct hub *h, struct client *c)
{
    while (c->queue.count) {
        struct queue_msg *m = c->queue.head;
        enum hub_wrote r = h->ops.write(h->ctx, c->sock, queue_text(m), m->len);
        if (r == HUB_BUSY) {
            h->ops.want_write(h->ctx, c->sock);
        }
        if (r != HUB_WROTE) {
            return false;
        }
        queue_pop(&c->queue);
        c->slow_since_us = c->queue.count ? h->now.mono_us : 0;
    }
    return true;
}

void hub_writable(struct hub *h, struct hub_ref ref, struct hub_now now)
{
    struct client *c = client_get(h, ref);
    if (!c || c->state == CLIENT_DEAD || c->away) {
        return;
    }
    h->now = now;
    if (!client_drain(h, c)) {
        return;
    }
    if (c->state == CLIENT_CLOSING) {
        shut(h, c);
    } else if (c->monitor) {
        monitor_serve(h, c->monitor);
        hub_settle(h);
    }
}

/* Counted from the last ping, not from the last sign of life alone: a daemon that was stopped for
 * minutes has missed nobody's answer. */
static uint64_t heartbeat_due(const struct hub *h, const struct client *c)
{
    return (c->missed ? c->last_ping_us : c->last_rx_us) + h->conf.heartbeat_us;
}

/* A watch that its role does not allow any more is silent and keeps nobody here. */
static bool must_register(const struct hub *h, const struct client *c)
{
    return c->state == CLIENT_OPEN && !c->monitor &&
           !(c->watch && rights_any(&h->rights, c->role_ix, SP_T_WATCH));
}

static uint64_t client_due(const struct hub *h, const struct client *c)
{
    uint64_t due = auth_due(h, c), ice = ice_due(c);
    if (c->away) {
        return c->lasting->until_us < due ? c->lasting->until_us : due;
    }
    due = ice < due ? ice : due;
    if (must_register(h, c)) {
        uint64_t late = c->waiting_us + h->conf.register_us;
        due = late < due ? late : due;
    }
    if (h->conf.heartbeat_us) {
        uint64_t beat = heartbeat_due(h, c);
        due = beat < due ? beat : due;
    }
    /* a monitor reads at its own pace and is told what it missed */
    if (c->slow_since_us && !c->monitor) {
        uint64_t slow = c->slow_since_us + h->conf.slow_us;
        due = slow < due ? slow : due;
    }
    return due;
}

void client_arm(struct hub *h, struct client *c)
{
    uint64_t due = client_due(h, c);
    if (due == UINT64_MAX) {
        wheel_clear(&h->wheel, &c->timer);
    } else if (!c->timer.next || c->timer.due_us != due) {
        wheel_set(&h->wheel, &c->timer, due);
    }
}

void client_ping(struct hub *h, struct client *c, uint64_t us)
{
    char payload[24];
    int n = snprintf(payload, sizeof(payload), "%llu", (unsigned long long)us);
    c->last_ping_us = us;
    h->ops.ping(h->ctx, c->sock, payload, (size_t)n);
}

static void heartbeat(struct hub *h, struct client *c)
{
    if (c->missed >= MAX_MISSED) {
        client_doom(h, c, SP_CLOSE_HEARTBEAT);
        return;
    }
    c->missed++;
    client_ping(h, c, h->now.mono_us);
}

static void away_timer(struct hub *h, struct client *c)
{
    if (h->now.mono_us >= c->lasting->until_us) {
        client_doom(h, c, SP_CLOSE_HEARTBEAT);
    } else {
        client_arm(h, c);
    }
}

void client_timer(struct hub *h, struct client *c)
{
    uint64_t now = h->now.mono_us;
    if (c->state == CLIENT_CLOSING) {
        shut(h, c);
        return;
    }
    if (auth_end(h, c)) {
        return;
    }
    if (c->away) {
        away_timer(h, c);
        return;
    }
    if (must_register(h, c) && now >= c->waiting_us + h->conf.register_us) {
        client_doom(h, c, SP_CLOSE_NOT_REGISTERED);
        return;
    }
    if (c->slow_since_us && !c->monitor && now >= c->slow_since_us + h->conf.slow_us) {
        client_doom(h, c, SP_CLOSE_SLOW);
        return;
    }
    if (h->conf.heartbeat_us && now >= heartbeat_due(h, c)) {
        heartbeat(h, c);
    }
    ice_tell(h, c);
    if (!c->doomed) {
        client_arm(h, c);
    }
}

static bool says_goodbye(unsigned code)
{
    return code == SP_CLOSE_NORMAL || code == SP_CLOSE_GOING_AWAY;
}

void hub_closed(struct hub *h, struct hub_ref ref, unsigned code, struct hub_now now)
{
    struct client *c = client_get(h, ref);
    if (!c) {
        return;
    }
    h->now = now;
    monitor_drop(h, c);
    presence_drop(h, c);
    held_drop(h, c);
    if (!c->doomed && !c->away) {
        if (!says_goodbye(code) && resume_may(h, c)) {
            resume_away(h, c);
        } else {
            c->doomed = true;
            client_leave(h, c, SP_BYE_PEER_LEFT);
        }
        emit_disconnect(h, c, code, code ? "closed by peer" : "connection lost");
    }
    c->sock = NULL;
    h->gens[c->ref.slot]++;
    h->nconn--;
    if (!c->away) {
        release(h, c);
    }
    hub_settle(h);
}

void client_free(struct hub *h, struct client *c)
{
    wheel_clear(&h->wheel, &c->timer);
    queue_fini(&c->queue);
    resume_free(c);
    free(c->err_at);
    auth_drop(h, c);
    free(c->addr_key);
    str_free(c->id);
    str_free(c->role);
    str_free(c->meta);
    str_free(c->addr);
    free(c);
}
