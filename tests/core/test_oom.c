/* SPDX-License-Identifier: MIT
 * Memory that runs out: every allocation of a long script fails once. The peer is told or refused,
 * nothing is lost, nothing crashes. */
#include "tests/core/world.h"

#include <stdlib.h>

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);

static long countdown; /* the allocation that fails; 0: none */
static bool for_good;  /* and all behind it */
static bool failed;
static unsigned long allocations; /* that the hub asked for */

static bool refuse(void)
{
    allocations += !world_busy;
    if (world_busy || countdown == 0) {
        return false;
    }
    if (countdown > 1) {
        countdown--;
        return false;
    }
    countdown = for_good ? 1 : 0;
    failed = true;
    return true;
}

void *__wrap_malloc(size_t n)
{
    return refuse() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return refuse() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
    return refuse() ? NULL : __real_realloc(p, n);
}

static size_t answers(const struct sock *s)
{
    size_t n = 0;
    for (size_t i = s->in.read; i < s->in.n; i++) {
        n += strstr(s->in.v[i].p, "\"rid\":\"ask\"") != NULL;
    }
    return n;
}

/* Asks with a rid: exactly one answer, or the connection ends. Tells whether it was granted. */
static bool ask(struct sock *s, const char *members)
{
    if (s->over) {
        return false;
    }
    forget(s);
    say(s, "{%s,'rid':'ask'}", members);
    if (s->closes) {
        return false;
    }
    assert_int_equal(answers(s), 1);
    for (size_t i = s->in.read; i < s->in.n; i++) {
        const char *m = s->in.v[i].p;
        if (strstr(m, "\"type\":\"error\"")) {
            assert_non_null(strstr(m, "\"code\":\""));
            return false;
        }
    }
    return true;
}

static void token_of(const struct sock *s, char *out, size_t cap)
{
    char token[64] = "none";
    for (size_t i = s->in.read; i < s->in.n; i++) {
        value_of(s->in.v[i].p, "resume", token, sizeof(token));
    }
    snprintf(out, cap, "'type':'register','id':'a','resume':'%s'", token);
}

static void crowd(struct world *w, int from, int to)
{
    char members[64];
    for (int i = from; i < to; i++) {
        struct sock *s = dial(w);
        snprintf(members, sizeof(members), "'type':'register','id':'crowd%d','role':'r'", i);
        ask(s, members);
    }
}

/* Two are told at once that there is no room, and that is an answer too. */
static void hold_three(struct sock *s)
{
    say(s, "{'type':'offer','target':'crowd70','sdp':'v','hold':1000}");
    say(s, "{'type':'offer','target':'nobody','sdp':'v','hold':10}");
    say(s, "{'type':'offer','target':'crowd70','sdp':'v','hold':1000}");
}

/* Touches every allocation that the core makes. */
static void script_of_calls(struct world *w)
{
    char resume[128];
    struct sock *a = dial(w), *b = dial(w), *t = dial_local(w), *m = dial_local(w);
    ask(m, "'type':'monitor','filter':'event!=relay','backlog':3");
    ask(t, "'type':'watch','match':'*','role':'r'");
    ask(a, "'type':'register','id':'a','role':'cam','meta':{'k':1}");
    token_of(a, resume, sizeof(resume));
    ask(b, "'type':'register','id':'b'");
    ask(a, "'type':'register','id':'a','role':'drone','meta':{'k':2}");
    ask(t, "'type':'list'");
    ask(t, "'type':'nonsense'");
    crowd(w, 0, 64);
    ask(a, "'type':'offer','target':'b','sdp':'v','sessionId':'s'");
    ask(b, "'type':'offer','target':'a','sdp':'v','sessionId':'t'");
    ask(a, "'type':'offer','target':'b','sdp':'v'");
    hold_three(b);
    struct sock *again = dial(w);
    ask(again, resume);
    crowd(w, 64, 140);
    ask(t, "'type':'list','detail':true");
    ask(t, "'type':'watch'");
    ask(a, "'type':'ice-servers'");
    ask(again, "'type':'ice-servers'");
    b->room = 0;
    say(b, "{'type':'ice-servers'}");
    advance(w, 2000); /* they are told anew */
    ask(again, "'type':'ice','target':'b','candidate':null");
    ask(again, "'type':'bye','target':'b'");
    m->room = 0;
    advance(w, 50);
    give_room(b, -1);
    give_room(m, -1);
    advance(w, 50);
}

