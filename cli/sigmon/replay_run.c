/* SPDX-License-Identifier: MIT
 * Steps are carried out when their time has come and what was recorded before them, of the same
 * peers and of the same pair, is through. What may have become possible is woken and looked at in
 * turn, so that no chain of steps gets deep. */
#include "cli/common/out.h"
#include "cli/sigmon/compose.h"
#include "cli/sigmon/replay.h"
#include "libproto/msg.h"

#include <stdarg.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <unistd.h>

#define DELIVERED "delivered"

/* ---------------------------------------------------------------- life */

static struct sp_str id_of(const void *peer)
{
    return sp_str(((const struct replay_peer *)peer)->id);
}

/* The pairs of each peer, one behind the other. */
static bool list_pairs(struct replay *r)
{
    const struct sp_map *m = &r->script->by_pair;
    uint32_t at = 0;
    for (size_t i = 0; i <= m->mask; i++) {
        const struct script_pair *p = m->slots[i].value;
        for (unsigned side = 0; p && side < 2; side++) {
            r->peers[p->key[side]].npairs++;
        }
    }
    r->pairs_of = calloc(2 * (size_t)r->script->npairs + 1, sizeof(*r->pairs_of));
    if (!r->pairs_of) {
        return false;
    }
    for (uint32_t i = 0; i < r->script->npeers; i++) {
        r->peers[i].pairs = r->pairs_of + at;
        at += r->peers[i].npairs;
        r->peers[i].npairs = 0;
    }
    for (size_t i = 0; i <= m->mask; i++) {
        const struct script_pair *p = m->slots[i].value;
        for (unsigned side = 0; p && side < 2; side++) {
            struct replay_peer *peer = &r->peers[p->key[side]];
            peer->pairs[peer->npairs++] = p->index;
        }
    }
    return true;
}

bool replay_init(struct replay *r, const struct script *s, char (*names)[SP_ID_MAX + 1])
{
    uint8_t secret[16];
    r->script = s;
    r->waiting_end = &r->waiting;
    r->ep = epoll_create1(EPOLL_CLOEXEC);
    r->peers = calloc((size_t)s->npeers + 1, sizeof(*r->peers));
    r->pairs = calloc((size_t)s->npairs + 1, sizeof(*r->pairs));
    r->text_cap = s->largest + COMPOSE_ROOM;
    r->text = malloc(r->text_cap);
    bool ok = r->ep >= 0 && r->peers && r->pairs && r->text &&
              getrandom(secret, sizeof(secret), 0) == (ssize_t)sizeof(secret) &&
              sp_map_init(&r->by_id, id_of, secret) && words_init(&r->differences, secret);
    for (uint32_t i = 0; ok && i < s->npeers; i++) {
        memcpy(r->peers[i].id, names[i], sizeof(names[i]));
        ok = sp_map_put(&r->by_id, &r->peers[i]);
    }
    return ok && list_pairs(r);
}

void replay_fini(struct replay *r)
{
    if (r->ep >= 0) {
        close(r->ep);
    }
    free(r->peers);
    free(r->pairs);
    free(r->pairs_of);
    free(r->text);
    sp_map_fini(&r->by_id);
    words_fini(&r->differences);
    spread_fini(&r->lag);
    spread_fini(&r->round_trip);
}

/* ---------------------------------------------------------------- waking */

void replay_wake(struct replay *r, struct replay_peer *p)
{
    if (!p->woken) {
        p->woken = true;
        p->next_woken = r->woken_peers;
        r->woken_peers = p;
    }
}

static void wake_pair(struct replay *r, struct replay_pair *p)
{
    if (!p->woken) {
        p->woken = true;
        p->next_woken = r->woken_pairs;
        r->woken_pairs = p;
    }
}

static void put(struct replay_queue *q, struct step *step)
{
    step->next = NULL;
    *(q->head ? &q->tail->next : &q->head) = step;
    q->tail = step;
}

static struct step *take(struct replay_queue *q)
{
    struct step *step = q->head;
    q->head = step->next;
    return step;
}

void replay_life_done(struct replay *r, struct replay_peer *p)
{
    p->life = NULL;
    p->lives++;
    r->done++;
    replay_wake(r, p);
    for (uint32_t i = 0; i < p->npairs; i++) {
        wake_pair(r, &r->pairs[p->pairs[i]]);
    }
}

