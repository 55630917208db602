/* SPDX-License-Identifier: MIT
 * One thread, one epoll set, edge-triggered: the generator must cost less than the server.
 * Phases: connect, warm up, measure, drain. */
#include "cli/sigbench/gen.h"

#include "cli/common/out.h"
#include "cli/sigbench/checkio.h"
#include "cli/sigbench/load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define EVENTS         512
#define CONNECT_WINDOW 128u
#define DRAIN_NS       (2 * NS_PER_S)
#define CLOSE_NS       (2 * NS_PER_S)

int64_t bench_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

/* --- peers ----------------------------------------------------------------------------------- */

static void note(char *to, size_t cap, const struct wsconn_closed *why)
{
    if (to[0] == '\0') {
        snprintf(to, cap, "%s%s%.0u", why->reason, why->code ? " " : "", why->code);
    }
}

static const struct scenario *scenario_of(const struct peer *peer)
{
    return peer->pair ? peer->pair->scenario : peer->b->scenario;
}

static void settle(struct peer *peer, enum peer_state state, int64_t now)
{
    struct bench *b = peer->b;
    bool ok = state == PEER_READY;

    peer->state = state;
    b->opening--;
    if (peer->away) {
        peer->away = !ok;
        scenario_of(peer)->on_back(peer, ok, now);
        return;
    }
    b->settled++;
    b->last_settled = now;
    *(ok ? &b->counts.connected : &b->counts.connect_failed) += 1;
}

void gen_settled(struct peer *peer, int64_t now)
{
    struct bench *b = peer->b;

    if (peer->state != PEER_OPENING) {
        return;
    }
    settle(peer, PEER_READY, now);
    checkio_opened(peer);
    if (b->phase == PHASE_MEASURE && b->scenario->timed_connect) {
        b->relayed++;
        b->counts.received++;
        hist_add(&b->latency, (now - peer->intended) / NS_PER_US);
        hist_add(&b->intervals.latency, (now - peer->intended) / NS_PER_US);
    }
}

void gen_refused(struct peer *peer, struct sp_str m, int64_t now)
{
    struct bench *b = peer->b;

    if (peer->state != PEER_OPENING) {
        return;
    }
    if (b->connect_error[0] == '\0') {
        snprintf(b->connect_error, sizeof(b->connect_error), "%.*s", (int)m.n, m.p);
    }
    wsconn_abort(peer->ws);
    settle(peer, PEER_GONE, now);
}

static void on_open(void *ctx, struct wsconn *c)
{
    (void)c;
    load_register(ctx);
}

static void on_message(void *ctx, struct wsconn *c, char *p, size_t n)
{
    struct peer *peer = ctx;

    (void)c;
    if (peer->b->phase != PHASE_DONE) {
        load_message(peer, p, n);
    }
}

static void on_closed(void *ctx, struct wsconn *c, const struct wsconn_closed *why)
{
    struct peer *peer = ctx;
    struct bench *b = peer->b;

    (void)c;
    if (peer->state == PEER_OPENING) {
        note(b->connect_error, sizeof(b->connect_error), why);
        settle(peer, PEER_GONE, bench_now());
    } else if (peer->state == PEER_READY) {
        peer->state = PEER_GONE;
        if (scenario_of(peer)->on_lost) {
            scenario_of(peer)->on_lost(peer, bench_now());
            return;
        }
        note(b->first_error, sizeof(b->first_error), why);
        b->counts.disconnected++;
        checkio_closed(peer);
        if (peer->pair) {
            load_give_up(b, peer->pair);
        }
    }
}

static const struct wsconn_ops peer_ops = {on_open, on_message, on_closed, NULL};

static bool begin(struct peer *peer)
{
    const struct bench *b = peer->b;
    const struct sockaddr_in *from =
        b->source_count > 0 ? &b->sources[peer->index % b->source_count] : NULL;
    /* the two of a pair are with different nodes */
    size_t node = peer->index % (b->conf.also.n + 1);
    return wsconn_start(peer->ws, node ? &b->also[node - 1] : &b->url, sp_str(b->headers),
                        (const struct sockaddr *)from, from ? sizeof(*from) : 0);
}

