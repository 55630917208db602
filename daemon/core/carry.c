/* SPDX-License-Identifier: MIT
 * Messages between clients of different nodes. The sender's node composes what the receiver gets;
 * the receiver's puts it into its queue and says what became of it, which is then told to the
 * sender. */
#include "daemon/core/cluster.h"

#include "daemon/core/priv.h"

#include <stdlib.h>

#define ANSWER_US 2000000u /* protocol: cluster_unavailable, route_timeout */

static const struct sp_str none = {NULL, 0};

/* ---------------------------------------------------------------- from ours to theirs */

static bool await(struct hub *h, struct node *n, const struct client *c, const struct sp_msg *m,
                  const struct session *s)
{
    struct sp_str target = m->str[SP_M_TARGET], session = s ? s->id : none;
    struct carried *k = malloc(sizeof(*k) + m->rid.n + target.n + session.n);
    if (!k) {
        return false;
    }
    *k = (struct carried){.seq = n->next_seq,
                          .due_us = h->now.mono_us + ANSWER_US,
                          .sender = c->ref,
                          .kind = m->type,
                          .opened = s && s->offers == 0 && m->type == SP_T_OFFER};
    char *at = (char *)(k + 1);
    k->rid = str_keep(&at, m->rid);
    k->target = str_keep(&at, target);
    k->session = str_keep(&at, session);
    *n->last = k;
    n->last = &k->next;
    n->ncarried++;
    return true;
}

bool cluster_carry(struct hub *h, struct client *c, const struct sp_msg *m, struct client *to,
                   struct session *s, struct sp_str text)
{
    struct node *n = to->node;
    struct sp_str target = m->str[SP_M_TARGET];
    if (!h->cluster.up) {
        reply_error(h, c, SP_CLUSTER_UNAVAILABLE, target, "the node of %.*s cannot be reached",
                    (int)target.n, target.p);
        return false;
    }
    if (n->ncarried >= CLUSTER_PENDING || !await(h, n, c, m, s)) {
        reply_error(h, c, SP_OVERLOADED, target, "too much is under way to the node of %.*s",
                    (int)target.n, target.p);
        return false;
    }
    struct bus_rec r = {.type = BUS_CARRY};
    r.num[BUS_F_seq] = n->next_seq++;
    r.num[BUS_F_kind] = m->type;
    r.num[BUS_F_epoch] = c->epoch;
    r.num[BUS_F_to_epoch] = to->epoch;
    r.str[BUS_F_id] = c->id;
    r.str[BUS_F_to] = to->id;
    r.str[BUS_F_session] = s ? s->id : none;
    r.str[BUS_F_text] = text;
    node_say(h, n, &r);
    h->cluster.counts.carried++;
    return true;
}

/* ---------------------------------------------------------------- what became of it */

static struct carried *first_of(struct node *n)
{
    struct carried *k = n->first;
    n->first = k->next;
    n->last = n->first ? n->last : &n->first;
    n->ncarried--;
    return k;
}

/* The session that a failed offer had opened ends, as it does where both are of one node. */
static void undo(struct hub *h, struct client *c, const struct carried *k)
{
    struct client *to = client_find(h, k->target);
    struct session *s = k->opened && to ? session_find(c, to, k->session) : NULL;
    if (s && !s->answered) {
        session_end(h, s, SP_BYE_PEER_LEFT, c);
    }
}

/* Answers the sender, if it is still there, as if its message were being handled now. */
static void settle(struct hub *h, struct carried *k, enum sp_err e)
{
    struct client *c = client_get(h, k->sender);
    if (c && !c->doomed && c->state == CLIENT_REGISTERED) {
        h->msg.rid = k->rid;
        h->msg.type = k->kind;
        h->msg.have = k->session.n ? SP_B(SESSION) : 0;
        h->msg.str[SP_M_SESSION] = k->session;
        if (e == SP_OK) {
            reply_ack(h, c, k->session);
        } else {
            reply_error(h, c, e, k->target, "%.*s, with another node, was not reached",
                        (int)k->target.n, k->target.p);
            undo(h, c, k);
        }
        h->msg.rid = none;
        h->msg.type = SP_T_NONE;
    }
    free(k);
}