static void look_at_peer(struct replay *r, struct replay_peer *p)
{
    if (p->life || !p->due.head || p->due.head->life.sends != p->sends) {
        return;
    }
    if (p->due.head->kind == STEP_JOIN) {
        replay_join(r, p);
    } else {
        p->life = take(&p->due);
        replay_leave(r, p);
    }
}

/* ---------------------------------------------------------------- how it went */

void replay_differs(struct replay *r, const char *recorded, const char *got, const char *fmt, ...)
{
    char pair[2 * SP_WORD_MAX + 64], text[sizeof(r->first)];
    va_list ap;
    snprintf(pair, sizeof(pair), "%s %s", recorded, got);
    r->full = !words_add(&r->differences, sp_str(pair)) || r->full;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (r->first[0] == '\0') {
        memcpy(r->first, text, sizeof(text));
    }
    if (r->opts->verbose) {
        out_note("%s", text);
    }
}

static bool is_as_recorded(const struct step *step, const char *got)
{
    const char *recorded = step->send.code ? step->send.code : DELIVERED;
    return strcmp(got, recorded) == 0 ||
           (step->send.hidden && strcmp(got, sp_err_wire(SP_TARGET_NOT_FOUND)) == 0);
}

/* A message is through; got is "delivered", the code of an error, or a word of ours. */
static void settle(struct replay *r, const struct step *step, const char *got)
{
    struct replay_peer *from = &r->peers[step->peer], *to = &r->peers[step->send.to];
    const char *recorded = step->send.code ? step->send.code : DELIVERED;
    bool same = is_as_recorded(step, got);
    r->done++;
    r->counts.as_recorded += same;
    r->counts.differently += !same;
    r->counts.failed += same && step->send.code;
    if (!same) {
        replay_differs(r, recorded, got, "%s from %s to %s: %s, recorded: %s",
                       sp_type_wire(step->send.type), from->id, to->id, got, recorded);
    }
    from->sends++;
    to->sends += to != from;
    replay_wake(r, from);
    replay_wake(r, to);
    wake_pair(r, &r->pairs[step->send.pair]);
}

/* ---------------------------------------------------------------- sending */

static void fly(struct replay *r, struct replay_pair *p, struct step *step)
{
    p->flying = step;
    p->acked = p->delivered = p->elsewhere = false;
    p->newer = NULL;
    p->older = r->fly_newest;
    *(r->fly_newest ? &r->fly_newest->newer : &r->fly_oldest) = p;
    r->fly_newest = p;
}

static void land(struct replay *r, struct replay_pair *p, const char *got)
{
    const struct step *step = p->flying;
    *(p->older ? &p->older->newer : &r->fly_oldest) = p->newer;
    *(p->newer ? &p->newer->older : &r->fly_newest) = p->older;
    p->flying = NULL;
    settle(r, step, got);
}

static struct composed write_message(struct replay *r, struct sp_buf *b, const struct step *step)
{
    struct compose m = {.type = step->send.type,
                        .target = sp_str(r->peers[step->send.to].id),
                        .session = step->send.session,
                        .may_omit = step->send.may_omit,
                        .rid = step->send.pair,
                        .size = step->send.size,
                        .summary = step->send.summary,
                        .reason = step->send.reason,
                        .content = step->send.content};
    sp_buf_init(b, r->text, r->text_cap);
    return compose_put(b, &m);
}

static void send_step(struct replay *r, struct replay_pair *p, struct step *step)
{
    struct replay_peer *from = &r->peers[step->peer];
    int64_t now = link_mono_us();
    if (!from->conn) {
        settle(r, step, "not_connected");
        return;
    }
    struct sp_buf b;
    struct composed done = write_message(r, &b, step);
    p->has_rid = done.has_rid;
    p->sent_us = now;
    if (r->speed > 0) {
        int64_t due = r->start_us + (int64_t)((double)step->due_us / r->speed);
        r->full = !spread_add(&r->lag, now > due ? now - due : 0) || r->full;
    }
    r->counts.sent++;
    r->counts.resized += !done.fits;
    fly(r, p, step);
    if (b.full || !wsconn_send(from->conn->ws, sp_buf_view(&b))) {
        land(r, p, "not_sent");
    }
}

