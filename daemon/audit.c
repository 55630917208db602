/* SPDX-License-Identifier: MIT
 * The audit log as the loop thread sees it: opened, fed, asked, closed. */
#include "daemon/audit.h"

#include "daemon/audit_in.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define STILL_US 1000000u
#define GRACE_US 50000u /* for the thread to see that its time is over */

uint64_t audit_mono_us(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

int64_t audit_wall_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* ---------------------------------------------------------------- the loop thread */

static void ring_bell(const struct audit *a)
{
    const uint64_t one = 1;
    ssize_t n = write(a->wake, &one, sizeof(one));
    (void)n; /* a full counter wakes as well */
}

static void wake(struct audit *a)
{
    if (atomic_exchange(&a->sleep, AUDIT_AWAKE) != AUDIT_AWAKE) {
        ring_bell(a);
    }
}

static uint64_t queued(struct audit *a, uint64_t head)
{
    a->tail_seen = atomic_load_explicit(&a->tail, memory_order_acquire);
    return head - a->tail_seen;
}

/* A bell costs more than all the rest: one at most for each time that the thread lies down, and a
 * nap is not disturbed before the queue is half full. */
static void wake_for(struct audit *a, uint64_t head)
{
    int sleep = atomic_load(&a->sleep);
    if (sleep == AUDIT_ASLEEP || (sleep == AUDIT_NAPPING && head - a->tail_seen >= a->size / 2 &&
                                  queued(a, head) >= a->size / 2)) {
        wake(a);
    }
}

bool audit_event(struct audit *a, const struct sp_event *ev)
{
    uint64_t head = atomic_load_explicit(&a->head, memory_order_relaxed);
    uint64_t dropped = atomic_load_explicit(&a->dropped, memory_order_relaxed);
    if (head - a->tail_seen == a->size && queued(a, head) == a->size) {
        atomic_store_explicit(&a->last_drop_us, audit_mono_us(), memory_order_relaxed);
        atomic_store(&a->dropped, dropped + 1);
        wake_for(a, head);
        return false;
    }
    struct audit_slot *s = &a->ring[head & (a->size - 1)];
    sp_event_pack(&s->event, s->text, ev);
    s->dropped = dropped;
    atomic_store(&a->head, head + 1);
    wake_for(a, head + 1);
    return true;
}

void audit_reopen(struct audit *a)
{
    atomic_store(&a->reopen, true);
    ring_bell(a);
}

void audit_state(const struct audit *a, struct audit_state *s)
{
    uint64_t tail = atomic_load_explicit(&a->tail, memory_order_acquire);
    uint64_t still = atomic_load_explicit(&a->still_us, memory_order_relaxed);
    int error = atomic_load_explicit(&a->write_error, memory_order_relaxed);
    if (!error) {
        error = atomic_load_explicit(&a->reopen_error, memory_order_relaxed);
    }
    *s = (struct audit_state){
        .written = tail,
        .dropped = atomic_load_explicit(&a->dropped, memory_order_relaxed),
        .bytes = atomic_load_explicit(&a->bytes, memory_order_relaxed),
        .last_drop_us = atomic_load_explicit(&a->last_drop_us, memory_order_relaxed),
        .queued = (uint32_t)(atomic_load_explicit(&a->head, memory_order_relaxed) - tail),
        .error = error,
    };
    s->room = a->size - s->queued;
    s->failing = error || (still && audit_mono_us() > still + STILL_US);
}

/* ---------------------------------------------------------------- open and close */

void audit_leave(struct audit *a)
{
    if (atomic_fetch_sub(&a->owners, 1) > 1) {
        return;
    }
    if (a->file.fd >= 0) {
        close(a->file.fd);
    }
    if (a->wake >= 0) {
        close(a->wake);
    }
    audit_hash_fini(&a->writer.hash);
    free(a->path);
    free(a->ring);
    free(a);
}

static bool make_ring(struct audit *a, uint32_t queue)
{
    a->size = 16;
    while (a->size < queue && a->size < UINT32_C(1) << 31) {
        a->size *= 2;
    }
    a->ring = calloc(a->size, sizeof(*a->ring));
    if (a->ring) {
        /* not zero: pages are to be there before the loop thread needs them */
        memset(a->ring, 0xff, a->size * sizeof(*a->ring));
    }
    return a->ring != NULL;
}

static struct audit *make(const char *path, uint32_t queue)
{
    struct audit *a = aligned_alloc(_Alignof(struct audit), sizeof(*a));
    if (!a) {
        return NULL;
    }
    memset(a, 0, sizeof(*a));
    a->owners = 1;
    a->file.fd = -1;
    a->path = strdup(path);
    a->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    bool ok = make_ring(a, queue);
    ok = audit_hash_init(&a->writer.hash) && ok;
    if (!ok || !a->path || a->wake < 0) {
        audit_leave(a);
        return NULL;
    }
    return a;
}

/* Signals are for the loop thread. */
static int start(struct audit *a)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    a->owners = 2;
    int error = pthread_create(&a->thread, NULL, audit_run, a);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error) {
        a->owners = 1;
    }
    return error;
}

struct audit *audit_open(const char *path, uint32_t queue, char *why, size_t cap)
{
    struct audit *a = make(path, queue);
    if (!a) {
        snprintf(why, cap, "%s: out of memory", path);
        return NULL;
    }
    if (audit_file_open(&a->file, path, &a->writer.hash, why, cap)) {
        audit_leave(a);
        return NULL;
    }
    a->newline = a->file.torn > 0;
    a->first = (struct audit_own){"opened", NULL, 0, audit_wall_ms()};
    if (a->newline) {
        a->first = (struct audit_own){"recovered", "bytes", a->file.torn, audit_wall_ms()};
    }
    int error = start(a);
    if (error) {
        snprintf(why, cap, "%s: no thread: %s", path, strerror(error));
        audit_leave(a);
        return NULL;
    }
    return a;
}

/* False: the thread hangs in the kernel, and leaves when it comes back. */
static bool join(struct audit *a, uint64_t end_us)
{
    struct timespec ts = {.tv_sec = (time_t)(end_us / 1000000),
                          .tv_nsec = (long)(end_us % 1000000) * 1000};
    if (pthread_clockjoin_np(a->thread, NULL, CLOCK_MONOTONIC, &ts) == 0) {
        return true;
    }
    pthread_detach(a->thread);
    return false;
}

void audit_close(struct audit *a, uint64_t wait_us, struct audit_state *last)
{
    struct audit_state s;
    uint64_t end = audit_mono_us() + wait_us;
    atomic_store(&a->end_us, end);
    ring_bell(a);
    join(a, end + GRACE_US);
    audit_state(a, &s);
    s.dropped += s.queued;
    s.room += s.queued;
    s.queued = 0;
    audit_leave(a);
    if (last) {
        *last = s;
    }
}
