/* SPDX-License-Identifier: MIT
 * Steps out of events. */
#include "cli/sigmon/script_in.h"
#include "libproto/id.h"
#include "libproto/units.h"

#define SIZE_MOST (2 * 1024 * 1024) /* of a message: more than any sigd takes */
#define HIDDEN    "hidden from the sender"

/* ---------------------------------------------------------------- lives */

static struct step *life_new(struct script *s, struct script_peer *p, enum step_kind kind)
{
    struct step *step = script_step(s, kind, p->index);
    if (step) {
        step->life.role = "";
        step->life.sends = p->sends;
        p->lives++;
    }
    return step;
}

static void leave(struct script *s, struct script_peer *p, unsigned code)
{
    struct step *step = life_new(s, p, STEP_LEAVE);
    if (step) {
        step->life.code = code;
    }
    p->present = p->replaced = false;
    s->present--;
}

static struct step *join(struct script *s, struct script_peer *p, int64_t conn)
{
    struct step *step;
    if (p->present && !p->replaced) {
        leave(s, p, 1000); /* unseen */
    }
    step = life_new(s, p, STEP_JOIN);
    if (step && p->present) {
        step->life.takes_over = step->life.resumes = true;
        p->takeover = s->n - 1;
    } else if (!p->present) {
        s->joins += p->lives == 1;
        s->present++;
        s->most = s->present > s->most ? s->present : s->most;
    }
    p->present = true;
    p->replaced = false;
    p->conn = conn;
    return step;
}

/* A peer that does something is there, although its registration was not seen. */
static void be_present(struct script *s, struct script_peer *p)
{
    if (!p->present) {
        join(s, p, -1);
    }
}

static void on_register(struct script *s, const struct sp_event *ev)
{
    struct script_peer *p = script_peer_of(s, ev->s[SP_ES_id]);
    struct step *step = p ? join(s, p, ev->n[SP_EN_conn]) : NULL;
    if (step && ev->s[SP_ES_role].n <= SP_ROLE_MAX && sp_id_ok(ev->s[SP_ES_role])) {
        step->life.role = script_keep(s, ev->s[SP_ES_role]).p;
    }
}

static void on_replace(struct script *s, const struct sp_event *ev)
{
    struct script_peer *p = script_peer_of(s, ev->s[SP_ES_id]);
    if (p) {
        be_present(s, p);
        p->replaced = true;
    }
}

/* What a client may close with (RFC 6455 7.4.2); what the server closed with is its business. */
static unsigned close_code(struct sp_str reason)
{
    int64_t code;
    struct sp_str text = reason, word = sp_cut(&text, " ");
    bool own = sp_parse_count(word, &code) && sp_str_eq(text, SP_STR(" closed by peer"));
    return own && (code == 1001 || (code >= 3000 && code <= 4999)) ? (unsigned)code : 1000;
}

static void on_disconnect(struct script *s, const struct sp_event *ev)
{
    struct script_peer *p = sp_map_get(&s->by_id, ev->s[SP_ES_id]);
    /* an older connection may end after it was replaced */
    bool current = p && (p->conn < 0 || ev->n[SP_EN_conn] < 0 || p->conn == ev->n[SP_EN_conn]);
    if (current && p->present) {
        leave(s, p, close_code(ev->s[SP_ES_reason]));
    }
}

/* ---------------------------------------------------------------- messages */

static bool is_message(const struct sp_event *ev)
{
    bool type = ev->kind == SP_T_OFFER || ev->kind == SP_T_ANSWER || ev->kind == SP_T_ICE ||
                ev->kind == SP_T_BYE;
    return type && sp_id_ok(ev->s[SP_ES_from]) && sp_id_ok(ev->s[SP_ES_to]) &&
           (ev->s[SP_ES_session].n == 0 || sp_id_ok(ev->s[SP_ES_session])) &&
           ev->n[SP_EN_size] <= SIZE_MOST;
}

static void note_largest(struct script *s, size_t n)
{
    s->largest = n > s->largest ? n : s->largest;
}

/* from and to are there as far as they have to be. */
static struct step *send_new(struct script *s, const struct sp_event *ev, struct script_peer *from,
                             struct script_peer *to, const struct script_pair *pair)
{
    struct step *step = script_step(s, STEP_SEND, from->index);
    if (!step) {
        return NULL;
    }
    step->send.to = to->index;
    step->send.pair = pair->index;
    step->send.from_lives = from->lives;
    step->send.to_lives = to->lives;
    step->send.type = ev->kind;
    step->send.size = ev->n[SP_EN_size];
    step->send.session = script_keep(s, ev->s[SP_ES_session]);
    step->send.summary = script_keep(s, ev->s[SP_ES_summary]);
    step->send.reason = SP_STR("");
    step->send.content = SP_STR("");
    from->sends++;
    to->sends += to != from;
    s->messages++;
    note_largest(s, ev->n[SP_EN_size] > 0 ? (size_t)ev->n[SP_EN_size] : 0);
    return step;
}

/* False: the message is of a session that the server will not know. */
static bool find_session(struct script *s, const struct sp_event *ev, struct script_pair *pair,
                         bool *may_omit)
{
    struct sp_str id = ev->s[SP_ES_session];
    struct script_session *one = id.n ? script_session_find(s, pair, id) : NULL;
    *may_omit = one && one == pair->newest;
    if (id.n && !one && ev->kind == SP_T_OFFER) {
        script_session_open(s, pair, id);
    }
    return id.n == 0 || one || ev->kind == SP_T_OFFER;
}

