/* SPDX-License-Identifier: MIT
 * One connection to Redis: hiredis makes the commands and reads the replies, the bytes are moved
 * here. Its own asynchronous half asserts on what the server says, knows no bound for what is not
 * sent, and cannot be closed from some of its callbacks. */
#include "daemon/net/bus_in.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define READ_MAX  65536u /* a turn; more comes with the next, so that others have theirs */
#define REPLY_MAX (2u * BUS_PAYLOAD_MAX)
#define KEEP_MAX  262144u /* an empty buffer that is larger is given back */

struct bus_conn {
    uv_poll_t poll;
    uv_prepare_t flush; /* what one turn has queued goes out in one write */
    int fd;
    int events;
    unsigned handles;
    bool open, dead;
    redisReader *reader;
    char *out;
    size_t at, n, cap; /* unsent bytes are from at to n */
    const struct bus_conn_hooks *hooks;
    void *ctx;
};

/* ---------------------------------------------------------------- end */

static void on_closed(uv_handle_t *h)
{
    struct bus_conn *c = h->data;
    if (--c->handles == 0) {
        redisReaderFree(c->reader);
        free(c->out);
        free(c);
    }
}

static void lose(struct bus_conn *c, const char *why)
{
    char copy[BUS_WHY];
    snprintf(copy, sizeof(copy), "%s", why);
    if (!c->dead) {
        c->hooks->lost(c->ctx, c, copy);
    }
}

static void lose_errno(struct bus_conn *c, const char *what, int error)
{
    char why[BUS_WHY];
    snprintf(why, sizeof(why), "%s: %s", what, strerror(error));
    lose(c, why);
}

/* ---------------------------------------------------------------- out */

static void on_poll(uv_poll_t *p, int status, int events);

static void watch(struct bus_conn *c)
{
    int want = UV_READABLE | (!c->open || c->at < c->n ? UV_WRITABLE : 0);
    if (want != c->events) {
        c->events = want;
        uv_poll_start(&c->poll, want, on_poll);
    }
}

static void shrink(struct bus_conn *c)
{
    c->at = c->n = 0;
    if (c->cap > KEEP_MAX) {
        free(c->out);
        c->out = NULL;
        c->cap = 0;
    }
}

/* Gives an errno, 0 when the socket took all or is full. */
static int write_out(struct bus_conn *c)
{
    while (c->at < c->n) {
        ssize_t got = send(c->fd, c->out + c->at, c->n - c->at, MSG_NOSIGNAL);
        if (got < 0 && errno != EINTR) {
            return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : errno;
        }
        c->at += got > 0 ? (size_t)got : 0;
    }
    shrink(c);
    return 0;
}

static void send_out(struct bus_conn *c)
{
    int error = write_out(c);
    if (error) {
        lose_errno(c, "cannot write", error);
    } else {
        watch(c);
    }
}

static void on_prepare(uv_prepare_t *p)
{
    struct bus_conn *c = p->data;
    uv_prepare_stop(p);
    if (c->open && !c->dead) {
        send_out(c);
    }
}

static bool reserve(struct bus_conn *c, size_t more)
{
    if (c->cap - c->n >= more) {
        return true;
    }
    if (c->at) {
        memmove(c->out, c->out + c->at, c->n - c->at);
        c->n -= c->at;
        c->at = 0;
    }
    size_t cap = c->cap ? c->cap : 4096;
    while (cap - c->n < more) {
        cap *= 2;
    }
    char *p = cap == c->cap ? c->out : realloc(c->out, cap);
    if (p) {
        c->out = p;
        c->cap = cap;
    }
    return p;
}

bool bus_conn_put(struct bus_conn *c, const char *format, ...)
{
    char *command;
    va_list ap;
    va_start(ap, format);
    int n = redisvFormatCommand(&command, format, ap);
    va_end(ap);
    if (n < 0) {
        return false;
    }
    bool ok = reserve(c, (size_t)n);
    if (ok) {
        memcpy(c->out + c->n, command, (size_t)n);
        c->n += (size_t)n;
        uv_prepare_start(&c->flush, on_prepare);
    }
    explicit_bzero(command, n < 1024 ? (size_t)n : 0); /* it may be AUTH */
    redisFreeCommand(command);
    return ok;
}

