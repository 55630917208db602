/* SPDX-License-Identifier: MIT
 * The scenarios: what is sent when, and what an arrival means.
 * Flights of a pair are numbered, so loss, duplication and reordering show by themselves. */
#include "cli/sigbench/load.h"

#include "cli/sigbench/checkio.h"
#include "cli/sigbench/gen.h"
#include "cli/sigbench/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define RING_MAX   65536u
#define ICE_SIZE   300u
#define SDP_SIZE   2048u
#define NO_SESSION ((struct sp_str){NULL, 0})

static bool is_closed_model(const struct bench *b)
{
    return b->conf.rate <= 0;
}

static bool may_launch(const struct bench *b)
{
    return (b->phase == PHASE_WARMUP || b->phase == PHASE_MEASURE) &&
           (b->conf.count <= 0 || b->counts.sent < (uint64_t)b->conf.count);
}

/* --- flights --------------------------------------------------------------------------------- */

static struct flight *flight_at(const struct pair *p, uint32_t seq)
{
    return &p->ring[seq & (p->cap - 1)];
}

static bool ring_grow(struct pair *p)
{
    uint32_t cap = p->cap ? p->cap * 2 : 1;
    struct flight *ring = cap <= RING_MAX ? calloc(cap, sizeof(*ring)) : NULL;

    if (!ring) {
        return false;
    }
    for (uint32_t s = p->head; s != p->tail; s++) {
        ring[s & (cap - 1)] = *flight_at(p, s);
    }
    free(p->ring);
    p->ring = ring;
    p->cap = cap;
    return true;
}

static struct flight *flight_add(struct bench *b, struct pair *p, int64_t intended)
{
    if (p->tail - p->head == p->cap && !ring_grow(p)) {
        b->counts.not_sent += bench_in_window(b, intended);
        return NULL;
    }
    struct flight *f = flight_at(p, p->tail++);
    *f = (struct flight){.intended = intended, .sent = bench_now()};
    b->outstanding++;
    b->counts.sent += bench_in_window(b, intended);
    return f;
}

/* A flight is over, one way or another. */
static void flight_end(struct bench *b, struct pair *p, struct flight *f, uint64_t *count)
{
    *count += bench_in_window(b, f->intended);
    f->done = true;
    b->outstanding--;
    while (p->head != p->tail && flight_at(p, p->head)->done) {
        p->head++;
    }
}

static int64_t us_between(int64_t from, int64_t to)
{
    return (to - from + NS_PER_US / 2) / NS_PER_US;
}

static void record(struct bench *b, const struct flight *f, int64_t now)
{
    if (bench_in_window(b, f->intended)) {
        hist_add(&b->latency, us_between(f->intended, now));
        hist_add(&b->intervals.latency, us_between(f->intended, now));
        hist_add(&b->raw, us_between(f->sent, now));
    }
}

static void launch_next(struct bench *b, struct pair *p, int64_t now)
{
    if (is_closed_model(b) && may_launch(b)) {
        b->scenario->launch(b, p, now);
    }
}

void load_give_up(struct bench *b, struct pair *p)
{
    while (p->head != p->tail) {
        flight_end(b, p, flight_at(p, p->head), &b->counts.lost);
    }
}

static bool send_text(struct bench *b, struct peer *from, const struct peer *to,
                      enum text_kind kind, uint32_t seq, struct sp_str session)
{
    return checkio_send(b, from, to, kind, seq, session);
}

/* --- relay: one way, one message ------------------------------------------------------------- */

static void relay_launch(struct bench *b, struct pair *p, int64_t intended)
{
    enum text_kind kind = strcmp(b->conf.kind, "offer") == 0 ? TEXT_OFFER : TEXT_ICE;
    uint32_t seq = p->tail;
    struct flight *f = flight_add(b, p, intended);

    if (f && !send_text(b, p->caller, p->callee, kind, seq, NO_SESSION)) {
        flight_end(b, p, f, &b->counts.not_sent);
    }
}

