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

#define SPARE_CONN        64u /* above max-clients: to be refused politely, and for /health */
#define LWS_DESTROY_STEPS 3
#define DROP_TURNS        10000
#define WALL_STEP_US      1000 /* less is the noise of two readings */
#define SPARE_FD          64u  /* listeners, logs, the loop's own */

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
    for (struct conn *c; (c = list_due(&n->doomed, UINT64_MAX));) {
        ws_close(c);
    }
    arm(n, due, now.mono_us);
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
    read_wall(n);
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

static void on_signal(uv_signal_t *s, int number)
{
    struct net *n = s->data;
    if (n->stopping) {
        LOG(LOG_WARN, "second signal, stopping at once", LOG_NUM("signal", number));
        n->done = true;
    } else {
        LOG(LOG_INFO, "stopping", LOG_NUM("signal", number),
            LOG_NUM("clients", hub_clients(n->hub)), LOG_NUM("connections", n->nconn));
        listen_shut(n);
        n->stopping = true;
        n->stop_deadline_us = mono_us() + n->conf.stop_us;
        /* who has not said hello yet would keep us waiting */
        for (struct conn *c; (c = list_due(&n->handshake, UINT64_MAX));) {
            ws_doom(c, 0, NULL);
        }
        hub_stop(n->hub, net_now(n));
    }
    net_turn(n);
}

static rlim_t fds_needed(const struct net_conf *conf)
{
    return conf->max_clients + SPARE_CONN + SPARE_FD;
}

static bool check_fds(const struct net_conf *conf, char *why, size_t cap)
{
    struct rlimit r;
    getrlimit(RLIMIT_NOFILE, &r);
    if (r.rlim_max != RLIM_INFINITY && fds_needed(conf) > r.rlim_max) {
        snprintf(why, cap, "max-clients %u needs %llu file descriptors, the limit is %llu",
                 conf->max_clients, (unsigned long long)fds_needed(conf),
                 (unsigned long long)r.rlim_max);
        return false;
    }
    return true;
}

/* No more than is needed: each close scans a table of this many entries. */
static bool set_fd_limit(const struct net_conf *conf, char *why, size_t cap)
{
    struct rlimit r;
    getrlimit(RLIMIT_NOFILE, &r);
    r.rlim_cur = fds_needed(conf);
    if (setrlimit(RLIMIT_NOFILE, &r) != 0) {
        snprintf(why, cap, "cannot set the limit of file descriptors: %s", strerror(errno));
        return false;
    }
    return true;
}

static bool check_listener(const struct net_conf *conf, const struct net_listener *spec, char *why,
                           size_t cap)
{
    struct address a;
    char detail[96];
    if (!addr_parse(&a, spec->address, detail, sizeof(detail))) {
        snprintf(why, cap, "%s: %s: %s", spec->where, spec->address, detail);
        return false;
    }
    if (!a.loopback && !spec->health && !conf->allow_anonymous) {
        snprintf(why, cap,
                 "%s: %s is open to everybody: without authentication only loopback and unix "
                 "sockets are, unless --allow-anonymous",
                 spec->where, spec->address);
        return false;
    }
    return true;
}

static bool wants_tls(const struct net_conf *conf)
{
    bool wanted = false;
    for (unsigned i = 0; i < conf->nlisten; i++) {
        wanted = wanted || strncmp(conf->listen[i].address, "tls:", 4) == 0;
    }
    return wanted;
}

bool net_check(const struct net_conf *conf, char *why, size_t cap)
{
    for (unsigned i = 0; i < conf->nlisten; i++) {
        if (!check_listener(conf, &conf->listen[i], why, cap)) {
            return false;
        }
    }
    if (wants_tls(conf)) {
        return tls_check(&conf->tls, why, cap) && check_fds(conf, why, cap);
    }
    if (conf->tls.cert || conf->tls.key || conf->tls.client_ca) {
        snprintf(why, cap, "certificates are set, but no listener begins with tls:");
        return false;
    }
    return check_fds(conf, why, cap);
}

static void init_loop(struct net *n)
{
    uv_loop_init(&n->loop);
    uv_check_init(&n->loop, &n->check);
    uv_timer_init(&n->loop, &n->timer);
    uv_timer_init(&n->loop, &n->second);
    uv_signal_init(&n->loop, &n->term);
    uv_signal_init(&n->loop, &n->interrupt);
    n->check.data = n->timer.data = n->second.data = n->term.data = n->interrupt.data = n;
    n->timer_due_us = UINT64_MAX;
}

static void start_loop(struct net *n)
{
    uv_check_start(&n->check, on_check);
    uv_timer_start(&n->second, on_second, 1000, 1000);
    uv_signal_start(&n->term, on_signal, SIGTERM);
    uv_signal_start(&n->interrupt, on_signal, SIGINT);
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
    n->max_conn = conf->max_clients + SPARE_CONN;
    n->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    list_init(&n->handshake);
    list_init(&n->doomed);
    list_init(&n->closing);
    init_loop(n);
    read_wall(n);
    n->started_us = mono_us();
    bool ok = net_check(conf, why, cap) && set_fd_limit(conf, why, cap);
    for (unsigned i = 0; ok && i < conf->nlisten; i++) {
        ok = listen_open(n, &conf->listen[i], why, cap);
        *bind_failed = !ok;
    }
    if (ok && wants_tls(conf)) {
        n->tls = tls_new(&conf->tls, ws_tls_failed, why, cap);
        ok = n->tls != NULL;
    }
    ok = ok && ws_init(n, why, cap);
    if (ok) {
        n->hub = hub_new(hub, &ws_ops, n, net_now(n));
        ok = n->hub != NULL;
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

/* The context must not be destroyed over living connections: it unloads the code that their handles
 * in the loop still point to. */
static void drop_all(struct net *n)
{
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

static void close_own_handles(struct net *n)
{
    uv_close((uv_handle_t *)&n->check, NULL);
    uv_close((uv_handle_t *)&n->timer, NULL);
    uv_close((uv_handle_t *)&n->second, NULL);
    uv_close((uv_handle_t *)&n->term, NULL);
    uv_close((uv_handle_t *)&n->interrupt, NULL);
    for (unsigned i = 0; i < n->nlisteners; i++) {
        if (n->listeners[i].watcher.data) {
            uv_close((uv_handle_t *)&n->listeners[i].watcher, NULL);
        }
    }
}

void net_free(struct net *n)
{
    n->stopping = true;
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
    listen_close(n);
    if (n->reserve_fd >= 0) {
        close(n->reserve_fd);
    }
    free(n);
}
