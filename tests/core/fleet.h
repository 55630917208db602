/* SPDX-License-Identifier: MIT
 * Several worlds and a bus in memory between them, whose messages come late, are lost with the
 * links that are cut, and stay in order for each pair of nodes. */
#ifndef TESTS_CORE_FLEET_H
#define TESTS_CORE_FLEET_H

#include "tests/core/world.h"

#define FLEET_MAX 4u

struct letter {
    struct letter *next;
    uint64_t due_us;
    uint64_t boot;
    size_t n;
    char text[];
};

/* fleet owns its worlds; node i is named "n<i>". */
struct fleet {
    struct world *w[FLEET_MAX]; /* NULL: killed */
    unsigned n;
    struct hub_conf conf;
    uint64_t now_us, boot[FLEET_MAX];
    bool up[FLEET_MAX];             /* its way to the bus */
    bool cut[FLEET_MAX][FLEET_MAX]; /* from, to: what is sent there is lost */
    bool gap[FLEET_MAX][FLEET_MAX]; /* something was */
    struct letter *first[FLEET_MAX][FLEET_MAX], **last[FLEET_MAX][FLEET_MAX];
    unsigned delay_ms; /* at most, of a message */
    uint64_t rng, letters;
};

struct fleet *fleet_new(unsigned n, const struct hub_conf *conf);
void fleet_free(struct fleet *f);
/* fleet_run lets time pass for all; fleet_meet, until all know each other. */
void fleet_run(struct fleet *f, uint64_t ms);
void fleet_meet(struct fleet *f);
/* fleet_up takes a node from the bus, or back to it; fleet_part cuts both ways between two nodes,
 * or heals them. */
void fleet_up(struct fleet *f, unsigned i, bool up);
void fleet_part(struct fleet *f, unsigned i, unsigned j, bool cut);
/* fleet_kill ends a node and all its sockets at once; fleet_start begins its next life. */
void fleet_kill(struct fleet *f, unsigned i);
void fleet_start(struct fleet *f, unsigned i);
uint32_t fleet_random(struct fleet *f, uint32_t n);

/* fleet_send is hub_ops.bus_send. */
bool fleet_send(struct fleet *f, unsigned from, struct sp_str to, const char *p, size_t n);

#endif
