/* SPDX-License-Identifier: MIT
 * Takeover: a second connection for a live id, with and without the proof that it is the same
 * peer. */
#include "tests/core/world.h"

#define TOKEN 64

static struct sock *join_token(struct world *w, const char *id, char token[TOKEN])
{
    struct sock *s = dial(w);
    say(s, "{'type':'register','id':'%s'}", id);
    assert_true(value_of(expect(s, "registered"), "resume", token, TOKEN));
    return s;
}

static struct sock *resume(struct world *w, const char *id, const char *token)
{
    char member[TOKEN + 32];
    snprintf(member, sizeof(member), ",'resume':'%s'", token);
    return join_with(w, id, member);
}

static void test_old_connection_is_closed_without_bye(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *old = join(w, "drone-1"), *fresh = join(w, "drone-1");
    expect_closed(old, 4501);
    expect_nothing(fresh);
    assert_int_equal(hub_clients(w->hub), 1);
    assert_int_equal(hub_connections(w->hub), 1);
    expect_event(w, "replace", "id=drone-1", "epoch=1");
    expect_event(w, "register", "id=drone-1", "epoch=2");
    expect_event(w, "disconnect", "id=drone-1", "conn=1");
    world_free(w);
}

static void test_sessions_end_replaced_without_the_token(void **state)
{
    (void)state;
    struct world *w = world_new();
    char session[160], want[200];
    struct sock *old = join(w, "drone-1"), *peer = join(w, "pilot");
    snprintf(session, sizeof(session), "%s", call(old, peer, "drone-1", "pilot"));
    struct sock *fresh = join_with(w, "drone-1", ",'resume':'0000000000000000000000'");
    snprintf(want, sizeof(want), "sessionId=%s", session);
    expect(peer, "bye", "from=drone-1", want, "reason=replaced");
    expect_nothing(peer);
    expect_closed(old, 4501);
    assert_int_equal(hub_sessions(w->hub), 0);
    say(peer, "{'type':'answer','target':'drone-1','sdp':'v=0','sessionId':'%s','rid':1}", session);
    expect(peer, "error", "code=session_not_found", "rid=1");
    expect_nothing(fresh);
    world_free(w);
}

static void test_sessions_move_with_the_token(void **state)
{
    (void)state;
    struct world *w = world_new();
    char token[TOKEN], session[160], want[200];
    struct sock *old = join_token(w, "drone-1", token), *peer = join(w, "pilot");
    snprintf(session, sizeof(session), "%s", call(old, peer, "drone-1", "pilot"));
    snprintf(want, sizeof(want), "sessionId=%s", session);
    struct sock *fresh = resume(w, "drone-1", token);
    expect_closed(old, 4501);
    expect_nothing(peer);
    assert_int_equal(hub_sessions(w->hub), 1);
    say(peer, "{'type':'ice','target':'drone-1','candidate':null}");
    expect(fresh, "ice", "from=pilot", want, "candidate=null");
    say(fresh, "{'type':'ice','target':'pilot','candidate':'','sessionId':'%s'}", session);
    expect(peer, "ice", "from=drone-1", want);
    say(peer, "{'type':'bye','target':'drone-1'}");
    expect(fresh, "bye", want, "reason=hangup");
    assert_int_equal(hub_sessions(w->hub), 0);
    world_free(w);
}

/* A token is good for one takeover only; the next connection has another. */
static void test_used_token_does_not_work_again(void **state)
{
    (void)state;
    struct world *w = world_new();
    char token[TOKEN];
    struct sock *old = join_token(w, "drone-1", token), *peer = join(w, "pilot");
    call(old, peer, "drone-1", "pilot");
    resume(w, "drone-1", token);
    expect_nothing(peer);
    resume(w, "drone-1", token);
    expect(peer, "bye", "from=drone-1", "reason=replaced");
    assert_int_equal(hub_sessions(w->hub), 0);
    world_free(w);
}

static void test_token_of_another_id_does_not_work(void **state)
{
    (void)state;
    struct world *w = world_new();
    char token[TOKEN], other[TOKEN];
    struct sock *old = join_token(w, "drone-1", token), *peer = join(w, "pilot");
    join_token(w, "drone-2", other);
    call(old, peer, "drone-1", "pilot");
    resume(w, "drone-1", other);
    expect(peer, "bye", "from=drone-1", "reason=replaced");
    world_free(w);
}