void gen_open(struct peer *peer, int64_t intended)
{
    struct bench *b = peer->b;
    struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = peer};

    peer->intended = intended;
    peer->state = PEER_OPENING;
    b->opening++;
    if (!peer->ws) {
        peer->ws = wsconn_new(&peer_ops, peer);
        if (peer->ws) {
            wsconn_set_tls(peer->ws, b->tls);
        }
    }
    if (!peer->ws || !begin(peer) ||
        epoll_ctl(b->ep, EPOLL_CTL_ADD, wsconn_fd(peer->ws), &ev) != 0) {
        if (b->connect_error[0] == '\0') {
            snprintf(b->connect_error, sizeof(b->connect_error), "%s", strerror(errno));
        }
        settle(peer, PEER_GONE, intended);
    }
}

static void peer_start(struct peer *peer, int64_t intended)
{
    peer->b->started++;
    gen_open(peer, intended);
}

/* Starts connections up to a total: no more than window at a time and not before they are due.
 * Gives the time of the next, INT64_MAX when that depends on an answer. */
static int64_t connect_more(struct bench *b, uint32_t total, uint32_t from, uint32_t window,
                            int64_t now)
{
    /* where connecting is measured, those who are only there beside it come as fast as they can */
    bool paced =
        b->conf.connect_rate > 0 && !(b->scenario->timed_connect && b->phase == PHASE_CONNECT);
    while (b->started < total) {
        int64_t due = now;
        if (paced) {
            due = b->connect_start + (int64_t)((double)(b->started - from) * (double)NS_PER_S /
                                               (double)b->conf.connect_rate);
            if (due > now) {
                return due;
            }
        } else if (b->opening >= window) {
            return INT64_MAX;
        }
        if (b->phase == PHASE_MEASURE) {
            b->counts.sent++;
        }
        peer_start(&b->peers[b->started], due);
    }
    return INT64_MAX;
}

/* Connections that the server neither accepts nor refuses count as failed. */
static void abandon_opening(struct bench *b, int64_t now)
{
    for (uint32_t i = 0; i < b->started; i++) {
        if (b->peers[i].state == PEER_OPENING) {
            wsconn_abort(b->peers[i].ws);
            settle(&b->peers[i], PEER_GONE, now);
        }
    }
    if (b->connect_error[0] == '\0') {
        snprintf(b->connect_error, sizeof(b->connect_error), "no answer in time");
    }
}

/* --- phases ---------------------------------------------------------------------------------- */

static int64_t after(int64_t now, int64_t us)
{
    return us < 0 || us > INT64_MAX / 2000 ? INT64_MAX : now + us * NS_PER_US;
}

static void begin_measure(struct bench *b)
{
    b->phase = PHASE_MEASURE;
    server_mark(&b->crew->server);
    b->own_cpu_m0 = proc_own_cpu();
    b->measure_start = bench_now();
    b->connect_start = b->last_settled = b->measure_start;
    b->phase_end = after(b->measure_start, b->conf.duration_us);
    intervals_begin(b, b->measure_start);
    load_measure(b, b->measure_start);
}

static void end_measure(struct bench *b)
{
    b->measure_end = bench_now();
    intervals_end(b, b->measure_end);
    b->own_cpu_m1 = proc_own_cpu();
    server_mark(&b->crew->server);
    b->phase = PHASE_DRAIN;
    b->phase_end = b->measure_end + DRAIN_NS;
}

/* The clients of all threads are there before any sends. Gives when that was, 0: not yet. */
static int64_t wait_for_crew(struct bench *b)
{
    if (!b->is_waiting) {
        b->is_waiting = true;
        if (atomic_fetch_add(&b->crew->connected, 1) + 1 == b->crew->n) {
            server_connected(&b->crew->server);
            atomic_store(&b->crew->opened, bench_now());
        }
    }
    return atomic_load(&b->crew->opened);
}

