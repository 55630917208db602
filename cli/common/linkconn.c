/* SPDX-License-Identifier: MIT
 * Connecting with patience: token and TLS files, attempts, back-off, coming back after a loss. */
#include "cli/common/link_in.h"
#include "cli/common/out.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#define BACKOFF_FIRST_US 50000
#define BACKOFF_MOST_US  5000000

static void trim(char *s)
{
    s[strcspn(s, "\r\n")] = '\0';
}

/* The token travels in a header, so that it appears in no trace and no message. */
bool link_load_token(struct link *l)
{
    char token[LINK_TOKEN_MAX + 2] = "";
    const char *path = l->o->token_file;
    if (path) {
        FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
        if (!f || !fgets(token, sizeof(token), f)) {
            out_fail(EXIT_DATA, NULL, "cannot read a token from %s%s%s", path, f ? "" : ": ",
                     f ? "" : strerror(errno));
            return false;
        }
        if (f != stdin) {
            fclose(f);
        }
        trim(token);
    } else if (l->o->token) {
        snprintf(token, sizeof(token), "%s", l->o->token);
    }
    if (strlen(token) > LINK_TOKEN_MAX || strpbrk(token, " \r\n\t")) {
        out_fail(EXIT_DATA, NULL, "the token is not one word of at most %d bytes", LINK_TOKEN_MAX);
        return false;
    }
    if (token[0]) {
        snprintf(l->headers, sizeof(l->headers), "Authorization: Bearer %s\r\n", token);
    }
    return true;
}

bool link_load_tls(struct link *l)
{
    const struct link_opts *o = l->o;
    struct wsconn_tls_conf conf = {o->cacert, o->cert, o->key, o->sni, o->insecure};
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

int link_explain_closed(struct link *l)
{
    const struct wsconn_closed *c = &l->closed;
    switch (c->end) {
    case WSCONN_END_CONNECT:
        return link_set_why(l, EXIT_CONNECT, "cannot connect to %s: %s", l->o->url, c->reason);
    case WSCONN_END_TLS:
        return link_set_why(l, EXIT_REFUSED_AUTH, "TLS with %s: %s", l->o->url, c->reason);
    case WSCONN_END_HTTP:
        return link_set_why(l, c->code == 401 || c->code == 403 ? EXIT_REFUSED_AUTH : EXIT_REFUSED,
                            "the server answered HTTP status %u", c->code);
    case WSCONN_END_CLOSE:
        return link_set_why(l,
                            strcmp(c->reason, "Unauthorized") == 0 || c->code == SP_CLOSE_TOKEN
                                ? EXIT_REFUSED_AUTH
                                : EXIT_LOST,
                            "connection closed by the server: %u %s", c->code, c->reason);
    case WSCONN_END_LOST:
        return link_set_why(l, EXIT_LOST, "connection lost: %s", c->reason);
    case WSCONN_END_PROTOCOL:
        return link_set_why(l, EXIT_LOST, "protocol error: %s", c->reason);
    }
    return EXIT_LOST;
}

static int attempt(struct link *l)
{
    char why[256];
    bool usage = false;
    int64_t limit = l->o->timeout_us > 0 ? l->o->timeout_us : LINK_HANDSHAKE_US;
    int64_t deadline = link_deadline(limit < LINK_HANDSHAKE_US ? limit : LINK_HANDSHAKE_US);
    if (!l->resolved && !wsurl_parse(&l->url, l->o->url, &usage, why, sizeof(why))) {
        return link_set_why(l, usage ? EXIT_USAGE : EXIT_CONNECT, "%s", why);
    }
    l->resolved = true;
    l->goaway_us = -1;
    if (!wsconn_start(l->ws, &l->url, sp_str(l->headers), NULL, 0)) {
        return link_set_why(l, EXIT_CONNECT, "cannot connect to %s: %s", l->o->url,
                            strerror(errno));
    }
    while (wsconn_state(l->ws) != WSCONN_OPEN) {
        if (wsconn_state(l->ws) == WSCONN_CLOSED || wsconn_state(l->ws) == WSCONN_IDLE) {
            return link_explain_closed(l);
        }
        if (link_mono_us() >= deadline) {
            wsconn_abort(l->ws);
            return link_set_why(l, EXIT_TIMEOUT, "%s does not answer", l->o->url);
        }
        int status = link_step(l, deadline);
        if (status) {
            wsconn_abort(l->ws);
            return status;
        }
    }
    return 0;
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

static bool may_come_later(int status)
{
    return status == EXIT_CONNECT || status == EXIT_LOST || status == EXIT_TIMEOUT ||
           status == EXIT_REFUSED;
}

int link_open(struct link *l)
{
    int64_t give_up = l->o->wait_server_us > 0 ? link_deadline(l->o->wait_server_us) : 0;
    int64_t left = l->o->retry, delay = BACKOFF_FIRST_US;
    if (link_is_open(l)) {
        return 0;
    }
    for (;;) {
        int status = attempt(l);
        if (!may_come_later(status)) {
            return status;
        }
        int64_t now = link_mono_us();
        if (now >= give_up && left-- <= 0) {
            return status;
        }
        int64_t next = now + jittered(delay);
        struct link_fail first = l->why;
        status = link_rest(l, give_up > now && next > give_up ? give_up : next, NULL, NULL);
        if (status) {
            return status;
        }
        l->why = first;
        delay = delay * 2 < BACKOFF_MOST_US ? delay * 2 : BACKOFF_MOST_US;
    }
}

static bool may_return(const struct link *l)
{
    return l->closed.end != WSCONN_END_CLOSE ||
           (l->closed.code != SP_CLOSE_POLICY && (l->closed.code < 4500 || l->closed.code > 4999));
}

int link_recover(struct link *l, link_done_fn done, void *ctx, int64_t deadline)
{
    int64_t left = l->o->retry >= 0 ? l->o->retry : OPT_NEVER;
    int64_t delay = BACKOFF_FIRST_US;
    int status = link_explain_closed(l);
    if (!may_return(l)) {
        return status;
    }
    for (; left > 0; left--) {
        struct link_fail why = l->why;
        int64_t next = link_deadline(l->goaway_us >= 0 ? l->goaway_us : jittered(delay));
        int end = link_rest(l, next < deadline ? next : deadline, done, ctx);
        if (end || (done && done(ctx))) {
            return end;
        }
        l->why = why;
        if (link_mono_us() >= deadline) {
            return link_set_why(l, EXIT_TIMEOUT, "timed out while the server was away");
        }
        status = attempt(l);
        if (status == 0 && l->who.id) {
            status = link_register(l, &l->who, link_deadline(LINK_HANDSHAKE_US));
        }
        if (!may_come_later(status)) {
            return status;
        }
        wsconn_abort(l->ws);
        delay = delay * 2 < BACKOFF_MOST_US ? delay * 2 : BACKOFF_MOST_US;
    }
    return status;
}
