/* SPDX-License-Identifier: MIT
 * Ids, session ids and globs. */
#include "tests/lib/unit.h"

#include "libproto/id.h"
#include "tests/lib/glob.h"

#include <stdlib.h>

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

static bool same(const char *p, size_t np, const char *text, size_t n)
{
    struct sp_str pattern = {p, np}, s = {text, n};
    bool want = glob_reference(pattern, s);
    if (sp_glob_match(pattern, s) != want) {
        fail_msg("'%.*s' against '%.*s': want %d", (int)np, p, (int)n, text, want);
    }
    return want;
}

#define SMALL 1365 /* words of 0..5 of four letters */

static size_t small_word(char out[5], unsigned i)
{
    unsigned n = 0;
    for (unsigned all = 1; i >= all; all *= 4) {
        i -= all;
        n++;
    }
    for (unsigned k = 0; k < n; k++, i /= 4) {
        out[k] = "ab*?"[i % 4];
    }
    return n;
}

static void test_glob_every_small_one(void **state)
{
    (void)state;
    unsigned matches = 0;
    for (unsigned i = 0; i < SMALL; i++) {
        char pattern[5], text[5];
        size_t np = small_word(pattern, i);
        for (unsigned k = 0; k < SMALL; k++) {
            size_t n = small_word(text, k);
            matches += same(pattern, np, text, n);
        }
    }
    assert_true(matches > SMALL);
}

/* A pattern that s matches, but for a byte now and then. */
static size_t make_pattern(char *out, const char *text, size_t n, unsigned stars)
{
    size_t np = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned dice = (unsigned)rand() % 1000;
        if (dice < stars) {
            out[np++] = '*';
            i += (size_t)rand() % 4;
        } else {
            out[np++] = dice > 998 ? 'x' : dice > 900 ? '?' : text[i];
        }
    }
    return np;
}

/* Around the sizes where a word of states ends, and a text is longer than an id. */
static void test_glob_long_ones(void **state)
{
    (void)state;
    static const size_t sizes[] = {60, 64, 68, 124, 128, 132, 136, 200, 300, 1024};
    unsigned matches = 0, rounds = 0;
    char text[1024], pattern[1024];
    srand(1);
    for (unsigned i = 0; i < 20000; i++, rounds++) {
        size_t n = sizes[i % 10] - (size_t)rand() % 4;
        for (size_t k = 0; k < n; k++) {
            text[k] = rand() % 8 ? 'a' : 'b';
        }
        matches += same(pattern, make_pattern(pattern, text, n, i % 7 * 10), text, n);
    }
    assert_in_range(matches, rounds / 4, rounds - rounds / 10);
}

/* Every length of a run between stars, against runs that are a byte too short, fit, or are more. */
static void test_glob_runs(void **state)
{
    (void)state;
    char text[300], pattern[302];
    memset(text, 'a', sizeof(text));
    for (size_t run = 1; run <= 260; run++) {
        memset(pattern, 'a', sizeof(pattern));
        pattern[0] = pattern[run + 1] = '*';
        assert_true(same(pattern, run + 2, text, run));
        assert_true(same(pattern, run + 2, text, run + 7));
        assert_false(same(pattern, run + 2, text, run - 1));
        pattern[run] = 'b';
        assert_false(same(pattern, run + 2, text, run + 7));
        text[run + 5] = 'b';
        assert_true(same(pattern, run + 2, text, run + 7));
        text[run + 5] = 'a';
    }
}

/* What takes a matcher that goes back to a star the longest, and an exponential one years. */
static void test_glob_hostile(void **state)
{
    (void)state;
    char pattern[SP_MATCH_MAX], text[SP_ID_MAX];
    memset(text, 'a', sizeof(text));
    for (size_t i = 0; i < sizeof(pattern); i++) {
        pattern[i] = i % 2 ? 'a' : '*';
    }
    assert_true(same(pattern, sizeof(pattern), text, sizeof(text)));
    pattern[sizeof(pattern) - 1] = 'b';
    assert_false(same(pattern, sizeof(pattern), text, sizeof(text)));
    for (size_t n = 2; n < sizeof(pattern); n++) {
        memset(pattern, n % 3 ? 'a' : '?', sizeof(pattern));
        pattern[0] = '*';
        pattern[n - 1] = 'b';
        assert_false(same(pattern, n, text, sizeof(text)));
        pattern[n] = '*';
        assert_false(same(pattern, n + 1, text, sizeof(text)));
        pattern[n - 1] = 'a';
        assert_true(same(pattern, n + 1, text, sizeof(text)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grammar),
        cmocka_unit_test(test_length),
        cmocka_unit_test(test_session_id),
        cmocka_unit_test(test_glob),
        cmocka_unit_test(test_glob_every_small_one),
        cmocka_unit_test(test_glob_long_ones),
        cmocka_unit_test(test_glob_runs),
        cmocka_unit_test(test_glob_hostile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
