/* SPDX-License-Identifier: MIT
 * Who is registered and what they send, out of events. */
#include "cli/sigmon/crowd.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

static struct sp_str key_of(const void *peer)
{
    return sp_str(((const struct peer *)peer)->id);
}

bool crowd_init(struct crowd *c)
{
    uint8_t secret[16] = {0};
    *c = (struct crowd){.server_ms = -1, .sampled_us = -1};
    if (getrandom(secret, sizeof(secret), 0) != (ssize_t)sizeof(secret) ||
        !sp_map_init(&c->peers, key_of, secret)) {
        return false;
    }
    if (!book_init(&c->book)) {
        sp_map_fini(&c->peers);
        return false;
    }
    return true;
}

/* ---------------------------------------------------------------- peers */

static void unlink_peer(struct crowd *c, struct peer *p)
{
    *(p->older ? &p->older->newer : &c->oldest) = p->newer;
    *(p->newer ? &p->newer->older : &c->newest) = p->older;
}

static void link_newest(struct crowd *c, struct peer *p)
{
    p->older = c->newest;
    p->newer = NULL;
    *(c->newest ? &c->newest->newer : &c->oldest) = p;
    c->newest = p;
}

static void forget(struct crowd *c, struct peer *p)
{
    sp_map_del(&c->peers, key_of(p));
    unlink_peer(c, p);
    free(p);
}

static void copy(char *to, size_t cap, struct sp_str s)
{
    snprintf(to, cap, "%.*s", (int)s.n, s.n ? s.p : "");
}

/* Gives the peer, made where it is new; NULL without an id, or when out of memory. */
static struct peer *touch(struct crowd *c, struct sp_str id)
{
    struct peer *p = sp_map_get(&c->peers, id);
    if (p) {
        unlink_peer(c, p);
        link_newest(c, p);
        p->doubt = false;
        return p;
    }
    if (id.n == 0 || id.n > SP_ID_MAX || memchr(id.p, '\0', id.n)) {
        return NULL;
    }
    if (c->peers.count >= CROWD_PEERS) {
        forget(c, c->oldest);
    }
    p = calloc(1, sizeof(*p));
    if (!p) {
        c->full = true;
        return NULL;
    }
    copy(p->id, sizeof(p->id), id);
    p->since_ms = p->conn = p->gone_us = -1;
    if (!sp_map_put(&c->peers, p)) {
        c->full = true;
        free(p);
        return NULL;
    }
    link_newest(c, p);
    return p;
}

void crowd_fini(struct crowd *c)
{
    while (c->oldest) {
        forget(c, c->oldest);
    }
    sp_map_fini(&c->peers);
    book_fini(&c->book);
}

void crowd_peer(struct crowd *c, struct sp_str id, struct sp_str role, int64_t since_ms)
{
    struct peer *p = touch(c, id);
    if (p) {
        p->gone_us = -1;
        copy(p->role, sizeof(p->role), role);
        p->since_ms = since_ms >= 0 ? since_ms : p->since_ms;
    }
}

/* ---------------------------------------------------------------- events */

static void on_register(struct crowd *c, const struct sp_event *ev, int64_t now_us)
{
    struct peer *p = touch(c, ev->s[SP_ES_id]);
    (void)now_us;
    if (p) {
        p->gone_us = -1;
        p->since_ms = ev->ts_ms;
        p->conn = ev->n[SP_EN_conn];
        copy(p->role, sizeof(p->role), ev->s[SP_ES_role]);
    }
}

/* The connection that lost its id to a newer one ends later than that begins. */
static void on_disconnect(struct crowd *c, const struct sp_event *ev, int64_t now_us)
{
    struct peer *p = sp_map_get(&c->peers, ev->s[SP_ES_id]);
    int64_t conn = ev->n[SP_EN_conn];
    if (p && p->gone_us < 0 && (p->conn < 0 || conn < 0 || p->conn == conn)) {
        p->gone_us = now_us;
    }
}

static void on_relay(struct crowd *c, const struct sp_event *ev, int64_t now_us)
{
    struct peer *from = touch(c, ev->s[SP_ES_from]), *to;
    uint64_t size = ev->n[SP_EN_size] > 0 ? (uint64_t)ev->n[SP_EN_size] : 0;
    (void)now_us;
    c->messages++;
    if (from) {
        from->out++;
        from->bytes += size;
    }
    to = touch(c, ev->s[SP_ES_to]);
    if (to) {
        to->in++;
        to->bytes += size;
    }
}

static void on_error(struct crowd *c, const struct sp_event *ev, int64_t now_us)
{
    struct sp_str from = ev->s[SP_ES_from];
    struct peer *p = sp_map_get(&c->peers, from.n > 0 ? from : ev->s[SP_ES_id]);
    (void)now_us;
    c->errors++;
    if (p) {
        p->errors++;
    }
}

static void (*const notes[SP_EV_COUNT])(struct crowd *c, const struct sp_event *ev,
                                        int64_t now_us) = {
    [SP_EV_REGISTER] = on_register,    [SP_EV_DISCONNECT] = on_disconnect,
    [SP_EV_RELAY] = on_relay,          [SP_EV_DELIVER_ERROR] = on_error,
    [SP_EV_PROTOCOL_ERROR] = on_error, [SP_EV_RATE_LIMIT] = on_error};

