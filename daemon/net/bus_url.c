/* SPDX-License-Identifier: MIT
 * Where Redis is. No sentence about it may show the password. */
#include "daemon/net/bus_in.h"

#include "libproto/units.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#define DB_MAX 65535

static bool fail(char *why, size_t cap, const char *sentence)
{
    snprintf(why, cap, "%s", sentence);
    return false;
}

static int hex(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : isxdigit((unsigned char)c) ? (c | 32) - 'a' + 10 : -1;
}

/* %XX; a NUL, which would cut it, is refused. */
static bool decode(char *out, size_t cap, struct sp_str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        int c = (unsigned char)s.p[i];
        if (c == '%') {
            if (s.n - i < 3 || hex(s.p[i + 1]) < 0 || hex(s.p[i + 2]) < 0) {
                return false;
            }
            c = hex(s.p[i + 1]) * 16 + hex(s.p[i + 2]);
            i += 2;
        }
        if (c == 0 || n + 1 >= cap) {
            return false;
        }
        out[n++] = (char)c;
    }
    out[n] = '\0';
    return true;
}

static bool parse_db(struct bus_url *u, struct sp_str s, char *why, size_t cap)
{
    int64_t db;
    if (!sp_parse_count(s, &db) || db > DB_MAX) {
        return fail(why, cap, "the number of its database is wrong");
    }
    u->db = (unsigned)db;
    return true;
}

static bool check_user(const struct bus_url *u, char *why, size_t cap)
{
    return !u->user[0] || u->pass[0] || fail(why, cap, "there is a user without a password");
}

static bool parse_user(struct bus_url *u, struct sp_str s, char *why, size_t cap)
{
    const char *colon = memchr(s.p, ':', s.n);
    size_t n = colon ? (size_t)(colon - s.p) : s.n;
    struct sp_str pass = {s.p + n + 1, colon ? s.n - n - 1 : 0};
    if (!decode(u->user, sizeof(u->user), (struct sp_str){s.p, n}) ||
        !decode(u->pass, sizeof(u->pass), pass)) {
        return fail(why, cap, "its user or password is too long, or a %XX in it is wrong");
    }
    if (!u->pass[0]) {
        return fail(why, cap, "before its @ there is no password");
    }
    return true;
}

/* HOST, HOST:PORT, [IPV6] or [IPV6]:PORT */
static bool parse_place(struct bus_url *u, struct sp_str s, char *why, size_t cap)
{
    int64_t port = 6379;
    struct sp_str host = s, rest;
    if (s.n && s.p[0] == '[') {
        const char *end = memchr(s.p, ']', s.n);
        if (!end) {
            return fail(why, cap, "its [ has no ]");
        }
        host = (struct sp_str){s.p + 1, (size_t)(end - s.p) - 1};
        rest = (struct sp_str){end + 1, s.n - host.n - 2};
    } else {
        const char *colon = s.n ? memchr(s.p, ':', s.n) : NULL;
        host.n = colon ? (size_t)(colon - s.p) : s.n;
        rest = (struct sp_str){s.p + host.n, s.n - host.n};
    }
    if (host.n == 0 || host.n >= sizeof(u->host) || memchr(host.p, '%', host.n)) {
        return fail(why, cap, "its host is missing or wrong");
    }
    if (rest.n &&
        (rest.p[0] != ':' || !sp_parse_count((struct sp_str){rest.p + 1, rest.n - 1}, &port) ||
         port < 1 || port > 65535)) {
        return fail(why, cap, "its port is wrong");
    }
    memcpy(u->host, host.p, host.n);
    snprintf(u->port, sizeof(u->port), "%u", (unsigned)(uint16_t)port);
    return true;
}

static bool parse_tcp(struct bus_url *u, const char *text, char *why, size_t cap)
{
    if (strpbrk(text, "?# ")) {
        return fail(why, cap,
                    "write it redis://[[USER]:PASSWORD@]HOST[:PORT][/DB]; in a password "
                    "? is %3F, # is %23");
    }
    size_t n = strcspn(text, "/");
    const char *at = memrchr(text, '@', n);
    struct sp_str place = {at ? at + 1 : text, n - (at ? (size_t)(at - text) + 1 : 0)};
    if (at && !parse_user(u, (struct sp_str){text, (size_t)(at - text)}, why, cap)) {
        return false;
    }
    if (text[n] == '/' && text[n + 1] && !parse_db(u, sp_str(text + n + 1), why, cap)) {
        return false;
    }
    return parse_place(u, place, why, cap);
}

static bool parse_pair(struct bus_url *u, struct sp_str s, char *why, size_t cap)
{
    const char *eq = s.n ? memchr(s.p, '=', s.n) : NULL;
    struct sp_str name = {s.p, eq ? (size_t)(eq - s.p) : s.n};
    struct sp_str value = {s.p + name.n + 1, eq ? s.n - name.n - 1 : 0};
    if (eq && sp_str_eq(name, SP_STR("db"))) {
        return parse_db(u, value, why, cap);
    }
    bool user = sp_str_eq(name, SP_STR("user"));
    if (!eq || !(user || sp_str_eq(name, SP_STR("pass")))) {
        return fail(why, cap, "behind its ? there may be user=, pass= and db=");
    }
    return decode(user ? u->user : u->pass, user ? sizeof(u->user) : sizeof(u->pass), value) ||
           fail(why, cap, "its user or password is too long, or a %XX in it is wrong");
}

static bool parse_unix(struct bus_url *u, const char *text, char *why, size_t cap)
{
    size_t n = strcspn(text, "?");
    if (n == 0 || text[0] != '/' || n >= sizeof(u->path)) {
        return fail(why, cap, "its path does not begin with /, or is longer than 107 bytes");
    }
    memcpy(u->path, text, n);
    for (const char *p = text + n; *p;) {
        n = strcspn(++p, "&");
        if (!parse_pair(u, (struct sp_str){p, n}, why, cap)) {
            return false;
        }
        p += n;
    }
    return true;
}

bool bus_url_parse(struct bus_url *u, const char *text, char *why, size_t cap)
{
    memset(u, 0, sizeof(*u));
    if (strncmp(text, "rediss:", 7) == 0) {
        return fail(why, cap, "there is no TLS to Redis: use a unix socket or a tunnel");
    }
    if (strncmp(text, "redis://", 8) == 0) {
        return parse_tcp(u, text + 8, why, cap) && check_user(u, why, cap);
    }
    if (strncmp(text, "unix:", 5) == 0) {
        return parse_unix(u, text + 5, why, cap) && check_user(u, why, cap);
    }
    return fail(why, cap, "it begins neither with redis:// nor with unix:");
}

bool bus_check_url(const char *url, char *why, size_t cap)
{
    struct bus_url u;
    bool ok = bus_url_parse(&u, url, why, cap);
    explicit_bzero(&u, sizeof(u));
    return ok;
}
