/* SPDX-License-Identifier: MIT
 * sigmon top: who sends what and which sessions there are, now; on a screen or as frames. */
#include "cli/common/out.h"
#include "cli/common/print.h"
#include "cli/sigmon/mon.h"
#include "cli/sigmon/topjson.h"
#include "cli/sigmon/toplists.h"
#include "cli/sigmon/topscreen.h"

#include <signal.h>

#define LEAST_US  50000
#define SECOND_US 1000000
#define NOTE_US   5000000
#define TICK_US   250000 /* no longer between two looks at the clock */

struct top_opts {
    const char *by, *sort;
    int64_t interval_us, stop_after;
    bool batch;
};
_Static_assert(sizeof(struct top_opts) <= MON_VALUES_MAX, "room for the options");

#define ROW(name, letter, kind, arg, member, help)                                                 \
    {                                                                                              \
        name, letter, kind, arg, NULL, offsetof(struct top_opts, member), help                     \
    }

const struct opt top_rows[] = {
    ROW("by", 0, OPT_CHOICE, "peers|sessions", by, "which of them"),
    ROW("sort", 0, OPT_STRING, "COLUMN", sort, "by this column, -COLUMN the other way"),
    ROW("interval", 0, OPT_TIMEOUT, "DUR", interval_us, "between two frames"),
    ROW("batch", 'b', OPT_FLAG, NULL, batch, "frames as text, one after another"),
    ROW("stop-after", 'C', OPT_COUNT, "N", stop_after, "end after N frames"),
    {0}};

struct top {
    const struct mon_args *a;
    const struct top_opts *o;
    struct link *link; /* NULL: a recording */
    struct crowd crowd;
    struct top_view view;
    bool screen, machine, is_file;
    bool reload;         /* the lists have to be asked for again */
    int64_t interval_us; /* between frames */
    int64_t next_us, sampled_us, frames;
    int64_t note_end_us;
    int64_t file_us; /* a recording's clock */
    int status;      /* what ended it between two events */
    bool full;       /* out of memory */
};

void top_help(FILE *f)
{
    for (int by = 0; by < TOP_VIEWS; by++) {
        fprintf(f, "\ncolumns of %s:\n", top_by_words[by]);
        for (const struct top_column *k = top_columns[by]; k->name; k++) {
            fprintf(f, "  %-11s %s\n", k->name, k->help);
        }
    }
}

static int64_t now_us(const struct top *t)
{
    return t->is_file ? t->file_us : link_mono_us();
}

/* ---------------------------------------------------------------- frames */

static void take_rows(struct top *t)
{
    if (!t->view.paused || t->view.stale) {
        t->full = !top_view_refresh(&t->view, &t->crowd, now_us(t)) || t->full;
    } else {
        top_view_resort(&t->view);
    }
}

static void on_line(void *ctx, enum top_line kind, const char *line)
{
    (void)ctx;
    (void)kind;
    puts(line);
}

static void put_frame(struct top *t, int64_t interval_us)
{
    if (t->screen) {
        top_screen_draw(&t->view);
    } else if (t->machine) {
        top_json(t->a->opts, &t->view, interval_us);
    } else {
        fputs(t->frames > 0 ? "\n" : "", stdout);
        top_view_frame(&t->view, 0, 0, on_line, NULL);
        fflush(stdout);
    }
    t->frames++;
}

static void begin_interval(struct top *t)
{
    t->sampled_us = now_us(t);
    crowd_sample(&t->crowd, t->sampled_us);
}

static void frame(struct top *t)
{
    int64_t since_us = t->sampled_us;
    begin_interval(t);
    if (link_mono_us() >= t->note_end_us) {
        t->view.note[0] = '\0';
    }
    if (!t->view.paused) {
        take_rows(t);
    }
    put_frame(t, t->sampled_us - since_us);
}

/* ---------------------------------------------------------------- what is told */

static bool is_done(void *ctx)
{
    const struct top *t = ctx;
    return t->view.quit || t->full || t->crowd.full || t->status ||
           (t->o->stop_after > 0 && t->frames >= t->o->stop_after);
}

static void on_event(void *ctx, const struct sp_event *ev, struct sp_str raw)
{
    struct top *t = ctx;
    (void)raw;
    if (t->is_file) {
        bool first = t->file_us == 0;
        t->file_us = ev->ts_ms * 1000;
        if (first) {
            begin_interval(t);
        }
    }
    crowd_event(&t->crowd, ev, now_us(t));
}

static void note(struct top *t, const char *text)
{
    if (t->screen) {
        snprintf(t->view.note, sizeof(t->view.note), "%s", text);
        t->note_end_us = link_deadline(NOTE_US);
        top_screen_draw(&t->view);
    } else {
        out_note("%s", text);
    }
}

static void on_remark(void *ctx, const char *text)
{
    note(ctx, text);
}

/* Who came and went meanwhile is not known. */
static void on_gap(void *ctx, const struct source_gap *gap)
{
    struct top *t = ctx;
    crowd_missed(&t->crowd, gap->missed);
    t->reload = !t->is_file;
}

static void on_restart(void *ctx)
{
    struct top *t = ctx;
    crowd_gone(&t->crowd, now_us(t));
    t->reload = !t->is_file;
    note(t, "the server has restarted");
}

