/* SPDX-License-Identifier: MIT
 * Registration: one id per connection, one connection per id, a growing epoch for each. */
#include "daemon/core/priv.h"

#include <stdlib.h>

static const char *const features[] = {"ack",      "bye",         "list-page", "watch", "monitor",
                                       "takeover", "ice-servers", "hold",      "resume"};

/* resumed: NULL where it is not the first register, or did not ask. */
static void send_registered(struct hub *h, struct client *c, const bool *resumed)
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
    if (c->lasting) {
        sp_json_int(&j, "resumeWindow", (int64_t)(h->conf.resume_us / 1000));
    }
    if (resumed) {
        sp_json_bool(&j, "resumed", *resumed);
    }
    ice_put(h, c, &j);
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

static void replace_str(struct sp_str *slot, struct sp_str value)
{
    str_free(*slot);
    *slot = value;
}

/* What a registration brings, copied before anything is changed. */
struct claim {
    struct sp_str id, role, meta;
};

static void drop_claim(struct claim *k)
{
    replace_str(&k->id, (struct sp_str){NULL, 0});
    replace_str(&k->role, (struct sp_str){NULL, 0});
    replace_str(&k->meta, (struct sp_str){NULL, 0});
}

static bool copy_claim(struct claim *k, struct sp_str given, const struct sp_msg *m)
{
    bool role = given.n > 0, meta = sp_msg_has(m, SP_M_META);
    *k = (struct claim){.id = str_dup(m->str[SP_M_ID])};
    if (role) {
        k->role = str_dup(given);
    }
    if (meta) {
        k->meta = str_dup(m->raw[SP_M_META]);
    }
    if (k->id.p && (!role || k->role.p) && (!meta || k->meta.p)) {
        return true;
    }
    drop_claim(k);
    return false;
}

static void take_claim(struct client *c, const struct claim *k)
{
    replace_str(&c->id, k->id);
    replace_str(&c->role, k->role);
    replace_str(&c->meta, k->meta);
}

/* Its sessions and the messages of others that wait to be written go to the connection that proved
 * to be the same peer, after its registered. */
static void inherit(struct hub *h, struct client *old, struct client *c)
{
    session_move_all(old, c);
    queue_move(&c->queue, &old->queue);
    if (c->queue.count) {
        c->slow_since_us = h->now.mono_us;
        client_drain(h, c);
        client_arm(h, c);
    }
}

/* Enters the client under its id; the older connection of that id loses it here and now and is
 * closed at the end of the call. Nothing can fail once the entry is made. */
static bool enter(struct hub *h, struct client *c, struct client *old)
{
    if (!order_reserve(&h->order)) {
        return false;
    }
    if (old) {
        sp_map_del(&h->ids, old->id);
        order_remove(&h->order, old);
    }
    if (!sp_map_put(&h->ids, c)) {
        return false;
    }
    order_add(&h->order, c);
    return true;
}

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* The older registration of the id ends, here or on its node; true when its sessions go on. */
static bool displace(struct hub *h, struct client *old, struct client *c, const struct sp_msg *m,
                     bool resumed)
{
    if (old->node) {
        remote_displaced(h, old);
        return false;
    }
    client_doom(h, old, SP_CLOSE_REPLACED);
    if (resumed) {
        resume_take(h, old, c, m);
        return true;
    }
    /* for those that know no replay; for others sessions without their messages are worth nothing
     */
    bool kept = !old->lasting && !c->lasting && resume_proves(old, m);
    if (kept) {
        inherit(h, old, c);
    }
    return kept;
}

static bool claim(struct hub *h, struct client *c, const struct sp_msg *m)
{
    struct claim k;
    if (!copy_claim(&k, auth_role(h, c->grant, m), m)) {
        return false;
    }
    take_claim(c, &k);
    struct client *old = client_find(h, c->id);
    if (!enter(h, c, old)) {
        return false;
    }
    uint8_t rnd[16];
    h->ops.random(h->ctx, rnd, sizeof(rnd));
    sp_base62(c->resume, rnd);
    c->state = CLIENT_REGISTERED;
    c->epoch = cluster_epoch(h, old);
    c->since_ms = h->now.wall_ms;
    client_arm(h, c);
    resume_ask(h, c, m);
    bool resumed = old && c->lasting && resume_fits(old, m);
    send_registered(h, c, c->lasting && sp_msg_has(m, SP_M_RESUME) ? &resumed : NULL);
    bool kept = false;
    if (old) {
        /* or a client could send more by coming again and again */
        c->messages_full = later(c->messages_full, old->messages_full);
        c->bytes_full = later(c->bytes_full, old->bytes_full);
        c->refusals_full = later(c->refusals_full, old->refusals_full);
        emit_register(h, old, SP_EV_REPLACE);
        kept = displace(h, old, c, m, resumed);
    }
    cluster_joined(h, c, kept);
    emit_register(h, c, SP_EV_REGISTER);
    if (old) {
        presence_change(h, c, (struct seen){old->role, old->role_ix}, "replaced");
    } else {
        presence_tell(h, c, "join");
    }
    held_arrived(h, c);
    return true;
}

static void register_again(struct hub *h, struct client *c, const struct sp_msg *m)
{
    struct claim k;
    struct sp_str none = {NULL, 0};
    struct seen before = {c->role, c->role_ix};
    struct grant *fresh;
    if (!sp_str_eq(c->id, m->str[SP_M_ID])) {
        reply_error(h, c, SP_ALREADY_REGISTERED, none, "this connection is %.*s", (int)c->id.n,
                    c->id.p);
    } else if (!auth_register(h, c, m, &fresh)) {
        return;
    } else if (!copy_claim(&k, auth_role(h, fresh ? fresh : c->grant, m), m)) {
        free(fresh);
        reply_error(h, c, SP_INTERNAL, none, "out of memory");
    } else {
        /* the map and the index know the client by its old copy of the id, which is the same */
        str_free(k.id);
        k.id = c->id;
        c->id.p = NULL;
        c->role.p = NULL;
        take_claim(c, &k);
        auth_take(h, c, fresh);
        presence_change(h, c, before, NULL);
        cluster_joined(h, c, true);
        str_free(before.role);
        send_registered(h, c, NULL);
        held_look(h); /* it may see others now, and they it */
    }
}

void on_register(struct hub *h, struct client *c, const struct sp_msg *m)
{
    struct sp_str id = m->str[SP_M_ID], none = {NULL, 0};
    struct grant *fresh;
    if (c->state == CLIENT_REGISTERED) {
        register_again(h, c, m);
        return;
    }
    if (!auth_register(h, c, m, &fresh)) {
        return;
    }
    auth_take(h, c, fresh);
    const struct client *old = client_find(h, id);
    if (h->conf.policy == HUB_REJECT && old && !resume_fits(old, m)) {
        reply_error(h, c, SP_ID_TAKEN, none, "%.*s is registered by another connection", (int)id.n,
                    id.p);
    } else if (!claim(h, c, m)) {
        reply_error(h, c, SP_INTERNAL, none, "out of memory");
    }
}
