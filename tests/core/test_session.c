/* SPDX-License-Identifier: MIT
 * How sessions end: unanswered, idle, a party gone, kicked out by faults; and what stays. */
#include "tests/core/world.h"

#define MINUTE 60000u
#define HOUR   3600000u

/* Keeps the links alive while time passes. */
static void live(struct world *w, uint64_t ms)
{
    for (uint64_t t = 0; t < ms; t += 20000) {
        advance(w, ms - t < 20000 ? ms - t : 20000);
        for (size_t i = 0; i < w->nsocks; i++) {
            if (!w->socks[i]->over) {
                hub_alive(w->hub, w->socks[i]->ref, w->now);
            }
        }
    }
}

static void test_offer_timeout(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *a = join(w, "a"), *b = join(w, "b");
    char want[200];
    snprintf(want, sizeof(want), "sessionId=%s", call(a, b, "a", "b"));
    live(w, MINUTE - 1);
    expect_nothing(a);
    expect_nothing(b);
    live(w, 70);
    expect(a, "bye", "from=b", want, "reason=timeout");
    expect(b, "bye", "from=a", want, "reason=timeout");
    expect_event(w, "session_end", "reason=timeout", "from=a", "to=b", "!id");
    assert_int_equal(hub_sessions(w->hub), 0);
    expect_nothing(a);
    expect_nothing(b);
    world_free(w);
}

/* Candidates and repeated offers are no answer. */
static void test_only_an_answer_stops_the_offer_timeout(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *a = join(w, "a"), *b = join(w, "b");
    call(a, b, "a", "b");
    live(w, MINUTE / 2);
    say(a, "{'type':'offer','target':'b','sdp':'again'}");
    say(b, "{'type':'ice','target':'a','candidate':null}");
    live(w, MINUTE / 2 + 70);
    expect(b, "offer", "sdp=again");
    expect(b, "bye", "reason=timeout");
    expect(a, "ice");
    expect(a, "bye", "reason=timeout");
    world_free(w);
}

static void test_session_timeout_counts_from_the_last_message(void **state)
{
    (void)state;
    struct world *w = world_new();
    w->keep_events = false;
    struct sock *a = join(w, "a"), *b = join(w, "b");
    call(a, b, "a", "b");
    say(b, "{'type':'answer','target':'a','sdp':'v=0'}");
    forget(a);
    live(w, 23 * HOUR);
    say(a, "{'type':'ice','target':'b','candidate':null}");
    expect(b, "ice");
    live(w, 24 * HOUR - 1000);
    expect_nothing(a);
    expect_nothing(b);
    assert_int_equal(hub_sessions(w->hub), 1);
    live(w, 1100);
    expect(a, "bye", "from=b", "reason=timeout");
    expect(b, "bye", "from=a", "reason=timeout");
    assert_int_equal(hub_sessions(w->hub), 0);
    world_free(w);
}

/* The timer of an unanswered session was armed for the offer's deadline, which may be later. */
static void test_session_timeout_shorter_than_the_offer_timeout(void **state)
{
    (void)state;
    struct hub_conf conf = world_conf();
    conf.session_us = 5000000;
    struct world *w = world_new_conf(&conf);
    struct sock *a = join(w, "a"), *b = join(w, "b");
    call(a, b, "a", "b");
    say(b, "{'type':'answer','target':'a','sdp':'v=0'}");
    forget(a);
    live(w, 4900);
    expect_nothing(a);
    live(w, 200);
    expect(a, "bye", "reason=timeout");
    world_free(w);
}

static void test_peer_left(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *a = join(w, "a"), *b = join(w, "b"), *c = join(w, "c");
    call(a, b, "a", "b");
    say(a, "{'type':'offer','target':'b','sdp':'v','sessionId':'two'}");
    call(c, a, "c", "a");
    call(b, c, "b", "c");
    forget_all(w);
    hang_up(a);
    expect(b, "bye", "from=a", "sessionId=two", "reason=peer-left");
    expect(b, "bye", "from=a", "reason=peer-left");
    expect(c, "bye", "from=a", "reason=peer-left");
    expect_nothing(b);
    expect_nothing(c);
    assert_int_equal(hub_sessions(w->hub), 1);
    hang_up(c);
    expect(b, "bye", "from=c", "reason=peer-left");
    hang_up(b);
    assert_int_equal(hub_sessions(w->hub), 0);
    assert_int_equal(hub_clients(w->hub), 0);
    world_free(w);
}

