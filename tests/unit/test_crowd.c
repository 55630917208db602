/* SPDX-License-Identifier: MIT
 * What top knows and shows: events and lists in, rows and frames out, without a terminal. */
#include "tests/lib/unit.h"

#include "cli/sigmon/topview.h"
#include "libproto/msg.h"

#include <stdio.h>
#include <stdlib.h>

#define SECOND 1000000

static int64_t wall_ms = 1000000;

static struct sp_event event(enum sp_event_type t, const char *id)
{
    struct sp_event ev;
    sp_event_init(&ev, t, wall_ms);
    ev.s[SP_ES_id] = sp_str(id);
    return ev;
}

static void registers(struct crowd *c, const char *id, int64_t conn, int64_t now_us)
{
    struct sp_event ev = event(SP_EV_REGISTER, id);
    ev.n[SP_EN_conn] = conn;
    crowd_event(c, &ev, now_us);
}

static void disconnects(struct crowd *c, const char *id, int64_t conn, int64_t now_us)
{
    struct sp_event ev = event(SP_EV_DISCONNECT, id);
    ev.n[SP_EN_conn] = conn;
    crowd_event(c, &ev, now_us);
}

static void between(struct crowd *c, enum sp_event_type t, enum sp_type kind, const char *from,
                    const char *to, int64_t now_us)
{
    struct sp_event ev = event(t, "");
    ev.kind = kind;
    ev.s[SP_ES_from] = sp_str(from);
    ev.s[SP_ES_to] = sp_str(to);
    ev.s[SP_ES_session] = SP_STR("session-0123456789");
    ev.s[SP_ES_summary] = kind == SP_T_ICE ? SP_STR("host") : SP_STR("");
    ev.n[SP_EN_size] = t == SP_EV_RELAY ? 100 : -1;
    ev.n[SP_EN_us] = t == SP_EV_SESSION_ANSWER ? 1500 : -1;
    crowd_event(c, &ev, now_us);
}

static const struct peer *peer(const struct crowd *c, const char *id)
{
    return sp_map_get(&c->peers, sp_str(id));
}

/* ---------------------------------------------------------------- the crowd */

static void test_rates(void **state)
{
    (void)state;
    struct crowd c;
    assert_true(crowd_init(&c));
    registers(&c, "a", 1, 0);
    registers(&c, "b", 2, 0);
    crowd_sample(&c, 0);
    assert_int_equal(c.here, 2);
    between(&c, SP_EV_SESSION_OPEN, SP_T_NONE, "a", "b", 1);
    for (int i = 0; i < 10; i++) {
        between(&c, SP_EV_RELAY, SP_T_OFFER, "a", "b", 1);
    }
    between(&c, SP_EV_DELIVER_ERROR, SP_T_OFFER, "a", "nobody", 1);
    crowd_sample(&c, 2 * SECOND);
    const struct peer *a = peer(&c, "a");
    assert_true(a->out_s == 5.0 && a->bytes_s == 500.0 && a->in_s == 0);
    assert_true(peer(&c, "b")->in_s == 5.0 && c.messages_s == 5.0 && c.errors_s == 0.5);
    assert_int_equal(a->waiting, 1);
    assert_int_equal(a->sessions, 1);
    assert_int_equal(a->errors, 1);
    assert_int_equal(peer(&c, "b")->waiting, 0);
    assert_int_equal(peer(&c, "b")->sessions, 1);
    assert_null(peer(&c, "nobody"));
    between(&c, SP_EV_RELAY, SP_T_ANSWER, "b", "a", 1);
    crowd_sample(&c, 3 * SECOND);
    assert_int_equal(peer(&c, "a")->waiting, 0);
    assert_true(peer(&c, "a")->out_s == 0 && peer(&c, "a")->in_s == 1.0);
    assert_int_equal(peer(&c, "a")->out, 10);
    /* no time has passed: no rate, and none that is infinite */
    between(&c, SP_EV_RELAY, SP_T_ANSWER, "b", "a", 1);
    crowd_sample(&c, 3 * SECOND);
    assert_true(c.messages_s == 0);
    crowd_fini(&c);
}

