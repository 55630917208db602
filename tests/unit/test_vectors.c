/* SPDX-License-Identifier: MIT
 * Every file of tests/vectors through the scanner and the decoder: the verdict stands in the path,
 * and must not depend on where the bytes lie or on what follows them. */
#include "tests/lib/unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "libproto/msg.h"
#include "tests/lib/files.h"

#define ALIGNMENTS     32
#define PREFIX_LONGEST 3000

struct verdict {
    enum sp_err e;
    struct sp_diag d;
};

typedef struct verdict (*judge_fn)(const char *p, size_t n);

static struct verdict judge_value(const char *p, size_t n)
{
    struct verdict v = {0};
    v.e = sp_scan_value(p, n, &sp_scan_defaults, &v.d);
    return v;
}

static struct verdict judge_object(const char *p, size_t n)
{
    struct sp_doc doc;
    struct verdict v = {0};
    v.e = sp_scan(&doc, p, n, &sp_scan_defaults, &v.d);
    return v;
}

static struct verdict judge_msg(const char *p, size_t n)
{
    struct sp_msg msg;
    struct verdict v = {0};
    v.e = sp_msg_decode(&msg, p, n, &sp_scan_defaults, &v.d);
    return v;
}

/* The code that a file's name begins with, up to the first dash. */
static void code_of(char out[64], const char *name)
{
    snprintf(out, 64, "%.*s", (int)strcspn(name, "-"), name);
}

static void assert_same(const char *name, struct verdict a, struct verdict b)
{
    if (a.e != b.e || a.d.off != b.d.off || a.d.bad_utf8 != b.d.bad_utf8) {
        fail_msg("%s: %s at %zu, then %s at %zu", name, sp_err_wire(a.e), a.d.off, sp_err_wire(b.e),
                 b.d.off);
    }
}

/* The same bytes at every alignment, with something tempting before and behind them. */
static void assert_place_is_no_matter(const char *name, const char *p, size_t n, judge_fn judge)
{
    static const char fillers[] = {'"', '}', '0', ' ', '\\', '\x80', '\0'};
    struct verdict want = judge(p, n);
    char *room = malloc(n + 2 * ALIGNMENTS);

    assert_non_null(room);
    for (size_t at = 0; at < ALIGNMENTS; at++) {
        memset(room, fillers[at % sizeof(fillers)], n + 2 * ALIGNMENTS);
        memcpy(room + at, p, n);
        assert_same(name, want, judge(room + at, n));
    }
    free(room);
}

static void on_ok(void *ctx, const char *name, const char *p, size_t n)
{
    (void)ctx;
    struct verdict v = judge_value(p, n);
    if (v.e != SP_OK) {
        fail_msg("%s: %s", name, v.d.text);
    }
    assert_place_is_no_matter(name, p, n, judge_value);
    assert_place_is_no_matter(name, p, n, judge_object);
}

static void check_code(const char *name, struct verdict v)
{
    char want[64];
    const char *got = v.e == SP_INVALID_JSON && v.d.bad_utf8 ? "bad_utf8" : sp_err_wire(v.e);

    code_of(want, name);
    if (strcmp(want, got) != 0) {
        fail_msg("%s: %s (%s)", name, got, v.d.text);
    }
}

static void on_bad(void *ctx, const char *name, const char *p, size_t n)
{
    (void)ctx;
    struct verdict v = judge_value(p, n);
    check_code(name, v);
    assert_true(v.d.off <= n);
    assert_int_not_equal(judge_object(p, n).e, SP_OK);
    assert_place_is_no_matter(name, p, n, judge_value);
    assert_place_is_no_matter(name, p, n, judge_object);
}

/* No beginning of a message is a message, and none is read past its end (exact heap blocks). */
static void assert_prefixes_fail(const char *name, const char *p, size_t n)
{
    while (n > 0 && (p[n - 1] == '\n' || p[n - 1] == ' ')) {
        n--;
    }
    for (size_t len = 0; len < n; len++) {
        char *cut = malloc(len);
        if (len) {
            memcpy(cut, p, len);
        }
        if (judge_object(cut, len).e == SP_OK || judge_msg(cut, len).e == SP_OK) {
            fail_msg("%s: the first %zu bytes pass", name, len);
        }
        free(cut);
    }
}

static void on_msg_ok(void *ctx, const char *name, const char *p, size_t n)
{
    (void)ctx;
    struct sp_msg msg;
    struct sp_diag d;

    if (sp_msg_decode(&msg, p, n, &sp_scan_defaults, &d) != SP_OK) {
        fail_msg("%s: %s", name, d.text);
    }
    /* TYPE-what.json, and a type may have a dash itself */
    size_t word = strlen(sp_type_wire(msg.type));
    assert_int_equal(strncmp(name, sp_type_wire(msg.type), word), 0);
    assert_int_equal(name[word], '-');
    assert_ptr_equal(msg.row, sp_request_row(msg.type));
    assert_int_equal(msg.row->required & ~msg.have, 0);
    assert_place_is_no_matter(name, p, n, judge_msg);
    if (n <= PREFIX_LONGEST) {
        assert_prefixes_fail(name, p, n);
    }
}

static void on_msg_bad(void *ctx, const char *name, const char *p, size_t n)
{
    (void)ctx;
    struct verdict v = judge_msg(p, n);
    v.d.bad_utf8 = false;
    check_code(name, v);
    assert_int_equal(v.d.code, v.e);
    assert_true(v.d.off <= n);
    assert_true(strlen(v.d.text) > 0);
    assert_place_is_no_matter(name, p, n, judge_msg);
}

static void test_ok(void **state)
{
    (void)state;
    assert_true(files_each(VECTORS "/ok", on_ok, NULL) >= 100);
}

static void test_bad(void **state)
{
    (void)state;
    assert_true(files_each(VECTORS "/bad", on_bad, NULL) >= 200);
}

static void test_msg_ok(void **state)
{
    (void)state;
    assert_true(files_each(VECTORS "/msg-ok", on_msg_ok, NULL) >= 50);
}

static void test_msg_bad(void **state)
{
    (void)state;
    assert_true(files_each(VECTORS "/msg-bad", on_msg_bad, NULL) >= 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ok),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_msg_ok),
        cmocka_unit_test(test_msg_bad),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