static void lose(struct sock *s)
{
    if (!s->over) {
        s->over = true;
        hub_closed(s->w->hub, s->ref, 0, s->w->now);
    }
}

/* Gives what the newest registration may come back with. */
static void come_back(struct world *w, struct sock **s, char *members, size_t cap)
{
    char token[64] = "none";
    *s = dial(w);
    ask(*s, members);
    for (size_t i = (*s)->in.read; i < (*s)->in.n; i++) {
        value_of((*s)->in.v[i].p, "resume", token, sizeof(token));
    }
    snprintf(members, cap, "'type':'register','id':'a','received':0,'resume':'%s'", token);
}

/* Links are lost and come back; what was acked has arrived, or the session has ended. */
static void script_of_cuts(struct world *w)
{
    char members[128] = "'type':'register','id':'a','received':0";
    struct sock *a, *b = dial(w);
    ask(b, "'type':'register','id':'b'");
    for (int i = 0; i < 4; i++) {
        come_back(w, &a, members, sizeof(members));
        ask(b, "'type':'offer','target':'a','sdp':'v'");
        ask(b, "'type':'ice','target':'a','candidate':'1'");
        if (i != 2) {
            lose(a);
        }
        ask(b, "'type':'ice','target':'a','candidate':'2'");
    }
    advance(w, 40000);
}

static struct sock *dial_key(struct world *w, const char *token)
{
    static const struct addr_key key = {{7}};
    struct hub_grant grant;
    assert_true(!*token || world_grant(w, token, &grant));
    return dial_peer(w, &(struct hub_peer){.addr = SP_STR("192.0.2.1:1"),
                                           .key = &key,
                                           .grant = *token ? &grant : NULL});
}

/* The same with authentication: grants, renewals, rates by address, administration. */
static void script_of_grants(struct world *w)
{
    static const struct addr_key key = {{7}};
    hub_admit(w->hub, &key, w->now);
    struct sock *a = dial_key(w, "id=a;ids=a-*;ids=b-*;role=admin;exp=1764248400000");
    struct sock *b = dial_key(w, ""), *m = dial_key(w, "id=m;role=monitor"), *bad = dial_key(w, "");
    ask(m, "'type':'monitor'");
    ask(m, "'type':'watch'");
    ask(bad, "'type':'register','id':'x','token':'bad'");
    ask(a, "'type':'register','id':'a'");
    ask(b, "'type':'register','id':'b','token':'ids=*;role=operator;key=7','meta':{}");
    ask(b, "'type':'offer','target':'a','sdp':'v'");
    ask(a, "'type':'register','id':'a','token':'id=a;role=admin;exp=1764248500000'");
    ask(a, "'type':'sessions'");
    ask(a, "'type':'stats'");
    ask(a, "'type':'nonsense'");
    ask(b, "'type':'register','id':'b','token':'id=b;role=drone;key=8'");
    ask(a, "'type':'reload'");
    w->revoked_key = 8;
    ask(a, "'type':'reload'");
    ask(a, "'type':'kick','target':'b'");
    ask(a, "'type':'kick','target':'a'");
    m->room = 0;
    advance(w, 50);
    hub_drain(w->hub, w->now);
    give_room(m, -1);
}

/* What must hold after any failure. */
static void check_grants(struct world *w)
{
    for (size_t i = 0; i < w->nsocks; i++) {
        hang_up(w->socks[i]);
    }
    turn(w);
    assert_int_equal(hub_connections(w->hub), 0);
    assert_int_equal(hub_clients(w->hub), 0);
    assert_int_equal(hub_sessions(w->hub), 0);
    assert_int_equal(hub_monitors(w->hub), 0);
    assert_true(w->due == UINT64_MAX);
}

