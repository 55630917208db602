/* SPDX-License-Identifier: MIT
 * The connections of a replay: a few handshakes at a time, a connection for each life of a peer. */
#include "cli/common/out.h"
#include "cli/sigmon/replay.h"
/* The token and the TLS of the run are read once, by the link that serves it. */
#include "cli/common/link_in.h"
#include "cli/common/mask.h"
#include "libproto/msg.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>

#define EVENTS     256
#define WINDOW     64 /* handshakes at a time */
#define GOODBYE_US 1000000
#define RENEW_US   30000000 /* a token that ends within that time is read again */

static struct replay_peer *peer_of(const struct replay_conn *c)
{
    return &c->r->peers[c->peer];
}

static void unlink_conn(struct replay *r, struct replay_conn *c)
{
    struct replay_conns *list = &r->conns[c->state];
    *(c->older ? &c->older->newer : &list->oldest) = c->newer;
    *(c->newer ? &c->newer->older : &list->newest) = c->older;
    list->n--;
}

static void link_conn(struct replay *r, struct replay_conn *c, enum replay_state state)
{
    struct replay_conns *list = &r->conns[state];
    c->state = state;
    c->since_us = link_mono_us();
    c->newer = NULL;
    c->older = list->newest;
    *(list->newest ? &list->newest->newer : &list->oldest) = c;
    list->newest = c;
    list->n++;
}

static void set_state(struct replay_conn *c, enum replay_state state)
{
    unlink_conn(c->r, c);
    link_conn(c->r, c, state);
}

/* Another handshake may begin. */
static void next_in_line(struct replay *r)
{
    struct replay_peer *p = r->waiting;
    if (p && r->conns[REPLAY_OPENING].n < WINDOW) {
        r->waiting = p->next_waiting;
        r->waiting_end = r->waiting ? r->waiting_end : &r->waiting;
        p->waits = false;
        replay_wake(r, p);
    }
}

/* ---------------------------------------------------------------- ends */

static void not_registered(struct replay_conn *c, int status, const char *code, const char *text)
{
    struct replay *r = c->r;
    struct replay_peer *p = peer_of(c);
    r->counts.not_registered++;
    r->first_status = r->first_status ? r->first_status : status;
    replay_differs(r, "registered", code, "%s could not register: %s", p->id, text);
    if (status == EXIT_CONNECT && r->conns[REPLAY_READY].n == 0) {
        r->gone = r->counts.registered ? EXIT_LOST : EXIT_CONNECT;
        snprintf(r->why_gone, sizeof(r->why_gone), "%s", text);
    }
    replay_life_done(r, p);
}

static void lost(struct replay_conn *c, const struct wsconn_closed *why, const char *text)
{
    struct replay *r = c->r;
    struct replay_peer *p = peer_of(c);
    p->conn = NULL;
    if (r->ending) {
        return;
    }
    r->counts.lost++;
    replay_differs(r, "connected", "lost", "%s lost its connection: %s", p->id, text);
    replay_lost(r, p);
    if (r->conns[REPLAY_READY].n == 0 &&
        (why->end == WSCONN_END_LOST || why->code == SP_CLOSE_GOING_AWAY)) {
        r->gone = EXIT_LOST;
        snprintf(r->why_gone, sizeof(r->why_gone), "%s", text);
    }
}

static void end(struct replay_conn *c, const struct wsconn_closed *why, int status,
                const char *text)
{
    enum replay_state state = c->state;
    struct replay *r = c->r;
    struct replay_peer *p = peer_of(c);
    set_state(c, REPLAY_DEAD);
    if (state == REPLAY_OPENING && !r->ending) {
        not_registered(c, status, "refused", text);
        next_in_line(r);
    } else if (state == REPLAY_READY && p->conn == c) {
        lost(c, why, text);
    } else if (state == REPLAY_CLOSING && !r->ending) {
        replay_life_done(r, p);
    }
}

