/* SPDX-License-Identifier: MIT
 * HTTP: the checks before an upgrade, polite refusals, and the health document. */
#include "daemon/net/priv.h"

#include <malloc.h>
#include <stdio.h>
#include <unistd.h>

#define RETRY_AFTER_S 5

static uint64_t rss_bytes(void)
{
    unsigned long long total = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    if (f) {
        if (fscanf(f, "%llu %llu", &total, &resident) != 2) {
            resident = 0;
        }
        fclose(f);
    }
    return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void put_health(struct conn *c, struct sp_buf *b)
{
    struct net *n = c->net;
    struct mallinfo2 heap = mallinfo2();
    struct sp_json j;
    sp_json_init(&j, b);
    sp_json_object(&j, NULL);
    sp_json_str(&j, "status", SP_STR("healthy"));
    sp_json_int(&j, "clients", hub_clients(n->hub));
    sp_json_int(&j, "uptime", (int64_t)((net_now(n).mono_us - n->started_us) / 1000000));
    sp_json_object(&j, "memory");
    sp_json_int(&j, "rss", (int64_t)rss_bytes());
    sp_json_int(&j, "heapTotal", (int64_t)(heap.arena + heap.hblkhd));
    sp_json_int(&j, "heapUsed", (int64_t)(heap.uordblks + heap.hblkhd));
    sp_json_end(&j, '}');
    sp_json_str(&j, "version", sp_str(SIGKIT_VERSION));
    sp_json_str(&j, "node", sp_str(n->conf.node));
    sp_json_int(&j, "connections", hub_connections(n->hub));
    sp_json_int(&j, "sessions", hub_sessions(n->hub));
    sp_json_array(&j, "degraded");
    sp_json_end(&j, ']');
    sp_json_end(&j, '}');
    sp_buf_lit(b, "\n");
}

/* Writes a whole answer and lets go of the connection. libwebsockets would keep it alive and, on a
 * second request with an unknown Upgrade, read freed memory: so it always says close, and means it.
 */
static void answer(struct conn *c, const char *status, const char *headers, struct sp_str type,
                   struct sp_str body)
{
    char raw[LWS_PRE + 2048];
    char *text = raw + LWS_PRE;
    bool head = lws_hdr_total_length(c->wsi, WSI_TOKEN_HEAD_URI) > 0;
    int n = snprintf(text, sizeof(raw) - LWS_PRE,
                     "HTTP/1.1 %s\r\nConnection: close\r\n%sContent-Type: %.*s\r\n"
                     "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
                     "Content-Length: %zu\r\n\r\n%.*s",
                     status, headers, (int)type.n, type.p, body.n, head ? 0 : (int)body.n, body.p);
    if (n > 0 && (size_t)n < sizeof(raw) - LWS_PRE) {
        lws_write(c->wsi, (unsigned char *)text, (size_t)n, LWS_WRITE_HTTP_HEADERS);
    }
    ws_doom(c, 0, NULL);
}

static void refuse(struct conn *c, const char *status, const char *headers, const char *body)
{
    answer(c, status, headers, SP_STR("text/plain; charset=utf-8"), sp_str(body));
}

static bool header_is(struct lws *wsi, enum lws_token_indexes token, const char *want)
{
    char v[32];
    return lws_hdr_copy(wsi, v, sizeof(v), token) > 0 && strcasecmp(v, want) == 0;
}

int http_confirm(struct conn *c)
{
    struct lws *wsi = c->wsi;
    /* with an Upgrade that libwebsockets does not know, it has answered and freed the headers by
     * now: nothing but the length may be looked at, and the callback's `in` points to freed memory
     */
    if (lws_hdr_total_length(wsi, WSI_TOKEN_UPGRADE) == 0) {
        return -1;
    }
    if (c->health) {
        refuse(c, "400 Bad Request", "", "no WebSocket here\n");
    } else if (lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) == 0) {
        refuse(c, "405 Method Not Allowed", "Allow: GET\r\n", "GET upgrades\n");
    } else if (lws_hdr_total_length(wsi, WSI_TOKEN_PROTOCOL) > 0) {
        refuse(c, "400 Bad Request", "", "no subprotocols here\n");
    } else if (!header_is(wsi, WSI_TOKEN_UPGRADE, "websocket")) {
        refuse(c, "400 Bad Request", "", "only websocket upgrades\n");
    } else if (!header_is(wsi, WSI_TOKEN_VERSION, "13")) {
        refuse(c, "426 Upgrade Required", "Sec-WebSocket-Version: 13\r\n",
               "WebSocket version 13 only\n");
    } else if (lws_hdr_total_length(wsi, WSI_TOKEN_CONNECTION) == 0) {
        refuse(c, "400 Bad Request", "", "no Connection: Upgrade\n");
    } else if (lws_hdr_total_length(wsi, WSI_TOKEN_KEY) != 24) {
        refuse(c, "400 Bad Request", "", "bad Sec-WebSocket-Key\n");
    } else if (c->net->stopping || hub_connections(c->net->hub) >= c->net->conf.max_clients) {
        char retry[48];
        snprintf(retry, sizeof(retry), "Retry-After: %d\r\n", RETRY_AFTER_S);
        refuse(c, "503 Service Unavailable", retry, "too many clients\n");
    } else {
        /* whoever speaks for others (a proxy) or is told to by a page (a browser) is not local */
        c->forwarded = lws_hdr_total_length(wsi, WSI_TOKEN_X_FORWARDED_FOR) > 0 ||
                       lws_hdr_total_length(wsi, WSI_TOKEN_ORIGIN) > 0;
        return 0;
    }
    return 1;
}

void http_request(struct conn *c, const char *path)
{
    if (!c->health) {
        refuse(c, "426 Upgrade Required", "Upgrade: websocket\r\n", "this is a WebSocket server\n");
    } else if (lws_hdr_total_length(c->wsi, WSI_TOKEN_GET_URI) == 0 &&
               lws_hdr_total_length(c->wsi, WSI_TOKEN_HEAD_URI) == 0) {
        refuse(c, "405 Method Not Allowed", "Allow: GET, HEAD\r\n", "GET or HEAD\n");
    } else if (strcmp(path, "/health") != 0) {
        refuse(c, "404 Not Found", "", "try /health\n");
    } else {
        char body[1024];
        struct sp_buf b;
        sp_buf_init(&b, body, sizeof(body));
        put_health(c, &b);
        answer(c, "200 OK", "", SP_STR("application/json"), sp_buf_view(&b));
    }
}
