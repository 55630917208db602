/* SPDX-License-Identifier: MIT
 * What is going on: the sessions page by page, the counters. */
#include "tests/core/world.h"

#include <stdlib.h>

/* ---- sessions */

static void test_one_session(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *a = join(w, "a"), *b = join(w, "b"), *boss = dial_local(w);
    say(boss, "{'type':'sessions'}");
    expect_text(boss, "{'type':'sessions','sessions':[],'count':0,"
                      "'timestamp':'2025-11-27T12:00:00.000Z'}");
    say(a, "{'type':'offer','target':'b','sdp':'v','sessionId':'x'}");
    say(a, "{'type':'ice','target':'b','candidate':null}");
    say(b, "{'type':'ice','target':'a','candidate':null}");
    advance(w, 2500);
    say(boss, "{'type':'sessions','rid':'q'}");
    expect_text(boss, "{'type':'sessions','rid':'q','sessions':[{'id':'x','from':'a','to':'b',"
                      "'state':'offered','offers':1,'answers':0,'candidates':2,"
                      "'since':'2025-11-27T12:00:00.000Z','idle':2500}],'count':1,"
                      "'timestamp':'2025-11-27T12:00:02.500Z'}");
    say(b, "{'type':'answer','target':'a','sdp':'v'}");
    say(b, "{'type':'offer','target':'a','sdp':'v'}");
    say(a, "{'type':'answer','target':'b','sdp':'v'}");
    say(boss, "{'type':'sessions'}");
    expect_text(boss, "{'type':'sessions','sessions':[{'id':'x','from':'a','to':'b',"
                      "'state':'answered','offers':2,'answers':2,'candidates':2,"
                      "'since':'2025-11-27T12:00:00.000Z','idle':0}],'count':1,"
                      "'timestamp':'2025-11-27T12:00:02.500Z'}");
    say(a, "{'type':'bye','target':'b'}");
    say(boss, "{'type':'sessions'}");
    expect(boss, "sessions", "sessions=[]", "count=0", "!next");
    world_free(w);
}

static void test_match_is_about_either_party(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *a = join(w, "drone-1"), *b = join(w, "cam-1"), *boss = dial_local(w);
    join(w, "cam-2");
    call(a, b, "drone-1", "cam-1");
    say(a, "{'type':'offer','target':'cam-2','sdp':'v'}");
    say(b, "{'type':'offer','target':'cam-2','sdp':'v'}");
    static const struct {
        const char *match;
        int count;
    } cases[] = {{"*", 3}, {"drone-*", 2}, {"cam-1", 2}, {"cam-?", 3}, {"drone-2", 0}, {"cam", 0}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        say(boss, "{'type':'sessions','match':'%s'}", cases[i].match);
        const char *page = expect(boss, "sessions");
        assert_int_equal(count_in(page, "sessions"), cases[i].count);
        assert_int_equal(number_of(page, "count"), cases[i].count);
    }
    world_free(w);
}

static void test_pages_are_cut_by_bytes_too(void **state)
{
    (void)state;
    struct hub_conf conf = world_conf();
    conf.limits.max_sessions = 1000;
    struct world *w = world_new_conf(&conf);
    char id[SP_ID_MAX + 1], next[32], after[64] = "";
    snprintf(id, sizeof(id), "%0128d", 0);
    struct sock *a = join(w, id), *boss = dial_local(w);
    for (int i = 0; i < 1000; i++) {
        say(a, "{'type':'offer','target':'%s','sdp':'v','sessionId':'%0128d'}", id, i);
    }
    int seen = 0, pages = 0;
    for (bool more = true; more; pages++) {
        say(boss, "{'type':'sessions'%s}", after);
        const char *page = expect(boss, "sessions", "count=1000");
        seen += count_in(page, "sessions");
        assert_true(strlen(page) < 192 * 1024);
        more = value_of(page, "next", next, sizeof(next));
        snprintf(after, sizeof(after), ",'after':'%s'", next);
    }
    assert_int_equal(seen, 1000);
    assert_true(pages > 1);
    world_free(w);
}

static void test_after_that_is_no_page(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *boss = dial_local(w);
    static const char *const bad[] = {"abc", "1x", "99999999999999999999"};
    for (size_t i = 0; i < 3; i++) {
        say(boss, "{'type':'sessions','after':'%s','rid':1}", bad[i]);
        expect(boss, "error", "code=invalid_member", "rid=1");
    }
    say(boss, "{'type':'sessions','after':'-1'}");
    expect(boss, "error", "code=invalid_id");
    say(boss, "{'type':'sessions','after':'9007199254740991'}");
    expect(boss, "sessions", "sessions=[]");
    world_free(w);
}

enum { PEERS = 12, MOST = 4000 };

/* churn is what a test knows of sessions that come and go; their ids are s0, s1, ... */
struct churn {
    struct sock *s[PEERS];
    int from[MOST], to[MOST], listed[MOST];
    bool alive[MOST], was_alive[MOST];
    int made;
};

