/* SPDX-License-Identifier: MIT
 * Histories for the delivery checker: each that breaks a promise is caught as exactly that, and
 * those that break none are not. */
#include "cli/sigbench/check.h"
#include "tests/lib/unit.h"

#define SECOND   INT64_C(1000000000)
#define PATIENCE SECOND
#define RUN      0xabcdefu
#define UNUSED   __attribute__((unused))
#define OTHER    9u /* a peer that nobody sends to */

static struct check *check;
static int64_t now;

static void open_peers(void)
{
    for (uint32_t i = 0; i <= OTHER; i++) {
        check_opened(check, i);
    }
}

static int begin(UNUSED void **state)
{
    struct check_conf conf = {.run = RUN, .patience = PATIENCE, .prefix = "bench"};

    check = check_new(&conf);
    assert_non_null(check);
    now = SECOND;
    check_tick(check, now);
    open_peers();
    return 0;
}

static int end(UNUSED void **state)
{
    check_free(check);
    return 0;
}

/* --- the words of a history ------------------------------------------------------------------ */

static struct check_stamp sent(uint32_t src, uint32_t dst)
{
    struct check_stamp m;

    assert_true(check_sent(check, src, dst, &m));
    return m;
}

static void arrives_as(const struct check_stamp *m, uint32_t at, uint32_t from, bool sound)
{
    struct check_arrival a = {.at = at, .from = from, .marked = true, .sound = sound, .stamp = *m};

    check_arrived(check, &a);
}

static void arrives(const struct check_stamp *m)
{
    arrives_as(m, m->dst, m->src, true);
}

static void acked(const struct check_stamp *m)
{
    check_acked(check, m);
}

static void failed(const struct check_stamp *m)
{
    check_failed(check, m);
}

/* One that is all right, so that acks are known to be given. */
static void good(uint32_t src, uint32_t dst)
{
    struct check_stamp m = sent(src, dst);

    arrives(&m);
    acked(&m);
}

static void wait_for(int64_t ns)
{
    for (int64_t until = now + ns; now < until;) {
        now += PATIENCE / 16;
        check_tick(check, now);
    }
}

static void expect(enum check_flag f, uint64_t n)
{
    wait_for(2 * PATIENCE);
    for (int i = 0; i < CHECK_FLAGS; i++) {
        uint64_t want = i == (int)f ? n : 0;
        if (check_count(check, (enum check_flag)i) != want) {
            fail_msg("%s: %llu, not %llu: %s", check_flag_name((enum check_flag)i),
                     (unsigned long long)check_count(check, (enum check_flag)i),
                     (unsigned long long)want, check_example(check, (enum check_flag)i, 0));
        }
    }
    assert_int_equal(check_flagged(check), n);
    assert_int_equal(check_pending(check), 0);
    assert_false(check_is_broken(check));
}

static void expect_none(void)
{
    expect(CHECK_LOST, 0);
}

/* --- broken histories ------------------------------------------------------------------------ */

static void acked_and_never_there_is_lost(UNUSED void **state)
{
    struct check_stamp m = sent(0, 1);
    acked(&m);
    good(0, 1);
    expect(CHECK_LOST, 1);
    assert_string_equal(check_example(check, CHECK_LOST, 0),
                        "bench-000000 to bench-000001, connection 1, number 0: never arrived");
    assert_null(check_example(check, CHECK_LOST, 1));
}

static void there_after_it_was_given_up_is_late(UNUSED void **state)
{
    struct check_stamp m = sent(0, 1);
    acked(&m);
    wait_for(2 * PATIENCE);
    arrives(&m);
    expect(CHECK_LATE, 1);
}

static void twice_there_is_duplicate(UNUSED void **state)
{
    struct check_stamp m = sent(0, 1);
    arrives(&m);
    arrives(&m);
    acked(&m);
    expect(CHECK_DUPLICATE, 1);
}

