/* SPDX-License-Identifier: MIT
 * The service manager's protocol against real datagram sockets and forged environments. */
#include "tests/lib/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "daemon/sdnotify.h"

#define ME (-1L) /* stands for our own pid in a row of a table */

static char dir[] = "/tmp/sdnotify.XXXXXX";

static void set_number(const char *name, long n)
{
    char text[32];
    snprintf(text, sizeof(text), "%ld", n == ME ? (long)getpid() : n);
    assert_int_equal(setenv(name, text, 1), 0);
}

static void set(const char *name, const char *text)
{
    if (text) {
        assert_int_equal(setenv(name, text, 1), 0);
    }
}

static void init_ok(void)
{
    char why[128];
    if (!sd_init(why, sizeof(why))) {
        fail_msg("%s", why);
    }
}

static void init_fails(const char *begins)
{
    char why[128] = "";
    if (sd_init(why, sizeof(why))) {
        fail_msg("accepted, want: %s", begins);
    }
    if (strncmp(why, begins, strlen(begins)) != 0) {
        fail_msg("\"%s\" does not begin with \"%s\"", why, begins);
    }
    assert_int_equal(sd_listen_fds(), 0);
    assert_null(sd_listen_name(0));
    assert_true(sd_watchdog_us() == 0);
}

static void nothing_left(void)
{
    static const char *const names[] = {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID",
                                        "LISTEN_PID",    "LISTEN_FDS",    "LISTEN_FDNAMES"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (getenv(names[i])) {
            fail_msg("%s is still there", names[i]);
        }
    }
}

/* A bound datagram socket, named by path, or in the abstract namespace when that begins with '@'.
 */
static int manager(const char *path)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    size_t n = strlen(path);
    assert_true(n < sizeof(sa.sun_path));
    memcpy(sa.sun_path, path, n);
    if (path[0] == '@') {
        sa.sun_path[0] = '\0';
    }
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
    assert_int_equal(bind(fd, (const struct sockaddr *)&sa, len), 0);
    struct timeval wait = {.tv_sec = 20};
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)), 0);
    return fd;
}

static void heard(int fd, const char *want)
{
    char got[512];
    ssize_t n = recv(fd, got, sizeof(got) - 1, 0);
    assert_true(n >= 0);
    got[n] = '\0';
    assert_string_equal(got, want);
}

static void silent(int fd)
{
    char c;
    assert_int_equal(recv(fd, &c, 1, MSG_DONTWAIT), -1);
    assert_int_equal(errno, EAGAIN);
}

static uint64_t mono_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void talk(const char *path)
{
    int fd = manager(path);
    set("NOTIFY_SOCKET", path);
    init_ok();
    nothing_left();
    sd_ready();
    heard(fd, "READY=1");
    uint64_t before = mono_us();
    sd_reloading();
    uint64_t after = mono_us(), us;
    char got[128], head[] = "RELOADING=1\nMONOTONIC_USEC=", *end;
    ssize_t n = recv(fd, got, sizeof(got) - 1, 0);
    assert_true(n > 0);
    got[n] = '\0';
    assert_memory_equal(got, head, sizeof(head) - 1);
    us = strtoull(got + sizeof(head) - 1, &end, 10);
    assert_string_equal(end, "");
    assert_true(us >= before && us <= after);
    sd_watchdog();
    heard(fd, "WATCHDOG=1");
    sd_status("12 clients");
    heard(fd, "STATUS=12 clients");
    sd_stopping();
    heard(fd, "STOPPING=1");
    silent(fd);
    close(fd);
    errno = 7;
    sd_ready(); /* the manager is gone: nobody minds, errno is kept */
    assert_int_equal(errno, 7);
}

static void test_path(void **state)
{
    (void)state;
    char path[64];
    snprintf(path, sizeof(path), "%s/notify", dir);
    talk(path);
    unlink(path);
}

static void test_abstract(void **state)
{
    (void)state;
    char path[64];
    snprintf(path, sizeof(path), "@sigkit-test-%ld", (long)getpid());
    talk(path);
}

static void test_path_of_full_length(void **state)
{
    (void)state;
    char path[sizeof(((struct sockaddr_un *)0)->sun_path) + 1];
    memset(path, 'x', sizeof(path));
    memcpy(path, dir, strlen(dir));
    path[strlen(dir)] = '/';
    path[sizeof(path) - 2] = '\0';
    talk(path);
    unlink(path);
    path[sizeof(path) - 2] = 'x';
    path[sizeof(path) - 1] = '\0';
    set("NOTIFY_SOCKET", path);
    init_fails("NOTIFY_SOCKET: longer than 107 bytes");
    nothing_left();
}

