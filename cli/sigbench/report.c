/* SPDX-License-Identifier: MIT
 * The report: a summary for people, one JSON object for programs, the exit status for scripts. */
#include "cli/sigbench/report.h"

#include "cli/common/out.h"
#include "cli/common/print.h"
#include "cli/sigbench/check.h"
#include "cli/sigbench/checkio.h"
#include "cli/sigbench/findmax.h"
#include "cli/sigbench/runs.h"
#include "libproto/json.h"

#include <math.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/utsname.h>

#define SCHEMA_VERSION 1
#define JSON_MAX       (4u << 20) /* three histograms of 17k buckets at 24 bytes, three times over */
#define LAG_MAX_US     10000
#define GENERATOR_MAX  0.95

void report_object(struct verdict *v, const char *fmt, ...)
{
    va_list ap;

    if (v->n < REPORT_REASONS_MAX) {
        va_start(ap, fmt);
        vsnprintf(v->text[v->n++], sizeof(v->text[0]), fmt, ap);
        va_end(ap);
    }
}

double report_value(const struct metrics *all, const char *name)
{
    const struct metric *m = metric_find(all, sp_str(name));

    return m && m->has ? m->value : NAN;
}

/* What makes the figures untrustworthy. In the closed model a busy generator is expected: the rate
 * is then as much its limit as the server's, but what a message costs the server stays true. */
static void judge(const struct bench *b, const struct metrics *all, struct verdict *v)
{
    bool sends = b->scenario->pairs || b->scenario->timed_connect || b->scenario->is_over;
    bool measured = sends ? b->counts.received > 0 : b->counts.connected > 0;
    double lag = report_value(all, "generator.lag_p99");
    double cpu = report_value(all, "generator.cpu");

    if (!measured || b->measure_end == 0) {
        report_object(v, "nothing was measured");
        return;
    }
    if (bench_is_open(b) && lag > LAG_MAX_US) {
        report_object(v, "the generator was late: %.1f ms at p99", lag / 1000);
    }
    if (bench_is_open(b) && !b->conf.spin && cpu > GENERATOR_MAX * (double)b->conf.threads) {
        report_object(v, "the generator used %.0f %% of a core", cpu * 100);
    }
    v->by_generator = v->n > 0;
    unsigned so_far = v->n;
    if (b->counts.not_sent > 0) {
        report_object(v, "%llu messages could not be sent when due",
                      (unsigned long long)b->counts.not_sent);
    }
    if (b->counts.connected > 0 && b->counts.disconnected == b->counts.connected) {
        report_object(v, "all connections were lost");
    }
    if (server_is_unread(b)) {
        report_object(v, "%s", b->server_error);
    }
    v->by_generator = v->by_generator && v->n == so_far;
}

void report_init(struct report *r, const struct bench *b)
{
    *r = (struct report){.b = b, .stop = b->stop};
    metrics_of(b, &r->all);
    judge(b, &r->all, &r->verdict);
}

bool report_check_thresholds(const struct bench *b, char *why, size_t cap)
{
    struct metrics all;
    struct threshold t;

    metrics_of(b, &all);
    for (unsigned i = 0; i < b->conf.thresholds.n; i++) {
        if (!threshold_parse(&t, b->conf.thresholds.v[i], &all, why, cap)) {
            return false;
        }
    }
    return true;
}

bool report_threshold_ok(const struct bench *b, unsigned i, const struct metrics *all)
{
    struct threshold t;
    char why[256];

    return threshold_parse(&t, b->conf.thresholds.v[i], all, why, sizeof(why)) &&
           threshold_holds(&t, all);
}

/* --- JSON ------------------------------------------------------------------------------------ */

static void first_line(const char *path, const char *prefix, char *out, size_t cap)
{
    FILE *f = fopen(path, "re");
    char line[256];

    out[0] = '\0';
    while (f && fgets(line, sizeof(line), f)) {
        if (strncmp(line, prefix, strlen(prefix)) == 0) {
            char *at = line + strlen(prefix);
            at += strspn(at, " \t:");
            at[strcspn(at, "\n")] = '\0';
            snprintf(out, cap, "%s", at);
            break;
        }
    }
    if (f) {
        fclose(f);
    }
}

