/* SPDX-License-Identifier: MIT
 * Slow monitors: what was overwritten is counted exactly, per filter; nobody is closed for it. */
#include "tests/core/world.h"

#include "libproto/filter.h"

#include <stdlib.h>

#define RING 64u

static struct world *ring_world(void)
{
    struct hub_conf conf = world_conf();
    conf.event_ring = RING;
    conf.heartbeat_us = 0;
    conf.limits.max_sessions = 100000;
    return world_new_conf(&conf);
}

/* reader follows one monitor against the list of all events that the world recorded. */
struct reader {
    struct sock *s;
    struct sp_filter filter;
    uint64_t next; /* the seq of the first event not yet accounted for */
    uint64_t seen, missed;
};

static bool passes(const struct world *w, const struct reader *r, uint64_t seq)
{
    struct sp_event ev;
    struct sp_diag d;
    char scratch[1024];
    struct text t = w->events.v[seq - 1];
    assert_int_equal(sp_event_parse(&ev, (struct sp_str){t.p, t.n}, scratch, sizeof(scratch), &d),
                     SP_OK);
    assert_int_equal(ev.n[SP_EN_seq], (int64_t)seq);
    return sp_filter_match(&r->filter, &ev);
}

static uint64_t next_passing(const struct world *w, struct reader *r)
{
    while (r->next <= w->events.n && !passes(w, r, r->next)) {
        r->next++;
    }
    return r->next;
}

static void take_gap(const struct world *w, struct reader *r, const char *gap)
{
    int64_t missed = number_of(gap, "missed"), from = number_of(gap, "from");
    int64_t to = number_of(gap, "to");
    assert_true(missed > 0 && from <= to);
    assert_int_equal(next_passing(w, r), (uint64_t)from);
    int64_t count = 0;
    for (; r->next <= (uint64_t)to; r->next++) {
        count += passes(w, r, r->next);
    }
    assert_true(passes(w, r, (uint64_t)to));
    assert_int_equal(count, missed);
    r->missed += (uint64_t)missed;
}

static void take_batch(const struct world *w, struct reader *r, const char *batch)
{
    struct sp_doc doc;
    struct sp_diag d;
    assert_int_equal(sp_scan(&doc, batch, strlen(batch), &wide, &d), SP_OK);
    struct sp_str events = sp_doc_raw(&doc, sp_doc_find(&doc, SP_STR("events"))), e;
    size_t pos = 0;
    while (sp_each_element(events, &pos, &e)) {
        struct text t = w->events.v[next_passing(w, r) - 1];
        assert_true(r->next <= w->events.n);
        assert_true(sp_str_eq(e, (struct sp_str){t.p, t.n}));
        r->next++;
        r->seen++;
    }
}

static void take_all(const struct world *w, struct reader *r)
{
    while (unread(r->s)) {
        const char *m = r->s->in.v[r->s->in.read++].p;
        if (strncmp(m, "{\"type\":\"gap\"", 13) == 0) {
            take_gap(w, r, m);
        } else {
            assert_memory_equal(m, "{\"type\":\"events\"", 16);
            take_batch(w, r, m);
        }
    }
}

static void start(struct world *w, struct reader *r, const char *filter)
{
    struct sp_diag d;
    memset(r, 0, sizeof(*r));
    assert_int_equal(sp_filter_parse(&r->filter, sp_str(filter), &d), SP_OK);
    r->s = dial_local(w);
    say(r->s, "{'type':'monitor','filter':'%s','rid':1}", filter);
    expect(r->s, "ack");
    r->next = w->events.n + 1;
}

static void test_exact_gap_then_on(void **state)
{
    (void)state;
    struct world *w = ring_world();
    struct sock *a = join(w, "a");
    struct reader r;
    join(w, "b");
    start(w, &r, "relay");
    r.s->room = 0;
    say(a, "{'type':'ice','target':'b','candidate':null}");
    advance(w, 25);
    for (int i = 0; i < 200; i++) {
        say(a, "{'type':'ice','target':'b','candidate':null}");
        say(a, "{'type':'ice','target':'nobody','candidate':null}");
    }
    give_room(r.s, -1);
    expect(r.s, "events");
    const char *gap = expect(r.s, "gap", "missed=168");
    assert_int_equal(number_of(gap, "to") - number_of(gap, "from"), 2 * 167);
    assert_int_equal(count_in(expect(r.s, "events"), "events"), 32);
    say(a, "{'type':'ice','target':'b','candidate':null}");
    advance(w, 25);
    assert_int_equal(count_in(expect(r.s, "events"), "events"), 1);
    expect_nothing(r.s);
    world_free(w);
}

static void make_events(struct world *w, struct sock *a, uint32_t n)
{
    while (n-- > 0) {
        switch (world_random(w, 4)) {
        case 0:
            say(a, "{'type':'ice','target':'b','candidate':null}");
            break;
        case 1:
            say(a, "{'type':'offer','target':'b','sdp':'%0*d'}", (int)world_random(w, 300), 1);
            break;
        case 2:
            say(a, "{'type':'bye','target':'b'}");
            break;
        default:
            hang_up(dial(w));
        }
    }
}

