/* SPDX-License-Identifier: MIT
 * Metrics from tables: a row for each count, each derived figure and each quantile. */
#include "cli/sigbench/metric.h"

#include "cli/sigbench/check.h"
#include "libproto/units.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

const char *metric_suffix(enum metric_unit unit)
{
    static const char *const suffix[] = {"", "_us", "_bytes", "_ratio", "_per_s"};

    return suffix[unit];
}

static const struct {
    const char *name;
    size_t off;
} count_rows[] = {
#define ROW(member)                                                                                \
    {                                                                                              \
#member, offsetof(struct counts, member)                                                   \
    }
    ROW(sent),         ROW(received),   ROW(errors),    ROW(lost),
    ROW(acks),         ROW(not_sent),   ROW(connected), ROW(connect_failed),
    ROW(disconnected), ROW(duplicated), ROW(reordered), ROW(misdelivered),
#undef ROW
};

static double seconds(const struct bench *b)
{
    return b->measure_end ? (double)(b->measure_end - b->measure_start) / (double)NS_PER_S : NAN;
}

static double messages(const struct bench *b)
{
    return (double)b->relayed;
}

static double rate(const struct bench *b)
{
    return (double)b->relayed / seconds(b);
}

static double errors_ratio(const struct bench *b)
{
    return b->counts.sent ? (double)b->counts.errors / (double)b->counts.sent : NAN;
}

static double server_cpu_us(const struct bench *b)
{
    if (!b->server_m0.ok || !b->server_m1.ok) {
        return NAN;
    }
    return (double)(b->server_m1.cpu - b->server_m0.cpu) / (double)NS_PER_US;
}

static double server_cpu(const struct bench *b)
{
    double wall = (double)(b->server_m1.at - b->server_m0.at) / (double)NS_PER_US;

    return server_cpu_us(b) / wall;
}

static double server_cpu_per_message(const struct bench *b)
{
    return b->relayed ? server_cpu_us(b) / (double)b->relayed : NAN;
}

static double server_cpu_per_client_s(const struct bench *b)
{
    return b->counts.connected ? server_cpu_us(b) / (double)b->counts.connected / seconds(b) : NAN;
}

static const struct proc_sample *with_clients(const struct bench *b)
{
    return b->scenario->timed_connect ? &b->server_m1 : &b->server_connected;
}

static double server_rss_before(const struct bench *b)
{
    return b->server_start.ok ? (double)b->server_start.rss : NAN;
}

static double server_rss(const struct bench *b)
{
    return with_clients(b)->ok ? (double)with_clients(b)->rss : NAN;
}

static double server_bytes_per_connection(const struct bench *b)
{
    uint64_t clients = b->counts.connected;

    return clients ? (server_rss(b) - server_rss_before(b)) / (double)clients : NAN;
}

static double server_fds(const struct bench *b)
{
    return b->server_connected.ok ? (double)b->server_connected.fds : NAN;
}

static double generator_cpu(const struct bench *b)
{
    return (double)(b->own_cpu_m1 - b->own_cpu_m0) / (double)NS_PER_S / seconds(b);
}

static double generator_cpu_per_message(const struct bench *b)
{
    double us = (double)(b->own_cpu_m1 - b->own_cpu_m0) / (double)NS_PER_US;

    return b->relayed ? us / (double)b->relayed : NAN;
}

static double lag_p99(const struct bench *b)
{
    return b->lag.n ? (double)hist_quantile(&b->lag, 0.99) : NAN;
}

static const struct {
    const char *name;
    enum metric_unit unit;
    double (*get)(const struct bench *b);
} derived_rows[] = {
    {"seconds", UNIT_COUNT, seconds},
    {"messages", UNIT_COUNT, messages},
    {"rate", UNIT_PER_S, rate},
    {"errors", UNIT_RATIO, errors_ratio},
    {"server.cpu", UNIT_RATIO, server_cpu},
    {"server.cpu_per_message", UNIT_USEC, server_cpu_per_message},
    {"server.cpu_per_client_s", UNIT_USEC, server_cpu_per_client_s},
    {"server.rss_before", UNIT_BYTES, server_rss_before},
    {"server.rss", UNIT_BYTES, server_rss},
    {"server.per_connection", UNIT_BYTES, server_bytes_per_connection},
    {"server.fds", UNIT_COUNT, server_fds},
    {"generator.cpu", UNIT_RATIO, generator_cpu},
    {"generator.cpu_per_message", UNIT_USEC, generator_cpu_per_message},
    {"generator.lag_p99", UNIT_USEC, lag_p99},
};

static const struct {
    const char *name;
    double q;
} quantile_rows[] = {{"p50", 0.5},  {"p75", 0.75},   {"p90", 0.9},     {"p95", 0.95},
                     {"p99", 0.99}, {"p999", 0.999}, {"p9999", 0.9999}};

__attribute__((format(printf, 4, 5))) static void add(struct metrics *out, enum metric_unit unit,
                                                      double value, const char *fmt, ...)
{
    if (out->n == METRICS_MAX) {
        return;
    }
    struct metric *m = &out->m[out->n++];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(m->name, sizeof(m->name), fmt, ap);
    va_end(ap);
    m->unit = unit;
    m->has = isfinite(value);
    m->value = m->has ? value : 0;
}

