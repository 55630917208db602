/* SPDX-License-Identifier: MIT
 * The graceful end, and the one that is not. */
#include "daemon/net/priv.h"

#include "daemon/log.h"

/* Who has not said hello yet would keep us waiting; but who asks for the health is to hear that
 * this server is not ready any more. */
static void drop_handshakes(struct net *n, bool health)
{
    for (struct conn *c = n->handshake.head.next, *next; c != &n->handshake.head; c = next) {
        next = c->next;
        if (health || !c->health) {
            ws_doom(c, 0, NULL);
        }
    }
}

void stop_turn(struct net *n)
{
    if (n->stopping && n->nconn == n->nhealth) {
        drop_handshakes(n, true);
    }
}

void stop_begin(struct net *n)
{
    LOG(LOG_INFO, "stopping", LOG_NUM("clients", hub_clients(n->hub)),
        LOG_NUM("connections", n->nconn));
    n->stopping = true;
    listen_shut(n);
    n->stop_deadline_us = net_now(n).mono_us + n->conf.stop_us;
    n->conf.hooks.draining();
    drop_handshakes(n, false);
    hub_drain(n->hub, net_now(n));
}

void stop_signal(uv_signal_t *s, int number)
{
    struct net *n = s->data;
    if (n->signalled) {
        LOG(LOG_WARN, "second signal, stopping at once", LOG_NUM("signal", number));
        n->done = true;
    } else {
        LOG(LOG_INFO, "signal received", LOG_NUM("signal", number));
        n->signalled = true;
        if (!n->stopping) {
            stop_begin(n);
        }
    }
    net_turn(n);
}
