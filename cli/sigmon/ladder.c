/* SPDX-License-Identifier: MIT
 * Rungs out of events: an event is a new rung, or says more about the newest. */
#include "cli/sigmon/ladder.h"

#include <stdio.h>

#define CALLS_MAX 4096u /* the oldest are forgotten */

bool ladder_init(struct ladder *l, ladder_fn done, void *ctx)
{
    *l = (struct ladder){.done = done, .ctx = ctx};
    return book_init(&l->book);
}

void ladder_fini(struct ladder *l)
{
    book_fini(&l->book);
}

void ladder_flush(struct ladder *l)
{
    if (l->has_rung) {
        l->has_rung = false;
        l->done(l->ctx, &l->rung);
    }
}

static void copy(char *to, size_t cap, struct sp_str s)
{
    snprintf(to, cap, "%.*s", (int)s.n, s.n ? s.p : "");
}

static bool is_message(enum sp_type t)
{
    return t == SP_T_OFFER || t == SP_T_ANSWER || t == SP_T_ICE || t == SP_T_BYE;
}

static struct rung rung_of(const struct sp_event *ev, const struct call *c)
{
    struct rung r = {.ts_ms = ev->ts_ms,
                     .kind = ev->kind,
                     .size = ev->n[SP_EN_size],
                     .count = 1,
                     .setup_us = -1,
                     .life_us = -1};
    copy(r.id[0], sizeof(r.id[0]), c ? sp_str(c->side[0].id) : ev->s[SP_ES_from]);
    copy(r.id[1], sizeof(r.id[1]), c ? sp_str(c->side[1].id) : ev->s[SP_ES_to]);
    copy(r.session, sizeof(r.session), ev->s[SP_ES_session]);
    r.side = c ? book_side(c, ev->s[SP_ES_from]) : 0;
    r.us = c ? book_us(ev) - c->first_us : 0;
    return r;
}

static bool is_alike(const struct rung *a, const struct rung *b)
{
    return a->way == b->way && a->side == b->side && a->kind == SP_T_ICE && b->kind == SP_T_ICE &&
           strcmp(a->session, b->session) == 0 && strcmp(a->detail, b->detail) == 0 &&
           strcmp(a->code, b->code) == 0 && strcmp(a->id[0], b->id[0]) == 0 &&
           strcmp(a->id[1], b->id[1]) == 0;
}

static void put(struct ladder *l, const struct rung *r)
{
    if (l->has_rung && !l->apart && is_alike(&l->rung, r)) {
        l->rung.count++;
        l->rung.size += r->size > 0 ? r->size : 0;
        return;
    }
    ladder_flush(l);
    l->rung = *r;
    l->has_rung = true;
}

/* Tells whether the newest rung is the message that an event about its session speaks of. */
static bool is_newest(const struct ladder *l, const struct sp_event *ev, enum sp_type kind)
{
    return l->has_rung && l->rung.way == RUNG_OVER && l->rung.kind == kind &&
           sp_str_eq(sp_str(l->rung.session), ev->s[SP_ES_session]);
}

static void on_end(struct ladder *l, const struct sp_event *ev, const struct call *c)
{
    struct rung r = rung_of(ev, c);
    struct rung *to = &l->rung;
    if (!is_newest(l, ev, SP_T_BYE)) {
        r.way = RUNG_ENDED;
        r.kind = SP_T_BYE;
        r.side = c ? book_side(c, ev->s[SP_ES_id]) : -1;
        put(l, &r);
    }
    to->life_us = ev->n[SP_EN_us];
    copy(to->reason, sizeof(to->reason), ev->s[SP_ES_reason]);
}

static void on_message(struct ladder *l, const struct sp_event *ev, const struct call *c)
{
    struct rung r = rung_of(ev, c);
    if (ev->event == SP_EV_RELAY) {
        copy(r.detail, sizeof(r.detail), ev->s[SP_ES_summary]);
    } else {
        r.way = RUNG_FAILED;
        copy(r.code, sizeof(r.code), ev->s[SP_ES_code]);
        copy(r.reason, sizeof(r.reason), ev->s[SP_ES_reason]);
    }
    put(l, &r);
}

const struct call *ladder_event(struct ladder *l, const struct sp_event *ev, bool *full)
{
    struct call *c = book_event(&l->book, ev, full);
    if (*full) {
        return NULL;
    }
    if (ev->event == SP_EV_SESSION_ANSWER && is_newest(l, ev, SP_T_ANSWER)) {
        l->rung.setup_us = ev->n[SP_EN_us];
    } else if (ev->event == SP_EV_SESSION_END) {
        on_end(l, ev, c);
    } else if (is_message(ev->kind) && ev->s[SP_ES_to].n > 0 &&
               (ev->event == SP_EV_RELAY || ev->event == SP_EV_DELIVER_ERROR)) {
        on_message(l, ev, c);
    }
    if (l->book.n > CALLS_MAX && l->book.oldest != c) {
        book_forget(&l->book, l->book.oldest);
    }
    return c;
}