static void add_hist(struct metrics *out, const struct hist *h, const char *prefix)
{
    for (size_t i = 0; i < sizeof(quantile_rows) / sizeof(quantile_rows[0]); i++) {
        add(out, UNIT_USEC, h->n ? (double)hist_quantile(h, quantile_rows[i].q) : NAN, "%s.%s",
            prefix, quantile_rows[i].name);
    }
    add(out, UNIT_USEC, h->n ? (double)h->min : NAN, "%s.min", prefix);
    add(out, UNIT_USEC, h->n ? (double)h->max : NAN, "%s.max", prefix);
    add(out, UNIT_USEC, h->n ? hist_mean(h) : NAN, "%s.mean", prefix);
}

void metrics_of(const struct bench *b, struct metrics *out)
{
    char prefix[32];

    out->n = 0;
    for (size_t i = 0; i < sizeof(count_rows) / sizeof(count_rows[0]); i++) {
        const char *at = (const char *)&b->counts + count_rows[i].off;
        add(out, UNIT_COUNT, (double)*(const uint64_t *)(const void *)at, "%s", count_rows[i].name);
    }
    for (size_t i = 0; i < sizeof(derived_rows) / sizeof(derived_rows[0]); i++) {
        add(out, derived_rows[i].unit, derived_rows[i].get(b), "%s", derived_rows[i].name);
    }
    for (int f = 0; f < CHECK_FLAGS; f++) {
        add(out, UNIT_COUNT, b->check ? (double)check_count(b->check, (enum check_flag)f) : NAN,
            "check.%s", check_flag_name((enum check_flag)f));
    }
    add_hist(out, &b->latency, b->scenario->name);
    if (b->scenario->pairs) {
        snprintf(prefix, sizeof(prefix), "%s.raw", b->scenario->name);
        add_hist(out, &b->raw, prefix);
        snprintf(prefix, sizeof(prefix), "%s.complete", b->scenario->name);
        add_hist(out, &b->complete, prefix);
    }
}

const struct metric *metric_find(const struct metrics *all, struct sp_str name)
{
    char full[64];

    for (unsigned pass = 0; pass < 2; pass++) {
        for (unsigned i = 0; i < all->n; i++) {
            const struct metric *m = &all->m[i];
            snprintf(full, sizeof(full), "%s%s", m->name, pass ? "" : metric_suffix(m->unit));
            if (sp_str_eq(sp_str(full), name)) {
                return m;
            }
        }
    }
    return NULL;
}

static bool parse_number(struct sp_str s, double *v)
{
    char text[32], *end;

    if (s.n == 0 || s.n >= sizeof(text)) {
        return false;
    }
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    *v = strtod(text, &end);
    if (*end == '%') {
        *v /= 100;
        end++;
    }
    return *end == '\0' && isfinite(*v);
}

static bool parse_value(struct sp_str s, enum metric_unit unit, double *v)
{
    int64_t n = 0;
    bool ok = false;

    switch (unit) {
    case UNIT_USEC:
        ok = sp_parse_duration(s, 0, &n);
        break;
    case UNIT_BYTES:
        ok = sp_parse_size(s, &n);
        break;
    case UNIT_COUNT:
    case UNIT_PER_S:
        ok = sp_parse_count(s, &n);
        break;
    case UNIT_RATIO:
        return parse_number(s, v);
    }
    *v = (double)n;
    return ok;
}

bool threshold_parse(struct threshold *t, const char *text, const struct metrics *all, char *why,
                     size_t cap)
{
    size_t name = strcspn(text, "<>=");
    size_t op = strspn(text + name, "<>=");

    t->name = (struct sp_str){text, name};
    memset(t->op, 0, sizeof(t->op));
    memcpy(t->op, text + name, op < 2 ? op : 2);
    if (op == 0 || op > 2 || (op == 2 && t->op[1] != '=')) {
        snprintf(why, cap, "--threshold '%s': must be NAME<VALUE, with <, <=, >, >= or =", text);
        return false;
    }
    const struct metric *m = metric_find(all, t->name);
    if (!m) {
        snprintf(why, cap, "--threshold '%s': no metric of that name in this scenario", text);
        return false;
    }
    if (!parse_value(sp_str(text + name + op), m->unit, &t->value)) {
        snprintf(why, cap, "--threshold '%s': the value does not fit the metric", text);
        return false;
    }
    return true;
}

bool threshold_holds(const struct threshold *t, const struct metrics *all)
{
    const struct metric *m = metric_find(all, t->name);

    if (!m || !m->has) {
        return false;
    }
    bool equal_counts = t->op[0] == '=' || t->op[1] == '=';
    bool equal = !(m->value < t->value) && !(m->value > t->value);
    return (equal_counts && equal) || (t->op[0] == '<' && m->value < t->value) ||
           (t->op[0] == '>' && m->value > t->value);
}
