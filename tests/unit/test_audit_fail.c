/* SPDX-License-Identifier: MIT
 * The audit log where its file fails: complete or counted, and never in the way of the loop. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "libproto/event.h"
#include "tests/unit/test_audit_world.h"

/* ---------------------------------------------------------------- write(), as the kernel may be */

/* The log's writes to path hang while this is set; the thread waits for the gate to close. */
static atomic_bool hang;
static atomic_int hanging;
static int gate[2];

ssize_t __real_write(int fd, const void *p, size_t n);
ssize_t __wrap_write(int fd, const void *p, size_t n);

ssize_t __wrap_write(int fd, const void *p, size_t n)
{
    struct stat st;
    char c;
    if (hang && fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
        hanging++;
        assert_int_equal(read(gate[0], &c, 1), 0);
        hanging--;
    }
    return __real_write(fd, p, n);
}

/* ---------------------------------------------------------------- full disks */

static void limit_files(rlim_t bytes)
{
    struct rlimit r;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &r), 0);
    r.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &r), 0);
}

/* A disk that is full in the middle of a line. */
static struct audit *fill_disk(uint64_t *offered, uint64_t *taken)
{
    limit_files(2000);
    struct audit *a = open_log(path, 64);
    *offered = *taken = 0;
    WAIT_FOR((*taken += offer(a, (int64_t)*offered), (*offered)++, state_of(a).dropped >= 10));
    assert_true(state_of(a).failing);
    assert_int_equal(state_of(a).error, EFBIG);
    assert_true(state_of(a).last_drop_us > 0);
    assert_int_equal(state_of(a).room, 0);
    return a;
}

static void test_a_full_disk_is_waited_out(void **state)
{
    (void)state;
    uint64_t offered, taken;
    struct audit *a = fill_disk(&offered, &taken);
    limit_files(RLIM_INFINITY);
    wait_written(a, taken);
    assert_false(state_of(a).failing);
    assert_true(offer(a, (int64_t)offered++));
    struct audit_state s = close_log(a);
    assert_int_equal(s.written + s.dropped, offered);
    struct seen seen = see_one(path);
    assert_int_equal(seen.events, s.written);
    assert_int_equal(seen.sum.drops, s.dropped);
    assert_int_equal(seen.sum.recovered, 0);
    assert_int_equal(seen.next, offered);
}

static void test_drops_are_told_though_nothing_follows(void **state)
{
    (void)state;
    uint64_t offered, taken;
    struct audit *a = fill_disk(&offered, &taken);
    limit_files(RLIM_INFINITY);
    struct audit_state s = close_log(a);
    struct seen seen = see_one(path);
    assert_int_equal(s.written, taken);
    assert_int_equal(seen.sum.drops, s.dropped);
    assert_int_equal(s.written + s.dropped, offered);
}

static void test_a_full_disk_is_left_by_rotation(void **state)
{
    (void)state;
    uint64_t offered, taken;
    struct audit *a = fill_disk(&offered, &taken);
    struct seen seen;
    size_t n;
    keep(numbered(1));
    audit_reopen(a);
    WAIT_FOR(exists(path));
    limit_files(RLIM_INFINITY);
    wait_written(a, taken);
    struct audit_state s = close_log(a);
    char *p = read_all(numbered(1), &n);
    assert_true(p[n - 1] != '\n');
    free(p);
    begin_seen(&seen);
    see(&seen, numbered(1));
    see(&seen, path);
    assert_int_equal(seen.events, s.written);
    assert_int_equal(seen.sum.drops, s.dropped);
    assert_int_equal(seen.sum.recovered, 1);
    end_seen(&seen);
}

static void test_a_full_disk_at_the_end(void **state)
{
    (void)state;
    uint64_t offered, taken, t = now_us();
    struct audit *a = fill_disk(&offered, &taken);
    struct audit_state s;
    t = now_us();
    audit_close(a, SECOND / 5, &s);
    t = now_us() - t;
    limit_files(RLIM_INFINITY);
    assert_true(t >= SECOND / 5 && t < 2 * SECOND);
    assert_int_equal(s.written + s.dropped, offered);
    assert_true(s.written < taken);
    a = open_log(path, 16);
    close_log(a);
    struct seen seen = see_one(path);
    assert_int_equal(seen.events, s.written);
    assert_int_equal(seen.sum.recovered, 1);
}

