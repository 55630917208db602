/* SPDX-License-Identifier: MIT
 * Lossy links: a client that lost its link comes back to its id, its sessions and what it missed.
 */
#include "tests/core/drone.h"
#include "tests/core/fleet.h"

#include <stdlib.h>

static void test_missed_messages_follow(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct drone d = drone(w, "d");
    struct sock *p = join(w, "p");
    char session[160];
    snprintf(session, sizeof(session), "%s", call(p, d.s, "p", "d"));
    d.received = 1; /* the offer of the call */
    send_n(p, "d", 0);
    get_n(&d, 0);
    send_n(p, "d", 1); /* written and lost */
    cut(d.s);
    assert_int_equal(away(w), 1);
    assert_int_equal(hub_connections(w->hub), 1);
    assert_int_equal(hub_clients(w->hub), 2);
    forget(p);
    send_n(p, "d", 2);
    expect(p, "ack", "rid=2");
    advance(w, 20000);
    come_back(&d);
    get_n(&d, 1);
    get_n(&d, 2);
    expect_nothing(d.s);
    expect_nothing(p);
    assert_int_equal(hub_sessions(w->hub), 1);
    say(d.s, "{'type':'ice','target':'p','candidate':'back','sessionId':'%s'}", session);
    expect(p, "ice", "candidate=back");
    send_n(p, "d", 3);
    cut(d.s);
    come_back(&d);
    get_n(&d, 3);
    expect_nothing(d.s);
    world_free(w);
}

static void test_end_of_the_window(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct drone d = drone(w, "d");
    struct sock *p = join(w, "p"), *t = dial_local(w);
    say(t, "{'type':'watch'}");
    call(p, d.s, "p", "d");
    cut(d.s);
    forget_all(w);
    advance(w, 29900);
    expect_nothing(p);
    expect_nothing(t);
    pong(p);
    say(p, "{'type':'list'}");
    expect(p, "clients", "count=2");
    advance(w, 200);
    expect(p, "bye", "reason=peer-left", "from=d");
    expect(t, "presence", "event=leave", "id=d");
    assert_int_equal(away(w), 0);
    assert_int_equal(hub_clients(w->hub), 1);
    send_n(p, "d", 1);
    expect(p, "error", "code=target_not_found");
    come(&d);
    assert_false(d.resumed);
    world_free(w);
}

static void test_who_says_goodbye_has_left(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct drone d = drone(w, "d");
    struct sock *p = join(w, "p");
    call(p, d.s, "p", "d");
    hang_up(d.s);
    expect(p, "bye", "reason=peer-left");
    assert_int_equal(away(w), 0);
    world_free(w);
}

static void test_not_for_those_who_did_not_ask(void **state)
{
    (void)state;
    struct hub_conf conf = world_conf();
    struct world *w = world_new_conf(&conf);
    struct sock *a = dial(w), *p = join(w, "p");
    say(a, "{'type':'register','id':'a'}");
    expect(a, "registered", "!resumeWindow", "!resumed");
    call(p, a, "p", "a");
    cut(a);
    expect(p, "bye", "reason=peer-left");
    world_free(w);
    conf.resume_us = 0;
    w = world_new_conf(&conf);
    a = dial(w);
    say(a, "{'type':'register','id':'a','received':0,'resume':'x'}");
    expect(a, "registered", "!resumeWindow", "!resumed");
    cut(a);
    assert_int_equal(hub_clients(w->hub), 0);
    world_free(w);
}

static void test_wrong_token_or_count(void **state)
{
    (void)state;
    static const struct {
        const char *token; /* NULL: the right one */
        int received;
    } bad[] = {{"0000000000000000000000", 2}, {NULL, 3}, {NULL, -1}};
    for (size_t i = 0; i < 3; i++) {
        struct world *w = world_new();
        struct drone d = drone(w, "d");
        struct sock *p = join(w, "p");
        call(p, d.s, "p", "d");
        send_n(p, "d", 0);
        forget_all(w);
        cut(d.s);
        struct sock *s = dial(w);
        char count[32] = "";
        if (bad[i].received >= 0) {
            snprintf(count, sizeof(count), ",'received':%d", bad[i].received);
        }
        say(s, "{'type':'register','id':'d','resume':'%s'%s}",
            bad[i].token ? bad[i].token : d.token, count);
        expect(s, "registered", bad[i].received < 0 ? "!resumed" : "resumed=false");
        expect_nothing(s);
        expect(p, "bye", "reason=replaced");
        assert_int_equal(away(w), 0);
        assert_int_equal(hub_sessions(w->hub), 0);
        world_free(w);
    }
}