static void test_who_has_gone(void **state)
{
    (void)state;
    struct crowd c;
    assert_true(crowd_init(&c));
    registers(&c, "a", 1, 0);
    registers(&c, "a", 2, 0); /* takes the id over */
    disconnects(&c, "a", 1, 0);
    crowd_peer(&c, SP_STR("listed"), SP_STR("drone"), 5);
    disconnects(&c, "listed", 7, SECOND);
    disconnects(&c, "stranger", 8, SECOND);
    crowd_sample(&c, SECOND);
    assert_int_equal(c.here, 1);
    assert_int_equal(c.peers.count, 2);
    assert_int_equal(peer(&c, "listed")->gone_us, SECOND);
    assert_int_equal(peer(&c, "listed")->since_ms, 5);
    crowd_sample(&c, SECOND + CROWD_KEPT);
    assert_non_null(peer(&c, "listed"));
    crowd_sample(&c, SECOND + CROWD_KEPT + 1);
    assert_null(peer(&c, "listed"));
    /* comes again before it is forgotten */
    disconnects(&c, "a", 2, 20 * SECOND);
    registers(&c, "a", 3, 21 * SECOND);
    crowd_sample(&c, 60 * SECOND);
    assert_int_equal(peer(&c, "a")->gone_us, -1);
    crowd_fini(&c);
}

static void test_sessions_end(void **state)
{
    (void)state;
    struct crowd c;
    assert_true(crowd_init(&c));
    crowd_clock(&c, wall_ms, 0);
    crowd_call(&c, SP_STR("session-0123456789"), SP_STR("a"), SP_STR("b"), wall_ms, true);
    crowd_sample(&c, 0);
    assert_int_equal(c.open, 1);
    between(&c, SP_EV_SESSION_END, SP_T_NONE, "a", "b", 0);
    crowd_sample(&c, 0);
    assert_int_equal(c.open, 0);
    assert_int_equal(c.book.n, 1);
    crowd_sample(&c, CROWD_KEPT + 2000);
    assert_int_equal(c.book.n, 0);
    crowd_fini(&c);
}

static void test_a_gap(void **state)
{
    (void)state;
    struct crowd c;
    assert_true(crowd_init(&c));
    registers(&c, "a", 1, 0);
    registers(&c, "b", 2, 0);
    between(&c, SP_EV_SESSION_OPEN, SP_T_NONE, "a", "b", 0);
    crowd_call(&c, SP_STR("other"), SP_STR("b"), SP_STR("a"), wall_ms, false);
    crowd_missed(&c, 5);
    crowd_missed(&c, SP_INT_MAX);
    assert_int_equal(c.missed, SP_INT_MAX);
    crowd_peer(&c, SP_STR("b"), SP_STR(""), -1);
    crowd_settle_peers(&c, 1);
    crowd_call(&c, SP_STR("other"), SP_STR("b"), SP_STR("a"), wall_ms, false);
    crowd_settle_calls(&c, 1);
    assert_int_equal(peer(&c, "a")->gone_us, 1);
    assert_int_equal(peer(&c, "b")->gone_us, -1);
    assert_int_equal(c.book.n, 1);
    assert_string_equal(c.book.oldest->id, "other");
    crowd_gone(&c, 2);
    assert_int_equal(c.book.n, 0);
    assert_int_equal(peer(&c, "b")->gone_us, 2);
    crowd_fini(&c);
}

static void test_memory_is_bounded(void **state)
{
    (void)state;
    struct crowd c;
    char id[16];
    assert_true(crowd_init(&c));
    for (unsigned i = 0; i < CROWD_PEERS + 100; i++) {
        snprintf(id, sizeof(id), "p%u", i);
        registers(&c, id, i, 0);
        registers(&c, "p0", 0, 0);
    }
    assert_int_equal(c.peers.count, CROWD_PEERS);
    assert_non_null(peer(&c, "p0"));
    assert_null(peer(&c, "p1"));
    for (unsigned i = 0; i < CROWD_CALLS + 100; i++) {
        snprintf(id, sizeof(id), "s%u", i);
        crowd_call(&c, sp_str(id), SP_STR("a"), SP_STR("b"), wall_ms, false);
    }
    assert_int_equal(c.book.n, CROWD_CALLS);
    assert_string_equal(c.book.oldest->id, "s100");
    assert_false(c.full);
    crowd_fini(&c);
}

/* ---------------------------------------------------------------- the view */

struct paper {
    char text[256][600];
    enum top_line kind[256];
    unsigned n;
};

