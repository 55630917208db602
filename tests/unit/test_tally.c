/* SPDX-License-Identifier: MIT
 * The figures of a recording: ranks, calls, the order of a pair, bounds. */
#include "tests/lib/unit.h"

#include "cli/sigmon/metric.h"

#include <stdlib.h>

#define PATIENCE 1000000

static struct tally t;
static int64_t clock_us;

static int setup(void **state)
{
    (void)state;
    clock_us = 5;
    return tally_init(&t, PATIENCE) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    tally_fini(&t);
    return 0;
}

static struct sp_event event(enum sp_event_type type, const char *from, const char *to)
{
    struct sp_event ev;
    sp_event_init(&ev, type, 1000000 + clock_us / 1000);
    ev.s[SP_ES_from] = sp_str(from);
    ev.s[SP_ES_to] = sp_str(to);
    ev.s[SP_ES_session] = SP_STR("s");
    ev.n[SP_EN_at] = clock_us++;
    return ev;
}

static void say(enum sp_event_type type, const char *from, const char *to)
{
    struct sp_event ev = event(type, from, to);
    ev.n[SP_EN_us] = type == SP_EV_SESSION_OPEN ? -1 : 700;
    tally_event(&t, &ev);
}

static void relay(enum sp_type kind, const char *from, const char *to, int64_t size)
{
    struct sp_event ev = event(SP_EV_RELAY, from, to);
    ev.kind = kind;
    ev.n[SP_EN_size] = size;
    ev.n[SP_EN_us] = 6;
    tally_event(&t, &ev);
}

static void open_call(const char *from, const char *to)
{
    say(SP_EV_SESSION_OPEN, from, to);
    relay(SP_T_OFFER, from, to, 1000);
}

static const struct tally_peer *peer(const char *id)
{
    return sp_map_get(&t.peers, sp_str(id));
}

static void test_ranks(void **state)
{
    (void)state;
    struct spread s = {0};
    assert_int_equal(spread_rank(&s, 500), -1);
    for (int64_t i = 200; i > 0; i--) {
        assert_true(spread_add(&s, i));
    }
    assert_int_equal(spread_rank(&s, 1), 1);
    assert_int_equal(spread_rank(&s, 500), 100);
    assert_int_equal(spread_rank(&s, 501), 101);
    assert_int_equal(spread_rank(&s, 990), 198);
    assert_int_equal(spread_rank(&s, 1000), 200);
    assert_true(spread_add(&s, 0));
    assert_int_equal(spread_rank(&s, 1), 0);
    spread_fini(&s);
    assert_true(spread_add(&s, 42));
    assert_int_equal(spread_rank(&s, 500), 42);
    assert_int_equal(spread_rank(&s, 1000), 42);
    spread_fini(&s);
}

static void test_words_in_order(void **state)
{
    (void)state;
    size_t n;
    for (int i = 0; i < 3; i++) {
        assert_true(words_add(&t.codes, SP_STR("b")));
    }
    assert_true(words_add(&t.codes, SP_STR("c")));
    assert_true(words_add(&t.codes, SP_STR("a")));
    const struct word **v = words_sorted(&t.codes, &n);
    assert_int_equal(n, 3);
    assert_string_equal(v[0]->text, "b");
    assert_int_equal(v[0]->n, 3);
    assert_string_equal(v[1]->text, "a");
    assert_string_equal(v[2]->text, "c");
    free(v);
}

static void test_an_answered_call(void **state)
{
    (void)state;
    open_call("a", "b");
    relay(SP_T_ANSWER, "b", "a", 900);
    say(SP_EV_SESSION_ANSWER, "a", "b");
    relay(SP_T_ICE, "a", "b", 100);
    relay(SP_T_BYE, "a", "b", 50);
    say(SP_EV_SESSION_END, "a", "b");
    tally_end(&t);
    assert_int_equal(t.f.sessions, 1);
    assert_int_equal(t.f.answered, 1);
    assert_int_equal(t.f.ended, 1);
    assert_int_equal(t.f.unanswered + t.f.open + t.f.before, 0);
    assert_int_equal(t.f.messages, 4);
    assert_int_equal(t.f.bytes, 2050);
    assert_int_equal(t.f.span_us, 6);
    assert_int_equal(spread_rank(&t.setup, 500), 700);
    assert_int_equal(peer("a")->sent.n, 3);
    assert_int_equal(peer("a")->received.bytes, 900);
    assert_int_equal(peer("a")->calls, 1);
    assert_int_equal(peer("a")->answered, 1);
    assert_int_equal(peer("b")->called, 1);
    assert_int_equal(peer("b")->calls, 0);
}

