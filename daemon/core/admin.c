/* SPDX-License-Identifier: MIT
 * Administration: what is going on, and putting an end to it. */
#include "daemon/core/priv.h"

#define PAGE_BYTES       (160u * 1024u)
#define WALK_PER_MESSAGE 256u /* sessions looked at for the price of a message */

static const struct sp_str none = {NULL, 0};

static void emit_admin(struct hub *h, const struct client *c, const struct sp_msg *m,
                       struct sp_str code, struct sp_str reason)
{
    struct sp_event ev;
    sp_event_init(&ev, SP_EV_ADMIN, h->now.wall_ms);
    ev.kind = m->type;
    ev.s[SP_ES_id] = client_name(c);
    ev.s[SP_ES_addr] = c->addr;
    ev.s[SP_ES_to] = sp_msg_has(m, SP_M_TARGET) ? m->str[SP_M_TARGET] : none;
    ev.s[SP_ES_code] = code;
    ev.s[SP_ES_reason] = reason;
    ev.n[SP_EN_conn] = (int64_t)c->conn;
    feed_emit(h, &ev);
}

/* ---------------------------------------------------------------- sessions */

static void put_session(struct hub *h, struct sp_json *j, const struct session *s)
{
    sp_json_object(j, NULL);
    sp_json_str(j, "id", s->id);
    sp_json_str(j, "from", s->party[0]->id);
    sp_json_str(j, "to", s->party[1]->id);
    sp_json_str(j, "state", s->answered ? SP_STR("answered") : SP_STR("offered"));
    sp_json_int(j, "offers", s->offers);
    sp_json_int(j, "answers", s->answers);
    sp_json_int(j, "candidates", s->candidates);
    sp_json_str(j, "since", sp_stamp_at(&h->since_stamp, s->opened_ms));
    sp_json_int(j, "idle", (int64_t)((h->now.mono_us - s->last_us) / 1000));
    sp_json_end(j, '}');
}

static bool matches(const struct sp_msg *m, const struct session *s)
{
    return !sp_msg_has(m, SP_M_MATCH) || sp_glob_match(m->str[SP_M_MATCH], s->party[0]->id) ||
           sp_glob_match(m->str[SP_M_MATCH], s->party[1]->id);
}

/* The oldest session behind a page's end: sessions come and go, their numbers only grow. */
static bool start_after(const struct sp_msg *m, uint64_t *serial)
{
    int64_t n = 0;
    bool ok = !sp_msg_has(m, SP_M_AFTER) || (sp_parse_int(m->str[SP_M_AFTER], &n) && n >= 0);
    *serial = (uint64_t)n;
    return ok;
}

void on_sessions(struct hub *h, struct client *c, const struct sp_msg *m)
{
    int64_t limit = sp_msg_has(m, SP_M_LIMIT) ? m->num[SP_M_LIMIT] : SP_LIST_MAX;
    uint64_t after, last = 0;
    if (!start_after(m, &after)) {
        reply_error(h, c, SP_INVALID_MEMBER, none, "after is not the next of a page of sessions");
        return;
    }
    struct sp_buf b;
    struct sp_json j;
    reply_open(h, &j, &b, SP_T_SESSIONS);
    sp_json_array(&j, "sessions");
    int64_t taken = 0, total = 0;
    bool more = false;
    hub_charge(h, c, h->nsessions / WALK_PER_MESSAGE);
    for (const struct session *s = h->oldest; s; s = s->newer) {
        if (!matches(m, s)) {
            continue;
        }
        total++;
        more = more || (s->serial > after && (taken == limit || b.n > PAGE_BYTES));
        if (s->serial > after && !more) {
            put_session(h, &j, s);
            last = s->serial;
            taken++;
        }
    }
    sp_json_end(&j, ']');
    sp_json_int(&j, "count", total);
    if (more) {
        char next[24];
        struct sp_buf text;
        sp_buf_init(&text, next, sizeof(next));
        sp_buf_int(&text, (int64_t)last);
        sp_json_str(&j, "next", sp_buf_view(&text));
    }
    reply_send(h, c, &j);
}

/* ---------------------------------------------------------------- stats */

static void put_counters(const struct hub_counts *n, struct sp_json *j)
{
    sp_json_object(j, "counters");
    sp_json_object(j, "events");
    for (int i = 1; i < SP_EV_COUNT; i++) {
        sp_json_int(j, sp_event_wire((enum sp_event_type)i), (int64_t)n->events[i]);
    }
    sp_json_end(j, '}');
    sp_json_object(j, "relayed");
    for (int i = 1; i < SP_T_COUNT; i++) {
        const struct sp_request *row = sp_request_row((enum sp_type)i);
        if (row && row->class == SP_CLASS_RELAY) {
            sp_json_int(j, sp_type_wire((enum sp_type)i), (int64_t)n->relays[i]);
        }
    }
    sp_json_end(j, '}');
    sp_json_int(j, "relayedBytes", (int64_t)n->relayed_bytes);
    sp_json_object(j, "errors");
    for (int i = 1; i < SP_ERR_COUNT; i++) {
        sp_json_int(j, sp_err_wire((enum sp_err)i), (int64_t)n->errors[i]);
    }
    sp_json_end(j, '}');
    sp_json_end(j, '}');
}

void on_stats(struct hub *h, struct client *c, const struct sp_msg *m)
{
    struct sp_buf b;
    struct sp_json j;
    (void)m;
    reply_open(h, &j, &b, SP_T_STATS);
    sp_json_str(&j, "server", sp_str(h->conf.server));
    sp_json_int(&j, "clients", hub_clients(h));
    sp_json_int(&j, "connections", hub_connections(h));
    sp_json_int(&j, "sessions", hub_sessions(h));
    sp_json_int(&j, "monitors", hub_monitors(h));
    sp_json_int(&j, "queuedBytes", (int64_t)hub_queued_bytes(h));
    sp_json_int(&j, "uptime", (int64_t)((h->now.mono_us - h->started_us) / 1000000));
    put_counters(&h->counts, &j);
    reply_send(h, c, &j);
}

/* ---------------------------------------------------------------- kick, drain, reload */

void on_kick(struct hub *h, struct client *c, const struct sp_msg *m)
{
    struct client *target = relay_target(h, c, m);
    if (target) {
        emit_admin(h, c, m, none, sp_msg_has(m, SP_M_REASON) ? m->str[SP_M_REASON] : none);
        reply_ack(h, c, none);
        if (target->node) {
            cluster_kick(h, target);
        } else {
            client_doom(h, target, SP_CLOSE_KICKED);
        }
    }
}

void on_drain(struct hub *h, struct client *c, const struct sp_msg *m)
{
    emit_admin(h, c, m, none, none);
    reply_ack(h, c, none);
    h->ops.drain(h->ctx);
}

void on_reload(struct hub *h, struct client *c, const struct sp_msg *m)
{
    char why[256];
    bool ok = h->ops.reload(h->ctx, why, sizeof(why));
    emit_admin(h, c, m, ok ? none : sp_str(sp_err_wire(SP_INTERNAL)), none);
    if (ok) {
        reply_ack(h, c, none);
    } else {
        reply_error(h, c, SP_INTERNAL, none, "nothing was changed: %s", why);
    }
}