void report_environment(struct sp_json *j)
{
    struct utsname u;
    char cpu[128];
    cpu_set_t set;

    CPU_ZERO(&set);
    first_line("/proc/cpuinfo", "model name", cpu, sizeof(cpu));
    sp_json_object(j, "environment");
    sp_json_str(j, "sigbench", SP_STR(SIGKIT_VERSION));
    if (uname(&u) == 0) {
        sp_json_str(j, "system", sp_str(u.sysname));
        sp_json_str(j, "kernel", sp_str(u.release));
        sp_json_str(j, "machine", sp_str(u.machine));
    }
    sp_json_str(j, "cpu", sp_str(cpu));
    if (sched_getaffinity(0, sizeof(set), &set) == 0) {
        sp_json_int(j, "generator_cpus", CPU_COUNT(&set));
    }
    sp_json_end(j, '}');
}

void report_parameters(struct sp_json *j, const struct bench *b)
{
    const struct bench_conf *c = &b->conf;

    sp_json_object(j, "parameters");
    sp_json_str(j, "scenario", sp_str(b->scenario->name));
    sp_json_str(j, "url", sp_str(b->shown_url));
    sp_json_str(j, "model", bench_is_open(b) ? SP_STR("open") : SP_STR("closed"));
    sp_json_str(j, "kind", sp_str(c->kind));
    sp_json_str(j, "arrival", sp_str(c->arrival));
    sp_json_int(j, "clients", c->clients);
    sp_json_int(j, "pairs", b->pair_count);
    sp_json_int(j, "idle", c->idle);
    sp_json_int(j, "rate", c->rate);
    sp_json_str_opt(j, "stages", sp_str(c->stages ? c->stages : ""));
    sp_json_int(j, "ramp_us", c->ramp_us);
    if (strcmp(b->scenario->name, "mix") == 0) {
        sp_json_str(j, "mix", sp_str(c->mix));
    }
    sp_json_int(j, "threads", c->threads);
    sp_json_int(j, "window", c->window);
    sp_json_int(j, "size", c->size);
    sp_json_int(j, "ice", c->ice);
    sp_json_int(j, "count", c->count);
    if (c->duration_us != OPT_NEVER) {
        sp_json_int(j, "duration_us", c->duration_us);
    }
    sp_json_int(j, "warmup_us", c->warmup_us);
    sp_json_int(j, "connect_rate", c->connect_rate);
    sp_json_int(j, "seed", c->seed);
    sp_json_bool(j, "check", c->check);
    sp_json_str_opt(j, "server_source", sp_str(server_source(c)));
    sp_json_end(j, '}');
}

static void json_hist(struct sp_json *j, const char *key, const struct hist *h)
{
    char pair[64];

    if (h->n == 0) {
        return;
    }
    sp_json_array(j, key);
    for (size_t i = 0; i < HIST_BUCKETS; i++) {
        if (h->bucket[i]) {
            int n = snprintf(pair, sizeof(pair), "[%llu,%llu]", (unsigned long long)hist_top(i),
                             (unsigned long long)h->bucket[i]);
            sp_json_raw(j, NULL, (struct sp_str){pair, (size_t)n});
        }
    }
    sp_json_end(j, ']');
}

static void json_thresholds(struct sp_json *j, const struct bench *b, const struct metrics *all)
{
    sp_json_array(j, "thresholds");
    for (unsigned i = 0; i < b->conf.thresholds.n; i++) {
        sp_json_object(j, NULL);
        sp_json_str(j, "threshold", sp_str(b->conf.thresholds.v[i]));
        sp_json_bool(j, "ok", report_threshold_ok(b, i, all));
        sp_json_end(j, '}');
    }
    sp_json_end(j, ']');
}

static void json_intervals(struct sp_json *j, const struct bench *b)
{
    sp_json_array(j, "intervals");
    for (unsigned i = 0; i < b->intervals.n; i++) {
        const struct interval *v = &b->intervals.v[i];
        sp_json_object(j, NULL);
        sp_json_int(j, "from_us", v->from / NS_PER_US);
        sp_json_int(j, "to_us", v->to / NS_PER_US);
        sp_json_int(j, "sent", (int64_t)v->sent);
        sp_json_int(j, "received", (int64_t)v->received);
        sp_json_int(j, "errors", (int64_t)v->errors);
        sp_json_int(j, "p50_us", (int64_t)v->p50);
        sp_json_int(j, "p99_us", (int64_t)v->p99);
        sp_json_int(j, "max_us", (int64_t)v->max);
        metric_write(j, "generator_cpu_ratio", v->generator_cpu);
        if (v->server_cpu >= 0) {
            metric_write(j, "server_cpu_ratio", v->server_cpu);
            metric_write(j, "server_rss_bytes", v->server_rss);
        }
        sp_json_end(j, '}');
    }
    sp_json_end(j, ']');
}

