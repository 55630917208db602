/* SPDX-License-Identifier: MIT
 * Messages: what decoding yields, what travels on, and every encoder's bytes. */
#include "tests/lib/unit.h"

#include <stdlib.h>

#include "libproto/msg.h"

#define TS SP_STR("2025-11-27T12:00:00.000Z")

static const struct sp_str none = {NULL, 0};
static char room[4096];

static struct sp_buf fresh(void)
{
    struct sp_buf b;
    sp_buf_init(&b, room, sizeof(room));
    return b;
}

static void assert_valid(const struct sp_buf *b)
{
    struct sp_doc doc;
    struct sp_diag d;
    assert_false(b->full);
    if (sp_scan(&doc, b->p, b->n, &sp_scan_defaults, &d) != SP_OK) {
        fail_msg("%.*s: %s", (int)b->n, b->p, d.text);
    }
}

static void decode_ok(struct sp_msg *m, const char *text)
{
    struct sp_diag d;
    if (sp_msg_decode(m, text, strlen(text), &sp_scan_defaults, &d) != SP_OK) {
        fail_msg("%s: %s", text, d.text);
    }
}

static enum sp_err decode_err(struct sp_msg *m, const char *text, struct sp_diag *d)
{
    return sp_msg_decode(m, text, strlen(text), &sp_scan_defaults, d);
}

static void test_register(void **state)
{
    (void)state;
    struct sp_msg m;
    decode_ok(&m,
              "{\"type\":\"register\",\"id\":\"dr\\u006fne\",\"role\":\"cam\",\"meta\":{\"a\":[1]"
              "},\"token\":\"x.y\",\"rid\":\"r\\n\",\"resume\":null}");
    assert_int_equal(m.type, SP_T_REGISTER);
    assert_text(m.str[SP_M_ID], "drone");
    assert_text(m.str[SP_M_ROLE], "cam");
    assert_text(m.raw[SP_M_META], "{\"a\":[1]}");
    assert_text(m.raw[SP_M_TOKEN], "\"x.y\"");
    assert_text(m.rid, "\"r\\n\"");
    assert_false(sp_msg_has(&m, SP_M_RESUME));
    assert_true(sp_msg_has(&m, SP_M_META));
    assert_int_equal(m.npass, 0);
}

static void test_numbers(void **state)
{
    (void)state;
    struct sp_msg m;
    decode_ok(&m, "{\"type\":\"list\",\"limit\":50,\"detail\":true,\"rid\":-12}");
    assert_int_equal(m.num[SP_M_LIMIT], 50);
    assert_int_equal(m.num[SP_M_DETAIL], 1);
    assert_text(m.rid, "-12");
    decode_ok(&m, "{\"type\":\"list\",\"detail\":false}");
    assert_int_equal(m.num[SP_M_DETAIL], 0);
    assert_true(sp_msg_has(&m, SP_M_DETAIL));
    assert_false(sp_msg_has(&m, SP_M_LIMIT));
    decode_ok(&m, "{\"type\":\"monitor\",\"since\":9007199254740991,\"backlog\":0}");
    assert_true(m.num[SP_M_SINCE] == SP_INT_MAX);
    decode_ok(&m, "{\"type\":\"monitor\",\"since\":\"1970-01-01T00:00:01.500Z\",\"age\":7}");
    assert_int_equal(m.num[SP_M_SINCE], 1500);
    assert_int_equal(m.num[SP_M_AGE], 7);
    decode_ok(&m, "{\"type\":\"offer\",\"target\":\"a\",\"sdp\":\"\",\"hold\":5000}");
    assert_int_equal(m.num[SP_M_HOLD], 5000);
}

static void test_administration(void **state)
{
    (void)state;
    struct sp_msg m;
    decode_ok(&m, "{\"type\":\"kick\",\"target\":\"cam\\u002d2\",\"reason\":\"n\\u006fisy\"}");
    assert_int_equal(m.type, SP_T_KICK);
    assert_text(m.str[SP_M_TARGET], "cam-2");
    assert_text(m.str[SP_M_REASON], "noisy");
    decode_ok(&m, "{\"type\":\"sessions\",\"match\":\"a*\",\"limit\":3,\"after\":\"17\"}");
    assert_text(m.str[SP_M_MATCH], "a*");
    assert_text(m.str[SP_M_AFTER], "17");
    assert_int_equal(m.num[SP_M_LIMIT], 3);
    decode_ok(&m, "{\"type\":\"stats\",\"limit\":\"of no interest here\"}");
    assert_false(sp_msg_has(&m, SP_M_LIMIT));
    decode_ok(&m, "{\"type\":\"drain\",\"rid\":1}");
    assert_text(m.rid, "1");
    decode_ok(&m, "{\"type\":\"reload\"}");
    assert_int_equal(m.row->class, SP_CLASS_ADMIN);
    assert_int_equal(m.npass, 0);
}

