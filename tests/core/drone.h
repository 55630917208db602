/* SPDX-License-Identifier: MIT
 * A client of tests that loses its link and comes back. */
#ifndef TESTS_CORE_DRONE_H
#define TESTS_CORE_DRONE_H

#include "tests/core/world.h"

/* drone is a client that keeps count of what was relayed to it, over all its connections. */
struct drone {
    struct world *w;
    struct sock *s;
    char id[16], token[64];
    uint64_t received; /* under this registration */
    bool resumed;
};

static bool is_relayed(const char *m)
{
    return strstr(m, "\"type\":\"ice\"") || strstr(m, "\"type\":\"offer\"") ||
           strstr(m, "\"type\":\"answer\"") || strstr(m, "\"type\":\"bye\"");
}

static void come(struct drone *d)
{
    d->s = dial(d->w);
    if (d->token[0]) {
        say(d->s, "{'type':'register','id':'%s','resume':'%s','received':%llu}", d->id, d->token,
            (unsigned long long)d->received);
    } else {
        say(d->s, "{'type':'register','id':'%s','received':0}", d->id);
    }
    const char *m = expect(d->s, "registered", "resumeWindow=30000");
    d->resumed = strstr(m, "\"resumed\":true") != NULL;
    assert_true(value_of(m, "resume", d->token, sizeof(d->token)));
    d->received = 0;
}

static struct drone drone(struct world *w, const char *id)
{
    struct drone d = {.w = w};
    snprintf(d.id, sizeof(d.id), "%s", id);
    come(&d);
    assert_false(d.resumed);
    return d;
}

/* Ends the link from below: there is no close frame. */
static void cut(struct sock *s)
{
    s->over = true;
    hub_closed(s->w->hub, s->ref, 0, s->w->now);
}

static void come_back(struct drone *d)
{
    come(d);
    assert_true(d->resumed);
}

static void send_n(struct sock *s, const char *to, int n)
{
    say(s, "{'type':'ice','target':'%s','candidate':'%d','rid':%d}", to, n, n);
}

static void get_n(struct drone *d, int n)
{
    char want[32];
    snprintf(want, sizeof(want), "candidate=%d", n);
    expect(d->s, "ice", want);
    d->received++;
}

static size_t away(struct world *w)
{
    uint32_t n = hub_away(w->hub);
    assert_true(n || !hub_away_bytes(w->hub));
    return n;
}

#endif
