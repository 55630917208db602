/* SPDX-License-Identifier: MIT
 * sigmon explain: one session from its first offer to its end, and the likely cause when it failed.
 */
#include "cli/common/out.h"
#include "cli/common/print.h"
#include "cli/sigmon/facts.h"
#include "cli/sigmon/lines.h"
#include "cli/sigmon/mon.h"
#include "cli/sigmon/rungs.h"
#include "libproto/time.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define FINDING_MAX 512
#define AFTER_US    1000000

const struct opt explain_rows[] = {{0}};

/* ---------------------------------------------------------------- which session */

struct pick {
    struct book book;
    const char *part; /* NULL: the newest of all */
    const struct call *call;
    size_t n;
    bool full;
};

static void pick_event(void *ctx, const struct sp_event *ev, struct sp_str raw)
{
    struct pick *p = ctx;
    bool full = false;
    (void)raw;
    book_event(&p->book, ev, &full);
    p->full = p->full || full;
}

static bool pick_done(void *ctx)
{
    return ((struct pick *)ctx)->full;
}

/* The whole id goes before a part of it, the newest before others. */
static void choose(struct pick *p)
{
    for (const struct call *c = p->book.newest; c; c = c->older) {
        bool whole = p->part && strcmp(c->id, p->part) == 0;
        bool better = whole && strcmp(p->call ? p->call->id : "", p->part) != 0;
        p->call = !p->call || better ? c : p->call;
    }
    p->n = p->book.n;
}

static int find(struct pick *p, const struct mon_args *a, struct want *want)
{
    static const struct source_ops ops = {.event = pick_event, .done = pick_done};
    int status = want_also(want, "relay or session_open or session_answer or session_end");
    if (status == 0 && p->part) {
        status = want_session(want, p->part);
    }
    status = status ? status : mon_watch(a, want, &ops, p);
    if (status == 0 && p->full) {
        return out_fail(EXIT_DATA, NULL, "out of memory");
    }
    if (status) {
        return status;
    }
    choose(p);
    if (!p->call) {
        return out_fail(EXIT_NO_PEER, NULL,
                        "no event of %s%s. Try: sigmon tail --since 1h session=*",
                        p->part ? "session " : "any session", p->part ? p->part : "");
    }
    if (p->part && p->n > 1 && strcmp(p->call->id, p->part) != 0) {
        out_note("%zu sessions have %s in their ids, this is the newest", p->n, p->part);
    }
    return 0;
}

/* ---------------------------------------------------------------- all of it */

static void on_event(void *ctx, const struct sp_event *ev, struct sp_str raw)
{
    (void)raw;
    facts_event(ctx, ev);
}

static void on_gap(void *ctx, const struct source_gap *gap)
{
    ((struct facts *)ctx)->missed += gap->missed;
}

static void on_restart(void *ctx)
{
    struct facts *f = ctx;
    f->restarted = f->restarted || f->call;
}

static bool is_done(void *ctx)
{
    return ((struct facts *)ctx)->full;
}

static int gather(struct facts *f, const struct mon_args *a, struct want *want)
{
    static const struct source_ops ops = {
        .event = on_event, .gap = on_gap, .restart = on_restart, .done = is_done};
    char expr[5 * SP_ID_MAX + 256];
    snprintf(expr, sizeof(expr),
             "session=%s or (peer=%s and peer=%s and (deliver_error or session_open)) or ((peer=%s "
             "or peer=%s) and (register or disconnect or replace or rate_limit or protocol_error))",
             f->session, f->a, f->b, f->a, f->b);
    int status = want_also(want, expr);
    status = status ? status : mon_watch(a, want, &ops, f);
    facts_end(f);
    if (status == 0 && f->full) {
        return out_fail(EXIT_DATA, NULL, "out of memory");
    }
    if (status == 0 && !f->call) {
        return out_fail(EXIT_NO_PEER, NULL, "session %s is not kept any more", f->session);
    }
    return status;
}

/* ---------------------------------------------------------------- the verdict */

static const char *verdict_of(const struct facts *f)
{
    char text[FINDING_MAX];
    for (const struct finding *row = findings; row->code; row++) {
        if (row->weight == WEIGHT_FAILED && row->says(f, text, sizeof(text))) {
            return "failed";
        }
    }
    return book_is_over(f->call) ? "ended" : f->call->side[1].answers > 0 ? "ongoing" : "waiting";
}

/* ---------------------------------------------------------------- for people */

static void put_when(int64_t ms)
{
    char text[32];
    time_t t = (time_t)(ms / 1000);
    struct tm tm;
    localtime_r(&t, &tm);
    strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
    printf("%s.%03d", text, (int)(ms % 1000));
}