/* Several monitors of every pace and filter: each event is seen, or counted, or filtered. */
static void test_random_paces(void **state)
{
    (void)state;
    static const char *const filters[] = {"",         "relay", "type=offer", "event!=relay",
                                          "size>200", "drain"};
    enum { N = 6 };
    struct world *w = ring_world();
    struct sock *a = join(w, "a");
    struct reader r[N];
    join(w, "b");
    for (int i = 0; i < N; i++) {
        start(w, &r[i], filters[i]);
    }
    for (int round = 0; round < 1500; round++) {
        make_events(w, a, world_random(w, 30));
        int i = (int)world_random(w, N);
        r[i].s->room = 0;
        i = (int)world_random(w, N);
        give_room(r[i].s, world_random(w, 3) ? (long)world_random(w, 4) : -1);
        advance(w, world_random(w, 30));
        for (i = 0; i < N; i++) {
            take_all(w, &r[i]);
        }
    }
    uint64_t missed = 0;
    for (int i = 0; i < N; i++) {
        give_room(r[i].s, -1);
        advance(w, 50);
        take_all(w, &r[i]);
        assert_int_equal(next_passing(w, &r[i]), w->events.n + 1);
        expect_nothing(r[i].s);
        missed += r[i].missed;
    }
    assert_true(missed > 1000);
    assert_int_equal(r[5].seen + r[5].missed, 0);
    world_free(w);
}

static void test_since_before_the_ring(void **state)
{
    (void)state;
    struct world *w = ring_world();
    struct sock *a = join(w, "a");
    join(w, "b");
    for (int i = 0; i < 200; i++) {
        say(a, "{'type':'ice','target':'b','candidate':null}");
    }
    struct sock *s = dial_local(w);
    uint64_t head = w->events.n + 1;
    say(s, "{'type':'monitor','since':10,'rid':1}");
    expect(s, "ack");
    char missed[40], to[40];
    snprintf(missed, sizeof(missed), "missed=%llu", (unsigned long long)(head - RING - 11));
    snprintf(to, sizeof(to), "to=%llu", (unsigned long long)(head - RING - 1));
    expect(s, "gap", missed, "from=11", to);
    assert_int_equal(count_in(expect(s, "events"), "events"), (int)RING);
    expect_nothing(s);
    world_free(w);
}

static void test_never_closed_for_slowness(void **state)
{
    (void)state;
    struct world *w = ring_world();
    struct sock *a = join(w, "a");
    struct reader r;
    join(w, "b");
    start(w, &r, "");
    r.s->room = 0;
    for (int i = 0; i < 100; i++) {
        make_events(w, a, 50);
        advance(w, 1000);
    }
    expect_nothing(r.s);
    give_room(r.s, -1);
    advance(w, 50);
    take_all(w, &r);
    assert_int_equal(r.seen + r.missed, w->events.n - 5);
    world_free(w);
}

/* A batch may be longer than the queue of a client may hold; the monitor is not at fault. */
static void test_batch_longer_than_the_queue(void **state)
{
    (void)state;
    struct hub_conf conf = world_conf();
    conf.limits.queue_bytes = 16 * 1024;
    struct world *w = world_new_conf(&conf);
    struct sock *a = join(w, "a");
    struct reader r;
    join(w, "b");
    start(w, &r, "");
    r.s->room = 0;
    for (int i = 0; i < 1000; i++) {
        say(a, "{'type':'ice','target':'b','candidate':null}");
    }
    advance(w, 50);
    expect_nothing(r.s);
    give_room(r.s, -1);
    advance(w, 50);
    take_all(w, &r);
    assert_int_equal(next_passing(w, &r), w->events.n + 1);
    world_free(w);
}

/* A monitor that does not read may still ask; its answers and its batches share one queue. */
static void test_busy_monitor_asks(void **state)
{
    (void)state;
    struct world *w = ring_world();
    struct sock *a = join(w, "a");
    struct reader r;
    join(w, "b");
    start(w, &r, "relay");
    r.s->room = 0;
    say(r.s, "{'type':'ping','rid':1}");
    say(r.s, "{'type':'list','rid':2}");
    make_events(w, a, 10);
    advance(w, 100);
    say(r.s, "{'type':'monitor','filter':'drain','rid':3}");
    give_room(r.s, -1);
    expect(r.s, "pong", "rid=1");
    expect(r.s, "clients", "rid=2");
    expect(r.s, "ack", "rid=3");
    expect_nothing(r.s);
    world_free(w);
}

static void test_monitor_whose_socket_is_gone(void **state)
{
    (void)state;
    struct world *w = ring_world();
    struct sock *a = join(w, "a");
    struct reader r;
    join(w, "b");
    start(w, &r, "");
    r.s->gone = true;
    for (int i = 0; i < 20; i++) {
        make_events(w, a, 100);
        advance(w, 30);
    }
    hang_up(r.s);
    advance(w, 30);
    assert_int_equal(hub_clients(w->hub), 2);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exact_gap_then_on),
        cmocka_unit_test(test_since_before_the_ring),
        cmocka_unit_test(test_never_closed_for_slowness),
        cmocka_unit_test(test_batch_longer_than_the_queue),
        cmocka_unit_test(test_busy_monitor_asks),
        cmocka_unit_test(test_monitor_whose_socket_is_gone),
        cmocka_unit_test(test_random_paces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
