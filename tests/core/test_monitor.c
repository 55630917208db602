/* SPDX-License-Identifier: MIT
 * The event feed as a monitor sees it: batches, filters, backlog, since. */
#include "tests/core/world.h"

#include "libproto/time.h"

#include <stdlib.h>

/* The seq of the i-th event of a batch; -1 when there are fewer. */
static int64_t seq_at(const char *batch, int i)
{
    struct sp_doc doc;
    struct sp_diag d;
    assert_int_equal(sp_scan(&doc, batch, strlen(batch), &wide, &d), SP_OK);
    struct sp_str events = sp_doc_raw(&doc, sp_doc_find(&doc, SP_STR("events"))), e;
    size_t pos = 0;
    while (sp_each_element(events, &pos, &e)) {
        struct sp_event ev;
        char scratch[1024];
        assert_int_equal(sp_event_parse(&ev, e, scratch, sizeof(scratch), &d), SP_OK);
        if (i-- == 0) {
            return ev.n[SP_EN_seq];
        }
    }
    return -1;
}

static struct sock *monitor(struct world *w, const char *members)
{
    struct sock *s = dial_local(w);
    say(s, "{'type':'monitor','rid':'m'%s}", members);
    expect(s, "ack", "rid=m");
    return s;
}

/* The end of what was asked for: nothing more of it matches. */
static void expect_end(struct sock *s)
{
    assert_int_equal(count_in(expect(s, "events"), "events"), 0);
    expect_nothing(s);
}

static void test_batches_wait_at_most_20_ms(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *s = monitor(w, "");
    advance(w, 100);
    expect_nothing(s);
    struct sock *a = join(w, "a"), *b = join(w, "b");
    turn(w);
    assert_int_equal(count_in(expect(s, "events"), "events"), 4);
    for (int i = 0; i < 50; i++) {
        call(a, b, "a", "b");
        turn(w);
    }
    expect_nothing(s);
    uint64_t start = w->now.mono_us;
    advance(w, 20);
    assert_true(w->now.mono_us <= start + 20000);
    const char *batch = expect(s, "events");
    assert_int_equal(count_in(batch, "events"), 51);
    expect_nothing(s);
    advance(w, 1000);
    expect_nothing(s);
    world_free(w);
}

static void test_idle_monitor_costs_no_wake_ups(void **state)
{
    (void)state;
    struct hub_conf conf = world_conf();
    conf.heartbeat_us = 0;
    struct world *w = world_new_conf(&conf);
    struct sock *s = monitor(w, ",'filter':'drain'");
    join(w, "a");
    advance(w, 100);
    expect_nothing(s);
    assert_true(w->due == UINT64_MAX);
    s->room = 0;
    say(s, "{'type':'ping'}");
    join(w, "b");
    advance(w, 100);
    assert_true(w->due == UINT64_MAX);
    world_free(w);
}

static void test_shape_of_an_event(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *s = monitor(w, ",'filter':'relay'"), *a = join(w, "a"), *b = join(w, "b");
    say(a, "{'type':'offer','target':'b','sdp':'v=0\\r\\nm=audio 9\\r\\nm=video "
           "9','sessionId':'s'}");
    expect(b, "offer");
    advance(w, 20);
    expect_text(s, "{'type':'events','events':[{'seq':7,'ts':'2025-11-27T12:00:00.000Z',"
                   "'event':'relay','kind':'offer','from':'a','to':'b','session':'s',"
                   "'summary':'audio,video','size':83,'us':7,'at':0}],'seq':7}");
    world_free(w);
}

static void test_filter(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *s = monitor(w, ",'filter':'type=offer from=drone-*'");
    struct sock *d = join(w, "drone-1"), *c = join(w, "cam");
    for (int i = 0; i < 3; i++) {
        say(c, "{'type':'offer','target':'drone-1','sdp':'v'}");
        say(d, "{'type':'ice','target':'cam','candidate':null}");
        say(d, "{'type':'offer','target':'cam','sdp':'v'}");
    }
    say(d, "{'type':'offer','target':'nobody','sdp':'v'}");
    advance(w, 25);
    const char *batch = expect(s, "events");
    assert_int_equal(count_in(batch, "events"), 4);
    assert_null(strstr(batch, "\"from\":\"cam\""));
    expect_nothing(s);
    say(s, "{'type':'monitor','filter':'event=disconnect'}");
    say(d, "{'type':'offer','target':'cam','sdp':'v'}");
    advance(w, 25);
    expect_nothing(s);
    hang_up(c);
    advance(w, 25);
    expect(s, "events");
    world_free(w);
}