static void put_title(const struct facts *f, const char *verdict)
{
    const struct call *c = f->call;
    char span[16];
    printf("%s", out_sgr("1"));
    out_safe(stdout, sp_str(c->id));
    printf("%s\n", out_sgr("0"));
    out_safe(stdout, sp_str(c->side[0].id));
    fputs(" called ", stdout);
    out_safe(stdout, sp_str(c->side[1].id));
    fputs(" at ", stdout);
    put_when(c->first_ms);
    if (!book_is_over(c) || strcmp(verdict, "failed") == 0) {
        printf(", %s%s%s", out_sgr("31"), verdict, out_sgr("0"));
    }
    if (c->setup_us >= 0) {
        out_span(span, c->setup_us);
        printf(", answered after %s", span);
    }
    if (c->life_us >= 0) {
        out_span(span, c->life_us);
        printf(", ended after %s: ", span);
        out_safe(stdout, sp_str(c->reason));
    }
    fputs("\n\n", stdout);
}

/* What befell a party before the call, or long after it, is another story. */
static bool is_near(const struct facts *f, const struct incident *i)
{
    return i->us >= 0 && i->us <= f->call->last_us - f->call->first_us + AFTER_US;
}

static void put_incidents(struct rungs *p, const struct facts *f, size_t *next, size_t before)
{
    for (; *next < f->nincidents && f->incidents[*next].before <= before; ++*next) {
        const struct incident *i = &f->incidents[*next];
        if (!is_near(f, i)) {
            continue;
        }
        rungs_remark(p, "%+.3f ms: %s %s%s%s", (double)i->us / 1e3, f->call->side[i->side].id,
                     sp_event_wire(i->event), i->text[0] ? " " : "", i->text);
    }
}

static void put_ladder(const struct mon_args *a, const struct facts *f)
{
    struct rungs p = {.opts = a->opts, .width = rungs_width()};
    size_t next = 0;
    for (size_t i = 0; i < f->nrungs; i++) {
        put_incidents(&p, f, &next, i);
        rungs_put(&p, &f->rungs[i], false, false);
    }
    put_incidents(&p, f, &next, SIZE_MAX);
    rungs_fini(&p);
}

static void put_candidates(const struct facts *f)
{
    printf("\n%-20s", "candidates of");
    for (unsigned k = 0; k < BOOK_KINDS; k++) {
        printf(" %7s", book_kind_word((enum book_kind)k));
    }
    printf(" %7s %7s\n", "tcp", "end");
    for (int i = 0; i < 2; i++) {
        const struct side *s = &f->call->side[i];
        printf("%-20s", s->id);
        for (unsigned k = 0; k < BOOK_KINDS; k++) {
            printf(" %7u", s->kinds[k]);
        }
        printf(" %7u %7s\n", s->tcp, s->end ? "yes" : "no");
    }
}

static void put_findings(const struct facts *f)
{
    static const struct {
        const char *mark, *colour;
    } marks[] = {
        [WEIGHT_FAILED] = {"!", "31"}, [WEIGHT_DOUBT] = {"?", "33"}, [WEIGHT_NOTE] = {"-", ""}};
    char text[FINDING_MAX];
    bool any = false;
    for (const struct finding *row = findings; row->code; row++) {
        if (!row->says(f, text, sizeof(text))) {
            continue;
        }
        const char *colour = marks[row->weight].colour;
        printf("%s%s%s%s ", any ? "" : "\n", colour[0] ? out_sgr(colour) : "",
               marks[row->weight].mark, colour[0] ? out_sgr("0") : "");
        out_safe(stdout, sp_str(text));
        putchar('\n');
        if (row->cause) {
            printf("  likely: %s\n", row->cause);
        }
        if (row->hint) {
            printf("  try: %s\n", row->hint);
        }
        any = true;
    }
    if (!any) {
        puts("\nnothing is missing");
    }
}

/* ---------------------------------------------------------------- for machines */

static void put_side(struct sp_json *j, const char *name, const struct side *s)
{
    sp_json_object(j, name);
    sp_json_str(j, "id", sp_str(s->id));
    sp_json_int(j, "offers", s->offers);
    sp_json_int(j, "answers", s->answers);
    sp_json_int(j, "candidates", s->candidates);
    for (unsigned k = 0; k < BOOK_KINDS; k++) {
        sp_json_int(j, book_kind_word((enum book_kind)k), s->kinds[k]);
    }
    sp_json_int(j, "tcp", s->tcp);
    sp_json_bool(j, "end_of_candidates", s->end);
    sp_json_int(j, "errors", s->errors);
    sp_json_int(j, "bytes", (int64_t)s->bytes);
    sp_json_str(j, "media", sp_str(s->media));
    sp_json_end(j, '}');
}