static void there_again_when_all_is_over_is_duplicate(UNUSED void **state)
{
    struct check_stamp m = sent(0, 1);
    arrives(&m);
    acked(&m);
    good(0, 1);
    wait_for(3 * PATIENCE);
    arrives(&m);
    expect(CHECK_DUPLICATE, 1);
}

static void behind_a_later_one_is_reordered(UNUSED void **state)
{
    struct check_stamp first = sent(0, 1), second = sent(0, 1), third = sent(0, 1);
    acked(&first);
    acked(&second);
    acked(&third);
    arrives(&second);
    arrives(&first);
    arrives(&third);
    expect(CHECK_REORDERED, 1);
}

static void at_another_client_is_misdelivered(UNUSED void **state)
{
    struct check_stamp m = sent(0, 1);
    acked(&m);
    arrives_as(&m, 3, 0, true);
    expect(CHECK_MISDELIVERED, 1);
}

static void another_from_is_forged(UNUSED void **state)
{
    struct check_stamp m = sent(0, 1), n = sent(0, 1);
    arrives_as(&m, 1, 2, true);
    arrives_as(&n, 1, UINT32_MAX, true);
    acked(&m);
    acked(&n);
    expect(CHECK_FORGED_FROM, 2);
}

static void other_content_is_corrupt(UNUSED void **state)
{
    struct check_stamp m = sent(0, 1);
    arrives_as(&m, 1, 0, false);
    acked(&m);
    expect(CHECK_CORRUPT, 1);
}

static void a_broken_mark_is_corrupt_and_not_lost_too(UNUSED void **state)
{
    struct check_stamp m = sent(0, 1);
    struct check_arrival a = {.at = 1, .from = 0};
    acked(&m);
    assert_false(check_arrived(check, &a));
    expect(CHECK_CORRUPT, 1);
}

static void both_outcomes_are_one_too_many(UNUSED void **state)
{
    struct check_stamp m = sent(0, 1), n = sent(2, 3);
    acked(&m);
    arrives(&m);
    failed(&m);
    failed(&n);
    acked(&n);
    expect(CHECK_ACK_AND_ERROR, 2);
}

static void the_same_outcome_twice(UNUSED void **state)
{
    struct check_stamp m = sent(0, 1), n = sent(0, 1), o = sent(2, 3);
    acked(&m);
    acked(&m);
    arrives(&m);
    arrives(&n);
    acked(&n);
    acked(&n);
    failed(&o);
    failed(&o);
    expect(CHECK_DOUBLE_ACK, 3);
}

static void neither_outcome_is_flagged(UNUSED void **state)
{
    good(2, 3);
    struct check_stamp m = sent(0, 1);
    arrives(&m);
    sent(4, 5);
    expect(CHECK_NO_OUTCOME, 2);
}

static void what_nobody_sent_is_unknown(UNUSED void **state)
{
    good(0, 1);
    struct check_stamp ahead = {RUN, 0, 1, 1, 7}, other_run = {RUN + 1, 0, 1, 1, 0};
    struct check_stamp epoch = sent(0, 1), stream = {RUN, 5, 1, 6, 0};
    epoch.epoch = 2;
    arrives(&ahead);
    arrives(&other_run);
    arrives(&epoch);
    arrives(&stream);
    acked(&ahead);
    check_answered_unknown(check, 0);
    struct check_arrival a = {.at = 1, .from = UINT32_MAX};
    check_arrived(check, &a);
    epoch.epoch = 1;
    arrives(&epoch);
    acked(&epoch);
    expect(CHECK_UNKNOWN, 7);
}

static void there_although_an_error_was_told(UNUSED void **state)
{
    struct check_stamp m = sent(0, 1), n = sent(2, 3);
    failed(&m);
    arrives(&m);
    arrives(&n);
    failed(&n);
    expect(CHECK_AFTER_ERROR, 2);
}

static void the_server_counts_otherwise(UNUSED void **state)
{
    good(0, 1);
    struct check_stamp m = sent(0, 1);
    failed(&m);
    check_counters(check, 1, 1);
    assert_int_equal(check_flagged(check), 0);
    check_counters(check, 2, 1);
    check_counters(check, 0, UINT64_MAX);
    check_counters(check, 1, 0);
    assert_true(check_totals(check).counters);
    expect(CHECK_COUNTER_MISMATCH, 3);
}

