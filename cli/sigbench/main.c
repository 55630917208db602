/* SPDX-License-Identifier: MIT
 * sigbench: load for a signaling server, measured honestly.
 * This file reads the options and runs one scenario. */
#include "cli/common/mask.h"
#include "cli/common/out.h"
#include "cli/sigbench/compare.h"
#include "cli/sigbench/complete.h"
#include "cli/sigbench/findmax.h"
#include "cli/sigbench/formats.h"
#include "cli/sigbench/plan.h"
#include "cli/sigbench/report.h"
#include "cli/sigbench/runs.h"
#include "cli/sigbench/shape.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#undef ROW

static const struct bench_conf defaults = {.url = "ws://127.0.0.1:8081",
                                           .kind = "ice",
                                           .arrival = "uniform",
                                           .output = "text",
                                           .clients = 100,
                                           .window = -1,
                                           .duration_us = -1,
                                           .warmup_us = 1000000,
                                           .interval_us = 1000000,
                                           .threads = 1,
                                           .mix = "relay=8,setup=1,churn=1",
                                           .repeat = -1,
                                           .precision = "2%",
                                           .timeout_us = 10000000,
                                           .patience_us = 5000000,
                                           .ice = 4,
                                           .seed = 1};

static struct bench bench;

static void print_help(void)
{
    puts("Usage: sigbench [OPTIONS] [SCENARIO]\n"
         "       sigbench compare [OPTIONS] BASE NEW\n"
         "\n"
         "  sigbench -c 100 -d 10s                      as fast as the server answers\n"
         "  sigbench -R 5k --threshold 'relay.p99<20ms' open model, exit 10 when slower\n"
         "  sigbench setup --pairs 1k -R 200            call set-ups, offer to answer\n"
         "  sigbench --find-max 'p99<5ms,errors==0'     the highest rate that holds it\n"
         "  sigbench --repeat 5 -d 5s -j >base.json     medians of five runs\n"
         "  sigbench compare base.json new.json         exit 11 when it got worse\n"
         "  sigbench -c 2 --idle 8k --server-pid PID    one active pair beside idle clients\n"
         "  sigbench --server-metrics URL               what a server elsewhere spends on it\n"
         "\nScenarios:");
    for (const struct scenario *s = scenarios; s->name; s++) {
        printf("  %-8s  %s\n", s->name, s->help);
    }
    puts("  FILE      a scenario with its options, a line \"name = value\" each");
    puts("\nOptions:");
    opt_help(stdout, bench_rows);
    puts("\nOptions of compare:");
    opt_help(stdout, compare_rows);
}

static const struct scenario *find_scenario(const char *name)
{
    for (const struct scenario *s = scenarios; s->name; s++) {
        if (strcmp(s->name, name) == 0) {
            return s;
        }
    }
    return NULL;
}

static void on_signal(int signo)
{
    bench.stop = signo;
}

static void catch_signals(void)
{
    struct sigaction sa = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};

    sigaction(SIGINT, &sa, NULL);
    sigaction(SIGTERM, &sa, NULL);
}

static const char *check_ranges(struct bench *b)
{
    struct bench_conf *c = &b->conf;
    static const int64_t most = 300000; /* ids have six digits */

    if (c->clients < 1 || c->clients > most || c->pairs < 0 || c->pairs > most || c->idle < 0 ||
        c->idle > most) {
        return "--clients, --pairs and --idle go up to 300k, and there must be a client";
    }
    if (c->rate < 0 || c->rate > 10000000 || c->window == 0 || c->window > 65536) {
        return "--rate goes up to 10M, --window from 1 to 65536";
    }
    if (c->size < 0 || c->size > 1048576 || c->ice < 0 || c->ice > 1000) {
        return "--size goes up to 1M, --ice up to 1000";
    }
    if (c->patience_us < 8 || c->patience_us > INT64_C(3600000000)) {
        return "--patience goes up to an hour";
    }
    if (c->check && !b->scenario->pairs) {
        return "--check needs a scenario that sends messages";
    }
    if (c->server_metrics && strncmp(c->server_metrics, "http://", 7) != 0) {
        return "--server-metrics must be a URL that begins with http://";
    }
    if (c->duration_us == OPT_NEVER && c->count <= 0) {
        return "--duration none needs --count";
    }
    if (c->repeat == 0 || c->repeat > RUNS_MAX) {
        return "--repeat goes from 1 to 100";
    }
    if (c->find_max && (c->repeat > 0 || !b->scenario->pairs)) {
        return "--find-max is for relay and setup, without --repeat";
    }
    return NULL;
}

