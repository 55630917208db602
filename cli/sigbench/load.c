/* SPDX-License-Identifier: MIT
 * The scenarios: what is sent when, and what an arrival means.
 * Flights of a pair are numbered, so loss, duplication and reordering show by themselves. */
#include "cli/sigbench/load.h"

#include "cli/sigbench/away.h"
#include "cli/sigbench/checkio.h"
#include "cli/sigbench/gen.h"
#include "cli/sigbench/schedule.h"
#include "cli/sigbench/text.h"

#include <stdio.h>
#include <stdlib.h>

#define RING_MAX   65536u
#define ICE_SIZE   300u
#define SDP_SIZE   2048u
#define NO_SESSION ((struct sp_str){NULL, 0})

bool load_may_launch(const struct bench *b)
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

struct flight *load_flight(struct bench *b, struct pair *p, int64_t intended)
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
void load_landed(struct bench *b, struct pair *p, struct flight *f, uint64_t *count)
{
    *count += bench_in_window(b, f->intended);
    b->completed += b->phase == PHASE_MEASURE && count == &b->counts.received;
    f->done = true;
    b->outstanding--;
    while (p->head != p->tail && flight_at(p, p->head)->done) {
        p->head++;
    }
}

int64_t load_us(int64_t from, int64_t to)
{
    return (to - from + NS_PER_US / 2) / NS_PER_US;
}

void load_latency(struct bench *b, const struct pair *p, int64_t us)
{
    ptrdiff_t kind = p->scenario - scenarios;
    hist_add(&b->latency, us);
    hist_add(&b->intervals.latency, us);
    if (p->scenario != b->scenario && kind >= 0 && kind < (ptrdiff_t)MIX_MAX) {
        hist_add(&b->of[kind], us);
    }
}

static void record(struct bench *b, const struct pair *p, const struct flight *f, int64_t now)
{
    if (bench_in_window(b, f->intended)) {
        load_latency(b, p, load_us(f->intended, now));
        hist_add(&b->raw, load_us(f->sent, now));
    }
}

void load_next(struct bench *b, struct pair *p, int64_t now)
{
    if (!bench_is_open(b) && load_may_launch(b)) {
        p->scenario->launch(b, p, now);
    }
}

void load_give_up(struct bench *b, struct pair *p)
{
    while (p->head != p->tail) {
        load_landed(b, p, flight_at(p, p->head), &b->counts.lost);
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
    struct flight *f = load_flight(b, p, intended);

    if (f && !send_text(b, p->caller, p->callee, kind, seq, NO_SESSION)) {
        load_landed(b, p, f, &b->counts.not_sent);
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
    record(b, p, f, now);
    load_landed(b, p, f, &b->counts.received);
    load_next(b, p, now);
}

/* An error names no flight in v1: it can only mean the oldest one. */
static void relay_on_error(struct peer *peer, int64_t now)
{
    struct pair *p = peer->pair;

    if (p->head != p->tail) {
        load_landed(peer->b, p, flight_at(p, p->head), &peer->b->counts.errors);
        load_next(peer->b, p, now);
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
        load_landed(b, p, f, &b->counts.not_sent);
    }
}

static void setup_launch(struct bench *b, struct pair *p, int64_t intended)
{
    if (load_flight(b, p, intended) && p->step == SETUP_IDLE) {
        setup_begin(b, p);
    }
}

static void setup_next(struct bench *b, struct pair *p, int64_t now)
{
    p->step = SETUP_IDLE;
    if (p->head != p->tail) {
        setup_begin(b, p);
    } else {
        load_next(b, p, now);
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
        hist_add(&b->complete, load_us(f->intended, now));
    }
    load_landed(b, p, f, &b->counts.received);
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
        record(b, p, flight_at(p, seq), now);
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
        load_landed(peer->b, p, flight_at(p, p->head), &peer->b->counts.errors);
        setup_next(peer->b, p, now);
    }
}

const struct scenario scenarios[] = {
    {.name = "relay",
     .help = "one-way messages within pairs (default)",
     .pairs = true,
     .launch = relay_launch,
     .on_relayed = relay_on_relayed,
     .on_error = relay_on_error},
    {.name = "setup",
     .help = "offer, answer, candidates both ways; measured to the answer",
     .pairs = true,
     .launch = setup_launch,
     .on_relayed = setup_on_relayed,
     .on_error = setup_on_error},
    {.name = "churn",
     .help = "clients leave, every other one without a word, and come back; measured to registered",
     .pairs = true,
     .launch = churn_launch,
     .may_launch = churn_may_launch,
     .on_back = churn_on_back},
    {.name = "mix", .help = "relay, setup and churn at once, as --mix says", .pairs = true},
    {.name = "connect",
     .help = "connect and register, -c clients, --window at a time",
     .timed_connect = true},
    {.name = "storm",
     .help = "all lose their connections at once and come back; measured to registered",
     .on_lost = storm_lost,
     .on_back = storm_on_back,
     .begin = storm_begin,
     .tick = storm_tick,
     .is_over = storm_is_over},
    {.name = "idle", .help = "hold -c registered clients"},
    {0}};

/* --- schedule -------------------------------------------------------------------------------- */

static bool is_live(const struct pair *p)
{
    return p->scenario->may_launch
               ? p->scenario->may_launch(p)
               : p->caller->state == PEER_READY && p->callee->state == PEER_READY;
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
    load_landed(b, p, flight_at(p, p->head), &b->counts.lost);
    if (p->step != SETUP_IDLE) {
        setup_next(b, p, now);
    } else {
        load_next(b, p, now);
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
    if (bench_is_open(b)) {
        schedule_constant(b, now);
        return;
    }
    for (uint32_t i = 0; i < b->pair_count; i++) {
        for (int64_t w = 0; w < b->conf.window && is_live(&b->pairs[i]); w++) {
            load_next(b, &b->pairs[i], now);
        }
    }
}

void load_measure(struct bench *b, int64_t now)
{
    if (bench_is_open(b)) {
        schedule_profile(b, now);
    }
    if (b->scenario->begin) {
        b->scenario->begin(b, now);
    }
}

int64_t load_tick(struct bench *b, int64_t now)
{
    int64_t again = sweep(b, now);

    if (b->scenario->tick) {
        return b->scenario->tick(b, now);
    }
    if (!bench_is_open(b) || !load_may_launch(b)) {
        return again;
    }
    while (b->schedule.next <= (double)now && load_may_launch(b)) {
        int64_t intended = (int64_t)b->schedule.next;
        struct pair *p = next_pair(b);
        if (p) {
            p->scenario->launch(b, p, intended);
        } else {
            b->counts.not_sent += bench_in_window(b, intended);
        }
        if (bench_in_window(b, intended)) {
            hist_add(&b->lag, load_us(intended, bench_now()));
        }
        schedule_step(&b->schedule);
    }
    return b->schedule.next < (double)again ? (int64_t)b->schedule.next : again;
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
        b->text[k] = NULL;
    }
    for (uint32_t i = 0; b->pairs && i < b->pair_count; i++) {
        free(b->pairs[i].ring);
    }
}
