/* SPDX-License-Identifier: MIT
 * A ring of what is under way per source and destination. A message leaves it when nothing more is
 * to come for it, or when it has waited too long; what comes for it later is told by its number. */
#include "cli/sigbench/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define RING_MAX   65536u
#define FIRST_RING 4u
#define FIRST_SET  64u
#define GIVEN_UP   8u
#define TICKS      8       /* in a patience */
#define EPOCHS     0xffffu /* a stamp has room for so many */
#define NOBODY     UINT32_MAX

/* What is known of a message that is under way. */
enum {
    ACKED = 1,
    FAILED = 2,
    ARRIVED = 4,
    STRAY = 8,       /* arrived somewhere else */
    NO_ANSWER = 16,  /* its source is gone: no outcome is owed */
    NO_ARRIVAL = 32, /* its destination was gone for a while: no delivery is owed */
    UNSENT = 64
};

struct entry {
    int64_t at; /* of the checker's clock: sent, then answered */
    uint32_t epoch;
    unsigned state;
};

struct stream {
    uint32_t src, dst;
    uint32_t head, tail, cap;
    struct entry *ring;
    bool has_newest;
    uint32_t newest, newest_epoch; /* of those that arrived */
    uint32_t unreadable;           /* came broken, so that nobody knows which they were */
    uint32_t given_up[GIVEN_UP], ngiven_up;
};

struct peer {
    uint32_t epoch;   /* connections so far */
    uint32_t unnamed; /* errors that may explain a message that did not arrive */
    bool up;
};

enum acks { ACKS_UNSEEN, ACKS_SEEN, ACKS_NONE };

struct check {
    struct check_conf conf;
    enum acks acks;
    bool broken;
    int64_t clock, ticked, swept;
    struct peer *peers;
    uint32_t npeers;
    struct stream **slots; /* a hash set, a power of two */
    uint32_t nslots, nstreams;
    uint64_t pending;
    struct check_totals totals;
    uint64_t flags[CHECK_FLAGS];
    char examples[CHECK_FLAGS][CHECK_EXAMPLES][CHECK_EXAMPLE_MAX];
};

static const struct {
    const char *name, *what;
} flag_rows[CHECK_FLAGS] = {
    [CHECK_LOST] = {"lost", "never arrived"},
    [CHECK_LATE] = {"late", "arrived after it was given up as lost"},
    [CHECK_DUPLICATE] = {"duplicate", "arrived again"},
    [CHECK_REORDERED] = {"reordered", "arrived behind a later one"},
    [CHECK_MISDELIVERED] = {"misdelivered", "arrived at another client"},
    [CHECK_FORGED_FROM] = {"forged_from", "arrived with another sender's name"},
    [CHECK_CORRUPT] = {"corrupt", "arrived with other content"},
    [CHECK_ACK_AND_ERROR] = {"ack_and_error", "both an ack and an error came"},
    [CHECK_DOUBLE_ACK] = {"double_ack", "answered twice"},
    [CHECK_NO_OUTCOME] = {"no_outcome", "neither ack nor error came"},
    [CHECK_UNKNOWN] = {"unknown", "was never sent"},
    [CHECK_AFTER_ERROR] = {"after_error", "arrived although an error was told"},
    [CHECK_COUNTER_MISMATCH] = {"counter_mismatch", ""},
};

/* --- flags ----------------------------------------------------------------------------------- */

__attribute__((format(printf, 3, 4))) static void flag(struct check *c, enum check_flag f,
                                                       const char *fmt, ...)
{
    va_list ap;

    if (c->flags[f] < CHECK_EXAMPLES) {
        va_start(ap, fmt);
        vsnprintf(c->examples[f][c->flags[f]], CHECK_EXAMPLE_MAX, fmt, ap);
        va_end(ap);
    }
    c->flags[f]++;
}

static void flag_message(struct check *c, enum check_flag f, const struct check_stamp *m,
                         uint32_t at)
{
    char where[96] = "";

    if (c->flags[f] < CHECK_EXAMPLES && at != NOBODY) {
        snprintf(where, sizeof(where), ", %s-%06u", c->conf.prefix, at);
    }
    flag(c, f, "%s-%06u to %s-%06u, connection %u, number %u: %s%s", c->conf.prefix, m->src,
         c->conf.prefix, m->dst, m->epoch, m->seq, flag_rows[f].what, where);
}