static void test_bad_filter(void **state)
{
    (void)state;
    static const char *const bad[] = {"form=x", "size>", "(", "from<a", "a b c", "not", "event="};
    struct world *w = world_new();
    struct sock *s = monitor(w, ",'filter':'register'");
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        say(s, "{'type':'monitor','filter':'%s','rid':5}", bad[i]);
        expect(s, "error", "code=invalid_member", "rid=5");
    }
    char want[1200];
    say(s, "{'type':'monitor','filter':'%01025d'}", 0);
    expect(s, "error", "code=invalid_member");
    snprintf(want, sizeof(want), "details=filter: unknown field 'form', did you mean 'from'?");
    say(s, "{'type':'monitor','filter':'form=x'}");
    expect(s, "error", want);
    join(w, "a");
    advance(w, 25);
    assert_int_equal(count_in(expect(s, "events"), "events"), 1);
    world_free(w);
}

static void test_untrusted_is_forbidden(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *s = dial(w), *a = join(w, "a");
    say(s, "{'type':'monitor','rid':1}");
    expect(s, "error", "code=forbidden", "rid=1", "retryable=false");
    say(a, "{'type':'monitor','backlog':10}");
    expect(a, "error", "code=forbidden");
    advance(w, 25);
    expect_nothing(a);
    world_free(w);
}

static void test_backlog_counts_what_matches(void **state)
{
    (void)state;
    struct world *w = world_new();
    char id[16];
    for (int i = 0; i < 100; i++) {
        snprintf(id, sizeof(id), "c%d", i);
        join(w, id);
    }
    struct sock *s = monitor(w, ",'filter':'register','backlog':7");
    const char *batch = expect(s, "events");
    assert_int_equal(count_in(batch, "events"), 7);
    assert_int_equal(seq_at(batch, 6), 200);
    assert_int_equal(seq_at(batch, 0), 188);
    expect_nothing(s);
    say(s, "{'type':'monitor','backlog':0,'rid':1}");
    expect(s, "ack", "seq=201");
    expect_end(s);
    say(s, "{'type':'monitor','backlog':9007199254740991,'filter':'register'}");
    assert_int_equal(count_in(expect(s, "events"), "events"), 100);
    say(s, "{'type':'monitor','backlog':5,'filter':'drain','rid':2}");
    expect(s, "ack");
    expect_end(s);
    world_free(w);
}

static void test_since_resumes_without_holes(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *a = join(w, "a"), *b = join(w, "b");
    int64_t last = 0;
    for (int i = 0; i < 30; i++) {
        char since[40];
        snprintf(since, sizeof(since), ",'since':%lld", (long long)last);
        struct sock *s = monitor(w, since);
        for (int k = 0; k < i % 4; k++) {
            say(a, "{'type':'ice','target':'b','candidate':null}");
        }
        advance(w, 25);
        while (unread(s)) {
            const char *batch = expect(s, "events");
            for (int k = 0; seq_at(batch, k) >= 0; k++) {
                assert_int_equal(seq_at(batch, k), ++last);
            }
            assert_int_equal(number_of(batch, "seq"), last);
        }
        hang_up(s);
        forget(b);
    }
    assert_true(last > 90);
    world_free(w);
}

static void test_since_of_another_life(void **state)
{
    (void)state;
    struct world *w = world_new();
    join(w, "a");
    struct sock *s = monitor(w, ",'since':1000000");
    const char *batch = expect(s, "events");
    assert_int_equal(seq_at(batch, 0), 1);
    assert_int_equal(seq_at(batch, 2), 3);
    expect_nothing(s);
    s = monitor(w, ",'since':9007199254740991,'backlog':1");
    assert_int_equal(seq_at(expect(s, "events"), 0), 4);
    expect_nothing(s);
    world_free(w);
}

