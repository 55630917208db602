/* SPDX-License-Identifier: MIT
 * Between the bus and the hub: what other nodes say goes in, what is said to them goes out. */
#include "daemon/net/priv.h"

static void on_message(void *ctx, struct sp_str node, uint64_t boot, const char *p, size_t len)
{
    struct net *n = ctx;
    hub_bus_message(n->hub, node, boot, p, len, net_now(n));
}

static void on_gap(void *ctx, struct sp_str node)
{
    struct net *n = ctx;
    hub_bus_gap(n->hub, node, net_now(n));
}

static void on_unheard(void *ctx, struct sp_str node)
{
    struct net *n = ctx;
    hub_bus_unheard(n->hub, node, net_now(n));
}

static void on_state(void *ctx, bool up)
{
    struct net *n = ctx;
    hub_bus_state(n->hub, up, net_now(n));
}

bool nodes_start(struct net *n, char *why, size_t cap)
{
    static const struct bus_hooks hooks = {
        .message = on_message, .gap = on_gap, .unheard = on_unheard, .state = on_state};
    const struct net_conf *c = &n->conf;
    if (!c->redis) {
        return true;
    }
    struct bus_conf conf = {.url = c->redis,
                            .node = c->node,
                            .key = (const uint8_t *)c->cluster_key,
                            .nkey = strlen(c->cluster_key)};
    n->bus = bus_new(&n->loop, &conf, &hooks, n, why, cap);
    return n->bus != NULL;
}

bool nodes_send(void *ctx, struct sp_str to, const char *p, size_t len)
{
    struct net *n = ctx;
    return n->bus && bus_send(n->bus, to, p, len);
}

void nodes_stop(struct net *n)
{
    bus_close(n->bus);
    n->bus = NULL;
}

bool nodes_degraded(const struct net *n)
{
    return n->bus && !bus_up(n->bus);
}
