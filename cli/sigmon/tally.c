/* SPDX-License-Identifier: MIT
 * Figures out of events. A call is settled when it ends, so that memory holds the open ones only.
 */
#include "cli/sigmon/tally.h"

#include "libproto/msg.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

static struct sp_str id_of(const void *peer)
{
    const struct tally_peer *p = peer;
    return (struct sp_str){p->id, p->len};
}

static struct sp_str key_of(const void *pair)
{
    const struct tally_pair *p = pair;
    return (struct sp_str){p->key, p->len};
}

bool tally_init(struct tally *t, int64_t patience_us)
{
    uint8_t secret[16];
    *t = (struct tally){.patience_us = patience_us, .f.first_ms = -1, .f.last_ms = -1};
    struct words *const all[] = {&t->events, &t->codes, &t->reasons, &t->candidates, &t->media};
    bool ok = getrandom(secret, sizeof(secret), 0) == (ssize_t)sizeof(secret) &&
              book_init(&t->book) && sp_map_init(&t->peers, id_of, secret) &&
              sp_map_init(&t->pairs, key_of, secret);
    for (size_t i = 0; ok && i < sizeof(all) / sizeof(all[0]); i++) {
        ok = words_init(all[i], secret);
    }
    return ok;
}

static void free_all(struct sp_map *m)
{
    for (size_t i = 0; m->slots && i <= m->mask; i++) {
        free(m->slots[i].value);
    }
    sp_map_fini(m);
}

void tally_fini(struct tally *t)
{
    struct words *const all[] = {&t->events, &t->codes, &t->reasons, &t->candidates, &t->media};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        words_fini(all[i]);
    }
    spread_fini(&t->setup);
    spread_fini(&t->life);
    spread_fini(&t->relay);
    book_fini(&t->book);
    free_all(&t->peers);
    free_all(&t->pairs);
}

/* A file may claim any size. */
static void add(int64_t *sum, int64_t more)
{
    if (more > 0 && __builtin_add_overflow(*sum, more, sum)) {
        *sum = INT64_MAX;
    }
}

static void keep(struct tally *t, struct spread *s, int64_t value)
{
    t->full = (value >= 0 && !spread_add(s, value)) || t->full;
}

static void count(struct tally *t, struct words *w, struct sp_str text, const char *none)
{
    t->full = !words_add(w, text.n ? text : sp_str(none)) || t->full;
}

/* ---------------------------------------------------------------- peers and pairs */

/* NULL: it has no id, or there is no memory. */
static struct tally_peer *peer_of(struct tally *t, struct sp_str id)
{
    struct tally_peer *p = id.n ? sp_map_get(&t->peers, id) : NULL;
    if (p || id.n == 0) {
        return p;
    }
    p = calloc(1, sizeof(*p) + id.n + 1);
    if (p) {
        p->len = id.n;
        memcpy(p->id, id.p, id.n);
    }
    if (!p || !sp_map_put(&t->peers, p)) {
        free(p);
        t->full = true;
        return NULL;
    }
    t->f.peers++;
    return p;
}

static bool is_behind(struct sp_str a, struct sp_str b)
{
    size_t least = a.n < b.n ? a.n : b.n;
    int order = least ? memcmp(a.p, b.p, least) : 0;
    return order > 0 || (order == 0 && a.n > b.n);
}

static struct tally_pair *pair_new(struct tally *t, struct sp_str key, size_t alen)
{
    struct tally_pair *p = calloc(1, sizeof(*p) + key.n + 1);
    if (!p) {
        return NULL;
    }
    memcpy(p->key, key.p, key.n);
    p->len = key.n;
    p->alen = alen;
    p->blen = key.n - alen - 1;
    p->a = p->key;
    p->b = p->key + alen + 1;
    p->order[0] = p->order[1] = p->both = TALLY_ORDER_INIT;
    p->first = -1;
    if (!sp_map_put(&t->pairs, p)) {
        free(p);
        return NULL;
    }
    t->f.pairs++;
    return p;
}

/* way is 0 when from is a. NULL as peer_of. */
static struct tally_pair *pair_of(struct tally *t, struct sp_str from, struct sp_str to, int *way)
{
    char key[2 * SP_ID_MAX + 2];
    bool swap = is_behind(from, to);
    struct sp_str a = swap ? to : from, b = swap ? from : to;
    struct sp_buf buf;
    sp_buf_init(&buf, key, sizeof(key));
    sp_buf_str(&buf, a);
    sp_buf_lit(&buf, " ");
    sp_buf_str(&buf, b);
    *way = swap;
    if (buf.full || a.n == 0 || b.n == 0) {
        return NULL;
    }
    struct tally_pair *p = sp_map_get(&t->pairs, sp_buf_view(&buf));
    p = p ? p : pair_new(t, sp_buf_view(&buf), a.n);
    t->full = !p || t->full;
    return p;
}

/* ---------------------------------------------------------------- messages */

