/* SPDX-License-Identifier: MIT
 * Socket addresses as text and back. */
#include "daemon/net/priv.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>

static bool parse_port(const char *s, uint16_t *port)
{
    char *end;
    if (*s < '0' || *s > '9') {
        return false;
    }
    unsigned long v = strtoul(s, &end, 10);
    *port = (uint16_t)v;
    return *end == '\0' && v <= 65535;
}

static bool parse_unix(struct address *a, const char *path, char *why, size_t cap)
{
    struct sockaddr_un *un = (struct sockaddr_un *)&a->sa;
    size_t n = strlen(path);
    if (n == 0 || n >= sizeof(un->sun_path)) {
        snprintf(why, cap, "a socket's path has 1 to %zu bytes", sizeof(un->sun_path) - 1);
        return false;
    }
    un->sun_family = AF_UNIX;
    memcpy(un->sun_path, path, n + 1);
    a->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + 1);
    a->loopback = true;
    return true;
}

/* A listening socket that a service manager has opened. */
static bool parse_fd(struct address *a, const char *text, char *why, size_t cap)
{
    int on = 0;
    uint16_t fd;
    socklen_t len = sizeof(on);
    if (!parse_port(text, &fd) || getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &len) != 0 ||
        !on) {
        snprintf(why, cap, "'%.8s' is not the number of a listening socket", text);
        return false;
    }
    a->len = sizeof(a->sa);
    getsockname(fd, (struct sockaddr *)&a->sa, &a->len);
    a->fd = fd;
    a->loopback = addr_is_local(&a->sa);
    return true;
}

static bool parse_host(struct address *a, const char *host, uint16_t port)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)&a->sa;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&a->sa;
    if (strcmp(host, "localhost") == 0) {
        host = "127.0.0.1";
    }
    if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        a->len = sizeof(*v4);
        return true;
    }
    if (inet_pton(AF_INET6, host, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        a->len = sizeof(*v6);
        return true;
    }
    return false;
}

bool addr_parse(struct address *a, const char *text, char *why, size_t cap)
{
    memset(a, 0, sizeof(*a));
    if (strncmp(text, "tls:", 4) == 0) {
        a->tls = true;
        text += 4;
    }
    if (strncmp(text, "unix:", 5) == 0) {
        return parse_unix(a, text + 5, why, cap);
    }
    if (strncmp(text, "fd:", 3) == 0) {
        return parse_fd(a, text + 3, why, cap);
    }
    char host[64];
    const char *colon = strrchr(text, ':');
    size_t n = colon ? (size_t)(colon - text) : 0;
    bool bracket = n >= 2 && text[0] == '[' && text[n - 1] == ']';
    uint16_t port;
    if (bracket) {
        text++;
        n -= 2;
    }
    if (!colon || n == 0 || n >= sizeof(host) || !parse_port(colon + 1, &port)) {
        snprintf(why, cap,
                 "expected HOST:PORT, [IPV6]:PORT or unix:PATH, for TLS with tls: before it");
        return false;
    }
    memcpy(host, text, n);
    host[n] = '\0';
    if (!parse_host(a, host, port)) {
        snprintf(why, cap, "'%.63s' is not an IP address", host);
        return false;
    }
    a->loopback = addr_is_local(&a->sa);
    return true;
}

bool addr_is_local(const struct sockaddr_storage *sa)
{
    if (sa->ss_family == AF_INET) {
        return ntohl(((const struct sockaddr_in *)sa)->sin_addr.s_addr) >> 24 == 127;
    }
    if (sa->ss_family == AF_INET6) {
        const struct in6_addr *v6 = &((const struct sockaddr_in6 *)sa)->sin6_addr;
        return IN6_IS_ADDR_LOOPBACK(v6) || (IN6_IS_ADDR_V4MAPPED(v6) && v6->s6_addr[12] == 127);
    }
    return sa->ss_family == AF_UNIX;
}