static void relay_on_relayed(struct peer *peer, enum text_kind kind, struct sp_str m, int64_t now)
{
    struct bench *b = peer->b;
    struct pair *p = peer->pair;
    uint32_t index, seq;

    (void)kind;
    if (!text_marker(m, &index, &seq) || index != p->index || peer != p->callee) {
        b->counts.misdelivered++;
        return;
    }
    if (seq - p->head >= p->tail - p->head || flight_at(p, seq)->done) {
        b->counts.duplicated++;
        return;
    }
    b->counts.reordered += seq != p->head;
    struct flight *f = flight_at(p, seq);
    record(b, f, now);
    flight_end(b, p, f, &b->counts.received);
    launch_next(b, p, now);
}

/* An error names no flight in v1: it can only mean the oldest one. */
static void relay_on_error(struct peer *peer, int64_t now)
{
    struct pair *p = peer->pair;

    if (p->head != p->tail) {
        flight_end(peer->b, p, flight_at(p, p->head), &peer->b->counts.errors);
        launch_next(peer->b, p, now);
    }
}

/* --- setup: offer, answer, candidates both ways ---------------------------------------------- */

static void setup_begin(struct bench *b, struct pair *p)
{
    struct flight *f = flight_at(p, p->head);

    f->sent = bench_now();
    p->step = SETUP_OFFERED;
    p->ice_by_caller = p->ice_by_callee = 0;
    if (!send_text(b, p->caller, p->callee, TEXT_OFFER, p->head, NO_SESSION)) {
        p->step = SETUP_IDLE;
        flight_end(b, p, f, &b->counts.not_sent);
    }
}

static void setup_launch(struct bench *b, struct pair *p, int64_t intended)
{
    if (flight_add(b, p, intended) && p->step == SETUP_IDLE) {
        setup_begin(b, p);
    }
}

static void setup_next(struct bench *b, struct pair *p, int64_t now)
{
    p->step = SETUP_IDLE;
    if (p->head != p->tail) {
        setup_begin(b, p);
    } else {
        launch_next(b, p, now);
    }
}

static void setup_check_done(struct bench *b, struct pair *p, int64_t now)
{
    if (p->step != SETUP_ANSWERED || p->ice_by_caller < b->conf.ice ||
        p->ice_by_callee < b->conf.ice) {
        return;
    }
    struct flight *f = flight_at(p, p->head);
    if (bench_in_window(b, f->intended)) {
        hist_add(&b->complete, us_between(f->intended, now));
    }
    flight_end(b, p, f, &b->counts.received);
    setup_next(b, p, now);
}

static void send_candidates(struct bench *b, struct peer *from, const struct peer *to, uint32_t seq)
{
    for (int64_t i = 0; i < b->conf.ice; i++) {
        send_text(b, from, to, TEXT_ICE, seq, NO_SESSION);
    }
}

static void setup_on_relayed(struct peer *peer, enum text_kind kind, struct sp_str m, int64_t now)
{
    struct bench *b = peer->b;
    struct pair *p = peer->pair;
    bool at_caller = peer == p->caller;
    uint32_t index, seq;

    if (!text_marker(m, &index, &seq) || index != p->index ||
        (kind != TEXT_ICE && at_caller != (kind == TEXT_ANSWER))) {
        b->counts.misdelivered++;
        return;
    }
    if (p->head == p->tail || seq != p->head) {
        return; /* of a setup that an error has ended */
    }
    switch (kind) {
    case TEXT_OFFER:
        send_text(b, peer, p->caller, TEXT_ANSWER, seq, text_member(m, SP_STR("\"sessionId\":\"")));
        send_candidates(b, peer, p->caller, seq);
        return;
    case TEXT_ANSWER:
        if (p->step != SETUP_OFFERED) {
            b->counts.duplicated++;
            return;
        }
        record(b, flight_at(p, seq), now);
        p->step = SETUP_ANSWERED;
        send_candidates(b, peer, p->callee, seq);
        break;
    case TEXT_ICE:
        *(at_caller ? &p->ice_by_callee : &p->ice_by_caller) += 1;
        break;
    case TEXT_COUNT:
        break;
    }
    setup_check_done(b, p, now);
}

static void setup_on_error(struct peer *peer, int64_t now)
{
    struct pair *p = peer->pair;

    if (p->head != p->tail) {
        flight_end(peer->b, p, flight_at(p, p->head), &peer->b->counts.errors);
        setup_next(peer->b, p, now);
    }
}

