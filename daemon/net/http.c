/* SPDX-License-Identifier: MIT
 * HTTP: the checks before an upgrade, polite refusals, and the documents of the health listener. */
#include "daemon/net/priv.h"

#include <malloc.h>
#include <stdio.h>

#define RETRY_AFTER_S 5
#define BODY_MAX      32768u /* /metrics has about 10 KB */

static const char *const status_lines[HTTP_COUNT] = {
#define HTTP_STATUS(id, code, words) [HTTP_##id] = #code " " words,
#include "daemon/net/tbl/http.h"
#undef HTTP_STATUS
};

/* Writes a whole answer and lets go of the connection. libwebsockets would keep it alive and, on a
 * second request with an unknown Upgrade, read freed memory: so it always says close, and means it.
 */
static void answer(struct conn *c, enum http_answer status, const char *headers, const char *type,
                   struct sp_str body)
{
    static char raw[LWS_PRE + BODY_MAX + 1024];
    char *text = raw + LWS_PRE;
    bool head = lws_hdr_total_length(c->wsi, WSI_TOKEN_HEAD_URI) > 0;
    int n = snprintf(text, sizeof(raw) - LWS_PRE,
                     "HTTP/1.1 %s\r\nConnection: close\r\n%s%sContent-Type: %s\r\n"
                     "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
                     "Content-Length: %zu\r\n\r\n%.*s",
                     status_lines[status], headers,
                     c->tls ? "Strict-Transport-Security: max-age=31536000\r\n" : "", type, body.n,
                     head ? 0 : (int)body.n, body.p);
    if (n > 0 && (size_t)n < sizeof(raw) - LWS_PRE) {
        lws_write(c->wsi, (unsigned char *)text, (size_t)n, LWS_WRITE_HTTP_HEADERS);
    }
    c->net->answers[status]++;
    ws_doom(c, 0, NULL);
}

static void refuse(struct conn *c, enum http_answer status, const char *headers, const char *body)
{
    answer(c, status, headers, "text/plain; charset=utf-8", sp_str(body));
}

/* ---------------------------------------------------------------- upgrades */

static bool has(const struct conn *c, enum lws_token_indexes token)
{
    return lws_hdr_total_length(c->wsi, token) > 0;
}

static bool header_is(const struct conn *c, enum lws_token_indexes token, const char *want)
{
    char v[32];
    return lws_hdr_copy(c->wsi, v, sizeof(v), token) > 0 && strcasecmp(v, want) == 0;
}

static bool is_health(struct conn *c)
{
    return c->health;
}

static bool is_no_get(struct conn *c)
{
    return !has(c, WSI_TOKEN_GET_URI);
}

static bool has_protocol(struct conn *c)
{
    return has(c, WSI_TOKEN_PROTOCOL);
}

static bool is_no_websocket(struct conn *c)
{
    return !header_is(c, WSI_TOKEN_UPGRADE, "websocket");
}

static bool is_other_version(struct conn *c)
{
    return !header_is(c, WSI_TOKEN_VERSION, "13");
}

static bool has_no_connection(struct conn *c)
{
    return !has(c, WSI_TOKEN_CONNECTION);
}

static bool has_bad_key(struct conn *c)
{
    return lws_hdr_total_length(c->wsi, WSI_TOKEN_KEY) != 24;
}

/* A header whose name is the beginning of one that libwebsockets knows, such as "X-Forwarded:",
 * makes it take the next line for part of that name: a client could hide the header that a proxy
 * adds behind its own. All that was read of the request stands in one block, zeroed at first, in
 * which `in` points somewhere. A line's end there is such a case. The offsets and lengths of
 * unknown headers, which stand there too, may look like one: offsets have zeroes before them, and a
 * value of exactly 3338 bytes is the price. */
static bool hides_headers(const void *in)
{
    const char *block = (const char *)((uintptr_t)in & ~(uintptr_t)(HEADER_BLOCK - 1));
    const char *end = block + HEADER_BLOCK, *p = block + 3;
    while ((p = memchr(p, '\n', (size_t)(end - p)))) {
        bool offset = p[-2] == '\0' && p[-3] == '\0';
        bool text = p[-2] != '\0' && p[-3] != '\0';
        if (p[-1] == '\r' ? !offset : (unsigned char)p[-1] >= ' ' && text) {
            return true;
        }
        p++;
    }
    return false;
}

