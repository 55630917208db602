/* SPDX-License-Identifier: MIT
 * Sessions: opened by an offer, answered, ended; each belongs to a pair of clients. */
#include "daemon/core/priv.h"

#include <stdio.h>
#include <stdlib.h>

static unsigned side_of(const struct session *s, const struct client *c)
{
    return s->party[0] == c ? 0 : 1;
}

struct client *session_other(const struct session *s, const struct client *c)
{
    return s->party[!side_of(s, c)];
}

static void link_in(struct session *s, unsigned side)
{
    struct client *c = s->party[side];
    s->link[side].prev = NULL;
    s->link[side].next = c->sessions;
    if (c->sessions) {
        c->sessions->link[side_of(c->sessions, c)].prev = s;
    }
    c->sessions = s;
    c->nsessions++;
    c->nopened += side == 0;
}

static void link_out(struct session *s, unsigned side)
{
    struct client *c = s->party[side];
    struct session *next = s->link[side].next, *prev = s->link[side].prev;
    if (next) {
        next->link[side_of(next, c)].prev = prev;
    }
    if (prev) {
        prev->link[side_of(prev, c)].next = next;
    } else {
        c->sessions = next;
    }
    c->nsessions--;
    c->nopened -= side == 0;
}

/* A client may call itself; it then stands in its list once. */
static unsigned sides(const struct session *s)
{
    return s->party[0] == s->party[1] ? 1 : 2;
}

struct session *session_find(struct client *a, struct client *b, struct sp_str id)
{
    if (a->nsessions > b->nsessions) {
        struct client *t = a;
        a = b;
        b = t;
    }
    for (struct session *s = a->sessions; s; s = s->link[side_of(s, a)].next) {
        if (session_other(s, a) == b && (id.n == 0 || sp_str_eq(s->id, id))) {
            return s;
        }
    }
    return NULL;
}

/* by is who ended it, NULL for the server or where it did not end. */
static void emit_session(struct hub *h, const struct session *s, enum sp_event_type t,
                         struct sp_str reason, const struct client *by)
{
    struct sp_event ev;
    if (s->party[0]->node) {
        return; /* told where it was opened */
    }
    sp_event_init(&ev, t, h->now.wall_ms);
    ev.s[SP_ES_from] = s->party[0]->id;
    ev.s[SP_ES_to] = s->party[1]->id;
    ev.s[SP_ES_session] = s->id;
    ev.s[SP_ES_reason] = reason;
    ev.s[SP_ES_id] = by ? by->id : (struct sp_str){NULL, 0};
    char counts[SP_WORD_MAX + 1];
    if (t != SP_EV_SESSION_OPEN) {
        ev.n[SP_EN_us] = (int64_t)(h->now.mono_us - s->opened_us);
    }
    if (t == SP_EV_SESSION_END) {
        snprintf(counts, sizeof(counts), "%u offer %u answer %u ice", s->offers, s->answers,
                 s->candidates);
        ev.s[SP_ES_summary] = sp_str(counts);
    }
    feed_emit(h, &ev);
}

struct session *session_open(struct hub *h, struct client *opener, struct client *other,
                             struct sp_str id)
{
    char made[SP_SESSION_LEN];
    if (id.n == 0) {
        uint8_t rnd[16];
        h->ops.random(h->ctx, rnd, sizeof(rnd));
        sp_session_id(made, rnd);
        id = (struct sp_str){made, sizeof(made)};
    }
    struct session *s = calloc(1, sizeof(*s) + id.n);
    if (!s) {
        return NULL;
    }
    char *text = (char *)(s + 1);
    memcpy(text, id.p, id.n);
    s->id = (struct sp_str){text, id.n};
    s->party[0] = opener;
    s->party[1] = other;
    s->opened_us = s->last_us = h->now.mono_us;
    s->timer.owner = s;
    s->timer.kind = TIMER_SESSION;
    for (unsigned i = 0; i < sides(s); i++) {
        link_in(s, i);
    }
    s->opened_ms = h->now.wall_ms;
    s->serial = ++h->last_session;
    s->older = h->newest;
    *(h->newest ? &h->newest->newer : &h->oldest) = s;
    h->newest = s;
    h->nsessions++;
    wheel_set(&h->wheel, &s->timer, s->opened_us + h->conf.offer_us);
    emit_session(h, s, SP_EV_SESSION_OPEN, (struct sp_str){NULL, 0}, NULL);
    return s;
}

static void tell_bye(struct hub *h, struct session *s, unsigned side, enum sp_bye why)
{
    struct sp_buf b = hub_out(h);
    sp_put_bye(&b, s->party[!side]->id, s->id, why, hub_stamp(h));
    client_relay(h, s->party[side], &b);
}

static void unlink_session(struct hub *h, struct session *s)
{
    for (unsigned i = 0; i < sides(s); i++) {
        link_out(s, i);
    }
    *(s->older ? &s->older->newer : &h->oldest) = s->newer;
    *(s->newer ? &s->newer->older : &h->newest) = s->older;
    wheel_clear(&h->wheel, &s->timer);
    h->nsessions--;
}

void session_end(struct hub *h, struct session *s, enum sp_bye why, const struct client *skip)
{
    /* one that is told by an error is still there: the other one has gone */
    bool is_there = skip && skip->state == CLIENT_REGISTERED;
    emit_session(h, s, SP_EV_SESSION_END, sp_str(sp_bye_wire(why)),
                 is_there ? session_other(s, skip) : skip);
    unlink_session(h, s);
    for (unsigned i = 0; i < sides(s); i++) {
        if (s->party[i] != skip) {
            tell_bye(h, s, i, why);
        }
    }
    free(s);
}

void session_end_all(struct hub *h, struct client *c, enum sp_bye why)
{
    while (c->sessions) {
        session_end(h, c->sessions, why, c);
    }
}

void session_discard(struct hub *h, struct session *s)
{
    unlink_session(h, s);
    free(s);
}

void session_close(struct hub *h, struct session *s, struct sp_str reason, const struct client *by)
{
    emit_session(h, s, SP_EV_SESSION_END, reason, by);
    session_discard(h, s);
}

void session_touch(struct hub *h, struct session *s)
{
    s->last_us = h->now.mono_us;
}

/* The timer is not moved with each message: it looks at the last one when it fires. */
void session_timer(struct hub *h, struct session *s)
{
    uint64_t due = s->answered ? s->last_us + h->conf.session_us : s->opened_us + h->conf.offer_us;
    if (h->now.mono_us < due) {
        wheel_set(&h->wheel, &s->timer, due);
    } else {
        session_end(h, s, SP_BYE_TIMEOUT, NULL);
    }
}

void session_answered(struct hub *h, struct session *s)
{
    s->answers++;
    if (!s->answered) {
        s->answered = true;
        wheel_set(&h->wheel, &s->timer, s->last_us + h->conf.session_us);
        emit_session(h, s, SP_EV_SESSION_ANSWER, (struct sp_str){NULL, 0}, NULL);
    }
}

static void move_one(struct session *s, struct client *from, struct client *to)
{
    unsigned side = side_of(s, from);
    bool self = sides(s) == 1;
    link_out(s, side);
    s->party[side] = to;
    if (self) {
        s->party[1] = to;
    }
    link_in(s, side);
}

void session_move_all(struct client *from, struct client *to)
{
    /* oldest first, so that the newest is found first again */
    struct session *s = from->sessions;
    while (s && s->link[side_of(s, from)].next) {
        s = s->link[side_of(s, from)].next;
    }
    while (s) {
        struct session *newer = s->link[side_of(s, from)].prev;
        move_one(s, from, to);
        s = newer;
    }
}
