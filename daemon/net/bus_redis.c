/* SPDX-License-Identifier: MIT
 * The pair of connections to Redis: one is subscribed, and such a one cannot publish. They come and
 * go together; after a loss they are tried anew, at growing intervals. */
#include "daemon/net/bus_in.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#define OPEN_MS    2000u /* from connect to a probe that came back */
#define RESOLVE_MS 5000u
#define WAIT_MIN   100u
#define WAIT_MAX   2000u

struct redis_look {
    uv_getaddrinfo_t req;
    struct redis *owner; /* NULL: nobody waits for it any more */
};

/* ---------------------------------------------------------------- replies */

/* Servers may repeat in an error what they did not understand. */
static void lose_to_error(struct redis *r, const redisReply *reply)
{
    char why[BUS_WHY];
    bool secret = r->url.pass[0] && strstr(reply->str, r->url.pass);
    size_t n = secret ? strcspn(reply->str, " ") : reply->len;
    if (secret && n > 16) {
        n = 0;
    }
    snprintf(why, sizeof(why), "Redis says: %.*s", (int)(n < 120 ? n : 120), reply->str);
    bus_on_lost(r, why);
}

static void begin_if_ready(struct redis *r)
{
    if (r->state == PAIR_OPENING && r->pub_open && r->pub_greets == 0 && r->subscribed == 2) {
        r->state = PAIR_SUBSCRIBED;
        bus_on_subscribed(r);
    }
}

static void on_pub_reply(struct redis *r, const redisReply *reply)
{
    if (r->pub_greets && reply->type == REDIS_REPLY_STATUS) {
        r->pub_greets--;
        begin_if_ready(r);
    } else if (!r->pub_greets && reply->type == REDIS_REPLY_INTEGER) {
        bus_on_published(r, reply->integer);
    } else {
        bus_on_lost(r, "an answer to something that was not asked");
    }
}

static bool is_text(const redisReply *r, const char *text)
{
    return sp_str_eq((struct sp_str){r->str, r->len}, sp_str(text));
}

static void on_sub_array(struct redis *r, redisReply *const *v)
{
    if (is_text(v[0], "message") && v[2]->type == REDIS_REPLY_STRING) {
        bus_on_message(r, (struct sp_str){v[1]->str, v[1]->len}, v[2]->str, v[2]->len);
    } else if (is_text(v[0], "subscribe") && r->subscribed < 2) {
        r->subscribed++;
        begin_if_ready(r);
    } else {
        bus_on_lost(r, "an answer to something that was not asked");
    }
}

static void on_sub_reply(struct redis *r, const redisReply *reply)
{
    if (r->sub_greets && reply->type == REDIS_REPLY_STATUS) {
        r->sub_greets--;
    } else if (!r->sub_greets && reply->type == REDIS_REPLY_ARRAY && reply->elements == 3 &&
               reply->element[0]->type == REDIS_REPLY_STRING &&
               reply->element[1]->type == REDIS_REPLY_STRING) {
        on_sub_array(r, reply->element);
    } else {
        bus_on_lost(r, "an answer to something that was not asked");
    }
}

static void on_reply(void *ctx, struct bus_conn *c, const redisReply *reply)
{
    struct redis *r = ctx;
    if (reply->type == REDIS_REPLY_ERROR) {
        lose_to_error(r, reply);
    } else if (c == r->pub) {
        on_pub_reply(r, reply);
    } else {
        on_sub_reply(r, reply);
    }
}

/* ---------------------------------------------------------------- begin */

static bool put_greets(const struct redis *r, struct bus_conn *c, unsigned *greets)
{
    const struct bus_url *u = &r->url;
    size_t nuser = strlen(u->user), npass = strlen(u->pass);
    bool ok = true;
    *greets = (npass > 0 ? 1u : 0u) + (u->db > 0 ? 1u : 0u);
    if (nuser) {
        ok = bus_conn_put(c, "AUTH %b %b", u->user, nuser, u->pass, npass);
    } else if (npass) {
        ok = bus_conn_put(c, "AUTH %b", u->pass, npass);
    }
    if (u->db) {
        ok = ok && bus_conn_put(c, "SELECT %u", u->db);
    }
    return ok;
}

static void on_opened(void *ctx, struct bus_conn *c)
{
    struct redis *r = ctx;
    bool ok;
    if (c == r->pub) {
        r->pub_open = true;
        ok = put_greets(r, c, &r->pub_greets);
    } else {
        ok = put_greets(r, c, &r->sub_greets) &&
             bus_conn_put(c, "SUBSCRIBE %b %b", r->channels[0], strlen(r->channels[0]),
                          r->channels[1], strlen(r->channels[1]));
    }
    if (!ok) {
        bus_on_lost(r, "out of memory");
        return;
    }
    begin_if_ready(r);
}

static void on_conn_lost(void *ctx, struct bus_conn *c, const char *why)
{
    (void)c;
    bus_on_lost(ctx, why);
}

static const struct bus_conn_hooks hooks = {
    .opened = on_opened, .reply = on_reply, .lost = on_conn_lost};

static void open_pair(struct redis *r)
{
    char why[BUS_WHY];
    const struct redis_address *a = &r->addresses[r->turn % r->naddresses];
    const struct sockaddr *sa = (const struct sockaddr *)&a->sa;
    r->state = PAIR_OPENING;
    r->due_ms = bus_clock_ms() + OPEN_MS;
    r->subscribed = 0;
    r->pub_open = false;
    r->sub = bus_conn_open(r->loop, sa, a->len, &hooks, r, why, sizeof(why));
    r->pub = r->sub ? bus_conn_open(r->loop, sa, a->len, &hooks, r, why, sizeof(why)) : NULL;
    if (!r->pub) {
        bus_on_lost(r, why);
    }
}

