/* SPDX-License-Identifier: MIT
 * The scanner's slices, its limits, and reading members out of them. */
#include "tests/lib/unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "libproto/scan.h"

static struct sp_doc scan_ok(const char *text)
{
    struct sp_doc doc;
    struct sp_diag d;
    if (sp_scan(&doc, text, strlen(text), &sp_scan_defaults, &d) != SP_OK) {
        fail_msg("%s: %s", text, d.text);
    }
    return doc;
}

static enum sp_err scan_err(const char *text, struct sp_diag *d)
{
    struct sp_doc doc;
    return sp_scan(&doc, text, strlen(text), &sp_scan_defaults, d);
}

static void assert_member(const struct sp_doc *doc, uint32_t i, const char *key, const char *val,
                          int kind)
{
    const struct sp_member *m = &doc->m[i];
    assert_text(((struct sp_str){doc->buf + m->key_off, m->key_len}), key);
    assert_text(sp_doc_raw(doc, m), val);
    assert_int_equal(m->kind, kind);
}

static void test_members_are_slices(void **state)
{
    (void)state;
    struct sp_doc doc = scan_ok(" { \"a\" : \"x\" ,\"b\":-1.5e3,\t\"c\":{\"d\":[1, 2]} ,\"e\":[ ],"
                                "\"f\":true,\"g\":false,\"h\":null,\"\":\"\" } ");
    assert_int_equal(doc.count, 8);
    assert_member(&doc, 0, "a", "\"x\"", SP_J_STRING);
    assert_member(&doc, 1, "b", "-1.5e3", SP_J_NUMBER);
    assert_member(&doc, 2, "c", "{\"d\":[1, 2]}", SP_J_OBJECT);
    assert_member(&doc, 3, "e", "[ ]", SP_J_ARRAY);
    assert_member(&doc, 4, "f", "true", SP_J_BOOL);
    assert_member(&doc, 5, "g", "false", SP_J_BOOL);
    assert_member(&doc, 6, "h", "null", SP_J_NULL);
    assert_member(&doc, 7, "", "\"\"", SP_J_STRING);
}

static void test_escape_flags(void **state)
{
    (void)state;
    struct sp_doc doc =
        scan_ok("{\"a\":\"x\",\"b\":\"\\n\",\"\\u0063\":1,\"d\":[\"\\n\"],\"e\":5}");
    static const bool key[] = {false, false, true, false, false};
    static const bool val[] = {false, true, false, false, false};
    for (uint32_t i = 0; i < doc.count; i++) {
        assert_int_equal(doc.m[i].key_escaped, key[i]);
        assert_int_equal(doc.m[i].val_escaped, val[i]);
    }
}

static void test_find_decodes_keys(void **state)
{
    (void)state;
    struct sp_doc doc = scan_ok("{\"\\u0066rom\":1,\"to\":2,\"\\ud83d\\ude00\":3,\"a\\/b\":4}");
    assert_ptr_equal(sp_doc_find(&doc, SP_STR("from")), &doc.m[0]);
    assert_ptr_equal(sp_doc_find(&doc, SP_STR("to")), &doc.m[1]);
    assert_ptr_equal(sp_doc_find(&doc, SP_STR("\xF0\x9F\x98\x80")), &doc.m[2]);
    assert_ptr_equal(sp_doc_find(&doc, SP_STR("a/b")), &doc.m[3]);
    assert_null(sp_doc_find(&doc, SP_STR("fro")));
    assert_null(sp_doc_find(&doc, SP_STR("from ")));
    assert_null(sp_doc_find(&doc, SP_STR("")));
}

static void test_lone_surrogate_keys_stay_different(void **state)
{
    (void)state;
    struct sp_diag d;
    scan_ok("{\"\\ud800\":1,\"\\ud801\":2,\"\\udc00\":3}");
    assert_int_equal(scan_err("{\"\\ud800\":1,\"\\uD800\":2}", &d), SP_INVALID_MESSAGE);
    /* two lone halves in the wrong order are not the pair */
    scan_ok("{\"\\ude00\\ud83d\":1,\"\\ud83d\\ude00\":2}");
}

static void test_repeats(void **state)
{
    (void)state;
    struct sp_diag d;
    assert_int_equal(scan_err("{\"ab\":1,\"c\":2,\"ab\":3}", &d), SP_INVALID_MESSAGE);
    assert_int_equal(d.off, 14);
    assert_int_equal(scan_err("{\"ab\":1,\"\\u0061b\":3}", &d), SP_INVALID_MESSAGE);
    assert_int_equal(scan_err("{\"\\u0061b\":1,\"ab\":3}", &d), SP_INVALID_MESSAGE);
    scan_ok("{\"ab\":1,\"Ab\":2,\"a\":3,\"abc\":4}");
    scan_ok("{\"x\":{\"a\":1,\"a\":2}}");
}

