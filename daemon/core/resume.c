/* SPDX-License-Identifier: MIT
 * Lossy links. A copy of each relayed message is kept until a pong says that what was written
 * before its ping has arrived, or the bounds of the send queue are reached. */
#include "daemon/core/resume.h"

#include "daemon/core/priv.h"

#include <stdlib.h>

#define ASK_US 200000u /* until the same ping is sent again */

void resume_ask(struct hub *h, struct client *c, const struct sp_msg *m)
{
    if (!sp_msg_has(m, SP_M_RECEIVED) || !h->conf.resume_us) {
        return;
    }
    c->lasting = calloc(1, sizeof(*c->lasting));
    if (c->lasting) {
        queue_init(&c->lasting->kept);
    }
}

void resume_free(struct client *c)
{
    if (c->lasting) {
        queue_fini(&c->lasting->kept);
        free(c->lasting);
    }
}

bool resume_proves(const struct client *old, const struct sp_msg *m)
{
    return sp_msg_has(m, SP_M_RESUME) &&
           sp_str_eq(m->str[SP_M_RESUME], (struct sp_str){old->resume, sizeof(old->resume)});
}

bool resume_fits(const struct client *old, const struct sp_msg *m)
{
    const struct lasting *l = old->lasting;
    if (!l || !sp_msg_has(m, SP_M_RECEIVED) || !resume_proves(old, m)) {
        return false;
    }
    uint64_t got = (uint64_t)m->num[SP_M_RECEIVED];
    return got <= l->sent && got >= l->sent - l->kept.count;
}

static bool over(const struct limits *l, const struct queue *q, size_t n)
{
    return q->count >= l->queue_msgs || q->bytes + n > l->queue_bytes;
}

/* A quarter, so that what is kept is mostly room when the link is lost. Behind a queue a ping would
 * overtake what is to be written. */
static void ask_pong(struct hub *h, struct client *c)
{
    struct lasting *l = c->lasting;
    const struct limits *lim = &h->limits[c->role_ix];
    if (c->queue.count ||
        (l->kept.count <= lim->queue_msgs / 4 && l->kept.bytes <= lim->queue_bytes / 4) ||
        (l->pinged && h->now.mono_us < l->asked_us + ASK_US)) {
        return;
    }
    /* a busy socket may have dropped it; the same again vouches for no more than it did */
    if (!l->pinged) {
        l->pinged = true;
        l->mark = l->sent;
        l->ping_us = h->now.mono_us;
    }
    l->asked_us = h->now.mono_us;
    client_ping(h, c, l->ping_us);
}

static void forget(struct lasting *l, uint64_t received)
{
    while (l->kept.count && l->sent - l->kept.count < received) {
        queue_pop(&l->kept);
    }
}

void resume_ponged(struct client *c, uint64_t ping_us)
{
    struct lasting *l = c->lasting;
    if (l && l->pinged && l->ping_us == ping_us) {
        l->pinged = false;
        forget(l, l->mark);
    }
}

static enum hub_wrote keep_away(struct hub *h, struct client *c, const struct sp_buf *b)
{
    struct lasting *l = c->lasting;
    bool full = over(&h->limits[c->role_ix], &l->kept, b->n) || h->away_bytes + b->n > AWAY_BYTES;
    struct queue_msg *m = full ? NULL : queue_msg_new(b->p, b->n, true);
    if (!m) {
        client_doom(h, c, SP_CLOSE_SLOW);
        return HUB_BUSY;
    }
    queue_append(&l->kept, m);
    l->sent++;
    h->away_bytes += b->n;
    return HUB_WROTE;
}

enum hub_wrote resume_relay(struct hub *h, struct client *c, struct sp_buf *b)
{
    struct lasting *l = c->lasting;
    const struct limits *lim = &h->limits[c->role_ix];
    if (c->doomed) {
        return HUB_GONE;
    }
    if (c->away) {
        return keep_away(h, c, b);
    }
    struct queue_msg *m = queue_msg_new(b->p, b->n, true); /* writing destroys the text */
    enum hub_wrote r = client_put(h, c, b, true);
    if (r == HUB_BUSY || (r == HUB_GONE && !m)) {
        free(m);
        return r;
    }
    /* a socket that is gone is a link that is lost: it waits for the next one */
    l->sent++;
    if (!m) {
        queue_fini(&l->kept);
        queue_init(&l->kept);
        return r;
    }
    queue_append(&l->kept, m);
    while (l->kept.count > 1 &&
           (l->kept.count > lim->queue_msgs || l->kept.bytes > lim->queue_bytes)) {
        queue_pop(&l->kept);
    }
    ask_pong(h, c);
    return HUB_WROTE;
}

/* When memory runs out here the link counts as slow: what is not written is still kept. */
void resume_take(struct hub *h, struct client *old, struct client *c, const struct sp_msg *m)
{
    struct lasting *from = old->lasting, *to = c->lasting;
    session_move_all(old, c);
    queue_fini(&old->queue);
    queue_init(&old->queue);
    if (old->away) {
        h->away_bytes -= from->kept.bytes;
    }
    forget(from, (uint64_t)m->num[SP_M_RECEIVED]);
    queue_move(&to->kept, &from->kept);
    to->sent = to->kept.count;
    for (struct queue_msg *k = to->kept.head; k; k = k->next) {
        struct queue_msg *copy = queue_msg_new(queue_text(k), k->len, true);
        if (!copy) {
            client_doom(h, c, SP_CLOSE_SLOW);
            return;
        }
        queue_append(&c->queue, copy);
    }
    if (c->queue.count) {
        c->slow_since_us = h->now.mono_us;
        client_drain(h, c);
        client_arm(h, c);
    }
}

bool resume_may(struct hub *h, struct client *c)
{
    return c->lasting && c->state == CLIENT_REGISTERED && !h->stopping && h->conf.resume_us &&
           client_find(h, c->id) == c && h->naway < AWAY_CLIENTS &&
           h->away_bytes + c->lasting->kept.bytes <= AWAY_BYTES;
}

void resume_away(struct hub *h, struct client *c)
{
    c->away = true;
    c->doomed = false;
    c->slow_since_us = 0;
    queue_fini(&c->queue);
    queue_init(&c->queue);
    h->naway++;
    h->away_bytes += c->lasting->kept.bytes;
    c->lasting->until_us = h->now.mono_us + h->conf.resume_us;
    client_arm(h, c);
}

void resume_over(struct hub *h, struct client *c)
{
    c->away = false;
    h->naway--;
    h->away_bytes -= c->lasting->kept.bytes;
}