static void test_order_of_sessions_is_kept(void **state)
{
    (void)state;
    struct world *w = world_new();
    char token[TOKEN], want[32];
    struct sock *old = join_token(w, "drone-1", token), *peer = join(w, "pilot");
    for (int i = 0; i < 5; i++) {
        say(old, "{'type':'offer','target':'pilot','sdp':'v=0','sessionId':'s%d'}", i);
        say(peer, "{'type':'offer','target':'drone-1','sdp':'v=0','sessionId':'t%d'}", i);
    }
    struct sock *fresh = resume(w, "drone-1", token);
    forget_all(w);
    for (int i = 5; i-- > 0;) {
        snprintf(want, sizeof(want), "sessionId=t%d", i);
        say(fresh, "{'type':'bye','target':'pilot'}");
        expect(peer, "bye", want);
        snprintf(want, sizeof(want), "sessionId=s%d", i);
        say(peer, "{'type':'bye','target':'drone-1'}");
        expect(fresh, "bye", want);
    }
    assert_int_equal(hub_sessions(w->hub), 0);
    world_free(w);
}

static void test_polite_side_survives(void **state)
{
    (void)state;
    struct world *w = world_new();
    char token[TOKEN];
    struct sock *old = join_token(w, "opener", token), *peer = join(w, "other");
    call(old, peer, "opener", "other");
    struct sock *fresh = resume(w, "opener", token);
    say(peer, "{'type':'offer','target':'opener','sdp':'v=0'}");
    expect(fresh, "offer", "polite=false");
    say(fresh, "{'type':'offer','target':'other','sdp':'v=0'}");
    expect(peer, "offer", "polite=true");
    assert_int_equal(hub_sessions(w->hub), 1);
    world_free(w);
}

static void test_self_call_moves(void **state)
{
    (void)state;
    struct world *w = world_new();
    char token[TOKEN];
    struct sock *old = join_token(w, "me", token);
    say(old, "{'type':'offer','target':'me','sdp':'v=0','sessionId':'loop'}");
    expect(old, "offer", "from=me", "sessionId=loop");
    struct sock *fresh = resume(w, "me", token);
    say(fresh, "{'type':'ice','target':'me','candidate':null}");
    expect(fresh, "ice", "from=me", "sessionId=loop");
    hang_up(fresh);
    assert_int_equal(hub_sessions(w->hub), 0);
    world_free(w);
}

/* The id is the new connection's even while the old socket is still closing. */
static void test_late_close_does_not_evict_the_new_one(void **state)
{
    (void)state;
    struct world *w = world_new();
    w->linger = true;
    char token[TOKEN];
    struct sock *old = join_token(w, "drone-1", token), *peer = join(w, "pilot");
    call(old, peer, "drone-1", "pilot");
    struct sock *fresh = resume(w, "drone-1", token);
    advance(w, 500);
    finish(old);
    turn(w);
    assert_int_equal(hub_clients(w->hub), 2);
    assert_int_equal(hub_sessions(w->hub), 1);
    say(peer, "{'type':'ice','target':'drone-1','candidate':null}");
    expect(fresh, "ice", "from=pilot");
    expect_nothing(peer);
    world_free(w);
}

static void test_old_epoch_is_dropped(void **state)
{
    (void)state;
    struct world *w = world_new();
    w->linger = true;
    struct sock *old = join(w, "drone-1"), *peer = join(w, "pilot");
    struct sock *fresh = join(w, "drone-1");
    say(old, "{'type':'offer','target':'pilot','sdp':'v=0','rid':1}");
    say(old, "{'type':'register','id':'drone-9'}");
    say(old, "{'type':'ping'}");
    say_lit(old, "\xff");
    hub_alive(w->hub, old->ref, w->now);
    hub_writable(w->hub, old->ref, w->now);
    hub_pong(w->hub, old->ref, "1", 1, w->now);
    hub_fault(w->hub, old->ref, HUB_FAULT_BINARY, w->now);
    expect_closed(old, 4501);
    expect_nothing(peer);
    expect_nothing(fresh);
    finish(old);
    hub_receive(w->hub, old->ref, "{}", 2, w->now);
    hub_closed(w->hub, old->ref, 1000, w->now);
    turn(w);
    assert_int_equal(hub_clients(w->hub), 2);
    world_free(w);
}