/* The numbers of another life may be as large as ours: its name tells it from this one. */
static void test_since_of_another_life_by_its_name(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *s = dial_local(w);
    char boot[SP_RESUME_LEN + 1], members[128];
    say(s, "{'type':'monitor','rid':1}");
    value_of(expect(s, "ack"), "boot", boot, sizeof(boot));
    assert_int_equal(strlen(boot), SP_RESUME_LEN);
    for (int i = 0; i < 20; i++) {
        join(w, (char[]){(char)('a' + i), '\0'});
    }
    snprintf(members, sizeof(members), ",'since':5,'boot':'%s'", boot);
    assert_int_equal(seq_at(expect(monitor(w, members), "events"), 0), 6);
    assert_int_equal(seq_at(expect(monitor(w, ",'since':5,'boot':'other'"), "events"), 0), 1);
    world_free(w);
}

static void test_since_a_time(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sp_stamp stamp = {0};
    char members[128];
    join(w, "a");
    advance(w, 5000);
    join(w, "b");
    int64_t b_ms = w->now.wall_ms;
    advance(w, 3000);
    snprintf(members, sizeof(members), ",'since':'%.*s','filter':'register'", (int)SP_TIMESTAMP_LEN,
             sp_stamp_at(&stamp, b_ms).p);
    struct sock *s = monitor(w, members);
    const char *batch = expect(s, "events");
    assert_int_equal(count_in(batch, "events"), 1);
    assert_non_null(strstr(batch, "\"id\":\"b\""));
    s = monitor(w, ",'age':3000,'filter':'register'");
    assert_int_equal(count_in(expect(s, "events"), "events"), 1);
    s = monitor(w, ",'age':2999,'filter':'register'");
    expect_end(s);
    s = monitor(w, ",'age':60000,'filter':'register'");
    assert_int_equal(count_in(expect(s, "events"), "events"), 2);
    /* the narrower bound counts */
    s = monitor(w, ",'age':60000,'backlog':1,'filter':'register'");
    assert_int_equal(count_in(expect(s, "events"), "events"), 1);
    s = monitor(w, ",'age':3000,'backlog':9,'filter':'register'");
    assert_int_equal(count_in(expect(s, "events"), "events"), 1);
    say(s, "{'type':'monitor','since':'yesterday','rid':1}");
    expect(s, "error", "code=invalid_member", "rid=1");
    world_free(w);
}

static void test_a_time_before_what_is_kept(void **state)
{
    (void)state;
    struct hub_conf conf = world_conf();
    conf.event_ring = 16;
    struct world *w = world_new_conf(&conf);
    struct sock *a = join(w, "a");
    for (int i = 0; i < 30; i++) {
        advance(w, 1000);
        say(a, "{'type':'ice','target':'a','candidate':null}");
    }
    struct sock *s = dial_local(w);
    say(s, "{'type':'monitor','age':14000,'rid':1}");
    assert_null(strstr(expect(s, "ack"), "truncated"));
    assert_int_equal(count_in(expect(s, "events"), "events"), 16);
    say(s, "{'type':'monitor','age':15000,'rid':1}");
    expect(s, "ack", "truncated=true");
    world_free(w);
}

/* A sample has whole sessions: all of their events or none. */
static void test_sample(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *a = join(w, "a"), *b = join(w, "b");
    struct sock *s = monitor(w, ",'sample':250000,'filter':'relay'");
    unsigned seen[400] = {0}, sessions = 0;
    for (int i = 0; i < 400; i++) {
        say(a, "{'type':'offer','target':'b','sdp':'v','sessionId':'n%d'}", i);
        say(b, "{'type':'answer','target':'a','sdp':'v','sessionId':'n%d'}", i);
        say(a, "{'type':'bye','target':'b','sessionId':'n%d'}", i);
        advance(w, 25);
        forget(a);
        forget(b);
    }
    while (unread(s)) {
        const char *at = expect(s, "events");
        while ((at = strstr(at, "\"session\":\"n"))) {
            seen[atoi(at + 12)]++;
            at++;
        }
    }
    for (int i = 0; i < 400; i++) {
        assert_true(seen[i] == 0 || seen[i] == 3);
        sessions += seen[i] == 3;
    }
    assert_in_range(sessions, 60, 140);
    say(s, "{'type':'monitor','sample':0,'rid':1}");
    expect(s, "error", "code=invalid_member");
    say(s, "{'type':'monitor','sample':1000001,'rid':1}");
    expect(s, "error", "code=invalid_member");
    world_free(w);
}