static void look_at_pair(struct replay *r, struct replay_pair *p)
{
    const struct step *step = p->due.head;
    if (p->flying || !step || r->peers[step->peer].lives != step->send.from_lives ||
        r->peers[step->send.to].lives != step->send.to_lives) {
        return;
    }
    send_step(r, p, take(&p->due));
}

static void look(struct replay *r)
{
    while (r->woken_peers || r->woken_pairs) {
        struct replay_peer *peer = r->woken_peers;
        struct replay_pair *pair = r->woken_pairs;
        if (peer) {
            r->woken_peers = peer->next_woken;
            peer->woken = false;
            look_at_peer(r, peer);
        } else {
            r->woken_pairs = pair->next_woken;
            pair->woken = false;
            look_at_pair(r, pair);
        }
    }
}

/* ---------------------------------------------------------------- what comes */

static void check(struct replay *r, struct replay_pair *p)
{
    if (!p->delivered || (p->has_rid && !p->acked)) {
        return;
    }
    r->counts.delivered++;
    r->full = !spread_add(&r->round_trip, link_mono_us() - p->sent_us) || r->full;
    land(r, p, p->elsewhere ? "other_session" : DELIVERED);
}

/* The pair whose message, sent by c, an answer with that rid is about. */
static struct replay_pair *pair_of_rid(struct replay *r, const struct replay_conn *c,
                                       const struct link_msg *m)
{
    int64_t rid;
    if (sp_doc_int(&m->doc, SP_STR("rid"), &rid) != SP_OK || rid < 0 || rid >= r->script->npairs) {
        return NULL;
    }
    struct replay_pair *p = &r->pairs[rid];
    return p->flying && p->flying->peer == c->peer ? p : NULL;
}

static struct replay_pair *pair_with(struct replay *r, const struct replay_conn *c,
                                     struct sp_str other)
{
    const struct replay_peer *peer = other.n ? sp_map_get(&r->by_id, other) : NULL;
    if (!peer) {
        return NULL;
    }
    uint32_t a = c->peer, b = (uint32_t)(peer - r->peers), key[2] = {a < b ? a : b, a < b ? b : a};
    const struct script_pair *pair =
        sp_map_get(&r->script->by_pair, (struct sp_str){(const char *)key, sizeof(key)});
    return pair ? &r->pairs[pair->index] : NULL;
}

/* Where the target is none of ours, one that somebody else made has got it. */
static void on_ack(struct replay *r, const struct replay_conn *c, const struct link_msg *m)
{
    struct replay_pair *p = pair_of_rid(r, c, m);
    if (p && !r->peers[p->flying->send.to].conn) {
        land(r, p, "other_peer");
    } else if (p) {
        p->acked = true;
        check(r, p);
    }
}

static bool may_be_meant(const struct replay_pair *p, const struct replay_conn *c)
{
    return p && p->flying && p->flying->peer == c->peer && !p->has_rid;
}

/* An answer to a message without rid says the target; that to one over a rate says neither, and
 * meets the oldest. */
static struct replay_pair *pair_meant(struct replay *r, const struct replay_conn *c,
                                      const struct link_msg *m)
{
    char target[SP_ID_MAX + 1];
    struct replay_pair *p = pair_of_rid(r, c, m);
    if (p) {
        return p;
    }
    p = pair_with(r, c, link_text(m, "target", target, sizeof(target)));
    if (may_be_meant(p, c)) {
        return p;
    }
    for (p = r->fly_oldest; p && !may_be_meant(p, c); p = p->newer) {
    }
    return p;
}

static void on_error(struct replay *r, const struct replay_conn *c, const struct link_msg *m)
{
    char code[64], word[SP_WORD_MAX + 1];
    struct sp_str text = link_text(m, "code", code, sizeof(code));
    struct replay_pair *p = pair_meant(r, c, m);
    if (p) {
        snprintf(word, sizeof(word), "%.*s", (int)text.n, text.n ? text.p : "");
        land(r, p, word[0] ? word : "error");
    }
}