static void check_calls(struct world *w)
{
    struct sock *lister = dial_local(w);
    say(lister, "{'type':'list','detail':true}");
    const char *list = expect(lister, "clients");
    assert_int_equal(number_of(list, "count"), hub_clients(w->hub));
    for (size_t i = 0; i < w->nsocks; i++) {
        hang_up(w->socks[i]);
    }
    turn(w);
    assert_int_equal(hub_connections(w->hub), 0);
    assert_int_equal(hub_clients(w->hub), 0);
    assert_int_equal(hub_sessions(w->hub), 0);
    assert_int_equal(hub_held(w->hub), 0);
}

/* Whoever has the id in the registry is one connection, which can be reached under it. */
static void check_owner(struct world *w, const char *id, struct sock *one, struct sock *two)
{
    struct sock *x = join(w, "prober");
    forget(one);
    forget(two);
    say(x, "{'type':'ice','target':'%s','candidate':'probe'}", id);
    size_t got = unread(one) + unread(two);
    if (got == 0) {
        expect(x, "error", "code=target_not_found");
    }
    assert_true(got <= 1);
}

typedef void (*part_fn)(struct world *w);

/* Gives how many allocations the script makes. */
static long run_script(bool rest, bool auth, part_fn script, part_fn check)
{
    struct hub_conf conf = world_conf();
    conf.auth = auth;
    conf.failures = bucket_rate(1, 1000000, 5);
    conf.ice = (struct hub_ice){.turn = SP_STR("[\"turn:t\"]"), .ttl_us = 1000000};
    for (long n = 1;; n++) {
        countdown = n;
        for_good = rest;
        failed = false;
        struct world *w = world_new_conf(&conf);
        if (w) {
            script(w);
        }
        countdown = 0;
        if (w) {
            check(w);
            world_free(w);
        } else {
            assert_true(failed);
        }
        if (!failed) {
            return n - 1;
        }
    }
}

static void test_each_allocation_fails_once(void **state)
{
    (void)state;
    assert_true(run_script(false, false, script_of_calls, check_calls) > 100);
}

static void test_memory_runs_out_for_good(void **state)
{
    (void)state;
    assert_true(run_script(true, false, script_of_calls, check_calls) > 100);
}

static void test_lost_links_run_out_of_memory(void **state)
{
    (void)state;
    assert_true(run_script(false, false, script_of_cuts, check_calls) > 25);
    assert_true(run_script(true, false, script_of_cuts, check_calls) > 25);
}

static void test_grants_run_out_of_memory(void **state)
{
    (void)state;
    assert_true(run_script(false, true, script_of_grants, check_grants) > 25);
    assert_true(run_script(true, true, script_of_grants, check_grants) > 25);
}

/* Nobody gets in by memory that runs out: what could not be kept was not granted. */
static void test_no_grant_without_memory(void **state)
{
    (void)state;
    for (long n = 1, granted = 0; !granted; n++) {
        struct hub_conf conf = world_conf();
        conf.auth = true;
        struct world *w = world_new_conf(&conf);
        struct sock *s = dial(w);
        countdown = n;
        failed = for_good = false;
        granted = ask(s, "'type':'register','id':'a','token':'id=a;role=admin'");
        countdown = 0;
        assert_int_equal(granted, !failed);
        assert_int_equal(hub_clients(w->hub), granted);
        forget(s);
        say(s, "{'type':'offer','target':'a','sdp':'v','rid':1}");
        granted ? expect(s, "offer") : expect(s, "error", "code=not_registered");
        world_free(w);
    }
}

/* A hundred thousand addresses take the room of one. */
/* A renewal is all or nothing too: rights and what a list shows change together. */
static void test_renewal_is_all_or_nothing(void **state)
{
    (void)state;
    for (long n = 1, granted = 0; !granted; n++) {
        struct hub_conf conf = world_conf();
        conf.auth = true;
        struct world *w = world_new_conf(&conf);
        struct sock *a = dial_with(w, "id=a;role=monitor");
        ask(a, "'type':'register','id':'a'");
        countdown = n;
        failed = for_good = false;
        granted = ask(a, "'type':'register','id':'a','token':'id=a;role=admin'");
        countdown = 0;
        assert_int_equal(granted, !failed);
        forget(a);
        say(a, "{'type':'list','detail':true}");
        assert_non_null(strstr(expect(a, "clients"), granted ? "\"admin\"" : "\"monitor\""));
        say(a, "{'type':'kick','target':'x'}");
        expect(a, "error", granted ? "code=target_not_found" : "code=forbidden");
        world_free(w);
    }
}

