/* SPDX-License-Identifier: MIT
 * The timing wheel. A node whose deadline lies further off than one turn stays in its slot and is
 * looked at once a turn. */
#include "daemon/core/wheel.h"

#include <stddef.h>

static void list_init(struct wheel_node *h)
{
    h->next = h->prev = h;
}

static void list_add(struct wheel_node *h, struct wheel_node *n)
{
    n->next = h;
    n->prev = h->prev;
    h->prev->next = n;
    h->prev = n;
}

static void list_del(struct wheel_node *n)
{
    n->next->prev = n->prev;
    n->prev->next = n->next;
    n->next = n->prev = NULL;
}

void wheel_init(struct wheel *w, uint64_t now_us)
{
    for (unsigned i = 0; i < WHEEL_SLOTS; i++) {
        list_init(&w->slot[i]);
    }
    list_init(&w->fired);
    w->tick = now_us / WHEEL_TICK_US;
    w->next = 0;
    w->count = 0;
}

static void place(struct wheel *w, struct wheel_node *n)
{
    uint64_t tick = n->due_us / WHEEL_TICK_US + 1;
    if (tick < w->tick) {
        tick = w->tick;
    }
    list_add(&w->slot[tick % WHEEL_SLOTS], n);
    w->next = tick < w->next ? tick : w->next;
}

void wheel_set(struct wheel *w, struct wheel_node *n, uint64_t due_us)
{
    wheel_clear(w, n);
    n->due_us = due_us;
    place(w, n);
    w->count++;
}

void wheel_clear(struct wheel *w, struct wheel_node *n)
{
    if (n->next) {
        list_del(n);
        w->count--;
    }
}

struct wheel_node *wheel_pop(struct wheel *w, uint64_t now_us)
{
    for (;;) {
        while (w->fired.next != &w->fired) {
            struct wheel_node *n = w->fired.next;
            list_del(n);
            if (n->due_us <= now_us) {
                w->count--;
                return n;
            }
            place(w, n);
        }
        if (w->tick > now_us / WHEEL_TICK_US) {
            return NULL;
        }
        if (w->count == 0) {
            w->tick = now_us / WHEEL_TICK_US + 1;
            return NULL;
        }
        struct wheel_node *h = &w->slot[w->tick++ % WHEEL_SLOTS];
        while (h->next != h) {
            struct wheel_node *n = h->next;
            list_del(n);
            list_add(&w->fired, n);
        }
    }
}

uint64_t wheel_next(struct wheel *w)
{
    if (w->count == 0) {
        return UINT64_MAX;
    }
    if (w->next < w->tick) {
        w->next = w->tick;
        const struct wheel_node *h = &w->slot[w->next % WHEEL_SLOTS];
        while (h->next == h && w->next < w->tick + WHEEL_SLOTS) {
            h = &w->slot[++w->next % WHEEL_SLOTS];
        }
    }
    return w->next * WHEEL_TICK_US;
}