static void test_status_is_one_line_and_bounded(void **state)
{
    (void)state;
    char path[64], text[1000], want[8 + 255];
    snprintf(path, sizeof(path), "@sigkit-test-%ld", (long)getpid());
    int fd = manager(path);
    set("NOTIFY_SOCKET", path);
    init_ok();
    sd_status("fine\nREADY=1");
    heard(fd, "STATUS=fine");
    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    sd_status(text);
    snprintf(want, sizeof(want), "STATUS=%.255s", text);
    heard(fd, want);
    close(fd);
}

/* A manager that does not read must not hold the loop. */
static void test_full_manager_costs_little(void **state)
{
    (void)state;
    char path[64];
    snprintf(path, sizeof(path), "@sigkit-test-%ld", (long)getpid());
    int fd = manager(path);
    set("NOTIFY_SOCKET", path);
    init_ok();
    uint64_t start = mono_us();
    for (int i = 0; i < 20000; i++) {
        sd_watchdog();
    }
    sd_ready();
    assert_true(mono_us() - start < 10000000);
    heard(fd, "WATCHDOG=1");
    close(fd);
}

static void test_no_manager(void **state)
{
    (void)state;
    init_ok();
    sd_ready();
    sd_reloading();
    sd_status("x");
    sd_watchdog();
    sd_stopping();
    assert_true(sd_watchdog_us() == 0);
    assert_int_equal(sd_listen_fds(), 0);
    assert_null(sd_listen_name(0));
    set("NOTIFY_SOCKET", "");
    init_ok();
    nothing_left();
}

static void test_bad_sockets(void **state)
{
    (void)state;
    static const char *const bad[] = {"notify", "./n", "/", "@", "vsock:2:9", " /run/notify"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        set("NOTIFY_SOCKET", bad[i]);
        init_fails("NOTIFY_SOCKET: neither");
        nothing_left();
    }
}

