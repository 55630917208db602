/* SPDX-License-Identifier: MIT
 * The audit log: its records, chained over restarts, torn lines and rotations; changes are found.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/test_audit_world.h"

/* ---------------------------------------------------------------- records and chain */

static void test_records_look_like_this(void **state)
{
    (void)state;
    struct audit *a = open_log(path, 16);
    struct stat st;
    size_t n;
    assert_true(offer(a, 0));
    wait_written(a, 1);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    struct audit_state s = close_log(a);
    char *p = read_all(path, &n);
    p[n - 1] = '\0';
    assert_int_equal(s.bytes, n);
    assert_non_null(strstr(p, "\"event\":\"opened\",\"prev\":\"000000"));
    const char *second = strchr(p, '\n') + 1;
    static const char want[] =
        "{\"seq\":2,\"ts\":\"2025-11-27T12:00:00.000Z\",\"event\":\"relay\",\"kind\":\"ice\","
        "\"from\":\"drone-1\",\"to\":\"cam-2\",\"session\":\"session-9fKq27LkPzXw31vTbQmNcd\","
        "\"conn\":0,\"size\":180,\"prev\":\"";
    assert_memory_equal(second, want, sizeof(want) - 1);
    assert_non_null(strstr(second, "\n{\"seq\":3,"));
    assert_non_null(strstr(second, "\"event\":\"closed\""));
    free(p);
    struct seen seen = see_one(path);
    assert_int_equal(seen.sum.records, 3);
    assert_int_equal(seen.events, 1);
}

static void test_the_longest_event_fits(void **state)
{
    (void)state;
    struct audit *a = open_log(path, 64);
    struct sp_event ev;
    char text[256];
    memset(text, '\x01', sizeof(text));
    sp_event_init(&ev, SP_EV_RELAY, MS);
    for (int i = 0; i < SP_ES_COUNT; i++) {
        ev.s[i] = (struct sp_str){text, sizeof(text)};
    }
    for (int i = 0; i < SP_EN_COUNT; i++) {
        ev.n[i] = SP_INT_MAX;
    }
    for (int i = 0; i < 50; i++) {
        assert_true(audit_event(a, &ev));
    }
    assert_int_equal(close_log(a).written, 50);
    struct chain c;
    struct seen seen = {.next = 0};
    size_t n;
    char *p = read_all(path, &n);
    assert_true(chain_init(&c));
    for (char *line = p, *lf; line < p + n; line = lf + 1) {
        lf = memchr(line, '\n', (size_t)(p + n - line));
        assert_non_null(lf);
        struct sp_str one = {line, (size_t)(lf - line)};
        assert_true(chain_line(&c, one, true, why, sizeof(why)));
        seen.own += one.n > 6 * (3 * SP_ID_MAX + SP_REASON_MAX);
    }
    assert_int_equal(seen.own, 50);
    chain_fini(&c);
    free(p);
}

static void test_a_restart_continues_the_chain(void **state)
{
    (void)state;
    for (int64_t i = 0; i < 5; i++) {
        struct audit *a = open_log(path, 64);
        assert_int_equal(offer_many(a, i * 10, i * 10 + 10), 10);
        assert_int_equal(close_log(a).written, 10);
    }
    struct seen s = see_one(path);
    assert_int_equal(s.events, 50);
    assert_int_equal(s.next, 50);
    assert_int_equal(s.chain.seq, 50 + 5 * 2);
}

static void test_a_second_daemon_is_refused(void **state)
{
    (void)state;
    struct audit *a = open_log(path, 16);
    assert_null(audit_open(path, 16, why, sizeof(why)));
    assert_non_null(strstr(why, "another daemon"));
    assert_true(offer(a, 0));
    wait_written(a, 1);
    keep(numbered(1));
    audit_reopen(a);
    WAIT_FOR(exists(path));
    assert_true(offer(a, 1));
    wait_written(a, 2);
    assert_null(audit_open(path, 16, why, sizeof(why)));
    struct audit *old = open_log(numbered(1), 16);
    close_log(old);
    close_log(a);
}