/* ---------------------------------------------------------------- addresses */

static void take_addresses(struct redis *r, const struct addrinfo *list)
{
    r->naddresses = 0;
    for (; list && r->naddresses < REDIS_ADDRESSES; list = list->ai_next) {
        struct redis_address *a = &r->addresses[r->naddresses++];
        memcpy(&a->sa, list->ai_addr, list->ai_addrlen);
        a->len = list->ai_addrlen;
    }
}

static void on_looked_up(uv_getaddrinfo_t *req, int status, struct addrinfo *list)
{
    struct redis_look *look = req->data;
    struct redis *r = look->owner;
    char why[BUS_WHY];
    free(look);
    if (r) {
        r->look = NULL;
    }
    if (r && r->state == PAIR_RESOLVING) {
        take_addresses(r, status == 0 ? list : NULL);
        if (r->naddresses) {
            open_pair(r);
        } else {
            snprintf(why, sizeof(why), "host not found: %s", uv_strerror(status));
            bus_on_lost(r, why);
        }
    }
    uv_freeaddrinfo(list);
}

static const struct addrinfo stream = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};

/* In a thread of libuv's, which cannot be stopped: only one at a time. */
static void look_up(struct redis *r)
{
    r->state = PAIR_RESOLVING;
    r->due_ms = bus_clock_ms() + RESOLVE_MS;
    if (r->look) {
        return;
    }
    r->look = calloc(1, sizeof(*r->look));
    if (r->look) {
        r->look->req.data = r->look;
        r->look->owner = r;
        if (uv_getaddrinfo(r->loop, &r->look->req, on_looked_up, r->url.host, r->url.port,
                           &stream) == 0) {
            return;
        }
        free(r->look);
        r->look = NULL;
    }
    bus_on_lost(r, "cannot look the host up");
}

static bool is_numeric(struct redis *r)
{
    struct addrinfo hints = stream, *list;
    hints.ai_flags |= AI_NUMERICHOST;
    if (getaddrinfo(r->url.host, r->url.port, &hints, &list) != 0) {
        return false;
    }
    take_addresses(r, list);
    freeaddrinfo(list);
    return true;
}

static void take_path(struct redis *r)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    memcpy(un.sun_path, r->url.path, sizeof(un.sun_path));
    memcpy(&r->addresses[0].sa, &un, sizeof(un));
    r->addresses[0].len = sizeof(un);
    r->naddresses = 1;
}

static void begin(struct redis *r)
{
    if (!r->url.host[0]) {
        take_path(r);
    } else if (!is_numeric(r)) {
        look_up(r);
        return;
    }
    open_pair(r);
}

/* ---------------------------------------------------------------- life */

void redis_init(struct redis *r, uv_loop_t *loop, struct sp_str node)
{
    r->loop = loop;
    r->wait_ms = WAIT_MIN;
    snprintf(r->channels[0], sizeof(r->channels[0]), "%s", BUS_ALL);
    snprintf(r->channels[1], sizeof(r->channels[1]), "%s%.*s", BUS_NODE, (int)node.n, node.p);
}

void redis_tick(struct redis *r, uint64_t now_ms)
{
    if (now_ms < r->due_ms) {
        return;
    }
    switch (r->state) {
    case PAIR_WAITING:
        begin(r);
        break;
    case PAIR_RESOLVING:
        bus_on_lost(r, "its name is being looked up for too long");
        break;
    case PAIR_OPENING:
        bus_on_lost(r, "no answer in time");
        break;
    case PAIR_SUBSCRIBED:
        bus_on_lost(r, "what is published does not come back");
        break;
    case PAIR_CLOSED:
        break;
    }
}

/* Between half of it and all, so that nodes do not come at once. */
static unsigned jittered(unsigned ms)
{
    uint32_t x = 0;
    if (getrandom(&x, sizeof(x), GRND_NONBLOCK) != (ssize_t)sizeof(x)) {
        x = (uint32_t)uv_hrtime();
    }
    return ms / 2 + x % (ms / 2 + 1);
}

static void close_pair(struct redis *r, bool flush)
{
    if (r->sub) {
        bus_conn_close(r->sub, false);
    }
    if (r->pub) {
        bus_conn_close(r->pub, flush);
    }
    r->sub = r->pub = NULL;
}

void redis_drop(struct redis *r)
{
    close_pair(r, false);
    r->state = PAIR_WAITING;
    r->due_ms = bus_clock_ms() + jittered(r->wait_ms);
    r->wait_ms = r->wait_ms * 2 < WAIT_MAX ? r->wait_ms * 2 : WAIT_MAX;
    r->turn++;
}

void redis_settled(struct redis *r)
{
    r->wait_ms = WAIT_MIN;
    r->due_ms = UINT64_MAX;
}

void redis_close(struct redis *r)
{
    close_pair(r, true);
    r->state = PAIR_CLOSED;
    if (r->look) {
        r->look->owner = NULL;
        uv_cancel((uv_req_t *)&r->look->req);
        r->look = NULL;
    }
    explicit_bzero(&r->url, sizeof(r->url));
}
