/* SPDX-License-Identifier: MIT
 * A ring of what is under way per source and destination. A message leaves it when nothing more is
 * to come for it, or when it has waited too long; what comes for it later is told by its number. */
#include "cli/sigbench/check_in.h"

#include <stdlib.h>

#define RING_MAX   65536u
#define FIRST_RING 4u
#define FIRST_SET  64u

/* --- peers and streams ----------------------------------------------------------------------- */

static bool fail(struct check *c)
{
    c->broken = true;
    return false;
}

bool ring_peer(struct check *c, uint32_t i)
{
    if (i < c->npeers) {
        return true;
    }
    uint32_t n = c->npeers ? c->npeers : FIRST_SET;
    while (n <= i && n < UINT32_MAX / 2) {
        n *= 2;
    }
    struct party *peers = n > i ? realloc(c->peers, n * sizeof(*peers)) : NULL;
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

struct stream *ring_stream(const struct check *c, uint32_t src, uint32_t dst)
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
    struct stream *s = ring_stream(c, src, dst);

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

void ring_learn(struct check *c, struct entry *e, unsigned what)
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
            c->pending += is_owed(c, ring_at(s, seq));
        }
    }
}

/* Only a server that names no message in its errors can mean this one. */
static bool take_excuse(struct check *c, struct stream *s)
{
    uint32_t *excuse =
        s->unreadable || c->acks != ACKS_NONE ? &s->unreadable : &c->peers[s->src].unnamed;

    if (*excuse == 0) {
        return false;
    }
    --*excuse;
    return true;
}

static enum check_flag verdict(struct check *c, struct stream *s, const struct entry *e)
{
    if (!is_owed(c, e)) {
        return CHECK_FLAGS;
    }
    if (c->acks == ACKS_SEEN && !(e->state & (ACKED | NO_ANSWER))) {
        return CHECK_NO_OUTCOME;
    }
    return has_arrived(e) || take_excuse(c, s) ? CHECK_FLAGS : CHECK_LOST;
}

/* The time of a message is over. */
static void give_up(struct check *c, struct stream *s, const struct entry *e)
{
    struct check_stamp m = {c->conf.run, s->src, e->epoch, s->dst, s->head};

    if (c->acks == ACKS_UNSEEN) {
        set_acks(c, ACKS_NONE);
    }
    if (is_over(c, e)) {
        return;
    }
    enum check_flag f = verdict(c, s, e);
    s->given_up[s->ngiven_up++ % GIVEN_UP] = (struct given_up){s->head, e->state, f};
    if (f != CHECK_FLAGS) {
        check_flag_message(c, f, &m, CHECK_NOBODY);
    }
}

const struct given_up *ring_given_up(const struct stream *s, uint32_t seq)
{
    uint32_t n = s->ngiven_up < GIVEN_UP ? s->ngiven_up : GIVEN_UP;

    for (uint32_t i = 0; i < n; i++) {
        if (s->given_up[i].seq == seq) {
            return &s->given_up[i];
        }
    }
    return NULL;
}

static void drop_head(struct check *c, struct stream *s)
{
    const struct entry *e = ring_at(s, s->head);

    if (!is_over(c, e)) {
        give_up(c, s, e);
    }
    c->pending -= is_owed(c, e);
    s->head++;
}

void ring_collect(struct check *c, struct stream *s)
{
    while (s->head != s->tail) {
        const struct entry *e = ring_at(s, s->head);
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
        ring[seq & (cap - 1)] = *ring_at(s, seq);
    }
    free(s->ring);
    s->ring = ring;
    s->cap = cap;
    return true;
}

bool ring_add(struct check *c, uint32_t src, uint32_t dst, struct check_stamp *out)
{
    if (!ring_peer(c, src) || !ring_peer(c, dst)) {
        return false;
    }
    struct stream *s = stream_get(c, src, dst);
    if (!s || !ring_room(c, s)) {
        return false;
    }
    struct entry *e = ring_at(s, s->tail);
    *e = (struct entry){
        .at = c->clock, .epoch = c->peers[src].epoch, .state = c->peers[dst].up ? 0 : NO_ARRIVAL};
    *out = (struct check_stamp){c->conf.run, src, e->epoch, dst, s->tail++};
    c->pending += is_owed(c, e);
    return true;
}

struct entry *ring_find(const struct stream *s, const struct check_stamp *m, bool *gone)
{
    *gone = s && m->seq < s->head;
    if (!s || *gone || m->seq >= s->tail) {
        return NULL;
    }
    struct entry *e = ring_at(s, m->seq);
    return e->epoch == m->epoch && !(e->state & UNSENT) ? e : NULL;
}
