/* SPDX-License-Identifier: MIT
 * Counters out of events. */
#include "daemon/core/counts.h"

const uint32_t counts_bounds[COUNTS_LATENCY] = {5, 10, 25, 50, 100, 250, 1000, 5000, 25000, 100000};

static void count_relay(struct hub_counts *c, const struct sp_event *ev)
{
    uint64_t us = (uint64_t)ev->n[SP_EN_us];
    unsigned i = 0;
    while (i < COUNTS_LATENCY && us > counts_bounds[i]) {
        i++;
    }
    c->latency[i]++;
    c->latency_us += us;
    c->relays[ev->kind]++;
    c->relayed_bytes += (uint64_t)ev->n[SP_EN_size];
}

void counts_event(struct hub_counts *c, const struct sp_event *ev)
{
    bool failed = ev->s[SP_ES_code].n > 0;
    c->events[ev->event]++;
    if (ev->event == SP_EV_RELAY) {
        count_relay(c, ev);
    } else if (failed) {
        /* what failed to be done for an administrator is told in an event of its own */
        bool told = ev->event != SP_EV_ADMIN && ev->event != SP_EV_RELOAD;
        c->errors[sp_err_find(ev->s[SP_ES_code])] += told;
        c->failed_auths += ev->event == SP_EV_AUTH;
        c->failed_reloads += ev->event == SP_EV_RELOAD;
    }
}
