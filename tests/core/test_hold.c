/* SPDX-License-Identifier: MIT
 * Offers that wait for a target that is not there yet. */
#include "tests/core/fleet.h"

static void hold(struct sock *s, const char *target, int n, int ms)
{
    say(s, "{'type':'offer','target':'%s','sdp':'v=%d','hold':%d,'rid':%d}", target, n, ms, n);
}

static void test_target_comes_in_time(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *a = join(w, "a");
    say(a, "{'type':'offer','target':'b','sdp':'v=0','x':[1, 2],'hold':5000,'rid':'r'}");
    advance(w, 4500);
    expect_nothing(a);
    assert_int_equal(hub_held(w->hub), 1);
    assert_int_equal(hub_sessions(w->hub), 0);
    struct sock *b = join(w, "b");
    expect(b, "offer", "from=a", "sdp=v=0", "x=[1, 2]", "polite=true", "!hold", "!rid");
    expect(a, "ack", "rid=r");
    advance(w, 10000);
    expect_nothing(a);
    expect_nothing(b);
    assert_int_equal(hub_held(w->hub), 0);
    assert_int_equal(hub_sessions(w->hub), 1);
    world_free(w);
}

static void test_target_does_not_come(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *a = join(w, "a");
    hold(a, "b", 7, 5000);
    advance(w, 4900);
    expect_nothing(a);
    advance(w, 300);
    expect(a, "error", "code=target_not_found", "rid=7", "target=b");
    struct sock *b = join(w, "b");
    expect_nothing(a);
    expect_nothing(b);
    world_free(w);
}

static void test_zero_and_present_do_not_wait(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *a = join(w, "a");
    hold(a, "b", 1, 0);
    expect(a, "error", "code=target_not_found", "rid=1");
    struct sock *b = join(w, "b");
    hold(a, "b", 2, 5000);
    expect(b, "offer", "sdp=v=2");
    expect(a, "ack", "rid=2");
    assert_int_equal(hub_held(w->hub), 0);
    world_free(w);
}

static void test_a_minute_is_the_most(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *a = join(w, "a");
    say(a, "{'type':'offer','target':'b','sdp':'','hold':9007199254740991,'rid':1}");
    for (int i = 0; i < 59; i++) {
        advance(w, 1000);
        pong(a);
    }
    expect_nothing(a);
    advance(w, 1100);
    expect(a, "error", "code=target_not_found", "rid=1");
    world_free(w);
}

static void test_order_is_kept_and_the_next_comes_behind(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *a = join(w, "a"), *c = join(w, "c");
    for (int i = 0; i < 5; i++) {
        hold(i % 2 ? c : a, "b", i, 5000);
    }
    hold(a, "other", 9, 5000);
    struct sock *b = join(w, "b");
    hold(a, "b", 5, 5000);
    for (int i = 0; i < 6; i++) {
        char sdp[24];
        snprintf(sdp, sizeof(sdp), "sdp=v=%d", i);
        expect(b, "offer", sdp);
    }
    expect_nothing(b);
    assert_int_equal(hub_held(w->hub), 1);
    world_free(w);
}

static void test_it_goes_with_its_sender(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *a = join(w, "a"), *c = join(w, "c");
    hold(a, "b", 1, 5000);
    hold(c, "b", 2, 5000);
    hold(a, "b", 3, 5000);
    hang_up(a);
    assert_int_equal(hub_held(w->hub), 1);
    struct sock *again = join(w, "c");
    expect_closed(c, 4501);
    assert_int_equal(hub_held(w->hub), 0);
    struct sock *b = join(w, "b");
    expect_nothing(b);
    expect_nothing(again);
    world_free(w);
}

static void test_bounds_of_one_sender(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *a = join(w, "a"), *c = join(w, "c");
    for (int i = 0; i < 16; i++) {
        hold(a, "b", i, 5000);
    }
    expect_nothing(a);
    hold(a, "b", 16, 5000);
    expect(a, "error", "code=target_not_found", "rid=16");
    hold(c, "b", 17, 5000);
    expect_nothing(c);
    assert_int_equal(hub_held(w->hub), 17);
    world_free(w);
}

static void test_bounds_in_bytes(void **state)
{
    (void)state;
    static char big[50000];
    struct world *w = world_new();
    struct sock *a = join(w, "a");
    memset(big, 'x', sizeof(big) - 1);
    for (int i = 0; i < 2; i++) {
        say(a, "{'type':'offer','target':'b','sdp':'%s','hold':5000}", big);
    }
    expect_nothing(a);
    say(a, "{'type':'offer','target':'b','sdp':'%s','hold':5000}", big);
    expect(a, "error", "code=target_not_found");
    hold(a, "b", 1, 5000);
    expect_nothing(a);
    assert_int_equal(hub_held(w->hub), 3);
    world_free(w);
}

