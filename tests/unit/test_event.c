/* SPDX-License-Identifier: MIT
 * Events: written and read back, and walking the array that carries them. */
#include "tests/lib/unit.h"

#include <stdlib.h>

#include "libproto/event.h"

#define TS "2025-11-27T12:00:00.000Z"
#define MS 1764244800000

static void parse_ok(struct sp_event *ev, const char *raw, char *scratch, size_t cap)
{
    struct sp_diag d;
    if (sp_event_parse(ev, sp_str(raw), scratch, cap, &d) != SP_OK) {
        fail_msg("%s: %s", raw, d.text);
    }
}

static void test_written_in_wire_order(void **state)
{
    (void)state;
    char room[512];
    struct sp_buf b;
    struct sp_event ev;
    sp_event_init(&ev, SP_EV_RELAY, MS);
    ev.kind = SP_T_OFFER;
    ev.n[SP_EN_seq] = 12;
    ev.n[SP_EN_size] = 2048;
    ev.n[SP_EN_us] = 0;
    ev.s[SP_ES_from] = SP_STR("drone-1");
    ev.s[SP_ES_to] = SP_STR("cam-2");
    ev.s[SP_ES_session] = SP_STR("session-x");
    ev.s[SP_ES_reason] = SP_STR("a \"quote\"");
    sp_buf_init(&b, room, sizeof(room));
    sp_put_event(&b, &ev, SP_STR(TS));
    assert_text(sp_buf_view(&b),
                "{\"seq\":12,\"ts\":\"" TS "\",\"event\":\"relay\",\"kind\":\"offer\","
                "\"from\":\"drone-1\",\"to\":\"cam-2\",\"session\":\"session-x\","
                "\"reason\":\"a \\\"quote\\\"\",\"size\":2048,\"us\":0}");
}

static void test_absent_fields_are_not_written(void **state)
{
    (void)state;
    char room[128];
    struct sp_buf b;
    struct sp_event ev;
    sp_event_init(&ev, SP_EV_CONNECT, MS);
    sp_buf_init(&b, room, sizeof(room));
    sp_put_event(&b, &ev, SP_STR(TS));
    assert_text(sp_buf_view(&b), "{\"ts\":\"" TS "\",\"event\":\"connect\"}");
}

static void fill(struct sp_event *ev, enum sp_event_type t)
{
    static const char *const texts[] = {"plain", "with \"quotes\"", "tab\there", "é€😀"};
    sp_event_init(ev, t, MS + t);
    ev->kind = SP_T_ICE;
    for (unsigned i = 0; i < SP_ES_COUNT; i++) {
        ev->s[i] = sp_str(texts[(i + t) % 4]);
    }
    for (unsigned i = 0; i < SP_EN_COUNT; i++) {
        ev->n[i] = (int64_t)i * 1000000007 + t;
    }
}

static void assert_same_event(const struct sp_event *a, const struct sp_event *b)
{
    assert_int_equal(a->event, b->event);
    assert_int_equal(a->kind, b->kind);
    assert_true(a->ts_ms == b->ts_ms);
    for (unsigned i = 0; i < SP_ES_COUNT; i++) {
        assert_true(sp_str_eq(a->s[i], b->s[i]));
    }
    for (unsigned i = 0; i < SP_EN_COUNT; i++) {
        assert_true(a->n[i] == b->n[i]);
    }
}

static void test_round_trip(void **state)
{
    (void)state;
    for (unsigned t = SP_EV_NONE + 1; t < SP_EV_COUNT; t++) {
        char room[2048], scratch[1024], ts[] = "2025-11-27T12:00:00.0XXZ";
        struct sp_buf b;
        struct sp_event ev, back;
        struct sp_diag d;
        fill(&ev, (enum sp_event_type)t);
        ts[21] = (char)('0' + t / 10);
        ts[22] = (char)('0' + t % 10);
        sp_buf_init(&b, room, sizeof(room));
        sp_put_event(&b, &ev, sp_str(ts));
        assert_false(b.full);
        assert_int_equal(sp_event_parse(&back, sp_buf_view(&b), scratch, sizeof(scratch), &d),
                         SP_OK);
        assert_same_event(&ev, &back);
    }
}

static void test_small_buffers(void **state)
{
    (void)state;
    struct sp_event ev;
    fill(&ev, SP_EV_RELAY);
    for (size_t cap = 0; cap < 600; cap++) {
        char *room = malloc(cap);
        struct sp_buf b;
        sp_buf_init(&b, room, cap);
        sp_put_event(&b, &ev, SP_STR(TS));
        assert_true(b.n <= cap);
        free(room);
    }
}