void addr_format(char *out, size_t cap, const struct sockaddr_storage *sa, bool with_port)
{
    char host[INET6_ADDRSTRLEN] = "";
    unsigned port = 0;
    const char *open = "", *close = "";
    if (sa->ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)sa;
        inet_ntop(AF_INET, &v4->sin_addr, host, sizeof(host));
        port = ntohs(v4->sin_port);
    } else if (sa->ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)sa;
        port = ntohs(v6->sin6_port);
        if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
            inet_ntop(AF_INET, &v6->sin6_addr.s6_addr[12], host, sizeof(host));
        } else {
            inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof(host));
            open = "[";
            close = "]";
        }
    } else {
        snprintf(out, cap, "unix");
        return;
    }
    if (with_port) {
        snprintf(out, cap, "%s%s%s:%u", open, host, close, port);
    } else {
        snprintf(out, cap, "%s", host);
    }
}

bool addr_read(struct sockaddr_storage *sa, struct sp_str text)
{
    char host[INET6_ADDRSTRLEN + 8];
    size_t n = text.n;
    const char *p = text.p, *colon = n ? memchr(p, ':', n) : NULL;
    bool one_colon = colon && !memchr(colon + 1, ':', n - (size_t)(colon - p) - 1);
    if (n && p[0] == '[') {
        const char *close = memchr(p, ']', n);
        p++;
        n = close ? (size_t)(close - p) : 0;
    } else if (one_colon) {
        n = (size_t)(colon - p);
    }
    if (n == 0 || n >= sizeof(host)) {
        return false;
    }
    memcpy(host, p, n);
    host[n] = '\0';
    struct address a;
    memset(&a, 0, sizeof(a));
    bool ok = parse_host(&a, host, 0) && strcmp(host, "localhost") != 0;
    *sa = a.sa;
    return ok;
}

/* All addresses as 16 bytes. */
static bool bytes_of(const struct sockaddr_storage *sa, uint8_t out[16])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    if (sa->ss_family == AF_INET6) {
        memcpy(out, &((const struct sockaddr_in6 *)sa)->sin6_addr, 16);
        return true;
    }
    memcpy(out, mapped, sizeof(mapped));
    memcpy(out + sizeof(mapped), &((const struct sockaddr_in *)sa)->sin_addr, 4);
    return sa->ss_family == AF_INET;
}

static bool is_mapped(const uint8_t b[16])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    return memcmp(b, mapped, sizeof(mapped)) == 0;
}

/* Whoever has one address of IPv6 has a /64 of them. */
struct addr_key addr_key_of(const struct sockaddr_storage *sa)
{
    struct addr_key k = {{0}};
    if (bytes_of(sa, k.b) && !is_mapped(k.b)) {
        memset(k.b + 8, 0, 8);
    }
    return k;
}

bool cidr_parse(struct cidr *c, const char *text)
{
    char host[INET6_ADDRSTRLEN];
    struct address a;
    const char *slash = strchr(text, '/');
    size_t n = slash ? (size_t)(slash - text) : strlen(text);
    if (n >= sizeof(host)) {
        return false;
    }
    memset(&a, 0, sizeof(a));
    memcpy(host, text, n);
    host[n] = '\0';
    if (!parse_host(&a, host, 0) || !bytes_of(&a.sa, c->b)) {
        return false;
    }
    unsigned width = a.sa.ss_family == AF_INET ? 32 : 128, bits = width;
    if (slash) {
        char *end;
        unsigned long v = strtoul(slash + 1, &end, 10);
        if (slash[1] < '0' || slash[1] > '9' || *end || v > width) {
            return false;
        }
        bits = (unsigned)v;
    }
    c->bits = 128 - width + bits;
    return true;
}

bool cidr_has(const struct cidr *c, const struct sockaddr_storage *sa)
{
    uint8_t b[16];
    if (!bytes_of(sa, b)) {
        return false;
    }
    unsigned whole = c->bits / 8, rest = c->bits % 8;
    uint8_t mask = (uint8_t)(0xff00u >> rest);
    return memcmp(b, c->b, whole) == 0 && (rest == 0 || ((b[whole] ^ c->b[whole]) & mask) == 0);
}
