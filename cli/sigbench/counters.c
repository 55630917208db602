/* SPDX-License-Identifier: MIT
 * Two ways to the same numbers: the Prometheus text of /metrics and the answer to stats. */
#include "cli/sigbench/counters.h"

#include "cli/common/out.h"
#include "cli/sigbench/check.h"
#include "cli/sigbench/scrape.h"
#include "cli/sigbench/text.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

static bool by_http(const struct bench *b, struct server_counters *out, char *why, size_t cap)
{
    char reason[SCRAPE_WHY];
    char *page = scrape_page(b, reason);
    bool ok = page && scrape_sum(page, "sigd_relays_total", 1, &out->relayed) &&
              scrape_sum(page, "sigd_errors_total", 1, &out->errors);

    if (page) {
        snprintf(reason, sizeof(reason), "%.100s does not answer with the counters of sigd",
                 b->conf.server_metrics);
    }
    snprintf(why, cap, "%s", reason);
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

static bool by_stats(const struct bench *b, const struct wsurl *url, struct server_counters *out,
                     char *why, size_t cap)
{
    static const struct wsconn_ops ops = {on_open, on_message, on_closed, NULL};
    struct asking a = {.out = out, .why = why, .cap = cap};
    struct wsconn *c = wsconn_new(&ops, &a);
    int64_t end = bench_now() + scrape_patience(b);

    snprintf(why, cap, "no answer to stats");
    if (!c) {
        return false;
    }
    wsconn_set_tls(c, b->tls);
    a.over = !wsconn_start(c, url, sp_str(b->headers), NULL, 0);
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
    bool ok =
        b->conf.server_metrics ? by_http(b, out, why, cap) : by_stats(b, &b->url, out, why, cap);
    /* each message counts at the node of its sender */
    for (unsigned i = 0; ok && i < b->conf.also.n; i++) {
        struct server_counters more = {0};
        ok = by_stats(b, &b->also[i], &more, why, cap);
        out->relayed += more.relayed;
        out->errors += more.errors;
    }
    return ok;
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
