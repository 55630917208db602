/* SPDX-License-Identifier: MIT
 * STUN and TURN servers for clients, with credentials that end: "expiry:id" as the user name and a
 * password made of it, as coturn's use-auth-secret and the TURN REST API have it. They are made
 * anew before they end. */
#include "daemon/core/priv.h"

#define LEAST_PERCENT 70u      /* of their life, after which they are made anew; at 80 % at last */
#define SPREAD_US     5000000u /* over which all clients are told of a change */
#define AGAIN_US      1000000u /* after a credential could not be made */

/* made is a user name and its password. */
struct made {
    struct sp_buf user, password;
    char user_text[SP_ID_MAX + 24], password_text[HUB_CREDENTIAL_MAX];
};

bool ice_is_timed(const struct hub *h)
{
    return h->conf.ice.turn.n && !h->conf.ice.username.n;
}

/* A part of the next us microseconds by chance, so that clients that came together part. */
static uint64_t some_of(struct hub *h, uint64_t us)
{
    uint64_t rnd;
    h->ops.random(h->ctx, &rnd, sizeof(rnd));
    return rnd % (us + 1);
}

/* Gives k, or NULL where there is nothing to make or it cannot be made. The end is a full second:
 * the next one, so that it is good for as long as is said. */
static const struct made *make(struct hub *h, const struct client *c, struct made *k)
{
    if (!ice_is_timed(h)) {
        return NULL;
    }
    int64_t end_ms = h->now.wall_ms + (int64_t)(h->conf.ice.ttl_us / 1000);
    sp_buf_init(&k->user, k->user_text, sizeof(k->user_text));
    sp_buf_int(&k->user, (end_ms + 999) / 1000);
    sp_buf_lit(&k->user, ":");
    sp_buf_str(&k->user, c->id);
    sp_buf_init(&k->password, k->password_text, sizeof(k->password_text));
    k->password.n = h->ops.turn_credential(h->ctx, sp_buf_view(&k->user), k->password_text);
    return k->password.n > 0 ? k : NULL;
}

static void put_server(struct sp_json *j, struct sp_str urls, struct sp_str username,
                       struct sp_str credential)
{
    if (urls.n) {
        sp_json_object(j, NULL);
        sp_json_raw(j, "urls", urls);
        sp_json_str_opt(j, "username", username);
        sp_json_str_opt(j, "credential", credential);
        sp_json_end(j, '}');
    }
}

/* What is made is NULL where it could not be, and with it the servers that want it are missing. */
static void put_servers(const struct hub *h, struct sp_json *j, const struct made *made)
{
    const struct hub_ice *ice = &h->conf.ice;
    struct sp_str none = {NULL, 0};
    sp_json_array(j, "iceServers");
    put_server(j, ice->stun, none, none);
    if (made) {
        put_server(j, ice->turn, sp_buf_view(&made->user), sp_buf_view(&made->password));
    } else if (!ice_is_timed(h)) {
        put_server(j, ice->turn, ice->username, ice->credential);
    }
    sp_json_end(j, ']');
    if (made) {
        sp_json_int(j, "ttl", (int64_t)(ice->ttl_us / 1000000));
    }
}

/* Where nothing was made although it should, the next attempt comes soon. */
static void plan(struct hub *h, struct client *c, const struct made *made)
{
    uint64_t life = h->conf.ice.ttl_us, least = life / 100 * LEAST_PERCENT;
    uint64_t wait = made ? least + some_of(h, life / 10) : AGAIN_US;
    c->ice_due_us = ice_is_timed(h) ? h->now.mono_us + wait : 0;
    client_arm(h, c);
}

void ice_put(struct hub *h, struct client *c, struct sp_json *j)
{
    struct made k;
    const struct made *made = make(h, c, &k);
    if (h->conf.ice.stun.n || h->conf.ice.turn.n) {
        put_servers(h, j, made);
    }
    plan(h, c, made);
}

/* The same to those who ask and to those who do not. */
static void send_servers(struct hub *h, struct client *c, const struct made *made)
{
    struct sp_buf b;
    struct sp_json j;
    reply_open(h, &j, &b, SP_T_ICE_SERVERS);
    put_servers(h, &j, made);
    plan(h, c, made);
    reply_send(h, c, &j);
}

void on_ice_servers(struct hub *h, struct client *c, const struct sp_msg *m)
{
    struct sp_str none = {NULL, 0};
    struct made k;
    const struct made *made = make(h, c, &k);
    (void)m;
    if (made || !ice_is_timed(h)) {
        send_servers(h, c, made);
    } else {
        reply_error(h, c, SP_INTERNAL, none, "out of memory");
    }
}

uint64_t ice_due(const struct client *c)
{
    return c->ice_due_us && c->state == CLIENT_REGISTERED ? c->ice_due_us : UINT64_MAX;
}

void ice_tell(struct hub *h, struct client *c)
{
    if (c->doomed || ice_due(c) > h->now.mono_us) {
        return;
    }
    struct made k;
    const struct made *made = make(h, c, &k);
    h->msg.rid.n = 0;
    if (made || !ice_is_timed(h)) {
        send_servers(h, c, made);
    } else {
        plan(h, c, NULL);
    }
}

void ice_change(struct hub *h)
{
    uint64_t margin = h->conf.ice.ttl_us / 10;
    uint64_t spread = ice_is_timed(h) && margin < SPREAD_US ? margin : SPREAD_US;
    for (uint32_t i = 0; i < h->nslots; i++) {
        struct client *c = h->slots[i];
        if (c && !c->doomed && c->state == CLIENT_REGISTERED) {
            c->ice_due_us = h->now.mono_us + some_of(h, spread);
            client_arm(h, c);
        }
    }
}
