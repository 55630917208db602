/* SPDX-License-Identifier: MIT
 * Rates: buckets, what a client over its rate is told and when it is closed, limits by role. */
#include "tests/core/world.h"

#define NELEMS(a) (sizeof(a) / sizeof((a)[0]))

/* How many single tokens go through in that time when one is asked for every step. */
static uint64_t taken(struct bucket_rate r, uint64_t us, uint64_t step_us)
{
    uint64_t full = 0, n = 0;
    for (uint64_t t = 0; t < us; t += step_us) {
        n += bucket_take(&full, r, 1, 1000000 + t) == 0;
    }
    return n;
}

static void test_exact_counts(void **state)
{
    (void)state;
    static const struct {
        uint64_t tokens, period_us, burst;
    } rates[] = {{1, 1000000, 1},  {10, 1000000, 1},     {100, 1000000, 50},
                 {7, 1000000, 3},  {3, 1000000, 30},     {60, 60000000, 10},
                 {1, 60000000, 5}, {1000, 1000000, 200}, {999, 1000000, 4}};
    for (size_t i = 0; i < NELEMS(rates); i++) {
        struct bucket_rate r = bucket_rate(rates[i].tokens, rates[i].period_us, rates[i].burst);
        uint64_t hour = 3600000000u, want = rates[i].tokens * (hour / rates[i].period_us);
        uint64_t got = taken(r, hour, 250);
        /* the burst, and what came in, the last of which may be on its way */
        assert_in_range(got, rates[i].burst + want - 1, rates[i].burst + want);
    }
}

static void test_no_drift_however_it_is_asked(void **state)
{
    (void)state;
    struct bucket_rate r = bucket_rate(100, 1000000, 20);
    static const uint64_t steps[] = {1000, 777, 9999, 10000};
    for (size_t i = 0; i < NELEMS(steps); i++) {
        assert_in_range(taken(r, 3600000000u, steps[i]), 360000, 360020);
    }
    /* slower than the rate: all go through, and idle time saves up no more than the burst */
    assert_int_equal(taken(r, 3600000000u, 10001), 3600000000u / 10001 + 1);
    uint64_t full = 0, n = 0;
    while (bucket_take(&full, r, 1, 1) == 0) {
        n++;
    }
    assert_int_equal(n, 20);
    for (n = 0; bucket_take(&full, r, 1, 86400000000u) == 0; n++) {
    }
    assert_int_equal(n, 20);
}

static void test_the_wait_is_the_truth(void **state)
{
    (void)state;
    static const uint64_t tokens[] = {1, 2, 3, 7, 10, 99, 1000, 4096, 65536, 999999};
    for (size_t i = 0; i < NELEMS(tokens); i++) {
        struct bucket_rate r = bucket_rate(tokens[i], 1000000, 8);
        uint64_t full = 0, now = 5000000;
        for (int k = 0; k < 200; k++) {
            uint64_t n = 1 + (uint64_t)k % 8, wait = bucket_take(&full, r, n, now);
            if (wait) {
                assert_int_equal(bucket_wait(full, r, n, now), wait);
                assert_true(bucket_wait(full, r, n, now + wait - 1) == 1);
                assert_int_equal(bucket_wait(full, r, n, now + wait), 0);
                now += wait;
            }
        }
    }
}

static void test_extremes(void **state)
{
    (void)state;
    uint64_t full = 0;
    struct bucket_rate none = bucket_rate(0, 1000000, 5);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(bucket_take(&full, none, 1000000, 1), 0);
    }
    /* a rate that starts later finds a full bucket */
    struct bucket_rate r = bucket_rate(1, 1000000, 2);
    assert_int_equal(bucket_take(&full, r, 1, 1), 0);
    assert_int_equal(bucket_take(&full, r, 1, 1), 0);
    assert_int_equal(bucket_take(&full, r, 1, 1), 1000000);
    /* more than the bucket holds is taken from a full one, which then is in debt */
    full = 0;
    assert_int_equal(bucket_take(&full, r, 10, 1), 0);
    assert_int_equal(bucket_take(&full, r, 1, 1), 9000000);
    assert_int_equal(bucket_take(&full, r, 10, 1), 10000000);
    /* the fastest rates are rates too */
    full = 0;
    struct bucket_rate fast = bucket_rate(1073741824, 1000000, 4096);
    assert_int_equal(bucket_take(&full, fast, 4096, 1), 0);
    assert_true(bucket_take(&full, fast, 4096, 1) > 0);
}