static bool print_json(const struct report *r, int status)
{
    const struct bench *b = r->b;
    const struct metrics *all = &r->all;
    const struct verdict *v = &r->verdict;
    char *text = malloc(JSON_MAX);
    struct sp_buf buf;
    struct sp_json j;

    if (!text) {
        return false;
    }
    sp_buf_init(&buf, text, JSON_MAX);
    sp_json_init(&j, &buf);
    sp_json_object(&j, NULL);
    sp_json_bool(&j, "ok", status == EXIT_OK);
    sp_json_int(&j, "exit", status);
    sp_json_int(&j, "schema_version", SCHEMA_VERSION);
    print_stamp(&j, link_wall_us());
    report_environment(&j);
    report_parameters(&j, b);
    sp_json_bool(&j, "valid", v->n == 0);
    sp_json_array(&j, "reasons");
    for (unsigned i = 0; i < v->n; i++) {
        sp_json_str(&j, NULL, sp_str(v->text[i]));
    }
    sp_json_end(&j, ']');
    sp_json_str_opt(&j, "first_error", sp_str(b->first_error));
    sp_json_str_opt(&j, "connect_error", sp_str(b->connect_error));
    metrics_write(&j, "metrics", all);
    checkio_json(&j, b);
    if (r->runs) {
        runs_write(&j, r->runs);
    }
    if (r->found) {
        findmax_write(&j, r->found);
    }
    json_thresholds(&j, b, all);
    json_intervals(&j, b);
    sp_json_object(&j, "histograms_us");
    json_hist(&j, "latency", &b->latency);
    json_hist(&j, "raw", &b->raw);
    json_hist(&j, "complete", &b->complete);
    json_hist(&j, "lag", &b->lag);
    sp_json_end(&j, '}');
    sp_json_end(&j, '}');
    out_line(sp_buf_view(&buf));
    free(text);
    return !buf.full;
}

/* --- summary --------------------------------------------------------------------------------- */

static void print_us(const char *label, double us)
{
    if (us >= 10000) {
        printf("  %s %.1f ms", label, us / 1000);
    } else {
        printf("  %s %.0f us", label, us);
    }
}

static void print_latency(const char *label, const struct hist *h)
{
    static const struct {
        const char *name;
        double q;
    } shown[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}, {"max", 1}};

    if (h->n == 0) {
        return;
    }
    printf("%-10s", label);
    for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
        print_us(shown[i].name, (double)hist_quantile(h, shown[i].q));
    }
    putchar('\n');
}

static void print_counts(const struct bench *b)
{
    const struct counts *c = &b->counts;
    const struct {
        const char *name;
        uint64_t n;
    } faults[] = {{"not sent", c->not_sent},         {"connections failed", c->connect_failed},
                  {"disconnected", c->disconnected}, {"duplicated", c->duplicated},
                  {"reordered", c->reordered},       {"misdelivered", c->misdelivered}};

    printf("%-10s  sent %llu  received %llu  errors %llu  lost %llu", "messages",
           (unsigned long long)c->sent, (unsigned long long)c->received,
           (unsigned long long)c->errors, (unsigned long long)c->lost);
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        if (faults[i].n) {
            printf("  %s %llu", faults[i].name, (unsigned long long)faults[i].n);
        }
    }
    putchar('\n');
    if (c->connect_failed) {
        printf("%-10s  ", "connect");
        out_safe(stdout, sp_str(b->connect_error));
        putchar('\n');
    }
}

