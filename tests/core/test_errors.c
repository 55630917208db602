/* SPDX-License-Identifier: MIT
 * What a peer may do wrong: each fault has its error or its close code, too many end the link. */
#include "tests/core/world.h"

#include <stdlib.h>

static void test_not_registered(void **state)
{
    (void)state;
    static const char *const requests[] = {"'type':'offer','target':'b','sdp':'v'",
                                           "'type':'answer','target':'b','sdp':'v'",
                                           "'type':'ice','target':'b','candidate':null",
                                           "'type':'bye','target':'b'",
                                           "'type':'list'",
                                           "'type':'watch'"};
    struct world *w = world_new();
    struct sock *s = dial(w);
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        say(s, "{%s,'rid':'r'}", requests[i]);
        expect(s, "error", "code=not_registered", "retryable=false", "rid=r");
        expect_nothing(s);
    }
    say(s, "{'type':'ping','rid':'r'}");
    expect(s, "pong", "rid=r");
    world_free(w);
}

static void test_codes(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"", "invalid_json"},
        {" ", "invalid_json"},
        {"{", "invalid_json"},
        {"{}x", "invalid_json"},
        {"[]", "invalid_message"},
        {"7", "invalid_message"},
        {"null", "invalid_message"},
        {"{}", "missing_member"},
        {"{'type':7}", "invalid_member"},
        {"{'type':null}", "invalid_member"},
        {"{'type':'nonsense'}", "unknown_type"},
        {"{'type':''}", "unknown_type"},
        {"{'type':'registered','id':'x'}", "unknown_type"},
        {"{'type':'ack','rid':1}", "unknown_type"},
        {"{'type':'Ping'}", "unknown_type"},
        {"{'type':'ping\\u0000'}", "unknown_type"},
        {"{'type':'ping','type':'ping'}", "invalid_message"},
        {"{'type':'list','limit':0}", "invalid_member"},
        {"{'type':'list','limit':1001}", "invalid_member"},
        {"{'type':'list','limit':1.0}", "invalid_member"},
        {"{'type':'list','limit':'5'}", "invalid_member"},
        {"{'type':'list','after':'*'}", "invalid_id"},
        {"{'type':'list','detail':1}", "invalid_member"},
        {"{'type':'monitor','backlog':-1}", "invalid_member"},
        {"{'type':'offer','sdp':'v'}", "missing_member"},
        {"{'type':'offer','target':'b'}", "missing_member"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct world *w = world_new();
        struct sock *s = join(w, "a");
        char want[64];
        snprintf(want, sizeof(want), "code=%s", cases[i][1]);
        say(s, "%s", cases[i][0]);
        expect(s, "error", want, "retryable=false");
        expect_nothing(s);
        snprintf(want, sizeof(want), "code=%s", cases[i][1]);
        expect_event(w, "protocol_error", want, "id=a");
        world_free(w);
    }
}

static void test_limits_of_the_scanner(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *a = join(w, "a"), *b = join(w, "b");
    char deep[4096], open[SP_DEPTH_MAX] = "", shut[SP_DEPTH_MAX] = "";
    memset(open, '[', SP_DEPTH_MAX - 1);
    memset(shut, ']', SP_DEPTH_MAX - 1);
    snprintf(deep, sizeof(deep), "{'type':'ice','target':'b','candidate':null,'x':%s%s}", open,
             shut);
    say(a, "%s", deep);
    expect(b, "ice");
    snprintf(deep, sizeof(deep), "{'type':'ice','target':'b','candidate':null,'x':[%s%s]}", open,
             shut);
    say(a, "%s", deep);
    expect(a, "error", "code=invalid_message");
    size_t n = (size_t)snprintf(deep, sizeof(deep), "{\"type\":\"ping\",\"x\":[0");
    for (unsigned i = 0; i < SP_MEMBERS_MAX; i++) {
        n += (size_t)snprintf(deep + n, sizeof(deep) - n, ",0");
    }
    snprintf(deep + n, sizeof(deep) - n, "]}");
    say_raw(a, deep, strlen(deep));
    expect(a, "error", "code=invalid_message");
    expect_nothing(a);
    world_free(w);
}