/* Lists know nothing but the wall clock: all calls are noted by that. */
static struct call *note_call(struct crowd *c, const struct sp_event *ev)
{
    struct sp_event by_wall = *ev;
    bool full = false;
    by_wall.n[SP_EN_at] = -1;
    struct call *call = book_event(&c->book, &by_wall, &full);
    c->full = c->full || full;
    if (call) {
        call->doubt = false;
    }
    if (c->book.n > CROWD_CALLS && c->book.oldest != call) {
        book_forget(&c->book, c->book.oldest);
    }
    return call;
}

void crowd_event(struct crowd *c, const struct sp_event *ev, int64_t now_us)
{
    crowd_clock(c, ev->ts_ms, now_us);
    if (notes[ev->event]) {
        notes[ev->event](c, ev, now_us);
    }
    note_call(c, ev);
}

struct call *crowd_call(struct crowd *c, struct sp_str session, struct sp_str from,
                        struct sp_str to, int64_t since_ms, bool answered)
{
    struct sp_event ev;
    sp_event_init(&ev, SP_EV_SESSION_OPEN, since_ms);
    ev.s[SP_ES_session] = session;
    ev.s[SP_ES_from] = from;
    ev.s[SP_ES_to] = to;
    struct call *call = note_call(c, &ev);
    if (answered && call && call->answered_us < 0) {
        ev.event = SP_EV_SESSION_ANSWER;
        call = note_call(c, &ev);
    }
    return call;
}

/* ---------------------------------------------------------------- gaps */

void crowd_missed(struct crowd *c, int64_t n)
{
    int64_t room = SP_INT_MAX - c->missed;
    c->missed += n < 0 ? 0 : n < room ? n : room;
    for (struct peer *p = c->oldest; p; p = p->newer) {
        p->doubt = p->gone_us < 0;
    }
    for (struct call *call = c->book.oldest; call; call = call->newer) {
        call->doubt = !book_is_over(call);
    }
}

void crowd_settle_peers(struct crowd *c, int64_t now_us)
{
    for (struct peer *p = c->oldest; p; p = p->newer) {
        p->gone_us = p->doubt ? now_us : p->gone_us;
        p->doubt = false;
    }
}

void crowd_settle_calls(struct crowd *c, int64_t now_us)
{
    struct call *next;
    (void)now_us;
    for (struct call *call = c->book.oldest; call; call = next) {
        next = call->newer;
        if (call->doubt) {
            book_forget(&c->book, call);
        }
    }
}

/* ---------------------------------------------------------------- time */

void crowd_clock(struct crowd *c, int64_t server_ms, int64_t now_us)
{
    if (server_ms >= crowd_server_ms(c, now_us)) {
        c->server_ms = server_ms;
        c->heard_us = now_us;
    }
}

int64_t crowd_server_ms(const struct crowd *c, int64_t now_us)
{
    return c->server_ms < 0 ? -1 : c->server_ms + (now_us - c->heard_us) / 1000;
}

void crowd_gone(struct crowd *c, int64_t now_us)
{
    for (struct peer *p = c->oldest; p; p = p->newer) {
        p->gone_us = p->gone_us < 0 ? now_us : p->gone_us;
        p->conn = -1;
    }
    while (c->book.oldest) {
        book_forget(&c->book, c->book.oldest);
    }
    c->server_ms = -1;
}

static double per_second(uint64_t now, uint64_t was, int64_t us)
{
    return us > 0 ? (double)(now - was) * 1e6 / (double)us : 0;
}

static void sample_peer(struct peer *p, int64_t us)
{
    p->out_s = per_second(p->out, p->was_out, us);
    p->in_s = per_second(p->in, p->was_in, us);
    p->bytes_s = per_second(p->bytes, p->was_bytes, us);
    p->was_out = p->out;
    p->was_in = p->in;
    p->was_bytes = p->bytes;
    p->waiting = p->sessions = 0;
}

static void sample_peers(struct crowd *c, int64_t now_us, int64_t us)
{
    struct peer *next;
    c->here = 0;
    for (struct peer *p = c->oldest; p; p = next) {
        next = p->newer;
        if (p->gone_us >= 0 && now_us - p->gone_us > CROWD_KEPT) {
            forget(c, p);
        } else {
            sample_peer(p, us);
            c->here += p->gone_us < 0;
        }
    }
}

static void count_call(struct crowd *c, const struct call *call)
{
    for (int i = 0; i < 2; i++) {
        struct peer *p = sp_map_get(&c->peers, sp_str(call->side[i].id));
        if (p) {
            p->sessions++;
            p->waiting += i == 0 && call->answered_us < 0 && call->side[1].answers == 0;
        }
    }
    c->open++;
}

static void sample_calls(struct crowd *c, int64_t now_us)
{
    int64_t wall_us = crowd_server_ms(c, now_us) * 1000;
    struct call *next;
    c->open = 0;
    for (struct call *call = c->book.oldest; call; call = next) {
        next = call->newer;
        if (!book_is_over(call)) {
            count_call(c, call);
        } else if (wall_us - call->ended_us > CROWD_KEPT) {
            book_forget(&c->book, call);
        }
    }
}

void crowd_sample(struct crowd *c, int64_t now_us)
{
    int64_t us = c->sampled_us < 0 ? 0 : now_us - c->sampled_us;
    c->messages_s = per_second(c->messages, c->was_messages, us);
    c->errors_s = per_second(c->errors, c->was_errors, us);
    c->was_messages = c->messages;
    c->was_errors = c->errors;
    sample_peers(c, now_us, us);
    sample_calls(c, now_us);
    c->sampled_us = now_us;
}