static int64_t in_connect(struct bench *b, int64_t now)
{
    int64_t next = connect_more(b, b->timed_from, 0, CONNECT_WINDOW, now);
    int64_t patience = after(b->last_settled, b->conf.timeout_us);

    if (b->opening > 0 && now >= patience) {
        abandon_opening(b, now);
        b->timed_from = b->started;
    }
    if (b->settled < b->timed_from) {
        return next < patience ? next : patience;
    }
    int64_t opened = wait_for_crew(b);
    if (opened == 0) {
        return now + NS_PER_S / 1000;
    }
    if (b->timed_from > 0 && b->counts.connected == 0) {
        b->phase = PHASE_DONE;
        return now;
    }
    if (b->scenario->timed_connect) {
        begin_measure(b);
        return now;
    }
    b->phase = PHASE_WARMUP;
    now = opened;
    b->phase_end = after(now, b->conf.warmup_us);
    load_start(b, now);
    return now;
}

static int64_t in_warmup(struct bench *b, int64_t now)
{
    int64_t next = load_tick(b, now);

    if (now >= b->phase_end) {
        begin_measure(b);
        return now;
    }
    return next < b->phase_end ? next : b->phase_end;
}

static bool is_measured(const struct bench *b)
{
    if (b->scenario->timed_connect) {
        return b->settled == b->peer_count;
    }
    if (b->scenario->is_over) {
        return b->scenario->is_over(b);
    }
    if (b->counts.connected > 0 && b->counts.disconnected == b->counts.connected) {
        return true;
    }
    return b->scenario->pairs && b->conf.count > 0 && b->counts.sent >= (uint64_t)b->conf.count &&
           b->outstanding == 0;
}

static int64_t in_measure(struct bench *b, int64_t now)
{
    int64_t over = intervals_tick(b, now), next;

    if (b->scenario->timed_connect) {
        int64_t patience = after(b->last_settled, b->conf.timeout_us);
        next = connect_more(b, b->peer_count, b->timed_from, (uint32_t)b->conf.window, now);
        if (b->opening > 0 && now >= patience) {
            abandon_opening(b, now);
        }
        next = next < patience ? next : patience;
    } else {
        next = load_tick(b, now);
    }
    if (now >= b->phase_end || is_measured(b)) {
        end_measure(b);
        return now;
    }
    next = next < over ? next : over;
    return next < b->phase_end ? next : b->phase_end;
}

static int64_t in_drain(struct bench *b, int64_t now)
{
    int64_t next = b->phase_end;

    if (!checkio_drained(b, now, &next) || (b->outstanding > 0 && now < b->phase_end)) {
        return next < b->phase_end || now >= b->phase_end ? next : b->phase_end;
    }
    for (uint32_t i = 0; i < b->pair_count; i++) {
        load_give_up(b, &b->pairs[i]);
    }
    b->phase = PHASE_DONE;
    return now;
}

static int64_t advance(struct bench *b, int64_t now)
{
    static int64_t (*const steps[])(struct bench *, int64_t) = {
        [PHASE_CONNECT] = in_connect,
        [PHASE_WARMUP] = in_warmup,
        [PHASE_MEASURE] = in_measure,
        [PHASE_DRAIN] = in_drain,
    };

    b->stop = atomic_load(&b->crew->aborted) ? SIGABRT : *b->crew->stop;
    if (b->stop && b->phase < PHASE_DRAIN) {
        if (b->phase == PHASE_MEASURE) {
            end_measure(b);
        } else {
            b->phase = PHASE_DONE;
        }
    }
    return b->phase == PHASE_DONE ? now : steps[b->phase](b, now);
}

static void tell_progress(struct bench *b)
{
    atomic_store_explicit(&b->progress.settled, b->settled, memory_order_relaxed);
    atomic_store_explicit(&b->progress.sent, b->counts.sent, memory_order_relaxed);
    atomic_store_explicit(&b->progress.received, b->counts.received, memory_order_relaxed);
}

