/* SPDX-License-Identifier: MIT
 * What the files of the bus share. */
#ifndef NET_BUS_IN_H
#define NET_BUS_IN_H

#include "daemon/net/bus.h"
#include "daemon/net/bus_seal.h"

#include <hiredis/hiredis.h>
#include <sys/socket.h>
#include <sys/un.h>

#define BUS_WHY 200u

/* ---- bus_url.c */
struct bus_url {
    char host[256]; /* empty: path */
    char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
    char port[6];
    char user[128], pass[512]; /* empty: none */
    unsigned db;
};

bool bus_url_parse(struct bus_url *u, const char *text, char *why, size_t cap);

/* ---- bus_conn.c */
/* bus_conn is one connection to Redis. Its hooks may close it. */
struct bus_conn;

struct bus_conn_hooks {
    void (*opened)(void *ctx, struct bus_conn *c);
    void (*reply)(void *ctx, struct bus_conn *c, const redisReply *r);
    /* told once; the connection must be closed now */
    void (*lost)(void *ctx, struct bus_conn *c, const char *why);
};

/* bus_conn_open begins to connect. NULL with a sentence in why. */
struct bus_conn *bus_conn_open(uv_loop_t *loop, const struct sockaddr *sa, socklen_t len,
                               const struct bus_conn_hooks *hooks, void *ctx, char *why,
                               size_t cap);
/* bus_conn_put queues a command as redisFormatCommand makes it; it goes out before the loop waits.
 * False: out of memory. */
bool bus_conn_put(struct bus_conn *c, const char *format, ...);
size_t bus_conn_unsent(const struct bus_conn *c);
/* bus_conn_close tries once to send what is queued when flush is set; memory is freed in the loop.
 */
void bus_conn_close(struct bus_conn *c, bool flush);

/* ---- bus_redis.c */
enum pair_state { PAIR_WAITING, PAIR_RESOLVING, PAIR_OPENING, PAIR_SUBSCRIBED, PAIR_CLOSED };

#define REDIS_ADDRESSES 8u

struct redis_address {
    struct sockaddr_storage sa;
    socklen_t len;
};

/* redis_look is a name being looked up; it may outlive the attempt, and the bus. */
struct redis_look;

/* redis is the pair of connections, one to publish and one that is subscribed. */
struct redis {
    uv_loop_t *loop;
    struct bus_url url;
    char channels[2][BUS_CHANNEL_MAX + 1];
    enum pair_state state;
    struct bus_conn *pub, *sub;
    unsigned pub_greets, sub_greets, subscribed; /* replies to come; channels confirmed */
    bool pub_open;
    uint64_t due_ms; /* the next attempt, or the end of this one */
    unsigned wait_ms;
    struct redis_look *look;
    struct redis_address addresses[REDIS_ADDRESSES];
    unsigned naddresses, turn;
};

void redis_init(struct redis *r, uv_loop_t *loop, struct sp_str node);
/* redis_tick begins and gives up attempts. */
void redis_tick(struct redis *r, uint64_t now_ms);
/* redis_drop closes both connections and has the next attempt begin after a while. */
void redis_drop(struct redis *r);
/* redis_settled says that all works: the next loss is followed by a short pause only. */
void redis_settled(struct redis *r);
void redis_close(struct redis *r);

/* ---- bus.c, called by bus_redis.c; redis is embedded in the bus */
void bus_on_subscribed(struct redis *r);
void bus_on_published(struct redis *r, long long receivers);
void bus_on_message(struct redis *r, struct sp_str channel, const char *p, size_t n);
/* bus_on_lost: the pair is of no use any more, or an attempt has failed. */
void bus_on_lost(struct redis *r, const char *why);
uint64_t bus_clock_ms(void);

#endif
