/* SPDX-License-Identifier: MIT
 * What can be wrong with a call: a row for each, that which explains most first. */
#include "cli/sigmon/facts.h"

#include "cli/common/out.h"
#include "libproto/msg.h"

#include <stdio.h>

#define MID_ICE_US    30000000 /* in which ICE has connected or failed, RFC 8445 */
#define SLOW_SETUP_US 3000000

enum { CALLER, CALLEE };

static bool is_answered(const struct facts *f)
{
    return f->call->answered_us >= 0 || f->call->side[CALLEE].answers > 0;
}

static const char *name_of(const struct facts *f, int side)
{
    return f->call->side[side].id;
}

struct span {
    char text[16];
};

static struct span since_offer(const struct facts *f, int64_t us)
{
    struct span s = {""};
    out_span(s.text, us - f->call->first_us);
    return s;
}

static bool is_unanswered_end(const struct facts *f)
{
    return !is_answered(f) && book_is_over(f->call);
}

static bool is_reason(const struct facts *f, enum sp_bye why)
{
    return strcmp(f->call->reason, sp_bye_wire(why)) == 0;
}

/* How a party's link went, for sentences. */
static const char *loss_of(const struct facts *f)
{
    if (is_reason(f, SP_BYE_REPLACED)) {
        return "was taken over by a newer connection of the same id";
    }
    if (is_reason(f, SP_BYE_KICKED)) {
        return "was closed by an administrator";
    }
    return "went away";
}

/* ---------------------------------------------------------------- no answer */

static bool says_late_answer(const struct facts *f, char *text, size_t cap)
{
    const struct refusal *r = &f->refused[CALLEE];
    if (is_answered(f) || r->answers == 0) {
        return false;
    }
    char when[16];
    out_span(when, r->answer_us);
    int n = snprintf(text, cap, "%s answered %s after the offer, to nobody: %s", name_of(f, CALLEE),
                     when, r->code);
    if (book_is_over(f->call) && n > 0 && (size_t)n < cap) {
        snprintf(text + n, cap - (size_t)n, "; the session had ended after %s (%s)",
                 since_offer(f, f->call->ended_us).text, f->call->reason);
    }
    return true;
}

static bool says_rejected(const struct facts *f, char *text, size_t cap)
{
    snprintf(text, cap, "%s did not want it: it ended the session with \"%s\" after %s",
             name_of(f, CALLEE), f->call->reason, since_offer(f, f->call->ended_us).text);
    return is_unanswered_end(f) && f->call->ended_by == CALLEE;
}

static bool says_cancelled(const struct facts *f, char *text, size_t cap)
{
    snprintf(text, cap, "%s gave up after %s (\"%s\"); no answer had come", name_of(f, CALLER),
             since_offer(f, f->call->ended_us).text, f->call->reason);
    return is_unanswered_end(f) && f->call->ended_by == CALLER;
}

static bool says_lost_before(const struct facts *f, char *text, size_t cap, int side)
{
    snprintf(text, cap, "%s, which was %s, %s %s after the offer, before an answer",
             name_of(f, side), side == CALLER ? "calling" : "called", loss_of(f),
             since_offer(f, f->call->ended_us).text);
    return is_unanswered_end(f) && f->gone == side;
}

static bool says_callee_lost(const struct facts *f, char *text, size_t cap)
{
    return says_lost_before(f, text, cap, CALLEE);
}

static bool says_caller_lost(const struct facts *f, char *text, size_t cap)
{
    return says_lost_before(f, text, cap, CALLER);
}

static bool says_no_answer(const struct facts *f, char *text, size_t cap)
{
    snprintf(text, cap,
             "the answer never came: %s was given the offer, kept its connection and said nothing "
             "for %s",
             name_of(f, CALLEE), since_offer(f, f->call->ended_us).text);
    return is_unanswered_end(f) && is_reason(f, SP_BYE_TIMEOUT) && f->refused[CALLEE].answers == 0;
}

static bool says_ended(const struct facts *f, char *text, size_t cap)
{
    snprintf(text, cap, "the session ended after %s, before an answer: %s",
             since_offer(f, f->call->ended_us).text, f->call->reason);
    return is_unanswered_end(f) && f->gone < 0 && f->call->ended_by < 0 &&
           !is_reason(f, SP_BYE_TIMEOUT);
}

static bool says_waiting(const struct facts *f, char *text, size_t cap)
{
    snprintf(text, cap, "%s has the offer and has not answered so far", name_of(f, CALLEE));
    return !is_answered(f) && !book_is_over(f->call) && f->refused[CALLEE].answers == 0;
}