static void test_since_the_newest_gives_nothing_old(void **state)
{
    (void)state;
    struct world *w = world_new();
    join(w, "a");
    struct sock *s = dial_local(w);
    say(s, "{'type':'monitor','since':3,'rid':1}");
    expect(s, "ack");
    expect_end(s);
    join(w, "b");
    advance(w, 25);
    assert_int_equal(seq_at(expect(s, "events"), 0), 4);
    world_free(w);
}

static void test_long_backlog_comes_in_batches(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *a = join(w, "a");
    join(w, "b");
    for (int i = 0; i < 3000; i++) {
        say(a, "{'type':'ice','target':'b','candidate':null}");
    }
    struct sock *s = monitor(w, ",'since':0");
    int64_t last = 0;
    size_t batches = unread(s);
    assert_true(batches > 1);
    while (unread(s)) {
        const char *batch = expect(s, "events");
        assert_true(strlen(batch) < 64 * 1024);
        for (int k = 0, n = count_in(batch, "events"); k<n; k += n - 1> k ? n - 1 - k : n) {
            int64_t seq = seq_at(batch, k);
            assert_int_equal(seq, k == 0 ? last + 1 : last + n);
            last = k == 0 && n > 1 ? last : seq;
        }
    }
    assert_int_equal(last, 3005);
    world_free(w);
}

/* The longest that an event can be: four ids, a reason and what else there is. */
static void test_longest_event_arrives_whole(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *s = monitor(w, ",'filter':'session_end'");
    char a_id[SP_ID_MAX + 1], b_id[SP_ID_MAX + 1], reason[SP_REASON_MAX + 1], want[160];
    memset(a_id, 'a', SP_ID_MAX);
    memset(b_id, 'b', SP_ID_MAX);
    memset(reason, 'r', SP_REASON_MAX);
    a_id[SP_ID_MAX] = b_id[SP_ID_MAX] = reason[SP_REASON_MAX] = '\0';
    struct sock *a = join(w, a_id);
    join(w, b_id);
    say(a, "{'type':'offer','target':'%s','sdp':'v','sessionId':'%s'}", b_id, a_id);
    say(a, "{'type':'bye','target':'%s','reason':'%s'}", b_id, reason);
    snprintf(want, sizeof(want), "reason=%s", reason);
    expect_event(w, "session_end", want);
    advance(w, 25);
    const char *batch = expect(s, "events");
    snprintf(want, sizeof(want), "\"reason\":\"%s\"", reason);
    assert_non_null(strstr(batch, want));
    world_free(w);
}

static void test_monitor_may_watch_register_and_go(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *s = monitor(w, ""), *t = monitor(w, ""), *u = monitor(w, "");
    say(s, "{'type':'register','id':'mon'}");
    say(s, "{'type':'watch'}");
    hang_up(t);
    advance(w, 25);
    expect(s, "registered");
    expect(s, "events");
    expect(u, "events");
    hang_up(s);
    hang_up(u);
    join(w, "a");
    advance(w, 25);
    assert_int_equal(hub_connections(w->hub), 1);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_batches_wait_at_most_20_ms),
        cmocka_unit_test(test_idle_monitor_costs_no_wake_ups),
        cmocka_unit_test(test_shape_of_an_event),
        cmocka_unit_test(test_filter),
        cmocka_unit_test(test_bad_filter),
        cmocka_unit_test(test_untrusted_is_forbidden),
        cmocka_unit_test(test_backlog_counts_what_matches),
        cmocka_unit_test(test_since_resumes_without_holes),
        cmocka_unit_test(test_since_of_another_life),
        cmocka_unit_test(test_since_of_another_life_by_its_name),
        cmocka_unit_test(test_since_a_time),
        cmocka_unit_test(test_a_time_before_what_is_kept),
        cmocka_unit_test(test_sample),
        cmocka_unit_test(test_since_the_newest_gives_nothing_old),
        cmocka_unit_test(test_long_backlog_comes_in_batches),
        cmocka_unit_test(test_longest_event_arrives_whole),
        cmocka_unit_test(test_monitor_may_watch_register_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
