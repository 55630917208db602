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