static void test_faults_end_sessions_as_peer_left(void **state)
{
    (void)state;
    struct world *w = world_new();
    for (int i = 0; i < 3; i++) {
        struct sock *a = join(w, "a"), *b = join(w, "b");
        call(a, b, "a", "b");
        if (i == 0) {
            hub_fault(w->hub, a->ref, HUB_FAULT_BINARY, w->now);
        } else if (i == 1) {
            say_lit(a, "{\"type\":\"\xc0\x80\"}");
        } else {
            for (int k = 0; k < 21; k++) {
                say_lit(a, "nonsense");
            }
        }
        assert_int_equal(a->closes, 1);
        expect(b, "bye", "from=a", "reason=peer-left");
        assert_int_equal(hub_sessions(w->hub), 0);
        hang_up(b);
        turn(w);
    }
    world_free(w);
}

static void test_ended_session_is_not_found(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *a = join(w, "a"), *b = join(w, "b");
    char session[160];
    snprintf(session, sizeof(session), "%s", call(a, b, "a", "b"));
    say(a, "{'type':'bye','target':'b'}");
    forget(b);
    say(b, "{'type':'answer','target':'a','sdp':'late','sessionId':'%s'}", session);
    expect(b, "error", "code=session_not_found");
    say(b, "{'type':'bye','target':'a','rid':1}");
    expect(b, "error", "code=session_not_found", "rid=1");
    say(b, "{'type':'ice','target':'a','candidate':'late'}");
    expect(a, "ice", "!sessionId");
    live(w, 2 * MINUTE);
    expect_nothing(a);
    world_free(w);
}

/* An offer that reached nobody leaves no session behind. */
static void test_offer_to_a_socket_that_is_gone(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *a = join(w, "a"), *b = join(w, "b");
    b->gone = true;
    say(a, "{'type':'offer','target':'b','sdp':'v','rid':1}");
    expect(a, "error", "code=target_not_found", "rid=1");
    expect_nothing(a);
    assert_int_equal(hub_sessions(w->hub), 0);
    hang_up(b);
    expect_nothing(a);
    assert_int_equal(hub_clients(w->hub), 1);
    world_free(w);
}

static void test_events_of_a_session(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *a = join(w, "a"), *b = join(w, "b");
    say(a, "{'type':'offer','target':'b','sdp':'v','sessionId':'s'}");
    expect_event(w, "session_open", "from=a", "to=b", "session=s", "!us");
    advance(w, 1500);
    say(b, "{'type':'answer','target':'a','sdp':'v'}");
    expect_event(w, "session_answer", "from=a", "to=b", "session=s", "us=1500000");
    size_t before = w->events.n;
    say(b, "{'type':'answer','target':'a','sdp':'v'}");
    assert_int_equal(w->events.n, before + 1);
    say(b, "{'type':'bye','target':'a','reason':'rejected'}");
    expect_event(w, "session_end", "session=s", "reason=rejected", "us=1500000");
    world_free(w);
}

/* Two sessions end in the same tick and their ends are told once each. */
static void test_many_timeouts_at_once(void **state)
{
    (void)state;
    struct hub_conf conf = world_conf();
    conf.limits.max_sessions = 2000;
    conf.heartbeat_us = 0;
    struct world *w = world_new_conf(&conf);
    struct sock *a = join(w, "a"), *b = join(w, "b");
    for (int i = 0; i < 1000; i++) {
        say(a, "{'type':'offer','target':'b','sdp':'v','sessionId':'s%d'}", i);
    }
    assert_int_equal(hub_sessions(w->hub), 1000);
    forget_all(w);
    advance(w, MINUTE + 100);
    assert_int_equal(hub_sessions(w->hub), 0);
    assert_int_equal(unread(a), 1000);
    assert_int_equal(unread(b), 1000);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_offer_timeout),
        cmocka_unit_test(test_only_an_answer_stops_the_offer_timeout),
        cmocka_unit_test(test_session_timeout_counts_from_the_last_message),
        cmocka_unit_test(test_session_timeout_shorter_than_the_offer_timeout),
        cmocka_unit_test(test_peer_left),
        cmocka_unit_test(test_faults_end_sessions_as_peer_left),
        cmocka_unit_test(test_ended_session_is_not_found),
        cmocka_unit_test(test_offer_to_a_socket_that_is_gone),
        cmocka_unit_test(test_events_of_a_session),
        cmocka_unit_test(test_many_timeouts_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
