/* SPDX-License-Identifier: MIT
 * Intervals are closed by the loop when their time is over, not by those who count. */
#include "cli/sigbench/bench.h"

static void open_next(struct bench *b, int64_t now, int64_t own_cpu)
{
    struct intervals *s = &b->intervals;
    s->began = now;
    s->sent = b->counts.sent;
    s->received = b->counts.received;
    s->errors = b->counts.errors;
    s->own_cpu = own_cpu;
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
    i.generator_cpu = (a->generator_cpu * la + b->generator_cpu * lb) / (la + lb);
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

static void close_open(struct bench *b, int64_t now, int64_t own_cpu)
{
    struct intervals *s = &b->intervals;
    if (s->n == INTERVALS_MAX) {
        halve(s);
    }
    s->v[s->n++] = (struct interval){.from = s->began - b->measure_start,
                                     .to = now - b->measure_start,
                                     .sent = b->counts.sent - s->sent,
                                     .received = b->counts.received - s->received,
                                     .errors = b->counts.errors - s->errors,
                                     .p50 = hist_quantile(&s->latency, 0.5),
                                     .p99 = hist_quantile(&s->latency, 0.99),
                                     .max = s->latency.max,
                                     .server_cpu = -1,
                                     .server_rss = -1,
                                     .generator_cpu =
                                         (double)(own_cpu - s->own_cpu) / (double)(now - s->began)};
}

void intervals_begin(struct bench *b, int64_t now)
{
    open_next(b, now, proc_own_cpu());
}

int64_t intervals_tick(struct bench *b, int64_t now)
{
    struct intervals *s = &b->intervals;
    if (now - s->began >= s->length) {
        int64_t own_cpu = proc_own_cpu(); /* what ends one begins the next */
        if (b->shard == 0) {
            server_mark(&b->crew->server);
        }
        close_open(b, now, own_cpu);
        open_next(b, now, own_cpu);
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
        close_open(b, now, proc_own_cpu());
    }
}