static void test_heartbeat_lost_is_away(void **state)
{
    (void)state;
    for (int linger = 0; linger < 2; linger++) {
        struct world *w = world_new();
        w->linger = linger;
        struct drone d = drone(w, "d");
        struct sock *p = join(w, "p");
        call(p, d.s, "p", "d");
        d.received = 1;
        say(d.s, "{'type':'answer','target':'p','sdp':'v=0'}");
        for (int i = 0; i < 95; i++) {
            advance(w, 1000);
            pong(p);
            say(p, "{'type':'ping'}");
        }
        forget_all(w);
        assert_int_equal(d.s->close_code, 4400);
        assert_int_equal(away(w), 1);
        send_n(p, "d", 1);
        expect(p, "ack");
        struct sock *old = d.s;
        come_back(&d);
        get_n(&d, 1);
        if (linger) {
            finish(old);
        }
        turn(w);
        assert_int_equal(hub_connections(w->hub), 2);
        world_free(w);
    }
}

static void test_takeover_before_the_loss_is_noticed(void **state)
{
    (void)state;
    struct hub_conf conf = world_conf();
    for (int reject = 0; reject < 2; reject++) {
        conf.policy = reject ? HUB_REJECT : HUB_REPLACE;
        struct world *w = world_new_conf(&conf);
        struct drone d = drone(w, "d");
        struct sock *p = join(w, "p"), *old = d.s;
        call(p, d.s, "p", "d");
        d.received = 1;
        send_n(p, "d", 1);
        get_n(&d, 1);
        send_n(p, "d", 2);
        old->room = 0;
        send_n(p, "d", 3);
        forget(old);
        come_back(&d);
        get_n(&d, 2);
        get_n(&d, 3);
        expect_nothing(d.s);
        expect_closed(old, 4501);
        assert_int_equal(hub_sessions(w->hub), 1);
        world_free(w);
    }
}

static void test_bounds_while_away(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct drone d = drone(w, "d");
    struct sock *p = join(w, "p");
    call(p, d.s, "p", "d");
    cut(d.s);
    int sent = 0;
    for (; sent < 1000; sent++) {
        send_n(p, "d", sent);
        const char *m = p->in.v[p->in.read++].p;
        if (strstr(m, "\"error\"") || strstr(m, "\"bye\"")) {
            assert_non_null(strstr(m, "target_overloaded"));
            break;
        }
    }
    assert_int_equal(sent, 255); /* and the offer */
    expect(p, "bye", "reason=peer-left");
    assert_int_equal(away(w), 0);
    come(&d);
    assert_false(d.resumed);
    world_free(w);
}

/* A pong frees what was written before its ping; without any the oldest go. */
static void test_bounds_while_here(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct drone d = drone(w, "d");
    struct sock *p = join(w, "p");
    for (int i = 0; i < 1000; i++) {
        send_n(p, "d", i);
        get_n(&d, i);
        pong(d.s);
    }
    assert_true(d.s->pings >= 10 && d.s->pings < 20);
    cut(d.s);
    come_back(&d);
    for (int i = 0; i < 300; i++) {
        send_n(p, "d", i);
    }
    cut(d.s);
    come(&d);
    assert_false(d.resumed);
    expect_nothing(d.s);
    world_free(w);
}

/* A socket that is half way through a message drops a ping: nothing was freed any more. */
static void test_a_ping_that_was_dropped(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct drone d = drone(w, "d");
    struct sock *p = join(w, "p");
    char first[32];
    for (int i = 0; i < 100; i++) {
        send_n(p, "d", i);
    }
    assert_int_equal(d.s->pings, 1);
    memcpy(first, d.s->ping, sizeof(first));
    advance(w, 300);
    send_n(p, "d", 100);
    send_n(p, "d", 101);
    assert_int_equal(d.s->pings, 2);
    assert_string_equal(d.s->ping, first);
    pong(d.s);
    for (int i = 0; i < 65; i++) {
        get_n(&d, i);
    }
    cut(d.s);
    assert_in_range(hub_away_bytes(w->hub), 1, 37 * 120);
    come_back(&d);
    for (int i = 65; i < 102; i++) {
        get_n(&d, i);
    }
    expect_nothing(d.s);
    world_free(w);
}

static void test_drain_kick_and_reload(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct drone d = drone(w, "d"), e = drone(w, "e");
    struct sock *t = dial_local(w), *p = join(w, "p");
    call(p, d.s, "p", "d");
    cut(d.s);
    cut(e.s);
    hub_reconf(w->hub, &w->conf, w->now);
    assert_int_equal(away(w), 2);
    say(t, "{'type':'kick','target':'d','rid':1}");
    expect(t, "ack", "rid=1");
    expect(p, "bye", "reason=kicked");
    assert_int_equal(away(w), 1);
    hub_drain(w->hub, w->now);
    assert_int_equal(away(w), 0);
    turn(w);
    assert_int_equal(hub_clients(w->hub), 0);
    world_free(w);
}

