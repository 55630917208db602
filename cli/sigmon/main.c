/* SPDX-License-Identifier: MIT
 * sigmon: see the traffic of a signaling server as it happens. */
#include "cli/common/out.h"
#include "cli/common/print.h"
#include "cli/sigmon/mon.h"

#define ROW(name, letter, kind, arg, member, help)                                                 \
    {                                                                                              \
        name, letter, kind, arg, NULL, offsetof(struct mon_opts, member), help                     \
    }

const struct opt mon_rows[] = {
    ROW("expr", 'e', OPT_LIST, "EXPR", only, "only events that match (repeat: all of them)"),
    ROW("exclude", 'x', OPT_LIST, "EXPR", except, "no events that match (repeat)"),
    ROW("backlog", 'n', OPT_COUNT, "N", backlog, "begin with the last N events"),
    ROW("stop-after", 'C', OPT_COUNT, "N", stop_after, "end after N events"),
    ROW("until", 0, OPT_STRING, "EXPR", until, "end after an event that matches"),
    ROW("duration", 'd', OPT_DURATION, "DUR", duration_us, "end after a while"),
    ROW("time", 0, OPT_CHOICE, "abs|rel|delta|epoch|none", time, "how a line begins"),
    ROW("ready-file", 0, OPT_STRING, "FILE", ready_file, "make this file once attached"),
    {0}};

static void help(FILE *f)
{
    fputs("  sigmon type=offer,answer from='drone-*'\n"
          "  sigmon -n 20 -C 20 -F '%{ts} %-14{event} %{from} %{to}'\n"
          "  sigmon --until 'event=session_end' --json -W 30s | jq .\n\n"
          "usage: sigmon [OPTIONS] [tail] [EXPR...]\n\n",
          f);
    opt_help(f, mon_rows);
    fputs("\nconnection and output:\n", f);
    opt_help(f, link_rows);
}

int mon_compile(struct sp_filter *f, const char *what, const char *expr)
{
    struct sp_diag d;
    if (sp_filter_parse(f, sp_str(expr), &d) == SP_OK) {
        return 0;
    }
    out_fail(EXIT_USAGE, NULL, "%s: %s", what, d.text);
    fputs("  ", stderr);
    out_safe(stderr, sp_str(expr));
    fprintf(stderr, "\n  %*s^\n", (int)d.off, "");
    return EXIT_USAGE;
}

static void join(struct sp_buf *b, const char *lead, const char *expr, bool alone)
{
    if (b->n > 0) {
        sp_buf_lit(b, " and ");
    }
    sp_buf_str(b, sp_str(lead));
    sp_buf_str(b, alone ? SP_STR("") : SP_STR("("));
    sp_buf_str(b, sp_str(expr));
    sp_buf_str(b, alone ? SP_STR("") : SP_STR(")"));
}

int mon_filter(const struct mon_opts *o, char **words, int n, char *out, size_t cap)
{
    char words_expr[SP_FILTER_MAX + 1];
    struct sp_filter f;
    struct sp_buf b, w;
    int status = 0;
    sp_buf_init(&w, words_expr, sizeof(words_expr) - 1);
    for (int i = 0; i < n; i++) {
        sp_buf_str(&w, i > 0 ? SP_STR(" ") : SP_STR(""));
        sp_buf_str(&w, sp_str(words[i]));
    }
    words_expr[w.n] = '\0';
    sp_buf_init(&b, out, cap - 1);
    if (w.n > 0) {
        status = mon_compile(&f, "filter", words_expr);
        join(&b, "", words_expr, o->only.n + o->except.n == 0);
    }
    for (unsigned i = 0; status == 0 && i < o->only.n; i++) {
        status = mon_compile(&f, "-e", o->only.v[i]);
        join(&b, "", o->only.v[i], false);
    }
    for (unsigned i = 0; status == 0 && i < o->except.n; i++) {
        status = mon_compile(&f, "-x", o->except.v[i]);
        join(&b, "not ", o->except.v[i], false);
    }
    if (status == 0 && (b.full || w.full)) {
        return out_fail(EXIT_USAGE, NULL, "the filter is longer than %u bytes", SP_FILTER_MAX);
    }
    out[b.n] = '\0';
    return status == 0 && b.n > 0 ? mon_compile(&f, "filter", out) : status;
}

static int attach(const struct link_opts *opts, const struct mon_opts *o, char **words, int n)
{
    char filter[SP_FILTER_MAX + 1], why[256];
    struct sp_filter until;
    int status = mon_filter(o, words, n, filter, sizeof(filter));
    if (status == 0 && o->until) {
        status = mon_compile(&until, "--until", o->until);
    }
    if (status) {
        return status;
    }
    if (opts->format && !print_check_format(opts->format, why, sizeof(why))) {
        return out_fail(EXIT_USAGE, NULL, "%s", why);
    }
    struct link *link = link_new(opts);
    if (!link) {
        return EXIT_DATA;
    }
    status = stream_run(link, opts, o, filter);
    link_free(link);
    return status;
}

int main(int argc, char **argv)
{
    struct link_opts opts = LINK_OPTS_INIT;
    struct mon_opts o = {0};
    struct opt_group groups[] = {{link_rows, &opts}, {mon_rows, &o}};
    char why[512];
    int first = 1;
    out_streams();
    int wrong = opt_read(groups, 2, argc, argv, &first, why, sizeof(why));
    out_init(&(struct out_conf){"sigmon", opts.json, opts.quiet, opts.color});
    if (wrong) {
        return out_done(out_fail((enum exit_code)wrong, NULL, "%s", why));
    }
    if (opts.version) {
        puts("sigmon " SIGKIT_VERSION);
        return out_done(EXIT_OK);
    }
    bool ask = first < argc && strcmp(argv[first], "help") == 0;
    if (opts.help || ask) {
        help(stdout);
        return out_done(EXIT_OK);
    }
    first += first < argc && strcmp(argv[first], "tail") == 0;
    int status = attach(&opts, &o, argv + first, argc - first);
    return out_done(status == LINK_NO_READER ? EXIT_OK : status);
}