/* Rights are given by class: who moves a request to another one changes who may send it. */
static void test_classes(void **state)
{
    (void)state;
    static const struct {
        enum sp_type type;
        enum sp_class class;
    } rows[] = {{SP_T_REGISTER, SP_CLASS_FREE},  {SP_T_PING, SP_CLASS_FREE},
                {SP_T_UNWATCH, SP_CLASS_FREE},   {SP_T_OFFER, SP_CLASS_RELAY},
                {SP_T_ANSWER, SP_CLASS_RELAY},   {SP_T_ICE, SP_CLASS_RELAY},
                {SP_T_BYE, SP_CLASS_RELAY},      {SP_T_LIST, SP_CLASS_QUERY},
                {SP_T_WATCH, SP_CLASS_QUERY},    {SP_T_MONITOR, SP_CLASS_ADMIN},
                {SP_T_SESSIONS, SP_CLASS_ADMIN}, {SP_T_STATS, SP_CLASS_ADMIN},
                {SP_T_KICK, SP_CLASS_ADMIN},     {SP_T_DRAIN, SP_CLASS_ADMIN},
                {SP_T_RELOAD, SP_CLASS_ADMIN},   {SP_T_ICE_SERVERS, SP_CLASS_FREE}};
    size_t n = sizeof(rows) / sizeof(rows[0]), requests = 0;
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(sp_request_row(rows[i].type)->class, rows[i].class);
    }
    for (unsigned t = 0; t < SP_T_COUNT; t++) {
        requests += sp_request_row((enum sp_type)t) != NULL;
    }
    assert_int_equal(requests, n);
}

static void test_error_keeps_rid_and_type(void **state)
{
    (void)state;
    struct sp_msg m;
    struct sp_diag d;
    assert_int_equal(decode_err(&m, "{\"type\":\"offer\",\"target\":\"a\",\"rid\":7}", &d),
                     SP_MISSING_MEMBER);
    assert_text(m.rid, "7");
    assert_int_equal(m.type, SP_T_OFFER);
    assert_non_null(strstr(d.text, "sdp"));
    assert_int_equal(decode_err(&m, "{\"id\":\"/\",\"type\":\"register\",\"rid\":\"q\"}", &d),
                     SP_INVALID_ID);
    assert_text(m.rid, "\"q\"");
    assert_int_equal(d.off, 6);
    assert_int_equal(decode_err(&m, "{\"type\":\"nope\",\"rid\":8}", &d), SP_UNKNOWN_TYPE);
    assert_text(m.rid, "8");
    assert_int_equal(m.type, SP_T_NONE);
    assert_int_equal(decode_err(&m, "{\"type\":\"ping\",\"rid\":[]}", &d), SP_INVALID_MEMBER);
    assert_int_equal(m.rid.n, 0);
    assert_int_equal(decode_err(&m, "not json", &d), SP_INVALID_JSON);
    assert_int_equal(m.rid.n, 0);
    assert_int_equal(decode_err(&m, "{}", NULL), SP_MISSING_MEMBER);
}

static void assert_relayed(const char *in, const struct sp_stamped *s, const char *want)
{
    struct sp_msg m;
    struct sp_buf b = fresh();
    decode_ok(&m, in);
    sp_put_relay(&b, s, &m);
    assert_text(sp_buf_view(&b), want);
    assert_valid(&b);
}

#define OFFER_HEAD                                                                                 \
    "{\"type\":\"offer\",\"from\":\"d\",\"sessionId\":\"s\",\"polite\":true,"                      \
    "\"timestamp\":\"2025-11-27T12:00:00.000Z\""

static void test_relay_passes_members_as_they_are(void **state)
{
    (void)state;
    const struct sp_stamped s = {SP_T_OFFER, SP_STR("d"), SP_STR("s"), TS, 1};
    assert_relayed("{\"type\":\"offer\",\"target\":\"c\",\"sdp\":\"v=0\\r\\n\"}", &s,
                   OFFER_HEAD ",\"sdp\":\"v=0\\r\\n\"}");
    assert_relayed("{\"sdp\":\"\\u00e9\\/\",\"x\":{\"a\":1,\"a\":[ 2 ]},\"type\":\"offer\","
                   "\"target\":\"c\",\"n\":1.0e5}",
                   &s,
                   OFFER_HEAD ",\"sdp\":\"\\u00e9\\/\",\"x\":{\"a\":1,\"a\":[ 2 ]},\"n\":1.0e5}");
    /* what stands between two members that travel on may be white space, never another member */
    assert_relayed(
        "{ \"sdp\" : \"\" , \"rid\" : 1 , \"y\" : null , \"target\" : \"c\" , \"type\" : "
        "\"offer\" , \"hold\" : 5 }",
        &s, OFFER_HEAD ",\"sdp\" : \"\",\"y\" : null}");
}