static void test_too_many_errors_close(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *s = join(w, "a");
    for (int i = 0; i < 20; i++) {
        say_lit(s, "nonsense");
        expect(s, "error", "code=invalid_json");
        advance(w, 400);
    }
    expect_nothing(s);
    say_lit(s, "nonsense");
    expect(s, "error", "code=invalid_json");
    expect_closed(s, 1008);
    expect_event(w, "disconnect", "id=a");
    world_free(w);
}

static void test_no_errors_allowed_at_all(void **state)
{
    (void)state;
    struct hub_conf conf = world_conf();
    conf.max_errors = 0;
    struct world *w = world_new_conf(&conf);
    struct sock *s = join(w, "a");
    say(s, "{'type':'ping'}");
    expect(s, "pong");
    say_lit(s, "nonsense");
    expect(s, "error", "code=invalid_json");
    expect_closed(s, 1008);
    world_free(w);
}

static void test_errors_spread_over_time_are_fine(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *s = join(w, "a");
    for (int i = 0; i < 200; i++) {
        say_lit(s, "nonsense");
        advance(w, 600);
    }
    assert_int_equal(unread(s), 200);
    assert_int_equal(s->closes, 0);
    world_free(w);
}

/* "20 in 10 s" means any 10 s, not those of a window that begins anew in the middle of a burst. */
static void test_burst_across_a_window_boundary(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *s = join(w, "a");
    say_lit(s, "nonsense");
    advance(w, 9900);
    for (int i = 0; i < 19; i++) {
        say_lit(s, "nonsense");
    }
    advance(w, 200);
    for (int i = 0; i < 19; i++) {
        say_lit(s, "nonsense");
    }
    forget(s);
    expect_closed(s, 1008);
    world_free(w);
}

/* Errors of delivery are not the sender's fault. */
static void test_delivery_errors_do_not_count(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *s = join(w, "a"), *b = join(w, "b");
    for (int i = 0; i < 100; i++) {
        say(s, "{'type':'offer','target':'nobody','sdp':'v'}");
        say(s, "{'type':'answer','target':'b','sdp':'v'}");
        say(s, "{'type':'monitor'}");
    }
    assert_int_equal(unread(s), 300);
    assert_int_equal(s->closes, 0);
    expect_nothing(b);
    world_free(w);
}

static void test_bad_utf8(void **state)
{
    (void)state;
    static const char *const bad[] = {"{\"type\":\"\xff\"}",
                                      "{\"\xc0\xaf\":1}",
                                      "\xff",
                                      "{\"a\":\"\xed\xa0\x80\"}",
                                      "{\"a\":\"\xf4\x90\x80\x80\"}",
                                      "{\"a\":\"\xe2\x82\"}",
                                      "{\"a\":1}\x80"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct world *w = world_new();
        struct sock *s = join(w, "a");
        say_raw(s, bad[i], strlen(bad[i]));
        expect_closed(s, 1007);
        assert_int_equal(hub_clients(w->hub), 0);
        world_free(w);
    }
}

/* RFC 6455 8.1: text that is not UTF-8 fails the connection, whatever else is wrong before it. */
static void test_bad_utf8_behind_another_mistake(void **state)
{
    (void)state;
    static const char *const bad[] = {"{\"a\":1,\"a\":\"\xff\"}", "{\"a\":x\xff}", "[\xff"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct world *w = world_new();
        struct sock *s = join(w, "a");
        say_raw(s, bad[i], strlen(bad[i]));
        forget(s);
        expect_closed(s, 1007);
        world_free(w);
    }
}