static uint64_t fnv(uint64_t digest, const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        digest = (digest ^ (unsigned char)p[i]) * 0x100000001b3u;
    }
    return digest;
}

uint64_t tally_order(uint64_t digest, enum sp_type type, int64_t size)
{
    char line[64];
    int n = snprintf(line, sizeof(line), "%s %lld\n", sp_type_wire(type), (long long)size);
    return fnv(digest, line, (size_t)n);
}

static int type_of(enum sp_type kind)
{
    static const enum sp_type types[TALLY_TYPES] = {[TALLY_OFFER] = SP_T_OFFER,
                                                    [TALLY_ANSWER] = SP_T_ANSWER,
                                                    [TALLY_ICE] = SP_T_ICE,
                                                    [TALLY_BYE] = SP_T_BYE};
    for (int i = 0; i < TALLY_TYPES; i++) {
        if (types[i] == kind) {
            return i;
        }
    }
    return -1;
}

static void add_way(struct tally_way *w, int type, int64_t size)
{
    w->n++;
    w->by_type[type]++;
    add(&w->bytes, size);
}

static void add_pair(struct tally_pair *p, int way, const struct sp_event *ev)
{
    int64_t size = ev->n[SP_EN_size];
    add_way(&p->way[way], type_of(ev->kind), size);
    p->order[way] = tally_order(p->order[way], ev->kind, size);
    p->first = p->first < 0 ? way : p->first;
    p->both = fnv(p->both, way == p->first ? "> " : "< ", 2);
    p->both = tally_order(p->both, ev->kind, size);
}

static void on_relay(struct tally *t, const struct sp_event *ev)
{
    int64_t *const figures[TALLY_TYPES] = {&t->f.offers, &t->f.answers, &t->f.candidates,
                                           &t->f.byes};
    int type = type_of(ev->kind), way;
    if (type < 0) {
        return;
    }
    t->f.messages++;
    t->f.attempts++;
    *figures[type] += 1;
    add(&t->f.bytes, ev->n[SP_EN_size]);
    keep(t, &t->relay, ev->n[SP_EN_us]);
    if (type == TALLY_ICE) {
        count(t, &t->candidates, ev->s[SP_ES_summary], "unknown");
    } else if (type != TALLY_BYE) {
        count(t, &t->media, ev->s[SP_ES_summary], "none");
    }
    struct tally_peer *from = peer_of(t, ev->s[SP_ES_from]), *to = peer_of(t, ev->s[SP_ES_to]);
    struct tally_pair *pair = pair_of(t, ev->s[SP_ES_from], ev->s[SP_ES_to], &way);
    if (from && to && pair) {
        add_way(&from->sent, type, ev->n[SP_EN_size]);
        add_way(&to->received, type, ev->n[SP_EN_size]);
        add_pair(pair, way, ev);
    }
}

/* ---------------------------------------------------------------- calls */

/* The call is over for us, at a moment: it ended, the server restarted or the recording ends. */
static void settle(struct tally *t, struct call *c, int64_t now_us)
{
    struct tally_peer *caller = peer_of(t, sp_str(c->side[0].id));
    struct tally_peer *called = peer_of(t, sp_str(c->side[1].id));
    int way;
    struct tally_pair *pair = pair_of(t, sp_str(c->side[0].id), sp_str(c->side[1].id), &way);
    bool opened = c->opened_us >= 0 || c->side[0].offers > 0;
    bool answered = c->answered_us >= 0 || c->side[0].answers + c->side[1].answers > 0;
    bool late = book_is_over(c) || now_us - c->first_us > t->patience_us;
    bool unanswered = opened && !answered && late;
    bool open = !book_is_over(c) && !unanswered;
    t->f.sessions++;
    t->f.opened += opened;
    t->f.before += !opened;
    t->f.answered += answered;
    t->f.unanswered += unanswered;
    t->f.ended += book_is_over(c);
    t->f.open += open;
    keep(t, &t->setup, c->setup_us);
    keep(t, &t->life, c->life_us);
    if (book_is_over(c)) {
        count(t, &t->reasons, sp_str(c->reason), "unknown");
    }
    if (caller && called && pair) {
        caller->calls += opened;
        caller->answered += opened && answered;
        caller->unanswered += unanswered;
        caller->open += open;
        called->called += opened;
        pair->sessions++;
    }
    book_forget(&t->book, c);
}

static void note_call(struct tally *t, const struct sp_event *ev)
{
    bool full;
    struct call *c = book_event(&t->book, ev, &full);
    t->full = full || t->full;
    if (c && book_is_over(c)) {
        settle(t, c, c->last_us);
    }
}

/* ---------------------------------------------------------------- events */

static void on_error(struct tally *t, const struct sp_event *ev)
{
    struct tally_peer *p = peer_of(t, ev->s[SP_ES_from]);
    t->f.errors++;
    t->f.attempts++;
    count(t, &t->codes, ev->s[SP_ES_code], "unknown");
    if (p) {
        p->errors++;
    }
}

