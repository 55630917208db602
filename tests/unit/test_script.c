/* SPDX-License-Identifier: MIT
 * What a recording asks to be done again. */
#include "tests/lib/unit.h"

#include "cli/sigmon/script.h"

#include <stdio.h>

static struct script s;
static int64_t clock_us;

static int setup(void **state)
{
    (void)state;
    clock_us = 1000;
    return script_init(&s) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    script_fini(&s);
    return 0;
}

static struct sp_event event(enum sp_event_type type)
{
    struct sp_event ev;
    sp_event_init(&ev, type, 1000000);
    ev.n[SP_EN_at] = clock_us;
    clock_us += 10;
    return ev;
}

static void put(const struct sp_event *ev)
{
    script_event(&s, ev, SP_STR(""));
    assert_false(s.full);
}

static void life(enum sp_event_type type, const char *id, int64_t conn, const char *reason)
{
    struct sp_event ev = event(type);
    ev.s[SP_ES_id] = sp_str(id);
    ev.s[SP_ES_reason] = sp_str(reason);
    ev.n[SP_EN_conn] = conn;
    put(&ev);
}

static void between(enum sp_event_type type, enum sp_type kind, const char *from, const char *to,
                    const char *session, const char *word)
{
    struct sp_event ev = event(type);
    ev.kind = kind;
    ev.s[SP_ES_from] = sp_str(from);
    ev.s[SP_ES_to] = sp_str(to);
    ev.s[SP_ES_session] = sp_str(session);
    ev.s[type == SP_EV_DELIVER_ERROR ? SP_ES_code : SP_ES_reason] = sp_str(word);
    ev.n[SP_EN_size] = 100;
    put(&ev);
}

static void relay(enum sp_type kind, const char *from, const char *to, const char *session)
{
    between(SP_EV_RELAY, kind, from, to, session, "");
}

/* The steps as words: "+a" joins, "^a" takes over, "-a" leaves, "a>b" sends. */
static const char *steps(void)
{
    static char text[512];
    size_t n = 0;
    text[0] = '\0';
    for (size_t i = 0; i < s.n; i++) {
        const struct step *one = &s.steps[i];
        const char *who = s.peers[one->peer]->id;
        bool send = one->kind == STEP_SEND;
        const char *lead = one->kind == STEP_LEAVE ? "-" : "+";
        lead = one->kind == STEP_JOIN && one->life.takes_over ? "^" : lead;
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s%s%s%s", i ? " " : "",
                              send ? "" : lead, who, send ? ">" : "",
                              send ? s.peers[one->send.to]->id : "");
    }
    return text;
}

static void test_who_comes_sends_and_goes(void **state)
{
    (void)state;
    life(SP_EV_REGISTER, "a", 1, "");
    life(SP_EV_REGISTER, "b", 2, "");
    relay(SP_T_OFFER, "a", "b", "s");
    relay(SP_T_ANSWER, "b", "a", "s");
    life(SP_EV_DISCONNECT, "a", 1, "1001 closed by peer");
    life(SP_EV_DISCONNECT, "b", 2, "4502 kicked");
    life(SP_EV_REGISTER, "a", 3, "");
    assert_string_equal(steps(), "+a +b a>b b>a -a -b +a");
    assert_int_equal(s.steps[0].due_us, 0);
    assert_int_equal(s.steps[3].due_us, 30);
    assert_int_equal(s.steps[2].send.from_lives, 1);
    assert_int_equal(s.steps[2].send.to_lives, 1);
    assert_int_equal(s.steps[4].life.sends, 2);
    assert_int_equal(s.steps[4].life.code, 1001);
    assert_int_equal(s.steps[5].life.code, 1000);
    assert_int_equal(s.steps[6].life.sends, 2);
    assert_int_equal(s.most, 2);
    assert_int_equal(s.joins, 2);
    assert_int_equal(s.messages, 2);
}

static void test_who_was_there_before(void **state)
{
    (void)state;
    relay(SP_T_OFFER, "a", "b", "s");
    life(SP_EV_DISCONNECT, "b", 7, "connection lost");
    between(SP_EV_DELIVER_ERROR, SP_T_ICE, "a", "b", "s", "target_not_found");
    between(SP_EV_DELIVER_ERROR, SP_T_ICE, "a", "c", "s", "session_not_found");
    assert_string_equal(steps(), "+a +b a>b -b a>b +c a>c");
    assert_string_equal(s.steps[4].send.code, "target_not_found");
    assert_int_equal(s.steps[4].send.to_lives, 2);
    assert_int_equal(s.errors, 2);
}

static void test_who_takes_over(void **state)
{
    (void)state;
    life(SP_EV_REGISTER, "a", 1, "");
    relay(SP_T_OFFER, "a", "b", "s");
    life(SP_EV_REPLACE, "a", 1, "");
    life(SP_EV_REGISTER, "a", 2, "");
    clock_us -= 10;
    between(SP_EV_SESSION_END, SP_T_NONE, "a", "b", "s", "replaced");
    life(SP_EV_DISCONNECT, "a", 1, "4501 replaced by a newer connection");
    life(SP_EV_REPLACE, "a", 2, "");
    life(SP_EV_REGISTER, "a", 3, "");
    life(SP_EV_DISCONNECT, "a", 2, "4501 replaced by a newer connection");
    life(SP_EV_DISCONNECT, "a", 3, "1000 closed by peer");
    assert_string_equal(steps(), "+a +b a>b ^a ^a -a");
    assert_false(s.steps[3].life.resumes);
    assert_true(s.steps[4].life.resumes);
}

