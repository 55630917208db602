/* SPDX-License-Identifier: MIT
 * A hashed timing wheel: arming, moving and disarming a deadline are O(1). */
#ifndef CORE_WHEEL_H
#define CORE_WHEEL_H

#include <stdint.h>

#define WHEEL_SLOTS   256u
#define WHEEL_TICK_US 65536u /* a deadline fires at most this late; the wheel turns in 16.8 s */

/* wheel_node is embedded in what has a deadline. Zero-initialised it is disarmed. */
struct wheel_node {
    struct wheel_node *next, *prev;
    uint64_t due_us;
    void *owner;
    uint8_t kind;
};

struct wheel {
    struct wheel_node slot[WHEEL_SLOTS];
    struct wheel_node fired; /* taken out of the slot that is being served */
    uint64_t tick;           /* the next one to be served */
    uint64_t next;           /* no slot before this tick holds anything; below tick: unknown */
    uint32_t count;
};

void wheel_init(struct wheel *w, uint64_t now_us);

/* wheel_set arms or moves a node; it borrows the node until it fires or is cleared. */
void wheel_set(struct wheel *w, struct wheel_node *n, uint64_t due_us);
void wheel_clear(struct wheel *w, struct wheel_node *n);

/* wheel_pop gives one node whose deadline has passed, disarmed, or NULL. */
struct wheel_node *wheel_pop(struct wheel *w, uint64_t now_us);

/* wheel_next gives the moment at which wheel_pop should be asked again; UINT64_MAX when nothing is
 * armed. */
uint64_t wheel_next(struct wheel *w);

#endif