static void test_what_is_no_audit_log_is_left_alone(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "root:x:0:0\n", "hello", "{\"seq\":1}\n",
        "{\"a\":1}",    "\n",    "{\"seq\":1,\"prev\":\"00\"}\n{\"seq\":2,"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        size_t n;
        write_all(path, texts[i], strlen(texts[i]));
        assert_null(audit_open(path, 16, why, sizeof(why)));
        assert_non_null(strstr(why, "no audit record"));
        char *p = read_all(path, &n);
        assert_int_equal(n, strlen(texts[i]));
        assert_memory_equal(p, texts[i], n);
        free(p);
    }
    assert_null(audit_open(dir, 16, why, sizeof(why)));
    assert_non_null(strstr(why, strerror(EISDIR)));
}

/* ---------------------------------------------------------------- torn lines */

/* Leaves the file as a crash would that tore it at that length, and restarts on it. */
static struct seen restart_torn(const char *whole, size_t n)
{
    write_all(path, whole, n);
    struct audit *a = open_log(path, 16);
    assert_true(offer(a, 1000));
    close_log(a);
    return see_one(path);
}

static void test_a_torn_line_is_told(void **state)
{
    (void)state;
    struct audit *a = open_log(path, 16);
    size_t n;
    offer_many(a, 0, 2);
    close_log(a);
    char *p = read_all(path, &n);
    const char *last = memrchr(p, '\n', n - 1);
    size_t before = (size_t)(last + 1 - p);
    for (size_t cut = before + 1; cut < n; cut++) {
        struct seen s = restart_torn(p, cut);
        assert_int_equal(s.sum.recovered, 1);
        assert_int_equal(s.events, 3);
        /* a line that lacks but its newline is a record still */
        assert_int_equal(s.chain.seq, cut == n - 1 ? 7 : 6);
    }
    assert_int_equal(restart_torn(p, before).sum.recovered, 0);
    free(p);
}

static void test_a_torn_first_line_of_a_rotated_file(void **state)
{
    (void)state;
    struct audit *a = open_log(path, 16);
    size_t n;
    offer_many(a, 0, 3);
    wait_written(a, 3);
    keep(numbered(1));
    audit_reopen(a);
    WAIT_FOR(exists(path));
    close_log(a);
    char *p = read_all(path, &n);
    write_all(path, p, 40);
    free(p);
    a = open_log(path, 16);
    assert_true(offer(a, 3));
    close_log(a);
    struct seen s;
    begin_seen(&s);
    see(&s, numbered(1));
    see(&s, path);
    assert_int_equal(s.sum.recovered, 1);
    assert_int_equal(s.events, 4);
    end_seen(&s);
}

static void test_a_torn_line_that_tells_no_number(void **state)
{
    (void)state;
    struct seen s = restart_torn("{\"seq\":12", 9);
    assert_int_equal(s.sum.recovered, 1);
    assert_int_equal(s.events, 1);
    assert_int_equal(s.chain.seq, 3);
}

/* ---------------------------------------------------------------- changes are found */

static bool is_intact(const char *p, size_t n)
{
    struct seen s;
    assert_true(chain_init(&s.chain));
    bool ok = true;
    chain_next_file(&s.chain);
    for (size_t at = 0; ok && at < n;) {
        const char *lf = memchr(p + at, '\n', n - at);
        size_t len = lf ? (size_t)(lf - p) - at : n - at;
        ok = chain_line(&s.chain, (struct sp_str){p + at, len}, lf != NULL, why, sizeof(why));
        at += len + 1;
    }
    ok = ok && chain_end(&s.chain, why, sizeof(why));
    chain_fini(&s.chain);
    return ok;
}

/* The last record has nobody after it who knows its hash: there only what breaks its form. */
static void test_every_flipped_byte_is_found(void **state)
{
    (void)state;
    struct audit *a = open_log(path, 16);
    size_t n;
    offer_many(a, 0, 3);
    close_log(a);
    char *p = read_all(path, &n);
    assert_true(is_intact(p, n));
    size_t last = (size_t)((const char *)memrchr(p, '\n', n - 1) - p);
    for (size_t i = 0; i < n; i++) {
        for (unsigned bit = 1; bit < 256; bit <<= 1) {
            p[i] = (char)(p[i] ^ (char)bit);
            if (is_intact(p, n) && i <= last) {
                fail_msg("bit %u of byte %zu was flipped and not found", bit, i);
            }
            p[i] = (char)(p[i] ^ (char)bit);
        }
    }
    p[n - 1] = ' ';
    assert_false(is_intact(p, n));
    free(p);
}