/* What was queued for the old connection goes out before its close; nothing new joins it. */
static void test_queue_of_the_old_connection_is_flushed(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *old = join(w, "drone-1"), *peer = join(w, "pilot");
    old->room = 0;
    say(peer, "{'type':'ice','target':'drone-1','candidate':'one'}");
    struct sock *fresh = join(w, "drone-1");
    say(peer, "{'type':'ice','target':'drone-1','candidate':'two'}");
    expect(fresh, "ice", "candidate=two");
    assert_int_equal(old->closes, 0);
    give_room(old, -1);
    expect(old, "ice", "candidate=one");
    expect_closed(old, 4501);
    world_free(w);
}

/* What waits for the old connection was acknowledged; with the sessions it goes to the new one, or
 * its loss would be told to nobody (P5). */
static void test_queued_messages_move_with_the_sessions(void **state)
{
    (void)state;
    struct world *w = world_new();
    w->linger = true;
    char token[TOKEN];
    struct sock *old = join_token(w, "drone-1", token), *peer = join(w, "pilot");
    call(old, peer, "drone-1", "pilot");
    old->room = 0;
    for (int i = 0; i < 3; i++) {
        say(peer, "{'type':'ice','target':'drone-1','candidate':'%d','rid':%d}", i, i);
        expect(peer, "ack");
    }
    struct sock *fresh = resume(w, "drone-1", token);
    advance(w, 2100);
    expect_closed(old, 4501);
    give_room(fresh, -1);
    expect(fresh, "ice", "candidate=0");
    expect(fresh, "ice", "candidate=1");
    expect(fresh, "ice", "candidate=2");
    expect_nothing(fresh);
    world_free(w);
}

/* What waited for the old connection as an answer to it means nothing to the new one. */
static void test_answers_do_not_move_with_the_sessions(void **state)
{
    (void)state;
    struct world *w = world_new();
    w->linger = true;
    char token[TOKEN];
    struct sock *old = join_token(w, "drone-1", token), *peer = join(w, "pilot");
    call(old, peer, "drone-1", "pilot");
    old->room = 0;
    say(old, "{'type':'ping','rid':1}");
    say(peer, "{'type':'ice','target':'drone-1','candidate':'one'}");
    say(old, "{'type':'list','rid':2}");
    struct sock *fresh = resume(w, "drone-1", token);
    advance(w, 2100);
    give_room(fresh, -1);
    expect(fresh, "ice", "candidate=one");
    expect_nothing(fresh);
    world_free(w);
}

static void test_handle_of_a_slot_used_again_is_stale(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *a = join(w, "a");
    struct hub_ref stale = a->ref;
    hang_up(a);
    turn(w);
    struct sock *b = join(w, "b");
    assert_int_equal(b->ref.slot, stale.slot);
    hub_receive(w->hub, stale, "{\"type\":\"ping\"}", 15, w->now);
    hub_writable(w->hub, stale, w->now);
    hub_closed(w->hub, stale, 1000, w->now);
    expect_nothing(b);
    assert_int_equal(hub_clients(w->hub), 1);
    hub_closed(w->hub, (struct hub_ref){0, 0}, 0, w->now);
    hub_closed(w->hub, (struct hub_ref){999999, 1}, 0, w->now);
    assert_int_equal(hub_connections(w->hub), 1);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_old_connection_is_closed_without_bye),
        cmocka_unit_test(test_sessions_end_replaced_without_the_token),
        cmocka_unit_test(test_sessions_move_with_the_token),
        cmocka_unit_test(test_used_token_does_not_work_again),
        cmocka_unit_test(test_token_of_another_id_does_not_work),
        cmocka_unit_test(test_order_of_sessions_is_kept),
        cmocka_unit_test(test_polite_side_survives),
        cmocka_unit_test(test_self_call_moves),
        cmocka_unit_test(test_late_close_does_not_evict_the_new_one),
        cmocka_unit_test(test_old_epoch_is_dropped),
        cmocka_unit_test(test_queue_of_the_old_connection_is_flushed),
        cmocka_unit_test(test_queued_messages_move_with_the_sessions),
        cmocka_unit_test(test_answers_do_not_move_with_the_sessions),
        cmocka_unit_test(test_handle_of_a_slot_used_again_is_stale),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