static bool is_strange_origin(struct conn *c)
{
    char origin[512];
    if (!has(c, WSI_TOKEN_ORIGIN)) {
        return false;
    }
    int n = lws_hdr_copy(c->wsi, origin, sizeof(origin), WSI_TOKEN_ORIGIN);
    return n < 0 || !gate_origin(c->net->gate, (struct sp_str){origin, (size_t)n});
}

static bool comes_too_often(struct conn *c)
{
    return !admit_address(c);
}

static bool is_ending(struct conn *c)
{
    return c->net->stopping;
}

static bool is_withheld(struct conn *c)
{
    return c->net->withheld;
}

static bool is_full(struct conn *c)
{
    return c->net->nclients >= c->net->conf.max_clients;
}

/* In this order; comes_too_often finds out the address that the later ones are about. */
static const struct {
    bool (*is_bad)(struct conn *c);
    enum http_answer status;
    const char *headers, *body; /* headers NULL: Retry-After */
} checks[] = {
    {is_health, HTTP_BAD_REQUEST, "", "no WebSocket here\n"},
    {is_no_get, HTTP_BAD_METHOD, "Allow: GET\r\n", "GET upgrades\n"},
    {has_protocol, HTTP_BAD_REQUEST, "", "no subprotocols here\n"},
    {is_no_websocket, HTTP_BAD_REQUEST, "", "only websocket upgrades\n"},
    {is_other_version, HTTP_UPGRADE, "Sec-WebSocket-Version: 13\r\n",
     "WebSocket version 13 only\n"},
    {has_no_connection, HTTP_BAD_REQUEST, "", "no Connection: Upgrade\n"},
    {has_bad_key, HTTP_BAD_REQUEST, "", "bad Sec-WebSocket-Key\n"},
    {is_strange_origin, HTTP_FORBIDDEN, "", "this origin may not connect\n"},
    {comes_too_often, HTTP_TOO_MANY, NULL, "too many connections\n"},
    {is_ending, HTTP_UNAVAILABLE, NULL, "the server is shutting down\n"},
    {is_withheld, HTTP_UNAVAILABLE, NULL, "the audit log cannot be written\n"},
    {is_full, HTTP_UNAVAILABLE, NULL, "too many clients\n"},
};

/* headers NULL: Retry-After, with what the refusal found out or a guess. */
static void refuse_for(struct conn *c, enum http_answer status, const char *headers,
                       const char *body)
{
    char retry[48];
    snprintf(retry, sizeof(retry), "Retry-After: %d\r\n", c->retry_s ? c->retry_s : RETRY_AFTER_S);
    refuse(c, status, headers ? headers : retry, body);
}

int http_confirm(struct conn *c, const void *in)
{
    /* with an Upgrade that libwebsockets does not know, it has answered and freed the headers by
     * now: nothing but the length may be looked at, and the callback's `in` points to freed memory
     */
    if (!has(c, WSI_TOKEN_UPGRADE)) {
        return -1;
    }
    if (hides_headers(in)) {
        refuse(c, HTTP_BAD_REQUEST, "", "the beginning of a header's name\n");
        return 1;
    }
    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
        if (checks[i].is_bad(c)) {
            refuse_for(c, checks[i].status, checks[i].headers, checks[i].body);
            return 1;
        }
    }
    admit_token(c);
    if (!admit_penalty(c)) {
        refuse_for(c, HTTP_TOO_MANY, NULL, "too many failed authentications\n");
        return 1;
    }
    return 0;
}

/* ---------------------------------------------------------------- documents */

static bool audit_degraded(const struct net *n)
{
    struct net_audit a = {0};
    n->conf.hooks.audit(&a);
    return a.degraded;
}

static bool accept_degraded(const struct net *n)
{
    return n->out_of_fds;
}

static bool full_degraded(const struct net *n)
{
    return n->nclients >= n->conf.max_clients;
}

const struct net_degraded net_degraded[] = {
    {"audit", audit_degraded},
    {"cluster", nodes_degraded},
    {"descriptors", accept_degraded},
    {"max-clients", full_degraded},
    {NULL, NULL},
};

