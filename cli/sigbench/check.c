/* SPDX-License-Identifier: MIT
 * What is made of each event, and what is told of the flags. The rings are in check_ring.c. */
#include "cli/sigbench/check_in.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define EPOCHS 0xffffu /* a stamp has room for so many */
#define TICKS  8       /* in a patience */

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

void check_flag(struct check *c, enum check_flag f, const char *fmt, ...)
{
    va_list ap;

    if (c->flags[f] < CHECK_EXAMPLES) {
        va_start(ap, fmt);
        vsnprintf(c->examples[f][c->flags[f]], CHECK_EXAMPLE_MAX, fmt, ap);
        va_end(ap);
    }
    c->flags[f]++;
}

void check_flag_message(struct check *c, enum check_flag f, const struct check_stamp *m,
                        uint32_t at)
{
    char where[96] = "";

    if (c->flags[f] < CHECK_EXAMPLES && at != CHECK_NOBODY) {
        snprintf(where, sizeof(where), ", %s-%06u", c->conf.prefix, at);
    }
    check_flag(c, f, "%s-%06u to %s-%06u, connection %u, number %u: %s%s", c->conf.prefix, m->src,
               c->conf.prefix, m->dst, m->epoch, m->seq, flag_rows[f].what, where);
}

/* --- what happens ---------------------------------------------------------------------------- */

void check_opened(struct check *c, uint32_t peer)
{
    if (ring_peer(c, peer)) {
        c->peers[peer].epoch = c->peers[peer].epoch % EPOCHS + 1;
        c->peers[peer].up = true;
    }
}

void check_closed(struct check *c, uint32_t peer)
{
    if (!ring_peer(c, peer)) {
        return;
    }
    c->peers[peer].up = false;
    for (uint32_t i = 0; i < c->nslots; i++) {
        struct stream *s = c->slots[i];
        if (!s || (s->src != peer && s->dst != peer)) {
            continue;
        }
        for (uint32_t seq = s->head; seq != s->tail; seq++) {
            ring_learn(c, ring_at(s, seq),
                       (s->src == peer ? NO_ANSWER | NO_ARRIVAL : 0u) |
                           (s->dst == peer ? (unsigned)NO_ARRIVAL : 0u));
        }
    }
}

bool check_sent(struct check *c, uint32_t src, uint32_t dst, struct check_stamp *out)
{
    bool ok = ring_add(c, src, dst, out);

    c->totals.sent += ok;
    return ok;
}

void check_unsent(struct check *c, const struct check_stamp *m)
{
    struct stream *s = ring_stream(c, m->src, m->dst);
    bool gone;
    struct entry *e = ring_find(s, m, &gone);

    if (e) {
        ring_learn(c, e, UNSENT);
        c->totals.sent--;
        ring_collect(c, s);
    }
}

static void flag_answer(struct check *c, const struct check_stamp *m, unsigned before, unsigned now)
{
    check_flag_message(c, before & now ? CHECK_DOUBLE_ACK : CHECK_ACK_AND_ERROR, m, CHECK_NOBODY);
}

/* What has left the ring had its answer, unless it was given up for having none. */
static void answered_gone(struct check *c, const struct stream *s, const struct check_stamp *m,
                          unsigned what)
{
    const struct given_up *g = ring_given_up(s, m->seq);
    unsigned before = g ? g->state & (ACKED | FAILED) : (unsigned)ACKED;

    if (before) {
        flag_answer(c, m, before, what);
    }
}

static void answered(struct check *c, const struct check_stamp *m, unsigned what)
{
    struct stream *s = ring_stream(c, m->src, m->dst);
    bool gone;

    if (c->acks == ACKS_NONE) {
        return;
    }
    c->acks = ACKS_SEEN;
    struct entry *e = ring_find(s, m, &gone);
    if (!e && gone) {
        answered_gone(c, s, m, what);
        return;
    }
    if (!e) {
        check_flag_message(c, CHECK_UNKNOWN, m, CHECK_NOBODY);
        return;
    }
    unsigned before = e->state & (ACKED | FAILED);
    if (before) {
        flag_answer(c, m, before, what);
        return;
    }
    *(what == ACKED ? &c->totals.acked : &c->totals.failed) += 1;
    if (what == FAILED && e->state & ARRIVED) {
        check_flag_message(c, CHECK_AFTER_ERROR, m, CHECK_NOBODY);
    }
    ring_learn(c, e, what);
    e->at = c->clock;
    ring_collect(c, s);
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
    if (ring_peer(c, src)) {
        c->peers[src].unnamed++;
    }
}

void check_answered_unknown(struct check *c, uint32_t at)
{
    check_flag(c, CHECK_UNKNOWN, "%s-%06u got an answer that names no message of the run",
               c->conf.prefix, at);
}