static void test_dev_full(void **state)
{
    (void)state;
    struct audit *a = open_log("/dev/full", 16);
    WAIT_FOR(state_of(a).failing);
    assert_int_equal(state_of(a).error, ENOSPC);
    assert_int_equal(offer_many(a, 0, 100), 16);
    struct audit_state s;
    audit_close(a, 0, &s);
    assert_int_equal(s.written, 0);
    assert_int_equal(s.dropped, 100);
}

/* ---------------------------------------------------------------- pipes */

struct reader {
    int fd;
    char text[1 << 20];
    size_t n;
};

static struct reader *read_pipe(void)
{
    struct reader *r = malloc(sizeof(*r));
    assert_non_null(r);
    r->n = 0;
    r->fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    assert_true(r->fd >= 0);
    return r;
}

/* True at the end of the pipe. */
static bool drain(struct reader *r)
{
    struct pollfd p = {.fd = r->fd, .events = POLLIN};
    poll(&p, 1, 10);
    ssize_t n = read(r->fd, r->text + r->n, sizeof(r->text) - r->n);
    r->n += n > 0 ? (size_t)n : 0;
    return n == 0 && (p.revents & POLLHUP);
}

static void end_reader(struct reader *r)
{
    close(r->fd);
    free(r);
}

static struct audit *stall_pipe(struct reader **r, uint32_t queue)
{
    assert_int_equal(mkfifo(path, 0600), 0);
    *r = read_pipe();
    assert_true(fcntl((*r)->fd, F_SETPIPE_SZ, 4096) >= 4096);
    return open_log(path, queue);
}

static void test_a_stalled_pipe_does_not_stop_the_loop(void **state)
{
    (void)state;
    struct reader *r;
    struct audit *a = stall_pipe(&r, 1024);
    uint64_t worst = 0, t = now_us(), begin = t;
    int64_t offered = 0;
    while (!state_of(a).failing) {
        t = now_us();
        assert_true(t - begin < PATIENCE);
        offer(a, offered++);
        t = now_us() - t;
        worst = t > worst ? t : worst;
        pace(200);
    }
    assert_int_equal(state_of(a).error, 0);
    offer_many(a, offered, offered + 2000);
    offered += 2000;
    assert_true(worst < SECOND / 5);
    struct audit_state s;
    t = now_us();
    audit_close(a, SECOND / 5, &s);
    t = now_us() - t;
    assert_true(t >= SECOND / 5 && t < 2 * SECOND);
    assert_int_equal(s.written + s.dropped, offered);
    assert_true(s.dropped >= 1000);
    end_reader(r);
}

static void test_a_reader_that_goes_on_has_the_whole_chain(void **state)
{
    (void)state;
    struct reader *r;
    struct audit *a = stall_pipe(&r, 64);
    uint64_t taken = offer_many(a, 0, 1000);
    assert_true(taken < 1000);
    WAIT_FOR((drain(r), state_of(a).written == taken));
    offer_many(a, 1000, 1010);
    WAIT_FOR((drain(r), state_of(a).written == taken + 10));
    drain(r);
    close_log(a);
    WAIT_FOR(drain(r));
    struct seen s;
    begin_seen(&s);
    assert_true(walk(&s, r->text, r->n));
    assert_int_equal(s.events, taken + 10);
    assert_int_equal(s.sum.drops, 1000 - taken);
    end_seen(&s);
    end_reader(r);
}

static void test_a_pipe_gets_another_reader(void **state)
{
    (void)state;
    struct reader *r;
    struct audit *a = stall_pipe(&r, 64);
    offer_many(a, 0, 3);
    wait_written(a, 3);
    drain(r);
    end_reader(r);
    offer_many(a, 3, 6);
    WAIT_FOR(state_of(a).failing);
    assert_int_equal(state_of(a).error, EPIPE);
    r = read_pipe();
    wait_written(a, 6);
    assert_false(state_of(a).failing);
    audit_reopen(a); /* means nothing to a pipe */
    close_log(a);
    WAIT_FOR(drain(r));
    struct seen s;
    begin_seen(&s);
    assert_true(walk(&s, r->text, r->n));
    assert_int_equal(s.events, 3);
    end_seen(&s);
    end_reader(r);
}