static const char *status_word(const struct net *n)
{
    bool degraded = false;
    for (const struct net_degraded *d = net_degraded; d->word; d++) {
        degraded = degraded || d->is_so(n);
    }
    return n->withheld ? "unhealthy" : n->stopping ? "draining" : degraded ? "degraded" : "healthy";
}

static enum http_answer put_health(struct net *n, struct sp_buf *b)
{
    struct mallinfo2 heap = mallinfo2();
    struct sp_json j;
    sp_json_init(&j, b);
    sp_json_object(&j, NULL);
    sp_json_str(&j, "status", sp_str(status_word(n)));
    sp_json_int(&j, "clients", hub_clients(n->hub));
    sp_json_int(&j, "uptime", (int64_t)((net_now(n).mono_us - n->started_us) / 1000000));
    sp_json_object(&j, "memory");
    sp_json_int(&j, "rss", (int64_t)metrics_rss());
    sp_json_int(&j, "heapTotal", (int64_t)(heap.arena + heap.hblkhd));
    sp_json_int(&j, "heapUsed", (int64_t)(heap.uordblks + heap.hblkhd));
    sp_json_end(&j, '}');
    sp_json_str(&j, "version", sp_str(SIGKIT_VERSION));
    sp_json_str(&j, "node", sp_str(n->conf.node));
    sp_json_int(&j, "connections", hub_connections(n->hub));
    sp_json_int(&j, "sessions", hub_sessions(n->hub));
    sp_json_array(&j, "degraded");
    for (const struct net_degraded *d = net_degraded; d->word; d++) {
        if (d->is_so(n)) {
            sp_json_str(&j, NULL, sp_str(d->word));
        }
    }
    sp_json_end(&j, ']');
    sp_json_end(&j, '}');
    sp_buf_lit(b, "\n");
    return n->withheld ? HTTP_UNAVAILABLE : HTTP_OK;
}

static enum http_answer put_ready(struct net *n, struct sp_buf *b)
{
    bool ready = !n->stopping && !n->withheld;
    sp_buf_str(b, ready ? SP_STR("ready\n") : sp_str(status_word(n)));
    return ready ? HTTP_OK : HTTP_UNAVAILABLE;
}

static enum http_answer put_metrics(struct net *n, struct sp_buf *b)
{
    metrics_put(n, b);
    return HTTP_OK;
}

static const struct {
    const char *path, *type;
    enum http_answer (*put)(struct net *n, struct sp_buf *b);
} documents[] = {
    {"/health", "application/json", put_health},
    {"/ready", "text/plain; charset=utf-8", put_ready},
    {"/metrics", "text/plain; version=0.0.4; charset=utf-8", put_metrics},
};

static bool is_host_ok(const struct conn *c)
{
    char host[300];
    int n = lws_hdr_copy(c->wsi, host, sizeof(host), WSI_TOKEN_HOST);
    return n > 0 && gate_host(c->net->gate, (struct sp_str){host, (size_t)n});
}

static void serve_document(struct conn *c, const char *path)
{
    static char body[BODY_MAX];
    struct sp_buf b;
    sp_buf_init(&b, body, sizeof(body));
    for (size_t i = 0; i < sizeof(documents) / sizeof(documents[0]); i++) {
        if (strcmp(path, documents[i].path) == 0) {
            enum http_answer status = documents[i].put(c->net, &b);
            answer(c, status, "", documents[i].type, sp_buf_view(&b));
            return;
        }
    }
    refuse(c, HTTP_NOT_FOUND, "", "try /health, /ready or /metrics\n");
}

void http_request(struct conn *c, const char *path)
{
    if (!c->health) {
        refuse(c, HTTP_UPGRADE, "Upgrade: websocket\r\n", "this is a WebSocket server\n");
    } else if (!has(c, WSI_TOKEN_GET_URI) && !has(c, WSI_TOKEN_HEAD_URI)) {
        refuse(c, HTTP_BAD_METHOD, "Allow: GET, HEAD\r\n", "GET or HEAD\n");
    } else if (!is_host_ok(c)) {
        refuse(c, HTTP_MISDIRECTED, "", "this name is not mine, see health-host\n");
    } else {
        serve_document(c, path);
    }
}