/* Fills in what depends on the scenario and on other options. */
static void set_defaults(struct bench *b)
{
    struct bench_conf *c = &b->conf;

    if (c->window < 0) {
        c->window = b->scenario->timed_connect ? 32 : 1;
    }
    if (c->duration_us < 0) {
        bool bounded = c->count > 0 || b->scenario->timed_connect || b->scenario->is_over;
        c->duration_us = bounded ? OPT_NEVER : c->find_max ? 5000000 : 10000000;
        if (c->stages) {
            c->duration_us = (int64_t)(profile_length(&b->profile) / 1e3);
        }
    }
    if (c->json) {
        c->output = "json";
    }
    if (b->scenario->timed_connect && c->count > 0) {
        c->clients = c->count;
    }
    b->intervals.length = c->interval_us == OPT_NEVER ? INT64_MAX / 2 : c->interval_us * NS_PER_US;
    if (b->scenario->pairs) {
        b->pair_count = (uint32_t)(c->pairs > 0 ? c->pairs : (c->clients + 1) / 2);
    }
    if (c->id) {
        snprintf(b->id_prefix, sizeof(b->id_prefix), "%.63s", c->id);
    } else {
        snprintf(b->id_prefix, sizeof(b->id_prefix), "bench-%ld", (long)getpid());
    }
}

static int load_token(struct bench *b)
{
    struct bearer bearer = {0};
    bool ok = bearer_load(&bearer, b->conf.token_file, b->conf.token);

    bearer_header(&bearer, b->headers);
    explicit_bzero(&bearer, sizeof(bearer));
    return ok ? 0 : EXIT_DATA;
}

/* The other nodes of a cluster, all with TLS or none. */
static int prepare_also(struct bench *b)
{
    const struct opt_list *l = &b->conf.also;
    char why[256];
    bool usage;

    if (l->n >= SERVERS_MAX) {
        return out_fail(EXIT_USAGE, NULL, "--also: more than %u servers", SERVERS_MAX);
    }
    b->also = l->n ? calloc(l->n, sizeof(*b->also)) : NULL;
    if (l->n && !b->also) {
        return out_fail(EXIT_DATA, NULL, "out of memory");
    }
    for (size_t i = 0; i < l->n; i++) {
        if (!wsurl_parse(&b->also[i], l->v[i], &usage, why, sizeof(why))) {
            return out_fail(usage ? EXIT_USAGE : EXIT_CONNECT, NULL, "--also: %s", why);
        }
        if (b->also[i].tls != b->url.tls) {
            return out_fail(EXIT_USAGE, NULL, "--also %s: either all servers have TLS or none",
                            l->v[i]);
        }
    }
    return 0;
}

static int prepare_target(struct bench *b)
{
    const struct bench_conf *c = &b->conf;
    struct wsconn_tls_conf tls = {.cacert = c->cacert,
                                  .cert = c->cert,
                                  .key = c->key,
                                  .sni = c->sni,
                                  .insecure = c->insecure,
                                  .resume = c->tls_resume};
    char why[256];
    bool usage;

    mask_url(b->shown_url, sizeof(b->shown_url), c->url);
    if (!wsurl_parse(&b->url, c->url, &usage, why, sizeof(why))) {
        return out_fail(usage ? EXIT_USAGE : EXIT_CONNECT, NULL, "%s", why);
    }
    if (b->url.tls && !(b->tls = wsconn_tls_new(&tls, why, sizeof(why)))) {
        return out_fail(EXIT_DATA, NULL, "%s", why);
    }
    if (c->server_metrics) {
        char as_ws[sizeof(b->metrics_url.path) + sizeof(b->metrics_url.hostport)];
        snprintf(as_ws, sizeof(as_ws), "ws%s", c->server_metrics + strlen("http"));
        if (!wsurl_parse(&b->metrics_url, as_ws, &usage, why, sizeof(why))) {
            return out_fail(usage ? EXIT_USAGE : EXIT_DATA, NULL, "--server-metrics: %s", why);
        }
    }
    int status = prepare_also(b);
    return status ? status : load_token(b);
}

