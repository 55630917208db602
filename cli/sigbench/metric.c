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
    enum metric_better better;
} count_rows[] = {
#define ROW(member, better)                                                                        \
    {                                                                                              \
#member, offsetof(struct counts, member), better                                           \
    }
    ROW(sent, BETTER_NEUTRAL),       ROW(received, BETTER_NEUTRAL),
    ROW(errors, BETTER_LOWER),       ROW(lost, BETTER_LOWER),
    ROW(acks, BETTER_NEUTRAL),       ROW(not_sent, BETTER_LOWER),
    ROW(connected, BETTER_NEUTRAL),  ROW(connect_failed, BETTER_LOWER),
    ROW(disconnected, BETTER_LOWER), ROW(duplicated, BETTER_LOWER),
    ROW(reordered, BETTER_LOWER),    ROW(misdelivered, BETTER_LOWER),
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

static double completed(const struct bench *b)
{
    return b->scenario->pairs ? (double)b->completed / seconds(b) : NAN;
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

static double tls_handshakes(const struct bench *b)
{
    uint64_t resumed;
    return b->tls ? (double)wsconn_tls_handshakes(b->tls, &resumed) : NAN;
}

static double tls_resumed(const struct bench *b)
{
    uint64_t resumed = 0;
    return b->tls && wsconn_tls_handshakes(b->tls, &resumed) ? (double)resumed : NAN;
}

static double lag_p99(const struct bench *b)
{
    return b->lag.n ? (double)hist_quantile(&b->lag, 0.99) : NAN;
}

static const struct {
    const char *name;
    enum metric_unit unit;
    double (*get)(const struct bench *b);
    enum metric_better better;
    bool watched;
} derived_rows[] = {
    {"seconds", UNIT_COUNT, seconds, BETTER_NEUTRAL, false},
    {"messages", UNIT_COUNT, messages, BETTER_NEUTRAL, false},
    {"rate", UNIT_PER_S, rate, BETTER_HIGHER, true},
    {"completed", UNIT_PER_S, completed, BETTER_HIGHER, false},
    {"errors", UNIT_RATIO, errors_ratio, BETTER_LOWER, true},
    {"server.cpu", UNIT_RATIO, server_cpu, BETTER_NEUTRAL, false},
    {"server.cpu_per_message", UNIT_USEC, server_cpu_per_message, BETTER_LOWER, true},
    {"server.cpu_per_client_s", UNIT_USEC, server_cpu_per_client_s, BETTER_LOWER, false},
    {"server.rss_before", UNIT_BYTES, server_rss_before, BETTER_NEUTRAL, false},
    {"server.rss", UNIT_BYTES, server_rss, BETTER_LOWER, false},
    {"server.per_connection", UNIT_BYTES, server_bytes_per_connection, BETTER_LOWER, true},
    {"server.fds", UNIT_COUNT, server_fds, BETTER_NEUTRAL, false},
    {"tls.handshakes", UNIT_COUNT, tls_handshakes, BETTER_NEUTRAL, false},
    {"tls.resumed", UNIT_COUNT, tls_resumed, BETTER_NEUTRAL, false},
    {"generator.cpu", UNIT_RATIO, generator_cpu, BETTER_NEUTRAL, false},
    {"generator.cpu_per_message", UNIT_USEC, generator_cpu_per_message, BETTER_NEUTRAL, false},
    {"generator.lag_p99", UNIT_USEC, lag_p99, BETTER_NEUTRAL, false},
};

static const struct {
    const char *name;
    double q;
    bool watched;
} quantile_rows[] = {{"p50", 0.5, true},      {"p75", 0.75, false}, {"p90", 0.9, false},
                     {"p95", 0.95, false},    {"p99", 0.99, true},  {"p999", 0.999, false},
                     {"p9999", 0.9999, false}};

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
    for (unsigned i = 0; i < MIX_MAX; i++) {
        if (b->mix[i] > 0) {
            add_hist(out, &b->of[i], scenarios[i].name);
        }
    }
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

static bool is_named(const char *name, const char *base, enum metric_unit unit)
{
    size_t n = strlen(base);

    return strncmp(name, base, n) == 0 && strcmp(name + n, metric_suffix(unit)) == 0;
}

/* Latencies are SCENARIO.QUANTILE_us and SCENARIO.GROUP.QUANTILE_us. */
static struct metric_trait latency_trait(const char *name)
{
    static const char *const others[] = {"min", "max", "mean"};
    struct metric_trait t = {UNIT_USEC, BETTER_LOWER, false};
    const char *first = strchr(name, '.'), *last = strrchr(name, '.');

    for (size_t i = 0; last && i < sizeof(quantile_rows) / sizeof(quantile_rows[0]); i++) {
        if (is_named(last + 1, quantile_rows[i].name, UNIT_USEC)) {
            t.watched = quantile_rows[i].watched && first == last;
            return t;
        }
    }
    for (size_t i = 0; last && i < sizeof(others) / sizeof(others[0]); i++) {
        if (is_named(last + 1, others[i], UNIT_USEC)) {
            return t;
        }
    }
    t.better = BETTER_NEUTRAL;
    return t;
}

struct metric_trait metric_trait_of(const char *name)
{
    static const enum metric_unit units[] = {UNIT_USEC, UNIT_BYTES, UNIT_RATIO, UNIT_PER_S};
    struct metric_trait t = latency_trait(name);
    size_t n = strlen(name);

    if (t.better != BETTER_NEUTRAL) {
        return t;
    }
    for (size_t i = 0; i < sizeof(derived_rows) / sizeof(derived_rows[0]); i++) {
        if (is_named(name, derived_rows[i].name, derived_rows[i].unit)) {
            return (struct metric_trait){derived_rows[i].unit, derived_rows[i].better,
                                         derived_rows[i].watched};
        }
    }
    t.unit = UNIT_COUNT;
    for (size_t i = 0; i < sizeof(count_rows) / sizeof(count_rows[0]); i++) {
        if (strcmp(name, count_rows[i].name) == 0) {
            t.better = count_rows[i].better;
        }
    }
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        size_t k = strlen(metric_suffix(units[i]));
        if (n > k && strcmp(name + n - k, metric_suffix(units[i])) == 0) {
            t.unit = units[i];
        }
    }
    return t;
}

void metric_format(char out[32], enum metric_unit unit, double value)
{
    switch (unit) {
    case UNIT_COUNT:
        snprintf(out, 32, value == floor(value) ? "%.0f" : "%.2f", value);
        break;
    case UNIT_USEC:
        snprintf(out, 32, "%.*f %s",
                 value < 10000 ? value < 100 && value != floor(value) ? 2 : 0 : 1,
                 value < 10000 ? value : value / 1000, value < 10000 ? "us" : "ms");
        break;
    case UNIT_BYTES:
        snprintf(out, 32, fabs(value) < 1048576 ? "%.2f KiB" : "%.1f MiB",
                 fabs(value) < 1048576 ? value / 1024 : value / 1048576);
        break;
    case UNIT_RATIO:
        snprintf(out, 32, value > 0 && value < 0.001 ? "%.4f %%" : "%.1f %%", value * 100);
        break;
    case UNIT_PER_S:
        snprintf(out, 32, "%.0f/s", value);
        break;
    }
}

void metric_write(struct sp_json *j, const char *key, double value)
{
    char text[48];
    int n = fabs(value) >= 1e15
                ? snprintf(text, sizeof(text), "%.17g", value)
                : snprintf(text, sizeof(text), "%.*f", value == floor(value) ? 0 : 4, value);

    sp_json_raw(j, key, (struct sp_str){text, (size_t)n});
}

void metrics_write(struct sp_json *j, const char *key, const struct metrics *all)
{
    char name[64];

    sp_json_object(j, key);
    for (unsigned i = 0; i < all->n; i++) {
        if (all->m[i].has) {
            snprintf(name, sizeof(name), "%s%s", all->m[i].name, metric_suffix(all->m[i].unit));
            metric_write(j, name, all->m[i].value);
        }
    }
    sp_json_end(j, '}');
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
