/* SPDX-License-Identifier: MIT
 * The thread of the audit log: writes batches, waits out failures, changes the file. */
#include "daemon/audit_in.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#define NAP_MS   10  /* after a write: what comes meanwhile leaves with one more write */
#define RETRY_MS 100 /* after a failure */

enum outcome { IDLE, WROTE, STUCK, FAILED };

static enum outcome note_failure(struct audit *a, int error)
{
    struct audit_batch *b = &a->batch;
    if (error == EAGAIN) {
        return STUCK;
    }
    if (error == EPIPE) {
        /* the next reader of the pipe gets whole lines */
        b->sent = audit_line_begin(b);
    }
    atomic_store_explicit(&a->write_error, error, memory_order_relaxed);
    return FAILED;
}

/* Writes the batch, or what is left of it. */
static enum outcome push(struct audit *a)
{
    struct audit_batch *b = &a->batch;
    if (b->n == 0) {
        return IDLE;
    }
    if (atomic_load_explicit(&a->still_us, memory_order_relaxed) == 0) {
        atomic_store_explicit(&a->still_us, audit_mono_us(), memory_order_relaxed);
    }
    while (b->sent < b->n) {
        ssize_t n = write(a->file.fd, b->bytes + b->sent, b->n - b->sent);
        if (n <= 0) {
            return n < 0 && errno == EINTR ? STUCK : note_failure(a, n < 0 ? errno : EIO);
        }
        b->sent += (size_t)n;
        atomic_fetch_add_explicit(&a->bytes, (uint64_t)n, memory_order_relaxed);
        atomic_store_explicit(&a->still_us, audit_mono_us(), memory_order_relaxed);
        audit_commit(a);
    }
    audit_batch_clear(b);
    atomic_store_explicit(&a->still_us, 0, memory_order_relaxed);
    atomic_store_explicit(&a->write_error, 0, memory_order_relaxed);
    return WROTE;
}

/* The chain goes on in the new file after the last whole line of the old one, or after the piece of
 * a line that a full disk left there. */
static void switch_to(struct audit *a, const struct audit_file *next)
{
    struct audit_batch *b = &a->batch;
    push(a);
    size_t start = audit_line_begin(b), torn = b->sent - start;
    if (a->newline) {
        torn = a->file.torn;
    } else if (torn > 0) {
        audit_hash_line(&a->writer.hash, (struct sp_str){b->bytes + start, torn},
                        a->file.link.hash);
    }
    if (torn > 0) {
        a->first = (struct audit_own){"recovered", "bytes", (int64_t)torn, audit_wall_ms()};
    } else if (!a->first.event) {
        a->first = (struct audit_own){"opened", NULL, 0, audit_wall_ms()};
    }
    a->newline = false;
    close(a->file.fd);
    a->file.fd = next->fd;
    audit_batch_clear(b);
    atomic_store_explicit(&a->still_us, 0, memory_order_relaxed);
    atomic_store_explicit(&a->write_error, 0, memory_order_relaxed);
}

static int rotate(struct audit *a)
{
    struct audit_file next;
    char why[256];
    if (!a->file.regular || audit_file_is(a->path, a->file.fd)) {
        return 0;
    }
    int error = audit_file_open(&next, a->path, &a->writer.hash, why, sizeof(why));
    if (error) {
        return error;
    }
    if (!next.regular || !next.empty) {
        close(next.fd);
        return EEXIST;
    }
    switch_to(a, &next);
    return 0;
}

static void rotate_if_asked(struct audit *a)
{
    if (!atomic_exchange(&a->reopen, false)) {
        return;
    }
    int error = rotate(a);
    atomic_store_explicit(&a->reopen_error, error, memory_order_relaxed);
    if (error) {
        atomic_store(&a->reopen, true);
    }
}

/* ---------------------------------------------------------------- waiting */

static int until_end(const struct audit *a, int ms)
{
    uint64_t end = atomic_load(&a->end_us), now = audit_mono_us();
    if (!end) {
        return ms;
    }
    uint64_t left = end > now ? (end - now) / 1000 + 1 : 0;
    return ms < 0 || left < (uint64_t)ms ? (int)left : ms;
}

static void nap(struct audit *a, int ms, int writable)
{
    uint64_t count;
    struct pollfd p[] = {{.fd = a->wake, .events = POLLIN}, {.fd = writable, .events = POLLOUT}};
    if (poll(p, 2, until_end(a, ms)) > 0 && p[0].revents) {
        ssize_t n = read(a->wake, &count, sizeof(count));
        (void)n; /* it was readable, and nobody else reads it */
    }
}

static bool has_work(struct audit *a)
{
    return atomic_load(&a->head) != atomic_load(&a->tail) || atomic_load(&a->dropped) != a->told ||
           atomic_load(&a->end_us) || atomic_load(&a->reopen);
}

static void sleep_until_asked(struct audit *a)
{
    if (atomic_load(&a->reopen)) {
        nap(a, RETRY_MS, -1);
        return;
    }
    atomic_store(&a->sleep, AUDIT_ASLEEP);
    if (!has_work(a)) {
        nap(a, -1, -1);
    }
    atomic_store(&a->sleep, AUDIT_AWAKE);
}

static void take_a_nap(struct audit *a)
{
    atomic_store(&a->sleep, AUDIT_NAPPING);
    if (!atomic_load(&a->end_us) && atomic_load(&a->head) - atomic_load(&a->tail) < a->size / 2) {
        nap(a, NAP_MS, -1);
    }
    atomic_store(&a->sleep, AUDIT_AWAKE);
}

static void rest(struct audit *a, enum outcome o)
{
    switch (o) {
    case IDLE:
        sleep_until_asked(a);
        break;
    case WROTE:
        take_a_nap(a);
        break;
    case STUCK:
        nap(a, RETRY_MS, a->file.fd);
        break;
    case FAILED:
        nap(a, RETRY_MS, -1);
        break;
    }
}

void *audit_run(void *arg)
{
    struct audit *a = arg;
    for (;;) {
        rotate_if_asked(a);
        if (a->batch.n == 0) {
            audit_fill(a);
        }
        enum outcome o = push(a);
        uint64_t end = atomic_load(&a->end_us);
        if (a->closed || (end && audit_mono_us() >= end)) {
            break;
        }
        rest(a, o);
    }
    audit_leave(a);
    return NULL;
}