static void one_of_many_is_found(UNUSED void **state)
{
    for (int i = 0; i < 100000; i++) {
        if (i == 77777) {
            struct check_stamp m = sent(0, 1);
            acked(&m);
        }
        good(0, 1);
    }
    expect(CHECK_LOST, 1);
}

static void a_ring_that_is_full_gives_up_the_oldest(UNUSED void **state)
{
    struct check_stamp m = sent(0, 1);
    acked(&m);
    for (int i = 0; i < 70000; i++) {
        good(0, 1);
    }
    assert_int_equal(check_count(check, CHECK_LOST), 1);
    expect(CHECK_LOST, 1);
}

static void few_examples_are_kept(UNUSED void **state)
{
    good(2, 3);
    for (int i = 0; i < 10; i++) {
        struct check_stamp m = sent(0, 1);
        acked(&m);
    }
    expect(CHECK_LOST, 10);
    assert_non_null(check_example(check, CHECK_LOST, 2));
    assert_null(check_example(check, CHECK_LOST, 3));
}

/* --- histories that are right ---------------------------------------------------------------- */

static void interleaved(UNUSED void **state)
{
    struct check_stamp m[6][10];

    for (uint32_t round = 0; round < 50; round++) {
        for (int i = 0; i < 10; i++) {
            for (uint32_t p = 0; p < 6; p++) {
                m[p][i] = sent(p, p ^ 1);
            }
        }
        for (int i = 9; i >= 0; i--) { /* acks in any order, arrivals in theirs */
            for (uint32_t p = 0; p < 6; p++) {
                p % 2 ? acked(&m[p][i]) : arrives(&m[p][9 - i]);
            }
        }
        for (int i = 0; i < 10; i++) {
            for (uint32_t p = 0; p < 6; p++) {
                p % 2 ? arrives(&m[p][i]) : acked(&m[p][i]);
            }
        }
        wait_for(PATIENCE / 4);
    }
    assert_int_equal(check_totals(check).arrived, 3000);
    assert_int_equal(check_totals(check).acked, 3000);
    check_counters(check, 3000, 0);
    expect_none();
}

static void errors_instead_of_arrivals(UNUSED void **state)
{
    for (int i = 0; i < 100; i++) {
        struct check_stamp m = sent(0, 1);
        good(0, 1);
        failed(&m);
    }
    check_counters(check, 100, 100);
    expect_none();
}

static void what_could_not_be_sent_is_owed_nothing(UNUSED void **state)
{
    good(0, 1);
    struct check_stamp m = sent(0, 1);
    check_unsent(check, &m);
    good(0, 1);
    assert_int_equal(check_totals(check).sent, 2);
    expect_none();
}

static void a_lost_sender_is_owed_no_outcome(UNUSED void **state)
{
    good(0, 1);
    sent(0, 1);
    struct check_stamp m = sent(0, 1);
    check_closed(check, 0);
    arrives(&m); /* on its way already */
    check_counters(check, 3, 0);
    expect_none();
}

static void a_lost_receiver_is_owed_nothing(UNUSED void **state)
{
    good(0, 1);
    struct check_stamp before = sent(0, 1), while_gone;
    acked(&before);
    check_closed(check, 1);
    while_gone = sent(0, 1);
    acked(&while_gone);
    check_opened(check, 1);
    good(0, 1);
    expect_none();
}

/* A takeover with resume hands the queue over: the old connection's messages come on the new one,
 * those of a sender's old connection may come behind those of its new one. */
static void takeover(UNUSED void **state)
{
    good(0, 1);
    struct check_stamp old = sent(0, 1), other = sent(2, 1);
    acked(&other);
    check_closed(check, 1);
    check_opened(check, 1);
    check_closed(check, 0);
    check_opened(check, 0);
    struct check_stamp fresh = sent(0, 1);
    assert_int_equal(fresh.epoch, 2);
    assert_int_equal(fresh.seq, old.seq + 1);
    arrives(&fresh);
    arrives(&old);
    acked(&fresh);
    arrives(&other);
    expect_none();
}

