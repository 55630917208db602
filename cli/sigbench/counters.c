/* SPDX-License-Identifier: MIT
 * Two ways to the same numbers: the Prometheus text of /metrics and the answer to stats. */
#include "cli/sigbench/counters.h"

#include "cli/common/out.h"
#include "cli/sigbench/check.h"
#include "cli/sigbench/text.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PAGE_MAX    (1u << 20)
#define PATIENCE_US INT64_C(2000000) /* a server that knows no stats may say nothing */

static int64_t timeout_us(const struct bench *b)
{
    return b->conf.timeout_us < PATIENCE_US ? b->conf.timeout_us : PATIENCE_US;
}

/* --- /metrics -------------------------------------------------------------------------------- */

static int connect_to(const struct wsurl *u, int64_t timeout_us)
{
    struct timeval t = {(time_t)(timeout_us / 1000000), (suseconds_t)(timeout_us % 1000000)};

    for (unsigned i = 0; i < u->addrs; i++) {
        int fd = socket(u->addr[i].ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0) {
            continue;
        }
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t));
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t));
        if (connect(fd, (const struct sockaddr *)&u->addr[i], u->addr_len[i]) == 0) {
            return fd;
        }
        close(fd);
    }
    return -1;
}

/* Gives the length of the answer; 0: there was none. */
static size_t get(const struct wsurl *u, int64_t timeout_us, char *page)
{
    char request[sizeof(u->path) + sizeof(u->hostport) + 64];
    int fd = connect_to(u, timeout_us);
    size_t n = 0;

    if (fd < 0) {
        return 0;
    }
    int len =
        snprintf(request, sizeof(request),
                 "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", u->path, u->hostport);
    ssize_t got = send(fd, request, (size_t)len, MSG_NOSIGNAL) == len ? 1 : -1;
    while (got > 0 && n < PAGE_MAX - 1) {
        got = recv(fd, page + n, PAGE_MAX - 1 - n, 0);
        n += got > 0 ? (size_t)got : 0;
    }
    close(fd);
    return got < 0 ? 0 : n;
}

/* Adds up the lines of a family; false when it has none. */
static bool family(const char *page, const char *name, uint64_t *sum)
{
    size_t n = strlen(name);
    bool found = false;

    *sum = 0;
    for (const char *at = page; (at = strstr(at, name)); at += n) {
        const char *value = at[n] == '{' ? strchr(at, '}') : NULL;
        if (value && at > page && at[-1] == '\n') {
            *sum += strtoull(value + 1, NULL, 10);
            found = true;
        }
    }
    return found;
}

static bool by_http(const struct bench *b, struct server_counters *out, char *why, size_t cap)
{
    struct wsurl u;
    char as_ws[sizeof(u.path) + sizeof(u.hostport)], *page = malloc(PAGE_MAX);
    bool usage, ok = false;

    snprintf(as_ws, sizeof(as_ws), "ws%s", b->conf.server_metrics + strlen("http"));
    if (!page || !wsurl_parse(&u, as_ws, &usage, why, cap)) {
        goto out;
    }
    snprintf(why, cap, "%s does not answer with the counters of sigd", b->conf.server_metrics);
    page[get(&u, timeout_us(b), page)] = '\0';
    ok = family(page, "sigd_relays_total", &out->relayed) &&
         family(page, "sigd_errors_total", &out->errors);
out:
    free(page);
    return ok;
}

/* --- stats ----------------------------------------------------------------------------------- */

struct asking {
    struct server_counters *out;
    char *why;
    size_t cap;
    bool over, ok;
};

/* Adds up the numbers of the object behind a name: {"offer":1,"ice":2}. */
static bool object_sum(struct sp_str m, struct sp_str name, uint64_t *sum)
{
    const char *at = memmem(m.p, m.n, name.p, name.n);
    const char *end = at ? memchr(at, '}', (size_t)(m.p + m.n - at)) : NULL;

    *sum = 0;
    for (at = end ? at + name.n : end; at < end; at++) {
        if (*at == ':') {
            *sum += strtoull(at + 1, NULL, 10);
        }
    }
    return end != NULL;
}

static void on_open(void *ctx, struct wsconn *c)
{
    (void)ctx;
    wsconn_send(c, SP_STR("{\"type\":\"stats\"}"));
}

static void on_message(void *ctx, struct wsconn *c, char *p, size_t n)
{
    struct asking *a = ctx;
    struct sp_str m = {p, n};
    struct sp_str code = text_member(m, SP_STR("\"code\":\""));

    (void)c;
    a->over = true;
    a->ok = object_sum(m, SP_STR("\"relayed\":{"), &a->out->relayed) &&
            object_sum(m, SP_STR("\"errors\":{"), &a->out->errors);
    snprintf(a->why, a->cap, "%.*s", code.n < 64 ? (int)code.n : 64, code.p ? code.p : "");
}

static void on_closed(void *ctx, struct wsconn *c, const struct wsconn_closed *closed)
{
    struct asking *a = ctx;

    (void)c;
    a->over = true;
    snprintf(a->why, a->cap, "%s", closed->reason);
}

static bool by_stats(const struct bench *b, struct server_counters *out, char *why, size_t cap)
{
    static const struct wsconn_ops ops = {on_open, on_message, on_closed, NULL};
    struct asking a = {.out = out, .why = why, .cap = cap};
    struct wsconn *c = wsconn_new(&ops, &a);
    int64_t end = bench_now() + timeout_us(b) * NS_PER_US;

    snprintf(why, cap, "no answer to stats");
    if (!c) {
        return false;
    }
    wsconn_set_tls(c, b->tls);
    a.over = !wsconn_start(c, &b->url, sp_str(b->headers), NULL, 0);
    for (int64_t now; !a.over && (now = bench_now()) < end;) {
        struct pollfd p = {.fd = wsconn_fd(c), .events = wsconn_events(c)};
        if (poll(&p, 1, (int)((end - now) / 1000000) + 1) > 0) {
            wsconn_io(c, p.revents);
        }
    }
    if (!a.over || a.ok) {
        wsconn_close(c, 1000, "");
    }
    wsconn_free(c);
    return a.ok;
}

bool counters_read(const struct bench *b, struct server_counters *out, char *why, size_t cap)
{
    return (b->conf.server_metrics ? by_http : by_stats)(b, out, why, cap);
}

/* --- the comparison -------------------------------------------------------------------------- */

static bool read_for(struct bench *b, struct server_counters *out)
{
    char why[256];

    out->ok = counters_read(b, out, why, sizeof(why));
    if (!out->ok && b->conf.server_metrics) {
        out_fail(EXIT_DATA, NULL, "%s", why);
        return false;
    }
    return true;
}

bool counters_begin(struct bench *b)
{
    return !b->check || read_for(b, &b->server_began);
}

bool counters_compare(struct bench *b)
{
    const struct server_counters *from = &b->server_began;
    struct server_counters to = {0};

    if (!b->check || !from->ok) {
        return true;
    }
    if (!read_for(b, &to)) {
        return false;
    }
    if (to.ok) {
        check_counters(b->check, to.relayed - from->relayed,
                       b->counts.connect_failed ? UINT64_MAX : to.errors - from->errors);
    }
    return true;
}