static void put_finding_objects(struct sp_json *j, const struct facts *f)
{
    static const char *const weights[] = {
        [WEIGHT_FAILED] = "failed", [WEIGHT_DOUBT] = "doubt", [WEIGHT_NOTE] = "note"};
    char text[FINDING_MAX];
    sp_json_array(j, "findings");
    for (const struct finding *row = findings; row->code; row++) {
        if (!row->says(f, text, sizeof(text))) {
            continue;
        }
        sp_json_object(j, NULL);
        sp_json_str(j, "code", sp_str(row->code));
        sp_json_str(j, "weight", sp_str(weights[row->weight]));
        sp_json_str(j, "text", sp_str(text));
        sp_json_str_opt(j, "cause", sp_str(row->cause ? row->cause : ""));
        sp_json_str_opt(j, "hint", sp_str(row->hint ? row->hint : ""));
        sp_json_end(j, '}');
    }
    sp_json_end(j, ']');
}

static void put_steps(struct sp_json *j, const struct facts *f)
{
    sp_json_array(j, "steps");
    for (size_t i = 0; i < f->nrungs; i++) {
        sp_json_object(j, NULL);
        rungs_members(j, &f->rungs[i]);
        sp_json_end(j, '}');
    }
    sp_json_end(j, ']');
    sp_json_array(j, "incidents");
    for (size_t i = 0; i < f->nincidents; i++) {
        const struct incident *in = &f->incidents[i];
        if (!is_near(f, in)) {
            continue;
        }
        sp_json_object(j, NULL);
        sp_json_int(j, "since_us", in->us);
        sp_json_str(j, "event", sp_str(sp_event_wire(in->event)));
        sp_json_str(j, "id", sp_str(f->call->side[in->side].id));
        sp_json_str_opt(j, "text", sp_str(in->text));
        sp_json_end(j, '}');
    }
    sp_json_end(j, ']');
}

static void put_object(const struct mon_args *a, const struct facts *f, const char *verdict)
{
    const struct call *c = f->call;
    struct print_line l;
    size_t remote = (f->nrungs + f->nincidents + 8) * (RUNGS_TEXT + 64);
    if (!print_begin(&l, remote)) {
        return;
    }
    print_time(&l, c->first_ms * 1000);
    sp_json_str(&l.j, "type", SP_STR("explanation"));
    sp_json_str(&l.j, "session", sp_str(c->id));
    sp_json_str(&l.j, "verdict", sp_str(verdict));
    sp_json_str_opt(&l.j, "reason", sp_str(c->reason));
    if (c->setup_us >= 0) {
        sp_json_int(&l.j, "setup_us", c->setup_us);
    }
    if (c->life_us >= 0) {
        sp_json_int(&l.j, "life_us", c->life_us);
    }
    put_side(&l.j, "caller", &c->side[0]);
    put_side(&l.j, "callee", &c->side[1]);
    put_finding_objects(&l.j, f);
    put_steps(&l.j, f);
    print_end(a->opts, &l);
}

/* ---------------------------------------------------------------- the command */

static int explain(const struct mon_args *a, struct want *want, const struct pick *p)
{
    struct facts f;
    const struct call *c = p->call;
    int status = facts_init(&f, c->id, c->side[0].id, c->side[1].id)
                     ? gather(&f, a, want)
                     : out_fail(EXIT_DATA, NULL, "out of memory");
    if (status == 0) {
        const char *verdict = verdict_of(&f);
        if (print_is_machine(a->opts)) {
            put_object(a, &f, verdict);
        } else {
            put_title(&f, verdict);
            put_ladder(a, &f);
            put_candidates(&f);
            put_findings(&f);
        }
        status = strcmp(verdict, "failed") == 0 ? EXIT_FALSE : 0;
    }
    facts_fini(&f);
    return status;
}

static int read_options(struct want *w, const struct mon_args *a)
{
    int status = want_read(w, a->want, NULL, 0);
    if (a->n > 1) {
        return out_fail(EXIT_USAGE, NULL, "explain takes one session, or none for the newest");
    }
    if (w->file && strcmp(w->file, "-") == 0) {
        return out_fail(EXIT_USAGE, NULL, "explain reads a recording twice: --file wants a file");
    }
    w->past_only = true;
    if (w->past == WANT_NO_PAST && w->backlog < 0) {
        w->backlog = WANT_ALL;
    }
    return status ? status : mon_check_format(a->opts);
}

int explain_run(const struct mon_args *a)
{
    struct want want;
    struct pick p = {.part = a->n > 0 ? a->words[0] : NULL};
    int status = read_options(&want, a);
    if (status) {
        return status;
    }
    struct want again = want;
    if (!book_init(&p.book)) {
        return out_fail(EXIT_DATA, NULL, "out of memory");
    }
    status = find(&p, a, &want);
    status = status ? status : explain(a, &again, &p);
    book_fini(&p.book);
    return status;
}