static void test_a_missing_or_moved_line_is_found(void **state)
{
    (void)state;
    struct audit *a = open_log(path, 16);
    size_t n, at = 0, lines = 0;
    offer_many(a, 0, 4);
    close_log(a);
    char *p = read_all(path, &n), *copy = malloc(n);
    assert_non_null(copy);
    while (at < n) {
        size_t end = (size_t)((const char *)memchr(p + at, '\n', n - at) + 1 - p);
        memcpy(copy, p, at);
        memcpy(copy + at, p + end, n - end);
        /* what is cut off at either end shows only in numbers and heads kept elsewhere */
        assert_int_equal(is_intact(copy, n - (end - at)), at == 0 || end == n);
        if (at > 0) {
            size_t first = (size_t)((const char *)memchr(p, '\n', n) + 1 - p);
            memcpy(copy, p + at, end - at);
            memcpy(copy + (end - at), p, at);
            memcpy(copy + end, p + end, n - end);
            assert_true(first <= at);
            assert_false(is_intact(copy, n));
        }
        at = end;
        lines++;
    }
    assert_int_equal(lines, 6);
    free(copy);
    free(p);
}

/* ---------------------------------------------------------------- rotation */

static void test_a_hundred_rotations_lose_none(void **state)
{
    (void)state;
    struct audit *a = open_log(path, 1024);
    int64_t offered = 0;
    for (unsigned i = 0; i < 100; i++) {
        for (unsigned k = 0; k < 20; k++) {
            assert_true(offer(a, offered++));
            pace(500);
        }
        keep(numbered(i));
        audit_reopen(a);
        while (!exists(path)) {
            assert_true(offer(a, offered++));
            pace(500);
        }
    }
    struct audit_state last = close_log(a);
    assert_int_equal(last.written, offered);
    assert_int_equal(last.dropped, 0);
    struct seen s;
    begin_seen(&s);
    for (unsigned i = 0; i < 100; i++) {
        see(&s, numbered(i));
        assert_true(s.chain.count.records > 0);
    }
    see(&s, path);
    assert_int_equal(s.events, offered);
    assert_int_equal(s.next, offered);
    assert_int_equal(s.own, 100 + 2);
    end_seen(&s);
}

static void test_reopening_the_same_file_changes_nothing(void **state)
{
    (void)state;
    struct audit *a = open_log(path, 16);
    offer_many(a, 0, 3);
    audit_reopen(a);
    offer_many(a, 3, 6);
    assert_int_equal(close_log(a).written, 6);
    struct seen s = see_one(path);
    assert_int_equal(s.sum.records, 6 + 2);
}

static void test_a_file_that_is_not_empty_is_not_taken(void **state)
{
    (void)state;
    struct audit *a = open_log(path, 64);
    struct seen s;
    offer_many(a, 0, 3);
    wait_written(a, 3);
    keep(numbered(1));
    write_all(path, "{\"seq\":1}\n", 10);
    audit_reopen(a);
    WAIT_FOR(state_of(a).failing);
    assert_int_equal(state_of(a).error, EEXIST);
    offer_many(a, 3, 6);
    wait_written(a, 6);
    assert_int_equal(unlink(path), 0);
    WAIT_FOR(!state_of(a).failing);
    offer_many(a, 6, 9);
    close_log(a);
    begin_seen(&s);
    see(&s, numbered(1));
    see(&s, path);
    assert_int_equal(s.events, 9);
    end_seen(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_records_look_like_this),
        TEST(test_the_longest_event_fits),
        TEST(test_a_restart_continues_the_chain),
        TEST(test_a_second_daemon_is_refused),
        TEST(test_what_is_no_audit_log_is_left_alone),
        TEST(test_a_torn_line_is_told),
        TEST(test_a_torn_first_line_of_a_rotated_file),
        TEST(test_a_torn_line_that_tells_no_number),
        TEST(test_every_flipped_byte_is_found),
        TEST(test_a_missing_or_moved_line_is_found),
        TEST(test_a_hundred_rotations_lose_none),
        TEST(test_reopening_the_same_file_changes_nothing),
        TEST(test_a_file_that_is_not_empty_is_not_taken),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