static void on_relay(struct script *s, const struct sp_event *ev, struct sp_str content)
{
    struct script_peer *from = script_peer_of(s, ev->s[SP_ES_from]),
                       *to = script_peer_of(s, ev->s[SP_ES_to]);
    struct script_pair *pair = from && to ? script_pair_of(s, from, to) : NULL;
    bool may_omit;
    if (!pair) {
        return;
    }
    if (!find_session(s, ev, pair, &may_omit)) {
        s->before++;
        return;
    }
    be_present(s, from);
    be_present(s, to);
    struct step *step = send_new(s, ev, from, to, pair);
    if (!step) {
        return;
    }
    step->send.may_omit = may_omit;
    step->send.content = script_keep(s, content);
    note_largest(s, content.n);
    if (ev->kind == SP_T_BYE) {
        s->last_bye = s->n - 1;
        script_session_close(s, script_session_find(s, pair, ev->s[SP_ES_session]));
    }
}

/* These are told of a target that is there. */
static bool tells_of_target(struct sp_str code)
{
    static const enum sp_err codes[] = {SP_SESSION_NOT_FOUND, SP_SESSION_LIMIT,
                                        SP_TARGET_OVERLOADED};
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        if (sp_str_eq(code, sp_str(sp_err_wire(codes[i])))) {
            return true;
        }
    }
    return false;
}

static void on_error(struct script *s, const struct sp_event *ev)
{
    struct script_peer *from = script_peer_of(s, ev->s[SP_ES_from]),
                       *to = script_peer_of(s, ev->s[SP_ES_to]);
    struct script_pair *pair = from && to ? script_pair_of(s, from, to) : NULL;
    if (!pair) {
        return;
    }
    be_present(s, from);
    if (tells_of_target(ev->s[SP_ES_code])) {
        be_present(s, to);
    }
    struct step *step = send_new(s, ev, from, to, pair);
    if (step) {
        step->send.code = script_keep(s, ev->s[SP_ES_code]).p;
        step->send.hidden = sp_str_eq(ev->s[SP_ES_reason], SP_STR(HIDDEN));
        s->errors++;
    }
}

/* The end of a session follows what ended it in the same moment. */
static void on_end(struct script *s, const struct sp_event *ev)
{
    struct script_peer *from = script_peer_of(s, ev->s[SP_ES_from]),
                       *to = script_peer_of(s, ev->s[SP_ES_to]);
    struct script_pair *pair = from && to ? script_pair_of(s, from, to) : NULL;
    struct sp_str reason = ev->s[SP_ES_reason];
    if (!pair) {
        return;
    }
    script_session_close(s, script_session_find(s, pair, ev->s[SP_ES_session]));
    struct step *bye = s->last_bye != SIZE_MAX ? &s->steps[s->last_bye] : NULL;
    if (bye && bye->send.pair == pair->index &&
        sp_str_eq(bye->send.session, ev->s[SP_ES_session]) &&
        !sp_str_eq(reason, sp_str(sp_bye_wire(SP_BYE_HANGUP)))) {
        bye->send.reason = script_keep(s, reason);
    }
    struct script_peer *const both[] = {from, to};
    for (size_t i = 0; sp_str_eq(reason, sp_str(sp_bye_wire(SP_BYE_REPLACED))) && i < 2; i++) {
        struct step *taken = both[i]->takeover != SIZE_MAX ? &s->steps[both[i]->takeover] : NULL;
        if (taken && taken->due_us == s->timeline.last - s->first_us) {
            taken->life.resumes = false;
        }
    }
}

/* ---------------------------------------------------------------- events */

static void read_message(struct script *s, const struct sp_event *ev, struct sp_str content)
{
    if (!is_message(ev)) {
        s->skipped++;
    } else if (ev->event == SP_EV_RELAY) {
        on_relay(s, ev, content);
    } else {
        on_error(s, ev);
    }
}

static void read_life(struct script *s, const struct sp_event *ev)
{
    if (!sp_id_ok(ev->s[SP_ES_id])) {
        return;
    }
    if (ev->event == SP_EV_REGISTER) {
        on_register(s, ev);
    } else if (ev->event == SP_EV_REPLACE) {
        on_replace(s, ev);
    } else if (ev->event == SP_EV_DISCONNECT) {
        on_disconnect(s, ev);
    }
}

void script_event(struct script *s, const struct sp_event *ev, struct sp_str content)
{
    int64_t us = timeline_us(&s->timeline, ev);
    bool ids = sp_id_ok(ev->s[SP_ES_from]) && sp_id_ok(ev->s[SP_ES_to]);
    s->first_us = s->any ? s->first_us : us;
    s->any = true;
    if (ev->event == SP_EV_RELAY || ev->event == SP_EV_DELIVER_ERROR) {
        s->last_bye = SIZE_MAX;
        read_message(s, ev, content);
    } else if (ev->event == SP_EV_SESSION_END && ids && sp_id_ok(ev->s[SP_ES_session])) {
        on_end(s, ev);
    } else if (ev->event == SP_EV_RATE_LIMIT || ev->event == SP_EV_PROTOCOL_ERROR) {
        s->skipped++;
    } else {
        read_life(s, ev);
    }
}

void script_gap(struct script *s, int64_t missed)
{
    if (__builtin_add_overflow(s->missed, missed, &s->missed)) {
        s->missed = INT64_MAX;
    }
}

void script_restart(struct script *s)
{
    for (uint32_t i = 0; i < s->npeers; i++) {
        if (s->peers[i]->present) {
            leave(s, s->peers[i], 1001);
        }
    }
    for (size_t i = 0; i <= s->by_pair.mask; i++) {
        struct script_pair *pair = s->by_pair.slots[i].value;
        while (pair && pair->newest) {
            script_session_close(s, pair->newest);
        }
    }
    timeline_restart(&s->timeline);
}
