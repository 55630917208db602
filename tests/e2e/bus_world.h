/* SPDX-License-Identifier: MIT
 * A redis-server in a directory of its own, nodes on the bus in one loop, and a watch over that
 * loop. */
#ifndef TESTS_E2E_BUS_WORLD_H
#define TESTS_E2E_BUS_WORLD_H

#include "daemon/net/bus.h"
#include "tests/lib/unit.h"

#include <hiredis/hiredis.h>
#include <sys/types.h>

#define LAG_MAX_MS 50.0

/* node counts what it is told. url and key are those of the world when NULL; in url "%u" is the
 * port of Redis, and a path behind "unix:" is in the world's directory. */
struct node {
    const char *url, *key;
    char name[32];
    struct bus *bus;
    bool up;
    unsigned sent, downs, heard, gaps, unheard;
    unsigned last, disorder; /* of the numbers at the end of messages */
    char last_unheard[32];
    uint64_t boot;
};

struct server {
    uv_pipe_t pipe;
    const char *says;
    unsigned served;
    bool open;
};

struct world {
    uv_loop_t loop;
    uv_timer_t watch;
    double watched_ms, waited_ms, lag_ms; /* last look, time without a CPU, worst */
    char dir[64];
    int stderr_fd;
    unsigned port;
    pid_t redis;
    redisContext *control, *recorder;
    struct server *server;
    struct node a, b; /* one through the socket, one through TCP */
};

int world_begin(struct world *w);
/* world_end ends all and fails when the loop was held for too long. */
int world_end(struct world *w);

void world_start_redis(struct world *w);
void world_kill_redis(struct world *w);
/* redis_do runs a command as redisFormatCommand has it, which must succeed; redis_fails one that
 * must not. */
void redis_do(struct world *w, const char *format, ...);
void redis_fails(struct world *w, const char *command, const char *code);
/* world_record subscribes to a channel, world_recorded gives the next message that came there. */
void world_record(struct world *w, const char *channel);
size_t world_recorded(struct world *w, char *out, size_t cap);
/* world_logged tells whether the log has the text. */
bool world_logged(const struct world *w, const char *text);
/* world_serve has a server that is not Redis greet everybody with a text; NULL: it ends. */
void world_serve(struct world *w, const char *name, const char *says);
unsigned world_served(const struct world *w);

void node_start(struct world *w, struct node *n, const char *name);
void node_stop(struct node *n);

uint64_t now_ms(void);
void run_for(struct world *w, uint64_t ms);
/* world_skip takes the time since a look out of the watch; world_late fails, and shows the log. */
double world_look(void);
void world_skip(struct world *w, double since);
void world_late(struct world *w, const char *condition, int line);

/* until turns the loop until the condition is true, at most for so many milliseconds. */
#define until(w, ms, condition)                                                                    \
    do {                                                                                           \
        uint64_t end_ = now_ms() + (ms);                                                           \
        for (;;) {                                                                                 \
            double look_ = world_look();                                                           \
            bool ok_ = (condition);                                                                \
            world_skip((w), look_);                                                                \
            if (ok_) {                                                                             \
                break;                                                                             \
            }                                                                                      \
            if (now_ms() > end_) {                                                                 \
                world_late((w), #condition, __LINE__);                                             \
            }                                                                                      \
            uv_run(&(w)->loop, UV_RUN_ONCE);                                                       \
        }                                                                                          \
    } while (0)

#endif