static void on_line(void *ctx, enum top_line kind, const char *line)
{
    struct paper *p = ctx;
    assert_true(p->n < 256);
    p->kind[p->n] = kind;
    snprintf(p->text[p->n++], sizeof(p->text[0]), "%s", line);
}

static struct paper paper;

static const char *line(unsigned i)
{
    assert_true(i < paper.n);
    return paper.text[i];
}

static void draw(struct top_view *v, unsigned w, unsigned h)
{
    paper.n = 0;
    top_view_frame(v, w, h, on_line, &paper);
}

static unsigned columns(const char *s)
{
    unsigned n = 0;
    for (; *s; s++) {
        n += ((unsigned char)*s & 0xC0) != 0x80;
    }
    return n;
}

static void fill(struct crowd *c, struct top_view *v)
{
    assert_true(crowd_init(c));
    top_view_init(v, "ws://h:1");
    for (const char *const *id = (const char *const[]){"beta", "alpha", "gamma", NULL}; *id; id++) {
        registers(c, *id, 1, 0);
    }
    between(c, SP_EV_SESSION_OPEN, SP_T_NONE, "alpha", "beta", 0);
    between(c, SP_EV_RELAY, SP_T_OFFER, "alpha", "beta", 0);
    between(c, SP_EV_RELAY, SP_T_ICE, "alpha", "beta", 0);
    crowd_sample(c, 0);
    assert_true(top_view_refresh(v, c, 0));
}

static void empty(struct crowd *c, struct top_view *v)
{
    top_view_fini(v);
    crowd_fini(c);
}

static void test_frame(void **state)
{
    (void)state;
    struct crowd c;
    struct top_view v;
    char why[128];
    fill(&c, &v);
    assert_true(top_view_sort(&v, "id", why, sizeof(why)));
    top_view_resort(&v);
    draw(&v, 80, 10);
    assert_int_equal(paper.n, 10);
    assert_string_equal(line(0), "sigmon top ws://h:1, by peers");
    assert_string_equal(line(1), "3 clients, 1 sessions, 0 msgs/s, 0 errors/s, 0 missed");
    assert_string_equal(
        line(2),
        "id              role      since   out/s    in/s  bytes/s errors waiting sessions");
    assert_string_equal(
        line(3),
        "alpha                        0s       0       0        0      0       1        1");
    assert_string_equal(line(9), "1-3 of 3 by id up  ?: help");
    assert_int_equal(paper.kind[2], TOP_TITLES);
    assert_int_equal(paper.kind[9], TOP_STATUS);
    disconnects(&c, "alpha", 1, 0);
    assert_true(top_view_refresh(&v, &c, 0));
    draw(&v, 80, 10);
    assert_string_equal(
        line(3),
        "alpha                      gone       0       0        0      0       1        1");
    assert_int_equal(paper.kind[3], TOP_GONE);
    /* all rows, whole, of what is printed one after another */
    draw(&v, 0, 0);
    assert_int_equal(paper.n, 6);
    empty(&c, &v);
}

static void test_sessions_frame(void **state)
{
    (void)state;
    struct crowd c;
    struct top_view v;
    fill(&c, &v);
    between(&c, SP_EV_SESSION_ANSWER, SP_T_NONE, "alpha", "beta", 0);
    assert_true(top_keys(&v, "s", 1));
    assert_true(top_view_refresh(&v, &c, 5 * SECOND));
    draw(&v, 80, 24);
    assert_string_equal(
        line(2), "session  parties               state       age     setup     candidates   bytes");
    assert_string_equal(
        line(3), "01234567 alpha → beta          answered     5s  1.500 ms           h1/-     200");
    empty(&c, &v);
}

static void test_every_size(void **state)
{
    (void)state;
    struct crowd c;
    struct top_view v;
    fill(&c, &v);
    registers(&c, "an-id-that-is-much-longer-than-the-column-which-it-is-shown-in", 9, 0);
    for (unsigned keys = 0; keys < 4; keys++) {
        assert_true(top_view_refresh(&v, &c, 0));
        for (unsigned w = 1; w <= 200; w += 7) {
            for (unsigned h = 5; h <= 50; h += 9) {
                draw(&v, w, h);
                assert_int_equal(paper.n, h);
                for (unsigned i = 0; i < h; i++) {
                    assert_true(columns(line(i)) <= w);
                }
            }
        }
        top_keys(&v, keys == 1 ? "?" : keys == 2 ? "x/abc" : "\t", keys == 2 ? 5 : 1);
    }
    empty(&c, &v);
}