size_t bus_conn_unsent(const struct bus_conn *c)
{
    return c->n - c->at;
}

/* ---------------------------------------------------------------- in */

/* What remains when no reply is whole is the beginning of one. */
static void read_replies(struct bus_conn *c)
{
    void *reply;
    while (!c->dead) {
        if (redisReaderGetReply(c->reader, &reply) != REDIS_OK) {
            char why[BUS_WHY];
            snprintf(why, sizeof(why), "this is not Redis: %s", c->reader->errstr);
            lose(c, why);
            return;
        }
        if (!reply) {
            break;
        }
        c->hooks->reply(c->ctx, c, reply);
        freeReplyObject(reply);
    }
    if (!c->dead && c->reader->len - c->reader->pos > REPLY_MAX) {
        lose(c, "it sent more than a message can be");
    }
}

static void read_in(struct bus_conn *c)
{
    static char buf[READ_MAX];
    ssize_t n = recv(c->fd, buf, sizeof(buf), 0);
    if (n < 0) {
        if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
            lose_errno(c, "cannot read", errno);
        }
    } else if (n == 0) {
        lose(c, "it closed the connection");
    } else if (redisReaderFeed(c->reader, buf, (size_t)n) != REDIS_OK) {
        lose(c, "out of memory");
    } else {
        read_replies(c);
    }
}

static int socket_error(const struct bus_conn *c)
{
    int error = 0;
    socklen_t len = sizeof(error);
    return getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len) ? errno : error;
}

/* libuv stops the watcher of a socket with an error. */
static void on_poll(uv_poll_t *p, int status, int events)
{
    struct bus_conn *c = p->data;
    int error = status < 0 || !c->open ? socket_error(c) : 0;
    if (error) {
        lose_errno(c, c->open ? "connection lost" : "cannot connect", error);
        return;
    }
    if (status < 0) {
        lose(c, "connection lost");
        return;
    }
    if (!c->open && (events & UV_WRITABLE)) {
        c->open = true;
        c->hooks->opened(c->ctx, c);
    }
    if (!c->dead && (events & UV_READABLE)) {
        read_in(c);
    }
    if (!c->dead && c->open && (events & UV_WRITABLE)) {
        send_out(c);
    }
}

/* ---------------------------------------------------------------- begin */

static int open_socket(const struct sockaddr *sa, socklen_t len)
{
    int one = 1, fd = socket(sa->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -errno;
    }
    if (sa->sa_family != AF_UNIX) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    }
    if (connect(fd, sa, len) != 0 && errno != EINPROGRESS) {
        int error = errno;
        close(fd);
        return -error;
    }
    return fd;
}

struct bus_conn *bus_conn_open(uv_loop_t *loop, const struct sockaddr *sa, socklen_t len,
                               const struct bus_conn_hooks *hooks, void *ctx, char *why, size_t cap)
{
    struct bus_conn *c = calloc(1, sizeof(*c));
    redisReader *reader = c ? redisReaderCreate() : NULL;
    int fd = reader ? open_socket(sa, len) : -ENOMEM;
    if (fd >= 0 && uv_poll_init(loop, &c->poll, fd) != 0) {
        close(fd);
        fd = -ENOMEM;
    }
    if (fd < 0) {
        snprintf(why, cap, "cannot connect: %s", strerror(-fd));
        if (reader) {
            redisReaderFree(reader);
        }
        free(c);
        return NULL;
    }
    uv_prepare_init(loop, &c->flush);
    c->poll.data = c->flush.data = c;
    c->handles = 2;
    c->fd = fd;
    c->reader = reader;
    c->hooks = hooks;
    c->ctx = ctx;
    watch(c);
    return c;
}

void bus_conn_close(struct bus_conn *c, bool flush)
{
    if (flush && c->open) {
        (void)write_out(c);
    }
    c->dead = true;
    if (c->out) {
        explicit_bzero(c->out, c->cap < 1024 ? c->cap : 1024); /* it may begin with AUTH */
    }
    uv_close((uv_handle_t *)&c->poll, on_closed);
    uv_close((uv_handle_t *)&c->flush, on_closed);
    close(c->fd);
}