static void on_relayed(struct replay *r, const struct replay_conn *c, const struct link_msg *m)
{
    char from[SP_ID_MAX + 1], session[SP_ID_MAX + 1];
    struct sp_str who = link_text(m, "from", from, sizeof(from));
    struct sp_str id = link_text(m, "sessionId", session, sizeof(session));
    struct replay_pair *p = pair_with(r, c, who);
    const struct step *step = p ? p->flying : NULL;
    if (!step || step->send.type != m->type || step->send.to != c->peer ||
        !sp_str_eq(who, sp_str(r->peers[step->peer].id))) {
        return;
    }
    bool elsewhere = !sp_str_eq(id, step->send.session);
    if (elsewhere && m->type == SP_T_BYE) {
        return; /* the server's own */
    }
    p->delivered = true;
    p->elsewhere = elsewhere;
    check(r, p);
}

void replay_message(struct replay *r, struct replay_conn *c, const struct link_msg *m)
{
    if (m->type == SP_T_ACK) {
        on_ack(r, c, m);
    } else if (m->type == SP_T_ERROR) {
        on_error(r, c, m);
    } else if (m->type == SP_T_OFFER || m->type == SP_T_ANSWER || m->type == SP_T_ICE ||
               m->type == SP_T_BYE) {
        on_relayed(r, c, m);
    }
}

void replay_lost(struct replay *r, const struct replay_peer *peer)
{
    struct replay_pair *next;
    for (struct replay_pair *p = r->fly_oldest; p; p = next) {
        next = p->newer;
        if (&r->peers[p->flying->peer] == peer || &r->peers[p->flying->send.to] == peer) {
            land(r, p, "lost");
        }
    }
}

/* ---------------------------------------------------------------- the schedule */

static int64_t due_of(const struct replay *r, size_t i)
{
    double us = r->speed > 0 ? (double)r->script->steps[i].due_us / r->speed : 0;
    return us < 9e18 ? r->start_us + (int64_t)us : INT64_MAX;
}

static void begin_due(struct replay *r, int64_t now)
{
    for (; r->next < r->script->n && due_of(r, r->next) <= now; r->next++) {
        struct step *step = &r->script->steps[r->next];
        if (step->kind == STEP_SEND) {
            put(&r->pairs[step->send.pair].due, step);
            wake_pair(r, &r->pairs[step->send.pair]);
        } else {
            put(&r->peers[step->peer].due, step);
            replay_wake(r, &r->peers[step->peer]);
        }
    }
}

void replay_silence(struct replay *r, int64_t now)
{
    if (r->heard_us + REPLAY_PATIENCE_US <= now && !r->gone) {
        r->gone = EXIT_TIMEOUT;
        snprintf(r->why_gone, sizeof(r->why_gone), "the server does not answer any more");
    }
}

static int64_t expire_messages(struct replay *r, int64_t now)
{
    while (r->fly_oldest && r->fly_oldest->sent_us + REPLAY_PATIENCE_US <= now) {
        land(r, r->fly_oldest, "no_answer");
        replay_silence(r, now);
    }
    return r->fly_oldest ? r->fly_oldest->sent_us + REPLAY_PATIENCE_US : INT64_MAX;
}

bool replay_is_over(const struct replay *r)
{
    return r->done == r->script->n || r->gone || r->full;
}

static bool has_news(void *ctx)
{
    const struct replay *r = ctx;
    return r->news;
}

static void on_ready(void *ctx)
{
    struct replay *r = ctx;
    replay_serve(r);
    r->news = true;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int turn(struct replay *r, int64_t until)
{
    int64_t now = link_mono_us();
    begin_due(r, now);
    int64_t next = earlier(expire_messages(r, now), replay_expire(r, now));
    look(r);
    replay_bury(r);
    if (replay_is_over(r)) {
        return 0;
    }
    next = earlier(next, until);
    next = r->next < r->script->n ? earlier(next, due_of(r, r->next)) : next;
    /* the signals have their turn, however much is due */
    r->news = false;
    int status = link_rest(r->link, next > now ? next : now + 1, has_news, r);
    return status ? status : !replay_is_over(r) && link_mono_us() >= until ? EXIT_TIMEOUT : 0;
}

int replay_all(struct replay *r, int64_t until)
{
    int status = 0;
    r->start_us = r->heard_us = link_mono_us();
    link_on_input(r->link, r->ep, on_ready, r);
    link_needs_reader(r->link, true);
    while (status == 0 && !replay_is_over(r)) {
        status = turn(r, until);
    }
    link_needs_reader(r->link, false);
    r->took_us = link_mono_us() - r->start_us;
    return status;
}