/* What is counted for the peer that an event names, and in all. */
static const struct tick {
    enum sp_event_type event;
    size_t figure, peer; /* offsets; peer 0: not of a peer */
} ticks[] = {
#define FIGURE(member) offsetof(struct tally_figures, member)
#define PEER(member)   offsetof(struct tally_peer, member)
    {SP_EV_CONNECT, FIGURE(connections), 0},
    {SP_EV_REGISTER, FIGURE(registrations), PEER(registrations)},
    {SP_EV_REPLACE, FIGURE(takeovers), 0},
    {SP_EV_DISCONNECT, FIGURE(disconnects), PEER(disconnects)},
    {SP_EV_RATE_LIMIT, FIGURE(rate_limits), PEER(rate_limits)},
    {SP_EV_PROTOCOL_ERROR, FIGURE(protocol_errors), PEER(protocol_errors)},
#undef FIGURE
#undef PEER
};

static int64_t *at(void *base, size_t off)
{
    return (int64_t *)(void *)((char *)base + off);
}

static void tick(struct tally *t, const struct sp_event *ev)
{
    for (size_t i = 0; i < sizeof(ticks) / sizeof(ticks[0]); i++) {
        if (ticks[i].event != ev->event) {
            continue;
        }
        struct tally_peer *p = ticks[i].peer ? peer_of(t, ev->s[SP_ES_id]) : NULL;
        *at(&t->f, ticks[i].figure) += 1;
        if (p) {
            *at(p, ticks[i].peer) += 1;
        }
    }
}

static void note_time(struct tally *t, const struct sp_event *ev)
{
    int64_t us = timeline_us(&t->timeline, ev);
    if (t->f.events == 0) {
        t->first_us = us;
        t->f.first_ms = ev->ts_ms;
    }
    t->f.last_ms = ev->ts_ms > t->f.last_ms ? ev->ts_ms : t->f.last_ms;
    t->f.span_us = us - t->first_us;
    t->last_us = book_us(ev) > t->last_us ? book_us(ev) : t->last_us;
    t->f.events++;
}

void tally_event(struct tally *t, const struct sp_event *ev)
{
    note_time(t, ev);
    count(t, &t->events, sp_str(sp_event_wire(ev->event)), "other");
    if (ev->event == SP_EV_RELAY) {
        on_relay(t, ev);
    } else if (ev->event == SP_EV_DELIVER_ERROR) {
        on_error(t, ev);
    } else if (ev->event == SP_EV_AUTH) {
        t->f.refusals += ev->s[SP_ES_code].n > 0;
    }
    tick(t, ev);
    note_call(t, ev);
}

void tally_gap(struct tally *t, int64_t missed)
{
    t->f.gaps++;
    add(&t->f.missed, missed);
}

void tally_restart(struct tally *t)
{
    t->f.restarts++;
    while (t->book.oldest) {
        struct call *c = t->book.oldest;
        c->ended_us = c->last_us;
        snprintf(c->reason, sizeof(c->reason), "restart");
        settle(t, c, c->last_us);
    }
    timeline_restart(&t->timeline);
    t->last_us = 0;
}

void tally_end(struct tally *t)
{
    while (t->book.oldest) {
        settle(t, t->book.oldest, t->last_us);
    }
}

/* ---------------------------------------------------------------- in order */

static int by_messages(const void *a, const void *b)
{
    const struct tally_peer *x = *(const struct tally_peer *const *)a;
    const struct tally_peer *y = *(const struct tally_peer *const *)b;
    int64_t n = x->sent.n + x->received.n, m = y->sent.n + y->received.n;
    return n != m ? (n < m) - (n > m) : strcmp(x->id, y->id);
}

static int by_ids(const void *a, const void *b)
{
    const struct tally_pair *x = *(const struct tally_pair *const *)a;
    const struct tally_pair *y = *(const struct tally_pair *const *)b;
    return strcmp(x->key, y->key);
}

static int by_pair_messages(const void *a, const void *b)
{
    const struct tally_pair *x = *(const struct tally_pair *const *)a;
    const struct tally_pair *y = *(const struct tally_pair *const *)b;
    int64_t n = x->way[0].n + x->way[1].n, m = y->way[0].n + y->way[1].n;
    return n != m ? (n < m) - (n > m) : by_ids(a, b);
}

static void *sorted(const struct sp_map *m, int (*order)(const void *, const void *))
{
    void **v = calloc(m->count + 1, sizeof(*v));
    size_t n = 0;
    for (size_t i = 0; v && i <= m->mask; i++) {
        if (m->slots[i].value) {
            v[n++] = m->slots[i].value;
        }
    }
    if (v) {
        qsort(v, n, sizeof(*v), order);
    }
    return v;
}

const struct tally_peer **tally_peers(const struct tally *t)
{
    return sorted(&t->peers, by_messages);
}

const struct tally_pair **tally_pairs(const struct tally *t, bool busiest)
{
    return sorted(&t->pairs, busiest ? by_pair_messages : by_ids);
}