static void print_server(const struct bench *b, const struct metrics *all)
{
    double per_message = report_value(all, "server.cpu_per_message");
    double per_connection = report_value(all, "server.per_connection");
    double cpu = report_value(all, "server.cpu"), rss = report_value(all, "server.rss");

    if (!isfinite(cpu)) {
        return;
    }
    printf("%-10s  %.0f %% of a core", "server", cpu * 100);
    if (isfinite(per_message)) {
        printf("  %.2f us CPU per %s", per_message,
               b->scenario->timed_connect ? "connection" : "message");
    } else {
        printf("  %.2f us CPU per client and second", report_value(all, "server.cpu_per_client_s"));
    }
    if (isfinite(rss)) {
        printf("  RSS %.1f MiB", rss / 1048576);
    }
    if (isfinite(per_connection)) {
        printf("  %.2f KiB per connection", per_connection / 1024);
    }
    putchar('\n');
}

static void print_run(const struct bench *b, const struct metrics *all)
{
    double lag = report_value(all, "generator.lag_p99");
    double secs = report_value(all, "seconds");

    print_counts(b);
    if (b->relayed > 0 && isfinite(secs)) {
        printf("%-10s  %.0f/s\n", "rate", report_value(all, "rate"));
    }
    print_latency("latency", &b->latency);
    print_latency("complete", &b->complete);
    print_server(b, all);
    if (isfinite(secs)) {
        printf("%-10s  %.0f %% of a core", "generator", report_value(all, "generator.cpu") * 100);
        if (isfinite(lag)) {
            print_us("lag p99", lag);
        }
        putchar('\n');
    }
    checkio_text(b);
}

static void print_text(const struct report *r)
{
    const struct bench *b = r->b;
    const struct metrics *all = &r->all;
    const struct verdict *v = &r->verdict;
    double secs = report_value(all, "seconds");

    printf("%s%-10s%s  %s  %llu clients, %u pairs, %s model", out_sgr("1"), b->scenario->name,
           out_sgr("0"), b->shown_url, (unsigned long long)b->counts.connected, b->pair_count,
           bench_is_open(b) ? "open" : "closed");
    if (isfinite(secs)) {
        printf(", %.1f s", secs);
    }
    putchar('\n');
    if (r->runs) {
        runs_print(r->runs, all);
    } else {
        print_run(b, all);
    }
    if (r->found) {
        findmax_print(r->found);
    }
    for (unsigned i = 0; i < b->conf.thresholds.n; i++) {
        bool ok = report_threshold_ok(b, i, all);
        printf("%-10s  %s%s%s %s\n", "threshold", out_sgr(ok ? "32" : "31"), ok ? "ok" : "FAILED",
               out_sgr("0"), b->conf.thresholds.v[i]);
    }
    for (unsigned i = 0; i < v->n; i++) {
        printf("%-10s  %sno%s: %s\n", "valid", out_sgr("31"), out_sgr("0"), v->text[i]);
    }
    if (b->first_error[0]) {
        printf("%-10s  ", "first error");
        out_safe(stdout, sp_str(b->first_error));
        putchar('\n');
    }
}

static int status_of(const struct report *r)
{
    const struct bench *b = r->b;

    if (b->counts.connected == 0 && b->counts.connect_failed > 0) {
        return EXIT_CONNECT;
    }
    if (r->stop) {
        return 128 + r->stop;
    }
    if (b->check && check_flagged(b->check) > 0) {
        return EXIT_FALSE;
    }
    if (r->verdict.n > 0) {
        return EXIT_INVALID_RUN;
    }
    if (r->found && r->found->rate == 0) {
        return EXIT_THRESHOLD;
    }
    for (unsigned i = 0; i < b->conf.thresholds.n; i++) {
        if (!report_threshold_ok(b, i, &r->all)) {
            return EXIT_THRESHOLD;
        }
    }
    return EXIT_OK;
}

int report_print(struct report *r)
{
    int status = status_of(r);

    if (r->b->check && check_is_broken(r->b->check)) {
        return out_fail(EXIT_DATA, NULL, "out of memory: not all messages were checked");
    }
    r->status = status;
    int wrong = r->files ? formats_write(r->files, r) : 0;
    if (status == EXIT_CONNECT) {
        return out_fail(EXIT_CONNECT, NULL, "cannot connect to %s: %s", r->b->shown_url,
                        r->b->connect_error);
    }
    if (strcmp(r->b->conf.output, "json") == 0) {
        bool printed = print_json(r, status);
        return printed && !wrong ? status : EXIT_DATA;
    }
    if (!r->files || !r->files->on_stdout) {
        print_text(r);
    }
    return wrong ? wrong : status;
}
