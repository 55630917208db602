/* SPDX-License-Identifier: MIT
 * Which events are wanted: filter, how much of the past, a sample. */
#include "cli/sigmon/want.h"

#include "cli/common/out.h"
#include "libproto/time.h"
#include "libproto/units.h"

#define ROW(name, letter, kind, arg, member, help)                                                 \
    {                                                                                              \
        name, letter, kind, arg, NULL, offsetof(struct want_opts, member), help                    \
    }

const struct opt want_rows[] = {
    ROW("expr", 'e', OPT_LIST, "EXPR", only, "only events that match (repeat: all of them)"),
    ROW("exclude", 'x', OPT_LIST, "EXPR", except, "no events that match (repeat)"),
    ROW("backlog", 'n', OPT_COUNT, "N", backlog, "begin with the last N events"),
    ROW("since", 0, OPT_STRING, "WHEN", since, "begin there: 5m ago, a timestamp, a seq"),
    ROW("sample", 0, OPT_STRING, "P%", sample, "so many sessions, by chance, each whole"),
    ROW("content", 0, OPT_FLAG, NULL, content, "what messages carry too (sigd --log-sdp full)"),
    ROW("file", 'f', OPT_STRING, "FILE", file, "events of a recording, not of a server"),
    ROW("until", 0, OPT_STRING, "EXPR", until, "end after an event that matches"),
    ROW("duration", 'd', OPT_DURATION, "DUR", duration_us, "end after a while"),
    ROW("ready-file", 0, OPT_STRING, "FILE", ready_file, "make this file once attached"),
    {0}};

int want_compile(struct sp_filter *f, const char *what, const char *expr)
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

static int join(struct want *w, const char *lead, const char *expr)
{
    char whole[sizeof(w->filter)];
    bool first = w->filter[0] == '\0', bare = first && lead[0] == '\0';
    int n = snprintf(whole, sizeof(whole), "%s%s%s%s%s%s%s", first ? "" : "(", w->filter,
                     first ? "" : ") and ", lead, bare ? "" : "(", expr, bare ? "" : ")");
    if (n >= (int)sizeof(whole)) {
        return out_fail(EXIT_USAGE, NULL, "the filter is longer than %u bytes", SP_FILTER_MAX);
    }
    memcpy(w->filter, whole, (size_t)n + 1);
    return 0;
}

int want_also(struct want *w, const char *expr)
{
    return join(w, "", expr);
}

int want_session(struct want *w, const char *part)
{
    char expr[SP_ID_MAX + 16];
    size_t n = strlen(part);
    if (n == 0 || n > SP_ID_MAX ||
        strspn(part, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:@-") != n) {
        return out_fail(EXIT_USAGE, NULL, "'%s' is not the id of a session, or a part of one",
                        part);
    }
    snprintf(expr, sizeof(expr), "session=*%s*", part);
    return want_also(w, expr);
}

int want_words(char expr[SP_FILTER_MAX + 1], char **words, int n)
{
    struct sp_filter f;
    struct sp_buf b;
    sp_buf_init(&b, expr, SP_FILTER_MAX);
    for (int i = 0; i < n; i++) {
        sp_buf_str(&b, i > 0 ? SP_STR(" ") : SP_STR(""));
        sp_buf_str(&b, sp_str(words[i]));
    }
    expr[b.n] = '\0';
    if (b.full) {
        return out_fail(EXIT_USAGE, NULL, "the filter is longer than %u bytes", SP_FILTER_MAX);
    }
    return b.n == 0 ? 0 : want_compile(&f, "filter", expr);
}

static int read_words(struct want *w, char **words, int n)
{
    char expr[sizeof(w->filter)];
    int status = want_words(expr, words, n);
    return status || expr[0] == '\0' ? status : join(w, "", expr);
}

static int read_list(struct want *w, const struct opt_list *list, const char *what,
                     const char *lead)
{
    struct sp_filter f;
    int status = 0;
    for (unsigned i = 0; status == 0 && i < list->n; i++) {
        status = want_compile(&f, what, list->v[i]);
        status = status ? status : join(w, lead, list->v[i]);
    }
    return status;
}

static int read_since(struct want *w, const char *text)
{
    struct sp_str s = sp_str(text);
    int64_t us;
    if (sp_stamp_parse(s, &w->since)) {
        w->past = WANT_TIME;
    } else if (sp_parse_duration(s, 0, &us)) {
        w->past = WANT_AGE;
        w->since = us / 1000;
    } else if (sp_parse_count(s, &w->since)) {
        w->past = WANT_SEQ;
    } else {
        return out_fail(EXIT_USAGE, NULL,
                        "--since '%s': want how long ago (5m), a timestamp "
                        "(2026-11-28T12:00:00Z) or the seq of an event",
                        text);
    }
    return 0;
}

static int read_sample(struct want *w, const char *text)
{
    if (!sp_parse_share(sp_str(text), &w->sample) || w->sample == 0) {
        return out_fail(EXIT_USAGE, NULL, "--sample '%s': want a share above 0%%, such as 5%%",
                        text);
    }
    return 0;
}

/* What a server does for its monitors is not done again for files. */
static int check_file(const struct want *w, const struct want_opts *o)
{
    const char *bad = o->backlog      ? "--backlog"
                      : o->sample     ? "--sample"
                      : o->content    ? "--content"
                      : o->ready_file ? "--ready-file"
                                      : NULL;
    if (o->file && w->past == WANT_AGE) {
        return out_fail(EXIT_USAGE, NULL, "--since: of a recording want a timestamp or a seq");
    }
    return o->file && bad
               ? out_fail(EXIT_USAGE, NULL, "%s is for a server, not for a recording", bad)
               : 0;
}

int want_read(struct want *w, const struct want_opts *o, char **words, int n)
{
    *w = (struct want){.backlog = o->backlog > 0 ? o->backlog : -1,
                       .sample = SP_SAMPLE_ALL,
                       .content = o->content,
                       .has_until = o->until != NULL,
                       .duration_us = o->duration_us > 0 ? o->duration_us : OPT_NEVER,
                       .file = o->file,
                       .ready_file = o->ready_file};
    int status = read_words(w, words, n);
    status = status ? status : read_list(w, &o->only, "-e", "");
    status = status ? status : read_list(w, &o->except, "-x", "not ");
    status = status || !o->since ? status : read_since(w, o->since);
    status = status ? status : check_file(w, o);
    status = status || !o->sample ? status : read_sample(w, o->sample);
    return status || !o->until ? status : want_compile(&w->until, "--until", o->until);
}

int want_read_file(struct want *w, const struct want_opts *o, const char *command, char **words,
                   int n)
{
    struct want_opts filed = *o;
    bool is_word = !o->file;
    if (is_word && n == 0) {
        return out_fail(EXIT_USAGE, NULL, "%s needs a recording: sigmon %s FILE [EXPR...]", command,
                        command);
    }
    filed.file = is_word ? words[0] : o->file;
    return want_read(w, &filed, words + is_word, n - is_word);
}
