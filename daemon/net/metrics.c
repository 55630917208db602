/* SPDX-License-Identifier: MIT
 * /metrics in the text format of Prometheus, version 0.0.4. */
#include "daemon/net/priv.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* sample is what one scrape looks at. */
struct sample {
    const struct net *n;
    const struct hub_counts *c;
    struct net_audit audit;
    struct hub_cluster k;
};

enum kind { GAUGE, COUNTER, HISTOGRAM };

static const char *const kinds[] = {"gauge", "counter", "histogram"};

__attribute__((format(printf, 2, 3))) static void put(struct sp_buf *b, const char *fmt, ...)
{
    char line[256];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    sp_buf_put(b, line, n < (int)sizeof(line) ? (size_t)n : sizeof(line) - 1);
}

static void put_label(struct sp_buf *b, const char *name, const char *label, const char *value,
                      uint64_t n)
{
    put(b, "%s{%s=\"%s\"} %llu\n", name, label, value, (unsigned long long)n);
}

/* ---------------------------------------------------------------- the server */

static void put_info(struct sp_buf *b, const struct sample *s, const char *name)
{
    put(b, "%s{version=\"%s\",node=\"%s\"} 1\n", name, SIGKIT_VERSION, s->n->conf.node);
}

static void put_events(struct sp_buf *b, const struct sample *s, const char *name)
{
    for (int i = 1; i < SP_EV_COUNT; i++) {
        put_label(b, name, "event", sp_event_wire((enum sp_event_type)i), s->c->events[i]);
    }
}

static void put_relays(struct sp_buf *b, const struct sample *s, const char *name)
{
    for (int i = 1; i < SP_T_COUNT; i++) {
        const struct sp_request *row = sp_request_row((enum sp_type)i);
        if (row && row->class == SP_CLASS_RELAY) {
            put_label(b, name, "type", sp_type_wire((enum sp_type)i), s->c->relays[i]);
        }
    }
}

static void put_errors(struct sp_buf *b, const struct sample *s, const char *name)
{
    for (int i = 1; i < SP_ERR_COUNT; i++) {
        put_label(b, name, "code", sp_err_wire((enum sp_err)i), s->c->errors[i]);
    }
}

static void put_latency(struct sp_buf *b, const struct sample *s, const char *name)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < COUNTS_LATENCY; i++) {
        sum += s->c->latency[i];
        put(b, "%s_bucket{le=\"%g\"} %llu\n", name, counts_bounds[i] / 1e6,
            (unsigned long long)sum);
    }
    sum += s->c->latency[COUNTS_LATENCY];
    put(b, "%s_bucket{le=\"+Inf\"} %llu\n", name, (unsigned long long)sum);
    put(b, "%s_sum %.6f\n", name, (double)s->c->latency_us / 1e6);
    put(b, "%s_count %llu\n", name, (unsigned long long)sum);
}

static void put_answers(struct sp_buf *b, const struct sample *s, const char *name)
{
    static const char *const codes[HTTP_COUNT] = {
#define HTTP_STATUS(id, code, words) [HTTP_##id] = #code,
#include "daemon/net/tbl/http.h"
#undef HTTP_STATUS
    };
    for (int i = 0; i < HTTP_COUNT; i++) {
        put_label(b, name, "code", codes[i], s->n->answers[i]);
    }
}

static void put_degraded(struct sp_buf *b, const struct sample *s, const char *name)
{
    for (const struct net_degraded *d = net_degraded; d->word; d++) {
        put_label(b, name, "what", d->word, d->is_so(s->n));
    }
}

/* All are 0 where there are no other nodes. */
static const struct bus_counts *bus_of(const struct sample *s)
{
    static const struct bus_counts nothing;
    return s->n->bus ? bus_counts(s->n->bus) : &nothing;
}

static void put_bus_refused(struct sp_buf *b, const struct sample *s, const char *name)
{
    const struct bus_counts *c = bus_of(s);
    put_label(b, name, "reason", "malformed", c->malformed);
    put_label(b, name, "reason", "forged", c->forged);
    put_label(b, name, "reason", "replayed", c->replayed);
    put_label(b, name, "reason", "untimely", c->untimely);
    put_label(b, name, "reason", "twin", c->twins);
    put_label(b, name, "reason", "crowded", c->crowded);
}

static void put_lag(struct sp_buf *b, const struct sample *s, const char *name)
{
    put(b, "%s %.6f\n", name, (double)s->n->lag_us / 1e6);
}

/* ---------------------------------------------------------------- the process */

uint64_t metrics_rss(void)
{
    unsigned long long total = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    if (f) {
        if (fscanf(f, "%llu %llu", &total, &resident) != 2) {
            resident = 0;
        }
        fclose(f);
    }
    return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Linux 6.2 and newer tell the number as the directory's size; counting takes milliseconds with
 * thousands of them. */
static uint64_t open_fds(void)
{
    struct stat st;
    uint64_t n = 0;
    if (stat("/proc/self/fd", &st) == 0 && st.st_size > 0) {
        return (uint64_t)st.st_size;
    }
    DIR *d = opendir("/proc/self/fd");
    while (d && readdir(d)) {
        n++;
    }
    if (d) {
        closedir(d);
    }
    return n > 3 ? n - 3 : 0; /* without . and .. and the directory's own */
}

static uint64_t max_fds(void)
{
    struct rlimit r;
    getrlimit(RLIMIT_NOFILE, &r);
    return r.rlim_cur;
}

static void put_cpu(struct sp_buf *b, const struct sample *s, const char *name)
{
    struct rusage u;
    (void)s;
    getrusage(RUSAGE_SELF, &u);
    put(b, "%s %.6f\n", name,
        (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
            (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6);
}

static void put_start(struct sp_buf *b, const struct sample *s, const char *name)
{
    struct hub_now now = net_now(s->n);
    put(b, "%s %.3f\n", name,
        (double)now.wall_ms / 1e3 - (double)(now.mono_us - s->n->started_us) / 1e6);
}

/* ---------------------------------------------------------------- the table */

#define value_at(line)  value_at_(line)
#define value_at_(line) value_##line
#define METRIC_FAMILY(word, type, function, text)
#define METRIC_NUMBER(word, type, expression, text)                                                \
    static uint64_t value_at(__LINE__)(const struct sample *s)                                     \
    {                                                                                              \
        (void)s;                                                                                   \
        return (uint64_t)(expression);                                                             \
    }
#include "daemon/net/tbl/metrics.h"
#undef METRIC_NUMBER
#undef METRIC_FAMILY

static const struct {
    const char *name, *help;
    enum kind kind;
    uint64_t (*value)(const struct sample *s); /* or: */
    void (*put)(struct sp_buf *b, const struct sample *s, const char *name);
} rows[] = {
#define METRIC_FAMILY(word, type, function, text)   {word, text, type, NULL, put_##function},
#define METRIC_NUMBER(word, type, expression, text) {word, text, type, value_at(__LINE__), NULL},
#include "daemon/net/tbl/metrics.h"
#undef METRIC_NUMBER
#undef METRIC_FAMILY
};

void metrics_put(struct net *n, struct sp_buf *b)
{
    struct sample s = {.n = n, .c = hub_counts(n->hub)};
    hub_cluster(n->hub, &s.k);
    n->conf.hooks.audit(&s.audit);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *name = rows[i].name;
        put(b, "# HELP %s %s\n# TYPE %s %s\n", name, rows[i].help, name, kinds[rows[i].kind]);
        if (rows[i].put) {
            rows[i].put(b, &s, name);
        } else {
            put(b, "%s %llu\n", name, (unsigned long long)rows[i].value(&s));
        }
    }
}
