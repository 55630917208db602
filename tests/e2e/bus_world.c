/* SPDX-License-Identifier: MIT
 * A redis-server in a directory of its own, nodes on the bus in one loop, and a watch over that
 * loop. */
#include "tests/e2e/bus_world.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WATCH_MS 10
#define KEY      "the key of the cluster in this test"

/* ---------------------------------------------------------------- the watch */

static double clock_ms(void)
{
    return (double)uv_hrtime() / 1e6;
}

uint64_t now_ms(void)
{
    return uv_hrtime() / 1000000;
}

/* Time in which somebody else had the processor is not the bus's. */
static double waited_ms(void)
{
    char text[128] = "";
    int fd = open("/proc/self/schedstat", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
    char *end = text;
    if (fd >= 0) {
        close(fd);
    }
    if (n > 0) {
        strtoull(text, &end, 10);
    }
    return (double)strtoull(end, NULL, 10) / 1e6;
}

static void on_watch(uv_timer_t *t)
{
    struct world *w = t->data;
    double now = clock_ms(), waited = waited_ms();
    double lag = now - w->watched_ms - WATCH_MS - (waited - w->waited_ms);
    if (lag > w->lag_ms) {
        w->lag_ms = lag;
    }
    w->watched_ms = now;
    w->waited_ms = waited;
}

double world_look(void)
{
    return clock_ms();
}

void world_skip(struct world *w, double since)
{
    w->watched_ms += clock_ms() - since;
}

static void show_log(const struct world *w, bool all)
{
    char line[4096];
    FILE *f = fopen("log", "re");
    while (f && fgets(line, sizeof(line), f)) {
        if (all || strncmp(line, "20", 2) != 0) {
            dprintf(w->stderr_fd, "%s", line);
        }
    }
    if (f) {
        fclose(f);
    }
}

void world_late(struct world *w, const char *condition, int line)
{
    show_log(w, true);
    dprintf(w->stderr_fd, "a: up %d heard %u gaps %u; b: up %d heard %u gaps %u\n", w->a.up,
            w->a.heard, w->a.gaps, w->b.up, w->b.heard, w->b.gaps);
    fail_msg("line %d: never came true: %s", line, condition);
}

void run_for(struct world *w, uint64_t ms)
{
    uint64_t end = now_ms() + ms;
    until(w, ms + 1000, now_ms() >= end);
}

/* ---------------------------------------------------------------- nodes */

static void on_message(void *ctx, struct sp_str node, uint64_t boot, const char *p, size_t n)
{
    struct node *me = ctx;
    const char *space = n < 64 ? memrchr(p, ' ', n) : NULL;
    char number[16] = "";
    assert_true(node.n > 0);
    me->heard++;
    me->boot = boot;
    if (space) {
        snprintf(number, sizeof(number), "%.*s", (int)(p + n - space - 1), space + 1);
        unsigned v = (unsigned)strtoul(number, NULL, 10);
        me->disorder += v != me->last + 1;
        me->last = v;
    }
}

static void on_gap(void *ctx, struct sp_str node)
{
    struct node *me = ctx;
    assert_true(node.n > 0);
    me->gaps++;
}

static void on_unheard(void *ctx, struct sp_str node)
{
    struct node *me = ctx;
    me->unheard++;
    snprintf(me->last_unheard, sizeof(me->last_unheard), "%.*s", (int)node.n, node.p);
}

static void on_state(void *ctx, bool up)
{
    struct node *me = ctx;
    assert_true(up != me->up);
    me->up = up;
    me->downs += !up;
    assert_true(bus_up(me->bus) == up);
}

static void make_url(const struct world *w, const char *pattern, char *out, size_t cap)
{
    const char *port = strstr(pattern, "%u");
    if (strncmp(pattern, "unix:", 5) == 0) {
        snprintf(out, cap, "unix:%s/%s", w->dir, pattern + 5);
    } else if (port) {
        snprintf(out, cap, "%.*s%u%s", (int)(port - pattern), pattern, w->port, port + 2);
    } else {
        snprintf(out, cap, "%s", pattern);
    }
}

void node_start(struct world *w, struct node *n, const char *name)
{
    static const struct bus_hooks hooks = {
        .message = on_message, .gap = on_gap, .unheard = on_unheard, .state = on_state};
    char url[256], why[256] = "";
    const char *key = n->key ? n->key : KEY;
    make_url(w, n->url ? n->url : "unix:redis.sock", url, sizeof(url));
    snprintf(n->name, sizeof(n->name), "%s", name);
    struct bus_conf conf = {
        .url = url, .node = n->name, .key = (const uint8_t *)key, .nkey = strlen(key)};
    n->up = false;
    n->bus = bus_new(&w->loop, &conf, &hooks, n, why, sizeof(why));
    assert_string_equal(why, "");
    assert_non_null(n->bus);
}

void node_stop(struct node *n)
{
    bus_close(n->bus);
    n->bus = NULL;
    n->up = false;
}

/* ---------------------------------------------------------------- Redis */

static unsigned free_port(void)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(in);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&in, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
    close(fd);
    return ntohs(in.sin_port);
}