static int load(struct top *t)
{
    char text[128];
    int status = top_lists(t->link, &t->crowd, is_done, t, text, sizeof(text));
    if (status == 0) {
        t->reload = false;
        if (text[0]) {
            note(t, text);
        }
    }
    return status;
}

static void on_tick(void *ctx)
{
    struct top *t = ctx;
    bool waited = top_keys_rest(&t->view);
    if (t->reload) {
        int status = load(t);
        t->status = status > 128 ? status : 0;
    }
    if (is_done(t)) {
        return;
    }
    if (link_mono_us() >= t->next_us) {
        while (t->next_us <= link_mono_us()) {
            t->next_us += t->interval_us;
        }
        frame(t);
    } else if (t->screen && waited) {
        top_screen_draw(&t->view);
    }
}

static bool on_signal(void *ctx, int signo)
{
    struct top *t = ctx;
    if (signo == SIGWINCH && t->screen) {
        top_screen_draw(&t->view);
    }
    return signo == SIGWINCH;
}

static void on_keys(void *ctx)
{
    struct top *t = ctx;
    if (top_screen_keys(&t->view)) {
        take_rows(t);
    }
    if (!t->view.quit) {
        top_screen_draw(&t->view);
    }
}

/* From here on nothing but frames goes to the terminal. */
static void begin_screen(struct top *t)
{
    const struct link_opts *o = t->a->opts;
    out_init(&(struct out_conf){"sigmon", o->json, true, o->color});
    top_screen_open();
    link_on_input(t->link, STDIN_FILENO, on_keys, t);
}

static int on_opened(void *ctx, struct source *s)
{
    struct top *t = ctx;
    int64_t ticks = (t->interval_us + TICK_US - 1) / TICK_US;
    t->link = s->link;
    t->view.url = link_url(s->link);
    s->tick_us = t->interval_us / ticks;
    link_on_remark(t->link, on_remark, t);
    int status = load(t);
    if (status) {
        return status;
    }
    begin_interval(t);
    take_rows(t);
    t->next_us = link_deadline(t->interval_us);
    if (t->screen) {
        begin_screen(t);
        put_frame(t, 0);
    }
    return 0;
}

static void on_closing(void *ctx)
{
    struct top *t = ctx;
    const struct link_opts *o = t->a->opts;
    if (t->screen) {
        top_screen_close();
        out_init(&(struct out_conf){"sigmon", o->json, o->quiet, o->color});
    }
}

/* A recording is one frame. */
static void on_present(void *ctx)
{
    struct top *t = ctx;
    if (t->is_file) {
        frame(t);
    }
}

static const struct source_ops ops = {.opened = on_opened,
                                      .event = on_event,
                                      .gap = on_gap,
                                      .restart = on_restart,
                                      .present = on_present,
                                      .signal = on_signal,
                                      .tick = on_tick,
                                      .done = is_done,
                                      .closing = on_closing};

/* ---------------------------------------------------------------- the command */

static int read_filter(struct top *t, char **words, int n)
{
    char expr[SP_FILTER_MAX + 1];
    struct sp_diag d;
    int status = want_words(expr, words, n);
    return status || top_view_filter(&t->view, expr, &d) == SP_OK
               ? status
               : out_fail(EXIT_USAGE, NULL, "filter: %s", d.text);
}

static int read_options(struct top *t, struct want *want)
{
    const struct top_opts *o = t->o;
    char why[256];
    int status = want_read(want, t->a->want, NULL, 0);
    status = status ? status : mon_check_format(t->a->opts);
    t->view.by = o->by && strcmp(o->by, "sessions") == 0 ? TOP_SESSIONS : TOP_PEERS;
    if (status == 0 && o->sort && !top_view_sort(&t->view, o->sort, why, sizeof(why))) {
        return out_fail(EXIT_USAGE, NULL, "--sort: %s", why);
    }
    t->interval_us = o->interval_us > 0 ? o->interval_us : SECOND_US;
    if (status == 0 && (t->interval_us < LEAST_US || t->interval_us == OPT_NEVER)) {
        return out_fail(EXIT_USAGE, NULL, "--interval: want 50ms or more");
    }
    return status ? status : read_filter(t, t->a->words, t->a->n);
}

int top_run(const struct mon_args *a)
{
    struct want want;
    struct top t = {.a = a, .o = a->values, .machine = print_is_machine(a->opts)};
    t.is_file = a->want->file != NULL;
    t.screen = !t.o->batch && !t.machine && !t.is_file && top_screen_can();
    top_view_init(&t.view, t.is_file ? a->want->file : a->opts->url);
    int status = read_options(&t, &want);
    if (status) {
        return status;
    }
    if (!crowd_init(&t.crowd)) {
        return out_fail(EXIT_DATA, NULL, "out of memory");
    }
    status = mon_watch(a, &want, &ops, &t);
    status = status ? status : t.status;
    if (t.full || t.crowd.full) {
        status = out_fail(EXIT_DATA, NULL, "out of memory");
    }
    top_view_fini(&t.view);
    crowd_fini(&t.crowd);
    return status;
}
