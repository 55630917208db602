/* SPDX-License-Identifier: MIT
 * One request a connection, in HTTP/1.0 so that no answer comes in chunks. */
#include "cli/sigbench/scrape.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PAGE_MAX    (1u << 20)
#define PATIENCE_NS (2 * NS_PER_S)
#define SUM_MAX     9.2e18 /* fits a signed number of 64 bits */

int64_t scrape_patience(const struct bench *b)
{
    int64_t most = PATIENCE_NS / NS_PER_US;

    return (b->conf.timeout_us < most ? b->conf.timeout_us : most) * NS_PER_US;
}

/* --- the connection: whatever fails leaves errno ---------------------------------------------- */

static bool await(int fd, short events, int64_t end)
{
    struct pollfd p = {.fd = fd, .events = events};
    int64_t left;

    while ((left = end - bench_now()) > 0) {
        int n = poll(&p, 1, (int)(left / 1000000) + 1);
        if (n > 0 || (n < 0 && errno != EINTR)) {
            return n > 0;
        }
    }
    errno = ETIMEDOUT;
    return false;
}

static bool dial(int fd, const struct sockaddr *to, socklen_t len, int64_t end)
{
    int err = 0;
    socklen_t n = sizeof(err);

    if (connect(fd, to, len) == 0) {
        return true;
    }
    if (errno != EINPROGRESS || !await(fd, POLLOUT, end)) {
        return false;
    }
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &n);
    errno = err;
    return err == 0;
}

static int connect_to(const struct wsurl *u, int64_t end)
{
    for (unsigned i = 0; i < u->addrs; i++) {
        int fd = socket(u->addr[i].ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd >= 0 && dial(fd, (const struct sockaddr *)&u->addr[i], u->addr_len[i], end)) {
            return fd;
        }
        if (fd >= 0) {
            close(fd);
        }
    }
    return -1;
}

static bool ask(int fd, const struct wsurl *u)
{
    char request[sizeof(u->path) + sizeof(u->hostport) + 64];
    int n = snprintf(request, sizeof(request), "GET %s HTTP/1.0\r\nHost: %s\r\n\r\n", u->path,
                     u->hostport);

    return send(fd, request, (size_t)n, MSG_NOSIGNAL) == n;
}

static bool take_answer(int fd, char *page, int64_t end)
{
    size_t n = 0;
    ssize_t got = 1;

    while (got > 0 && n < PAGE_MAX - 1) {
        if (!await(fd, POLLIN, end)) {
            return false;
        }
        got = recv(fd, page + n, PAGE_MAX - 1 - n, 0);
        n += got > 0 ? (size_t)got : 0;
    }
    page[n] = '\0';
    errno = got > 0 ? EMSGSIZE : errno;
    return got == 0;
}

static bool get(const struct wsurl *u, char *page, int64_t end)
{
    int fd = connect_to(u, end);
    bool ok = fd >= 0 && ask(fd, u) && take_answer(fd, page, end);
    int err = errno;

    if (fd >= 0) {
        close(fd);
    }
    errno = err;
    return ok;
}

/* --- the page --------------------------------------------------------------------------------- */

/* Gives the status, 0 of what is no answer of HTTP. */
static long status_of(const char *page)
{
    const char *space = strncmp(page, "HTTP/1.", 7) == 0 ? strchr(page, ' ') : NULL;

    return space ? strtol(space, NULL, 10) : 0;
}

char *scrape_page(const struct bench *b, char why[SCRAPE_WHY])
{
    char *page = malloc(PAGE_MAX);
    const char *url = b->conf.server_metrics;

    if (!page || !get(&b->metrics_url, page, bench_now() + scrape_patience(b))) {
        snprintf(why, SCRAPE_WHY, "%.100s: %s", url, strerror(errno));
    } else if (status_of(page) != 200) {
        snprintf(why, SCRAPE_WHY, "%.100s answers with %s%.0ld", url,
                 status_of(page) ? "HTTP " : "no HTTP", status_of(page));
    } else {
        return page;
    }
    free(page);
    return NULL;
}

bool scrape_sum(const char *page, const char *family, double scale, uint64_t *sum)
{
    size_t n = strlen(family);
    double all = 0;
    bool found = false;

    for (const char *at = page; (at = strstr(at, family)); at += n) {
        const char *value = at[n] == '{' ? strchr(at, '}') : at[n] == ' ' ? at + n : NULL;
        if (value && at > page && at[-1] == '\n') {
            char *end;
            double v = strtod(value + 1, &end) * scale;
            all += end > value + 1 && v >= 0 ? v : SUM_MAX; /* NaN is not */
            found = true;
        }
    }
    if (!found || !(all < SUM_MAX)) {
        return false;
    }
    *sum = (uint64_t)(all + 0.5);
    return true;
}
