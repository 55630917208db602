/* SPDX-License-Identifier: MIT
 * The ring of events. Nothing is serialised unless a monitor asks for it. */
#include "daemon/core/feed.h"

#include "daemon/core/priv.h"

#include <stdlib.h>

#define FLUSH_US 20000u /* protocol: a batch waits at most this long */

bool feed_init(struct feed *f, uint32_t size, size_t contents, const uint8_t random[32])
{
    uint32_t n = 16;
    while (n < size) {
        n *= 2;
    }
    *f = (struct feed){.size = n,
                       .head = 1,
                       .slowest = UINT64_MAX,
                       .lost_ms = INT64_MIN,
                       .contents_size = contents};
    sp_base62(f->boot, random);
    memcpy(f->secret, random + 16, sizeof(f->secret));
    f->ring = calloc(n, sizeof(*f->ring));
    f->longer = calloc(n, sizeof(*f->longer));
    f->contents = contents ? malloc(contents) : NULL;
    return f->ring && f->longer && (f->contents || !contents);
}

void feed_fini(struct feed *f)
{
    while (f->monitors) {
        struct monitor *m = f->monitors;
        f->monitors = m->next;
        free(m);
    }
    free(f->ring);
    free(f->longer);
    free(f->contents);
}

struct feed_slot *feed_slot_of(const struct feed *f, uint64_t seq)
{
    return &f->ring[seq & (f->size - 1)];
}

static char *text_of(const struct feed *f, const struct feed_slot *s)
{
    return s->is_long ? f->longer[s - f->ring] : (char *)(uintptr_t)s->text;
}

void feed_event(const struct feed *f, const struct feed_slot *s, struct sp_event *ev)
{
    sp_event_unpack(&s->ev, text_of(f, s), ev);
}

uint64_t feed_tail(const struct feed *f)
{
    return f->head > f->size ? f->head - f->size : 1;
}

/* The slot of seq is about to be overwritten: monitors that have not seen it lose it. */
static void lose(struct feed *f, uint64_t seq)
{
    struct sp_event ev;
    feed_event(f, feed_slot_of(f, seq), &ev);
    f->slowest = UINT64_MAX;
    for (struct monitor *m = f->monitors; m; m = m->next) {
        if (m->cursor <= seq) {
            monitor_missed(m, seq, seq, monitor_passes(f, m, &ev));
            m->cursor = seq + 1;
        }
        f->slowest = m->cursor < f->slowest ? m->cursor : f->slowest;
    }
}

static void keep_content(struct feed *f, struct feed_slot *s, struct sp_str content)
{
    size_t at = f->contents_end % f->contents_size, end = f->contents_size - at;
    size_t first = content.n < end ? content.n : end;
    memcpy(f->contents + at, content.p, first);
    memcpy(f->contents, content.p + first, content.n - first);
    s->content = f->contents_end;
    s->ncontent = (uint32_t)content.n;
    f->contents_end += content.n;
}

bool feed_put_content(const struct feed *f, const struct feed_slot *s, struct sp_buf *b)
{
    size_t at = s->content % f->contents_size, end = f->contents_size - at;
    size_t first = s->ncontent < end ? s->ncontent : end;
    if (f->contents_end - s->content > f->contents_size) {
        return false;
    }
    sp_buf_put(b, f->contents + at, first);
    sp_buf_put(b, f->contents, s->ncontent - first);
    return true;
}

static void store(struct hub *h, struct sp_event *ev, struct sp_str content)
{
    struct feed *f = &h->feed;
    struct feed_slot *s = feed_slot_of(f, f->head);
    if (f->head > f->size) {
        f->lost_ms = s->ev.ts_ms;
        if (f->slowest <= f->head - f->size) {
            lose(f, f->head - f->size);
        }
    }
    ev->n[SP_EN_seq] = (int64_t)f->head;
    ev->n[SP_EN_at] = (int64_t)(h->now.mono_us - h->started_us);
    s->is_long = sp_event_text_len(ev) > FEED_TEXT;
    sp_event_pack(&s->ev, text_of(f, s), ev);
    s->ncontent = 0;
    if (content.n && f->contents) {
        keep_content(f, s, content);
    }
    f->head++;
}

void feed_emit_with(struct hub *h, struct sp_event *ev, struct sp_str content)
{
    if (h->cluster.on) {
        ev->s[SP_ES_node] = (struct sp_str){h->cluster.name, h->cluster.nname};
    }
    store(h, ev, content);
    counts_event(&h->counts, ev);
    h->ops.event(h->ctx, ev);
    if (h->cluster.watched) {
        cluster_event(h, ev);
    }
}

void feed_take(struct hub *h, struct sp_event *ev)
{
    store(h, ev, (struct sp_str){NULL, 0});
}

void feed_emit(struct hub *h, struct sp_event *ev)
{
    feed_emit_with(h, ev, (struct sp_str){NULL, 0});
}

void feed_flush(struct hub *h)
{
    struct feed *f = &h->feed;
    f->flush_us = h->now.mono_us;
    f->slowest = UINT64_MAX;
    for (struct monitor *m = f->monitors; m; m = m->next) {
        monitor_serve(h, m);
        f->slowest = m->cursor < f->slowest ? m->cursor : f->slowest;
    }
}

/* Those who wait for their socket are served by hub_writable. */
uint64_t feed_due(const struct hub *h)
{
    for (const struct monitor *m = h->feed.monitors; m; m = m->next) {
        if (m->client->queue.count == 0 && monitor_waits(&h->feed, m)) {
            return h->feed.flush_us + FLUSH_US;
        }
    }
    return UINT64_MAX;
}