static void test_a_pipe_without_a_reader_yet(void **state)
{
    (void)state;
    assert_int_equal(mkfifo(path, 0600), 0);
    struct audit *a = open_log(path, 16);
    WAIT_FOR(state_of(a).error == EPIPE);
    offer_many(a, 0, 3);
    struct reader *r = read_pipe();
    wait_written(a, 3);
    close_log(a);
    WAIT_FOR(drain(r));
    struct seen s;
    begin_seen(&s);
    assert_true(walk(&s, r->text, r->n));
    assert_int_equal(s.sum.records, 5);
    end_seen(&s);
    end_reader(r);
}

/* ---------------------------------------------------------------- hanging and full queues */

static void test_a_write_that_hangs_does_not_hold_the_end(void **state)
{
    (void)state;
    struct audit *a = open_log(path, 64);
    struct audit_state s;
    offer_many(a, 0, 3);
    wait_written(a, 3);
    assert_int_equal(pipe2(gate, O_CLOEXEC), 0);
    hang = true;
    offer_many(a, 3, 6);
    WAIT_FOR(hanging == 1);
    assert_int_equal(offer_many(a, 6, 100), 61);
    WAIT_FOR(state_of(a).failing);
    uint64_t t = now_us();
    audit_close(a, SECOND / 10, &s);
    t = now_us() - t;
    assert_true(t < 2 * SECOND);
    assert_int_equal(s.written, 3);
    assert_int_equal(s.dropped, 97);
    hang = false;
    close(gate[1]);
    WAIT_FOR(hanging == 0);
    close(gate[0]);
}

/* The thread is alive and slow; what it could not take is told where it is missing. */
static void test_every_dropped_event_is_counted(void **state)
{
    (void)state;
    struct audit *a = open_log(path, 16);
    uint64_t taken = 0, offered = 0;
    for (int round = 0; round < 50; round++) {
        for (int i = 0; i < 40 + round; i++) {
            taken += offer(a, (int64_t)offered++);
        }
        wait_written(a, taken);
    }
    struct audit_state s = close_log(a);
    struct seen seen = see_one(path);
    assert_int_equal(s.written, taken);
    assert_int_equal(s.written + s.dropped, offered);
    assert_int_equal(seen.events, taken);
    assert_int_equal(seen.sum.drops, s.dropped);
    assert_true(s.dropped > 0);
}

/* Events one at a time find the thread asleep, and are written at once. */
static void test_a_sleeping_thread_is_woken(void **state)
{
    (void)state;
    struct audit *a = open_log(path, 16);
    for (uint64_t i = 1; i <= 20; i++) {
        assert_true(offer(a, (int64_t)i));
        wait_written(a, i);
        pace(15000); /* longer than its nap */
    }
    close_log(a);
}

/* Else a signal for the process might end it, with the loop thread's handler never asked. */
static void test_signals_are_left_to_the_loop(void **state)
{
    (void)state;
    struct audit *a = open_log(path, 16);
    const struct timespec patience = {.tv_sec = 20};
    sigset_t set, before;
    assert_true(offer(a, 0));
    wait_written(a, 1);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    assert_int_equal(pthread_sigmask(SIG_BLOCK, &set, &before), 0);
    assert_int_equal(kill(getpid(), SIGUSR1), 0);
    assert_int_equal(sigtimedwait(&set, NULL, &patience), SIGUSR1);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close_log(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_full_disk_is_waited_out),
        TEST(test_drops_are_told_though_nothing_follows),
        TEST(test_a_full_disk_is_left_by_rotation),
        TEST(test_a_full_disk_at_the_end),
        TEST(test_dev_full),
        TEST(test_a_stalled_pipe_does_not_stop_the_loop),
        TEST(test_a_reader_that_goes_on_has_the_whole_chain),
        TEST(test_a_pipe_gets_another_reader),
        TEST(test_a_pipe_without_a_reader_yet),
        TEST(test_a_write_that_hangs_does_not_hold_the_end),
        TEST(test_every_dropped_event_is_counted),
        TEST(test_a_sleeping_thread_is_woken),
        TEST(test_signals_are_left_to_the_loop),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