static void test_faults_below_messages(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *binary = join(w, "a"), *large = join(w, "b"), *nobody = dial(w);
    hub_fault(w->hub, binary->ref, HUB_FAULT_BINARY, w->now);
    expect_closed(binary, 1003);
    say(large, "{'type':'ping','rid':'before'}");
    expect(large, "pong");
    hub_fault(w->hub, large->ref, HUB_FAULT_TOO_LARGE, w->now);
    expect(large, "error", "code=too_large", "retryable=false", "!rid",
           "details=a message may have 65536 bytes");
    expect_closed(large, 1009);
    expect_event(w, "protocol_error", "code=too_large", "id=b", "!kind");
    hub_fault(w->hub, nobody->ref, HUB_FAULT_TOO_LARGE, w->now);
    expect(nobody, "error", "code=too_large");
    expect_closed(nobody, 1009);
    assert_int_equal(hub_connections(w->hub), 0);
    world_free(w);
}

static void test_too_large_is_1009_even_after_many_errors(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *s = join(w, "a");
    for (int i = 0; i < 20; i++) {
        say_lit(s, "nonsense");
    }
    forget(s);
    hub_fault(w->hub, s->ref, HUB_FAULT_TOO_LARGE, w->now);
    expect(s, "error", "code=too_large");
    expect_closed(s, 1009);
    world_free(w);
}

/* The error of the message before must not lend its rid or its kind to the next one's. */
static void test_rid_of_an_earlier_message_is_not_echoed(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *s = join(w, "a");
    say(s, "{'type':'bogus','rid':'one'}");
    expect(s, "error", "code=unknown_type", "rid=one");
    say_lit(s, "nonsense");
    expect(s, "error", "code=invalid_json", "!rid");
    say(s, "{'type':'ping'}");
    expect(s, "pong", "!rid");
    world_free(w);
}

static void test_random_garbage(void **state)
{
    (void)state;
    static const char *const seeds[] = {
        "{\"type\":\"register\",\"id\":\"a\",\"meta\":{\"k\":[1,2]}}",
        "{\"type\":\"offer\",\"target\":\"b\",\"sdp\":\"v=0\\r\\n\",\"sessionId\":\"s\",\"rid\":1}",
        "{\"type\":\"ice\",\"target\":\"b\",\"candidate\":{\"candidate\":\"\\u0041\"}}",
        "{\"type\":\"bye\",\"target\":\"b\",\"reason\":\"x\"}",
        "{\"type\":\"monitor\",\"filter\":\"type=offer and not (size>4k)\",\"since\":1}",
        "{\"type\":\"list\",\"match\":\"*\",\"limit\":3,\"detail\":true}",
        "{\"type\":\"watch\",\"match\":\"a*\",\"role\":\"r\"}"};
    struct hub_conf conf = world_conf();
    conf.max_errors = 1000;
    struct world *w = world_new_conf(&conf);
    w->keep_events = false;
    struct sock *s = NULL;
    join(w, "b");
    for (int i = 0; i < 100000; i++) {
        if (!s || s->over) {
            s = dial_local(w);
            say(s, "{'type':'register','id':'a'}");
        }
        char m[256];
        const char *seed = seeds[world_random(w, 7)];
        size_t n = strlen(seed);
        memcpy(m, seed, n);
        for (uint32_t k = world_random(w, 4); k > 0; k--) {
            m[world_random(w, (uint32_t)n)] = (char)world_random(w, 256);
        }
        n -= world_random(w, 8) == 0 ? world_random(w, (uint32_t)n) : 0;
        say_raw(s, m, n);
        if (i % 50 == 0) {
            advance(w, 21);
        }
    }
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_not_registered),
        cmocka_unit_test(test_codes),
        cmocka_unit_test(test_limits_of_the_scanner),
        cmocka_unit_test(test_too_many_errors_close),
        cmocka_unit_test(test_no_errors_allowed_at_all),
        cmocka_unit_test(test_errors_spread_over_time_are_fine),
        cmocka_unit_test(test_burst_across_a_window_boundary),
        cmocka_unit_test(test_delivery_errors_do_not_count),
        cmocka_unit_test(test_bad_utf8),
        cmocka_unit_test(test_bad_utf8_behind_another_mistake),
        cmocka_unit_test(test_faults_below_messages),
        cmocka_unit_test(test_too_large_is_1009_even_after_many_errors),
        cmocka_unit_test(test_rid_of_an_earlier_message_is_not_echoed),
        cmocka_unit_test(test_random_garbage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