static void test_bounds_of_all(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *last = NULL;
    char id[16];
    for (int i = 0; i <= 4096; i++) {
        if (i % 16 == 0) {
            snprintf(id, sizeof(id), "s%d", i);
            last = join(w, id);
        }
        snprintf(id, sizeof(id), "t%d", i);
        hold(last, id, i, 5000);
    }
    expect(last, "error", "code=target_not_found", "rid=4096");
    assert_int_equal(hub_held(w->hub), 4096);
    advance(w, 5100);
    assert_int_equal(hub_held(w->hub), 0);
    world_free(w);
}

/* A hidden target takes as long as one that is not there. */
static void test_hidden_is_not_there(void **state)
{
    (void)state;
    struct hub_conf conf = world_conf();
    conf.auth = true;
    struct world *w = world_new_conf(&conf);
    struct sock *a = dial_with(w, "id=a;role=drone"), *b = dial_with(w, "id=b;role=drone");
    say(a, "{'type':'register','id':'a'}");
    say(b, "{'type':'register','id':'b'}");
    forget_all(w);
    hold(a, "b", 1, 5000);
    expect_nothing(a);
    hold(a, "nobody", 2, 5000);
    expect_nothing(a);
    say(b, "{'type':'register','id':'b','token':'id=b;role=operator'}");
    expect(b, "registered");
    expect(b, "offer", "sdp=v=1");
    expect(a, "ack", "rid=1");
    advance(w, 5100);
    expect(a, "error", "code=target_not_found", "rid=2");
    world_free(w);
}

static void test_denied_openly_does_not_wait(void **state)
{
    (void)state;
    struct hub_conf conf = world_conf();
    conf.auth = true;
    struct world *w = world_new_conf(&conf);
    struct sock *a = dial_with(w, "id=a;role=monitor");
    say(a, "{'type':'register','id':'a'}");
    expect(a, "registered");
    hold(a, "b", 1, 5000);
    expect(a, "error", "code=forbidden", "rid=1");
    world_free(w);
}

static void test_nothing_is_held_over_a_drain(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *a = join(w, "a");
    hold(a, "b", 1, 5000);
    hub_drain(w->hub, w->now);
    expect(a, "goaway");
    expect_closed(a, 1001);
    assert_int_equal(hub_held(w->hub), 0);
    world_free(w);
}

static void test_target_comes_to_another_node(void **state)
{
    (void)state;
    struct hub_conf conf = world_conf();
    struct fleet *f = fleet_new(2, &conf);
    fleet_meet(f);
    struct sock *a = join(f->w[0], "a");
    hold(a, "b", 1, 5000);
    fleet_run(f, 500);
    expect_nothing(a);
    struct sock *b = join(f->w[1], "b");
    fleet_run(f, 500);
    expect(b, "offer", "from=a", "sdp=v=1");
    expect(a, "ack", "rid=1");
    assert_int_equal(hub_held(f->w[0]->hub), 0);
    fleet_free(f);
}

/* Every offer has one answer, whatever happens: it came, or it did not in time. */
static void test_one_answer_at_random(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *a = join(w, "a"), *peers[4] = {NULL};
    int asked = 0, got = 0, answered = 0, rids[4096] = {0};
    for (int i = 0; i < 4000; i++) {
        uint32_t k = world_random(w, 4);
        char id[16];
        snprintf(id, sizeof(id), "p%u", k);
        if (world_random(w, 3)) {
            hold(a, id, asked++, 1 + (int)world_random(w, 400));
        } else if (peers[k]) {
            hang_up(peers[k]);
            peers[k] = NULL;
        } else {
            peers[k] = join(w, id);
        }
        advance(w, world_random(w, 50));
        pong(a);
        for (; a->in.read < a->in.n; a->in.read++) {
            const char *m = a->in.v[a->in.read].p;
            int64_t rid = number_of(m, "rid");
            if (rid >= 0) {
                assert_int_equal(rids[rid]++, 0);
                answered++;
                got += strstr(m, "\"ack\"") != NULL;
            }
        }
        assert_false(a->over);
    }
    advance(w, 1000);
    answered += (int)unread(a);
    assert_true(answered >= asked && got > asked / 4 && got < asked);
    assert_int_equal(hub_held(w->hub), 0);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_target_comes_in_time),
        cmocka_unit_test(test_target_does_not_come),
        cmocka_unit_test(test_zero_and_present_do_not_wait),
        cmocka_unit_test(test_a_minute_is_the_most),
        cmocka_unit_test(test_order_is_kept_and_the_next_comes_behind),
        cmocka_unit_test(test_it_goes_with_its_sender),
        cmocka_unit_test(test_bounds_of_one_sender),
        cmocka_unit_test(test_bounds_in_bytes),
        cmocka_unit_test(test_bounds_of_all),
        cmocka_unit_test(test_hidden_is_not_there),
        cmocka_unit_test(test_denied_openly_does_not_wait),
        cmocka_unit_test(test_nothing_is_held_over_a_drain),
        cmocka_unit_test(test_target_comes_to_another_node),
        cmocka_unit_test(test_one_answer_at_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