static void test_addresses_are_bounded(void **state)
{
    (void)state;
    struct hub_conf conf = world_conf();
    conf.connects = bucket_rate(1, 1000000, 3);
    struct world *w = world_new_conf(&conf);
    struct addr_key key = {{0}};
    unsigned long before = allocations;
    for (uint32_t i = 0; i < 100000; i++) {
        memcpy(key.b + 4, &i, sizeof(i));
        assert_int_equal(hub_admit(w->hub, &key, w->now), 0);
        hub_refused(w->hub, SP_STR("x"), &key, "bad", w->now);
    }
    assert_int_equal(allocations - before, 1);
    assert_int_equal(ADDRS_SETS * ADDRS_WAYS * sizeof(struct addr_entry), 256 * 1024);
    world_free(w);
}

static void test_first_connection_is_refused(void **state)
{
    (void)state;
    struct world *w = world_new();
    for (long n = 1;; n++) {
        countdown = n;
        failed = false;
        struct sock *s = dial(w);
        countdown = 0;
        if (!failed) {
            assert_true(n > 2);
            break;
        }
        assert_int_equal(s->ref.gen, 0);
        assert_int_equal(hub_connections(w->hub), 0);
    }
    assert_int_equal(hub_connections(w->hub), 1);
    world_free(w);
}

/* The newcomer cannot be taken in although its predecessor was thrown out already: the sessions
 * hung on a connection that is not registered, and outlived it. */
static void test_takeover_that_runs_out_of_memory(void **state)
{
    (void)state;
    for (long n = 1;; n++) {
        struct world *w = world_new();
        char resume[128];
        struct sock *a = dial(w), *b = join(w, "b"), *t = dial_local(w), *fresh;
        ask(a, "'type':'register','id':'a'");
        token_of(a, resume, sizeof(resume));
        ask(t, "'type':'list'");
        crowd(w, 0, 64);
        ask(a, "'type':'offer','target':'b','sdp':'v'");
        fresh = dial(w);
        countdown = n;
        failed = for_good = false;
        bool granted = ask(fresh, resume);
        countdown = 0;
        assert_int_equal(granted, !failed);
        hang_up(fresh);
        turn(w);
        if (!granted) {
            assert_int_equal(a->closes, 0);
            assert_int_equal(hub_sessions(w->hub), 1);
        } else {
            assert_int_equal(hub_sessions(w->hub), 0);
        }
        check_owner(w, "a", a, b);
        check_calls(w);
        world_free(w);
        if (!failed) {
            return;
        }
    }
}

/* A profile that could not be replaced whole is left as it was. */
static void test_second_registration_is_all_or_nothing(void **state)
{
    (void)state;
    for (long n = 1;; n++) {
        struct world *w = world_new();
        struct sock *a = dial(w);
        ask(a, "'type':'register','id':'a','role':'old','meta':{'v':'old'}");
        countdown = n;
        failed = for_good = false;
        bool granted = ask(a, "'type':'register','id':'a','role':'new','meta':{'v':'new'}");
        countdown = 0;
        forget(a);
        say(a, "{'type':'list','detail':true}");
        const char *list = expect(a, "clients", "count=1");
        const char *want = granted ? "new" : "old", *other = granted ? "old" : "new";
        assert_non_null(strstr(list, want));
        assert_null(strstr(list, other));
        world_free(w);
        if (!failed) {
            return;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_connection_is_refused),
        cmocka_unit_test(test_second_registration_is_all_or_nothing),
        cmocka_unit_test(test_takeover_that_runs_out_of_memory),
        cmocka_unit_test(test_no_grant_without_memory),
        cmocka_unit_test(test_renewal_is_all_or_nothing),
        cmocka_unit_test(test_lost_links_run_out_of_memory),
        cmocka_unit_test(test_grants_run_out_of_memory),
        cmocka_unit_test(test_addresses_are_bounded),
        cmocka_unit_test(test_each_allocation_fails_once),
        cmocka_unit_test(test_memory_runs_out_for_good),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
