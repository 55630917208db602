/* SPDX-License-Identifier: MIT
 * Threads share nothing but when they begin: each has its clients, its epoll set, its counts. */
#include "cli/sigbench/shard.h"

#include "cli/common/out.h"
#include "cli/sigbench/check.h"
#include "cli/sigbench/checkio.h"
#include "cli/sigbench/gen.h"
#include "cli/sigbench/load.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#define SPARE_FDS   64u
#define THREADS_MAX 64u

static bool raise_nofile(uint64_t connections)
{
    struct rlimit lim;

    if (getrlimit(RLIMIT_NOFILE, &lim) != 0) {
        return true;
    }
    lim.rlim_cur = lim.rlim_max;
    setrlimit(RLIMIT_NOFILE, &lim);
    if (lim.rlim_max < connections + SPARE_FDS) {
        out_fail(EXIT_USAGE, NULL, "%llu connections need more descriptors than the limit of %llu",
                 (unsigned long long)connections, (unsigned long long)lim.rlim_max);
        return false;
    }
    return true;
}

/* --- parts ----------------------------------------------------------------------------------- */

static int64_t part(int64_t all, unsigned i, unsigned n)
{
    return all * (i + 1) / n - all * i / n;
}

static struct bench *shard_new(const struct bench *b, unsigned i, uint32_t first_peer)
{
    unsigned n = b->crew->n;
    struct bench *s = malloc(sizeof(*s));
    if (!s) {
        return NULL;
    }
    *s = *b;
    s->check = NULL; /* each has its own */
    s->shard = i;
    s->first_peer = first_peer;
    s->first_pair = (uint32_t)((int64_t)b->pair_count * i / n);
    s->pair_count = (uint32_t)part(b->pair_count, i, n);
    s->conf.clients = part(b->conf.clients, i, n);
    s->conf.idle = part(b->conf.idle, i, n);
    s->conf.count = part(b->conf.count, i, n);
    s->conf.connect_rate = part(b->conf.connect_rate, i, n);
    return s;
}

static void shard_free(struct bench *s)
{
    if (s) {
        load_fini(s);
        gen_fini(s);
        explicit_bzero(s->headers, sizeof(s->headers));
        free(s);
    }
}

/* --- what they measured ---------------------------------------------------------------------- */

static void merge_counts(struct counts *to, const struct counts *from)
{
    uint64_t *t = (uint64_t *)to;
    const uint64_t *f = (const uint64_t *)from;
    for (size_t i = 0; i < sizeof(*to) / sizeof(*t); i++) {
        t[i] += f[i];
    }
}

static void merge_text(char *to, size_t cap, const char *from)
{
    if (to[0] == '\0') {
        snprintf(to, cap, "%s", from);
    }
}

/* The window is that of the first to the last. */
static void merge_window(struct bench *b, const struct bench *s)
{
    if (s->measure_start && (!b->measure_start || s->measure_start < b->measure_start)) {
        b->measure_start = s->measure_start;
        b->own_cpu_m0 = s->own_cpu_m0;
    }
    if (s->measure_end > b->measure_end) {
        b->measure_end = s->measure_end;
        b->own_cpu_m1 = s->own_cpu_m1;
    }
}

static void merge(struct bench *b, const struct bench *s)
{
    merge_window(b, s);
    merge_counts(&b->counts, &s->counts);
    hist_merge(&b->latency, &s->latency);
    hist_merge(&b->raw, &s->raw);
    hist_merge(&b->complete, &s->complete);
    hist_merge(&b->lag, &s->lag);
    for (unsigned i = 0; i < MIX_MAX; i++) {
        hist_merge(&b->of[i], &s->of[i]);
    }
    intervals_merge(&b->intervals, &s->intervals);
    b->relayed += s->relayed;
    b->completed += s->completed;
    b->stop = b->stop ? b->stop : s->stop;
    if (b->check) {
        check_merge(b->check, s->check);
    }
    if (s->shard == 0) {
        b->server_connected = s->server_connected;
        b->server_m0 = s->server_m0;
        b->server_m1 = s->server_m1;
    }
    merge_text(b->first_error, sizeof(b->first_error), s->first_error);
    merge_text(b->connect_error, sizeof(b->connect_error), s->connect_error);
    merge_text(b->server_error, sizeof(b->server_error), s->server_error);
}