static void test_an_offer_gets_old(void **state)
{
    (void)state;
    open_call("a", "b");
    clock_us += PATIENCE;
    open_call("b", "c");
    tally_end(&t);
    assert_int_equal(t.f.opened, 2);
    assert_int_equal(t.f.unanswered, 1);
    assert_int_equal(t.f.open, 1);
    assert_int_equal(peer("a")->unanswered, 1);
    assert_int_equal(peer("b")->open, 1);
}

static void test_an_end_without_an_answer(void **state)
{
    (void)state;
    open_call("a", "b");
    say(SP_EV_SESSION_END, "a", "b");
    /* one that was opened before the recording is no offer without an answer */
    say(SP_EV_SESSION_END, "c", "d");
    tally_end(&t);
    assert_int_equal(t.f.unanswered, 1);
    assert_int_equal(t.f.before, 1);
    assert_int_equal(t.f.ended, 2);
}

static void test_a_restart_ends_all_calls(void **state)
{
    (void)state;
    open_call("a", "b");
    clock_us = 3000000;
    open_call("c", "d");
    tally_restart(&t);
    clock_us = 1;
    open_call("a", "b");
    tally_end(&t);
    assert_int_equal(t.f.restarts, 1);
    assert_int_equal(t.f.sessions, 3);
    assert_int_equal(t.f.ended, 2);
    assert_int_equal(t.f.unanswered, 2);
    assert_int_equal(t.f.open, 1);
    assert_true(t.f.span_us >= 2999995);
}

static uint64_t order_of(const char *a, const char *b, int way)
{
    char key[64];
    snprintf(key, sizeof(key), "%s %s", a, b);
    const struct tally_pair *p = sp_map_get(&t.pairs, sp_str(key));
    return !p ? 0 : way < 0 ? p->both : p->order[way];
}

static void test_the_order_of_a_pair(void **state)
{
    (void)state;
    /* FNV-1a of "offer 10\n" and of "offer 10\nice 7\n" */
    assert_true(tally_order(TALLY_ORDER_INIT, SP_T_OFFER, 10) == 0xb48848620902e974u);
    relay(SP_T_OFFER, "b", "a", 10);
    relay(SP_T_ANSWER, "a", "b", 20);
    relay(SP_T_ICE, "b", "a", 7);
    relay(SP_T_OFFER, "c", "d", 10);
    relay(SP_T_ANSWER, "d", "c", 20);
    relay(SP_T_ICE, "c", "d", 7);
    relay(SP_T_OFFER, "e", "f", 10);
    relay(SP_T_ICE, "e", "f", 7);
    relay(SP_T_ANSWER, "f", "e", 20);
    relay(SP_T_ICE, "g", "h", 7);
    relay(SP_T_OFFER, "g", "h", 10);
    assert_true(order_of("a", "b", 1) ==
                tally_order(tally_order(TALLY_ORDER_INIT, SP_T_OFFER, 10), SP_T_ICE, 7));
    /* whose name comes first does not matter, who sent first does */
    assert_true(order_of("a", "b", -1) == order_of("c", "d", -1));
    assert_true(order_of("a", "b", 1) == order_of("c", "d", 0));
    assert_true(order_of("c", "d", 0) == order_of("e", "f", 0));
    assert_true(order_of("c", "d", -1) != order_of("e", "f", -1));
    assert_true(order_of("g", "h", 0) != order_of("e", "f", 0));
    assert_true(order_of("g", "h", 1) == TALLY_ORDER_INIT);
}

