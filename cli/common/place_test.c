/* SPDX-License-Identifier: MIT
 * What may stand where, read from the texts of tables. */
#include "cli/common/place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* All literal words of a place, with commas. */
static const char *words_of(struct place p)
{
    static char all[128];
    struct sp_str word;
    size_t n = 0;
    all[0] = '\0';
    for (size_t at = 0; place_word(&p, &at, &word);) {
        n +=
            (size_t)snprintf(all + n, sizeof(all) - n, "%s%.*s", n ? "," : "", (int)word.n, word.p);
    }
    return all;
}

static void test_words(void **state)
{
    (void)state;
    const char *args = "peer|peers|message|server [WHAT]";
    assert_string_equal(words_of(place_argument(args, 0, NULL)), "peer,peers,message,server");
    assert_string_equal(words_of(place_argument(args, 1, "peer")), "");
    assert_true(place_argument(args, 1, "peer").ids);
    assert_false(place_argument(args, 1, "peers").ids);
    assert_false(place_argument(args, 1, NULL).ids);
    assert_string_equal(place_rest(args, 1), "[WHAT]");
    assert_string_equal(place_rest(args, 2), "");
}

static void test_kinds(void **state)
{
    (void)state;
    assert_true(place_argument("TO [SPEC]", 0, NULL).ids);
    assert_true(place_argument("ID", 0, NULL).ids);
    assert_false(place_argument("[ID]", 0, NULL).ids);
    assert_true(place_argument("[SESSION]", 0, NULL).sessions);
    assert_true(place_argument("FILE", 0, NULL).files);
    assert_true(place_argument("[COMMAND|options]", 0, NULL).commands);
    assert_string_equal(words_of(place_argument("[COMMAND|options]", 0, NULL)), "options");
    struct place nothing = place_argument("TO [SPEC]", 1, "cam-1");
    assert_false(place_is_any(&nothing));
    nothing = place_argument("", 0, NULL);
    assert_false(place_is_any(&nothing));
}

static void test_more(void **state)
{
    (void)state;
    const char *args = "FILE [EXPR...]";
    assert_false(place_repeats(args, 0));
    assert_true(place_argument(args, 0, NULL).files);
    for (int i = 1; i < 5; i++) {
        assert_true(place_repeats(args, i));
        assert_true(place_argument(args, i, "x").exprs);
        assert_false(place_argument(args, i, "x").files);
        assert_string_equal(place_rest(args, i), "[EXPR...]");
    }
    assert_false(place_repeats("verify FILE...", 0));
    assert_true(place_argument("verify FILE...", 3, "x").files);
    assert_false(place_repeats("", 0));
    assert_false(place_repeats("...", 0));
}

static void test_forms(void **state)
{
    (void)state;
    assert_string_equal(words_of(place_argument("gen | show [SPEC]", 0, NULL)), "gen,show");
    assert_string_equal(place_rest("gen | show [SPEC]", 1), "");
}

static void test_values(void **state)
{
    (void)state;
    const struct opt choice = {.name = "color", .type = OPT_CHOICE, .arg = "auto|always|never"};
    const struct opt file = {.name = "file", .type = OPT_STRING, .arg = "FILE"};
    const struct opt expr = {.name = "until", .type = OPT_STRING, .arg = "EXPR"};
    const struct opt glob = {.name = "match", .type = OPT_STRING, .arg = "GLOB"};
    const struct opt flag = {.name = "json", .type = OPT_FLAG};
    struct place nothing = place_value(&flag);
    assert_string_equal(words_of(place_value(&choice)), "auto,always,never");
    assert_true(place_value(&file).files);
    assert_true(place_value(&expr).exprs);
    assert_true(place_value(&glob).ids);
    assert_false(place_is_any(&nothing));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words), cmocka_unit_test(test_kinds),  cmocka_unit_test(test_more),
        cmocka_unit_test(test_forms), cmocka_unit_test(test_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