static void late_ones_that_were_owed_nothing(UNUSED void **state)
{
    good(0, 1);
    struct check_stamp m = sent(0, 1), n = sent(2, 3);
    check_closed(check, 1);
    check_opened(check, 1);
    arrives(&n);
    acked(&n);
    wait_for(2 * PATIENCE);
    arrives(&m);
    assert_int_equal(check_count(check, CHECK_NO_OUTCOME), 1); /* its source lived */
    acked(&m);
    expect(CHECK_NO_OUTCOME, 1);
}

static void two_generators_are_one_run(UNUSED void **state)
{
    struct check_conf conf = {.run = RUN, .patience = PATIENCE, .prefix = "bench"};
    struct check *first = check;

    struct check_stamp m = sent(0, 1);
    arrives(&m);
    arrives(&m);
    check = check_new(&conf);
    good(0, 1);
    m = sent(0, 1);
    arrives(&m);
    arrives(&m);
    check_merge(first, check);
    check_free(check);
    check = first;
    assert_int_equal(check_count(check, CHECK_DUPLICATE), 2);
    assert_non_null(check_example(check, CHECK_DUPLICATE, 1));
    assert_int_equal(check_totals(check).sent, 3);
    assert_true(check_totals(check).outcomes);
}

static void without_acks_arrivals_are_enough(UNUSED void **state)
{
    for (int i = 0; i < 1000; i++) {
        struct check_stamp m = sent(0, 1);
        arrives(&m);
        wait_for(PATIENCE / 100);
    }
    assert_false(check_totals(check).outcomes);
    sent(0, 1);
    check_failed_unnamed(check, 0); /* an error of version 1 */
    expect_none();
    sent(0, 1);
    expect(CHECK_LOST, 1);
}

static void a_generator_that_stood_still_is_no_fault(UNUSED void **state)
{
    good(0, 1);
    struct check_stamp m = sent(0, 1);
    now += 100 * PATIENCE;
    check_tick(check, now);
    assert_int_equal(check_flagged(check), 0);
    acked(&m);
    now += 100 * PATIENCE;
    check_tick(check, now);
    arrives(&m);
    expect_none();
}

#define HISTORY(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        HISTORY(acked_and_never_there_is_lost),
        HISTORY(there_after_it_was_given_up_is_late),
        HISTORY(twice_there_is_duplicate),
        HISTORY(there_again_when_all_is_over_is_duplicate),
        HISTORY(behind_a_later_one_is_reordered),
        HISTORY(at_another_client_is_misdelivered),
        HISTORY(another_from_is_forged),
        HISTORY(other_content_is_corrupt),
        HISTORY(a_broken_mark_is_corrupt_and_not_lost_too),
        HISTORY(both_outcomes_are_one_too_many),
        HISTORY(the_same_outcome_twice),
        HISTORY(neither_outcome_is_flagged),
        HISTORY(what_nobody_sent_is_unknown),
        HISTORY(there_although_an_error_was_told),
        HISTORY(the_server_counts_otherwise),
        HISTORY(one_of_many_is_found),
        HISTORY(a_ring_that_is_full_gives_up_the_oldest),
        HISTORY(few_examples_are_kept),
        HISTORY(interleaved),
        HISTORY(errors_instead_of_arrivals),
        HISTORY(what_could_not_be_sent_is_owed_nothing),
        HISTORY(a_lost_sender_is_owed_no_outcome),
        HISTORY(a_lost_receiver_is_owed_nothing),
        HISTORY(takeover),
        HISTORY(late_ones_that_were_owed_nothing),
        HISTORY(two_generators_are_one_run),
        HISTORY(without_acks_arrivals_are_enough),
        HISTORY(a_generator_that_stood_still_is_no_fault),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
