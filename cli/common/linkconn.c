/* SPDX-License-Identifier: MIT
 * Connecting with patience: TLS files, attempts, back-off, coming back after a loss. */
#include "cli/common/link_in.h"
#include "cli/common/out.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#define BACKOFF_FIRST_US 50000
#define BACKOFF_MOST_US  5000000

bool link_load_tls(struct link *l)
{
    const struct link_opts *o = l->o;
    struct wsconn_tls_conf conf = {.cacert = o->cacert,
                                   .cert = o->cert,
                                   .key = o->key,
                                   .sni = o->sni,
                                   .insecure = o->insecure};
    char why[256];
    if (!o->cacert && !o->cert && !o->key && !o->sni && !o->insecure) {
        return true;
    }
    l->tls = wsconn_tls_new(&conf, why, sizeof(why));
    if (!l->tls) {
        out_fail(EXIT_DATA, NULL, "%s", why);
        return false;
    }
    wsconn_set_tls(l->ws, l->tls);
    return true;
}

/* A server that is full, or that has heard too much from here, says when to try again. */
static int explain_http(struct link *l, const struct wsconn_closed *c)
{
    bool refused = c->code == 401 || c->code == 403, later = c->code == 429 || c->code == 503;
    char advice[48] = "";
    if (later && c->retry_after_s > 0) {
        snprintf(advice, sizeof(advice), ", try again in %u s", c->retry_after_s);
    }
    int status = link_set_why(l,
                              refused ? EXIT_REFUSED_AUTH
                              : later ? EXIT_CONNECT
                                      : EXIT_REFUSED,
                              "the server answered HTTP status %s%s", c->reason, advice);
    if (advice[0]) {
        l->why.retry_us = (int64_t)c->retry_after_s * 1000000;
    }
    return status;
}

static int explain_close(struct link *l, const struct wsconn_closed *c)
{
    bool refused = strcmp(c->reason, "Unauthorized") == 0 || c->code == SP_CLOSE_TOKEN;
    if (l->renewing) {
        return link_set_why(l, EXIT_LOST, "the server needs the new token");
    }
    return link_set_why(l, refused ? EXIT_REFUSED_AUTH : EXIT_LOST,
                        "%sconnection closed by the server: %u %s",
                        l->goaway_us >= 0 ? "the server is draining: " : "", c->code, c->reason);
}

int link_explain_closed(struct link *l)
{
    const struct wsconn_closed *c = &l->closed;
    switch (c->end) {
    case WSCONN_END_CONNECT:
        return link_set_why(l, EXIT_CONNECT, "cannot connect to %s: %s", l->shown, c->reason);
    case WSCONN_END_TLS:
        return link_set_why(l, EXIT_REFUSED_AUTH, "TLS with %s: %s", l->shown, c->reason);
    case WSCONN_END_HTTP:
        return explain_http(l, c);
    case WSCONN_END_CLOSE:
        return explain_close(l, c);
    case WSCONN_END_LOST:
        return link_set_why(l, EXIT_LOST, "connection lost: %s", c->reason);
    case WSCONN_END_PROTOCOL:
        return link_set_why(l, EXIT_LOST, "protocol error: %s", c->reason);
    }
    return EXIT_LOST;
}

static int begin(struct link *l)
{
    char why[256], headers[BEARER_HEADER_MAX];
    bool usage = false;
    if (!l->resolved && !wsurl_parse(&l->url, l->o->url, &usage, why, sizeof(why))) {
        return link_set_why(l, usage ? EXIT_USAGE : EXIT_CONNECT, "%s", why);
    }
    l->resolved = true;
    l->goaway_us = -1;
    l->stale = l->renewing = false;
    bearer_reload(&l->bearer);
    link_plan_renewal(l);
    bearer_header(&l->bearer, headers);
    bool ok = wsconn_start(l->ws, &l->url, sp_str(headers), NULL, 0);
    int err = errno;
    explicit_bzero(headers, sizeof(headers));
    return ok ? 0
              : link_set_why(l, EXIT_CONNECT, "cannot connect to %s: %s", l->shown, strerror(err));
}

int link_try(struct link *l)
{
    int64_t limit = l->o->timeout_us > 0 ? l->o->timeout_us : LINK_HANDSHAKE_US;
    int64_t deadline = link_deadline(limit < LINK_HANDSHAKE_US ? limit : LINK_HANDSHAKE_US);
    int status = begin(l);
    while (status == 0 && wsconn_state(l->ws) != WSCONN_OPEN) {
        if (wsconn_state(l->ws) == WSCONN_CLOSED || wsconn_state(l->ws) == WSCONN_IDLE) {
            return link_explain_closed(l);
        }
        if (link_mono_us() >= deadline) {
            wsconn_abort(l->ws);
            return link_set_why(l, EXIT_TIMEOUT, "%s does not answer", l->shown);
        }
        status = link_step(l, deadline);
        if (status) {
            wsconn_abort(l->ws);
        }
    }
    return status;
}

