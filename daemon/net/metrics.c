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
    struct net *n;
    const struct hub_counts *c;
    struct net_audit audit;
};

enum kind { GAUGE, COUNTER };

#define METRIC(word, type, expression, text)                                                       \
    static uint64_t value_at(__LINE__)(const struct sample *s)                                     \
    {                                                                                              \
        return (uint64_t)(expression);                                                             \
    }
#define value_at(line)  value_at_(line)
#define value_at_(line) value_##line
#include "daemon/net/tbl/gauges.h"
#undef METRIC

static const struct {
    const char *name, *help;
    enum kind kind;
    uint64_t (*value)(const struct sample *s);
} rows[] = {
#define METRIC(word, type, expression, text) {word, text, type, value_at(__LINE__)},
#include "daemon/net/tbl/gauges.h"
#undef METRIC
};

__attribute__((format(printf, 2, 3))) static void put(struct sp_buf *b, const char *fmt, ...)
{
    char line[256];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    sp_buf_put(b, line, n < (int)sizeof(line) ? (size_t)n : sizeof(line) - 1);
}

static void put_head(struct sp_buf *b, const char *name, const char *type, const char *help)
{
    put(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* A family with one label; the values come one by one. */
static void put_label(struct sp_buf *b, const char *name, const char *label, const char *value,
                      uint64_t n)
{
    put(b, "%s{%s=\"%s\"} %llu\n", name, label, value, (unsigned long long)n);
}

static void put_rows(struct sp_buf *b, const struct sample *s)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char name[64];
        snprintf(name, sizeof(name), "sigd_%s", rows[i].name);
        put_head(b, name, rows[i].kind == GAUGE ? "gauge" : "counter", rows[i].help);
        put(b, "%s %llu\n", name, (unsigned long long)rows[i].value(s));
    }
}

static void put_events(struct sp_buf *b, const struct hub_counts *c)
{
    put_head(b, "sigd_events_total", "counter", "Events by kind");
    for (int i = 1; i < SP_EV_COUNT; i++) {
        put_label(b, "sigd_events_total", "event", sp_event_wire((enum sp_event_type)i),
                  c->events[i]);
    }
    put_head(b, "sigd_relays_total", "counter", "Relayed messages by type");
    for (int i = 1; i < SP_T_COUNT; i++) {
        const struct sp_request *row = sp_request_row((enum sp_type)i);
        if (row && row->class == SP_CLASS_RELAY) {
            put_label(b, "sigd_relays_total", "type", sp_type_wire((enum sp_type)i), c->relays[i]);
        }
    }
    put_head(b, "sigd_errors_total", "counter", "Failed requests by error code");
    for (int i = 1; i < SP_ERR_COUNT; i++) {
        put_label(b, "sigd_errors_total", "code", sp_err_wire((enum sp_err)i), c->errors[i]);
    }
}

static void put_answers(struct sp_buf *b, const struct net *n)
{
    static const unsigned codes[HTTP_COUNT] = {
#define HTTP_STATUS(id, code, words) [HTTP_##id] = code,
#include "daemon/net/tbl/http.h"
#undef HTTP_STATUS
    };
    put_head(b, "sigd_http_answers_total", "counter", "Plain requests and refused upgrades");
    for (int i = 0; i < HTTP_COUNT; i++) {
        char code[8];
        snprintf(code, sizeof(code), "%u", codes[i]);
        put_label(b, "sigd_http_answers_total", "code", code, n->answers[i]);
    }
    put_head(b, "sigd_degraded", "gauge", "1 for what works less well than it should");
    for (const struct net_degraded *d = net_degraded; d->word; d++) {
        put_label(b, "sigd_degraded", "what", d->word, d->is_so(n));
    }
}

static void put_latency(struct sp_buf *b, const struct hub_counts *c)
{
    static const char name[] = "sigd_relay_duration_seconds";
    uint64_t sum = 0;
    put_head(b, name, "histogram", "From the arrival of a message to its write");
    for (unsigned i = 0; i < COUNTS_LATENCY; i++) {
        sum += c->latency[i];
        put(b, "%s_bucket{le=\"%g\"} %llu\n", name, counts_bounds[i] / 1e6,
            (unsigned long long)sum);
    }
    sum += c->latency[COUNTS_LATENCY];
    put(b, "%s_bucket{le=\"+Inf\"} %llu\n%s_sum %.6f\n%s_count %llu\n", name,
        (unsigned long long)sum, name, (double)c->latency_us / 1e6, name, (unsigned long long)sum);
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

static void put_process(struct sp_buf *b, const struct net *n)
{
    struct rusage u;
    struct rlimit r;
    getrusage(RUSAGE_SELF, &u);
    getrlimit(RLIMIT_NOFILE, &r);
    double cpu = (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
                 (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
    struct hub_now now = net_now(n);
    double start = (double)now.wall_ms / 1e3 - (double)(now.mono_us - n->started_us) / 1e6;
    put_head(b, "sigd_loop_lag_seconds", "gauge", "How late the one-second timer last came");
    put(b, "sigd_loop_lag_seconds %.6f\n", (double)n->lag_us / 1e6);
    put_head(b, "process_resident_memory_bytes", "gauge", "Resident memory");
    put(b, "process_resident_memory_bytes %llu\n", (unsigned long long)metrics_rss());
    put_head(b, "process_open_fds", "gauge", "Open file descriptors");
    put(b, "process_open_fds %llu\n", (unsigned long long)open_fds());
    put_head(b, "process_max_fds", "gauge", "Limit of open file descriptors");
    put(b, "process_max_fds %llu\n", (unsigned long long)r.rlim_cur);
    put_head(b, "process_cpu_seconds_total", "counter", "User and system time");
    put(b, "process_cpu_seconds_total %.6f\n", cpu);
    put_head(b, "process_start_time_seconds", "gauge", "When the process began, Unix time");
    put(b, "process_start_time_seconds %.3f\n", start);
}

void metrics_put(struct net *n, struct sp_buf *b)
{
    struct sample s = {.n = n, .c = hub_counts(n->hub)};
    n->conf.hooks.audit(&s.audit);
    put_head(b, "sigd_info", "gauge", "Version and node");
    put(b, "sigd_info{version=\"%s\",node=\"%s\"} 1\n", SIGKIT_VERSION, n->conf.node);
    put_rows(b, &s);
    put_events(b, s.c);
    put_latency(b, s.c);
    put_answers(b, n);
    put_process(b, n);
}
