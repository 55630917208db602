/* SPDX-License-Identifier: MIT
 * sigmon tail: the events that pass a filter, as they happen; record: the same into a file. */
#include "cli/common/compare.h"
#include "cli/common/out.h"
#include "cli/sigmon/lines.h"
#include "cli/sigmon/mon.h"
#include "cli/sigmon/recording.h"

#include <regex.h>
#include <stdlib.h>

struct tail_opts {
    const char *time, *grep, *fail_on, *expect, *write, *rotate;
    int64_t stop_after;
};
_Static_assert(sizeof(struct tail_opts) <= MON_VALUES_MAX, "room for the options");

#define ROW(name, letter, kind, arg, member, help)                                                 \
    {                                                                                              \
        name, letter, kind, arg, NULL, offsetof(struct tail_opts, member), help                    \
    }
#define ROW_GREP ROW("grep", 0, OPT_STRING, "RE", grep, "only events whose JSON it matches")
#define ROW_STOP ROW("stop-after", 'C', OPT_COUNT, "N", stop_after, "end after N events")
#define ROW_FAIL ROW("fail-on", 0, OPT_STRING, "EXPR", fail_on, "such an event ends it, exit 1")
#define ROW_EXPECT                                                                                 \
    ROW("expect", 0, OPT_STRING, "N", expect, "exit 1 unless N events, or '>=N', came")
#define ROW_ROTATE ROW("rotate", 0, OPT_STRING, "SIZE:N", rotate, "parts of a size, N old ones")

const struct opt tail_rows[] = {
    ROW_GREP,
    ROW_STOP,
    ROW_FAIL,
    ROW_EXPECT,
    ROW("time", 0, OPT_CHOICE, "abs|rel|delta|epoch|none", time, "how a line begins"),
    ROW("write", 'w', OPT_STRING, "FILE", write, "record them too"),
    ROW_ROTATE,
    {0}};

const struct opt record_rows[] = {ROW_GREP, ROW_STOP, ROW_FAIL, ROW_EXPECT, ROW_ROTATE, {0}};

struct tail {
    const struct tail_opts *o;
    struct lines lines;
    bool prints, failed, opened;
    struct compare expect;
    regex_t grep;
    struct sp_filter fail_on;
    struct recorder *recorder;
    int64_t count, gaps, missed;
};

static void record(struct tail *t, char *object, size_t n)
{
    if (object) {
        recorder_put(t->recorder, (struct sp_str){object, n});
    }
    free(object);
}

static bool is_grepped(const struct tail *t, struct sp_str raw)
{
    regmatch_t whole = {.rm_so = 0, .rm_eo = (regoff_t)raw.n};
    return !t->o->grep || regexec(&t->grep, raw.p, 1, &whole, REG_STARTEND) == 0;
}

static void on_event(void *ctx, const struct sp_event *ev, struct sp_str raw)
{
    struct tail *t = ctx;
    size_t n = 0;
    if (!is_grepped(t, raw)) {
        return;
    }
    t->count++;
    if (t->prints) {
        lines_event(&t->lines, ev, raw);
    }
    if (t->recorder) {
        char *object = lines_event_object(ev, raw, &n);
        record(t, object, n);
    }
    t->failed = t->o->fail_on && sp_filter_match(&t->fail_on, ev);
}

static void on_gap(void *ctx, const struct source_gap *gap)
{
    struct tail *t = ctx;
    size_t n = 0;
    t->gaps++;
    t->missed += gap->missed;
    if (t->prints) {
        lines_gap(&t->lines, gap);
    }
    if (t->recorder) {
        char *object = lines_gap_object(gap, &n);
        record(t, object, n);
    }
}

static void on_restart(void *ctx)
{
    struct tail *t = ctx;
    size_t n = 0;
    if (t->prints) {
        lines_restart(&t->lines);
    }
    if (t->recorder) {
        char *object = lines_restart_object(&n);
        record(t, object, n);
    }
}

static void on_pause(void *ctx)
{
    struct tail *t = ctx;
    if (t->recorder) {
        recorder_flush(t->recorder);
    }
}

static bool is_done(void *ctx)
{
    const struct tail *t = ctx;
    return t->failed || (t->o->stop_after > 0 && t->count >= t->o->stop_after) ||
           (t->recorder && recorder_failed(t->recorder));
}

static int read_options(struct tail *t)
{
    const struct tail_opts *o = t->o;
    char why[256];
    if (o->grep) {
        int bad = regcomp(&t->grep, o->grep, REG_EXTENDED | REG_NOSUB);
        if (bad) {
            regerror(bad, &t->grep, why, sizeof(why));
            return out_fail(EXIT_USAGE, NULL, "--grep '%s': %s", o->grep, why);
        }
    }
    if (o->expect && !compare_parse(&t->expect, o->expect, COMPARE_EQ)) {
        return out_fail(EXIT_USAGE, NULL, "--expect '%s': want a count such as 20 or '>=20'",
                        o->expect);
    }
    if (o->rotate && t->prints && !o->write) {
        return out_fail(EXIT_USAGE, NULL, "--rotate goes with --write");
    }
    return o->fail_on ? want_compile(&t->fail_on, "--fail-on", o->fail_on) : 0;
}

/* What came, against what was asked for; a failure of the stream itself is told already. */
static int judge(const struct tail *t, int status)
{
    if (status != 0 && status != EXIT_TIMEOUT) {
        return status;
    }
    if (t->failed) {
        return out_fail(EXIT_FALSE, NULL, "an event that --fail-on '%s' names", t->o->fail_on);
    }
    if (t->o->expect && !compare_holds(&t->expect, t->count)) {
        return out_fail(EXIT_FALSE, NULL, "%lld events, expected %s", (long long)t->count,
                        t->o->expect);
    }
    return status;
}

static const struct source_ops ops = {
    .event = on_event, .gap = on_gap, .restart = on_restart, .pause = on_pause, .done = is_done};

/* path is where it is recorded, or NULL. */
static int run(struct tail *t, const struct mon_args *a, const char *path, char **words, int n)
{
    struct want want;
    char about[SP_FILTER_MAX * 6 + 256];
    int status = want_read(&want, a->want, words, n);
    status = status ? status : mon_check_format(a->opts);
    status = status ? status : read_options(t);
    if (status == 0 && path) {
        recording_about(about, sizeof(about), want.filter);
        t->recorder = recorder_open(path, t->o->rotate, about, &status);
        t->opened = t->recorder != NULL;
    }
    if (status == 0) {
        status = mon_watch(a, &want, &ops, t);
    }
    int closed = recorder_close(t->recorder);
    if (t->o->grep && status != EXIT_USAGE) {
        regfree(&t->grep);
    }
    return judge(t, status ? status : closed);
}

int tail_run(const struct mon_args *a)
{
    const struct tail_opts *o = a->values;
    struct tail t = {.o = o, .lines = {.opts = a->opts, .time = o->time}, .prints = true};
    return run(&t, a, o->write, a->words, a->n);
}

int record_run(const struct mon_args *a)
{
    struct tail t = {.o = a->values};
    if (a->n == 0) {
        return out_fail(EXIT_USAGE, NULL, "record needs a file: sigmon record FILE [EXPR...]");
    }
    int status = run(&t, a, a->words[0], a->words + 1, a->n - 1);
    if (t.opened) {
        out_note("%lld events recorded in %s%s", (long long)t.count, a->words[0],
                 t.gaps ? "" : ", none missed");
    }
    if (t.gaps) {
        out_note("%lld events missed in %lld gaps", (long long)t.missed, (long long)t.gaps);
    }
    return status;
}