/* ---- through the hub */

static struct world *rated(uint32_t rate, uint32_t burst, uint32_t bytes, uint32_t byte_burst)
{
    struct hub_conf conf = world_conf();
    conf.limits.message_rate = rate;
    conf.limits.message_burst = burst;
    conf.limits.byte_rate = bytes;
    conf.limits.byte_burst = byte_burst;
    return world_new_conf(&conf);
}

static void ping(struct sock *s)
{
    say(s, "{'type':'ping','rid':1}");
}

static void test_over_the_rate(void **state)
{
    (void)state;
    struct world *w = rated(4, 5, 0, 0);
    struct sock *s = join(w, "a");
    for (int i = 0; i < 4; i++) {
        ping(s);
        expect(s, "pong");
    }
    ping(s);
    expect(s, "error", "code=rate_limited", "rid=1", "retryable=true", "retryAfter=250",
           "message=Rate limit exceeded");
    expect_event(w, "rate_limit", "code=rate_limited", "id=a", "kind=ping");
    advance(w, 249);
    ping(s);
    expect(s, "error", "code=rate_limited", "retryAfter=1");
    advance(w, 1);
    ping(s);
    expect(s, "pong");
    expect_nothing(s);
    world_free(w);
}

static void test_what_is_over_has_no_effect(void **state)
{
    (void)state;
    struct world *w = rated(10, 3, 0, 0);
    struct sock *a = join(w, "a"), *b = join(w, "b");
    say(a, "{'type':'offer','target':'b','sdp':'v'}");
    say(a, "{'type':'offer','target':'b','sdp':'v'}");
    forget_all(w);
    say(a, "{'type':'bye','target':'b','rid':1}");
    expect(a, "error", "code=rate_limited", "rid=1");
    say_lit(a, "{\"broken");
    expect(a, "error", "code=rate_limited", "!rid");
    expect_nothing(b);
    assert_int_equal(hub_sessions(w->hub), 1);
    /* others have buckets of their own */
    say(b, "{'type':'bye','target':'a'}");
    expect(a, "bye");
    assert_int_equal(hub_sessions(w->hub), 0);
    world_free(w);
}

static int storm(struct sock *s, int n)
{
    int refused = 0;
    for (int i = 0; i < n && !s->closes; i++) {
        ping(s);
        while (unread(s)) {
            refused += strstr(s->in.v[s->in.read++].p, "rate_limited") != NULL;
        }
    }
    return refused;
}

static void test_who_never_listens_is_closed(void **state)
{
    (void)state;
    struct world *w = rated(10, 5, 0, 0);
    struct sock *a = join(w, "a"), *b = join(w, "b");
    /* as many refusals as the bucket has tokens, and one more */
    assert_int_equal(storm(a, 1000), 6);
    expect_closed(a, 4429);
    expect_event(w, "disconnect", "id=a", "reason=4429 rate limit");
    expect_nothing(b);
    /* who hits the rate now and then stays */
    for (int i = 0; i < 100; i++) {
        assert_in_range(storm(b, 8), 1, 5);
        advance(w, 1000);
    }
    expect_nothing(b);
    world_free(w);
}

/* Over its rate of bytes a client was refused for ever, and never closed. */
static void test_bytes_alone(void **state)
{
    (void)state;
    struct world *w = rated(0, 0, 1000, 4096);
    struct sock *s = join(w, "a");
    say(s, "{'type':'ping','x':'%04000d'}", 0);
    expect(s, "pong");
    say(s, "{'type':'ping','x':'%0478d'}", 0);
    const char *error = expect(s, "error", "code=rate_limited");
    int64_t wait = number_of(error, "retryAfter");
    assert_in_range(wait, 400, 500);
    advance(w, (uint64_t)wait - 1);
    say(s, "{'type':'ping','x':'%0478d'}", 0);
    expect(s, "error", "code=rate_limited", "retryAfter=1");
    advance(w, 1);
    say(s, "{'type':'ping','x':'%0478d'}", 0);
    expect(s, "pong");
    for (int i = 0; i < 20 && !s->closes; i++) {
        say(s, "{'type':'ping','x':'%01000d'}", 0);
    }
    forget(s);
    expect_closed(s, 4429);
    world_free(w);
}