static void run_redis(const struct world *w)
{
    char port[8];
    int out = open("redis.log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    snprintf(port, sizeof(port), "%u", w->port);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(out, STDOUT_FILENO);
    dup2(out, STDERR_FILENO);
    unsetenv("LD_PRELOAD");
    execlp("redis-server", "redis-server", "--port", port, "--bind", "127.0.0.1", "--unixsocket",
           "redis.sock", "--save", "", "--appendonly", "no", "--dir", w->dir, (char *)NULL);
    _exit(127);
}

static redisContext *connect_to_redis(void)
{
    const struct timespec pause = {.tv_nsec = 5000000};
    for (uint64_t end = now_ms() + 10000; now_ms() < end; nanosleep(&pause, NULL)) {
        redisContext *c = redisConnectUnix("redis.sock");
        if (c && !c->err) {
            return c;
        }
        if (c) {
            redisFree(c);
        }
    }
    fail_msg("redis-server does not start");
    return NULL;
}

void world_start_redis(struct world *w)
{
    double look = world_look();
    w->redis = fork();
    assert_true(w->redis >= 0);
    if (w->redis == 0) {
        run_redis(w);
    }
    w->control = connect_to_redis();
    world_skip(w, look);
}

void world_kill_redis(struct world *w)
{
    if (w->control) {
        redisFree(w->control);
    }
    w->control = NULL;
    if (w->redis > 0) {
        kill(w->redis, SIGKILL);
        waitpid(w->redis, NULL, 0);
    }
    w->redis = 0;
}

void redis_do(struct world *w, const char *format, ...)
{
    double look = world_look();
    va_list ap;
    va_start(ap, format);
    redisReply *r = redisvCommand(w->control, format, ap);
    va_end(ap);
    if (!r || r->type == REDIS_REPLY_ERROR) {
        fail_msg("%s: %s", format, r ? r->str : w->control->errstr);
    }
    freeReplyObject(r);
    world_skip(w, look);
}

void redis_fails(struct world *w, const char *command, const char *code)
{
    redisReply *r = redisCommand(w->control, command);
    assert_non_null(r);
    assert_int_equal(r->type, REDIS_REPLY_ERROR);
    assert_memory_equal(r->str, code, strlen(code));
    freeReplyObject(r);
}

void world_record(struct world *w, const char *channel)
{
    w->recorder = connect_to_redis();
    redisReply *r = redisCommand(w->recorder, "SUBSCRIBE %s", channel);
    assert_non_null(r);
    freeReplyObject(r);
}

size_t world_recorded(struct world *w, char *out, size_t cap)
{
    redisReply *r;
    assert_int_equal(redisGetReply(w->recorder, (void **)&r), REDIS_OK);
    assert_int_equal(r->elements, 3);
    size_t n = r->element[2]->len;
    assert_in_range(n, 1, cap);
    memcpy(out, r->element[2]->str, n);
    freeReplyObject(r);
    return n;
}

bool world_logged(const struct world *w, const char *text)
{
    static char all[1 << 20];
    FILE *f = fopen("log", "re");
    (void)w;
    assert_non_null(f);
    size_t n = fread(all, 1, sizeof(all) - 1, f);
    fclose(f);
    all[n] = '\0';
    return strstr(all, text);
}

/* ---------------------------------------------------------------- no Redis */

static void on_server_closed(uv_handle_t *h)
{
    free(h->data);
}

static void on_guest_closed(uv_handle_t *h)
{
    free(h);
}

static void on_room(uv_handle_t *h, size_t hint, uv_buf_t *buf)
{
    static char room[4096];
    (void)h;
    (void)hint;
    *buf = uv_buf_init(room, sizeof(room));
}

static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *buf)
{
    (void)buf;
    if (n < 0) {
        uv_close((uv_handle_t *)s, on_guest_closed);
    }
}