static void on_closed(void *ctx, struct wsconn *ws, const struct wsconn_closed *why)
{
    struct replay_conn *c = ctx;
    struct link *link = c->r->link;
    (void)ws;
    /* the link has the words for it */
    link->closed = *why;
    int status = link_explain_closed(link);
    end(c, why, status, link_why(link)->text);
}

/* ---------------------------------------------------------------- registering */

static void on_open(void *ctx, struct wsconn *ws)
{
    struct replay_conn *c = ctx;
    struct replay *r = c->r;
    const struct replay_peer *p = peer_of(c);
    struct sp_str none = {NULL, 0}, role = sp_str(p->life->life.role);
    struct sp_buf b;
    sp_buf_init(&b, r->text, r->text_cap);
    sp_put_register(&b, sp_str(p->id), r->has_token ? none : role, none, none,
                    p->life->life.resumes ? sp_str(p->resume) : none, none);
    wsconn_send(ws, sp_buf_view(&b));
}

static void registered(struct replay_conn *c, const struct link_msg *m)
{
    struct replay *r = c->r;
    struct replay_peer *p = peer_of(c);
    char resume[sizeof(p->resume)];
    struct sp_str word = link_text(m, "resume", resume, sizeof(resume) - 1);
    snprintf(p->resume, sizeof(p->resume), "%.*s", (int)word.n, word.n ? word.p : "");
    set_state(c, REPLAY_READY);
    p->conn = c; /* one that it had is the server's to close */
    r->counts.registered++;
    replay_life_done(r, p);
    next_in_line(r);
}

static void refused(struct replay_conn *c, const struct link_msg *m)
{
    struct replay *r = c->r;
    char code[64], text[256], word[SP_WORD_MAX + 1];
    struct sp_str s = link_text(m, "code", code, sizeof(code));
    struct sp_str details = link_text(m, "details", text, sizeof(text));
    snprintf(word, sizeof(word), "%.*s", (int)s.n, s.n ? s.p : "");
    link_set_why(r->link, (int)exit_of_error(sp_err_find(s)), "%.*s", (int)details.n,
                 details.n ? details.p : "");
    wsconn_abort(c->ws);
    set_state(c, REPLAY_DEAD);
    not_registered(c, link_why(r->link)->status, word[0] ? word : "refused",
                   link_why(r->link)->text);
    next_in_line(r);
}

static void on_message(void *ctx, struct wsconn *ws, char *p, size_t n)
{
    struct replay_conn *c = ctx;
    struct link_msg m;
    (void)ws;
    c->r->heard_us = link_mono_us();
    if (!link_scan(&m, (struct sp_str){p, n}) || c->state == REPLAY_DEAD) {
        return;
    }
    if (c->state != REPLAY_OPENING) {
        replay_message(c->r, c, &m);
    } else if (m.type == SP_T_REGISTERED) {
        registered(c, &m);
    } else if (m.type == SP_T_ERROR) {
        refused(c, &m);
    }
}

static void on_trace(void *ctx, bool sent, unsigned op, struct sp_str payload)
{
    const struct replay_conn *c = ctx;
    fprintf(stderr, "%s %s%s", peer_of(c)->id, sent ? "> " : "< ", op == 8 ? "close " : "");
    mask_frame(stderr, payload);
    fputc('\n', stderr);
}

static const struct wsconn_ops plain_ops = {on_open, on_message, on_closed, NULL};
static const struct wsconn_ops trace_ops = {on_open, on_message, on_closed, on_trace};

/* ---------------------------------------------------------------- connecting */

static bool start(struct replay_conn *c)
{
    struct replay *r = c->r;
    struct bearer *bearer = &r->link->bearer;
    char headers[BEARER_HEADER_MAX];
    struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = c};
    if (bearer->file && bearer_left_us(bearer, link_wall_us()) < RENEW_US) {
        bearer_reload(bearer);
    }
    bearer_header(bearer, headers);
    wsconn_set_tls(c->ws, r->link->tls);
    bool ok = wsconn_start(c->ws, &r->url, sp_str(headers), NULL, 0);
    explicit_bzero(headers, sizeof(headers));
    return ok && epoll_ctl(r->ep, EPOLL_CTL_ADD, wsconn_fd(c->ws), &ev) == 0;
}