static void test_sums_do_not_wrap(void **state)
{
    (void)state;
    for (int i = 0; i < 2000; i++) {
        relay(SP_T_ICE, "a", "b", 9007199254740991);
    }
    assert_true(t.f.bytes == INT64_MAX);
    tally_gap(&t, INT64_MAX);
    tally_gap(&t, INT64_MAX);
    assert_true(t.f.missed == INT64_MAX);
}

static void test_what_no_peer_says_is_counted_too(void **state)
{
    (void)state;
    struct sp_event ev = event(SP_EV_RATE_LIMIT, "", "");
    tally_event(&t, &ev);
    ev.s[SP_ES_id] = SP_STR("a");
    tally_event(&t, &ev);
    ev = event(SP_EV_NONE, "", "");
    tally_event(&t, &ev);
    assert_int_equal(t.f.rate_limits, 2);
    assert_int_equal(peer("a")->rate_limits, 1);
    assert_int_equal(t.f.peers, 1);
    assert_int_equal(t.events.map.count, 2);
}

/* ---------------------------------------------------------------- bounds */

static enum threshold_result judge(const char *text)
{
    struct threshold th;
    char why[160];
    if (!threshold_parse(&th, text, why, sizeof(why))) {
        print_error("%s: %s\n", text, why);
        fail();
    }
    return threshold_judge(&th, &t);
}

static void test_bounds(void **state)
{
    (void)state;
    assert_int_equal(judge("errors>=0"), THRESHOLD_UNMEASURED);
    open_call("a", "b");
    say(SP_EV_SESSION_ANSWER, "a", "b");
    say(SP_EV_DELIVER_ERROR, "a", "b");
    assert_int_equal(judge("errors>=50%"), THRESHOLD_FIRED);
    assert_int_equal(judge("errors>50%"), THRESHOLD_QUIET);
    assert_int_equal(judge("errors > 49.99%"), THRESHOLD_FIRED);
    assert_int_equal(judge("errors=1"), THRESHOLD_FIRED);
    assert_int_equal(judge("errors!=1"), THRESHOLD_QUIET);
    assert_int_equal(judge("bytes<1k"), THRESHOLD_FIRED);
    assert_int_equal(judge("unanswered>0"), THRESHOLD_QUIET);
    assert_int_equal(judge("life.p50>0us"), THRESHOLD_UNMEASURED);
    assert_int_equal(judge("answered<100%"), THRESHOLD_UNMEASURED);
    tally_end(&t);
    assert_int_equal(judge("answered<100%"), THRESHOLD_QUIET);
    assert_int_equal(judge("setup.p99>20ms"), THRESHOLD_QUIET);
    assert_int_equal(judge("setup.max>=0.7ms"), THRESHOLD_FIRED);
}

static void test_bounds_that_are_none(void **state)
{
    (void)state;
    static const char *const bad[][2] = {
        {"unanswerd>0", "no metric 'unanswerd', did you mean 'unanswered'?"},
        {"xyzzy>0", "no metric 'xyzzy'"},
        {"", "no metric ''"},
        {">1", "no metric ''"},
        {"errors", "want NAME>VALUE, with <, <=, =, !=, >= or >"},
        {"errors>", "want a count such as 10, or a share as 1% behind errors"},
        {"errors>1ms", "want a count such as 10, or a share as 1% behind errors"},
        {"peers>1%", "want a count such as 10 behind peers"},
        {"setup.p99>20", "want a time such as 20ms behind setup.p99"},
        {"bytes>1%", "want a size such as 10M behind bytes"}};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct threshold th;
        char why[160] = "";
        assert_false(threshold_parse(&th, bad[i][0], why, sizeof(why)));
        assert_string_equal(why, bad[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ranks),
        cmocka_unit_test_setup_teardown(test_words_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_answered_call, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_offer_gets_old, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_end_without_an_answer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_restart_ends_all_calls, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_order_of_a_pair, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sums_do_not_wrap, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_no_peer_says_is_counted_too, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bounds, setup, teardown),
        cmocka_unit_test(test_bounds_that_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