static void on_guest(uv_stream_t *s, int status)
{
    struct server *server = s->data;
    uv_pipe_t *guest = calloc(1, sizeof(*guest));
    assert_int_equal(status, 0);
    uv_pipe_init(s->loop, guest, 0);
    assert_int_equal(uv_accept(s, (uv_stream_t *)guest), 0);
    uv_buf_t text = uv_buf_init((char *)(uintptr_t)server->says, (unsigned)strlen(server->says));
    uv_try_write((uv_stream_t *)guest, &text, 1);
    uv_read_start((uv_stream_t *)guest, on_room, on_read);
    server->served++;
}

void world_serve(struct world *w, const char *name, const char *says)
{
    if (w->server) {
        uv_close((uv_handle_t *)&w->server->pipe, on_server_closed);
        w->server = NULL;
    }
    if (says) {
        w->server = calloc(1, sizeof(*w->server));
        w->server->says = says;
        uv_pipe_init(&w->loop, &w->server->pipe, 0);
        w->server->pipe.data = w->server;
        unlink(name);
        assert_int_equal(uv_pipe_bind(&w->server->pipe, name), 0);
        assert_int_equal(uv_listen((uv_stream_t *)&w->server->pipe, 16, on_guest), 0);
    }
}

unsigned world_served(const struct world *w)
{
    return w->server->served;
}

/* ---------------------------------------------------------------- begin and end */

static void divert_log(struct world *w)
{
    int fd = open("log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    w->stderr_fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10);
    dup2(fd, STDERR_FILENO);
    close(fd);
}

int world_begin(struct world *w)
{
    memset(w, 0, sizeof(*w));
    snprintf(w->dir, sizeof(w->dir), "/tmp/test_bus.XXXXXX");
    if (!mkdtemp(w->dir) || chdir(w->dir) != 0) {
        return -1;
    }
    divert_log(w);
    uv_loop_init(&w->loop);
    uv_timer_init(&w->loop, &w->watch);
    w->watch.data = w;
    w->port = free_port();
    world_start_redis(w);
    w->watched_ms = clock_ms();
    w->waited_ms = waited_ms();
    uv_timer_start(&w->watch, on_watch, WATCH_MS, WATCH_MS);
    w->b.url = "redis://127.0.0.1:%u";
    node_start(w, &w->a, "node-a");
    node_start(w, &w->b, "node-b");
    return 0;
}

static void remove_all(const struct world *w)
{
    static const char *const files[] = {"log", "redis.log", "redis.sock", "odd.sock", "dump.rdb"};
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        unlink(files[i]);
    }
    if (chdir("/") != 0 || rmdir(w->dir) != 0) {
        dprintf(w->stderr_fd, "%s is left\n", w->dir);
    }
}

int world_end(struct world *w)
{
    bus_close(w->a.bus);
    bus_close(w->b.bus);
    world_serve(w, NULL, NULL);
    uv_close((uv_handle_t *)&w->watch, NULL);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    int failed = uv_loop_close(&w->loop);
    if (w->recorder) {
        redisFree(w->recorder);
    }
    if (w->redis > 0) {
        kill(w->redis, SIGCONT);
    }
    world_kill_redis(w);
    show_log(w, false);
    remove_all(w);
    dup2(w->stderr_fd, STDERR_FILENO);
    close(w->stderr_fd);
    print_message("the loop was held for %.1f ms at most\n", w->lag_ms);
    if (w->lag_ms > LAG_MAX_MS) {
        print_error("that is too long\n");
        failed = -1;
    }
    return failed;
}
