/* SPDX-License-Identifier: MIT
 * Byte queues that grow by doubling, and a pool of random masks: a system call for each frame
 * would cost more than the frame. */
#include "cli/common/wsbytes.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

void wsbytes_free(struct wsbytes *b)
{
    free(b->p);
    *b = (struct wsbytes){0};
}

bool wsbytes_reserve(struct wsbytes *b, size_t more)
{
    if (b->off + b->n + more <= b->cap) {
        return true;
    }
    if (b->off > 0) {
        memmove(b->p, b->p + b->off, b->n);
        b->off = 0;
    }
    if (b->n + more > b->cap) {
        size_t cap = b->n + more > 2 * b->cap ? b->n + more : 2 * b->cap;
        char *p = realloc(b->p, cap);
        if (!p) {
            return false;
        }
        b->p = p;
        b->cap = cap;
    }
    return true;
}

bool wsbytes_add(struct wsbytes *b, const void *p, size_t n)
{
    if (!wsbytes_reserve(b, n)) {
        return false;
    }
    if (n) {
        memcpy(b->p + b->off + b->n, p, n);
    }
    b->n += n;
    return true;
}

uint32_t wsbytes_mask(void)
{
    static _Thread_local uint32_t pool[1024];
    static _Thread_local size_t left;

    if (left == 0) {
        size_t got = 0;
        while (got < sizeof(pool)) {
            ssize_t n = getrandom((char *)pool + got, sizeof(pool) - got, 0);
            got += n > 0 ? (size_t)n : 0;
        }
        left = sizeof(pool) / sizeof(pool[0]);
    }
    return pool[--left];
}