static void test_watchdog(void **state)
{
    (void)state;
    static const struct {
        const char *us;
        long pid; /* 0: not set */
        uint64_t want;
        const char *why;
    } cases[] = {{"30000000", ME, 30000000, NULL},
                 {"30000000", 0, 30000000, NULL},
                 {"1", ME, 1, NULL},
                 {"9223372036854775807", ME, INT64_MAX, NULL},
                 {"30000000", 1, 0, NULL},
                 {"garbage", 1, 0, NULL},
                 {NULL, ME, 0, NULL},
                 {"0", ME, 0, "WATCHDOG_USEC: must not be 0"},
                 {"", ME, 0, "WATCHDOG_USEC: not a number"},
                 {"-1", ME, 0, "WATCHDOG_USEC: not a number"},
                 {"+1", ME, 0, "WATCHDOG_USEC: not a number"},
                 {" 1", ME, 0, "WATCHDOG_USEC: not a number"},
                 {"30s", 0, 0, "WATCHDOG_USEC: not a number"},
                 {"9223372036854775808", ME, 0, "WATCHDOG_USEC: not a number"},
                 {"99999999999999999999999", ME, 0, "WATCHDOG_USEC: not a number"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        set("WATCHDOG_USEC", cases[i].us);
        if (cases[i].pid) {
            set_number("WATCHDOG_PID", cases[i].pid);
        }
        if (cases[i].why) {
            init_fails(cases[i].why);
        } else {
            init_ok();
            assert_true(sd_watchdog_us() == cases[i].want);
        }
        nothing_left();
    }
    set("WATCHDOG_USEC", "5");
    set("WATCHDOG_PID", "me");
    init_fails("WATCHDOG_PID: not a number");
}

/* Descriptors 3 to 3+n-1 are put there by hand; cmocka needs none of them. */
static void pass(int n)
{
    for (int fd = SD_LISTEN_FIRST; fd < SD_LISTEN_FIRST + n; fd++) {
        assert_int_equal(dup2(STDIN_FILENO, fd), fd);
    }
}

static void take_back(int n)
{
    for (int fd = SD_LISTEN_FIRST; fd < SD_LISTEN_FIRST + n; fd++) {
        close(fd);
    }
}

static void test_listen(void **state)
{
    (void)state;
    pass(3);
    set_number("LISTEN_PID", ME);
    set("LISTEN_FDS", "3");
    set("LISTEN_FDNAMES", "tls-public::health");
    init_ok();
    nothing_left();
    assert_int_equal(sd_listen_fds(), 3);
    assert_string_equal(sd_listen_name(0), "tls-public");
    assert_string_equal(sd_listen_name(1), "");
    assert_string_equal(sd_listen_name(2), "health");
    assert_null(sd_listen_name(3));
    for (int fd = 3; fd < 6; fd++) {
        assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    }
    set_number("LISTEN_PID", ME);
    set("LISTEN_FDS", "2");
    init_ok();
    assert_int_equal(sd_listen_fds(), 2);
    assert_string_equal(sd_listen_name(1), "unknown");
    assert_null(sd_listen_name(2));
    take_back(3);
}

static void test_listen_for_another(void **state)
{
    (void)state;
    pass(1);
    set_number("LISTEN_PID", 1);
    set("LISTEN_FDS", "1");
    init_ok();
    nothing_left();
    assert_int_equal(sd_listen_fds(), 0);
    assert_false(fcntl(3, F_GETFD) & FD_CLOEXEC);
    set("LISTEN_FDS", "1"); /* no pid at all */
    init_ok();
    assert_int_equal(sd_listen_fds(), 0);
    set_number("LISTEN_PID", 1);
    set("LISTEN_FDS", "garbage"); /* not ours to judge */
    init_ok();
    assert_int_equal(sd_listen_fds(), 0);
    take_back(1);
}

static void test_listen_garbage(void **state)
{
    (void)state;
    char long_name[300];
    memset(long_name, 'n', sizeof(long_name) - 1);
    long_name[256] = '\0';
    const struct {
        const char *pid, *fds, *names, *why;
    } cases[] = {{"x", "1", NULL, "LISTEN_PID: not a number"},
                 {"", "1", NULL, "LISTEN_PID: not a number"},
                 {"99999999999", "1", NULL, "LISTEN_PID: not a number"},
                 {NULL, "", NULL, "LISTEN_FDS: not a number"},
                 {NULL, "-1", NULL, "LISTEN_FDS: not a number"},
                 {NULL, "1x", NULL, "LISTEN_FDS: not a number"},
                 {NULL, "17", NULL, "LISTEN_FDS: not a number from 0 to 16"},
                 {NULL, "4294967297", NULL, "LISTEN_FDS: not a number"},
                 {NULL, "16", NULL, "LISTEN_FDS: descriptor 5: "},
                 {NULL, "2", "one", "LISTEN_FDNAMES: not 2 names"},
                 {NULL, "2", "one:two:three", "LISTEN_FDNAMES: not 2 names"},
                 {NULL, "1", "one:", "LISTEN_FDNAMES: not 1 names"},
                 {NULL, "1", "a\nb", "LISTEN_FDNAMES: not 1 names"},
                 {NULL, "1", "a\xc3\xa4", "LISTEN_FDNAMES: not 1 names"},
                 {NULL, "1", long_name, "LISTEN_FDNAMES: not 1 names of at most 255 bytes"}};
    pass(2);
    close(5);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        set_number("LISTEN_PID", ME);
        set("LISTEN_PID", cases[i].pid);
        set("LISTEN_FDS", cases[i].fds);
        set("LISTEN_FDNAMES", cases[i].names);
        init_fails(cases[i].why);
        nothing_left();
    }
    long_name[255] = '\0';
    set_number("LISTEN_PID", ME);
    set("LISTEN_FDS", "1");
    set("LISTEN_FDNAMES", long_name);
    init_ok();
    assert_string_equal(sd_listen_name(0), long_name);
    take_back(2);
}

static void test_no_descriptors_passed(void **state)
{
    (void)state;
    set_number("LISTEN_PID", ME);
    set("LISTEN_FDS", "0");
    set("LISTEN_FDNAMES", "");
    init_ok();
    assert_int_equal(sd_listen_fds(), 0);
    set_number("LISTEN_PID", ME);
    init_ok();
    assert_int_equal(sd_listen_fds(), 0);
}

/* With one part bad, nothing of the others is in force. */
static void test_all_or_nothing(void **state)
{
    (void)state;
    pass(1);
    set_number("LISTEN_PID", ME);
    set("LISTEN_FDS", "1");
    set("WATCHDOG_USEC", "1000000");
    set("NOTIFY_SOCKET", "nowhere");
    init_fails("NOTIFY_SOCKET: neither");
    nothing_left();
    take_back(1);
}

static int make_dir(void **state)
{
    (void)state;
    return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
    (void)state;
    return rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_manager),
        cmocka_unit_test(test_path),
        cmocka_unit_test(test_abstract),
        cmocka_unit_test(test_path_of_full_length),
        cmocka_unit_test(test_status_is_one_line_and_bounded),
        cmocka_unit_test(test_full_manager_costs_little),
        cmocka_unit_test(test_bad_sockets),
        cmocka_unit_test(test_watchdog),
        cmocka_unit_test(test_listen),
        cmocka_unit_test(test_listen_for_another),
        cmocka_unit_test(test_listen_garbage),
        cmocka_unit_test(test_no_descriptors_passed),
        cmocka_unit_test(test_all_or_nothing),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