/* ---------------------------------------------------------------- the way to a connection */

static bool is_mid_ice(const struct facts *f)
{
    const struct call *c = f->call;
    int64_t answered = c->answered_us >= 0 ? c->answered_us : c->first_us;
    return is_answered(f) && book_is_over(c) && c->ended_us - answered < MID_ICE_US &&
           !(c->side[CALLER].end && c->side[CALLEE].end);
}

static bool says_lost_mid_ice(const struct facts *f, char *text, size_t cap)
{
    if (f->gone < 0 || !is_mid_ice(f)) {
        return false;
    }
    const struct side *s = &f->call->side[f->gone];
    snprintf(text, cap,
             "%s %s in the middle of ICE, %s after the offer: %u of its candidates had come, their "
             "end had %s",
             s->id, loss_of(f), since_offer(f, f->call->ended_us).text, s->candidates,
             s->end ? "too" : "not");
    return true;
}

static bool has_word(const char *reason)
{
    static const char *const words[] = {"ice", "fail", "connect"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcasestr(reason, words[i])) {
            return true;
        }
    }
    return false;
}

static bool says_no_connection(const struct facts *f, char *text, size_t cap)
{
    const struct call *c = f->call;
    if (!is_answered(f) || !book_is_over(c) || c->ended_by < 0 || !has_word(c->reason)) {
        return false;
    }
    snprintf(text, cap, "%s gave up with \"%s\" after %s: the answer came, a connection did not",
             name_of(f, c->ended_by), c->reason, since_offer(f, c->ended_us).text);
    return true;
}

static unsigned kind_of(const struct facts *f, enum book_kind kind)
{
    return f->call->side[CALLER].kinds[kind] + f->call->side[CALLEE].kinds[kind];
}

static bool has_candidates(const struct facts *f)
{
    return f->call->side[CALLER].candidates + f->call->side[CALLEE].candidates > 0;
}

static bool says_no_relay(const struct facts *f, char *text, size_t cap)
{
    snprintf(text, cap, "no relay candidate of either side%s",
             kind_of(f, BOOK_SRFLX) + kind_of(f, BOOK_PRFLX) > 0
                 ? ""
                 : ", and none that a STUN server told: addresses of their own networks alone");
    return is_answered(f) && has_candidates(f) && kind_of(f, BOOK_RELAY) == 0;
}

static bool says_mdns(const struct facts *f, char *text, size_t cap)
{
    for (int i = CALLER; is_answered(f) && i <= CALLEE; i++) {
        const struct side *s = &f->call->side[i];
        if (s->candidates > 0 && s->kinds[BOOK_MDNS] == s->candidates) {
            snprintf(text, cap, "all candidates of %s are mDNS names", s->id);
            return true;
        }
    }
    return false;
}

static bool says_tcp(const struct facts *f, char *text, size_t cap)
{
    for (int i = CALLER; is_answered(f) && i <= CALLEE; i++) {
        const struct side *s = &f->call->side[i];
        if (s->candidates > 0 && s->tcp == s->candidates) {
            snprintf(text, cap, "all candidates of %s are TCP", s->id);
            return true;
        }
    }
    return false;
}

static bool says_no_candidates(const struct facts *f, char *text, size_t cap)
{
    for (int i = CALLER; is_answered(f) && i <= CALLEE; i++) {
        if (f->call->side[i].candidates == 0) {
            snprintf(text, cap, "%s sent no candidate; those in its description are not seen here",
                     name_of(f, i));
            return true;
        }
    }
    return false;
}

static bool says_no_end(const struct facts *f, char *text, size_t cap)
{
    const struct side *s = f->call->side;
    bool a = s[CALLER].candidates > 0 && !s[CALLER].end;
    bool b = s[CALLEE].candidates > 0 && !s[CALLEE].end;
    snprintf(text, cap, "%s%s%s never said that there are no more candidates",
             a ? s[CALLER].id : "", a && b ? " and " : "", b ? s[CALLEE].id : "");
    return is_answered(f) && (a || b);
}

/* ---------------------------------------------------------------- what else */

static bool says_limited(const struct facts *f, char *text, size_t cap)
{
    int side = f->limited[CALLER] > 0 ? CALLER : CALLEE;
    snprintf(text, cap, "%s was over its rate %u times; those messages are lost", name_of(f, side),
             f->limited[side]);
    return f->limited[side] > 0;
}

static bool says_refused(const struct facts *f, char *text, size_t cap)
{
    int side = f->refused[CALLER].others > 0 ? CALLER : CALLEE;
    const struct refusal *r = &f->refused[side];
    snprintf(text, cap, "%u messages of %s were not delivered: %s", r->others, name_of(f, side),
             r->code);
    return r->others > 0;
}

