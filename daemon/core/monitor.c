/* SPDX-License-Identifier: MIT
 * Monitors: where one begins to read, what it wants to see, and how it is told. */
#include "daemon/core/priv.h"

#include <stdlib.h>

#define BATCH_BYTES (48u * 1024u) /* a batch leaves when it is this full */
#define EVENT_ROOM  4096u         /* an event without its content, and the end of the batch */

bool monitor_waits(const struct feed *f, const struct monitor *m)
{
    return m->missed || m->told || m->cursor < f->head;
}

void monitor_missed(struct monitor *m, uint64_t from, uint64_t to, int64_t count)
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

/* Whole sessions, or else whole connections, are in a sample or not: what belongs together stays
 * together. The secret keeps peers from choosing. */
static bool is_sampled(const struct feed *f, const struct monitor *m, const struct sp_event *ev)
{
    struct sp_str key = ev->s[SP_ES_session];
    int64_t n = ev->n[SP_EN_conn] >= 0 ? ev->n[SP_EN_conn] : ev->n[SP_EN_seq];
    if (m->sample == SP_SAMPLE_ALL) {
        return true;
    }
    if (key.n == 0) {
        key = (struct sp_str){(const char *)&n, sizeof(n)};
    }
    return sp_siphash(f->secret[0], f->secret[1], key.p, key.n) % SP_SAMPLE_ALL < m->sample;
}

bool monitor_passes(const struct feed *f, const struct monitor *m, const struct sp_event *ev)
{
    return is_sampled(f, m, ev) && sp_filter_match(&m->filter, ev);
}

/* ---------------------------------------------------------------- telling */

static void send_gap(struct hub *h, struct monitor *m)
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
    client_send(h, m->client, &b);
}

static void put_content(const struct feed *f, const struct feed_slot *s, struct sp_buf *b)
{
    b->n--; /* the closing brace */
    sp_buf_str(b, s->ev.kind == SP_T_ICE ? SP_STR(",\"candidate\":") : SP_STR(",\"sdp\":"));
    if (s->ncontent + EVENT_ROOM > b->cap - b->n || !feed_put_content(f, s, b)) {
        sp_buf_lit(b, "null");
    }
    sp_buf_lit(b, "}");
}

/* A role that lost the right to see contents sees none from then on. */
static bool wants_content(const struct hub *h, const struct monitor *m, const struct feed_slot *s)
{
    return m->content && s->ncontent && rights_any(&h->rights, m->client->role_ix, SP_T_CONTENT);
}

/* Writes the events that the monitor wants, as many as one batch takes. */
static bool put_events(struct hub *h, struct monitor *m, struct sp_buf *b)
{
    bool any = false;
    while (m->cursor < h->feed.head && b->n < BATCH_BYTES) {
        const struct feed_slot *s = feed_slot_of(&h->feed, m->cursor);
        struct sp_event ev;
        feed_event(&h->feed, s, &ev);
        if (!monitor_passes(&h->feed, m, &ev)) {
            m->cursor++;
            continue;
        }
        bool more = wants_content(h, m, s);
        if (more && any && b->n + s->ncontent + 2 * EVENT_ROOM > b->cap) {
            break;
        }
        if (any) {
            sp_buf_lit(b, ",");
        }
        any = true;
        sp_put_event(b, &ev, sp_stamp_at(&h->since_stamp, ev.ts_ms));
        if (more) {
            put_content(&h->feed, s, b);
        }
        m->cursor++;
    }
    return any;
}

/* One batch; an empty one when it was to be told that there is no more of what it asked for. */
static void send_batch(struct hub *h, struct monitor *m)
{
    struct sp_buf b = hub_out(h);
    sp_buf_lit(&b, "{\"type\":\"events\",\"events\":[");
    bool any = put_events(h, m, &b);
    sp_buf_lit(&b, "],\"seq\":");
    sp_buf_int(&b, (int64_t)(m->cursor - 1));
    sp_buf_lit(&b, "}");
    bool reached = m->told && m->cursor >= m->told;
    if (reached) {
        m->told = 0;
    }
    if (any || reached) {
        client_send(h, m->client, &b);
    }
}

void monitor_serve(struct hub *h, struct monitor *m)
{
    struct client *c = m->client;
    while (c->queue.count == 0 && !c->doomed && monitor_waits(&h->feed, m)) {
        if (m->missed) {
            send_gap(h, m);
        } else {
            send_batch(h, m);
        }
    }
}

void monitor_drop(struct hub *h, struct client *c)
{
    for (struct monitor **at = &h->feed.monitors; c->monitor && *at; at = &(*at)->next) {
        if (*at == c->monitor) {
            *at = c->monitor->next;
            break;
        }
    }
    if (c->monitor) {
        cluster_watch(h);
    }
    free(c->monitor);
    c->monitor = NULL;
}

/* ---------------------------------------------------------------- where it begins */

/* Goes back from the newest event until n of them are wanted. */
static uint64_t backlog_cursor(const struct feed *f, const struct monitor *m, int64_t n)
{
    uint64_t at = f->head;
    struct sp_event ev;
    while (n > 0 && at > feed_tail(f)) {
        feed_event(f, feed_slot_of(f, --at), &ev);
        n -= monitor_passes(f, m, &ev);
    }
    return at;
}