/* A message longer than the burst waits for a full bucket instead of for ever. */
static void test_one_message_larger_than_the_burst(void **state)
{
    (void)state;
    struct world *w = rated(0, 0, 1000, 4096);
    struct sock *s = join(w, "a");
    advance(w, 10000);
    say(s, "{'type':'ping','x':'%020000d'}", 0);
    expect(s, "pong");
    ping(s);
    assert_in_range(number_of(expect(s, "error", "code=rate_limited"), "retryAfter"), 15000, 17000);
    world_free(w);
}

static void test_local_is_exempt(void **state)
{
    (void)state;
    struct hub_conf conf = world_conf();
    struct limits by_role[RIGHTS_ROLES];
    struct rights r;
    unsigned bad;
    char why[128];
    conf.limits.message_rate = 1;
    conf.limits.message_burst = 2;
    assert_true(rights_parse(&r, NULL, 0, &bad, why, sizeof(why)));
    assert_true(limits_parse(by_role, &conf.limits, &r, NULL, 0, &bad, why, sizeof(why)));
    conf.role_limits = by_role;
    struct world *w = world_new_conf(&conf);
    struct sock *local = dial_local(w), *s = dial(w);
    assert_int_equal(storm(local, 1000), 0);
    assert_int_equal(storm(s, 1000), 3);
    expect_closed(s, 4429);
    world_free(w);
}

static void test_roles_differ(void **state)
{
    (void)state;
    static const char *const lines[] = {"drone message-rate=100 message-burst=7",
                                        "camera message-rate=0 max-sessions=1"};
    struct hub_conf conf = world_conf();
    struct limits by_role[RIGHTS_ROLES];
    struct rights r;
    unsigned bad;
    char why[128];
    conf.auth = true;
    conf.limits.message_rate = 10;
    conf.limits.message_burst = 3;
    assert_true(rights_parse(&r, NULL, 0, &bad, why, sizeof(why)));
    assert_true(limits_parse(by_role, &conf.limits, &r, lines, 2, &bad, why, sizeof(why)));
    conf.role_limits = by_role;
    struct world *w = world_new_conf(&conf);
    struct sock *d = dial_with(w, "id=d;role=drone"), *c = dial_with(w, "id=c;role=camera");
    struct sock *o = dial_with(w, "id=o;role=operator"), *none = dial(w);
    assert_int_equal(storm(d, 8), 1);
    assert_int_equal(storm(c, 1000), 0);
    assert_int_equal(storm(o, 4), 1);
    assert_int_equal(storm(none, 4), 1);
    advance(w, 1000);
    say(c, "{'type':'register','id':'c'}");
    say(o, "{'type':'register','id':'o'}");
    say(c, "{'type':'offer','target':'o','sdp':'v','sessionId':'x'}");
    say(c, "{'type':'offer','target':'o','sdp':'v','sessionId':'y'}");
    expect(c, "registered");
    expect(c, "error", "code=session_limit");
    world_free(w);
}

static void test_another_rate_at_a_reload(void **state)
{
    (void)state;
    struct world *w = rated(10, 5, 0, 0);
    struct sock *s = dial(w);
    struct hub_conf conf = w->conf;
    assert_int_equal(storm(s, 6), 1);
    conf.limits.message_rate = 1000;
    conf.limits.message_burst = 100;
    hub_reconf(w->hub, &conf, w->now);
    advance(w, 1000);
    assert_int_equal(storm(s, 101), 1);
    conf.limits.message_rate = 0;
    hub_reconf(w->hub, &conf, w->now);
    assert_int_equal(storm(s, 10000), 0);
    advance(w, 1000);
    conf.limits.message_rate = 1;
    conf.limits.message_burst = 2;
    hub_reconf(w->hub, &conf, w->now);
    assert_int_equal(storm(s, 3), 1);
    expect_nothing(s);
    world_free(w);
}

/* ---- the grammar */