static void open_one(struct world *w, struct churn *c)
{
    int i = c->made++;
    c->from[i] = (int)world_random(w, PEERS);
    c->to[i] = (int)world_random(w, PEERS);
    say(c->s[c->from[i]], "{'type':'offer','target':'p%d','sdp':'v','sessionId':'s%d'}", c->to[i],
        i);
    c->alive[i] = true;
}

static void close_some(struct world *w, struct churn *c, uint32_t n)
{
    for (; n > 0; n--) {
        int i = (int)world_random(w, (uint32_t)c->made);
        if (c->alive[i]) {
            say(c->s[c->from[i]], "{'type':'bye','target':'p%d','sessionId':'s%d'}", c->to[i], i);
            c->alive[i] = false;
        }
    }
}

static void note_page(struct churn *c, const char *page)
{
    static const char mark[] = "{\"id\":\"s";
    for (const char *at = page; (at = strstr(at, mark)); at++) {
        c->listed[strtol(at + sizeof(mark) - 1, NULL, 10)]++;
    }
}

static void walk(struct world *w, struct churn *c, struct sock *boss)
{
    char next[32], after[64] = "";
    memset(c->listed, 0, sizeof(c->listed));
    memcpy(c->was_alive, c->alive, sizeof(c->alive));
    for (bool more = true; more;) {
        int limit = 1 + (int)world_random(w, 40);
        say(boss, "{'type':'sessions','limit':%d%s}", limit, after);
        const char *page = expect(boss, "sessions");
        int n = count_in(page, "sessions");
        more = value_of(page, "next", next, sizeof(next));
        assert_true(n == limit || (n < limit && !more));
        note_page(c, page);
        snprintf(after, sizeof(after), ",'after':'%s'", next);
        for (uint32_t k = world_random(w, 10); k > 0 && c->made < MOST; k--) {
            open_one(w, c);
        }
        close_some(w, c, world_random(w, 20));
        forget_all(w);
    }
    for (int i = 0; i < c->made; i++) {
        assert_true(c->listed[i] <= 1);
        assert_true(c->listed[i] == 1 || !c->was_alive[i] || !c->alive[i]);
    }
}

static void test_pages_while_sessions_come_and_go(void **state)
{
    (void)state;
    struct hub_conf conf = world_conf();
    conf.limits.max_sessions = 10000;
    struct world *w = world_new_conf(&conf);
    struct churn *c = calloc(1, sizeof(*c));
    struct sock *boss = dial_local(w);
    char id[16];
    assert_non_null(c);
    w->keep_events = false;
    for (int i = 0; i < PEERS; i++) {
        snprintf(id, sizeof(id), "p%d", i);
        c->s[i] = join(w, id);
    }
    for (int round = 0; round < 20; round++) {
        while (hub_sessions(w->hub) < 150 && c->made < MOST) {
            open_one(w, c);
        }
        forget_all(w);
        walk(w, c, boss);
    }
    assert_true(c->made > 500);
    free(c);
    world_free(w);
}

/* ---- stats */

/* A counter out of the answer to stats, by its path of three names. */
static int64_t counter(const char *stats, const char *group, const char *name)
{
    char counters[8192], part[4096];
    assert_true(value_of(stats, "counters", counters, sizeof(counters)));
    assert_true(value_of(counters, group, part, sizeof(part)));
    return number_of(part, name);
}

static void test_stats_of_an_idle_server(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *boss = dial_local(w);
    advance(w, 8345);
    say(boss, "{'type':'stats','rid':5}");
    const char *stats =
        expect(boss, "stats", "rid=5", "server=sigd/test", "clients=0", "connections=1",
               "sessions=0", "monitors=0", "queuedBytes=0", "uptime=8");
    assert_int_equal(counter(stats, "events", "connect"), 1);
    for (int t = 1; t < SP_T_COUNT; t++) {
        const struct sp_request *row = sp_request_row((enum sp_type)t);
        bool relayed = row && row->class == SP_CLASS_RELAY;
        assert_int_equal(counter(stats, "relayed", sp_type_wire((enum sp_type)t)),
                         relayed ? 0 : -1);
    }
    for (int e = 1; e < SP_ERR_COUNT; e++) {
        assert_int_equal(counter(stats, "errors", sp_err_wire((enum sp_err)e)), 0);
    }
    world_free(w);
}

/* load is what a random script really did. */
struct load {
    int64_t relayed[SP_T_COUNT], bytes, errors[SP_ERR_COUNT], opened, ended, answered;
};

static void note(struct load *l, struct sock *s, enum sp_type t, size_t bytes)
{
    while (unread(s)) {
        const char *m = s->in.v[s->in.read++].p;
        char code[64];
        if (strncmp(m, "{\"type\":\"ack\"", 13) == 0) {
            l->relayed[t]++;
            l->bytes += (int64_t)bytes;
        } else if (value_of(m, "code", code, sizeof(code))) {
            l->errors[sp_err_find(sp_str(code))]++;
        }
    }
}

