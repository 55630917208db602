/* SPDX-License-Identifier: MIT
 * Batches of the audit log: queued events as lines for one write. A slot is free again once its
 * line is in the file, so that it can be formatted anew when the file changes before. */
#include "daemon/audit_in.h"

static struct audit_line *add_line(struct audit_batch *b, const struct audit_line *before)
{
    struct audit_line *l = &b->line[b->lines++];
    *l = *before;
    l->kind = AUDIT_OWN;
    return l;
}

static bool has_room(const struct audit_batch *b)
{
    /* two: an event may need a record of drops before it */
    return b->lines + 2 <= AUDIT_BATCH_LINES && b->n + 2 * (size_t)AUDIT_LINE <= AUDIT_BATCH_BYTES;
}

/* The end of the batch, or of the file while there is none. */
static struct audit_line last_line(const struct audit *a)
{
    const struct audit_batch *b = &a->batch;
    return b->lines > 0 ? b->line[b->lines - 1]
                        : (struct audit_line){.told = a->told, .link = a->file.link};
}

static struct audit_line *put_own(struct audit *a, const struct audit_own *own)
{
    struct audit_line before = last_line(a), *l = add_line(&a->batch, &before);
    struct sp_buf b = {a->batch.bytes, a->batch.n, AUDIT_BATCH_BYTES, false};
    audit_put_own(&a->writer, &b, own, &l->link);
    l->end = a->batch.n = b.n;
    return l;
}

static void put_dropped(struct audit *a, uint64_t dropped)
{
    uint64_t told = last_line(a).told;
    if (dropped > told) {
        const struct audit_own own = {"dropped", "count", (int64_t)(dropped - told),
                                      audit_wall_ms()};
        put_own(a, &own)->told = dropped;
    }
}

static void put_slot(struct audit *a, const struct audit_slot *s)
{
    put_dropped(a, s->dropped);
    struct audit_line before = last_line(a), *l = add_line(&a->batch, &before);
    struct sp_buf b = {a->batch.bytes, a->batch.n, AUDIT_BATCH_BYTES, false};
    struct sp_event ev;
    sp_event_unpack(&s->event, s->text, &ev);
    audit_put_event(&a->writer, &b, &ev, &l->link);
    l->kind = AUDIT_EVENT;
    l->end = a->batch.n = b.n;
}

static void put_beginning(struct audit *a)
{
    struct audit_batch *b = &a->batch;
    if (a->newline) {
        struct audit_line before = last_line(a), *l = add_line(b, &before);
        b->bytes[b->n++] = '\n';
        l->end = b->n;
    }
    if (a->first.event) {
        put_own(a, &a->first);
    }
}

void audit_fill(struct audit *a)
{
    struct audit_batch *b = &a->batch;
    uint64_t end_us = atomic_load(&a->end_us);
    uint64_t at = atomic_load_explicit(&a->tail, memory_order_relaxed);
    uint64_t head = atomic_load(&a->head);
    put_beginning(a);
    while (at < head && has_room(b)) {
        put_slot(a, &a->ring[at++ & (a->size - 1)]);
    }
    if (at < head || !has_room(b)) {
        return;
    }
    put_dropped(a, atomic_load(&a->dropped));
    if (end_us) {
        const struct audit_own own = {.event = "closed", .ts_ms = audit_wall_ms()};
        put_own(a, &own)->kind = AUDIT_CLOSED;
    }
}

void audit_commit(struct audit *a)
{
    struct audit_batch *b = &a->batch;
    uint64_t events = 0;
    for (; b->done < b->lines && b->line[b->done].end <= b->sent; b->done++) {
        const struct audit_line *l = &b->line[b->done];
        a->file.link = l->link;
        a->told = l->told;
        a->closed = l->kind == AUDIT_CLOSED;
        events += l->kind == AUDIT_EVENT;
        a->first.event = a->newline ? a->first.event : NULL;
        a->newline = false;
    }
    uint64_t tail = atomic_load_explicit(&a->tail, memory_order_relaxed);
    atomic_store_explicit(&a->tail, tail + events, memory_order_release);
}

size_t audit_line_begin(const struct audit_batch *b)
{
    return b->done > 0 ? b->line[b->done - 1].end : 0;
}

void audit_batch_clear(struct audit_batch *b)
{
    b->n = b->sent = 0;
    b->lines = b->done = 0;
}
