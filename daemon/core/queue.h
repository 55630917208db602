/* SPDX-License-Identifier: MIT
 * The bounded queue of one receiver: messages that could not be written at once. */
#ifndef CORE_QUEUE_H
#define CORE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Room that the transport needs in front of each message for its frame header; at least LWS_PRE. */
#define HUB_HEADROOM 32u

/* queue_msg has HUB_HEADROOM writable bytes in front of its text; see queue_text(). */
struct queue_msg {
    struct queue_msg *next;
    size_t len;
    bool relayed; /* from another peer, not an answer to this one */
    char room[];
};

/* Owns its messages. */
struct queue {
    struct queue_msg *head, **tail;
    size_t bytes;
    uint32_t count;
};

static inline char *queue_text(struct queue_msg *m)
{
    return m->room + HUB_HEADROOM;
}

void queue_init(struct queue *q);
void queue_fini(struct queue *q);

/* queue_put copies a message in; false when a bound would be broken or memory is out. An empty
 * queue takes any one message: the longest that the hub makes may exceed a small bound. */
bool queue_put(struct queue *q, const char *p, size_t n, bool relayed, size_t max_bytes,
               uint32_t max_count);

/* queue_msg_new copies a message, NULL when memory is out; queue_append takes it, without a bound.
 */
struct queue_msg *queue_msg_new(const char *p, size_t n, bool relayed);
void queue_append(struct queue *q, struct queue_msg *m);

/* queue_move appends what is relayed in from to q and drops the rest. */
void queue_move(struct queue *q, struct queue *from);

/* queue_pop drops the oldest message. */
void queue_pop(struct queue *q);

#endif
