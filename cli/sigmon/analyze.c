/* SPDX-License-Identifier: MIT
 * sigmon analyze: the figures of a recording, and bounds on them. */
#include "cli/common/out.h"
#include "cli/common/print.h"
#include "cli/sigmon/mon.h"
#include "cli/sigmon/report.h"
#include "cli/sigmon/source.h"

#include <stdlib.h>

#define PATIENCE_US 10000000

struct analyze_opts {
    struct opt_list fail_on;
    int64_t patience_us;
    bool all;
};
_Static_assert(sizeof(struct analyze_opts) <= MON_VALUES_MAX, "room for the options");

#define ROW(name, kind, arg, member, help)                                                         \
    {                                                                                              \
        name, 0, kind, arg, NULL, offsetof(struct analyze_opts, member), help                      \
    }

const struct opt analyze_rows[] = {
    ROW("fail-on", OPT_LIST, "COND", fail_on, "exit 10 when it holds: 'unanswered>0' (repeat)"),
    ROW("patience", OPT_TIMEOUT, "DUR", patience_us, "an offer of that age is unanswered (10s)"),
    ROW("all", OPT_FLAG, NULL, all, "every peer and pair, not the busiest 20"),
    {0}};

struct analyze {
    struct tally tally;
    struct report_threshold thresholds[OPT_LIST_MAX];
    unsigned n;
};

static void on_event(void *ctx, const struct sp_event *ev, struct sp_str raw)
{
    (void)raw;
    tally_event(ctx, ev);
}

static void on_gap(void *ctx, const struct source_gap *gap)
{
    tally_gap(ctx, gap->missed);
}

static void on_restart(void *ctx)
{
    tally_restart(ctx);
}

static bool is_done(void *ctx)
{
    return ((const struct tally *)ctx)->full;
}

static const struct source_ops ops = {
    .event = on_event, .gap = on_gap, .restart = on_restart, .done = is_done};

static int read_thresholds(struct analyze *an, const struct opt_list *list)
{
    char why[160];
    for (unsigned i = 0; i < list->n; i++) {
        struct report_threshold *one = &an->thresholds[an->n++];
        one->text = list->v[i];
        if (!threshold_parse(&one->threshold, list->v[i], why, sizeof(why))) {
            out_fail(EXIT_USAGE, NULL, "--fail-on '%s': %s", list->v[i], why);
            if (!one->threshold.metric) {
                fputs("metrics:\n", stderr);
                metric_help(stderr);
            }
            return EXIT_USAGE;
        }
    }
    return 0;
}

/* What fired counts more than what could not be told. */
static int judge(struct analyze *an)
{
    int status = 0;
    for (unsigned i = 0; i < an->n; i++) {
        struct report_threshold *one = &an->thresholds[i];
        one->result = threshold_judge(&one->threshold, &an->tally);
        if (one->result == THRESHOLD_FIRED) {
            status = EXIT_THRESHOLD;
        } else if (one->result == THRESHOLD_UNMEASURED && status == 0) {
            status = EXIT_INVALID_RUN;
        }
    }
    return status;
}

/* The object says it too, so that it stays the only one. */
static void tell_thresholds(struct analyze *an)
{
    for (unsigned i = 0; i < an->n; i++) {
        const struct report_threshold *one = &an->thresholds[i];
        if (one->result == THRESHOLD_QUIET) {
            continue;
        }
        fprintf(stderr, "sigmon: --fail-on '%s': ", one->text);
        if (one->result == THRESHOLD_FIRED) {
            threshold_print(stderr, &one->threshold, &an->tally);
            fputc('\n', stderr);
        } else {
            fputs("nothing was measured\n", stderr);
        }
    }
}

static int report(struct analyze *an, const struct mon_args *a, const char *file)
{
    const struct analyze_opts *o = a->values;
    struct report r = {.file = file,
                       .tally = &an->tally,
                       .thresholds = an->thresholds,
                       .nthresholds = an->n,
                       .all = o->all,
                       .exit = judge(an)};
    bool ok = print_is_machine(a->opts) ? report_json(&r, a->opts) : report_text(&r);
    fflush(stdout);
    tell_thresholds(an);
    return ok ? r.exit : out_fail(EXIT_DATA, NULL, "out of memory");
}

static int analyze(struct analyze *an, const struct mon_args *a, const struct want *want)
{
    int status = mon_watch(a, want, &ops, &an->tally);
    if (status) {
        return status;
    }
    tally_end(&an->tally);
    return an->tally.full ? out_fail(EXIT_DATA, NULL, "out of memory") : report(an, a, want->file);
}

int analyze_run(const struct mon_args *a)
{
    const struct analyze_opts *o = a->values;
    struct want want;
    int status = want_read_file(&want, a->want, "analyze", a->words, a->n);
    if (status == 0 && a->want->duration_us) {
        status = out_fail(EXIT_USAGE, NULL, "--duration is for a server, not for a recording");
    }
    status = status ? status : mon_check_format(a->opts);
    struct analyze *an = status ? NULL : calloc(1, sizeof(*an));
    if (!an) {
        return status ? status : out_fail(EXIT_DATA, NULL, "out of memory");
    }
    status = read_thresholds(an, &o->fail_on);
    if (status == 0) {
        bool ok = tally_init(&an->tally, o->patience_us > 0 ? o->patience_us : PATIENCE_US);
        status = ok ? analyze(an, a, &want) : out_fail(EXIT_DATA, NULL, "out of memory");
        tally_fini(&an->tally);
    }
    free(an);
    return status;
}
