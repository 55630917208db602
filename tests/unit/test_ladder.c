/* SPDX-License-Identifier: MIT
 * Rungs out of events: what is put together, what completes the newest, what has no call. */
#include "tests/lib/unit.h"

#include "cli/sigmon/ladder.h"
#include "libproto/msg.h"

#include <stdio.h>

struct seen {
    struct rung r[64];
    size_t n;
};

static void on_rung(void *ctx, const struct rung *r)
{
    struct seen *s = ctx;
    assert_true(s->n < sizeof(s->r) / sizeof(s->r[0]));
    s->r[s->n++] = *r;
}

static struct sp_event event(enum sp_event_type t, const char *from, const char *to,
                             const char *session, int64_t at)
{
    struct sp_event ev;
    sp_event_init(&ev, t, 5000);
    ev.s[SP_ES_from] = sp_str(from);
    ev.s[SP_ES_to] = sp_str(to);
    ev.s[SP_ES_session] = sp_str(session);
    ev.n[SP_EN_at] = at;
    return ev;
}

static void put(struct ladder *l, struct sp_event ev)
{
    bool full = false;
    ladder_event(l, &ev, &full);
    assert_false(full);
}

static void relay(struct ladder *l, enum sp_type kind, const char *from, const char *to,
                  const char *summary, int64_t at)
{
    struct sp_event ev = event(SP_EV_RELAY, from, to, "s", at);
    ev.kind = kind;
    ev.s[SP_ES_summary] = sp_str(summary);
    ev.n[SP_EN_size] = 100;
    put(l, ev);
}

static void test_a_call(void **state)
{
    (void)state;
    struct seen s = {.n = 0};
    struct ladder l;
    assert_true(ladder_init(&l, on_rung, &s));
    put(&l, event(SP_EV_SESSION_OPEN, "a", "b", "s", 1000));
    assert_false(l.has_rung);
    relay(&l, SP_T_OFFER, "a", "b", "video", 1000);
    relay(&l, SP_T_ANSWER, "b", "a", "video", 1500);
    struct sp_event ev = event(SP_EV_SESSION_ANSWER, "a", "b", "s", 1500);
    ev.n[SP_EN_us] = 500;
    put(&l, ev);
    relay(&l, SP_T_ICE, "a", "b", "host", 1600);
    relay(&l, SP_T_ICE, "a", "b", "host", 1700);
    assert_int_equal(s.n, 2);
    assert_int_equal(l.rung.count, 2);
    relay(&l, SP_T_ICE, "a", "b", "relay", 1800);
    relay(&l, SP_T_ICE, "b", "a", "relay", 1900);
    relay(&l, SP_T_BYE, "b", "a", "", 2000);
    ev = event(SP_EV_SESSION_END, "a", "b", "s", 2000);
    ev.s[SP_ES_reason] = sp_str("hangup");
    ev.n[SP_EN_us] = 1000;
    put(&l, ev);
    ladder_flush(&l);
    assert_int_equal(s.n, 6);
    assert_int_equal(s.r[1].side, 1);
    assert_int_equal(s.r[1].us, 500);
    assert_int_equal(s.r[1].setup_us, 500);
    assert_int_equal(s.r[2].count, 2);
    assert_int_equal(s.r[2].size, 200);
    assert_int_equal(s.r[2].us, 600);
    assert_string_equal(s.r[3].detail, "relay");
    assert_int_equal(s.r[4].side, 1);
    assert_int_equal(s.r[5].way, RUNG_OVER);
    assert_int_equal(s.r[5].life_us, 1000);
    assert_string_equal(s.r[5].reason, "hangup");
    ladder_flush(&l);
    assert_int_equal(s.n, 6);
    ladder_fini(&l);
}

static void test_an_end_without_a_bye(void **state)
{
    (void)state;
    struct seen s = {.n = 0};
    struct ladder l;
    assert_true(ladder_init(&l, on_rung, &s));
    relay(&l, SP_T_OFFER, "a", "b", "video", 1000);
    struct sp_event ev = event(SP_EV_SESSION_END, "a", "b", "s", 3000);
    ev.s[SP_ES_reason] = sp_str("peer-left");
    ev.s[SP_ES_id] = sp_str("b");
    put(&l, ev);
    ladder_flush(&l);
    assert_int_equal(s.n, 2);
    assert_int_equal(s.r[1].way, RUNG_ENDED);
    assert_int_equal(s.r[1].side, 1);
    assert_int_equal(s.r[1].us, 2000);
    ladder_fini(&l);
}

static void test_what_failed_without_a_call(void **state)
{
    (void)state;
    struct seen s = {.n = 0};
    struct ladder l;
    assert_true(ladder_init(&l, on_rung, &s));
    struct sp_event ev = event(SP_EV_DELIVER_ERROR, "a", "ghost", "", 1000);
    ev.kind = SP_T_OFFER;
    ev.s[SP_ES_code] = sp_str("target_not_found");
    put(&l, ev);
    ev.kind = SP_T_LIST; /* no message from peer to peer */
    put(&l, ev);
    ladder_flush(&l);
    assert_int_equal(s.n, 1);
    assert_int_equal(s.r[0].way, RUNG_FAILED);
    assert_string_equal(s.r[0].id[1], "ghost");
    assert_int_equal(s.r[0].us, 0);
    ladder_fini(&l);
}

static void test_candidates_apart_and_memory_bounded(void **state)
{
    (void)state;
    struct seen s = {.n = 0};
    struct ladder l;
    char id[16];
    assert_true(ladder_init(&l, on_rung, &s));
    l.apart = true;
    relay(&l, SP_T_ICE, "a", "b", "host", 1000);
    relay(&l, SP_T_ICE, "a", "b", "host", 1001);
    assert_int_equal(s.n, 1);
    for (int i = 0; i < 20000; i++) {
        snprintf(id, sizeof(id), "s-%d", i);
        put(&l, event(SP_EV_SESSION_OPEN, "a", "b", id, 2000 + i));
    }
    assert_true(l.book.n < 5000);
    ladder_fini(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_call),
        cmocka_unit_test(test_an_end_without_a_bye),
        cmocka_unit_test(test_what_failed_without_a_call),
        cmocka_unit_test(test_candidates_apart_and_memory_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