/* --- progress -------------------------------------------------------------------------------- */

static void show(const struct bench *b, int64_t now)
{
    static const char *const names[] = {"connecting", "warming up", "measuring", "draining", ""};
    static int64_t shown;
    uint64_t settled = 0, sent = 0, received = 0;

    if (now - shown < NS_PER_S) {
        return;
    }
    shown = now;
    for (unsigned i = 0; i < b->crew->n; i++) {
        struct progress *p = &b->all[i]->progress;
        settled += atomic_load_explicit(&p->settled, memory_order_relaxed);
        sent += atomic_load_explicit(&p->sent, memory_order_relaxed);
        received += atomic_load_explicit(&p->received, memory_order_relaxed);
    }
    fprintf(stderr, "\r\033[K%3llds %s: %llu clients, %llu sent, %llu answered, p99 %.3f ms",
            (long long)((now - b->start) / NS_PER_S), names[b->phase], (unsigned long long)settled,
            (unsigned long long)sent, (unsigned long long)received,
            (double)hist_quantile(&b->latency, 0.99) / 1000.0);
}

/* --- a run ----------------------------------------------------------------------------------- */

static void *thread_main(void *ctx)
{
    gen_run(ctx);
    return NULL;
}

/* A thread that cannot be had would leave the others waiting for its clients. */
static int run_threads(struct bench **all, unsigned n)
{
    pthread_t threads[THREADS_MAX];
    unsigned made = 1;
    int err = 0;
    while (made < n && (err = pthread_create(&threads[made], NULL, thread_main, all[made])) == 0) {
        made++;
    }
    if (err) {
        atomic_store(&all[0]->crew->aborted, true);
    } else {
        gen_run(all[0]);
    }
    for (unsigned i = 1; i < made; i++) {
        pthread_join(threads[i], NULL);
    }
    return err ? out_fail(EXIT_USAGE, NULL, "cannot start a thread: %s", strerror(err)) : 0;
}

static int prepare(struct bench *b, struct bench **all)
{
    uint32_t first = 0;
    uint64_t total = 0;
    for (unsigned i = 0; i < b->crew->n; i++) {
        all[i] = shard_new(b, i, first);
        if (!all[i]) {
            return out_fail(EXIT_DATA, NULL, "out of memory");
        }
        total += gen_count(all[i]);
        first += gen_count(all[i]);
    }
    if (!raise_nofile(total)) {
        return EXIT_USAGE;
    }
    for (unsigned i = 0; i < b->crew->n; i++) {
        if (!gen_init(all[i])) {
            return EXIT_USAGE;
        }
        if (!load_init(all[i])) {
            return out_fail(EXIT_DATA, NULL, "out of memory");
        }
        all[i]->all = all;
    }
    return 0;
}

int shard_run(struct bench *b, const volatile sig_atomic_t *stop)
{
    struct bench *all[THREADS_MAX] = {NULL};
    int64_t units = b->scenario->pairs ? b->pair_count : b->conf.clients;
    struct crew crew = {.n = (unsigned)b->conf.threads, .stop = stop};
    crew.n = crew.n < THREADS_MAX ? crew.n : THREADS_MAX;
    crew.n = crew.n < units ? crew.n : (unsigned)(units > 0 ? units : 1);
    b->crew = &crew;
    int status = prepare(b, all);
    if (status == 0) {
        status = server_begin(&crew.server, b);
    }
    if (status == 0) {
        bool shows = !b->conf.quiet && isatty(STDERR_FILENO) == 1;
        all[0]->show = shows ? show : NULL;
        b->server_start = server_read(&crew.server);
        status = run_threads(all, crew.n);
        fputs(shows ? "\r\033[K" : "", stderr);
        server_end(&crew.server, all[0]); /* while the clients are still there */
    }
    for (unsigned i = 0; i < crew.n; i++) {
        if (status == 0) {
            merge(b, all[i]);
            if (b->conf.repeat > 0 || b->conf.find_max) {
                gen_close(all[i]); /* more may follow */
            }
        }
        shard_free(all[i]);
    }
    b->crew = NULL;
    return status;
}
