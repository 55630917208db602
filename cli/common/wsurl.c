/* SPDX-License-Identifier: MIT
 * URLs of a signaling server: parsed by hand, since they are few and strict.
 * Names are resolved here, blocking, once. */
#include "cli/common/wsconn.h"

#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/un.h>

struct target {
    char *why;
    size_t cap;
    bool *usage;
};

__attribute__((format(printf, 3, 4))) static bool refuse(const struct target *t, bool usage,
                                                         const char *fmt, ...)
{
    va_list ap;

    *t->usage = usage;
    va_start(ap, fmt);
    vsnprintf(t->why, t->cap, fmt, ap);
    va_end(ap);
    return false;
}

static bool has_odd_bytes(const char *s)
{
    for (; *s; s++) {
        if ((unsigned char)*s <= ' ' || (unsigned char)*s == 0x7f) {
            return true;
        }
    }
    return false;
}

static bool set_path(struct wsurl *u, const char *path, const struct target *t)
{
    const char *slash = *path == '/' ? "" : "/";
    int n = snprintf(u->path, sizeof(u->path), "%s%s", slash, path);

    return (n > 0 && (size_t)n < sizeof(u->path)) || refuse(t, true, "the URL's path is too long");
}

static bool parse_unix(struct wsurl *u, const char *p, const struct target *t)
{
    struct sockaddr_un *un = (struct sockaddr_un *)(void *)&u->addr[0];
    const char *request = strstr(p, ":/");
    size_t n = request ? (size_t)(request - p) : strlen(p);

    while (p[0] == '/' && p[1] == '/') {
        p++;
        n--;
    }
    if (n == 0 || n >= sizeof(un->sun_path)) {
        return refuse(t, true, "the socket's path must be 1 to %zu bytes long",
                      sizeof(un->sun_path) - 1);
    }
    un->sun_family = AF_UNIX;
    memcpy(un->sun_path, p, n);
    u->addr_len[0] = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + 1);
    u->addrs = 1;
    memcpy(u->host, "localhost", sizeof("localhost"));
    memcpy(u->hostport, "localhost", sizeof("localhost"));
    return set_path(u, request ? request + 1 : "/", t);
}

static bool resolve(struct wsurl *u, const char *port, const struct target *t)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    struct addrinfo *list = NULL;
    int rc = getaddrinfo(u->host, port, &hints, &list);

    if (rc != 0) {
        return refuse(t, false, "cannot resolve %s: %s", u->host, gai_strerror(rc));
    }
    for (const struct addrinfo *a = list; a && u->addrs < WSURL_ADDRS; a = a->ai_next) {
        memcpy(&u->addr[u->addrs], a->ai_addr, a->ai_addrlen);
        u->addr_len[u->addrs++] = a->ai_addrlen;
    }
    freeaddrinfo(list);
    return true;
}

static bool is_port(const char *p)
{
    unsigned v = 0;
    size_t n = strlen(p);

    for (size_t i = 0; i < n; i++) {
        if (p[i] < '0' || p[i] > '9') {
            return false;
        }
        v = v * 10 + (unsigned)(p[i] - '0');
    }
    return n >= 1 && n <= 5 && v >= 1 && v <= 65535;
}

/* authority is host, host:port, [v6] or [v6]:port. */
static bool parse_authority(struct wsurl *u, const char *auth, const struct target *t)
{
    const char *host = auth;
    const char *end;
    const char *port = u->tls ? "443" : "80";

    if (*auth == '[') {
        host++;
        end = strchr(host, ']');
        if (!end || (end[1] != '\0' && end[1] != ':')) {
            return refuse(t, true, "the URL's [address] is broken");
        }
        port = end[1] == ':' ? end + 2 : port;
    } else {
        end = strchr(auth, ':');
        port = end ? end + 1 : port;
        end = end ? end : auth + strlen(auth);
    }
    size_t n = (size_t)(end - host);
    if (n == 0 || n >= sizeof(u->host) || strchr(auth, '@')) {
        return refuse(t, true, "the URL needs a host, and no user name");
    }
    if (!is_port(port)) {
        return refuse(t, true, "the URL's port must be 1 to 65535");
    }
    memcpy(u->host, host, n);
    snprintf(u->hostport, sizeof(u->hostport), "%s", auth);
    return resolve(u, port, t);
}

bool wsurl_parse(struct wsurl *u, const char *url, bool *usage, char *why, size_t cap)
{
    static const char unix_scheme[] = "ws+unix:";
    const struct target t = {.why = why, .cap = cap, .usage = usage};
    char auth[sizeof(u->hostport)];

    *u = (struct wsurl){0};
    *usage = false;
    if (has_odd_bytes(url) || strchr(url, '#')) {
        return refuse(&t, true, "the URL holds a space, a control character or a fragment");
    }
    if (strncmp(url, unix_scheme, sizeof(unix_scheme) - 1) == 0) {
        return parse_unix(u, url + sizeof(unix_scheme) - 1, &t);
    }
    u->tls = strncmp(url, "wss://", 6) == 0;
    if (!u->tls && strncmp(url, "ws://", 5) != 0) {
        return refuse(&t, true, "the URL must begin with ws://, wss:// or ws+unix:");
    }
    const char *rest = url + (u->tls ? 6 : 5);
    size_t n = strcspn(rest, "/?");
    if (n >= sizeof(auth)) {
        return refuse(&t, true, "the URL's host is too long");
    }
    memcpy(auth, rest, n);
    auth[n] = '\0';
    return set_path(u, rest + n, &t) && parse_authority(u, auth, &t);
}
