/* SPDX-License-Identifier: MIT
 * The graceful end, and the one that is not. */
#include "daemon/net/priv.h"

#include "daemon/log.h"

void stop_begin(struct net *n)
{
    LOG(LOG_INFO, "stopping", LOG_NUM("clients", hub_clients(n->hub)),
        LOG_NUM("connections", n->nconn));
    n->stopping = true;
    listen_shut(n);
    n->stop_deadline_us = net_now(n).mono_us + n->conf.stop_us;
    n->conf.hooks.draining();
    /* who has not said hello yet would keep us waiting */
    for (struct conn *c; (c = n->handshake.head.next) != &n->handshake.head;) {
        ws_doom(c, 0, NULL);
    }
    hub_drain(n->hub, net_now(n));
}

void stop_signal(uv_signal_t *s, int number)
{
    struct net *n = s->data;
    if (n->stopping) {
        LOG(LOG_WARN, "second signal, stopping at once", LOG_NUM("signal", number));
        n->done = true;
    } else {
        LOG(LOG_INFO, "signal received", LOG_NUM("signal", number));
        stop_begin(n);
    }
    net_turn(n);
}