/* Its end was not recorded: it did not take over. */
static void test_who_comes_twice(void **state)
{
    (void)state;
    life(SP_EV_REGISTER, "a", 1, "");
    life(SP_EV_REGISTER, "a", 9, "");
    life(SP_EV_DISCONNECT, "a", 1, "connection lost");
    assert_string_equal(steps(), "+a -a +a");
}

static void test_a_restart_ends_all(void **state)
{
    (void)state;
    life(SP_EV_REGISTER, "a", 1, "");
    relay(SP_T_OFFER, "a", "b", "s");
    script_restart(&s);
    clock_us = 5;
    relay(SP_T_ICE, "a", "b", "s");
    relay(SP_T_OFFER, "a", "b", "s");
    assert_string_equal(steps(), "+a +b a>b -a -b +a +b a>b");
    assert_int_equal(s.before, 1);
    for (size_t i = 1; i < s.n; i++) {
        assert_true(s.steps[i].due_us >= s.steps[i - 1].due_us);
    }
}

static void test_sessions_that_began_before(void **state)
{
    (void)state;
    relay(SP_T_ANSWER, "a", "b", "old");
    relay(SP_T_ICE, "a", "b", "");
    relay(SP_T_OFFER, "a", "b", "new");
    relay(SP_T_BYE, "b", "a", "old");
    relay(SP_T_BYE, "b", "a", "new");
    relay(SP_T_BYE, "b", "a", "new");
    assert_int_equal(s.messages, 3);
    assert_int_equal(s.before, 3);
}

static void test_the_newest_session_needs_no_id(void **state)
{
    (void)state;
    relay(SP_T_OFFER, "a", "b", "s1");
    relay(SP_T_OFFER, "b", "a", "s2");
    relay(SP_T_ANSWER, "b", "a", "s1");
    relay(SP_T_ANSWER, "a", "b", "s2");
    relay(SP_T_BYE, "a", "b", "s2");
    relay(SP_T_OFFER, "a", "b", "s1");
    between(SP_EV_SESSION_END, SP_T_NONE, "a", "b", "s1", "timeout");
    relay(SP_T_OFFER, "a", "b", "s1");
    static const bool may[] = {false, false, false, true, true, true, false};
    for (size_t i = 0; i < sizeof(may); i++) {
        assert_int_equal(s.steps[i + 2].send.may_omit, may[i]);
    }
}

static void test_the_reason_of_a_bye(void **state)
{
    (void)state;
    relay(SP_T_OFFER, "a", "b", "s1");
    relay(SP_T_BYE, "b", "a", "s1");
    between(SP_EV_SESSION_END, SP_T_NONE, "a", "b", "s1", "busy");
    relay(SP_T_OFFER, "a", "b", "s2");
    relay(SP_T_BYE, "b", "a", "s2");
    between(SP_EV_SESSION_END, SP_T_NONE, "a", "b", "s2", "hangup");
    relay(SP_T_OFFER, "a", "b", "s3");
    between(SP_EV_SESSION_END, SP_T_NONE, "a", "b", "s3", "peer-left");
    assert_text(s.steps[3].send.reason, "busy");
    assert_text(s.steps[5].send.reason, "");
}

static void test_what_is_no_message(void **state)
{
    (void)state;
    between(SP_EV_RELAY, SP_T_KICK, "a", "b", "s", "");
    between(SP_EV_RELAY, SP_T_ICE, "a", "no id", "s", "");
    between(SP_EV_RELAY, SP_T_ICE, "", "b", "s", "");
    between(SP_EV_DELIVER_ERROR, SP_T_LIST, "a", "", "", "forbidden");
    life(SP_EV_RATE_LIMIT, "a", 1, "");
    life(SP_EV_PROTOCOL_ERROR, "", 1, "");
    struct sp_event huge = event(SP_EV_RELAY);
    huge.kind = SP_T_ICE;
    huge.s[SP_ES_from] = huge.s[SP_ES_to] = SP_STR("a");
    huge.n[SP_EN_size] = 1000000000;
    put(&huge);
    assert_int_equal(s.n, 0);
    assert_int_equal(s.skipped, 7);
    life(SP_EV_REGISTER, "no id", 1, "");
    life(SP_EV_DISCONNECT, "a", 1, "");
    between(SP_EV_SESSION_END, SP_T_NONE, "a b", "", "x", "");
    assert_int_equal(s.n, 0);
}

static void test_who_calls_himself(void **state)
{
    (void)state;
    relay(SP_T_OFFER, "a", "a", "s");
    life(SP_EV_DISCONNECT, "a", 1, "");
    assert_string_equal(steps(), "+a a>a -a");
    assert_int_equal(s.steps[2].life.sends, 1);
}

static void test_many(void **state)
{
    (void)state;
    char id[16];
    for (unsigned i = 0; i < 5000; i++) {
        snprintf(id, sizeof(id), "d%u", i);
        relay(SP_T_OFFER, id, "cam", id);
    }
    assert_int_equal(s.npeers, 5001);
    assert_int_equal(s.npairs, 5000);
    assert_int_equal(s.n, 10001);
    assert_int_equal(s.most, 5001);
    assert_text(s.steps[10000].send.session, "d4999");
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_who_comes_sends_and_goes),
        TEST(test_who_was_there_before),
        TEST(test_who_takes_over),
        TEST(test_who_comes_twice),
        TEST(test_a_restart_ends_all),
        TEST(test_sessions_that_began_before),
        TEST(test_the_newest_session_needs_no_id),
        TEST(test_the_reason_of_a_bye),
        TEST(test_what_is_no_message),
        TEST(test_who_calls_himself),
        TEST(test_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
