/* SPDX-License-Identifier: MIT
 * Marks are kept as they come, and what they mean is found when the run is over: an answer of HTTP
 * comes a little after the moment that it was asked for. */
#include "cli/sigbench/server.h"

#include "cli/common/out.h"
#include "cli/sigbench/bench.h"
#include "cli/sigbench/scrape.h"

#include <stdlib.h>

#define FIRST_CAP 64u

static bool is_by_page(const struct bench_conf *c)
{
    return c->server_pid <= 0 && c->server_metrics;
}

const char *server_source(const struct bench_conf *c)
{
    return c->server_pid > 0 ? "pid" : c->server_metrics ? "metrics" : "";
}

/* --- one reading ------------------------------------------------------------------------------ */

static bool parse_page(struct proc_sample *s, const struct bench *b, const char *page,
                       char why[SCRAPE_WHY])
{
    uint64_t cpu;
    const struct {
        const char *family;
        double scale;
        uint64_t *to;
    } rows[] = {{"process_cpu_seconds_total", (double)NS_PER_S, &cpu},
                {"process_resident_memory_bytes", 1, &s->rss},
                {"process_open_fds", 1, &s->fds}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (!scrape_sum(page, rows[i].family, rows[i].scale, rows[i].to)) {
            snprintf(why, SCRAPE_WHY, "%.100s has no %s", b->conf.server_metrics, rows[i].family);
            return false;
        }
    }
    s->cpu = (int64_t)cpu;
    return true;
}

/* The server looked at itself between the question and the answer. */
static struct proc_sample by_page(const struct bench *b, char why[SCRAPE_WHY])
{
    struct proc_sample s = {.at = bench_now()};
    char *page = scrape_page(b, why);

    if (page && parse_page(&s, b, page, why)) {
        s.ok = true;
        s.at += (bench_now() - s.at) / 2;
    }
    free(page);
    return s;
}

static struct proc_sample by_pid(const struct bench *b, bool with_fds, char why[SCRAPE_WHY])
{
    struct proc_sample s = proc_sample(b->conf.server_pid, with_fds);

    if (!s.ok) {
        snprintf(why, SCRAPE_WHY, "process %lld could not be read", (long long)b->conf.server_pid);
    }
    return s;
}

static void keep_why(struct server_watch *w, const char *why)
{
    if (w->why[0] == '\0') {
        snprintf(w->why, sizeof(w->why), "%s", why);
    }
}

struct proc_sample server_read(struct server_watch *w)
{
    char why[SCRAPE_WHY] = "";
    struct proc_sample s = {.ok = false};

    if (w->mark) {
        s = is_by_page(&w->b->conf) ? by_page(w->b, why) : by_pid(w->b, true, why);
        keep_why(w, why);
    }
    return s;
}

void server_connected(struct server_watch *w)
{
    w->connected = server_read(w);
}

/* --- marks ------------------------------------------------------------------------------------ */

/* Out of memory costs the marks between: the last one is the end. */
static void add(struct server_watch *w, struct proc_sample s, const char *why)
{
    if (w->n == w->cap) {
        struct proc_sample *more = realloc(w->mark, 2 * w->cap * sizeof(*more));
        if (more) {
            w->mark = more;
            w->cap *= 2;
        } else {
            w->n--;
        }
    }
    w->mark[w->n++] = s;
    keep_why(w, why);
}

/* Two pages that are due stand for any number: one asked for at the begin of a window, and one not
 * before its end. */
void server_mark(struct server_watch *w)
{
    char why[SCRAPE_WHY] = "";

    if (!w->mark) {
        return;
    }
    pthread_mutex_lock(&w->lock);
    if (is_by_page(&w->b->conf)) {
        w->due += w->due < 2;
        pthread_cond_signal(&w->wake);
    } else {
        struct proc_sample s = by_pid(w->b, false, why);
        add(w, s, why);
    }
    pthread_mutex_unlock(&w->lock);
}

static void *asker_main(void *ctx)
{
    struct server_watch *w = ctx;

    pthread_mutex_lock(&w->lock);
    while (w->due > 0 || !w->over) {
        if (w->due == 0) {
            pthread_cond_wait(&w->wake, &w->lock);
            continue;
        }
        char why[SCRAPE_WHY] = "";
        w->due--;
        pthread_mutex_unlock(&w->lock);
        struct proc_sample s = by_page(w->b, why);
        pthread_mutex_lock(&w->lock);
        add(w, s, why);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

int server_begin(struct server_watch *w, const struct bench *b)
{
    int err = 0;

    *w = (struct server_watch){.b = b, .cap = FIRST_CAP};
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->wake, NULL);
    if (*server_source(&b->conf) && !(w->mark = calloc(w->cap, sizeof(*w->mark)))) {
        return out_fail(EXIT_DATA, NULL, "out of memory");
    }
    if (is_by_page(&b->conf) && (err = pthread_create(&w->asker, NULL, asker_main, w)) != 0) {
        free(w->mark);
        return out_fail(EXIT_USAGE, NULL, "cannot start a thread: %s", strerror(err));
    }
    return 0;
}

/* --- what they mean --------------------------------------------------------------------------- */

static const struct proc_sample *nearest(const struct server_watch *w, int64_t t)
{
    const struct proc_sample *best = &w->mark[0];

    for (size_t i = 1; i < w->n; i++) {
        best = llabs(w->mark[i].at - t) < llabs(best->at - t) ? &w->mark[i] : best;
    }
    return best;
}

static void set_interval(struct interval *v, const struct proc_sample *from,
                         const struct proc_sample *to)
{
    if (from->ok && to->ok && to->at > from->at) {
        v->server_cpu = (double)(to->cpu - from->cpu) / (double)(to->at - from->at);
        v->server_rss = (double)to->rss;
    }
}

static void set_figures(struct server_watch *w, struct bench *b)
{
    b->server_m0 = w->mark[0];
    b->server_m1 = w->mark[w->n - 1];
    if (b->server_m1.ok && b->server_m1.cpu < b->server_m0.cpu) {
        b->server_m1.ok = false;
        keep_why(w, "the server was restarted");
    }
    for (unsigned i = 0; i < b->intervals.n; i++) {
        struct interval *v = &b->intervals.v[i];
        set_interval(v, nearest(w, b->measure_start + v->from),
                     nearest(w, b->measure_start + v->to));
    }
}

void server_end(struct server_watch *w, struct bench *b)
{
    if (is_by_page(&b->conf)) {
        pthread_mutex_lock(&w->lock);
        w->over = true;
        pthread_cond_signal(&w->wake);
        pthread_mutex_unlock(&w->lock);
        pthread_join(w->asker, NULL);
    }
    if (w->n > 0) {
        set_figures(w, b);
    }
    b->server_connected = w->connected;
    snprintf(b->server_error, sizeof(b->server_error), "%s", w->why);
    if (w->why[0] && !server_is_unread(b)) {
        out_note("figures of the server are missing: %s", w->why);
    }
    free(w->mark);
    pthread_cond_destroy(&w->wake);
    pthread_mutex_destroy(&w->lock);
}

bool server_is_unread(const struct bench *b)
{
    return b->server_error[0] && !(b->server_m0.ok && b->server_m1.ok);
}
