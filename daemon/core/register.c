/* SPDX-License-Identifier: MIT
 * Registration: one id per connection, one connection per id, a growing epoch for each. */
#include "daemon/core/priv.h"

#include <stdlib.h>

static const char *const features[] = {"ack", "bye", "list-page", "watch", "monitor", "takeover"};

static void send_registered(struct hub *h, struct client *c)
{
    struct sp_buf b = hub_out(h);
    struct sp_json j;
    sp_json_init(&j, &b);
    sp_json_object(&j, NULL);
    sp_json_str(&j, "type", SP_STR("registered"));
    sp_json_str(&j, "id", c->id);
    if (h->msg.rid.n) {
        sp_json_raw(&j, "rid", h->msg.rid);
    }
    sp_json_int(&j, "epoch", (int64_t)c->epoch);
    sp_json_int(&j, "heartbeatInterval", (int64_t)(h->conf.heartbeat_us / 1000));
    sp_json_str(&j, "resume", (struct sp_str){c->resume, sizeof(c->resume)});
    sp_json_str(&j, "server", sp_str(h->conf.server));
    sp_json_array(&j, "features");
    for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++) {
        sp_json_str(&j, NULL, sp_str(features[i]));
    }
    sp_json_end(&j, ']');
    sp_json_str(&j, "timestamp", hub_stamp(h));
    sp_json_end(&j, '}');
    client_send(h, c, &b);
}

static void emit_register(struct hub *h, const struct client *c, enum sp_event_type t)
{
    struct sp_event ev;
    sp_event_init(&ev, t, h->now.wall_ms);
    ev.s[SP_ES_id] = c->id;
    ev.s[SP_ES_role] = c->role;
    ev.s[SP_ES_addr] = c->addr;
    ev.n[SP_EN_conn] = (int64_t)c->conn;
    ev.n[SP_EN_epoch] = (int64_t)c->epoch;
    feed_emit(h, &ev);
}

static bool replace_str(struct sp_str *slot, bool given, struct sp_str value)
{
    struct sp_str fresh = {NULL, 0};
    if (given) {
        fresh = str_dup(value);
        if (!fresh.p) {
            return false;
        }
    }
    free((char *)(uintptr_t)slot->p);
    *slot = fresh;
    return true;
}

static bool take_profile(struct client *c, const struct sp_msg *m)
{
    return replace_str(&c->role, sp_msg_has(m, SP_M_ROLE), m->str[SP_M_ROLE]) &&
           replace_str(&c->meta, sp_msg_has(m, SP_M_META), m->raw[SP_M_META]);
}

/* The older connection of the id loses it here and now; it is closed at the end of the call. Its
 * sessions move only with the token that proves the newcomer to be the same peer. */
static void take_over(struct hub *h, struct client *old, struct client *c, const struct sp_msg *m)
{
    bool same = sp_msg_has(m, SP_M_RESUME) &&
                sp_str_eq(m->str[SP_M_RESUME], (struct sp_str){old->resume, sizeof(old->resume)});
    sp_map_del(&h->ids, old->id);
    order_remove(&h->order, old);
    emit_register(h, old, SP_EV_REPLACE);
    client_doom(h, old, SP_CLOSE_REPLACED, sp_close_reason(SP_CLOSE_REPLACED));
    if (same) {
        /* oldest first, so that the newest is found first again */
        struct session *s = old->sessions;
        while (s && s->link[s->party[0] == old ? 0 : 1].next) {
            s = s->link[s->party[0] == old ? 0 : 1].next;
        }
        while (s) {
            struct session *prev = s->link[s->party[0] == old ? 0 : 1].prev;
            session_move(s, old, c);
            s = prev;
        }
    }
}

static bool claim(struct hub *h, struct client *c, const struct sp_msg *m)
{
    if (!replace_str(&c->id, true, m->str[SP_M_ID]) || !take_profile(c, m)) {
        return false;
    }
    struct client *old = client_find(h, c->id);
    if (old) {
        take_over(h, old, c, m);
    }
    if (!order_add(&h->order, c)) {
        return false;
    }
    if (!sp_map_put(&h->ids, c)) {
        order_remove(&h->order, c);
        return false;
    }
    uint8_t rnd[16];
    h->ops.random(h->ctx, rnd, sizeof(rnd));
    sp_base62(c->resume, rnd);
    c->state = CLIENT_REGISTERED;
    c->epoch = ++h->last_epoch;
    c->since_ms = h->now.wall_ms;
    client_arm(h, c);
    send_registered(h, c);
    emit_register(h, c, SP_EV_REGISTER);
    presence_tell(h, c, old ? "replaced" : "join");
    return true;
}

static void register_again(struct hub *h, struct client *c, const struct sp_msg *m)
{
    if (!sp_str_eq(c->id, m->str[SP_M_ID])) {
        reply_error(h, c, SP_ALREADY_REGISTERED, (struct sp_str){NULL, 0},
                    "this connection is %.*s", (int)c->id.n, c->id.p);
    } else if (!take_profile(c, m)) {
        reply_error(h, c, SP_INTERNAL, (struct sp_str){NULL, 0}, "out of memory");
    } else {
        send_registered(h, c);
    }
}

void on_register(struct hub *h, struct client *c, const struct sp_msg *m)
{
    struct sp_str id = m->str[SP_M_ID], none = {NULL, 0};
    if (c->state == CLIENT_REGISTERED) {
        register_again(h, c, m);
    } else if (h->conf.policy == HUB_REJECT && client_find(h, id)) {
        reply_error(h, c, SP_ID_TAKEN, none, "%.*s is registered by another connection", (int)id.n,
                    id.p);
    } else if (!claim(h, c, m)) {
        reply_error(h, c, SP_INTERNAL, none, "out of memory");
    }
}
