/* SPDX-License-Identifier: MIT
 * The ring of events. Nothing is serialised unless a monitor asks for it. */
#include "daemon/core/feed.h"

#include "daemon/core/priv.h"

#include <stdlib.h>

#define FLUSH_US    20000u        /* protocol: a batch waits at most this long */
#define BATCH_BYTES (48u * 1024u) /* a batch leaves when it is this full */

bool feed_init(struct feed *f, uint32_t size)
{
    uint32_t n = 16;
    while (n < size) {
        n *= 2;
    }
    *f = (struct feed){.size = n, .head = 1, .slowest = UINT64_MAX};
    f->ring = calloc(n, sizeof(*f->ring));
    return f->ring != NULL;
}

void feed_fini(struct feed *f)
{
    while (f->monitors) {
        struct monitor *m = f->monitors;
        f->monitors = m->next;
        free(m);
    }
    free(f->ring);
}

static struct sp_event_slot *slot_of(const struct feed *f, uint64_t seq)
{
    return &f->ring[seq & (f->size - 1)];
}

static uint64_t tail_of(const struct feed *f)
{
    return f->head > f->size ? f->head - f->size : 1;
}

static void note_missed(struct monitor *m, uint64_t from, uint64_t to, int64_t count)
{
    if (count == 0) {
        return;
    }
    if (m->missed == 0) {
        m->missed_from = from;
    }
    m->missed_to = to;
    m->missed += count;
}

/* The slot of seq is about to be overwritten: monitors that have not seen it lose it. */
static void lose(struct feed *f, uint64_t seq)
{
    struct sp_event ev;
    sp_event_unpack(slot_of(f, seq), &ev);
    f->slowest = UINT64_MAX;
    for (struct monitor *m = f->monitors; m; m = m->next) {
        if (m->cursor <= seq) {
            note_missed(m, seq, seq, sp_filter_match(&m->filter, &ev));
            m->cursor = seq + 1;
        }
        f->slowest = m->cursor < f->slowest ? m->cursor : f->slowest;
    }
}

void feed_emit(struct hub *h, struct sp_event *ev)
{
    struct feed *f = &h->feed;
    if (f->monitors && f->head > f->size && f->slowest <= f->head - f->size) {
        lose(f, f->head - f->size);
    }
    ev->n[SP_EN_seq] = (int64_t)f->head;
    sp_event_pack(slot_of(f, f->head), ev);
    f->head++;
    counts_event(&h->counts, ev);
    h->ops.event(h->ctx, ev);
}

static bool send_gap(struct hub *h, struct monitor *m)
{
    struct sp_buf b = hub_out(h);
    struct sp_json j;
    sp_json_init(&j, &b);
    sp_json_object(&j, NULL);
    sp_json_str(&j, "type", SP_STR("gap"));
    sp_json_int(&j, "missed", m->missed);
    sp_json_int(&j, "from", (int64_t)m->missed_from);
    sp_json_int(&j, "to", (int64_t)m->missed_to);
    sp_json_end(&j, '}');
    m->missed = 0;
    return client_send(h, m->client, &b) == HUB_WROTE;
}

static void put_one(struct hub *h, struct sp_buf *b, const struct sp_event *ev)
{
    sp_put_event(b, ev, sp_stamp_at(&h->since_stamp, ev->ts_ms));
}

/* One batch of what the filter lets through; false when there was nothing to send. */
static bool send_batch(struct hub *h, struct monitor *m)
{
    static const char head[] = "{\"type\":\"events\",\"events\":[";
    struct sp_buf b = hub_out(h);
    struct sp_event ev;
    bool any = false;
    sp_buf_lit(&b, head);
    while (m->cursor < h->feed.head && b.n < BATCH_BYTES) {
        sp_event_unpack(slot_of(&h->feed, m->cursor++), &ev);
        if (!sp_filter_match(&m->filter, &ev)) {
            continue;
        }
        if (any) {
            sp_buf_lit(&b, ",");
        }
        any = true;
        put_one(h, &b, &ev);
    }
    sp_buf_lit(&b, "]}");
    return any && client_send(h, m->client, &b) == HUB_WROTE;
}

void monitor_serve(struct hub *h, struct monitor *m)
{
    struct client *c = m->client;
    while (c->queue.count == 0 && !c->doomed && (m->missed || m->cursor < h->feed.head)) {
        if (m->missed) {
            send_gap(h, m);
        } else {
            send_batch(h, m);
        }
    }
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
        if (m->client->queue.count == 0 && (m->missed || m->cursor < h->feed.head)) {
            return h->feed.flush_us + FLUSH_US;
        }
    }
    return UINT64_MAX;
}

void monitor_drop(struct hub *h, struct client *c)
{
    for (struct monitor **at = &h->feed.monitors; c->monitor && *at; at = &(*at)->next) {
        if (*at == c->monitor) {
            *at = c->monitor->next;
            break;
        }
    }
    free(c->monitor);
    c->monitor = NULL;
}

/* Goes back from the newest event until n of them pass the filter. */
static uint64_t backlog_cursor(const struct feed *f, const struct sp_filter *filter, int64_t n)
{
    uint64_t at = f->head;
    struct sp_event ev;
    while (n > 0 && at > tail_of(f)) {
        sp_event_unpack(slot_of(f, --at), &ev);
        n -= sp_filter_match(filter, &ev);
    }
    return at;
}

static void place_cursor(const struct feed *f, struct monitor *m, const struct sp_msg *msg)
{
    uint64_t tail = tail_of(f);
    m->cursor = f->head;
    if (sp_msg_has(msg, SP_M_BACKLOG)) {
        m->cursor = backlog_cursor(f, &m->filter, msg->num[SP_M_BACKLOG]);
    }
    if (!sp_msg_has(msg, SP_M_SINCE)) {
        return;
    }
    uint64_t want = (uint64_t)msg->num[SP_M_SINCE] + 1;
    if (want > f->head) {
        /* numbers of another life of the daemon: everything of this one is new */
        m->cursor = tail;
    } else if (want < tail) {
        note_missed(m, want, tail - 1, (int64_t)(tail - want));
        m->cursor = tail;
    } else {
        m->cursor = want;
    }
}

void on_monitor(struct hub *h, struct client *c, const struct sp_msg *m)
{
    struct sp_str none = {NULL, 0};
    struct monitor *mon = calloc(1, sizeof(*mon));
    if (!mon) {
        reply_error(h, c, SP_INTERNAL, none, "out of memory");
        return;
    }
    struct sp_diag d;
    if (sp_filter_parse(&mon->filter, sp_msg_has(m, SP_M_FILTER) ? m->str[SP_M_FILTER] : none,
                        &d)) {
        reply_error(h, c, SP_INVALID_MEMBER, none, "filter: %s", d.text);
        free(mon);
        return;
    }
    monitor_drop(h, c);
    mon->client = c;
    mon->next = h->feed.monitors;
    h->feed.monitors = c->monitor = mon;
    place_cursor(&h->feed, mon, m);
    h->feed.slowest = mon->cursor < h->feed.slowest ? mon->cursor : h->feed.slowest;
    client_arm(h, c);
    reply_ack(h, c, none);
    monitor_serve(h, mon);
}
