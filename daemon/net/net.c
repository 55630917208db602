/* SPDX-License-Identifier: MIT
 * The loop: time for the hub, deadlines of connections, signals, start and stop. */
#include "daemon/net/priv.h"

#include "daemon/log.h"

#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define LWS_DESTROY_STEPS 3
#define DROP_TURNS        10000
#define WALL_STEP_US      1000 /* less is the noise of two readings */

static uint64_t mono_us(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

/* Timestamps are the monotonic clock plus a distance that changes only when somebody sets the wall
 * clock, so that they never run backwards by themselves. */
static void read_wall(struct net *n)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    int64_t offset = (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000 - (int64_t)mono_us();
    if (llabs(offset - n->wall_offset_us) > WALL_STEP_US) {
        n->wall_offset_us = offset;
    }
}

struct hub_now net_now(const struct net *n)
{
    uint64_t us = mono_us();
    return (struct hub_now){us, ((int64_t)us + n->wall_offset_us) / 1000};
}

static void list_init(struct conn_list *l)
{
    l->head.next = l->head.prev = &l->head;
}

void list_put(struct conn_list *l, struct conn *c, uint64_t deadline_us)
{
    c->deadline_us = deadline_us;
    c->next = &l->head;
    c->prev = l->head.prev;
    l->head.prev->next = c;
    l->head.prev = c;
}

void list_del(struct conn *c)
{
    if (c->next) {
        c->next->prev = c->prev;
        c->prev->next = c->next;
        c->next = c->prev = NULL;
    }
}

static struct conn *list_due(struct conn_list *l, uint64_t now)
{
    struct conn *c = l->head.next;
    return c != &l->head && c->deadline_us <= now ? c : NULL;
}

static void on_timer(uv_timer_t *t)
{
    struct net *n = t->data;
    n->timer_due_us = UINT64_MAX;
    net_turn(n);
}

static void arm(struct net *n, uint64_t due_us, uint64_t now_us)
{
    if (due_us == n->timer_due_us) {
        return;
    }
    n->timer_due_us = due_us;
    if (due_us == UINT64_MAX) {
        uv_timer_stop(&n->timer);
        return;
    }
    uint64_t ms = due_us > now_us ? (due_us - now_us + 999) / 1000 : 0;
    uv_timer_start(&n->timer, on_timer, ms, 0);
}

static void stop_if_done(struct net *n)
{
    if (n->done || (n->stopping && n->nconn == 0)) {
        uv_stop(&n->loop);
    }
}

void net_conn_gone(struct net *n)
{
    n->nconn--;
    listen_start(n);
    stop_if_done(n);
}

void net_turn(struct net *n)
{
    struct hub_now now = net_now(n);
    uint64_t due = hub_tick(n->hub, now);
    if (n->drain_asked && !n->stopping) {
        stop_begin(n);
        due = hub_tick(n->hub, now);
    }
    stop_turn(n);
    ws_check_early(n);
    for (struct conn *c; (c = list_due(&n->doomed, UINT64_MAX));) {
        ws_close(c);
    }
    uint64_t room = admit_next(n);
    if (room <= now.mono_us) {
        listen_start(n);
    }
    arm(n, room < due ? room : due, now.mono_us);
    stop_if_done(n);
}

static void on_check(uv_check_t *c)
{
    net_turn(c->data);
}

static void expire(struct net *n, struct conn_list *l, uint64_t now)
{
    struct conn_list due;
    list_init(&due);
    for (struct conn *c; (c = list_due(l, now));) {
        list_del(c);
        list_put(&due, c, UINT64_MAX);
    }
    for (struct conn *c; (c = list_due(&due, UINT64_MAX));) {
        list_del(c);
        list_put(&n->closing, c, now == UINT64_MAX ? now : now + CLOSE_US);
        ws_kill(c);
    }
}

/* Timers that libwebsockets sets outside its own callbacks are not armed under a loop that is not
 * its own: it must be woken to look at them. */
static void on_second(uv_timer_t *t)
{
    struct net *n = t->data;
    uint64_t now = mono_us();
    n->lag_us = now > n->second_us + 1000000 ? now - n->second_us - 1000000 : 0;
    n->second_us = now;
    read_wall(n);
    n->conf.hooks.second();
    expire(n, &n->handshake, now);
    expire(n, &n->closing, now);
    listen_start(n);
    lws_cancel_service(n->lws);
    if (n->stopping && now >= n->stop_deadline_us) {
        LOG(LOG_WARN, "clients did not close in time", LOG_NUM("connections", n->nconn));
        n->done = true;
    }
    net_turn(n);
}

static void on_hangup(uv_signal_t *s, int number)
{
    const struct net *n = s->data;
    char why[256];
    (void)number;
    n->conf.hooks.reload(why, sizeof(why));
    net_turn(s->data);
}

static void on_rotate(uv_signal_t *s, int number)
{
    const struct net *n = s->data;
    (void)number;
    n->conf.hooks.rotate();
}

static void init_loop(struct net *n)
{
    uv_loop_init(&n->loop);
    uv_check_init(&n->loop, &n->check);
    uv_timer_init(&n->loop, &n->timer);
    uv_timer_init(&n->loop, &n->second);
    uv_signal_init(&n->loop, &n->term);
    uv_signal_init(&n->loop, &n->interrupt);
    uv_signal_init(&n->loop, &n->hangup);
    uv_signal_init(&n->loop, &n->rotate);
    n->check.data = n->timer.data = n->second.data = n->term.data = n->interrupt.data = n;
    n->hangup.data = n->rotate.data = n;
    n->timer_due_us = UINT64_MAX;
}

static void start_loop(struct net *n)
{
    uv_check_start(&n->check, on_check);
    uv_timer_start(&n->second, on_second, 1000, 1000);
    uv_signal_start(&n->term, stop_signal, SIGTERM);
    uv_signal_start(&n->interrupt, stop_signal, SIGINT);
    uv_signal_start(&n->hangup, on_hangup, SIGHUP);
    uv_signal_start(&n->rotate, on_rotate, SIGUSR1);
    n->second_us = mono_us();
    for (unsigned i = 0; i < n->nlisteners; i++) {
        uv_poll_init(&n->loop, &n->listeners[i].watcher, n->listeners[i].fd);
        n->listeners[i].watcher.data = &n->listeners[i];
    }
    listen_start(n);
    arm(n, hub_tick(n->hub, net_now(n)), mono_us());
}

struct net *net_new(const struct net_conf *conf, const struct hub_conf *hub, char *why, size_t cap,
                    bool *bind_failed)
{
    struct net *n = calloc(1, sizeof(*n));
    *bind_failed = false;
    if (!n) {
        snprintf(why, cap, "out of memory");
        return NULL;
    }
    n->conf = *conf;
    n->max_message = hub->max_message;
    n->pool = check_pool(conf);
    n->max_conn = conf->max_clients + n->pool;
    n->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    list_init(&n->handshake);
    list_init(&n->open);
    list_init(&n->strangers);
    list_init(&n->doomed);
    list_init(&n->closing);
    init_loop(n);
    read_wall(n);
    n->started_us = mono_us();
    struct net_bad bad;
    n->gate = gate_new(&conf->gate, &bad, why, cap);
    n->ice = n->gate ? ice_new(&conf->ice, &bad, why, cap) : NULL;
    bool ok = n->ice && check_limit_fds(conf, why, cap);
    for (unsigned i = 0; ok && i < conf->nlisten; i++) {
        ok = listen_open(n, &conf->listen[i], why, cap);
        *bind_failed = !ok;
    }
    if (ok && check_wants_tls(conf)) {
        n->tls = tls_new(&conf->tls, ws_tls_failed, why, cap);
        ok = n->tls != NULL;
    }
    ok = ok && ws_init(n, why, cap);
    if (ok) {
        struct hub_conf with = *hub;
        with.ice = ice_view(n->ice);
        n->hub = hub_new(&with, &ws_ops, n, net_now(n));
        ok = n->hub && nodes_start(n, why, cap);
    }
    if (!ok) {
        net_free(n);
        return NULL;
    }
    start_loop(n);
    return n;
}

const char *net_address(const struct net *n, unsigned i)
{
    return n->listeners[i].text;
}

unsigned net_port(const struct net *n, unsigned i)
{
    return n->listeners[i].port;
}

bool net_is_unix(const struct net *n, unsigned i)
{
    return n->listeners[i].local_path;
}

bool net_is_tls(const struct net *n, unsigned i)
{
    return n->listeners[i].tls;
}

/* The hub borrows from the one in force. */
static void exchange_ice(struct net *n, struct ice *fresh, const struct hub_conf *hub)
{
    struct ice *old = n->ice;
    struct hub_conf with = *hub;
    ice_follow(fresh, old);
    with.ice = ice_view(fresh);
    n->ice = fresh;
    hub_reconf(n->hub, &with, net_now(n));
    ice_free(old);
}

bool net_reconf(struct net *n, const struct net_conf *conf, const struct hub_conf *hub,
                struct net_bad *bad, char *why, size_t cap)
{
    struct gate *gate = gate_new(&conf->gate, bad, why, cap);
    struct ice *ice = gate ? ice_new(&conf->ice, bad, why, cap) : NULL;
    if (!ice) {
        goto refused;
    }
    *bad = (struct net_bad){NULL, 0};
    if (gate_auth(n->gate) && !gate_auth(gate)) {
        snprintf(why, cap, "authentication can be switched off by a restart only");
        goto refused;
    }
    if (n->tls && !tls_reload(n->tls, &conf->tls, why, cap)) {
        goto refused;
    }
    gate_free(n->gate);
    n->gate = gate;
    n->conf.stop_us = conf->stop_us;
    n->conf.node = conf->node; /* the same name, in memory that stays */
    exchange_ice(n, ice, hub);
    return true;
refused:
    ice_free(ice);
    gate_free(gate);
    return false;
}

void net_withhold(struct net *n, bool on)
{
    n->withheld = on;
    hub_withhold(n->hub, on);
}

void net_note_reload(struct net *n, const char *why)
{
    hub_note(n->hub, SP_EV_RELOAD, sp_str(why ? sp_err_wire(SP_INTERNAL) : NULL), sp_str(why),
             net_now(n));
}

/* The context must not be destroyed over living connections: it unloads the code that their handles
 * in the loop still point to. */
static void drop_all(struct net *n)
{
    expire(n, &n->open, UINT64_MAX);
    expire(n, &n->strangers, UINT64_MAX);
    expire(n, &n->closing, UINT64_MAX);
    for (int turn = 0; turn < DROP_TURNS && n->nconn; turn++) {
        uv_run(&n->loop, UV_RUN_NOWAIT);
    }
}

void net_run(struct net *n)
{
    uv_run(&n->loop, UV_RUN_DEFAULT);
    drop_all(n);
}

/* Without the loop's handlers a signal that comes late would kill, and the orderly end would look
 * like none. */
static void block_signals(void)
{
    sigset_t late;
    sigemptyset(&late);
    sigaddset(&late, SIGTERM);
    sigaddset(&late, SIGINT);
    sigaddset(&late, SIGHUP);
    sigaddset(&late, SIGUSR1);
    sigprocmask(SIG_BLOCK, &late, NULL);
}

static void close_own_handles(struct net *n)
{
    block_signals();
    nodes_stop(n);
    uv_close((uv_handle_t *)&n->check, NULL);
    uv_close((uv_handle_t *)&n->timer, NULL);
    uv_close((uv_handle_t *)&n->second, NULL);
    uv_close((uv_handle_t *)&n->term, NULL);
    uv_close((uv_handle_t *)&n->interrupt, NULL);
    uv_close((uv_handle_t *)&n->hangup, NULL);
    uv_close((uv_handle_t *)&n->rotate, NULL);
    for (unsigned i = 0; i < n->nlisteners; i++) {
        if (n->listeners[i].watcher.data) {
            uv_close((uv_handle_t *)&n->listeners[i].watcher, NULL);
        }
    }
}

void net_free(struct net *n)
{
    n->stopping = n->done = true;
    close_own_handles(n);
    /* under a loop that is not its own, libwebsockets ends in several steps with the loop turning
     * in between; the last one clears the pointer */
    for (int step = 0; step < LWS_DESTROY_STEPS && n->lws; step++) {
        lws_context_destroy(n->lws);
        uv_run(&n->loop, UV_RUN_DEFAULT);
    }
    uv_run(&n->loop, UV_RUN_DEFAULT);
    uv_loop_close(&n->loop);
    for (struct conn *c; (c = list_due(&n->handshake, UINT64_MAX));) {
        ws_free(c);
    }
    hub_free(n->hub);
    tls_free(n->tls);
    gate_free(n->gate);
    ice_free(n->ice);
    listen_close(n);
    if (n->reserve_fd >= 0) {
        close(n->reserve_fd);
    }
    free(n);
}
