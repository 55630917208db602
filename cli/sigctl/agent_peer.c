/* SPDX-License-Identifier: MIT
 * A simulated peer's connection: in its turn, registered, dropped on purpose, lost, back again. */
#include "cli/common/out.h"
#include "cli/sigctl/agent.h"
/* The token and the TLS of the run are read once, by the link that every command has. */
#include "cli/common/link_in.h"
#include "cli/common/mask.h"
#include "libproto/id.h"
#include "libproto/msg.h"
#include "libproto/wsframe.h"

#include <errno.h>
#include <stdarg.h>
#include <sys/epoll.h>

#define BACKOFF_FIRST_US 50000
#define BACKOFF_MOST_US  5000000
#define GOAWAY_MOST_MS   3600000
#define RENEW_LEAST_US   200000

static struct agent_peer *peer_of_timer(struct fault_timer *t)
{
    return (struct agent_peer *)(void *)((char *)t - offsetof(struct agent_peer, timer));
}

void agent_id(const struct agent_peer *p, char out[SP_ID_MAX + 1])
{
    fault_id_write(&p->a->id, p->number, out);
}

static void set_why(struct agent_why *why, int status, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

static void set_why(struct agent_why *why, int status, const char *code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(why->text, sizeof(why->text), fmt, ap);
    va_end(ap);
    why->status = status;
    snprintf(why->code, sizeof(why->code), "%s", code ? code : "");
}

/* ---------------------------------------------------------------- an end */

static void settle(struct agent_peer *p)
{
    if (!p->known) {
        p->known = true;
        p->a->known++;
    }
}

/* Half of the delay is fixed and half is chance, so that they do not all come back at once. */
static int64_t jittered(struct agent *a, int64_t us)
{
    return us / 2 + (int64_t)(fault_random(&a->jitter_rng) * (double)us / 2);
}

static int64_t return_of(const struct agent_peer *p)
{
    int64_t now = link_mono_us(), delay = BACKOFF_FIRST_US;
    if (p->back_us >= 0) {
        return p->back_us > now ? p->back_us : now;
    }
    for (uint32_t i = 1; i < p->fails && delay < BACKOFF_MOST_US; i++) {
        delay *= 2;
    }
    return now + jittered(p->a, delay < BACKOFF_MOST_US ? delay : BACKOFF_MOST_US);
}

/* Before the run is ready, --wait-server and --retry bring peers back too. */
static bool wants_back(const struct agent_peer *p)
{
    const struct agent *a = p->a;
    bool first = !p->was_ready &&
                 (link_mono_us() < a->wait_until_us || (int64_t)p->fails <= a->c->opts.retry);
    return !a->ending && (a->o->reconnect || first);
}

/* The connection of a peer is over; why is NULL when that was its own wish. may says whether
 * another attempt makes sense. */
static void leave(struct agent_peer *p, const struct agent_why *why, bool may)
{
    struct agent *a = p->a;
    bool was_ready = p->state == AGENT_READY;
    a->opening -= p->state == AGENT_OPENING;
    a->registered -= was_ready;
    a->counts.disconnects += was_ready && !a->ending;
    p->life++;
    p->fails++;
    fault_clear(&a->timers, &p->timer);
    agent_forget(p);
    if (may && wants_back(p) && fault_set(&a->timers, &p->timer, return_of(p))) {
        p->state = AGENT_AWAY;
    } else {
        p->state = AGENT_GONE;
        a->live--;
        settle(p);
        if (why) {
            int64_t *n = p->was_ready ? &a->lost : &a->failed;
            struct agent_why *first = p->was_ready ? &a->why_lost : &a->why_failed;
            *first = (*n)++ == 0 ? *why : *first;
        }
    }
    p->back_us = -1;
    if (why && !a->ending && a->c->opts.verbose) {
        agent_remark(p, "%s", why->text);
    }
}

static bool http_end(struct agent_peer *p, const struct wsconn_closed *c, struct agent_why *why)
{
    bool refused = c->code == 401 || c->code == 403, later = c->code == 429 || c->code == 503;
    char advice[64] = "";
    if (later && c->retry_after_s > 0) {
        p->back_us = link_deadline((int64_t)c->retry_after_s * 1000000);
        p->back_us += jittered(p->a, BACKOFF_FIRST_US);
        snprintf(advice, sizeof(advice), ", try again in %u s%s", c->retry_after_s,
                 c->code == 429 ? " or with --connect-rate" : "");
    }
    set_why(why,
            refused ? EXIT_REFUSED_AUTH
            : later ? EXIT_CONNECT
                    : EXIT_REFUSED,
            NULL, "the server answered HTTP status %s%s", c->reason, advice);
    return later;
}

/* A token that has ended is no reason to stay away when there is a new one. */
static bool close_end(struct agent_peer *p, const struct wsconn_closed *c, struct agent_why *why)
{
    bool refused = strcmp(c->reason, "Unauthorized") == 0 || c->code == SP_CLOSE_TOKEN;
    set_why(why, refused ? EXIT_REFUSED_AUTH : EXIT_LOST, NULL,
            "%sconnection closed by the server: %u %s",
            p->back_us >= 0 ? "the server is draining: " : "", c->code, c->reason);
    if (c->code == SP_CLOSE_TOKEN) {
        agent_read_token(p->a);
        return p->token != p->a->tokens;
    }
    return c->code != SP_CLOSE_POLICY && (c->code < 4500 || c->code > 4999);
}

static void on_closed(void *ctx, struct wsconn *ws, const struct wsconn_closed *c)
{
    struct agent_peer *p = ctx;
    const char *url = link_url(p->a->c->link);
    struct agent_why why = {0};
    bool may = true;
    (void)ws;
    switch (c->end) {
    case WSCONN_END_CONNECT:
        set_why(&why, EXIT_CONNECT, NULL, "cannot connect to %s: %s", url, c->reason);
        break;
    case WSCONN_END_TLS:
        set_why(&why, EXIT_REFUSED_AUTH, NULL, "TLS with %s: %s", url, c->reason);
        may = false;
        break;
    case WSCONN_END_HTTP:
        may = http_end(p, c, &why);
        break;
    case WSCONN_END_CLOSE:
        may = close_end(p, c, &why);
        break;
    case WSCONN_END_LOST:
        set_why(&why, EXIT_LOST, NULL, "connection lost: %s", c->reason);
        break;
    case WSCONN_END_PROTOCOL:
        set_why(&why, EXIT_LOST, NULL, "protocol error: %s", c->reason);
        break;
    }
    if (p->state == AGENT_OPENING || p->state == AGENT_READY) {
        leave(p, &why, may);
    }
}

static void on_timer(struct fault_timer *t)
{
    struct agent_peer *p = peer_of_timer(t);
    struct agent_why why;
    if (p->state == AGENT_AWAY) {
        agent_peer_queue(p);
        return;
    }
    wsconn_abort(p->ws);
    if (p->state == AGENT_READY) {
        if (p->a->c->opts.verbose) {
            agent_remark(p, "drops its connection");
        }
        leave(p, NULL, true);
        return;
    }
    set_why(&why, EXIT_TIMEOUT, NULL, "%s does not answer", link_url(p->a->c->link));
    leave(p, &why, true);
}

/* ---------------------------------------------------------------- registering */

static struct sp_str put_register(const struct agent_peer *p, struct sp_str token)
{
    const struct agent *a = p->a;
    char id[SP_ID_MAX + 1];
    struct sp_buf b;
    struct sp_str none = {NULL, 0};
    agent_id(p, id);
    sp_buf_init(&b, a->work, a->work_cap);
    sp_put_register(&b, sp_str(id), sp_str(a->o->role), sp_str(a->meta), token, none, none);
    return sp_buf_view(&b);
}

static void on_open(void *ctx, struct wsconn *ws)
{
    struct sp_str none = {NULL, 0};
    wsconn_send(ws, put_register(ctx, none));
}

void agent_registered(struct agent_peer *p)
{
    struct agent *a = p->a;
    if (p->state != AGENT_OPENING) {
        return; /* the answer to a new token */
    }
    a->opening--;
    a->registered++;
    a->counts.reconnects += p->was_ready;
    if (p->was_ready && a->c->opts.verbose) {
        agent_remark(p, "registered again");
    }
    p->state = AGENT_READY;
    p->was_ready = true;
    p->fails = 0;
    settle(p);
    fault_clear(&a->timers, &p->timer);
    if (a->o->disconnect_after) {
        fault_set(&a->timers, &p->timer, link_deadline(fault_pick(&a->disconnect, &p->life_rng)));
    }
}

/* Whether the server may say something else next time. */
static bool is_for_the_moment(enum sp_err e)
{
    return e == SP_OK || sp_err_retryable(e);
}

void agent_refused(struct agent_peer *p, const struct link_msg *m)
{
    char code[SP_WORD_MAX + 1], message[128], details[256], id[SP_ID_MAX + 1];
    struct sp_str c = link_text(m, "code", code, SP_WORD_MAX);
    struct sp_str said = link_text(m, "message", message, sizeof(message));
    struct sp_str more = link_text(m, "details", details, sizeof(details));
    struct agent_why why;
    enum sp_err e = sp_err_find(c);
    int64_t ms;
    agent_id(p, id);
    set_why(&why, e == SP_OK ? EXIT_REFUSED : (int)exit_of_error(e), NULL,
            "the server refused %s: %.*s (%.*s%s%.*s)", id, (int)c.n, c.p, (int)said.n, said.p,
            more.n ? ": " : "", (int)more.n, more.p);
    snprintf(why.code, sizeof(why.code), "%.*s", (int)c.n, c.p ? c.p : "");
    if (sp_doc_int(&m->doc, SP_STR("retryAfter"), &ms) == SP_OK && ms >= 0 && ms < GOAWAY_MOST_MS) {
        p->back_us = link_deadline(ms * 1000);
    }
    wsconn_abort(p->ws);
    leave(p, &why, is_for_the_moment(e));
}

/* ---------------------------------------------------------------- messages */

static void on_goaway(struct agent_peer *p, const struct link_msg *m)
{
    int64_t ms;
    if (sp_doc_int(&m->doc, SP_STR("reconnectAfter"), &ms) == SP_OK && ms >= 0 &&
        ms < GOAWAY_MOST_MS) {
        p->back_us = link_deadline(ms * 1000);
    }
}

static void on_message(void *ctx, struct wsconn *ws, char *text, size_t n)
{
    struct agent_peer *p = ctx;
    struct link_msg m;
    (void)ws;
    if (p->a->ending) {
        return;
    }
    if (!link_scan(&m, (struct sp_str){text, n})) {
        p->a->counts.errors++;
        return;
    }
    if (m.type == SP_T_GOAWAY) {
        on_goaway(p, &m);
    }
    agent_take(p, &m);
}

static void on_trace(void *ctx, bool sent, unsigned op, struct sp_str payload)
{
    const struct agent_peer *p = ctx;
    char id[SP_ID_MAX + 1];
    agent_id(p, id);
    fprintf(stderr, "%s %s %s", id, sent ? ">" : "<",
            op == SP_WS_CLOSE  ? "close "
            : op == SP_WS_PING ? "ping "
            : op == SP_WS_PONG ? "pong "
                               : "");
    mask_frame(stderr, payload);
    fputc('\n', stderr);
}

static const struct wsconn_ops plain_ops = {on_open, on_message, on_closed, NULL};
static const struct wsconn_ops trace_ops = {on_open, on_message, on_closed, on_trace};

/* ---------------------------------------------------------------- connecting */

int agent_resolve(struct agent *a)
{
    char why[256];
    bool usage = false;
    int64_t delay = BACKOFF_FIRST_US;
    while (!wsurl_parse(&a->url, a->c->base.url, &usage, why, sizeof(why))) {
        if (usage || link_mono_us() >= a->wait_until_us) {
            return ctl_fail(a->c, usage ? EXIT_USAGE : EXIT_CONNECT, NULL, "%s", why);
        }
        int status = link_rest(a->c->link, link_deadline(jittered(a, delay)), NULL, NULL);
        if (status) {
            return status;
        }
        delay = delay * 2 < BACKOFF_MOST_US ? delay * 2 : BACKOFF_MOST_US;
    }
    return 0;
}

static void on_ready(struct agent_source *s, uint32_t events)
{
    struct agent_peer *p = (struct agent_peer *)(void *)s;
    wsconn_io(p->ws, (short)(events & (0xffu | EPOLLRDHUP)));
}

void agent_peer_init(struct agent *a, struct agent_peer *p, int64_t number)
{
    uint64_t seed = a->seed + (uint64_t)number * 2;
    *p = (struct agent_peer){.source.ready = on_ready, .a = a, .number = number, .back_us = -1};
    /* far apart, so that no two streams are the same one shifted */
    p->offers_rng = (uint64_t)(fault_random(&seed) * 9007199254740992.0) << 11;
    p->life_rng = (uint64_t)(fault_random(&seed) * 9007199254740992.0) << 11;
    p->timer.fire = on_timer;
}

void agent_peer_queue(struct agent_peer *p)
{
    struct agent *a = p->a;
    p->state = AGENT_WAITING;
    p->next = NULL;
    *a->queue_end = p;
    a->queue_end = &p->next;
}

static bool begin(struct agent_peer *p)
{
    struct agent *a = p->a;
    struct link *link = a->c->link;
    char headers[BEARER_HEADER_MAX];
    if (!p->ws) {
        p->ws = wsconn_new(a->c->base.trace ? &trace_ops : &plain_ops, p);
        if (!p->ws) {
            errno = ENOMEM;
            return false;
        }
        wsconn_set_tls(p->ws, link->tls);
    }
    if (p->life > 0) {
        agent_read_token(a);
    }
    p->token = a->tokens;
    bearer_header(&link->bearer, headers);
    bool ok = wsconn_start(p->ws, &a->url, sp_str(headers), NULL, 0);
    explicit_bzero(headers, sizeof(headers));
    return ok &&
           agent_watch(a, wsconn_fd(p->ws), EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, &p->source);
}

static void start(struct agent_peer *p)
{
    struct agent *a = p->a;
    struct agent_why why;
    p->state = AGENT_OPENING;
    a->opening++;
    if (begin(p) && fault_set(&a->timers, &p->timer, link_deadline(a->patience_us))) {
        return;
    }
    set_why(&why, EXIT_CONNECT, NULL, "cannot connect to %s: %s", link_url(a->c->link),
            strerror(errno));
    if (p->ws) {
        wsconn_abort(p->ws);
    }
    leave(p, &why, true);
}

int64_t agent_connect(struct agent *a, int64_t now)
{
    int64_t interval = 1000000 / a->connect_rate;
    if (!a->queue) {
        a->paced_us = a->paced_us > now ? a->paced_us : now;
    }
    while (a->queue && a->opening < AGENT_WINDOW) {
        if (interval > 0 && a->paced_us > now) {
            return a->paced_us;
        }
        a->paced_us += interval;
        struct agent_peer *p = a->queue;
        a->queue = p->next;
        a->queue_end = a->queue ? a->queue_end : &a->queue;
        start(p);
    }
    return INT64_MAX;
}

/* ---------------------------------------------------------------- a new token in time */

/* The link may have read the file before us. */
void agent_read_token(struct agent *a)
{
    struct bearer *bearer = &a->c->link->bearer;
    bearer_reload(bearer);
    if (strcmp(a->token, bearer->text) != 0) {
        memcpy(a->token, bearer->text, sizeof(a->token));
        a->tokens++;
    }
}

static void on_renewal(struct fault_timer *t)
{
    struct agent *a = (struct agent *)(void *)((char *)t - offsetof(struct agent, renewal));
    agent_read_token(a);
    for (int64_t i = 0; i < a->count; i++) {
        struct agent_peer *p = &a->peers[i];
        if (p->state == AGENT_READY && p->token != a->tokens &&
            wsconn_send(p->ws, put_register(p, sp_str(a->token)))) {
            p->token = a->tokens;
        }
    }
    agent_plan_renewal(a);
}

void agent_plan_renewal(struct agent *a)
{
    const struct bearer *bearer = &a->c->link->bearer;
    int64_t left = bearer->file ? bearer_left_us(bearer, link_wall_us()) : INT64_MAX;
    int64_t wait = left / 3 * 2;
    a->renewal.fire = on_renewal;
    if (left > 0 && left < INT64_MAX) {
        fault_set(&a->timers, &a->renewal,
                  link_deadline(wait > RENEW_LEAST_US ? wait : RENEW_LEAST_US));
    }
}

/* ---------------------------------------------------------------- good-bye */

void agent_peer_end(struct agent_peer *p)
{
    fault_clear(&p->a->timers, &p->timer);
    if (p->ws && (p->state == AGENT_READY || p->state == AGENT_OPENING)) {
        wsconn_close(p->ws, SP_CLOSE_NORMAL, "bye");
    }
}

bool agent_is_over(const struct agent *a)
{
    for (int64_t i = 0; i < a->count; i++) {
        if (a->peers[i].ws && wsconn_state(a->peers[i].ws) == WSCONN_CLOSING) {
            return false;
        }
    }
    return true;
}

void agent_peer_fini(struct agent_peer *p)
{
    agent_forget(p);
    wsconn_free(p->ws);
}
