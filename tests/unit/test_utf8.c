/* SPDX-License-Identifier: MIT
 * UTF-8: validation against RFC 3629 spelled out, and escaping for a terminal. */
#include "tests/lib/unit.h"

#include "libproto/utf8.h"

/* RFC 3629 section 4 as a table, the slow and obvious way. */
static size_t reference(const unsigned char *u, size_t n)
{
    static const struct {
        unsigned char lo[4], hi[4];
        size_t len;
    } rows[] = {
        {{0xc2, 0x80}, {0xdf, 0xbf}, 2},
        {{0xe0, 0xa0, 0x80}, {0xe0, 0xbf, 0xbf}, 3},
        {{0xe1, 0x80, 0x80}, {0xec, 0xbf, 0xbf}, 3},
        {{0xed, 0x80, 0x80}, {0xed, 0x9f, 0xbf}, 3},
        {{0xee, 0x80, 0x80}, {0xef, 0xbf, 0xbf}, 3},
        {{0xf0, 0x90, 0x80, 0x80}, {0xf0, 0xbf, 0xbf, 0xbf}, 4},
        {{0xf1, 0x80, 0x80, 0x80}, {0xf3, 0xbf, 0xbf, 0xbf}, 4},
        {{0xf4, 0x80, 0x80, 0x80}, {0xf4, 0x8f, 0xbf, 0xbf}, 4},
    };
    for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
        size_t i = 0;
        while (i < rows[r].len && i < n && u[i] >= rows[r].lo[i] && u[i] <= rows[r].hi[i]) {
            i++;
        }
        if (i == rows[r].len) {
            return i;
        }
    }
    return 0;
}

static void check_all_lengths(const unsigned char *u)
{
    for (size_t n = 0; n <= 4; n++) {
        size_t got = sp_utf8_seq((const char *)u, n);
        if (got != reference(u, n)) {
            fail_msg("%02x %02x %02x %02x, %zu bytes: %zu", u[0], u[1], u[2], u[3], n, got);
        }
    }
}

static void test_every_lead_and_edge(void **state)
{
    (void)state;
    static const unsigned char edge[] = {0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f,
                                         0xa0, 0xbf, 0xc0, 0xe0, 0xff};
    for (unsigned lead = 0x80; lead <= 0xff; lead++) {
        for (unsigned second = 0; second <= 0xff; second++) {
            for (size_t i = 0; i < sizeof(edge) * sizeof(edge); i++) {
                unsigned char u[4] = {(unsigned char)lead, (unsigned char)second,
                                      edge[i / sizeof(edge)], edge[i % sizeof(edge)]};
                check_all_lengths(u);
            }
        }
    }
}

static void test_valid_runs(void **state)
{
    (void)state;
    char text[40];
    assert_true(sp_utf8_valid("", 0));
    for (size_t at = 0; at < 32; at++) {
        memset(text, 'a', sizeof(text));
        memcpy(text + at, "\xF0\x9F\x98\x80", 4);
        assert_true(sp_utf8_valid(text, sizeof(text)));
        assert_false(sp_utf8_valid(text, at + 3));
        text[at + 1] = 'a';
        assert_false(sp_utf8_valid(text, sizeof(text)));
    }
}

static void assert_safe(const char *in, const char *want)
{
    char out[256];
    size_t n = sp_utf8_safe(out, sizeof(out), sp_str(in), false);
    assert_text(((struct sp_str){out, n}), want);
}

static void test_safe_escapes(void **state)
{
    (void)state;
    assert_safe("plain \\ text é € 😀", "plain \\ text é € 😀");
    assert_safe("a\033[2Jb\177", "a\\x1b[2Jb\\x7f");
    assert_safe("a\r\n\tb", "a\\x0d\\x0a\\x09b");
    assert_safe("\xC2\x9b!", "\\u{9b}!");
    assert_safe("\xC2\x80\xC2\x9F\xC2\xA0", "\\u{80}\\u{9f}\xC2\xA0");
    assert_safe("\xE2\x80\xAE!", "\\u{202e}!");
    assert_safe("\xE2\x81\xA6\xE2\x81\xA9", "\\u{2066}\\u{2069}");
    assert_safe("\xD8\x9C", "\\u{61c}");
    assert_safe("\xE2\x80\x8B\xE2\x80\x8E\xE2\x80\x8F", "\\u{200b}\\u{200e}\\u{200f}");
    assert_safe("\xE2\x80\xA8\xE2\x80\xA9", "\\u{2028}\\u{2029}");
    assert_safe("\xE2\x81\xA0\xE2\x81\xA4\xEF\xBB\xBF", "\\u{2060}\\u{2064}\\u{feff}");
    assert_safe("\xF3\xA0\x81\x81", "\\u{e0041}");
    assert_safe("\xE2\x80\x90\xE2\x80\xA7", "\xE2\x80\x90\xE2\x80\xA7");
    assert_safe("caf\xE9 \xC0\xAF \xE2\x82", "caf\\xe9 \\xc0\\xaf \\xe2\\x82");
}

static void test_safe_keeps_lines_on_request(void **state)
{
    (void)state;
    char out[64];
    size_t n = sp_utf8_safe(out, sizeof(out), SP_STR("a\n\tb\r\0c"), true);
    assert_text(((struct sp_str){out, n}), "a\n\tb\\x0d\\x00c");
}

static void test_safe_truncates_between_characters(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        size_t cap;
        const char *want;
    } cases[] = {{"abc", 2, "ab"}, {"a\033", 4, "a"},  {"a\033", 5, "a\\x1b"},
                 {"€", 2, ""},     {"€", 3, "€"},      {"a\xE2\x80\xAE", 8, "a"},
                 {"abc", 0, ""},   {"a\033b", 3, "a"}, {"a\xE2\x80\xAE", 9, "a\\u{202e}"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char out[16] = "################";
        size_t n = sp_utf8_safe(out, cases[i].cap, sp_str(cases[i].in), false);
        assert_text(((struct sp_str){out, n}), cases[i].want);
        assert_int_equal(out[cases[i].cap], '#');
    }
}

static void test_hidden(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t len;
        uint32_t point;
    } cases[] = {{"\x7f", 1, 0x7f},
                 {"\xc2\x9b", 2, 0x9b},
                 {"\xe2\x80\xae", 3, 0x202e},
                 {"\xf3\xa0\x81\x81", 4, 0xe0041},
                 {"a", 0, 0},
                 {"\x1b", 0, 0},
                 {"\xc3\xa9", 0, 0xe9},
                 {"\x9b", 0, 0}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint32_t point = 1;
        assert_int_equal(sp_utf8_hidden(cases[i].text, strlen(cases[i].text), &point),
                         cases[i].len);
        assert_int_equal(point, cases[i].point);
    }
    uint32_t point;
    assert_int_equal(sp_utf8_hidden("", 0, &point), 0);
    assert_int_equal(sp_utf8_hidden("\xe2\x80\xae", 2, &point), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_lead_and_edge),
        cmocka_unit_test(test_valid_runs),
        cmocka_unit_test(test_safe_escapes),
        cmocka_unit_test(test_safe_keeps_lines_on_request),
        cmocka_unit_test(test_safe_truncates_between_characters),
        cmocka_unit_test(test_hidden),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