void replay_join(struct replay *r, struct replay_peer *p)
{
    if (r->conns[REPLAY_OPENING].n >= WINDOW) {
        if (!p->waits) {
            p->waits = true;
            p->next_waiting = NULL;
            *r->waiting_end = p;
            r->waiting_end = &p->next_waiting;
        }
        return;
    }
    struct replay_conn *c = calloc(1, sizeof(*c));
    struct wsconn *ws = c ? wsconn_new(r->opts->trace ? &trace_ops : &plain_ops, c) : NULL;
    if (!ws) {
        free(c);
        r->full = true;
        return;
    }
    p->life = p->due.head;
    p->due.head = p->life->next;
    *c = (struct replay_conn){.r = r, .ws = ws, .peer = (uint32_t)(p - r->peers)};
    link_conn(r, c, REPLAY_OPENING);
    if (!start(c)) {
        const struct wsconn_closed why = {.end = WSCONN_END_CONNECT};
        char text[160];
        snprintf(text, sizeof(text), "cannot connect: %s", strerror(errno));
        wsconn_abort(ws);
        end(c, &why, EXIT_CONNECT, text);
    }
}

void replay_leave(struct replay *r, struct replay_peer *p)
{
    struct replay_conn *c = p->conn;
    if (!c) {
        replay_life_done(r, p);
        return;
    }
    p->conn = NULL;
    set_state(c, REPLAY_CLOSING);
    wsconn_close(c->ws, p->life->life.code, "bye");
}

static int64_t expire(struct replay *r, enum replay_state state, int64_t now)
{
    static const struct wsconn_closed why = {.end = WSCONN_END_CONNECT};
    struct replay_conn *c;
    while ((c = r->conns[state].oldest) && c->since_us + REPLAY_PATIENCE_US <= now) {
        wsconn_abort(c->ws);
        end(c, &why, EXIT_TIMEOUT, "the server does not answer");
        replay_silence(r, now);
    }
    return c ? c->since_us + REPLAY_PATIENCE_US : INT64_MAX;
}

int64_t replay_expire(struct replay *r, int64_t now)
{
    int64_t opening = expire(r, REPLAY_OPENING, now), closing = expire(r, REPLAY_CLOSING, now);
    return opening < closing ? opening : closing;
}

void replay_serve(struct replay *r)
{
    struct epoll_event ev[EVENTS];
    int n = epoll_wait(r->ep, ev, EVENTS, 0);
    for (int i = 0; i < n; i++) {
        struct replay_conn *c = ev[i].data.ptr;
        wsconn_io(c->ws, (short)(ev[i].events & (0xffu | EPOLLRDHUP)));
    }
}

static void bury(struct replay *r, enum replay_state state)
{
    struct replay_conn *c;
    while ((c = r->conns[state].oldest)) {
        unlink_conn(r, c);
        wsconn_free(c->ws);
        free(c);
    }
}

void replay_bury(struct replay *r)
{
    bury(r, REPLAY_DEAD);
}

/* ---------------------------------------------------------------- good-bye */

static bool is_quiet(void *ctx)
{
    const struct replay *r = ctx;
    return r->conns[REPLAY_CLOSING].n == 0;
}

void replay_goodbye(struct replay *r)
{
    struct replay_conn *c;
    r->ending = true;
    while ((c = r->conns[REPLAY_READY].oldest)) {
        set_state(c, REPLAY_CLOSING);
        wsconn_close(c->ws, SP_CLOSE_NORMAL, "bye");
    }
    bury(r, REPLAY_OPENING);
    link_rest(r->link, link_deadline(GOODBYE_US), is_quiet, r);
    link_on_input(r->link, -1, NULL, NULL);
    bury(r, REPLAY_CLOSING);
    bury(r, REPLAY_DEAD);
}