static bool says_slow(const struct facts *f, char *text, size_t cap)
{
    char span[16];
    out_span(span, f->call->setup_us);
    snprintf(text, cap, "the answer took %s", span);
    return f->call->setup_us > SLOW_SETUP_US;
}

static bool says_media(const struct facts *f, char *text, size_t cap)
{
    const char *a = f->call->side[CALLER].media, *b = f->call->side[CALLEE].media;
    snprintf(text, cap, "%s was offered, %s answered", a, b);
    return a[0] && b[0] && strcmp(a, b) != 0;
}

static bool says_left_later(const struct facts *f, char *text, size_t cap)
{
    if (f->gone < 0 || !is_answered(f) || is_mid_ice(f)) {
        return false;
    }
    snprintf(text, cap, "%s %s after %s; the media may well be alive", name_of(f, f->gone),
             loss_of(f), since_offer(f, f->call->ended_us).text);
    return true;
}

static bool says_partial(const struct facts *f, char *text, size_t cap)
{
    snprintf(text, cap, "the beginning of the session was not seen");
    return f->call->opened_us < 0;
}

static bool says_gap(const struct facts *f, char *text, size_t cap)
{
    snprintf(text, cap, "%lld events are missing: what is said here may be wrong",
             (long long)f->missed);
    return f->missed > 0;
}

static bool says_restart(const struct facts *f, char *text, size_t cap)
{
    snprintf(text, cap, "the server was restarted");
    return f->restarted;
}

const struct finding findings[] = {
    {"late_answer", WEIGHT_FAILED, says_late_answer,
     "the callee takes longer than the caller or the server waits",
     "answer sooner, or have callers and sigd --offer-timeout wait longer"},
    {"rejected", WEIGHT_FAILED, says_rejected, "a decision of the callee's program or user", NULL},
    {"cancelled", WEIGHT_FAILED, says_cancelled,
     "the callee is too slow or does not handle offers, or the caller changed its mind",
     "look at the callee: sigctl listen in its place shows what it is sent"},
    {"callee_lost", WEIGHT_FAILED, says_callee_lost,
     "its network or program; the offer may have been what ended it",
     "see why its connection ended: sigmon event=disconnect"},
    {"caller_lost", WEIGHT_FAILED, says_caller_lost, "its network or program",
     "see why its connection ended: sigmon event=disconnect"},
    {"no_answer", WEIGHT_FAILED, says_no_answer,
     "the callee's program is connected, but does not handle offers or hangs",
     "sigctl listen in its place shows what it is sent"},
    {"ended_early", WEIGHT_FAILED, says_ended, NULL, NULL},
    {"lost_mid_ice", WEIGHT_FAILED, says_lost_mid_ice,
     "its network changed or its program ended before the peers were connected",
     "let it connect again and make a new offer"},
    {"no_connection", WEIGHT_FAILED, says_no_connection, NULL, NULL},
    {"waiting", WEIGHT_DOUBT, says_waiting, NULL, NULL},
    {"no_relay", WEIGHT_DOUBT, says_no_relay,
     "behind symmetric NATs, or where UDP is blocked, such peers never connect",
     "give both a TURN server (RFC 8656) among their iceServers"},
    {"only_mdns", WEIGHT_DOUBT, says_mdns, "they can be resolved in its own network alone",
     "give it STUN and TURN servers, or permission to show its addresses"},
    {"only_tcp", WEIGHT_DOUBT, says_tcp, "UDP is blocked, or switched off", NULL},
    {"no_candidates", WEIGHT_DOUBT, says_no_candidates,
     "it gathers none, or does not trickle them (RFC 8838)", NULL},
    {"rate_limited", WEIGHT_DOUBT, says_limited, "more messages than sigd lets one client send",
     "sigd --message-rate, or --role-limit for this role"},
    {"not_delivered", WEIGHT_DOUBT, says_refused, NULL, NULL},
    {"gap", WEIGHT_DOUBT, says_gap, NULL, "a larger sigd --event-ring keeps more"},
    {"restart", WEIGHT_DOUBT, says_restart, NULL, NULL},
    {"slow_setup", WEIGHT_NOTE, says_slow, NULL, NULL},
    {"no_end", WEIGHT_NOTE, says_no_end, NULL, NULL},
    {"media_differ", WEIGHT_NOTE, says_media, NULL, NULL},
    {"left_later", WEIGHT_NOTE, says_left_later, NULL, NULL},
    {"partial", WEIGHT_NOTE, says_partial, NULL, NULL},
    {0}};
