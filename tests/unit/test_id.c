/* SPDX-License-Identifier: MIT
 * Ids, session ids and globs. */
#include "tests/lib/unit.h"

#include "libproto/id.h"

static void test_grammar(void **state)
{
    (void)state;
    static const char first[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    static const char later[] = "._:@-";
    for (int c = 0; c < 256; c++) {
        char one[1] = {(char)c}, two[2] = {'a', (char)c};
        bool alnum = c && strchr(first, c), punct = c && strchr(later, c);
        assert_int_equal(sp_id_ok((struct sp_str){one, 1}), alnum);
        assert_int_equal(sp_id_ok((struct sp_str){two, 2}), alnum || punct);
    }
}

static void test_length(void **state)
{
    (void)state;
    char id[SP_ID_MAX + 1];
    memset(id, 'a', sizeof(id));
    assert_false(sp_id_ok((struct sp_str){NULL, 0}));
    assert_true(sp_id_ok((struct sp_str){id, SP_ID_MAX}));
    assert_false(sp_id_ok((struct sp_str){id, SP_ID_MAX + 1}));
}

static void test_session_id(void **state)
{
    (void)state;
    uint8_t zero[16] = {0}, ones[16], one[16] = {1};
    char a[SP_SESSION_LEN], b[SP_SESSION_LEN], c[SP_SESSION_LEN];
    memset(ones, 0xff, sizeof(ones));
    sp_session_id(a, zero);
    sp_session_id(b, ones);
    sp_session_id(c, one);
    assert_memory_equal(a, "session-0000000000000000000000", SP_SESSION_LEN);
    assert_true(sp_id_ok((struct sp_str){b, SP_SESSION_LEN}));
    assert_memory_not_equal(a, b, SP_SESSION_LEN);
    assert_memory_not_equal(a, c, SP_SESSION_LEN);
}

static void test_glob(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *text;
        bool match;
    } cases[] = {{"", "", true},
                 {"", "a", false},
                 {"*", "", true},
                 {"*", "anything", true},
                 {"?", "", false},
                 {"?", "a", true},
                 {"?", "ab", false},
                 {"drone-*", "drone-1", true},
                 {"drone-*", "drone-", true},
                 {"drone-*", "drone", false},
                 {"drone-*", "xdrone-1", false},
                 {"*-1", "drone-1", true},
                 {"*-1", "drone-12", false},
                 {"a*b*c", "aXbYc", true},
                 {"a*b*c", "abcbc", true},
                 {"a*b*c", "acb", false},
                 {"**a**", "a", true},
                 {"a?c", "abc", true},
                 {"a?c", "ac", false},
                 {"*?", "", false},
                 {"*?", "x", true},
                 {"*aab", "aaaaab", true},
                 {"Drone", "drone", false},
                 {"[a]", "a", false},
                 {"a", "a*", false}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (sp_glob_match(sp_str(cases[i].pattern), sp_str(cases[i].text)) != cases[i].match) {
            fail_msg("'%s' against '%s'", cases[i].pattern, cases[i].text);
        }
    }
}

/* Exponential matchers take years for this one. */
static void test_glob_is_not_exponential(void **state)
{
    (void)state;
    char pattern[SP_MATCH_MAX], text[SP_ID_MAX];
    for (size_t i = 0; i < sizeof(pattern); i++) {
        pattern[i] = i % 2 ? 'a' : '*';
    }
    pattern[sizeof(pattern) - 1] = 'b';
    memset(text, 'a', sizeof(text));
    assert_false(sp_glob_match((struct sp_str){pattern, sizeof(pattern)},
                               (struct sp_str){text, sizeof(text)}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grammar),
        cmocka_unit_test(test_length),
        cmocka_unit_test(test_session_id),
        cmocka_unit_test(test_glob),
        cmocka_unit_test(test_glob_is_not_exponential),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
