/* SPDX-License-Identifier: MIT
 * One call among the events of its parties. */
#include "cli/sigmon/facts.h"

#include <stdio.h>
#include <stdlib.h>

static void on_rung(void *ctx, const struct rung *r)
{
    struct facts *f = ctx;
    struct rung *more = realloc(f->rungs, (f->nrungs + 1) * sizeof(*more));
    if (!more) {
        f->full = true;
        return;
    }
    f->rungs = more;
    f->rungs[f->nrungs++] = *r;
}

bool facts_init(struct facts *f, const char *session, const char *a, const char *b)
{
    *f = (struct facts){.session = session, .a = a, .b = b, .gone = -1};
    f->refused[0].answer_us = f->refused[1].answer_us = -1;
    return ladder_init(&f->ladder, on_rung, f);
}

void facts_fini(struct facts *f)
{
    ladder_fini(&f->ladder);
    free(f->rungs);
    free(f->incidents);
}

static int side_of(const struct facts *f, struct sp_str id)
{
    return f->call ? book_side(f->call, id) : -1;
}

static void note_incident(struct facts *f, const struct sp_event *ev, int side)
{
    struct incident *more = realloc(f->incidents, (f->nincidents + 1) * sizeof(*more));
    if (!more) {
        f->full = true;
        return;
    }
    f->incidents = more;
    struct incident *i = &f->incidents[f->nincidents++];
    struct sp_str code = ev->s[SP_ES_code], reason = ev->s[SP_ES_reason];
    *i = (struct incident){.side = side,
                           .event = ev->event,
                           .ts_ms = ev->ts_ms,
                           .us = book_us(ev) - f->call->first_us,
                           .before = f->nrungs + f->ladder.has_rung};
    snprintf(i->text, sizeof(i->text), "%.*s%s%.*s", (int)code.n, code.n ? code.p : "",
             code.n && reason.n ? ": " : "", (int)reason.n, reason.n ? reason.p : "");
}

/* An error about this session, or one of a party that names none. */
static void note_refusal(struct facts *f, const struct sp_event *ev, int side)
{
    struct refusal *r = &f->refused[side];
    struct sp_str code = ev->s[SP_ES_code];
    if (ev->kind == SP_T_ANSWER) {
        r->answer_us = r->answers == 0 ? book_us(ev) - f->call->first_us : r->answer_us;
        r->answers++;
    } else if (!book_is_over(f->call)) {
        /* candidates that cross a bye are no fault */
        r->others++;
    } else {
        return;
    }
    if (!r->code[0]) {
        snprintf(r->code, sizeof(r->code), "%.*s", (int)code.n, code.n ? code.p : "");
    }
}

static bool is_of_pair(const struct facts *f, const struct sp_event *ev)
{
    struct sp_str a = sp_str(f->a), b = sp_str(f->b), from = ev->s[SP_ES_from],
                  to = ev->s[SP_ES_to];
    return (sp_str_eq(from, a) && sp_str_eq(to, b)) || (sp_str_eq(from, b) && sp_str_eq(to, a));
}

static void on_own(struct facts *f, const struct sp_event *ev)
{
    const struct call *c = ladder_event(&f->ladder, ev, &f->full);
    f->call = c ? c : f->call;
    int side = side_of(f, ev->s[SP_ES_from]);
    if (ev->event == SP_EV_DELIVER_ERROR && side >= 0) {
        note_refusal(f, ev, side);
    }
    if (ev->event == SP_EV_SESSION_END && f->call && f->call->ended_by < 0) {
        f->gone = side_of(f, ev->s[SP_ES_id]);
    }
}

/* An error of a message that named no session is of the newest that the two had. */
static bool is_of_call(const struct facts *f, const struct sp_event *ev)
{
    struct sp_str session = ev->s[SP_ES_session];
    bool meant = session.n == 0 && ev->event == SP_EV_DELIVER_ERROR && f->call && !f->another;
    return is_of_pair(f, ev) && (meant || sp_str_eq(session, sp_str(f->session)));
}

void facts_event(struct facts *f, const struct sp_event *ev)
{
    struct sp_event own = *ev;
    struct sp_str who = ev->s[SP_ES_id].n > 0 ? ev->s[SP_ES_id] : ev->s[SP_ES_from];
    int side = side_of(f, who);
    if (is_of_call(f, ev)) {
        own.s[SP_ES_session] = sp_str(f->session);
        on_own(f, &own);
    } else if (ev->event == SP_EV_SESSION_OPEN) {
        f->another = f->call && is_of_pair(f, ev);
    } else if (side >= 0 && ev->event != SP_EV_DELIVER_ERROR) {
        f->limited[side] += ev->event == SP_EV_RATE_LIMIT;
        note_incident(f, ev, side);
    }
}

void facts_end(struct facts *f)
{
    ladder_flush(&f->ladder);
}