static void test_parse(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "drone message-rate=10k\tbyte-rate=1.5M ", "local message-rate=5",
        "pilot send-queue=1M send-queue-messages=7 message-burst=9 byte-burst=4096 "
        "max-sessions=100000",
        "drone message-rate=20"};
    static const char *const roles[] = {"pilot all"};
    const struct limits base = {.message_rate = 1,
                                .message_burst = 2,
                                .byte_rate = 3,
                                .byte_burst = 4,
                                .max_sessions = 5,
                                .queue_bytes = 6,
                                .queue_msgs = 7};
    struct limits out[RIGHTS_ROLES];
    struct rights r;
    unsigned bad;
    char why[128];
    assert_true(rights_parse(&r, roles, 1, &bad, why, sizeof(why)));
    assert_true(limits_parse(out, &base, &r, lines, 4, &bad, why, sizeof(why)));
    const struct limits *drone = &out[rights_role(&r, SP_STR("drone"))];
    const struct limits *pilot = &out[rights_role(&r, SP_STR("pilot"))];
    assert_int_equal(drone->message_rate, 20);
    assert_int_equal(drone->byte_rate, 1572864);
    assert_int_equal(drone->message_burst, 2);
    assert_int_equal(out[RIGHTS_LOCAL].message_rate, 5);
    assert_int_equal(out[RIGHTS_LOCAL].byte_rate, 0);
    assert_int_equal(pilot->queue_bytes, 1048576);
    assert_int_equal(pilot->queue_msgs, 7);
    assert_int_equal(pilot->message_burst, 9);
    assert_int_equal(pilot->byte_burst, 4096);
    assert_int_equal(pilot->max_sessions, 100000);
    assert_memory_equal(&out[RIGHTS_NOBODY], &base, sizeof(base));
    assert_memory_equal(&out[RIGHTS_ROLES - 1], &base, sizeof(base));
}

static void test_mistakes(void **state)
{
    (void)state;
    static const struct {
        const char *line, *why;
    } cases[] = {
        {"", "the rights table has no role ''"},
        {"pilot message-rate=1", "the rights table has no role 'pilot'"},
        {"message-rate=1", "the rights table has no role 'message-rate=1'"},
        {"drone", "expected ROLE NAME=VALUE..."},
        {"drone message-rate", "expected NAME=VALUE, not 'message-rate'"},
        {"drone message-rate 5", "expected NAME=VALUE, not 'message-rate'"},
        {"drone messagerate=5", "unknown limit 'messagerate', did you mean 'message-rate'?"},
        {"drone max-clients=5", "unknown limit 'max-clients'"},
        {"drone =5", "unknown limit ''"},
        {"drone message-rate=", "message-rate: '' is not a number from 0 to 1000000"},
        {"drone message-rate=x", "message-rate: 'x' is not a number from 0 to 1000000"},
        {"drone message-rate=-1", "message-rate: '-1' is not a number from 0 to 1000000"},
        {"drone message-rate=1000001", "message-rate: '1000001' is not a number"},
        {"drone message-burst=0", "message-burst: '0' is not a number from 1 to 1000000"},
        {"drone byte-burst=4095", "byte-burst: '4095' is not a number from 4096 to 1073741824"},
        {"drone byte-rate=2G", "byte-rate: '2G' is not a number from 0 to 1073741824"},
        {"drone max-sessions=1 max-sessions=0", "max-sessions: '0' is not a number from 1"},
        {"drone send-queue=4294971392", "send-queue: '4294971392' is not a number from 4096"},
        {"drone send-queue-messages=4K=", "send-queue-messages: '4K=' is not a number from 1"},
    };
    const struct limits base = {0};
    struct limits out[RIGHTS_ROLES];
    struct rights r;
    unsigned bad;
    char why[256];
    assert_true(rights_parse(&r, NULL, 0, &bad, why, sizeof(why)));
    for (size_t i = 0; i < NELEMS(cases); i++) {
        const char *lines[] = {"camera message-rate=1", cases[i].line};
        assert_false(limits_parse(out, &base, &r, lines, 2, &bad, why, sizeof(why)));
        assert_int_equal(bad, 1);
        if (strncmp(why, cases[i].why, strlen(cases[i].why)) != 0) {
            fail_msg("'%s': %s", cases[i].line, why);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exact_counts),
        cmocka_unit_test(test_no_drift_however_it_is_asked),
        cmocka_unit_test(test_the_wait_is_the_truth),
        cmocka_unit_test(test_extremes),
        cmocka_unit_test(test_over_the_rate),
        cmocka_unit_test(test_what_is_over_has_no_effect),
        cmocka_unit_test(test_who_never_listens_is_closed),
        cmocka_unit_test(test_bytes_alone),
        cmocka_unit_test(test_one_message_larger_than_the_burst),
        cmocka_unit_test(test_local_is_exempt),
        cmocka_unit_test(test_roles_differ),
        cmocka_unit_test(test_another_rate_at_a_reload),
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_mistakes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