static int run(struct bench *b)
{
    int status = prepare_target(b);

    if (status == 0) {
        catch_signals(); /* from here on there are files to take away */
        status = formats_open(&b->files, &b->conf, false);
    }
    if (status == 0) {
        status = b->conf.find_max     ? findmax_run(b)
                 : b->conf.repeat > 0 ? runs_repeat(b)
                                      : runs_single(b);
    }
    formats_close(&b->files);
    wsconn_tls_free(b->tls);
    free(b->also);
    return status;
}

static int bench_main(int argc, char **words)
{
    struct findmax f;
    char why[512];

    bench.scenario = argc > 0 ? find_scenario(words[0]) : &scenarios[0];
    if (!bench.scenario || argc > 1) {
        return out_fail(EXIT_USAGE, NULL, "unknown scenario '%s'; see --help", words[argc - 1]);
    }
    if (bench.conf.max_regress.n > 0 || bench.conf.force) {
        return out_fail(EXIT_USAGE, NULL, "--max-regress and --force are for compare");
    }
    const char *range = check_ranges(&bench);
    if (range) {
        return out_fail(EXIT_USAGE, NULL, "%s", range);
    }
    if (!report_check_thresholds(&bench, why, sizeof(why)) ||
        !findmax_parse(&f, &bench, why, sizeof(why))) {
        return out_fail(EXIT_USAGE, NULL, "%s", why);
    }
    if (!shape_load(&bench, why, sizeof(why))) {
        return out_fail(EXIT_USAGE, NULL, "%s", why);
    }
    set_defaults(&bench);
    return run(&bench);
}

static int compare_main(int argc, char **words)
{
    if (argc != 2) {
        return out_fail(EXIT_USAGE, NULL, "compare needs two files of reports, BASE and NEW");
    }
    if (bench.conf.json) {
        bench.conf.output = "json";
    }
    return compare_run(&bench.conf, words[0], words[1]);
}

static int completion_main(int argc, char **words)
{
    return argc == 1 && complete_print(words[0])
               ? EXIT_OK
               : out_fail(EXIT_USAGE, NULL, "completion for bash, zsh or fish");
}

static int read_options(int argc, char **argv, int *first, char *why, size_t cap)
{
    const struct opt_group groups[] = {{bench_rows, &bench.conf}, {compare_rows, &bench.conf}};
    *first = argc;
    bench.conf = defaults;
    return opt_read(groups, 2, argc, argv, first, why, cap);
}

/* The words of a file go before those of the command line, whose options are the stronger ones. */
static int read_plan(struct plan *p, int *argc, char ***argv, int *first, char *why, size_t cap)
{
    static char *all[PLAN_WORDS + 1024];
    int n = 0;
    const char *path = (*argv)[*first];
    if (!plan_read(p, path, why, cap)) {
        return EXIT_DATA;
    }
    if (*argc > 1000) {
        snprintf(why, cap, "too many arguments");
        return EXIT_USAGE;
    }
    all[n++] = (*argv)[0];
    for (int i = 0; i < p->n; i++) {
        all[n++] = p->word[i];
    }
    for (int i = 1; i < *argc; i++) {
        if ((*argv)[i] != path) {
            all[n++] = (*argv)[i];
        }
    }
    if (p->scenario) {
        all[n++] = p->scenario;
    }
    *argv = all;
    *argc = n;
    return read_options(n, all, first, why, cap);
}

int main(int argc, char **argv)
{
    static struct plan plan; /* the options borrow from it */
    struct out_conf out = {.program = "sigbench"};
    char why[512];
    int first;

    out_streams();
    int wrong = read_options(argc, argv, &first, why, sizeof(why));
    if (!wrong && first < argc && strpbrk(argv[first], "./")) {
        wrong = read_plan(&plan, &argc, &argv, &first, why, sizeof(why));
    }
    out.json = bench.conf.json || strcmp(bench.conf.output, "json") == 0;
    out.quiet = bench.conf.quiet;
    out.color = bench.conf.color;
    out_init(&out);
    if (wrong) {
        return out_fail((enum exit_code)wrong, NULL, "%s", why);
    }
    if (bench.conf.help) {
        print_help();
        return out_done(EXIT_OK);
    }
    if (bench.conf.version) {
        puts("sigbench " SIGKIT_VERSION);
        return out_done(EXIT_OK);
    }
    if (first < argc && strcmp(argv[first], "completion") == 0) {
        return out_done(completion_main(argc - first - 1, argv + first + 1));
    }
    if (first < argc && strcmp(argv[first], "compare") == 0) {
        return out_done(compare_main(argc - first - 1, argv + first + 1));
    }
    return out_done(bench_main(argc - first, argv + first));
}