static void test_order(void **state)
{
    (void)state;
    struct crowd c;
    struct top_view v;
    char why[128];
    fill(&c, &v);
    for (unsigned by = 0; by < TOP_VIEWS; by++) {
        v.by = (enum top_by)by;
        for (const struct top_column *k = top_columns[by]; k->name; k++) {
            assert_true(k->help && k->put && k->cmp && k->width > 0);
            assert_true(strlen(k->name) <= (size_t)k->width);
            assert_true(top_view_sort(&v, k->name, why, sizeof(why)));
            assert_true(top_view_refresh(&v, &c, 0));
        }
    }
    v.by = TOP_PEERS;
    assert_true(top_view_sort(&v, "-id", why, sizeof(why)));
    assert_true(top_view_refresh(&v, &c, 0));
    assert_string_equal(v.sorted[0]->peer.id, "gamma");
    assert_true(top_view_sort(&v, "bytes", why, sizeof(why)));
    top_view_resort(&v);
    assert_string_equal(v.sorted[2]->peer.id, "gamma");
    assert_false(top_view_sort(&v, "byts", why, sizeof(why)));
    assert_string_equal(why, "--by peers has no column 'byts', did you mean 'bytes'?");
    empty(&c, &v);
}

static void type(struct top_view *v, const char *keys)
{
    top_keys(v, keys, strlen(keys));
}

static void test_keys(void **state)
{
    (void)state;
    struct crowd c;
    struct top_view v;
    fill(&c, &v);
    type(&v, "/id=al*x\177\r");
    assert_false(v.editing);
    assert_true(top_view_refresh(&v, &c, 0));
    assert_int_equal(v.n, 1);
    type(&v, "/\025rolle=x\r");
    assert_true(v.editing && v.error[0]);
    draw(&v, 80, 10);
    assert_string_equal(line(9), "/rolle=x_  unknown field 'rolle', did you mean 'role'?");
    type(&v, "\033");
    assert_true(v.editing);
    assert_true(top_keys_rest(&v));
    assert_false(v.editing);
    assert_false(top_keys_rest(&v));
    assert_string_equal(v.filter_text, "id=al*");
    type(&v, "/\025\r");
    assert_true(top_view_refresh(&v, &c, 0));
    draw(&v, 80, 5);
    type(&v, "\033[B\033OB");
    assert_int_equal(v.order[TOP_PEERS].scroll, 2);
    type(&v, "\033[6~\033[6~\033[");
    draw(&v, 80, 5);
    assert_int_equal(v.order[TOP_PEERS].scroll, 2);
    type(&v, "A\033[1;5A\033[99999999999~\033[<");
    draw(&v, 80, 5);
    assert_int_equal(v.order[TOP_PEERS].scroll, 1);
    assert_false(v.quit);
    type(&v, "q");
    assert_true(v.quit);
    empty(&c, &v);
}

static void test_what_a_server_may_send(void **state)
{
    (void)state;
    struct crowd c;
    struct top_view v;
    fill(&c, &v);
    registers(&c, "\033[2Jevil\xff\xe2\x80\xae\xe4\xb8\xad", 4, 0);
    assert_true(top_view_refresh(&v, &c, 0));
    draw(&v, 200, 10);
    for (unsigned i = 0; i < paper.n; i++) {
        for (const char *p = line(i); *p; p++) {
            assert_true((unsigned char)*p >= ' ' && *p != 127);
        }
    }
    draw(&v, 0, 0);
    bool found = false;
    for (unsigned i = 0; i < paper.n; i++) {
        found = found || strstr(line(i), "\\x1b[2Jevil\\xff\\u{202e}?");
    }
    assert_true(found);
    empty(&c, &v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rates),
        cmocka_unit_test(test_who_has_gone),
        cmocka_unit_test(test_sessions_end),
        cmocka_unit_test(test_a_gap),
        cmocka_unit_test(test_memory_is_bounded),
        cmocka_unit_test(test_frame),
        cmocka_unit_test(test_sessions_frame),
        cmocka_unit_test(test_every_size),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_what_a_server_may_send),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