static void test_newer_daemons_can_be_read(void **state)
{
    (void)state;
    char scratch[64];
    struct sp_event ev;
    parse_ok(&ev, "{\"event\":\"warp\",\"kind\":\"beam\",\"color\":\"red\",\"x\":{\"from\":\"a\"}}",
             scratch, sizeof(scratch));
    assert_int_equal(ev.event, SP_EV_NONE);
    assert_int_equal(ev.kind, SP_T_NONE);
    assert_int_equal(ev.s[SP_ES_from].n, 0);
    assert_int_equal(ev.n[SP_EN_size], -1);
    parse_ok(&ev, "{\"from\":null,\"size\":null,\"event\":\"relay\"}", scratch, sizeof(scratch));
    assert_int_equal(ev.event, SP_EV_RELAY);
    assert_int_equal(ev.n[SP_EN_size], -1);
}

static void test_parse_refuses(void **state)
{
    (void)state;
    static const struct {
        const char *raw;
        enum sp_err want;
    } cases[] = {{"", SP_INVALID_JSON},
                 {"{", SP_INVALID_JSON},
                 {"[]", SP_INVALID_MESSAGE},
                 {"{\"seq\":\"1\"}", SP_INVALID_MEMBER},
                 {"{\"seq\":-1}", SP_INVALID_MEMBER},
                 {"{\"size\":1.5}", SP_INVALID_MEMBER},
                 {"{\"from\":1}", SP_INVALID_MEMBER},
                 {"{\"event\":1}", SP_INVALID_MEMBER},
                 {"{\"kind\":{}}", SP_INVALID_MEMBER},
                 {"{\"ts\":\"yesterday\"}", SP_INVALID_MEMBER},
                 {"{\"from\":\"\\u0000\"}", SP_INVALID_MEMBER},
                 {"{\"from\":\"\\n23456789\"}", SP_INVALID_MEMBER}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char scratch[8];
        struct sp_event ev = {.ts_ms = 77};
        struct sp_diag d;
        assert_int_equal(sp_event_parse(&ev, sp_str(cases[i].raw), scratch, sizeof(scratch), &d),
                         cases[i].want);
        assert_int_equal(ev.ts_ms, 77);
    }
}

static void test_scratch_is_shared(void **state)
{
    (void)state;
    char scratch[4];
    struct sp_event ev;
    parse_ok(&ev, "{\"from\":\"\\u0061b\",\"to\":\"c\\u0064\",\"role\":\"plain\"}", scratch,
             sizeof(scratch));
    assert_text(ev.s[SP_ES_from], "ab");
    assert_text(ev.s[SP_ES_to], "cd");
    assert_text(ev.s[SP_ES_role], "plain");
}

static void test_names(void **state)
{
    (void)state;
    for (unsigned t = SP_EV_NONE + 1; t < SP_EV_COUNT; t++) {
        const char *word = sp_event_wire((enum sp_event_type)t);
        assert_int_equal(sp_event_find(sp_str(word)), t);
    }
    assert_string_equal(sp_event_wire(SP_EV_NONE), "");
    assert_int_equal(sp_event_find(SP_STR("")), SP_EV_NONE);
    assert_string_equal(sp_event_str_name(SP_ES_from), "from");
    assert_string_equal(sp_event_num_name(SP_EN_us), "us");
}

static void assert_elements(const char *array, const char *const *want, size_t count)
{
    size_t pos = 0, i = 0, n = strlen(array);
    char *exact = malloc(n);
    struct sp_str element;
    memcpy(exact, array, n);
    for (; sp_each_element((struct sp_str){exact, n}, &pos, &element); i++) {
        assert_true(i < count);
        assert_text(element, want[i]);
    }
    assert_int_equal(i, count);
    assert_false(sp_each_element((struct sp_str){exact, n}, &pos, &element));
    free(exact);
}

static void test_each_element(void **state)
{
    (void)state;
    static const char *const mixed[] = {
        "1", "\"a,]\\\"b\"", "{\"x\":[1,2],\"y\":\"}\"}", "[]", "[[1],[2]]", "null", "-1.5e3"};
    static const char *const one[] = {"{}"};
    assert_elements("[]", NULL, 0);
    assert_elements("[ \n]", NULL, 0);
    assert_elements("[{}]", one, 1);
    assert_elements("[ {} ]", one, 1);
    assert_elements("[1,\"a,]\\\"b\",{\"x\":[1,2],\"y\":\"}\"},[],[[1],[2]],null,-1.5e3]", mixed,
                    7);
    assert_elements("[ 1 ,\t\"a,]\\\"b\" , {\"x\":[1,2],\"y\":\"}\"} , [] ,[[1],[2]]\n,null , "
                    "-1.5e3 ]",
                    mixed, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_written_in_wire_order),
        cmocka_unit_test(test_absent_fields_are_not_written),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_small_buffers),
        cmocka_unit_test(test_newer_daemons_can_be_read),
        cmocka_unit_test(test_parse_refuses),
        cmocka_unit_test(test_scratch_is_shared),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_each_element),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