static void test_not_an_object(void **state)
{
    (void)state;
    static const char *const texts[] = {"[]", "1", "\"a\"", "null", "true", " [ ] "};
    struct sp_diag d;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_int_equal(scan_err(texts[i], &d), SP_INVALID_MESSAGE);
    }
    assert_int_equal(scan_err("", &d), SP_INVALID_JSON);
    assert_int_equal(scan_err("[1", &d), SP_INVALID_JSON);
}

static void test_offsets(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t off;
    } cases[] = {
        {"{\"a\":01}", 6}, {"{\"a\":1,}", 7},       {"{\"a\" 1}", 5}, {"{} x", 3},        {"", 0},
        {"{\"a\":1", 6},   {"{\"a\":\"\x01\"}", 6}, {"[1,2", 4},      {"{\"\xff\":1}", 2}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sp_diag d;
        assert_int_equal(scan_err(cases[i].text, &d), SP_INVALID_JSON);
        assert_int_equal(d.code, SP_INVALID_JSON);
        assert_int_equal(d.off, cases[i].off);
    }
    assert_int_equal(scan_err("{", NULL), SP_INVALID_JSON);
    assert_int_equal(scan_err("{\"\xff\"", NULL), SP_INVALID_JSON);
}

static void test_narrow_limits(void **state)
{
    (void)state;
    const struct sp_scan_limits lim = {.depth = 2, .top = 2, .members = 3};
    struct sp_doc doc;
    struct sp_diag d;
    static const struct {
        const char *text;
        enum sp_err want;
    } cases[] = {{"{\"a\":1,\"b\":2}", SP_OK},
                 {"{\"a\":1,\"b\":2,\"c\":3}", SP_INVALID_MESSAGE},
                 {"{\"a\":[1,2]}", SP_OK},
                 {"{\"a\":[1,2,3]}", SP_INVALID_MESSAGE},
                 {"{\"a\":[[]]}", SP_INVALID_MESSAGE},
                 {"{\"a\":{}}", SP_OK},
                 {"{\"a\":{\"b\":{}}}", SP_INVALID_MESSAGE}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t n = strlen(cases[i].text);
        assert_int_equal(sp_scan(&doc, cases[i].text, n, &lim, &d), cases[i].want);
    }
}

static void test_widest_depth(void **state)
{
    (void)state;
    const struct sp_scan_limits lim = {.depth = 64, .top = 1, .members = 1000};
    char text[2 * 65];
    struct sp_diag d;
    for (size_t depth = 63; depth <= 65; depth++) {
        for (size_t i = 0; i < depth; i++) {
            text[i] = '[';
            text[2 * depth - 1 - i] = ']';
        }
        enum sp_err want = depth <= 64 ? SP_OK : SP_INVALID_MESSAGE;
        assert_int_equal(sp_scan_value(text, 2 * depth, &lim, &d), want);
        text[2 * depth - 1] = '}';
        want = depth <= 64 ? SP_INVALID_JSON : SP_INVALID_MESSAGE;
        assert_int_equal(sp_scan_value(text, 2 * depth, &lim, &d), want);
    }
}

/* One byte that ends or spoils a string, at each distance from its start, in exact heap blocks. */
static void test_every_distance(void **state)
{
    (void)state;
    static const struct {
        unsigned char c;
        enum sp_err want;
    } spoil[] = {{0x1f, SP_INVALID_JSON},
                 {0x00, SP_INVALID_JSON},
                 {0x80, SP_INVALID_JSON},
                 {0xff, SP_INVALID_JSON},
                 {'"', SP_INVALID_JSON},
                 {0x7f, SP_OK},
                 {' ', SP_OK},
                 {'!', SP_OK},
                 {'#', SP_OK},
                 {'[', SP_OK},
                 {']', SP_OK},
                 {'\\', SP_INVALID_JSON}};
    for (size_t len = 1; len <= 70; len++) {
        for (size_t at = 0; at < len; at++) {
            for (size_t k = 0; k < sizeof(spoil) / sizeof(spoil[0]); k++) {
                struct sp_diag d;
                char *text = malloc(len + 2);
                memset(text, 'x', len + 2);
                text[0] = text[len + 1] = '"';
                text[1 + at] = (char)spoil[k].c;
                assert_int_equal(sp_scan_value(text, len + 2, &sp_scan_defaults, &d),
                                 spoil[k].want);
                free(text);
            }
        }
    }
}

