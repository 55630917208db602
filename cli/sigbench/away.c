/* SPDX-License-Identifier: MIT
 * A client that is away keeps its place: it comes back under its id, over a new connection. */
#include "cli/sigbench/away.h"

#include "cli/sigbench/checkio.h"
#include "cli/sigbench/gen.h"
#include "cli/sigbench/load.h"
#include "cli/sigbench/schedule.h"
#include "libproto/err.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define STORM_SPREAD_NS NS_PER_S
#define STORM_MOST_NS   (10 * NS_PER_S)
#define STORM_STEP_NS   (2 * NS_PER_S / 1000)

/* Every other client says goodbye, the rest vanish as a link does that is lost. */
static void leave(struct peer *peer, int64_t intended)
{
    if (peer->state == PEER_READY && peer->index % 2 == 0) {
        wsconn_close(peer->ws, SP_CLOSE_NORMAL, "bye");
    }
    wsconn_abort(peer->ws);
    checkio_closed(peer);
    peer->away = true;
    peer->state = PEER_GONE;
    peer->intended = intended;
}

/* --- churn ----------------------------------------------------------------------------------- */

/* One of the two is away at a time. */
bool churn_may_launch(const struct pair *p)
{
    return p->caller->state != PEER_OPENING && p->callee->state != PEER_OPENING;
}

void churn_launch(struct bench *b, struct pair *p, int64_t intended)
{
    struct peer *peer = p->tail % 2 ? p->callee : p->caller;

    if (load_flight(b, p, intended)) {
        leave(peer, intended);
        gen_open(peer, intended);
    }
}

void churn_on_back(struct peer *peer, bool ok, int64_t now)
{
    struct bench *b = peer->b;
    struct pair *p = peer->pair;
    struct flight *f = p->head != p->tail ? &p->ring[p->head & (p->cap - 1)] : NULL;

    if (!f) {
        return;
    }
    if (ok && bench_in_window(b, f->intended)) {
        load_latency(b, p, load_us(f->intended, now));
        hist_add(&b->raw, load_us(f->sent, now));
        b->relayed++;
    }
    load_landed(b, p, f, ok ? &b->counts.received : &b->counts.errors);
    load_next(b, p, now);
}

/* --- storm ----------------------------------------------------------------------------------- */

static void try_later(struct peer *peer, int64_t now)
{
    struct bench *b = peer->b;
    double most = (double)STORM_SPREAD_NS * (double)(1u << (peer->tries < 4 ? peer->tries : 4));
    most = most < (double)STORM_MOST_NS ? most : (double)STORM_MOST_NS;
    peer->retry = now + 1 + (int64_t)(schedule_random(&b->schedule.rng) * most);
    peer->tries++;
}

void storm_lost(struct peer *peer, int64_t now)
{
    struct bench *b = peer->b;
    if (b->phase != PHASE_MEASURE) {
        return;
    }
    peer->away = true;
    peer->tries = 0;
    peer->intended = now;
    b->counts.sent++;
    b->outstanding++;
    try_later(peer, now);
}

static void run_trigger(struct bench *b)
{
    pid_t pid = fork();
    if (pid == 0) {
        execl("/bin/sh", "sh", "-c", b->conf.trigger, (char *)NULL);
        _exit(127);
    }
    if (pid < 0) {
        snprintf(b->first_error, sizeof(b->first_error), "--trigger: %s", strerror(errno));
    }
}

void storm_begin(struct bench *b, int64_t now)
{
    b->schedule.rng = (uint64_t)b->conf.seed + b->shard;
    if (b->conf.trigger) {
        if (b->shard == 0) {
            run_trigger(b);
        }
        return;
    }
    for (uint32_t i = b->idle_count; i < b->peer_count; i++) {
        struct peer *peer = &b->peers[i];
        if (peer->state == PEER_READY) {
            wsconn_abort(peer->ws);
            peer->state = PEER_GONE;
            storm_lost(peer, now);
        }
    }
}

int64_t storm_tick(struct bench *b, int64_t now)
{
    bool any = false;
    if (b->phase != PHASE_MEASURE) {
        return INT64_MAX;
    }
    for (uint32_t i = b->idle_count; i < b->peer_count; i++) {
        struct peer *peer = &b->peers[i];
        if (peer->retry == 0) {
            continue;
        }
        any = true;
        if (peer->retry <= now) {
            peer->retry = 0;
            gen_open(peer, peer->intended);
        }
    }
    return any ? now + STORM_STEP_NS : INT64_MAX;
}

void storm_on_back(struct peer *peer, bool ok, int64_t now)
{
    struct bench *b = peer->b;
    if (!ok) {
        b->counts.errors++;
        try_later(peer, now);
        return;
    }
    b->outstanding--;
    b->relayed++;
    b->counts.received++;
    hist_add(&b->latency, load_us(peer->intended, now));
    hist_add(&b->intervals.latency, load_us(peer->intended, now));
}

bool storm_is_over(const struct bench *b)
{
    return b->counts.sent > 0 && b->outstanding == 0;
}
