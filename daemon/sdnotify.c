/* SPDX-License-Identifier: MIT
 * The service manager's environment and its datagrams. */
#include "daemon/sdnotify.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define SEND_WAIT_US 100000
#define STATUS_MAX   255

static const char *const variables[] = {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID",
                                        "LISTEN_PID",    "LISTEN_FDS",    "LISTEN_FDNAMES"};

static struct {
    int fd; /* kept open: a ping must go out even when descriptors are exhausted */
    struct sockaddr_un to;
    socklen_t to_len;
    uint64_t watchdog_us;
    unsigned nfds;
    char names[SD_LISTEN_MAX][SD_NAME_MAX + 1];
} sd = {.fd = -1};

/* Digits and nothing else: strtoull takes signs and blanks. */
static bool parse_number(const char *s, uint64_t max, uint64_t *out)
{
    uint64_t v = 0;
    if (!*s) {
        return false;
    }
    for (; *s; s++) {
        if (*s < '0' || *s > '9') {
            return false;
        }
        unsigned digit = (unsigned)(*s - '0');
        if (v > (max - digit) / 10) {
            return false;
        }
        v = v * 10 + digit;
    }
    *out = v;
    return true;
}

/* number reads a variable that must hold one if it is set; *present tells whether it is. */
static bool number(const char *name, uint64_t max, uint64_t *out, bool *present, char *why,
                   size_t cap)
{
    const char *s = getenv(name);
    *present = s != NULL;
    if (s && !parse_number(s, max, out)) {
        snprintf(why, cap, "%s: not a number from 0 to %" PRIu64, name, max);
        return false;
    }
    return true;
}

static bool open_notify(char *why, size_t cap)
{
    const char *path = getenv("NOTIFY_SOCKET");
    if (!path || !*path) {
        return true;
    }
    size_t n = strlen(path);
    if ((path[0] != '/' && path[0] != '@') || n < 2) {
        snprintf(why, cap, "NOTIFY_SOCKET: neither an absolute path nor an abstract name");
        return false;
    }
    if (n >= sizeof(sd.to.sun_path)) {
        snprintf(why, cap, "NOTIFY_SOCKET: longer than %zu bytes", sizeof(sd.to.sun_path) - 1);
        return false;
    }
    sd.to.sun_family = AF_UNIX;
    memcpy(sd.to.sun_path, path, n);
    sd.to_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
    if (path[0] == '@') {
        sd.to.sun_path[0] = '\0';
    } else {
        sd.to_len++;
    }
    sd.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct timeval wait = {.tv_usec = SEND_WAIT_US};
    if (sd.fd < 0 || setsockopt(sd.fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) != 0) {
        snprintf(why, cap, "NOTIFY_SOCKET: %s", strerror(errno));
        return false;
    }
    return true;
}

static bool read_watchdog(char *why, size_t cap)
{
    uint64_t us = 0, pid = 0;
    bool has_us, has_pid;
    if (!number("WATCHDOG_PID", INT32_MAX, &pid, &has_pid, why, cap) ||
        (has_pid && pid != (uint64_t)getpid())) {
        return !why[0];
    }
    if (!number("WATCHDOG_USEC", INT64_MAX, &us, &has_us, why, cap)) {
        return false;
    }
    if (has_us && us == 0) {
        snprintf(why, cap, "WATCHDOG_USEC: must not be 0");
        return false;
    }
    sd.watchdog_us = us;
    return true;
}

/* The length of the name at s, or more than SD_NAME_MAX when it is none. */
static size_t name_length(const char *s)
{
    size_t n = strcspn(s, ":");
    for (size_t i = 0; i < n; i++) {
        if (s[i] < ' ' || s[i] > '~') {
            return SIZE_MAX;
        }
    }
    return n;
}

static bool read_names(unsigned count, char *why, size_t cap)
{
    const char *s = getenv("LISTEN_FDNAMES");
    if (!s) {
        for (unsigned i = 0; i < count; i++) {
            snprintf(sd.names[i], sizeof(sd.names[i]), "unknown");
        }
        return true;
    }
    for (unsigned i = 0; i < count; i++) {
        size_t n = name_length(s);
        if (n > SD_NAME_MAX || (s[n] == ':') != (i + 1 < count)) {
            snprintf(why, cap, "LISTEN_FDNAMES: not %u names of at most %d bytes", count,
                     SD_NAME_MAX);
            return false;
        }
        memcpy(sd.names[i], s, n);
        sd.names[i][n] = '\0';
        s += n + 1;
    }
    return true;
}

static bool read_listen(char *why, size_t cap)
{
    uint64_t pid = 0, count = 0;
    bool has_pid, has_count;
    if (!number("LISTEN_PID", INT32_MAX, &pid, &has_pid, why, cap) || pid != (uint64_t)getpid()) {
        return !why[0];
    }
    if (!number("LISTEN_FDS", SD_LISTEN_MAX, &count, &has_count, why, cap)) {
        return false;
    }
    for (int fd = SD_LISTEN_FIRST; fd < SD_LISTEN_FIRST + (int)count; fd++) {
        int flags = fcntl(fd, F_GETFD);
        if (flags < 0 || fcntl(fd, F_SETFD, flags | FD_CLOEXEC) != 0) {
            snprintf(why, cap, "LISTEN_FDS: descriptor %d: %s", fd, strerror(errno));
            return false;
        }
    }
    if (count && !read_names((unsigned)count, why, cap)) {
        return false;
    }
    sd.nfds = (unsigned)count;
    return true;
}

static void reset(void)
{
    if (sd.fd >= 0) {
        close(sd.fd);
    }
    memset(&sd, 0, sizeof(sd));
    sd.fd = -1;
}

bool sd_init(char *why, size_t cap)
{
    reset();
    why[0] = '\0';
    /* the passed descriptors first: a socket of our own must not take the number of one missing */
    bool ok = read_listen(why, cap) && read_watchdog(why, cap) && open_notify(why, cap);
    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
        unsetenv(variables[i]);
    }
    if (!ok) {
        reset();
    }
    return ok;
}

static void tell(const char *text, int flags)
{
    if (sd.fd >= 0) {
        int e = errno;
        ssize_t sent;
        do {
            sent = sendto(sd.fd, text, strlen(text), flags | MSG_NOSIGNAL,
                          (const struct sockaddr *)&sd.to, sd.to_len);
        } while (sent < 0 && errno == EINTR);
        errno = e;
    }
}

void sd_ready(void)
{
    tell("READY=1", 0);
}

void sd_reloading(void)
{
    struct timespec now;
    char text[64];
    clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t us = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
    snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, us);
    tell(text, 0);
}

void sd_stopping(void)
{
    tell("STOPPING=1", 0);
}

void sd_status(const char *text)
{
    char line[sizeof("STATUS=") + STATUS_MAX];
    size_t n = strcspn(text, "\n");
    snprintf(line, sizeof(line), "STATUS=%.*s", (int)(n < STATUS_MAX ? n : STATUS_MAX), text);
    tell(line, MSG_DONTWAIT);
}

void sd_watchdog(void)
{
    tell("WATCHDOG=1", MSG_DONTWAIT);
}

uint64_t sd_watchdog_us(void)
{
    return sd.watchdog_us;
}

unsigned sd_listen_fds(void)
{
    return sd.nfds;
}

const char *sd_listen_name(unsigned i)
{
    return i < sd.nfds ? sd.names[i] : NULL;
}