static void test_other_node_sends_to_one_that_is_away(void **state)
{
    (void)state;
    struct hub_conf conf = world_conf();
    struct fleet *f = fleet_new(2, &conf);
    fleet_meet(f);
    struct drone d = drone(f->w[0], "d");
    struct sock *p = join(f->w[1], "p");
    fleet_run(f, 500);
    say(p, "{'type':'offer','target':'d','sdp':'v=0'}");
    fleet_run(f, 500);
    expect(d.s, "offer", "from=p");
    d.received = 1;
    cut(d.s);
    fleet_run(f, 500);
    send_n(p, "d", 1);
    fleet_run(f, 500);
    expect(p, "ack", "rid=1");
    come_back(&d);
    get_n(&d, 1);
    fleet_run(f, 500);
    send_n(p, "d", 2);
    fleet_run(f, 500);
    get_n(&d, 2);
    expect_nothing(d.s);
    fleet_free(f);
}

/* ---------------------------------------------------------------- at random */

#define SENDERS 4

struct stream {
    struct drone d;
    struct sock *from[SENDERS];
    int sent[SENDERS], got[SENDERS];
    size_t sure; /* messages of its socket that a pong has vouched for */
    unsigned long cuts, takeovers, replayed;
};

/* Takes the messages up to the n-th of the socket: each the next of its sender. */
static void take_until(struct stream *t, size_t n)
{
    struct sock *s = t->d.s;
    for (; s->in.read < n; s->in.read++) {
        const char *m = s->in.v[s->in.read].p;
        char from[32], number[32];
        if (!is_relayed(m)) {
            continue;
        }
        assert_true(value_of(m, "from", from, sizeof(from)));
        assert_true(value_of(m, "candidate", number, sizeof(number)));
        int k = atoi(from + 1);
        assert_int_equal(atoi(number), t->got[k]);
        t->got[k]++;
        t->d.received++;
    }
}

static void lose_link(struct stream *t, struct world *w)
{
    struct sock *old = t->d.s;
    size_t low = old->in.read > t->sure ? old->in.read : t->sure;
    take_until(t, low + world_random(w, (uint32_t)(old->in.n - low + 1)));
    bool noticed = world_random(w, 3) != 0;
    t->cuts++;
    t->takeovers += !noticed;
    if (noticed) {
        cut(old);
    }
    for (uint32_t i = world_random(w, 30); i-- > 0;) {
        uint32_t k = world_random(w, SENDERS);
        send_n(t->from[k], t->d.id, t->sent[k]++);
        advance(w, world_random(w, 100));
    }
    come_back(&t->d);
    if (!noticed) {
        assert_int_equal(old->close_code, 4501);
    }
    t->replayed += unread(t->d.s);
    t->sure = 0;
}

static void step(struct stream *t, struct world *w)
{
    uint32_t k = world_random(w, SENDERS);
    struct sock *s = t->d.s;
    switch (world_random(w, 16)) {
    case 0:
        lose_link(t, w);
        break;
    case 1:
        give_room(s, world_random(w, 3) ? -1 : (long)world_random(w, 4));
        break;
    case 2:
        advance(w, world_random(w, 200));
        for (int i = 0; i < SENDERS; i++) {
            pong(t->from[i]);
            forget(t->from[i]);
        }
        break;
    case 3:
    case 4:
        take_until(t, s->in.n);
        if (s->pings) {
            /* a pong comes behind all that was written before its ping, and that was read */
            t->sure = s->in.n;
            pong(s);
        }
        break;
    default:
        send_n(t->from[k], t->d.id, t->sent[k]++);
        break;
    }
}

static void test_random_cuts(void **state)
{
    (void)state;
    struct hub_conf conf = world_conf();
    conf.heartbeat_us = 0;
    struct world *w = world_new_conf(&conf);
    w->keep_events = false;
    struct stream t = {.d = drone(w, "d")};
    char id[24];
    for (int i = 0; i < SENDERS; i++) {
        snprintf(id, sizeof(id), "p%d", i);
        t.from[i] = join(w, id);
    }
    while (t.cuts < 2000) {
        step(&t, w);
    }
    give_room(t.d.s, -1);
    take_until(&t, t.d.s->in.n);
    for (int i = 0; i < SENDERS; i++) {
        assert_int_equal(t.got[i], t.sent[i]);
    }
    assert_true(t.takeovers > 500 && t.replayed > 10000);
    assert_int_equal(away(w), 0);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_missed_messages_follow),
        cmocka_unit_test(test_end_of_the_window),
        cmocka_unit_test(test_who_says_goodbye_has_left),
        cmocka_unit_test(test_not_for_those_who_did_not_ask),
        cmocka_unit_test(test_wrong_token_or_count),
        cmocka_unit_test(test_heartbeat_lost_is_away),
        cmocka_unit_test(test_takeover_before_the_loss_is_noticed),
        cmocka_unit_test(test_bounds_while_away),
        cmocka_unit_test(test_bounds_while_here),
        cmocka_unit_test(test_a_ping_that_was_dropped),
        cmocka_unit_test(test_drain_kick_and_reload),
        cmocka_unit_test(test_other_node_sends_to_one_that_is_away),
        cmocka_unit_test(test_random_cuts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
