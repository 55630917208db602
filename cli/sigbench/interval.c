/* SPDX-License-Identifier: MIT
 * Intervals are closed by the loop when their time is over, not by those who count. */
#include "cli/sigbench/bench.h"

/* What ends one begins the next. */
struct reading {
    int64_t own_cpu;
    struct proc_sample server;
};

static struct reading read_all(const struct bench *b)
{
    return (struct reading){proc_own_cpu(), proc_sample(b->conf.server_pid, false)};
}

static void open_next(struct bench *b, int64_t now, struct reading r)
{
    struct intervals *s = &b->intervals;
    s->began = now;
    s->sent = b->counts.sent;
    s->received = b->counts.received;
    s->errors = b->counts.errors;
    s->own_cpu = r.own_cpu;
    s->server = r.server;
    s->latency = (struct hist){0};
}

/* The quantiles of two halves are not those of the whole: the worse ones stand for it. */
static struct interval both(const struct interval *a, const struct interval *b)
{
    double la = (double)(a->to - a->from), lb = (double)(b->to - b->from);
    struct interval i = *a;
    i.to = b->to;
    i.sent += b->sent;
    i.received += b->received;
    i.errors += b->errors;
    i.p50 = a->p50 > b->p50 ? a->p50 : b->p50;
    i.p99 = a->p99 > b->p99 ? a->p99 : b->p99;
    i.max = a->max > b->max ? a->max : b->max;
    i.server_cpu = (a->server_cpu * la + b->server_cpu * lb) / (la + lb);
    i.generator_cpu = (a->generator_cpu * la + b->generator_cpu * lb) / (la + lb);
    i.server_rss = b->server_rss;
    return i;
}

static void halve(struct intervals *s)
{
    for (unsigned i = 0; i < s->n / 2; i++) {
        s->v[i] = both(&s->v[2 * i], &s->v[2 * i + 1]);
    }
    s->n /= 2;
    s->length *= 2;
}

static void close_open(struct bench *b, int64_t now, struct reading r)
{
    struct intervals *s = &b->intervals;
    struct proc_sample server = r.server;
    double wall = (double)(now - s->began);
    bool known = server.ok && s->server.ok;
    if (s->n == INTERVALS_MAX) {
        halve(s);
    }
    s->v[s->n++] =
        (struct interval){.from = s->began - b->measure_start,
                          .to = now - b->measure_start,
                          .sent = b->counts.sent - s->sent,
                          .received = b->counts.received - s->received,
                          .errors = b->counts.errors - s->errors,
                          .p50 = hist_quantile(&s->latency, 0.5),
                          .p99 = hist_quantile(&s->latency, 0.99),
                          .max = s->latency.max,
                          .server_cpu = known ? (double)(server.cpu - s->server.cpu) / wall : -1,
                          .server_rss = server.ok ? (double)server.rss : -1,
                          .generator_cpu = (double)(r.own_cpu - s->own_cpu) / wall};
}

void intervals_begin(struct bench *b, int64_t now)
{
    open_next(b, now, read_all(b));
}

int64_t intervals_tick(struct bench *b, int64_t now)
{
    struct intervals *s = &b->intervals;
    if (now - s->began >= s->length) {
        struct reading r = read_all(b);
        close_open(b, now, r);
        open_next(b, now, r);
    }
    return s->began + s->length;
}

/* What a process or its server used is the same to all of its threads. */
void intervals_merge(struct intervals *s, const struct intervals *other)
{
    if (s->n == 0) {
        *s = *other;
        return;
    }
    for (unsigned i = 0; i < s->n && i < other->n; i++) {
        struct interval *to = &s->v[i];
        const struct interval *from = &other->v[i];
        to->sent += from->sent;
        to->received += from->received;
        to->errors += from->errors;
        to->p50 = from->p50 > to->p50 ? from->p50 : to->p50;
        to->p99 = from->p99 > to->p99 ? from->p99 : to->p99;
        to->max = from->max > to->max ? from->max : to->max;
    }
}

void intervals_end(struct bench *b, int64_t now)
{
    struct intervals *s = &b->intervals;
    if (s->n == 0 || now - s->began > s->length / 2) {
        close_open(b, now, read_all(b));
    }
}