static bool flag_unmarked(struct check *c, const struct check_arrival *a)
{
    struct stream *s = a->from == CHECK_NOBODY ? NULL : ring_stream(c, a->from, a->at);

    if (a->from == CHECK_NOBODY) {
        check_flag(c, CHECK_UNKNOWN, "%s-%06u got a message that no client of the run sent",
                   c->conf.prefix, a->at);
        return false;
    }
    check_flag(c, CHECK_CORRUPT, "%s-%06u to %s-%06u: arrived with a broken mark", c->conf.prefix,
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
        check_flag_message(c, CHECK_REORDERED, m, CHECK_NOBODY);
    } else if (!s->has_newest || m->seq > s->newest) {
        s->has_newest = true;
        s->newest = m->seq;
        s->newest_epoch = m->epoch;
    }
}

static void arrived_gone(struct check *c, const struct stream *s, const struct check_stamp *m)
{
    const struct given_up *g = ring_given_up(s, m->seq);

    if (!g || g->state & (ARRIVED | STRAY)) {
        check_flag_message(c, CHECK_DUPLICATE, m, CHECK_NOBODY);
    } else if (g->state & FAILED) {
        check_flag_message(c, CHECK_AFTER_ERROR, m, CHECK_NOBODY);
    } else if (g->flagged == CHECK_LOST && c->flags[CHECK_LOST] > 0) {
        c->flags[CHECK_LOST]--;
        check_flag_message(c, CHECK_LATE, m, CHECK_NOBODY);
    }
}

static void arrived_here(struct check *c, struct stream *s, struct entry *e,
                         const struct check_stamp *m)
{
    if (e->state & ARRIVED) {
        check_flag_message(c, CHECK_DUPLICATE, m, CHECK_NOBODY);
        return;
    }
    if (e->state & FAILED) {
        check_flag_message(c, CHECK_AFTER_ERROR, m, CHECK_NOBODY);
    }
    note_order(c, s, m);
    ring_learn(c, e, ARRIVED);
    ring_collect(c, s);
}

bool check_arrived(struct check *c, const struct check_arrival *a)
{
    const struct check_stamp *m = &a->stamp;
    bool gone;

    if (!a->marked) {
        return flag_unmarked(c, a);
    }
    if (m->run != c->conf.run) {
        check_flag(c, CHECK_UNKNOWN, "%s-%06u got a message of another run", c->conf.prefix, a->at);
        return false;
    }
    c->totals.arrived++;
    if (!a->sound) {
        check_flag_message(c, CHECK_CORRUPT, m, CHECK_NOBODY);
    }
    struct stream *s = ring_stream(c, m->src, m->dst);
    struct entry *e = ring_find(s, m, &gone);
    if (m->dst != a->at) {
        check_flag_message(c, CHECK_MISDELIVERED, m, a->at);
        if (e) {
            ring_learn(c, e, STRAY);
            ring_collect(c, s);
        }
        return false;
    }
    if (a->from != m->src) {
        check_flag_message(c, CHECK_FORGED_FROM, m, a->from);
    }
    if (e) {
        arrived_here(c, s, e, m);
    } else if (gone) {
        arrived_gone(c, s, m);
    } else {
        check_flag_message(c, CHECK_UNKNOWN, m, CHECK_NOBODY);
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
                ring_collect(c, c->slots[i]);
            }
        }
    }
    return now + step;
}

static void compare(struct check *c, const char *what, uint64_t server, uint64_t told)
{
    uint64_t open = c->totals.sent - c->totals.acked - c->totals.failed;

    if (server < told || server - told > open) {
        check_flag(c, CHECK_COUNTER_MISMATCH,
                   "the server counts %llu messages as %s, %llu were told to their senders",
                   (unsigned long long)server, what, (unsigned long long)told);
    }
}

void check_counters(struct check *c, uint64_t relayed, uint64_t errors)
{
    c->totals.counters = c->acks == ACKS_SEEN;
    if (c->acks == ACKS_SEEN) {
        compare(c, "relayed", relayed, c->totals.acked);
    }
    if (c->acks == ACKS_SEEN && errors != UINT64_MAX) {
        compare(c, "refused", errors, c->totals.failed);
    }
}

void check_merge(struct check *into, const struct check *from)
{
    for (int f = 0; f < CHECK_FLAGS; f++) {
        for (unsigned i = 0; i < from->flags[f] && i < CHECK_EXAMPLES; i++) {
            if (into->flags[f] + i < CHECK_EXAMPLES) {
                memcpy(into->examples[f][into->flags[f] + i], from->examples[f][i],
                       CHECK_EXAMPLE_MAX);
            }
        }
        into->flags[f] += from->flags[f];
    }
    into->totals.sent += from->totals.sent;
    into->totals.acked += from->totals.acked;
    into->totals.failed += from->totals.failed;
    into->totals.arrived += from->totals.arrived;
    into->acks = from->acks == ACKS_SEEN ? from->acks : into->acks;
    into->broken |= from->broken;
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