void carry_done(struct hub *h, struct node *n, const struct bus_rec *r)
{
    uint64_t seq = r->num[BUS_F_seq], code = r->num[BUS_F_code];
    /* answers come in order: those before it are lost */
    while (n->first && n->first->seq < seq) {
        settle(h, first_of(n), SP_ROUTE_TIMEOUT);
    }
    if (n->first && n->first->seq == seq) {
        settle(h, first_of(n), code < SP_ERR_COUNT ? (enum sp_err)code : SP_INTERNAL);
    }
}

void carry_late(struct hub *h, struct node *n)
{
    while (n->first && n->first->due_us <= h->now.mono_us) {
        settle(h, first_of(n), h->cluster.up ? SP_ROUTE_TIMEOUT : SP_CLUSTER_UNAVAILABLE);
    }
}

void carry_fail(struct hub *h, struct node *n, enum sp_err e)
{
    while (n->first) {
        settle(h, first_of(n), e);
    }
}

/* ---------------------------------------------------------------- from theirs to ours */

/* The session stands on both nodes; an offer opens it on the second as it did on the first. */
static enum sp_err enter_session(struct hub *h, struct client *from, struct client *to,
                                 const struct bus_rec *r, struct session **out)
{
    struct sp_str id = r->str[BUS_F_session];
    struct session *s = id.n ? session_find(from, to, id) : NULL;
    if (!s && id.n && r->num[BUS_F_kind] == SP_T_OFFER) {
        s = session_open(h, from, to, id);
        if (!s) {
            return SP_INTERNAL;
        }
    }
    *out = s;
    return !s && (id.n || r->num[BUS_F_kind] != SP_T_ICE) ? SP_SESSION_NOT_FOUND : SP_OK;
}

static void count_session(struct hub *h, struct session *s, uint64_t kind, struct client *from)
{
    switch (kind) {
    case SP_T_OFFER:
        s->offers++;
        break;
    case SP_T_ANSWER:
        session_answered(h, s);
        break;
    case SP_T_ICE:
        s->candidates++;
        break;
    case SP_T_BYE:
        session_close(h, s, SP_STR("hangup"), from);
        break;
    default:
        break;
    }
}

static enum sp_err take(struct hub *h, struct node *n, const struct bus_rec *r)
{
    struct client *from = client_find(h, r->str[BUS_F_id]), *to = client_find(h, r->str[BUS_F_to]);
    struct sp_str text = r->str[BUS_F_text];
    struct session *s;
    if (!from || from->node != n || from->epoch != r->num[BUS_F_epoch]) {
        return SP_ROUTE_TIMEOUT; /* we have not heard of the sender */
    }
    if (!to || to->node || to->doomed || to->epoch != r->num[BUS_F_to_epoch]) {
        return SP_TARGET_NOT_FOUND;
    }
    if (text.n == 0 || text.n > h->out_cap) {
        h->cluster.counts.malformed++;
        return SP_TOO_LARGE;
    }
    enum sp_err e = enter_session(h, from, to, r, &s);
    if (e) {
        return e;
    }
    struct sp_buf b = hub_out(h);
    sp_buf_str(&b, text);
    enum hub_wrote wrote = client_relay(h, to, &b);
    if (wrote != HUB_WROTE) {
        return wrote == HUB_BUSY ? SP_TARGET_OVERLOADED : SP_TARGET_NOT_FOUND;
    }
    h->cluster.counts.taken++;
    if (s) {
        session_touch(h, s);
        count_session(h, s, r->num[BUS_F_kind], from);
    }
    return SP_OK;
}

void carry_take(struct hub *h, struct node *n, const struct bus_rec *r)
{
    struct bus_rec done = {.type = BUS_DONE};
    done.num[BUS_F_seq] = r->num[BUS_F_seq];
    done.num[BUS_F_code] = take(h, n, r);
    node_say(h, n, &done);
}
