/* SPDX-License-Identifier: MIT
 * Calls out of events, as explain, flow, top and analyze count them. */
#include "tests/lib/unit.h"

#include "cli/sigmon/book.h"
#include "libproto/msg.h"

#include <stdio.h>

static int64_t clock_us;

static struct sp_event event(enum sp_event_type t, const char *from, const char *to,
                             const char *session)
{
    struct sp_event ev;
    sp_event_init(&ev, t, 1000);
    ev.s[SP_ES_from] = sp_str(from);
    ev.s[SP_ES_to] = sp_str(to);
    ev.s[SP_ES_session] = sp_str(session);
    ev.n[SP_EN_at] = clock_us++;
    return ev;
}

static struct call *put(struct book *b, struct sp_event ev)
{
    bool full;
    struct call *c = book_event(b, &ev, &full);
    assert_false(full);
    return c;
}

static struct call *relay(struct book *b, enum sp_type kind, const char *from, const char *to,
                          const char *summary)
{
    struct sp_event ev = event(SP_EV_RELAY, from, to, "s");
    ev.kind = kind;
    ev.s[SP_ES_summary] = sp_str(summary);
    ev.n[SP_EN_size] = 100;
    return put(b, ev);
}

static void test_a_call(void **state)
{
    (void)state;
    struct book b;
    assert_true(book_init(&b));
    struct call *c = put(&b, event(SP_EV_SESSION_OPEN, "a", "b", "s"));
    assert_non_null(c);
    assert_ptr_equal(relay(&b, SP_T_OFFER, "a", "b", "audio,video"), c);
    assert_ptr_equal(relay(&b, SP_T_ANSWER, "b", "a", "audio"), c);
    struct sp_event ev = event(SP_EV_SESSION_ANSWER, "a", "b", "s");
    ev.n[SP_EN_us] = 1800;
    put(&b, ev);
    relay(&b, SP_T_ICE, "a", "b", "host");
    relay(&b, SP_T_ICE, "a", "b", "relay/tcp");
    relay(&b, SP_T_ICE, "a", "b", "end");
    relay(&b, SP_T_ICE, "b", "a", "mdns");
    relay(&b, SP_T_BYE, "b", "a", "");
    assert_false(book_is_over(c));
    ev = event(SP_EV_SESSION_END, "a", "b", "s");
    ev.s[SP_ES_reason] = SP_STR("hangup");
    ev.n[SP_EN_us] = 5000;
    put(&b, ev);
    assert_true(book_is_over(c));
    assert_string_equal(c->side[0].id, "a");
    assert_string_equal(c->side[1].id, "b");
    assert_string_equal(c->side[0].media, "audio,video");
    assert_string_equal(c->side[1].media, "audio");
    assert_int_equal(c->side[0].offers, 1);
    assert_int_equal(c->side[1].answers, 1);
    assert_int_equal(c->side[0].candidates, 2);
    assert_int_equal(c->side[0].kinds[BOOK_RELAY], 1);
    assert_int_equal(c->side[0].tcp, 1);
    assert_true(c->side[0].end);
    assert_false(c->side[1].end);
    assert_int_equal(c->side[1].kinds[BOOK_MDNS], 1);
    assert_int_equal(c->setup_us, 1800);
    assert_int_equal(c->life_us, 5000);
    assert_int_equal(c->ended_by, 1);
    assert_string_equal(c->reason, "hangup");
    assert_int_equal(c->side[0].bytes, 400);
    book_fini(&b);
}

static void test_pairs_have_sessions_of_their_own(void **state)
{
    (void)state;
    struct book b;
    assert_true(book_init(&b));
    struct call *ab = put(&b, event(SP_EV_SESSION_OPEN, "a", "b", "s"));
    struct call *ac = put(&b, event(SP_EV_SESSION_OPEN, "a", "c", "s"));
    struct call *aa = put(&b, event(SP_EV_SESSION_OPEN, "a", "a", "s"));
    assert_true(ab != ac && ac != aa && ab != aa);
    assert_ptr_equal(relay(&b, SP_T_ICE, "b", "a", "host"), ab);
    assert_ptr_equal(relay(&b, SP_T_ICE, "c", "a", "host"), ac);
    assert_int_equal(b.n, 3);
    assert_ptr_equal(b.oldest, ab);
    book_forget(&b, ac);
    assert_ptr_equal(ab->newer, aa);
    assert_null(put(&b, event(SP_EV_DELIVER_ERROR, "c", "a", "s")));
    assert_ptr_equal(put(&b, event(SP_EV_DELIVER_ERROR, "b", "a", "s")), ab);
    assert_int_equal(ab->side[1].errors, 1);
    book_fini(&b);
}

static void test_an_id_used_again_is_another_call(void **state)
{
    (void)state;
    struct book b;
    assert_true(book_init(&b));
    put(&b, event(SP_EV_SESSION_OPEN, "a", "b", "s"));
    relay(&b, SP_T_OFFER, "a", "b", "");
    put(&b, event(SP_EV_SESSION_END, "a", "b", "s"));
    struct call *c = put(&b, event(SP_EV_SESSION_OPEN, "b", "a", "s"));
    assert_int_equal(b.n, 1);
    assert_string_equal(c->side[0].id, "b");
    assert_int_equal(c->side[1].offers, 0);
    book_fini(&b);
}

static void test_a_call_whose_beginning_was_not_seen(void **state)
{
    (void)state;
    struct book b;
    assert_true(book_init(&b));
    struct call *c = relay(&b, SP_T_ANSWER, "b", "a", "audio");
    assert_string_equal(c->side[0].id, "a");
    assert_int_equal(c->side[1].answers, 1);
    assert_int_equal(c->opened_us, -1);
    assert_null(put(&b, event(SP_EV_REGISTER, "", "", "")));
    book_fini(&b);
}

static void test_kinds(void **state)
{
    (void)state;
    bool tcp;
    for (unsigned k = 0; k < BOOK_KINDS; k++) {
        char text[32];
        snprintf(text, sizeof(text), "%s/tcp", book_kind_word((enum book_kind)k));
        assert_int_equal(book_kind_of(sp_str(text), &tcp), k);
        assert_true(tcp);
        assert_int_equal(book_kind_of(sp_str(book_kind_word((enum book_kind)k)), &tcp), k);
        assert_false(tcp);
    }
    assert_int_equal(book_kind_of(SP_STR("new"), &tcp), BOOK_UNKNOWN);
    assert_int_equal(book_kind_of(SP_STR("/tcp"), &tcp), BOOK_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_call),
        cmocka_unit_test(test_pairs_have_sessions_of_their_own),
        cmocka_unit_test(test_an_id_used_again_is_another_call),
        cmocka_unit_test(test_a_call_whose_beginning_was_not_seen),
        cmocka_unit_test(test_kinds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