/* Half of the delay is fixed and half is chance, so that many clients do not come back at once. */
static int64_t jittered(int64_t us)
{
    uint32_t r = 0;
    if (getrandom(&r, sizeof(r), 0) != (ssize_t)sizeof(r)) {
        r = (uint32_t)link_mono_us();
    }
    return us / 2 + (int64_t)((double)us / 2 * r / UINT32_MAX);
}

/* No sooner than the server advises. */
static int64_t pause_of(const struct link *l, int64_t delay)
{
    int64_t advice = l->why.retry_us;
    return advice >= 0 ? advice + jittered(advice / 4) : jittered(delay);
}

static bool may_come_later(const struct link *l, int status)
{
    bool for_good = l->why.err != SP_OK && !sp_err_retryable(l->why.err);
    return status == EXIT_CONNECT || status == EXIT_LOST || status == EXIT_TIMEOUT ||
           (status == EXIT_REFUSED && !for_good);
}

int link_open(struct link *l)
{
    int64_t give_up = l->o->wait_server_us > 0 ? link_deadline(l->o->wait_server_us) : 0;
    int64_t left = l->o->retry, delay = BACKOFF_FIRST_US;
    if (link_is_open(l)) {
        return 0;
    }
    for (;;) {
        int status = link_try(l);
        if (!may_come_later(l, status)) {
            return status;
        }
        int64_t now = link_mono_us(), next = now + pause_of(l, delay);
        bool too_late = now >= give_up || (l->why.retry_us >= 0 && next > give_up);
        if (too_late && left-- <= 0) {
            return status;
        }
        struct link_fail first = l->why;
        status = link_rest(l, !too_late && next > give_up ? give_up : next, NULL, NULL);
        if (status) {
            return status;
        }
        l->why = first;
        delay = delay * 2 < BACKOFF_MOST_US ? delay * 2 : BACKOFF_MOST_US;
    }
}

/* A token that has ended is no reason to stay away when there is a new one. */
static bool may_return(struct link *l)
{
    const struct wsconn_closed *c = &l->closed;
    if (c->end == WSCONN_END_CLOSE && c->code == SP_CLOSE_TOKEN) {
        return bearer_reload(&l->bearer);
    }
    return c->end != WSCONN_END_CLOSE ||
           (c->code != SP_CLOSE_POLICY && (c->code < 4500 || c->code > 4999));
}

static bool was_open(const struct link *l)
{
    return l->closed.end == WSCONN_END_CLOSE || l->closed.end == WSCONN_END_LOST ||
           l->closed.end == WSCONN_END_PROTOCOL;
}

static void remark_loss(struct link *l)
{
    char text[96];
    int64_t left = l->goaway_us - link_mono_us();
    if (l->goaway_us >= 0) {
        snprintf(text, sizeof(text), "the server is draining, coming back in %.1f s",
                 left > 0 ? (double)left / 1e6 : 0.0);
        link_remark(l, text);
    } else if (was_open(l)) {
        link_remark(l, l->why.text);
    }
}

static int64_t first_return(const struct link *l)
{
    if (l->goaway_us >= 0 || l->renewing) {
        return l->renewing ? 0 : l->goaway_us;
    }
    return link_deadline(pause_of(l, BACKOFF_FIRST_US));
}

static int come_back(struct link *l)
{
    int status = link_try(l);
    if (status == 0 && l->who.id) {
        status = link_register(l, &l->who, link_deadline(LINK_HANDSHAKE_US));
    }
    return status;
}

static int recover(struct link *l, link_done_fn done, void *ctx, int64_t deadline)
{
    int64_t left = l->o->retry >= 0 ? l->o->retry : OPT_NEVER;
    int64_t delay = BACKOFF_FIRST_US, next = first_return(l);
    int status = l->why.status;
    for (; left > 0; left--) {
        struct link_fail why = l->why;
        int end = link_rest(l, next < deadline ? next : deadline, done, ctx);
        if (end || (done && done(ctx))) {
            return end;
        }
        l->why = why;
        if (link_mono_us() >= deadline) {
            return link_set_why(l, EXIT_TIMEOUT, "timed out while the server was away");
        }
        status = come_back(l);
        if (!may_come_later(l, status)) {
            return status;
        }
        wsconn_abort(l->ws);
        delay = delay * 2 < BACKOFF_MOST_US ? delay * 2 : BACKOFF_MOST_US;
        next = link_deadline(pause_of(l, delay));
    }
    return status;
}

int link_recover(struct link *l, link_done_fn done, void *ctx, int64_t deadline)
{
    int status = link_explain_closed(l);
    if (l->o->retry == 0 || !may_return(l)) {
        return status;
    }
    remark_loss(l);
    l->recovering = true;
    status = recover(l, done, ctx, deadline);
    l->recovering = false;
    return status;
}
