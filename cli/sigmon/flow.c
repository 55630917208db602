/* SPDX-License-Identifier: MIT
 * sigmon flow: the messages of calls as a ladder, as they come. */
#include "cli/common/out.h"
#include "cli/common/print.h"
#include "cli/sigmon/mon.h"
#include "cli/sigmon/rungs.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

struct flow_opts {
    bool mermaid;
};
_Static_assert(sizeof(struct flow_opts) <= MON_VALUES_MAX, "room for the options");

const struct opt flow_rows[] = {{"mermaid", 0, OPT_FLAG, NULL, NULL,
                                 offsetof(struct flow_opts, mermaid),
                                 "a sequence diagram, for documents"},
                                {0}};

struct flow {
    struct ladder ladder;
    struct rungs rungs;
    bool live;  /* the newest rung is shown before it is complete */
    bool shown; /* and it is */
    bool fresh; /* it came since the last tick */
    const char *session;
    bool is_past, is_file;
    int64_t calls, over;
    bool full;
};

static void on_rung(void *ctx, const struct rung *r)
{
    struct flow *f = ctx;
    rungs_put(&f->rungs, r, f->shown, false);
    f->shown = false;
}

static void count(struct flow *f, const struct sp_event *ev)
{
    f->calls += ev->event == SP_EV_SESSION_OPEN || f->calls == 0;
    f->over += ev->event == SP_EV_SESSION_END;
}

static void on_event(void *ctx, const struct sp_event *ev, struct sp_str raw)
{
    struct flow *f = ctx;
    (void)raw;
    count(f, ev);
    ladder_event(&f->ladder, ev, &f->full);
    f->fresh = true;
}

static void on_pause(void *ctx)
{
    struct flow *f = ctx;
    if (f->live && f->ladder.has_rung) {
        rungs_put(&f->rungs, &f->ladder.rung, f->shown, true);
        f->shown = true;
    }
}

static void on_present(void *ctx)
{
    struct flow *f = ctx;
    f->is_past = false;
    if (f->session && f->calls == 0 && !f->is_file) {
        out_note("no event of session %s so far, waiting for one", f->session);
    }
}

/* Candidates come one by one for seconds: what is held back is not held for long. */
static void on_tick(void *ctx)
{
    struct flow *f = ctx;
    if (!f->fresh && !f->live) {
        ladder_flush(&f->ladder);
    }
    f->fresh = false;
}

static void on_gap(void *ctx, const struct source_gap *gap)
{
    struct flow *f = ctx;
    ladder_flush(&f->ladder);
    if (!print_is_machine(f->rungs.opts)) {
        rungs_remark(&f->rungs, "gap: %lld events missed, %lld to %lld", (long long)gap->missed,
                     (long long)gap->from, (long long)gap->to);
    }
}

static void on_restart(void *ctx)
{
    struct flow *f = ctx;
    ladder_flush(&f->ladder);
    if (!print_is_machine(f->rungs.opts)) {
        rungs_remark(&f->rungs, "the server has restarted, events may be missing");
    }
}

/* A session that was named ends it with its own end. */
static bool is_done(void *ctx)
{
    const struct flow *f = ctx;
    return f->full || (f->session && f->calls > 0 && f->over >= f->calls && !f->is_past);
}

static bool on_signal(void *ctx, int signo)
{
    struct flow *f = ctx;
    if (signo == SIGWINCH) {
        ladder_flush(&f->ladder);
        f->rungs.width = rungs_width();
        f->rungs.has_head = false;
    }
    return signo == SIGWINCH;
}

static const struct source_ops ops = {.event = on_event,
                                      .gap = on_gap,
                                      .restart = on_restart,
                                      .pause = on_pause,
                                      .present = on_present,
                                      .signal = on_signal,
                                      .tick = on_tick,
                                      .done = is_done};

static int read_words(struct flow *f, struct want *w, const struct mon_args *a)
{
    int status = want_read(w, a->want, NULL, 0);
    status = status ? status
                    : want_also(w, "relay or session_open or session_answer or "
                                   "session_end or deliver_error");
    if (a->n > 1) {
        return out_fail(EXIT_USAGE, NULL, "flow takes one session; filters go with -e");
    }
    if (status == 0 && a->n == 1) {
        f->session = a->words[0];
        status = want_session(w, f->session);
        if (w->past == WANT_NO_PAST && w->backlog < 0 && !w->file) {
            w->backlog = WANT_ALL;
        }
    }
    return status;
}

int flow_run(const struct mon_args *a)
{
    const struct flow_opts *o = a->values;
    struct want want;
    bool terminal = isatty(STDOUT_FILENO) == 1;
    struct flow f = {
        .rungs = {.opts = a->opts, .mermaid = o->mermaid, .cut = terminal, .width = rungs_width()}};
    bool machine = print_is_machine(a->opts);
    if (machine && o->mermaid) {
        return out_fail(EXIT_USAGE, NULL, "--mermaid is a form of its own");
    }
    f.is_past = a->n > 0;
    f.is_file = a->want->file != NULL;
    f.live = terminal && !machine && !o->mermaid;
    int status = read_words(&f, &want, a);
    status = status ? status : mon_check_format(a->opts);
    if (status) {
        return status;
    }
    if (!ladder_init(&f.ladder, on_rung, &f)) {
        return out_fail(EXIT_DATA, NULL, "out of memory");
    }
    f.ladder.apart = machine;
    rungs_begin(&f.rungs);
    status = mon_watch(a, &want, &ops, &f);
    ladder_flush(&f.ladder);
    if (f.full) {
        status = out_fail(EXIT_DATA, NULL, "out of memory");
    }
    ladder_fini(&f.ladder);
    rungs_fini(&f.rungs);
    return status;
}
