/* SPDX-License-Identifier: MIT
 * Texts that the checker can recompute: of the size that was asked for, and no changed byte or cut
 * goes unseen. */
#include "cli/sigbench/text.h"
#include "tests/lib/unit.h"

#include <stdio.h>

#define RUN 0xabcdefu

static const char run_prefix[] = "bench-4711";

/* What sigd makes of it: another head, the sender's members as they are, without the rid. */
static size_t relay(char *out, size_t cap, struct sp_str m, const char *from)
{
    const char *payload = memmem(m.p, m.n, "\"target\":\"bench-4711-000013\",", 29);

    assert_non_null(payload);
    payload += 29;
    const char *rid = memmem(payload, (size_t)(m.p + m.n - payload), ",\"rid\":", 7);
    assert_non_null(rid);
    return (size_t)snprintf(out, cap, "{\"type\":\"ice\",\"from\":\"%s\",\"timestamp\":\"x\",%.*s}",
                            from, (int)(rid - payload), payload);
}

static void texts_come_back_as_they_were(void **state)
{
    static const size_t sizes[] = {300, 310, 311, 2048, 65536};
    static char got[70000];
    const struct check_stamp m = {RUN, 12, 3, 13, 0x12345678};
    const struct sp_str none = {NULL, 0};
    (void)state;

    for (size_t i = 0; i < 2 * sizeof(sizes) / sizeof(sizes[0]); i++) {
        enum text_kind kind = i % 2 ? TEXT_OFFER : TEXT_ICE;
        size_t size = i % 2 ? sizes[i / 2] + 200 : sizes[i / 2];
        struct text *t = text_new(kind, size, run_prefix, TEXT_CHECKED);
        struct sp_str text = text_make_checked(t, &m, 6, 99, none);
        struct check_arrival a = {.at = 13};
        struct check_stamp answer = {.run = RUN, .src = 12};
        uint32_t pair, flight;
        bool named;
        assert_int_equal(text.n, size);
        assert_true(text_marker(text, &pair, &flight) && pair == 6 && flight == 99);
        assert_true(text_answered(text, &answer, &named));
        assert_memory_equal(&answer, &m, sizeof(m));
        size_t n = relay(got, sizeof(got), text, "bench-4711-000012");
        text_check(t, (struct sp_str){got, n}, &a);
        assert_true(a.marked && a.sound && a.from == 12);
        assert_memory_equal(&a.stamp, &m, sizeof(m));
        text_free(t);
    }
}

static void any_other_byte_is_seen(void **state)
{
    static char got[4096];
    const struct check_stamp m = {RUN, 12, 3, 13, 77};
    struct text *t = text_new(TEXT_OFFER, 800, run_prefix, TEXT_CHECKED);
    struct sp_str text = text_make_checked(t, &m, 6, 99, (struct sp_str){NULL, 0});
    size_t n = relay(got, sizeof(got), text, "bench-4711-000012");
    const char *payload = memmem(got, n, "\"sdp\"", 5);
    (void)state;

    for (size_t i = (size_t)(payload - got); i < n - 1; i++) {
        struct check_arrival a;
        got[i] ^= 1;
        text_check(t, (struct sp_str){got, n}, &a);
        assert_false(a.marked && a.sound);
        got[i] ^= 1;
    }
    for (size_t shorter = 0; shorter < n; shorter++) {
        struct check_arrival a;
        char *copy = test_malloc(shorter + 1); /* reads beyond it are seen by the sanitizer */
        memcpy(copy, got, shorter);
        text_check(t, (struct sp_str){copy, shorter}, &a);
        assert_false(a.marked && a.sound);
        test_free(copy);
    }
    text_free(t);
}

static void fillers_differ(void **state)
{
    struct check_stamp m = {RUN, 12, 3, 13, 77};
    struct text *t = text_new(TEXT_ICE, 400, run_prefix, TEXT_CHECKED);
    struct sp_str text = text_make_checked(t, &m, 6, 99, (struct sp_str){NULL, 0});
    char first[400];
    (void)state;

    memcpy(first, text.p, text.n);
    m.seq++;
    text = text_make_checked(t, &m, 6, 99, (struct sp_str){NULL, 0});
    unsigned same = 0;
    for (size_t i = 260; i < 320; i++) {
        same += first[i] == text.p[i];
    }
    assert_true(same < 30);
    text_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_come_back_as_they_were),
        cmocka_unit_test(any_other_byte_is_seen),
        cmocka_unit_test(fillers_differ),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
