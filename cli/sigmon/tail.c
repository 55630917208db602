/* SPDX-License-Identifier: MIT
 * sigmon tail: the events that pass a filter, as they happen. */
#include "cli/common/out.h"
#include "cli/common/print.h"
#include "cli/sigmon/mon.h"

_Static_assert(sizeof(struct mon_opts) <= MON_VALUES_MAX, "room for the options");

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

int tail_run(const struct link_opts *opts, const void *values, char **words, int n)
{
    const struct mon_opts *o = values;
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