static void test_doc_str(void **state)
{
    (void)state;
    char scratch[16];
    struct sp_str s;
    struct sp_doc doc = scan_ok("{\"a\":\"plain\",\"b\":\"\\u0041\\n\\ud83d\\ude00\",\"c\":5,"
                                "\"d\":\"\\u0000\",\"e\":\"\\ud800\",\"f\":\"0123456789abcdef!\","
                                "\"g\":\"\\t123456789abcdef!\",\"h\":\"\",\"i\":\"\\t123456789abcde"
                                "f\"}");
    assert_int_equal(sp_doc_str(&doc, SP_STR("a"), scratch, sizeof(scratch), &s), SP_OK);
    assert_text(s, "plain");
    assert_true(s.p >= doc.buf && s.p < doc.buf + doc.len);
    assert_int_equal(sp_doc_str(&doc, SP_STR("b"), scratch, sizeof(scratch), &s), SP_OK);
    assert_text(s, "A\n\xF0\x9F\x98\x80");
    assert_ptr_equal(s.p, scratch);
    assert_int_equal(sp_doc_str(&doc, SP_STR("h"), scratch, sizeof(scratch), &s), SP_OK);
    assert_int_equal(s.n, 0);
    assert_int_equal(sp_doc_str(&doc, SP_STR("i"), scratch, sizeof(scratch), &s), SP_OK);
    assert_int_equal(s.n, 16);
    static const char *const bad[] = {"c", "d", "e", "f", "g", "nope"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(sp_doc_str(&doc, sp_str(bad[i]), scratch, sizeof(scratch), &s),
                         SP_INVALID_MEMBER);
    }
}

static void test_unescape(void **state)
{
    (void)state;
    char out[32];
    struct sp_str all = SP_STR("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\u20AC\\ud83d\\ude00z\"");
    size_t n = sp_unescape(out, sizeof(out), all);
    assert_text(((struct sp_str){out, n}), "\"\\/\b\f\n\r\t\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80z");
    assert_true(sp_unescape(out, n - 1, all) == SIZE_MAX);
    assert_true(sp_unescape(out, n, all) == n);
    assert_true(sp_unescape(out, 0, SP_STR("\"\"")) == 0);
    assert_true(sp_unescape(out, 32, SP_STR("\"\\u0000\"")) == SIZE_MAX);
    assert_true(sp_unescape(out, 32, SP_STR("\"\\ud800\"")) == SIZE_MAX);
    assert_true(sp_unescape(out, 32, SP_STR("\"\\udc00a\"")) == SIZE_MAX);
    assert_true(sp_unescape(out, 32, SP_STR("\"\\ud800\\ud800\"")) == SIZE_MAX);
    assert_true(sp_unescape(out, 32, SP_STR("\"\\ud800\\n\\n\\n\"")) == SIZE_MAX);
}

static void test_integers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool ok;
        int64_t v;
    } cases[] = {{"0", true, 0},
                 {"-0", true, 0},
                 {"42", true, 42},
                 {"-42", true, -42},
                 {"9007199254740991", true, SP_INT_MAX},
                 {"-9007199254740991", true, -SP_INT_MAX},
                 {"9007199254740992", false, 0},
                 {"9007199254740993", false, 0},
                 {"-9007199254740992", false, 0},
                 {"99999999999999999999", false, 0},
                 {"18446744073709551617", false, 0},
                 {"1.0", false, 0},
                 {"1e2", false, 0},
                 {"-", false, 0},
                 {"", false, 0}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t v = 77;
        assert_int_equal(sp_parse_int(sp_str(cases[i].text), &v), cases[i].ok);
        assert_int_equal(v, cases[i].ok ? cases[i].v : 77);
    }
    int64_t v;
    struct sp_doc doc = scan_ok("{\"a\":5,\"b\":\"5\",\"c\":5.5}");
    assert_int_equal(sp_doc_int(&doc, SP_STR("a"), &v), SP_OK);
    assert_int_equal(v, 5);
    assert_int_equal(sp_doc_int(&doc, SP_STR("b"), &v), SP_INVALID_MEMBER);
    assert_int_equal(sp_doc_int(&doc, SP_STR("c"), &v), SP_INVALID_MEMBER);
    assert_int_equal(sp_doc_int(&doc, SP_STR("d"), &v), SP_INVALID_MEMBER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_members_are_slices),
        cmocka_unit_test(test_escape_flags),
        cmocka_unit_test(test_find_decodes_keys),
        cmocka_unit_test(test_lone_surrogate_keys_stay_different),
        cmocka_unit_test(test_repeats),
        cmocka_unit_test(test_not_an_object),
        cmocka_unit_test(test_offsets),
        cmocka_unit_test(test_narrow_limits),
        cmocka_unit_test(test_widest_depth),
        cmocka_unit_test(test_every_distance),
        cmocka_unit_test(test_doc_str),
        cmocka_unit_test(test_unescape),
        cmocka_unit_test(test_integers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