void gen_run(struct bench *b)
{
    struct epoll_event ev[EVENTS];

    /* The default slack of 50 us would be part of every latency of the open model. */
    prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
    b->start = b->connect_start = b->last_settled = bench_now();
    while (b->phase != PHASE_DONE) {
        int64_t now = bench_now();
        int64_t wait = advance(b, now) - now;
        wait = wait < 0 || b->conf.spin ? 0 : wait > NS_PER_S ? NS_PER_S : wait;
        struct timespec t = {(time_t)(wait / NS_PER_S), (long)(wait % NS_PER_S)};
        int n = epoll_pwait2(b->ep, ev, EVENTS, &t, NULL);
        for (int i = 0; i < n; i++) {
            struct peer *peer = ev[i].data.ptr;
            wsconn_io(peer->ws, (short)(ev[i].events & (0xffu | EPOLLRDHUP)));
        }
        tell_progress(b);
        if (b->show) {
            b->show(b, now);
        }
    }
}

static uint32_t close_all(struct bench *b)
{
    uint32_t waiting = 0;

    for (uint32_t i = 0; i < b->peer_count; i++) {
        struct peer *peer = &b->peers[i];
        if (peer->state == PEER_READY) {
            peer->state = PEER_GONE;
            wsconn_close(peer->ws, 1000, "");
        }
        waiting += peer->ws && wsconn_state(peer->ws) == WSCONN_CLOSING;
    }
    return waiting;
}

void gen_close(struct bench *b)
{
    static const struct timespec step = {0, 20000000};
    int64_t end = bench_now() + CLOSE_NS;
    struct epoll_event ev[EVENTS];

    while (close_all(b) > 0 && bench_now() < end && !b->stop) {
        int n = epoll_pwait2(b->ep, ev, EVENTS, &step, NULL);
        for (int i = 0; i < n; i++) {
            struct peer *peer = ev[i].data.ptr;
            wsconn_io(peer->ws, (short)(ev[i].events & (0xffu | EPOLLRDHUP)));
        }
    }
}

/* --- life ------------------------------------------------------------------------------------ */

/* Of a mix, the pairs have the scenarios in turn, as often as their weights say. */
static const struct scenario *scenario_at(const struct bench *b, uint32_t pair)
{
    unsigned all = 0;
    for (unsigned i = 0; i < MIX_MAX; i++) {
        all += b->mix[i];
    }
    uint32_t at = all > 0 ? pair % all : 0;
    for (unsigned i = 0; all > 0 && i < MIX_MAX; i++) {
        if (at < b->mix[i]) {
            return &scenarios[i];
        }
        at -= b->mix[i];
    }
    return b->scenario;
}

uint32_t gen_count(const struct bench *b)
{
    uint32_t active = b->scenario->pairs ? 2 * b->pair_count : (uint32_t)b->conf.clients;
    return active + (uint32_t)b->conf.idle;
}

bool gen_init(struct bench *b)
{
    b->idle_count = (uint32_t)b->conf.idle;
    b->peer_count = gen_count(b);
    b->timed_from = b->scenario->timed_connect ? b->idle_count : b->peer_count;
    b->ep = epoll_create1(EPOLL_CLOEXEC);
    b->peers = calloc(b->peer_count, sizeof(*b->peers));
    b->pairs = calloc(b->pair_count + 1, sizeof(*b->pairs));
    if (b->ep < 0 || !b->peers || !b->pairs) {
        out_fail(EXIT_USAGE, NULL, "cannot hold %u connections: %s", b->peer_count,
                 strerror(errno));
        return false;
    }
    for (uint32_t i = 0; i < b->peer_count; i++) {
        b->peers[i].b = b;
        b->peers[i].index = b->first_peer + i;
    }
    for (uint32_t i = 0; i < b->pair_count; i++) {
        struct pair *p = &b->pairs[i];
        p->index = b->first_pair + i;
        p->scenario = scenario_at(b, p->index);
        p->caller = &b->peers[b->idle_count + 2 * i];
        p->callee = p->caller + 1;
        p->caller->pair = p->callee->pair = p;
    }
    return true;
}

void gen_fini(struct bench *b)
{
    for (uint32_t i = 0; b->peers && i < b->peer_count; i++) {
        if (b->peers[i].ws) {
            wsconn_close(b->peers[i].ws, 1000, "");
            wsconn_free(b->peers[i].ws);
        }
    }
    free(b->peers);
    free(b->pairs);
    b->peers = NULL;
    b->pairs = NULL;
    if (b->ep > 0) {
        close(b->ep);
    }
}