static uint64_t time_cursor(const struct feed *f, int64_t ms)
{
    uint64_t at = f->head;
    while (at > feed_tail(f) && feed_slot_of(f, at - 1)->ev.ts_ms >= ms) {
        at--;
    }
    return at;
}

static uint64_t seq_cursor(const struct feed *f, struct monitor *m, const struct sp_msg *msg)
{
    uint64_t tail = feed_tail(f), want = (uint64_t)msg->num[SP_M_SINCE] + 1;
    struct sp_str boot = {f->boot, sizeof(f->boot)};
    bool other = sp_msg_has(msg, SP_M_BOOT) && !sp_str_eq(msg->str[SP_M_BOOT], boot);
    if (other || want > f->head) {
        /* numbers of another life of the daemon: everything of this one is new */
        return tail;
    }
    if (want < tail) {
        monitor_missed(m, want, tail - 1, (int64_t)(tail - want));
        return tail;
    }
    return want;
}

/* Several members are a bound each. Gives whether events that were asked for are not kept any more
 * and cannot be counted. */
static bool place_cursor(const struct hub *h, struct monitor *m, const struct sp_msg *msg)
{
    const struct feed *f = &h->feed;
    bool has_since = sp_msg_has(msg, SP_M_SINCE), has_age = sp_msg_has(msg, SP_M_AGE);
    bool is_time = has_since && msg->raw[SP_M_SINCE].p[0] == '"';
    int64_t ms = is_time ? msg->num[SP_M_SINCE] : INT64_MIN;
    if (has_age && h->now.wall_ms - msg->num[SP_M_AGE] > ms) {
        ms = h->now.wall_ms - msg->num[SP_M_AGE];
    }
    uint64_t begins[] = {
        sp_msg_has(msg, SP_M_BACKLOG) ? backlog_cursor(f, m, msg->num[SP_M_BACKLOG]) : 0,
        ms != INT64_MIN ? time_cursor(f, ms) : 0,
        has_since && !is_time ? seq_cursor(f, m, msg) : 0};
    for (size_t i = 0; i < sizeof(begins) / sizeof(begins[0]); i++) {
        m->cursor = begins[i] > m->cursor ? begins[i] : m->cursor;
    }
    m->told = m->cursor ? f->head : 0;
    m->cursor = m->cursor ? m->cursor : f->head;
    return ms != INT64_MIN && m->cursor == feed_tail(f) && f->lost_ms >= ms;
}

static void ack_monitor(struct hub *h, struct client *c, bool truncated)
{
    struct sp_buf b;
    struct sp_json j;
    if (h->msg.rid.n == 0) {
        return;
    }
    reply_open(h, &j, &b, SP_T_ACK);
    sp_json_int(&j, "seq", (int64_t)(h->feed.head - 1));
    sp_json_str(&j, "boot", (struct sp_str){h->feed.boot, sizeof(h->feed.boot)});
    if (truncated) {
        sp_json_bool(&j, "truncated", true);
    }
    reply_send(h, c, &j);
}

/* Reads what is wanted; false: answered. */
static bool read_wishes(struct hub *h, struct client *c, const struct sp_msg *m,
                        struct monitor *mon)
{
    struct sp_str none = {NULL, 0};
    struct sp_diag d;
    mon->sample = sp_msg_has(m, SP_M_SAMPLE) ? (uint32_t)m->num[SP_M_SAMPLE] : SP_SAMPLE_ALL;
    mon->content = sp_msg_has(m, SP_M_CONTENT) && m->num[SP_M_CONTENT];
    if (sp_filter_parse(&mon->filter, sp_msg_has(m, SP_M_FILTER) ? m->str[SP_M_FILTER] : none,
                        &d)) {
        reply_error(h, c, SP_INVALID_MEMBER, none, "filter: %s", d.text);
        return false;
    }
    if (mon->content && !rights_any(&h->rights, c->role_ix, SP_T_CONTENT)) {
        reply_error(h, c, SP_FORBIDDEN, none, "your role may not see contents");
        return false;
    }
    if (mon->content && !h->feed.contents) {
        reply_error(h, c, SP_FORBIDDEN, none, "the server keeps no contents (--log-sdp full)");
        return false;
    }
    return true;
}

void on_monitor(struct hub *h, struct client *c, const struct sp_msg *m)
{
    struct monitor *mon = calloc(1, sizeof(*mon));
    if (!mon) {
        reply_error(h, c, SP_INTERNAL, (struct sp_str){NULL, 0}, "out of memory");
        return;
    }
    if (!read_wishes(h, c, m, mon)) {
        free(mon);
        return;
    }
    monitor_drop(h, c);
    mon->client = c;
    mon->next = h->feed.monitors;
    h->feed.monitors = c->monitor = mon;
    bool truncated = place_cursor(h, mon, m);
    h->feed.slowest = mon->cursor < h->feed.slowest ? mon->cursor : h->feed.slowest;
    client_arm(h, c);
    cluster_watch(h);
    ack_monitor(h, c, truncated);
    monitor_serve(h, mon);
}