static void act(struct world *w, struct load *l, struct sock **s)
{
    static const enum sp_type types[] = {SP_T_OFFER, SP_T_ANSWER, SP_T_ICE, SP_T_BYE, SP_T_NONE};
    enum sp_type t = types[world_random(w, 5)];
    struct sock *from = s[world_random(w, 6)];
    char text[256];
    int n = snprintf(text, sizeof(text),
                     "{\"type\":\"%s\",\"target\":\"p%u\",\"sdp\":\"%0*d\",\"candidate\":null,"
                     "\"rid\":1}",
                     t ? sp_type_wire(t) : "nonsense", world_random(w, 8),
                     1 + (int)world_random(w, 90), 0);
    uint32_t before = hub_sessions(w->hub);
    forget_all(w);
    say_raw(from, text, (size_t)n);
    l->opened += hub_sessions(w->hub) > before;
    l->ended += hub_sessions(w->hub) < before;
    note(l, from, t, (size_t)n);
    advance(w, 600);
    hub_alive(w->hub, from->ref, w->now);
}

static void check_load(const char *stats, const struct load *l)
{
    for (int t = 1; t < SP_T_COUNT; t++) {
        int64_t n = counter(stats, "relayed", sp_type_wire((enum sp_type)t));
        assert_true(n == l->relayed[t] || (n == -1 && l->relayed[t] == 0));
    }
    for (int e = 1; e < SP_ERR_COUNT; e++) {
        assert_int_equal(counter(stats, "errors", sp_err_wire((enum sp_err)e)), l->errors[e]);
    }
    assert_int_equal(counter(stats, "events", "session_open"), l->opened);
    assert_int_equal(counter(stats, "events", "session_end"), l->ended);
    assert_int_equal(counter(stats, "events", "relay"),
                     l->relayed[SP_T_OFFER] + l->relayed[SP_T_ANSWER] + l->relayed[SP_T_ICE] +
                         l->relayed[SP_T_BYE]);
    char counters[8192];
    assert_true(value_of(stats, "counters", counters, sizeof(counters)));
    assert_int_equal(number_of(counters, "relayedBytes"), l->bytes);
}

static void test_stats_are_what_happened(void **state)
{
    (void)state;
    struct hub_conf conf = world_conf();
    conf.heartbeat_us = 0;
    conf.offer_us = conf.session_us;
    conf.limits.max_sessions = 2;
    struct world *w = world_new_conf(&conf);
    struct load l = {0};
    struct sock *s[6], *boss = dial_local(w);
    char id[16];
    for (int i = 0; i < 6; i++) {
        snprintf(id, sizeof(id), "p%d", i);
        s[i] = join(w, id);
    }
    say(boss, "{'type':'monitor','filter':'event=drain'}");
    for (int i = 0; i < 3000; i++) {
        act(w, &l, s);
    }
    forget(boss);
    say(boss, "{'type':'stats'}");
    const char *stats = expect(boss, "stats", "clients=6", "connections=7", "monitors=1");
    check_load(stats, &l);
    assert_int_equal(number_of(stats, "sessions"), hub_sessions(w->hub));
    assert_int_equal(counter(stats, "events", "connect"), 7);
    assert_int_equal(counter(stats, "events", "register"), 6);
    assert_true(l.errors[SP_UNKNOWN_TYPE] > 100 && l.errors[SP_SESSION_LIMIT] > 10);
    world_free(w);
}

static void test_histogram_and_queue(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *a = join(w, "a"), *b = join(w, "b"), *boss = dial_local(w);
    b->room = 0;
    say(a, "{'type':'ice','target':'b','candidate':null}");
    say(boss, "{'type':'stats'}");
    int64_t queued = number_of(expect(boss, "stats"), "queuedBytes");
    assert_int_equal(queued, hub_queued_bytes(w->hub));
    give_room(b, -1);
    assert_int_equal(queued, b->in.v[b->in.n - 1].n);
    /* the clock of the tests makes every relay last 7 us */
    const struct hub_counts *n = hub_counts(w->hub);
    assert_int_equal(counts_bounds[0], 5);
    assert_int_equal(counts_bounds[1], 10);
    assert_int_equal(n->latency[0], 0);
    assert_int_equal(n->latency[1], 1);
    assert_int_equal(n->latency_us, 7);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_session),
        cmocka_unit_test(test_match_is_about_either_party),
        cmocka_unit_test(test_pages_are_cut_by_bytes_too),
        cmocka_unit_test(test_after_that_is_no_page),
        cmocka_unit_test(test_pages_while_sessions_come_and_go),
        cmocka_unit_test(test_stats_of_an_idle_server),
        cmocka_unit_test(test_stats_are_what_happened),
        cmocka_unit_test(test_histogram_and_queue),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
