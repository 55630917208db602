/* SPDX-License-Identifier: MIT
 * URLs of STUN and TURN servers, as browsers take them: scheme ":" host [ ":" port ], and for TURN
 * [ "?transport=" ( "udp" / "tcp" ) ]. */
#include "daemon/net/ice.h"

#include "libproto/scan.h"
#include "libproto/units.h"

#include <arpa/inet.h>
#include <stdio.h>

#define NAME_MAX_LEN 253u /* RFC 1035 2.3.4, as text */
#define LABEL_MAX    63u
#define DIGITS       "0123456789"
#define LETTERS      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

static const struct {
    const char *name;
    enum ice_kind kind;
} schemes[] = {{"stun", ICE_STUN}, {"stuns", ICE_STUN}, {"turn", ICE_TURN}, {"turns", ICE_TURN}};

#define NSCHEMES (sizeof(schemes) / sizeof(schemes[0]))

/* One URL: what is left of it and what is wrong with it. */
struct reading {
    struct sp_str rest;
    char *why;
    size_t cap;
};

static bool wrong(struct reading *r, const char *what)
{
    snprintf(r->why, r->cap, "%s", what);
    return false;
}

/* Cuts the run of such bytes off the front. */
static struct sp_str span(struct reading *r, const char *set)
{
    struct sp_str run = {r->rest.p, 0};
    while (run.n < r->rest.n && strchr(set, r->rest.p[run.n])) {
        run.n++;
    }
    r->rest.p += run.n;
    r->rest.n -= run.n;
    return run;
}

static bool take(struct reading *r, const char *text)
{
    size_t n = strlen(text);
    bool is_there = r->rest.n >= n && memcmp(r->rest.p, text, n) == 0;
    r->rest.p += is_there ? n : 0;
    r->rest.n -= is_there ? n : 0;
    return is_there;
}

static bool read_scheme(struct reading *r, size_t *at)
{
    struct sp_str word = span(r, LETTERS);
    struct sp_guess g = sp_guess_init(word);
    for (*at = 0; *at < NSCHEMES; ++*at) {
        if (sp_str_eq(word, sp_str(schemes[*at].name))) {
            return take(r, ":") || wrong(r, "expected ':' behind the scheme, as in turn:HOST");
        }
        sp_guess_consider(&g, schemes[*at].name);
    }
    if (g.best) {
        snprintf(r->why, r->cap, "did you mean '%s:'?", g.best);
        return false;
    }
    return wrong(r, "a stun:, stuns:, turn: or turns: URL is wanted");
}

static bool is_address(int family, struct sp_str text)
{
    char copy[INET6_ADDRSTRLEN], room[sizeof(struct in6_addr)];
    if (text.n == 0 || text.n >= sizeof(copy)) {
        return false;
    }
    memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    return inet_pton(family, copy, room) == 1;
}

static bool is_label(struct sp_str s)
{
    return s.n > 0 && s.n <= LABEL_MAX && s.p[0] != '-' && s.p[s.n - 1] != '-';
}

/* What ends with a number is an address or a mistake, never a name. */
static bool is_name(struct sp_str name)
{
    struct sp_str last = {NULL, 0};
    size_t from = 0;
    for (size_t i = 0; i <= name.n; i++) {
        if (i < name.n && name.p[i] != '.') {
            continue;
        }
        last = (struct sp_str){name.p + from, i - from};
        if (!is_label(last)) {
            return false;
        }
        from = i + 1;
    }
    bool number = true;
    for (size_t i = 0; i < last.n; i++) {
        number = number && strchr(DIGITS, last.p[i]);
    }
    return name.n <= NAME_MAX_LEN && (!number || is_address(AF_INET, name));
}

static bool read_host(struct reading *r)
{
    if (take(r, "//")) {
        return wrong(r, "there is no '//' in these URLs: turn:HOST");
    }
    if (take(r, "[")) {
        struct sp_str six = span(r, DIGITS "abcdefABCDEF:.");
        return (take(r, "]") && is_address(AF_INET6, six)) || wrong(r, "not an IPv6 address in []");
    }
    struct sp_str name = span(r, LETTERS DIGITS ".-_");
    if (name.n == 0) {
        return wrong(r, "the host is missing");
    }
    return is_name(name) || wrong(r, "the host is neither a name nor an address");
}

static bool read_port(struct reading *r)
{
    int64_t port;
    if (!take(r, ":")) {
        return true;
    }
    struct sp_str digits = span(r, DIGITS);
    return (digits.n && digits.n <= 5 && sp_parse_int(digits, &port) && port >= 1 &&
            port <= 65535) ||
           wrong(r, "the port is not a number from 1 to 65535");
}

static bool read_transport(struct reading *r, size_t scheme)
{
    if (!take(r, "?")) {
        return true;
    }
    if (schemes[scheme].kind == ICE_STUN) {
        return wrong(r, "nothing may follow the port of a STUN server");
    }
    if (!take(r, "transport=")) {
        return wrong(r, "only ?transport=udp or ?transport=tcp may follow");
    }
    struct sp_str word = span(r, LETTERS);
    return sp_str_eq(word, SP_STR("udp")) || sp_str_eq(word, SP_STR("tcp")) ||
           wrong(r, "the transport is neither udp nor tcp");
}

bool ice_url(const char *url, enum ice_kind *kind, char *why, size_t cap)
{
    struct reading r = {sp_str(url), why, cap};
    size_t scheme;
    if (r.rest.n > ICE_URL_MAX) {
        return wrong(&r, "longer than 300 bytes");
    }
    if (strchr(url, '@')) {
        return wrong(&r, "a user name or password has no place in a URL, see turn-user");
    }
    if (!read_scheme(&r, &scheme) || !read_host(&r) || !read_port(&r) ||
        !read_transport(&r, scheme)) {
        return false;
    }
    if (r.rest.n) {
        snprintf(why, cap, "unexpected '%.16s' behind it", r.rest.p);
        return false;
    }
    *kind = schemes[scheme].kind;
    return true;
}
