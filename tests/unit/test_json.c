/* SPDX-License-Identifier: MIT
 * The bounded writer and the JSON writer on top of it. */
#include "tests/lib/unit.h"

#include <stdlib.h>

#include "libproto/json.h"
#include "libproto/scan.h"

static void test_buf_never_writes_past_cap(void **state)
{
    (void)state;
    for (size_t cap = 0; cap < 12; cap++) {
        char *room = malloc(cap);
        struct sp_buf b;
        sp_buf_init(&b, room, cap);
        sp_buf_lit(&b, "hello");
        sp_buf_int(&b, -1234);
        assert_int_equal(b.full, cap < 10);
        assert_true(b.n <= cap);
        size_t before = b.n;
        bool full = b.full;
        sp_buf_lit(&b, "!");
        assert_int_equal(b.n, full || cap == 10 ? before : before + 1);
        free(room);
    }
}

static void test_buf_stays_full(void **state)
{
    (void)state;
    char room[4];
    struct sp_buf b;
    sp_buf_init(&b, room, sizeof(room));
    sp_buf_lit(&b, "ab");
    sp_buf_lit(&b, "cde");
    assert_true(b.full);
    sp_buf_lit(&b, "x");
    assert_text(sp_buf_view(&b), "ab");
}

static void test_int(void **state)
{
    (void)state;
    static const struct {
        int64_t v;
        const char *text;
    } cases[] = {{0, "0"},
                 {7, "7"},
                 {-7, "-7"},
                 {10, "10"},
                 {1234567890, "1234567890"},
                 {INT64_MAX, "9223372036854775807"},
                 {INT64_MIN, "-9223372036854775808"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char room[32];
        struct sp_buf b;
        sp_buf_init(&b, room, sizeof(room));
        sp_buf_int(&b, cases[i].v);
        assert_text(sp_buf_view(&b), cases[i].text);
    }
}

static void assert_json(struct sp_str in, const char *want)
{
    char room[256];
    struct sp_buf b;
    struct sp_diag d;
    sp_buf_init(&b, room, sizeof(room));
    sp_buf_json(&b, in);
    assert_text(sp_buf_view(&b), want);
    assert_int_equal(sp_scan_value(b.p, b.n, &sp_scan_defaults, &d), SP_OK);
}

static void test_json_string(void **state)
{
    (void)state;
    assert_json((struct sp_str){NULL, 0}, "\"\"");
    assert_json(SP_STR("plain é € 😀"), "\"plain é € 😀\"");
    assert_json(SP_STR("\"\\/"), "\"\\\"\\\\/\"");
    assert_json(SP_STR("\b\f\n\r\t"), "\"\\b\\f\\n\\r\\t\"");
    assert_json(SP_STR("\0\x1f"), "\"\\u0000\\u001f\"");
    assert_json(SP_STR("a\xFF"
                       "b\xC0\xAF\xE2\x82"),
                "\"a\xEF\xBF\xBD"
                "b\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
}

static void test_json_of_every_byte_is_valid(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        char in[3] = {'a', (char)c, 'b'}, room[64], back[64];
        struct sp_buf b;
        struct sp_diag d;
        sp_buf_init(&b, room, sizeof(room));
        sp_buf_json(&b, (struct sp_str){in, 3});
        assert_int_equal(sp_scan_value(b.p, b.n, &sp_scan_defaults, &d), SP_OK);
        if (c > 0 && c < 0x80) {
            assert_int_equal(sp_unescape(back, sizeof(back), sp_buf_view(&b)), 3);
            assert_memory_equal(back, in, 3);
        }
    }
}

static void test_writer(void **state)
{
    (void)state;
    char room[256];
    struct sp_buf b;
    struct sp_json j;
    sp_buf_init(&b, room, sizeof(room));
    sp_json_init(&j, &b);
    sp_json_object(&j, NULL);
    sp_json_str(&j, "s", SP_STR("a\"b"));
    sp_json_int(&j, "i", -5);
    sp_json_bool(&j, "t", true);
    sp_json_array(&j, "a");
    sp_json_int(&j, NULL, 1);
    sp_json_object(&j, NULL);
    sp_json_end(&j, '}');
    sp_json_array(&j, NULL);
    sp_json_end(&j, ']');
    sp_json_str(&j, NULL, SP_STR(""));
    sp_json_end(&j, ']');
    sp_json_str_opt(&j, "no", (struct sp_str){NULL, 0});
    sp_json_str_opt(&j, "yes", SP_STR("y"));
    sp_json_raw(&j, "r", SP_STR("{\"x\":null}"));
    sp_json_bool(&j, "f", false);
    sp_json_end(&j, '}');
    assert_false(b.full);
    assert_text(sp_buf_view(&b), "{\"s\":\"a\\\"b\",\"i\":-5,\"t\":true,\"a\":[1,{},[],\"\"],"
                                 "\"yes\":\"y\",\"r\":{\"x\":null},\"f\":false}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_buf_never_writes_past_cap),
        cmocka_unit_test(test_buf_stays_full),
        cmocka_unit_test(test_int),
        cmocka_unit_test(test_json_string),
        cmocka_unit_test(test_json_of_every_byte_is_valid),
        cmocka_unit_test(test_writer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