/* --- peers and streams ----------------------------------------------------------------------- */

static bool fail(struct check *c)
{
    c->broken = true;
    return false;
}

static bool has_peer(struct check *c, uint32_t i)
{
    if (i < c->npeers) {
        return true;
    }
    uint32_t n = c->npeers ? c->npeers : FIRST_SET;
    while (n <= i && n < UINT32_MAX / 2) {
        n *= 2;
    }
    struct peer *peers = n > i ? realloc(c->peers, n * sizeof(*peers)) : NULL;
    if (!peers) {
        return fail(c);
    }
    memset(peers + c->npeers, 0, (n - c->npeers) * sizeof(*peers));
    c->peers = peers;
    c->npeers = n;
    return true;
}

static uint32_t slot_of(uint32_t nslots, uint32_t src, uint32_t dst)
{
    uint64_t key = (uint64_t)src << 32 | dst;

    return (uint32_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (nslots - 1);
}

/* Gives where the stream is or would be. */
static struct stream **slot_find(struct stream **slots, uint32_t nslots, uint32_t src, uint32_t dst)
{
    uint32_t i = slot_of(nslots, src, dst);

    while (slots[i] && (slots[i]->src != src || slots[i]->dst != dst)) {
        i = (i + 1) & (nslots - 1);
    }
    return &slots[i];
}

static struct stream *stream_find(const struct check *c, uint32_t src, uint32_t dst)
{
    return c->nslots ? *slot_find(c->slots, c->nslots, src, dst) : NULL;
}

static bool slots_grow(struct check *c)
{
    uint32_t n = c->nslots ? c->nslots * 2 : FIRST_SET;
    struct stream **slots = calloc(n, sizeof(struct stream *));

    if (!slots) {
        return fail(c);
    }
    for (uint32_t i = 0; i < c->nslots; i++) {
        if (c->slots[i]) {
            *slot_find(slots, n, c->slots[i]->src, c->slots[i]->dst) = c->slots[i];
        }
    }
    free(c->slots);
    c->slots = slots;
    c->nslots = n;
    return true;
}

static struct stream *stream_get(struct check *c, uint32_t src, uint32_t dst)
{
    struct stream *s = stream_find(c, src, dst);

    if (s || (c->nstreams >= c->nslots / 2 && !slots_grow(c))) {
        return s;
    }
    s = calloc(1, sizeof(*s));
    if (!s) {
        fail(c);
        return NULL;
    }
    s->src = src;
    s->dst = dst;
    *slot_find(c->slots, c->nslots, src, dst) = s;
    c->nstreams++;
    return s;
}

/* --- what is under way ----------------------------------------------------------------------- */

static struct entry *entry_at(const struct stream *s, uint32_t seq)
{
    return &s->ring[seq & (s->cap - 1)];
}

static bool has_arrived(const struct entry *e)
{
    return (e->state & (ARRIVED | STRAY)) != 0;
}

/* Whether something is still to come. */
static bool is_owed(const struct check *c, const struct entry *e)
{
    if (e->state & (UNSENT | FAILED)) {
        return false;
    }
    bool answer = c->acks != ACKS_NONE && !(e->state & (ACKED | NO_ANSWER));
    bool arrival = !has_arrived(e) && !(e->state & NO_ARRIVAL);
    return answer || arrival;
}

/* What failed, or lost its connection, stays until its time is over: it must not arrive, or may. */
static bool is_over(const struct check *c, const struct entry *e)
{
    return e->state & UNSENT ||
           (has_arrived(e) && (c->acks == ACKS_NONE || (e->state & ACKED) != 0));
}

static void learn(struct check *c, struct entry *e, unsigned what)
{
    c->pending -= is_owed(c, e);
    e->state |= what;
    c->pending += is_owed(c, e);
}

static void set_acks(struct check *c, enum acks acks)
{
    c->acks = acks;
    c->pending = 0;
    for (uint32_t i = 0; i < c->nslots; i++) {
        const struct stream *s = c->slots[i];
        for (uint32_t seq = s ? s->head : 0; s && seq != s->tail; seq++) {
            c->pending += is_owed(c, entry_at(s, seq));
        }
    }
}

static bool take_excuse(struct check *c, struct stream *s)
{
    uint32_t *excuse = s->unreadable ? &s->unreadable : &c->peers[s->src].unnamed;

    if (*excuse == 0) {
        return false;
    }
    --*excuse;
    return true;
}

/* The time of a message is over. */
static void give_up(struct check *c, struct stream *s, const struct entry *e)
{
    struct check_stamp m = {c->conf.run, s->src, e->epoch, s->dst, s->head};

    if (e->state & FAILED) {
        return;
    }
    if (c->acks == ACKS_UNSEEN) {
        set_acks(c, ACKS_NONE);
    }
    if (!is_owed(c, e)) {
        return;
    }
    s->given_up[s->ngiven_up++ % GIVEN_UP] = s->head;
    if (c->acks == ACKS_SEEN && !(e->state & (ACKED | NO_ANSWER))) {
        flag_message(c, CHECK_NO_OUTCOME, &m, NOBODY);
    } else if (!has_arrived(e) && !take_excuse(c, s)) {
        flag_message(c, CHECK_LOST, &m, NOBODY);
    }
}

static bool was_given_up(struct stream *s, uint32_t seq)
{
    uint32_t n = s->ngiven_up < GIVEN_UP ? s->ngiven_up : GIVEN_UP;

    for (uint32_t i = 0; i < n; i++) {
        if (s->given_up[i] == seq) {
            return true;
        }
    }
    return false;
}

static void drop_head(struct check *c, struct stream *s)
{
    const struct entry *e = entry_at(s, s->head);

    if (!is_over(c, e)) {
        give_up(c, s, e);
    }
    c->pending -= is_owed(c, e);
    s->head++;
}

static void collect(struct check *c, struct stream *s)
{
    while (s->head != s->tail) {
        const struct entry *e = entry_at(s, s->head);
        if (!is_over(c, e) && c->clock - e->at < c->conf.patience) {
            return;
        }
        drop_head(c, s);
    }
}

static bool ring_room(struct check *c, struct stream *s)
{
    if (s->tail - s->head < s->cap) {
        return true;
    }
    if (s->cap == RING_MAX) {
        drop_head(c, s);
        return true;
    }
    uint32_t cap = s->cap ? s->cap * 2 : FIRST_RING;
    struct entry *ring = calloc(cap, sizeof(*ring));
    if (!ring) {
        return fail(c);
    }
    for (uint32_t seq = s->head; seq != s->tail; seq++) {
        ring[seq & (cap - 1)] = *entry_at(s, seq);
    }
    free(s->ring);
    s->ring = ring;
    s->cap = cap;
    return true;
}

/* Gives NULL when it is not under way; *gone tells whether it once was. */
static struct entry *entry_find(const struct stream *s, const struct check_stamp *m, bool *gone)
{
    *gone = s && m->seq < s->head;
    if (!s || *gone || m->seq >= s->tail) {
        return NULL;
    }
    struct entry *e = entry_at(s, m->seq);
    return e->epoch == m->epoch && !(e->state & UNSENT) ? e : NULL;
}

/* --- what happens ---------------------------------------------------------------------------- */

void check_opened(struct check *c, uint32_t peer)
{
    if (has_peer(c, peer)) {
        c->peers[peer].epoch = c->peers[peer].epoch % EPOCHS + 1;
        c->peers[peer].up = true;
    }
}

void check_closed(struct check *c, uint32_t peer)
{
    if (!has_peer(c, peer)) {
        return;
    }
    c->peers[peer].up = false;
    for (uint32_t i = 0; i < c->nslots; i++) {
        struct stream *s = c->slots[i];
        if (!s || (s->src != peer && s->dst != peer)) {
            continue;
        }
        for (uint32_t seq = s->head; seq != s->tail; seq++) {
            learn(c, entry_at(s, seq),
                  (s->src == peer ? NO_ANSWER | NO_ARRIVAL : 0u) |
                      (s->dst == peer ? (unsigned)NO_ARRIVAL : 0u));
        }
    }
}

bool check_sent(struct check *c, uint32_t src, uint32_t dst, struct check_stamp *out)
{
    if (!has_peer(c, src) || !has_peer(c, dst)) {
        return false;
    }
    struct stream *s = stream_get(c, src, dst);
    if (!s || !ring_room(c, s)) {
        return false;
    }
    struct entry *e = entry_at(s, s->tail);
    *e = (struct entry){
        .at = c->clock, .epoch = c->peers[src].epoch, .state = c->peers[dst].up ? 0 : NO_ARRIVAL};
    *out = (struct check_stamp){c->conf.run, src, e->epoch, dst, s->tail++};
    c->pending += is_owed(c, e);
    c->totals.sent++;
    return true;
}

void check_unsent(struct check *c, const struct check_stamp *m)
{
    struct stream *s = stream_find(c, m->src, m->dst);
    bool gone;
    struct entry *e = entry_find(s, m, &gone);

    if (e) {
        learn(c, e, UNSENT);
        c->totals.sent--;
        collect(c, s);
    }
}

/* What has left the ring and was not given up had been acked. */
static void flag_answer(struct check *c, const struct check_stamp *m, unsigned before, unsigned now)
{
    flag_message(c, before == now ? CHECK_DOUBLE_ACK : CHECK_ACK_AND_ERROR, m, NOBODY);
}

static void answered(struct check *c, const struct check_stamp *m, unsigned what)
{
    struct stream *s = stream_find(c, m->src, m->dst);
    bool gone;

    if (c->acks == ACKS_NONE) {
        return;
    }
    c->acks = ACKS_SEEN;
    struct entry *e = entry_find(s, m, &gone);
    if (!e && gone) {
        if (!was_given_up(s, m->seq)) {
            flag_answer(c, m, ACKED, what);
        }
        return;
    }
    if (!e) {
        flag_message(c, CHECK_UNKNOWN, m, NOBODY);
        return;
    }
    unsigned before = e->state & (ACKED | FAILED);
    if (before) {
        flag_answer(c, m, before, what);
        return;
    }
    *(what == ACKED ? &c->totals.acked : &c->totals.failed) += 1;
    if (what == FAILED && e->state & ARRIVED) {
        flag_message(c, CHECK_AFTER_ERROR, m, NOBODY);
    }
    learn(c, e, what);
    e->at = c->clock;
    collect(c, s);
}

void check_acked(struct check *c, const struct check_stamp *m)
{
    answered(c, m, ACKED);
}

void check_failed(struct check *c, const struct check_stamp *m)
{
    answered(c, m, FAILED);
}

void check_failed_unnamed(struct check *c, uint32_t src)
{
    if (has_peer(c, src)) {
        c->peers[src].unnamed++;
    }
}

void check_answered_unknown(struct check *c, uint32_t at)
{
    flag(c, CHECK_UNKNOWN, "%s-%06u got an answer that names no message of the run", c->conf.prefix,
         at);
}

static bool flag_unmarked(struct check *c, const struct check_arrival *a)
{
    struct stream *s = a->from == NOBODY ? NULL : stream_find(c, a->from, a->at);

    if (a->from == NOBODY) {
        flag(c, CHECK_UNKNOWN, "%s-%06u got a message that no client of the run sent",
             c->conf.prefix, a->at);
        return false;
    }
    flag(c, CHECK_CORRUPT, "%s-%06u to %s-%06u: arrived with a broken mark", c->conf.prefix,
         a->from, c->conf.prefix, a->at);
    if (s) {
        s->unreadable++;
    }
    return false;
}

/* Order is promised for what came over one connection. */
static void note_order(struct check *c, struct stream *s, const struct check_stamp *m)
{
    if (s->has_newest && s->newest_epoch == m->epoch && m->seq < s->newest) {
        flag_message(c, CHECK_REORDERED, m, NOBODY);
    } else if (!s->has_newest || m->seq > s->newest) {
        s->has_newest = true;
        s->newest = m->seq;
        s->newest_epoch = m->epoch;
    }
}

static void flag_gone(struct check *c, struct stream *s, const struct check_stamp *m)
{
    bool late = was_given_up(s, m->seq) && c->flags[CHECK_LOST] > 0;

    c->flags[CHECK_LOST] -= late;
    flag_message(c, late ? CHECK_LATE : CHECK_DUPLICATE, m, NOBODY);
}

static void arrived_here(struct check *c, struct stream *s, struct entry *e,
                         const struct check_stamp *m)
{
    if (e->state & ARRIVED) {
        flag_message(c, CHECK_DUPLICATE, m, NOBODY);
        return;
    }
    if (e->state & FAILED) {
        flag_message(c, CHECK_AFTER_ERROR, m, NOBODY);
    }
    note_order(c, s, m);
    learn(c, e, ARRIVED);
    collect(c, s);
}

bool check_arrived(struct check *c, const struct check_arrival *a)
{
    const struct check_stamp *m = &a->stamp;
    bool gone;

    if (!a->marked) {
        return flag_unmarked(c, a);
    }
    if (m->run != c->conf.run) {
        flag(c, CHECK_UNKNOWN, "%s-%06u got a message of another run", c->conf.prefix, a->at);
        return false;
    }
    c->totals.arrived++;
    if (!a->sound) {
        flag_message(c, CHECK_CORRUPT, m, NOBODY);
    }
    struct stream *s = stream_find(c, m->src, m->dst);
    struct entry *e = entry_find(s, m, &gone);
    if (m->dst != a->at) {
        flag_message(c, CHECK_MISDELIVERED, m, a->at);
        if (e) {
            learn(c, e, STRAY);
            collect(c, s);
        }
        return false;
    }
    if (a->from != m->src) {
        flag_message(c, CHECK_FORGED_FROM, m, a->from);
    }
    if (e) {
        arrived_here(c, s, e, m);
    } else if (gone) {
        flag_gone(c, s, m);
    } else {
        flag_message(c, CHECK_UNKNOWN, m, NOBODY);
    }
    return true;
}

int64_t check_tick(struct check *c, int64_t now)
{
    int64_t step = c->conf.patience / TICKS;
    int64_t passed = c->ticked ? now - c->ticked : 0;

    c->ticked = now;
    c->clock += passed < step ? passed : step;
    if (c->clock - c->swept >= step) {
        c->swept = c->clock;
        for (uint32_t i = 0; i < c->nslots; i++) {
            if (c->slots[i]) {
                collect(c, c->slots[i]);
            }
        }
    }
    return now + step;
}

static void compare(struct check *c, const char *what, uint64_t server, uint64_t told)
{
    uint64_t open = c->totals.sent - c->totals.acked - c->totals.failed;

    if (server < told || server - told > open) {
        flag(c, CHECK_COUNTER_MISMATCH,
             "the server counts %llu messages as %s, %llu were told to their senders",
             (unsigned long long)server, what, (unsigned long long)told);
    }
}

void check_counters(struct check *c, uint64_t relayed, uint64_t errors)
{
    if (c->acks == ACKS_SEEN) {
        compare(c, "relayed", relayed, c->totals.acked);
    }
    if (c->acks == ACKS_SEEN && errors != UINT64_MAX) {
        compare(c, "refused", errors, c->totals.failed);
    }
}

/* --- what came of it ------------------------------------------------------------------------- */

uint64_t check_pending(const struct check *c)
{
    return c->pending;
}

struct check_totals check_totals(const struct check *c)
{
    struct check_totals t = c->totals;

    t.outcomes = c->acks == ACKS_SEEN;
    return t;
}

uint64_t check_flagged(const struct check *c)
{
    uint64_t n = 0;

    for (int f = 0; f < CHECK_FLAGS; f++) {
        n += c->flags[f];
    }
    return n;
}

uint64_t check_count(const struct check *c, enum check_flag f)
{
    return c->flags[f];
}

const char *check_flag_name(enum check_flag f)
{
    return flag_rows[f].name;
}

const char *check_example(const struct check *c, enum check_flag f, unsigned i)
{
    return i < CHECK_EXAMPLES && i < c->flags[f] ? c->examples[f][i] : NULL;
}

bool check_is_broken(const struct check *c)
{
    return c->broken;
}

/* --- life ------------------------------------------------------------------------------------ */

struct check *check_new(const struct check_conf *conf)
{
    struct check *c = calloc(1, sizeof(*c));

    if (c) {
        c->conf = *conf;
        c->acks = conf->need_outcomes ? ACKS_SEEN : ACKS_UNSEEN;
    }
    return c;
}

void check_free(struct check *c)
{
    if (!c) {
        return;
    }
    for (uint32_t i = 0; i < c->nslots; i++) {
        if (c->slots[i]) {
            free(c->slots[i]->ring);
            free(c->slots[i]);
        }
    }
    free(c->slots);
    free(c->peers);
    free(c);
}