static void test_relay_cannot_be_forged(void **state)
{
    (void)state;
    const struct sp_stamped s = {SP_T_OFFER, SP_STR("d"), SP_STR("s"), TS, 1};
    assert_relayed("{\"type\":\"offer\",\"from\":\"boss\",\"sdp\":\"\",\"timestamp\":0,\"polite\":"
                   "false,\"sessionId\":\"z\",\"target\":\"c\",\"rid\":1,\"hold\":1}",
                   &s, OFFER_HEAD ",\"sdp\":\"\"}");
    assert_relayed("{\"t\\u0079pe\":\"offer\",\"fr\\u006fm\":\"boss\",\"sdp\":\"\","
                   "\"\\u0074imestamp\":0,\"polit\\u0065\":false,\"session\\u0049d\":\"z\","
                   "\"targ\\u0065t\":\"c\",\"r\\u0069d\":1,\"h\\u006fld\":1}",
                   &s, OFFER_HEAD ",\"sdp\":\"\"}");
    /* names that only look alike are nobody's business */
    assert_relayed("{\"type\":\"offer\",\"From\":\"x\",\"from \":1,\"sdp\":\"\",\"target\":\"c\"}",
                   &s, OFFER_HEAD ",\"From\":\"x\",\"from \":1,\"sdp\":\"\"}");
}

static void test_relay_drops_null_session(void **state)
{
    (void)state;
    const struct sp_stamped s = {SP_T_ICE, SP_STR("d"), none, TS, -1};
    assert_relayed("{\"type\":\"ice\",\"target\":\"c\",\"sessionId\":null,\"candidate\":null}", &s,
                   "{\"type\":\"ice\",\"from\":\"d\",\"timestamp\":\"2025-11-27T12:00:00.000Z\","
                   "\"candidate\":null}");
}

static void test_relay_of_bye(void **state)
{
    (void)state;
    const struct sp_stamped s = {SP_T_BYE, SP_STR("d"), SP_STR("s"), TS, -1};
    assert_relayed("{\"type\":\"bye\",\"target\":\"c\"}", &s,
                   "{\"type\":\"bye\",\"from\":\"d\",\"sessionId\":\"s\",\"reason\":\"hangup\","
                   "\"timestamp\":\"2025-11-27T12:00:00.000Z\"}");
    assert_relayed("{\"type\":\"bye\",\"target\":\"c\",\"reason\":null}", &s,
                   "{\"type\":\"bye\",\"from\":\"d\",\"sessionId\":\"s\",\"reason\":\"hangup\","
                   "\"timestamp\":\"2025-11-27T12:00:00.000Z\"}");
    assert_relayed("{\"type\":\"bye\",\"target\":\"c\",\"reason\":\"rejected\"}", &s,
                   "{\"type\":\"bye\",\"from\":\"d\",\"sessionId\":\"s\","
                   "\"timestamp\":\"2025-11-27T12:00:00.000Z\",\"reason\":\"rejected\"}");
}

static void test_relay_into_small_buffers(void **state)
{
    (void)state;
    const struct sp_stamped s = {SP_T_OFFER, SP_STR("d"), SP_STR("s"), TS, 0};
    struct sp_msg m;
    decode_ok(&m, "{\"type\":\"offer\",\"target\":\"c\",\"sdp\":\"v=0\",\"x\":1}");
    struct sp_buf whole = fresh();
    sp_put_relay(&whole, &s, &m);
    for (size_t cap = 0; cap <= whole.n; cap++) {
        char *small = malloc(cap);
        struct sp_buf b;
        sp_buf_init(&b, small, cap);
        sp_put_relay(&b, &s, &m);
        assert_int_equal(b.full, cap < whole.n);
        free(small);
    }
}

static void test_put_error(void **state)
{
    (void)state;
    struct sp_buf b = fresh();
    sp_put_error(&b, SP_TARGET_NOT_FOUND, SP_STR("cam-2 is \"off\""), SP_STR("\"r\""),
                 SP_STR("cam-2"), -1, TS);
    assert_valid(&b);
    assert_text(sp_buf_view(&b),
                "{\"type\":\"error\",\"code\":\"target_not_found\",\"message\":\"Target client not "
                "found\",\"details\":\"cam-2 is \\\"off\\\"\",\"retryable\":true,\"rid\":\"r\","
                "\"target\":\"cam-2\",\"timestamp\":\"2025-11-27T12:00:00.000Z\"}");
    b = fresh();
    sp_put_error(&b, SP_RATE_LIMITED, SP_STR(""), none, none, 250, TS);
    assert_valid(&b);
    assert_non_null(memmem(b.p, b.n, "\"retryAfter\":250", 16));
    assert_null(memmem(b.p, b.n, "\"rid\"", 5));
}

