/* SPDX-License-Identifier: MIT
 * Our own listening sockets. libwebsockets never sets SO_REUSEPORT and spins when descriptors run
 * out, so it only gets sockets that are accepted already. */
#include "daemon/net/priv.h"

#include "daemon/log.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG      1024
#define ACCEPT_BURST 64 /* so that a connect storm does not starve those who are in */

/* A socket file left behind by a daemon that died is in nobody's way. */
static void remove_stale(const struct address *a)
{
    const struct sockaddr_un *un = (const struct sockaddr_un *)&a->sa;
    struct stat st;
    if (stat(un->sun_path, &st) != 0 || !S_ISSOCK(st.st_mode)) {
        return;
    }
    /* whoever is too busy to accept lives */
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)un, a->len) != 0 && errno == ECONNREFUSED) {
        unlink(un->sun_path);
    }
    if (fd >= 0) {
        close(fd);
    }
}

static int bind_one(const struct address *a)
{
    int fd = socket(a->sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    int on = 1;
    if (a->sa.ss_family == AF_UNIX) {
        remove_stale(a);
    } else {
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    }
    if (a->sa.ss_family == AF_INET6) {
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    }
    if (bind(fd, (const struct sockaddr *)&a->sa, a->len) != 0 || listen(fd, BACKLOG) != 0) {
        int e = errno;
        close(fd);
        errno = e;
        return -1;
    }
    return fd;
}

static void describe(struct listener *l, const struct address *a)
{
    if (a->sa.ss_family == AF_UNIX) {
        snprintf(l->text, sizeof(l->text), "%s", ((const struct sockaddr_un *)&a->sa)->sun_path);
        l->local_path = true;
        return;
    }
    struct sockaddr_storage sa;
    socklen_t len = sizeof(sa);
    memset(&sa, 0, sizeof(sa));
    getsockname(l->fd, (struct sockaddr *)&sa, &len);
    addr_format(l->text, sizeof(l->text), &sa, true);
    l->port = ntohs(sa.ss_family == AF_INET ? ((struct sockaddr_in *)&sa)->sin_port
                                            : ((struct sockaddr_in6 *)&sa)->sin6_port);
}

bool listen_open(struct net *n, const struct net_listener *spec, char *why, size_t cap)
{
    struct address a;
    char detail[96];
    if (!addr_parse(&a, spec->address, detail, sizeof(detail))) {
        snprintf(why, cap, "%s: %s", spec->address, detail);
        return false;
    }
    struct listener *l = &n->listeners[n->nlisteners];
    l->net = n;
    l->health = spec->health;
    l->tls = a.tls;
    l->passed = a.fd > 0;
    l->fd = l->passed ? a.fd : bind_one(&a);
    if (l->fd < 0) {
        snprintf(why, cap, "cannot listen on %s: %s", spec->address, strerror(errno));
        return false;
    }
    if (l->passed) {
        fcntl(l->fd, F_SETFL, fcntl(l->fd, F_GETFL) | O_NONBLOCK);
    }
    describe(l, &a);
    n->nlisteners++;
    return true;
}

static bool is_shortage(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

static void hold_reserve(struct net *n)
{
    if (n->reserve_fd < 0) {
        n->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    }
}

/* Out of descriptors: the reserve lets one waiting client in, to be told by a close, and the
 * listeners rest until a connection ends. Who asks for the health keeps it, and is answered. */
static int shed(struct net *n, const struct listener *l, struct sockaddr_storage *peer)
{
    int fd = -1;
    if (n->reserve_fd >= 0) {
        socklen_t len = sizeof(*peer);
        close(n->reserve_fd);
        n->reserve_fd = -1;
        fd = accept4(l->fd, (struct sockaddr *)peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    }
    if (fd >= 0 && !l->health) {
        close(fd);
        fd = -1;
    }
    if (fd < 0) {
        hold_reserve(n);
    }
    LOG_LIMITED(LOG_WARN, "out of file descriptors", 5, LOG_NUM("connections", n->nconn));
    n->out_of_fds = true;
    listen_stop(n);
    return fd;
}

static bool accept_one(struct net *n, struct listener *l)
{
    struct sockaddr_storage peer;
    socklen_t len = sizeof(peer);
    memset(&peer, 0, sizeof(peer));
    int fd = accept4(l->fd, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0 && (errno == ECONNABORTED || errno == EINTR)) {
        return true;
    }
    if (fd < 0 && is_shortage(errno)) {
        fd = shed(n, l, &peer);
    }
    if (fd < 0) {
        return false;
    }
    int on = 1;
    if (!l->local_path) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    }
    ws_adopt(n, fd, l, &peer);
    return true;
}

static void on_readable(uv_poll_t *w, int status, int events)
{
    struct listener *l = w->data;
    struct net *n = l->net;
    (void)events;
    for (int i = 0; status == 0 && i < ACCEPT_BURST; i++) {
        if (l->health) {
            admit_health(n);
        } else if (!admit_room(n) || n->nconn >= n->max_conn) {
            LOG_LIMITED(LOG_WARN, "no room for another connection", 5,
                        LOG_NUM("connections", n->nconn), LOG_NUM("handshakes", n->nshaking));
            listen_stop(n);
            return;
        }
        if (!accept_one(n, l)) {
            return;
        }
    }
}

void listen_start(struct net *n)
{
    if (n->accepting || n->done) {
        return;
    }
    n->accepting = true;
    n->out_of_fds = n->pool_full = false;
    hold_reserve(n);
    for (unsigned i = 0; i < n->nlisteners; i++) {
        if (!n->stopping || n->listeners[i].health) {
            uv_poll_start(&n->listeners[i].watcher, UV_READABLE, on_readable);
        }
    }
}

void listen_stop(struct net *n)
{
    n->accepting = false;
    bool health = !n->out_of_fds || n->reserve_fd >= 0;
    for (unsigned i = 0; i < n->nlisteners; i++) {
        if (!health || !n->listeners[i].health) {
            uv_poll_stop(&n->listeners[i].watcher);
        }
    }
}

void listen_shut(struct net *n)
{
    for (unsigned i = 0; i < n->nlisteners; i++) {
        const struct listener *l = &n->listeners[i];
        if (l->health) {
            continue;
        }
        uv_poll_stop(&n->listeners[i].watcher);
        /* one that was passed on waits for the next daemon, with those who come meanwhile */
        if (!l->passed) {
            shutdown(l->fd, SHUT_RDWR);
        }
    }
}

void listen_close(struct net *n)
{
    for (unsigned i = 0; i < n->nlisteners; i++) {
        struct listener *l = &n->listeners[i];
        if (l->local_path && !l->passed) {
            unlink(l->text);
        }
        close(l->fd);
    }
    n->nlisteners = 0;
}
