/* SPDX-License-Identifier: MIT
 * Calls out of events. */
#include "cli/sigmon/book.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#define TCP "/tcp"

static const char *const kinds[BOOK_KINDS] = {
#define KIND(id, word) [BOOK_##id] = word,
#include "cli/sigmon/tbl/kinds.h"
#undef KIND
};

const char *book_kind_word(enum book_kind kind)
{
    return kinds[kind];
}

enum book_kind book_kind_of(struct sp_str s, bool *tcp)
{
    size_t n = sizeof(TCP) - 1;
    *tcp = s.n > n && memcmp(s.p + s.n - n, TCP, n) == 0;
    s.n -= *tcp ? n : 0;
    for (unsigned k = 0; k < BOOK_KINDS; k++) {
        if (sp_str_eq(s, sp_str(kinds[k]))) {
            return (enum book_kind)k;
        }
    }
    return BOOK_UNKNOWN;
}

static struct sp_str key_of(const void *call)
{
    const struct call *c = call;
    return (struct sp_str){c->key, c->key_n};
}

bool book_init(struct book *b)
{
    uint8_t secret[16] = {0};
    *b = (struct book){.n = 0};
    return getrandom(secret, sizeof(secret), 0) == (ssize_t)sizeof(secret) &&
           sp_map_init(&b->calls, key_of, secret);
}

void book_fini(struct book *b)
{
    while (b->oldest) {
        book_forget(b, b->oldest);
    }
    sp_map_fini(&b->calls);
}

int64_t book_us(const struct sp_event *ev)
{
    return ev->n[SP_EN_at] >= 0 ? ev->n[SP_EN_at] : ev->ts_ms * 1000;
}

static void copy(char *to, size_t cap, struct sp_str s)
{
    snprintf(to, cap, "%.*s", (int)s.n, s.n ? s.p : "");
}

/* Two pairs may have sessions of the same id: the pair, in one order, is part of the name. */
static size_t make_key(char *key, size_t cap, struct sp_str id, struct sp_str a, struct sp_str b)
{
    size_t least = a.n < b.n ? a.n : b.n;
    int order = least ? memcmp(a.p, b.p, least) : 0;
    bool swap = order > 0 || (order == 0 && a.n > b.n);
    struct sp_str first = swap ? b : a, second = swap ? a : b;
    int n = snprintf(key, cap, "%.*s %.*s %.*s", (int)id.n, id.p, (int)first.n, first.p,
                     (int)second.n, second.p);
    return n > 0 && (size_t)n < cap ? (size_t)n : cap - 1;
}

static struct call *call_new(struct book *b, const struct sp_event *ev)
{
    struct call *c = calloc(1, sizeof(*c));
    if (!c) {
        return NULL;
    }
    struct sp_str from = ev->s[SP_ES_from], to = ev->s[SP_ES_to];
    c->key_n = make_key(c->key, sizeof(c->key), ev->s[SP_ES_session], from, to);
    /* where the opening was not seen, an answer comes from the other side */
    bool reply = ev->event == SP_EV_RELAY && ev->kind == SP_T_ANSWER;
    copy(c->id, sizeof(c->id), ev->s[SP_ES_session]);
    copy(c->side[reply].id, sizeof(c->side[0].id), from);
    copy(c->side[!reply].id, sizeof(c->side[0].id), to);
    c->first_ms = ev->ts_ms;
    c->first_us = c->last_us = book_us(ev);
    c->opened_us = c->answered_us = c->ended_us = c->setup_us = c->life_us = -1;
    c->ended_by = -1;
    if (!sp_map_put(&b->calls, c)) {
        free(c);
        return NULL;
    }
    c->older = b->newest;
    *(b->newest ? &b->newest->newer : &b->oldest) = c;
    b->newest = c;
    b->n++;
    return c;
}

void book_forget(struct book *b, struct call *c)
{
    sp_map_del(&b->calls, key_of(c));
    *(c->older ? &c->older->newer : &b->oldest) = c->newer;
    *(c->newer ? &c->newer->older : &b->newest) = c->older;
    b->n--;
    free(c);
}

int book_side(const struct call *c, struct sp_str id)
{
    return sp_str_eq(sp_str(c->side[0].id), id) ? 0 : sp_str_eq(sp_str(c->side[1].id), id) ? 1 : -1;
}

bool book_is_over(const struct call *c)
{
    return c->ended_us >= 0;
}

static void note_candidate(struct side *s, struct sp_str summary)
{
    bool tcp;
    if (sp_str_eq(summary, SP_STR("end"))) {
        s->end = true;
        return;
    }
    s->candidates++;
    s->kinds[book_kind_of(summary, &tcp)]++;
    s->tcp += tcp;
}

static void note_relay(struct call *c, const struct sp_event *ev)
{
    int i = book_side(c, ev->s[SP_ES_from]);
    struct side *s = &c->side[i < 0 ? 0 : i];
    s->bytes += ev->n[SP_EN_size] > 0 ? (uint64_t)ev->n[SP_EN_size] : 0;
    if (ev->kind == SP_T_ICE) {
        note_candidate(s, ev->s[SP_ES_summary]);
    } else if (ev->kind == SP_T_BYE) {
        s->byes++;
        c->ended_by = i;
    } else {
        *(ev->kind == SP_T_OFFER ? &s->offers : &s->answers) += 1;
        copy(s->media, sizeof(s->media), ev->s[SP_ES_summary]);
    }
}

static void note(struct call *c, const struct sp_event *ev)
{
    int64_t us = book_us(ev);
    int i = book_side(c, ev->s[SP_ES_from]);
    if (ev->event == SP_EV_RELAY) {
        note_relay(c, ev);
    } else if (ev->event == SP_EV_SESSION_OPEN) {
        c->opened_us = us;
    } else if (ev->event == SP_EV_SESSION_ANSWER) {
        c->answered_us = us;
        c->setup_us = ev->n[SP_EN_us];
    } else if (ev->event == SP_EV_SESSION_END) {
        c->ended_us = us;
        c->life_us = ev->n[SP_EN_us];
        copy(c->reason, sizeof(c->reason), ev->s[SP_ES_reason]);
    } else if (ev->event == SP_EV_DELIVER_ERROR && i >= 0) {
        c->side[i].errors++;
    }
    c->last_us = us > c->last_us ? us : c->last_us;
}

struct call *book_event(struct book *b, const struct sp_event *ev, bool *full)
{
    char key[3 * SP_ID_MAX + 3];
    struct sp_str session = ev->s[SP_ES_session], from = ev->s[SP_ES_from], to = ev->s[SP_ES_to];
    *full = false;
    if (session.n == 0 || from.n == 0 || to.n == 0) {
        return NULL;
    }
    size_t n = make_key(key, sizeof(key), session, from, to);
    struct call *c = sp_map_get(&b->calls, (struct sp_str){key, n});
    if (c && book_is_over(c) && ev->event == SP_EV_SESSION_OPEN) {
        /* a client's own id, used again */
        book_forget(b, c);
        c = NULL;
    }
    if (!c && ev->event == SP_EV_DELIVER_ERROR) {
        return NULL;
    }
    if (!c) {
        c = call_new(b, ev);
        *full = c == NULL;
    }
    if (c) {
        note(c, ev);
    }
    return c;
}
