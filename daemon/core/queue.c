/* SPDX-License-Identifier: MIT
 * The bounded queue: a list, because it is empty nearly always and then costs nothing. */
#include "daemon/core/queue.h"

#include <stdlib.h>
#include <string.h>

void queue_init(struct queue *q)
{
    q->head = NULL;
    q->tail = &q->head;
    q->bytes = 0;
    q->count = 0;
}

void queue_fini(struct queue *q)
{
    while (q->head) {
        queue_pop(q);
    }
}

void queue_append(struct queue *q, struct queue_msg *m)
{
    m->next = NULL;
    *q->tail = m;
    q->tail = &m->next;
    q->bytes += m->len;
    q->count++;
}

struct queue_msg *queue_msg_new(const char *p, size_t n, bool relayed)
{
    struct queue_msg *m = malloc(sizeof(*m) + HUB_HEADROOM + n);
    if (m) {
        m->len = n;
        m->relayed = relayed;
        memcpy(queue_text(m), p, n);
    }
    return m;
}

bool queue_put(struct queue *q, const char *p, size_t n, bool relayed, size_t max_bytes,
               uint32_t max_count)
{
    if (q->count && (q->count >= max_count || n > max_bytes || q->bytes > max_bytes - n)) {
        return false;
    }
    struct queue_msg *m = queue_msg_new(p, n, relayed);
    if (m) {
        queue_append(q, m);
    }
    return m != NULL;
}

void queue_move(struct queue *q, struct queue *from)
{
    for (struct queue_msg *m = from->head, *next; m; m = next) {
        next = m->next;
        if (m->relayed) {
            queue_append(q, m);
        } else {
            free(m);
        }
    }
    queue_init(from);
}

void queue_pop(struct queue *q)
{
    struct queue_msg *m = q->head;
    q->head = m->next;
    if (!q->head) {
        q->tail = &q->head;
    }
    q->bytes -= m->len;
    q->count--;
    free(m);
}