const struct scenario scenarios[] = {
    {"relay", "one-way messages within pairs (default)", true, false, relay_launch,
     relay_on_relayed, relay_on_error},
    {"setup", "offer, answer, candidates both ways; measured to the answer", true, false,
     setup_launch, setup_on_relayed, setup_on_error},
    {"connect", "connect and register, -c clients, --window at a time", false, true, NULL, NULL,
     NULL},
    {"idle", "hold -c registered clients", false, false, NULL, NULL, NULL},
    {0}};

/* --- schedule -------------------------------------------------------------------------------- */

/* splitmix64: the schedule only has to look random and be the same for the same seed. */
static double next_uniform(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (double)((z ^ z >> 31) >> 11) / 9007199254740992.0;
}

static void schedule_step(struct schedule *s)
{
    s->next += s->poisson ? -log(1.0 - next_uniform(&s->rng)) * s->interval : s->interval;
}

static bool is_live(const struct pair *p)
{
    return p->caller->state == PEER_READY && p->callee->state == PEER_READY;
}

static struct pair *next_pair(struct bench *b)
{
    for (uint32_t i = 0; i < b->pair_count; i++) {
        struct pair *p = &b->pairs[b->next_pair++ % b->pair_count];
        if (is_live(p)) {
            return p;
        }
    }
    return NULL;
}

/* A pair must not wait for ever for what the checker has given up. */
static void end_overdue(struct bench *b, struct pair *p, int64_t now)
{
    if (p->head == p->tail || now - flight_at(p, p->head)->sent < b->conf.patience_us * NS_PER_US) {
        return;
    }
    flight_end(b, p, flight_at(p, p->head), &b->counts.lost);
    if (p->step != SETUP_IDLE) {
        setup_next(b, p, now);
    } else {
        launch_next(b, p, now);
    }
}

/* Gives when to call again. */
static int64_t sweep(struct bench *b, int64_t now)
{
    int64_t next;

    if (!b->check) {
        return INT64_MAX;
    }
    checkio_drained(b, now, &next);
    int64_t step = next - now, since = now - b->swept;
    if (since >= step) {
        b->swept = now;
        /* after a stop of its own the generator first reads what has come meanwhile */
        for (uint32_t i = 0; since < 2 * step && i < b->pair_count; i++) {
            end_overdue(b, &b->pairs[i], now);
        }
    }
    return next;
}

void load_start(struct bench *b, int64_t now)
{
    if (!b->scenario->pairs) {
        return;
    }
    if (!is_closed_model(b)) {
        b->schedule = (struct schedule){.poisson = strcmp(b->conf.arrival, "poisson") == 0,
                                        .interval = (double)NS_PER_S / (double)b->conf.rate,
                                        .next = (double)now,
                                        .rng = (uint64_t)b->conf.seed};
        return;
    }
    for (uint32_t i = 0; i < b->pair_count; i++) {
        for (int64_t w = 0; w < b->conf.window && is_live(&b->pairs[i]); w++) {
            launch_next(b, &b->pairs[i], now);
        }
    }
}

int64_t load_tick(struct bench *b, int64_t now)
{
    int64_t again = sweep(b, now);

    if (is_closed_model(b) || !b->scenario->pairs || !may_launch(b)) {
        return again;
    }
    while (b->schedule.next <= (double)now && may_launch(b)) {
        int64_t intended = (int64_t)b->schedule.next;
        struct pair *p = next_pair(b);
        if (p) {
            b->scenario->launch(b, p, intended);
        } else {
            b->counts.not_sent += bench_in_window(b, intended);
        }
        if (bench_in_window(b, intended)) {
            hist_add(&b->lag, us_between(intended, bench_now()));
        }
        schedule_step(&b->schedule);
    }
    return b->schedule.next < (double)again ? (int64_t)b->schedule.next : again;
}

/* --- messages of the server ------------------------------------------------------------------ */

bool load_register(struct peer *peer)
{
    char id[96], text[160];

    text_id(id, sizeof(id), peer->b->id_prefix, peer->index);
    int n = snprintf(text, sizeof(text), "{\"type\":\"register\",\"id\":\"%s\"}", id);
    return wsconn_send(peer->ws, (struct sp_str){text, (size_t)n});
}

static void on_registered(struct peer *peer, struct sp_str m, int64_t now)
{
    (void)m;
    gen_settled(peer, now);
}