static void test_put_ack_and_bye(void **state)
{
    (void)state;
    struct sp_buf b = fresh();
    sp_put_ack(&b, SP_STR("7"), SP_STR("session-x"), TS);
    assert_text(sp_buf_view(&b), "{\"type\":\"ack\",\"rid\":7,\"sessionId\":\"session-x\","
                                 "\"timestamp\":\"2025-11-27T12:00:00.000Z\"}");
    b = fresh();
    sp_put_ack(&b, SP_STR("7"), none, TS);
    assert_text(sp_buf_view(&b),
                "{\"type\":\"ack\",\"rid\":7,\"timestamp\":\"2025-11-27T12:00:00.000Z\"}");
    b = fresh();
    sp_put_bye(&b, SP_STR("d"), SP_STR("s"), SP_BYE_PEER_LEFT, TS);
    assert_text(sp_buf_view(&b),
                "{\"type\":\"bye\",\"from\":\"d\",\"sessionId\":\"s\",\"reason\":\"peer-left\","
                "\"timestamp\":\"2025-11-27T12:00:00.000Z\"}");
}

static void test_client_side_is_what_the_server_reads(void **state)
{
    (void)state;
    struct sp_msg m;
    struct sp_buf b = fresh();
    sp_put_register(&b, SP_STR("d"), SP_STR("drone"), SP_STR("{\"a\":1}"), SP_STR("t\"k"),
                    SP_STR("res"), SP_STR("5"));
    sp_buf_lit(&b, "\0");
    decode_ok(&m, room);
    assert_text(m.str[SP_M_ID], "d");
    assert_text(m.str[SP_M_ROLE], "drone");
    assert_text(m.raw[SP_M_META], "{\"a\":1}");
    assert_text(m.str[SP_M_RESUME], "res");
    assert_text(m.rid, "5");
    b = fresh();
    sp_put_register(&b, SP_STR("d"), none, none, none, none, none);
    assert_text(sp_buf_view(&b), "{\"type\":\"register\",\"id\":\"d\"}");
    b = fresh();
    sp_put_send(&b, SP_STR("offer"), SP_STR("c"), SP_STR("s"), SP_STR("\"sdp\":\"v=0\""),
                SP_STR("\"r\""));
    sp_buf_lit(&b, "\0");
    decode_ok(&m, room);
    assert_int_equal(m.type, SP_T_OFFER);
    assert_text(m.str[SP_M_TARGET], "c");
    assert_text(m.str[SP_M_SESSION], "s");
    assert_text(m.raw[SP_M_SDP], "\"v=0\"");
    b = fresh();
    sp_put_send(&b, SP_STR("ping"), none, none, none, none);
    assert_text(sp_buf_view(&b), "{\"type\":\"ping\"}");
}

static void test_tables(void **state)
{
    (void)state;
    for (unsigned t = SP_T_NONE + 1; t < SP_T_COUNT; t++) {
        const char *word = sp_type_wire((enum sp_type)t);
        assert_int_equal(sp_type_find(sp_str(word)), t);
        const struct sp_request *row = sp_request_row((enum sp_type)t);
        assert_true(!row || (row->type == t && (row->required & row->optional) == 0));
    }
    assert_null(sp_request_row(SP_T_NONE));
    assert_int_equal(sp_type_find(SP_STR("")), SP_T_NONE);
    for (unsigned e = SP_OK + 1; e < SP_ERR_COUNT; e++) {
        assert_int_equal(sp_err_find(sp_str(sp_err_wire((enum sp_err)e))), e);
        assert_true(strlen(sp_err_text((enum sp_err)e)) > 0);
    }
    assert_int_equal(sp_err_find(SP_STR("nope")), SP_OK);
    for (unsigned i = 0; i < SP_BYE_COUNT; i++) {
        assert_int_equal(sp_bye_find(sp_str(sp_bye_wire((enum sp_bye)i))), i);
    }
    assert_int_equal(sp_bye_find(SP_STR("ok")), SP_BYE_COUNT);
    assert_string_equal(sp_close_reason(4501), "replaced by a newer connection");
    assert_string_equal(sp_close_reason(1234), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_register),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_administration),
        cmocka_unit_test(test_classes),
        cmocka_unit_test(test_error_keeps_rid_and_type),
        cmocka_unit_test(test_relay_passes_members_as_they_are),
        cmocka_unit_test(test_relay_cannot_be_forged),
        cmocka_unit_test(test_relay_drops_null_session),
        cmocka_unit_test(test_relay_of_bye),
        cmocka_unit_test(test_relay_into_small_buffers),
        cmocka_unit_test(test_put_error),
        cmocka_unit_test(test_put_ack_and_bye),
        cmocka_unit_test(test_client_side_is_what_the_server_reads),
        cmocka_unit_test(test_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