static void on_relayed(struct peer *peer, enum text_kind kind, struct sp_str m, int64_t now)
{
    struct bench *b = peer->b;

    b->relayed += b->phase == PHASE_MEASURE;
    if (!checkio_arrived(peer, kind, m)) {
        b->counts.misdelivered++;
        return;
    }
    if (!peer->pair || !b->scenario->on_relayed) {
        b->counts.misdelivered++;
        return;
    }
    b->scenario->on_relayed(peer, kind, m, now);
}

static void on_offer(struct peer *peer, struct sp_str m, int64_t now)
{
    on_relayed(peer, TEXT_OFFER, m, now);
}

static void on_answer(struct peer *peer, struct sp_str m, int64_t now)
{
    on_relayed(peer, TEXT_ANSWER, m, now);
}

static void on_ice(struct peer *peer, struct sp_str m, int64_t now)
{
    on_relayed(peer, TEXT_ICE, m, now);
}

static void on_error(struct peer *peer, struct sp_str m, int64_t now)
{
    struct bench *b = peer->b;

    if (peer->state == PEER_OPENING) {
        gen_refused(peer, m, now);
        return;
    }
    if (b->first_error[0] == '\0') {
        size_t n = m.n < sizeof(b->first_error) - 1 ? m.n : sizeof(b->first_error) - 1;
        memcpy(b->first_error, m.p, n);
    }
    checkio_answered(peer, m, true);
    if (peer->state == PEER_READY && peer->pair && b->scenario->on_error) {
        b->scenario->on_error(peer, now);
    }
}

/* The close that follows says no more than that the server goes. */
static void on_goaway(struct peer *peer, struct sp_str m, int64_t now)
{
    struct bench *b = peer->b;
    (void)m;
    (void)now;
    if (b->first_error[0] == '\0') {
        snprintf(b->first_error, sizeof(b->first_error), "the server drained, connection lost");
    }
}

static void on_ack(struct peer *peer, struct sp_str m, int64_t now)
{
    (void)now;
    checkio_answered(peer, m, false);
    peer->b->counts.acks += peer->b->phase == PHASE_MEASURE;
}

void load_message(struct peer *peer, char *p, size_t n)
{
    static const struct {
        struct sp_str word;
        void (*handle)(struct peer *peer, struct sp_str m, int64_t now);
    } types[] = {{{"ice", 3}, on_ice},       {{"offer", 5}, on_offer},
                 {{"answer", 6}, on_answer}, {{"ack", 3}, on_ack},
                 {{"error", 5}, on_error},   {{"registered", 10}, on_registered},
                 {{"goaway", 6}, on_goaway}};
    struct sp_str m = {p, n};
    struct sp_str type = text_member(m, SP_STR("\"type\":\""));

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (sp_str_eq(type, types[i].word)) {
            types[i].handle(peer, m, bench_now());
            return;
        }
    }
}

/* --- life ------------------------------------------------------------------------------------ */

bool load_init(struct bench *b)
{
    bool offers = strcmp(b->conf.kind, "offer") == 0 || strcmp(b->scenario->name, "setup") == 0;
    size_t given = b->conf.size > 0 ? (size_t)b->conf.size : 0;
    size_t sdp = given && offers ? given : SDP_SIZE;
    size_t ice = given && !offers ? given : ICE_SIZE;
    enum text_extra extra = b->conf.check ? TEXT_CHECKED : b->conf.rid ? TEXT_RID : TEXT_PLAIN;

    b->text[TEXT_OFFER] = text_new(TEXT_OFFER, sdp, b->id_prefix, extra);
    b->text[TEXT_ANSWER] = text_new(TEXT_ANSWER, sdp, b->id_prefix, extra);
    b->text[TEXT_ICE] = text_new(TEXT_ICE, ice, b->id_prefix, extra);
    return checkio_init(b) && b->text[TEXT_OFFER] && b->text[TEXT_ANSWER] && b->text[TEXT_ICE];
}

void load_fini(struct bench *b)
{
    checkio_fini(b);
    for (int k = 0; k < TEXT_COUNT; k++) {
        text_free(b->text[k]);
    }
    for (uint32_t i = 0; b->pairs && i < b->pair_count; i++) {
        free(b->pairs[i].ring);
    }
}
