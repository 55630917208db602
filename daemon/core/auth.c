/* SPDX-License-Identifier: MIT
 * Who a peer is: its grant, the role that comes of it, how long it lasts. Nothing here knows tokens
 * or certificates: the world below reads those. */
#include "daemon/core/priv.h"

#include <assert.h>
#include <stdlib.h>

#define FAR_MS        INT64_C(3153600000000) /* a hundred years */
#define CLOCK_STEP_MS 200      /* a wall clock that moves by more against the other was set */
#define CLOCK_LOOK_US 1000000u /* how often to look, so that a token ends a second late at most */

#define UNAUTHORIZED "Unauthorized" /* the reason of close 1008 that the original service sends */

const char hub_expired[] = "expired";

static const struct sp_str none = {NULL, 0};

static enum sp_err code_of(const char *why)
{
    return why == hub_expired ? SP_TOKEN_EXPIRED : SP_UNAUTHORIZED;
}

/* ---------------------------------------------------------------- addresses */

static struct addr_entry *entry_of(struct hub *h, const struct addr_key *key)
{
    return key ? addrs_get(&h->addrs, key) : NULL;
}

uint64_t hub_admit(struct hub *h, const struct addr_key *key, struct hub_now now)
{
    struct addr_entry *e = entry_of(h, key);
    if (!e) {
        return 0;
    }
    return bucket_take(&e->connects, h->conf.connects, 1, now.mono_us);
}

uint64_t hub_penalty(struct hub *h, const struct addr_key *key, struct hub_now now)
{
    const struct addr_entry *e = entry_of(h, key);
    return e ? bucket_wait(e->failures, h->conf.failures, 1, now.mono_us) : 0;
}

static void count_failure(struct hub *h, const struct addr_key *key)
{
    struct addr_entry *e = entry_of(h, key);
    if (e) {
        bucket_take(&e->failures, h->conf.failures, 1, h->now.mono_us);
    }
}

/* ---------------------------------------------------------------- events */

static void emit_auth(struct hub *h, const struct client *c, enum sp_err e, const char *why)
{
    struct sp_event ev;
    sp_event_init(&ev, SP_EV_AUTH, h->now.wall_ms);
    ev.s[SP_ES_addr] = c->addr;
    ev.s[SP_ES_reason] = sp_str(why);
    ev.s[SP_ES_code] = sp_str(e ? sp_err_wire(e) : NULL);
    ev.n[SP_EN_conn] = (int64_t)c->conn;
    ev.s[SP_ES_id] = client_name(c);
    if (c->grant) {
        ev.s[SP_ES_role] = c->grant->role;
    }
    feed_emit(h, &ev);
}

void hub_refused(struct hub *h, struct sp_str addr, const struct addr_key *key, const char *why,
                 struct hub_now now)
{
    struct sp_event ev;
    h->now = now;
    sp_event_init(&ev, SP_EV_AUTH, now.wall_ms);
    ev.s[SP_ES_addr] = addr;
    ev.s[SP_ES_reason] = sp_str(why);
    ev.s[SP_ES_code] = sp_str(sp_err_wire(code_of(why)));
    count_failure(h, key);
    feed_emit(h, &ev);
}

/* Told, counted against the address, and shown the door. */
static void refuse(struct hub *h, struct client *c, const char *why)
{
    count_failure(h, c->addr_key);
    reply_error(h, c, code_of(why), none, "%s", why);
    client_doom_for(h, c, SP_CLOSE_POLICY, UNAUTHORIZED);
}

/* ---------------------------------------------------------------- grants */

static void set_role(struct grant *own, struct sp_str role)
{
    assert(role.n <= sizeof(own->role_text));
    if (role.n) {
        memcpy(own->role_text, role.p, role.n);
    }
    own->role = (struct sp_str){own->role_text, role.n};
}

static struct grant *copy_grant(const struct hub_grant *g)
{
    size_t text = g->id.n;
    for (unsigned i = 0; i < g->nids; i++) {
        text += g->ids[i].n;
    }
    struct grant *own = malloc(sizeof(*own) + g->nids * sizeof(own->ids[0]) + text);
    if (!own) {
        return NULL;
    }
    char *at = (char *)&own->ids[g->nids];
    own->id = str_keep(&at, g->id);
    set_role(own, g->role);
    own->expires_ms = g->expires_ms;
    own->basis = g->basis;
    own->how = g->how;
    own->nids = g->nids;
    for (unsigned i = 0; i < g->nids; i++) {
        own->ids[i] = str_keep(&at, g->ids[i]);
    }
    return own;
}

static bool names(const struct hub_grant *g, struct sp_str id)
{
    bool found = g->id.n && sp_str_eq(g->id, id);
    for (unsigned i = 0; i < g->nids && !found; i++) {
        found = sp_glob_match(g->ids[i], id);
    }
    return found;
}

static struct hub_grant view_of(const struct grant *own)
{
    return (struct hub_grant){
        .id = own->id, .ids = own->ids, .nids = own->nids, .role = own->role, .how = own->how};
}

/* A stream or a watch began with a right that a reload or another token may have taken away. What
 * is said of it answers no request, although one may be in progress. */
static void recheck(struct hub *h, struct client *c)
{
    if (c->watch && !rights_any(&h->rights, c->role_ix, SP_T_WATCH)) {
        c->waiting_us = h->now.mono_us;
    }
    if (c->monitor && !rights_any(&h->rights, c->role_ix, SP_T_MONITOR)) {
        struct sp_str rid = h->msg.rid;
        enum sp_type type = h->msg.type;
        h->msg.rid.n = 0;
        h->msg.type = SP_T_NONE;
        monitor_drop(h, c);
        c->waiting_us = h->now.mono_us;
        reply_error(h, c, SP_FORBIDDEN, none, "your role may not monitor any more");
        h->msg.rid = rid;
        h->msg.type = type;
    }
}

void auth_place(struct hub *h, struct client *c)
{
    if (!h->conf.auth) {
        c->role_ix = c->local ? RIGHTS_LOCAL : RIGHTS_ANONYMOUS;
        c->vouched = c->local;
    } else {
        c->role_ix =
            c->grant ? (uint8_t)rights_role_of_token(&h->rights, c->grant->role) : RIGHTS_NOBODY;
        c->vouched = c->grant != NULL;
    }
    recheck(h, c);
}

void auth_drop(struct hub *h, struct client *c)
{
    h->nexpiring -= c->grant && c->grant->expires_ms != INT64_MAX;
    free(c->grant);
    c->grant = NULL;
}

void auth_take(struct hub *h, struct client *c, struct grant *fresh)
{
    if (!fresh) {
        return;
    }
    auth_drop(h, c);
    c->grant = fresh;
    h->nexpiring += fresh->expires_ms != INT64_MAX;
    auth_place(h, c);
    emit_auth(h, c, SP_OK, fresh->how);
    client_arm(h, c);
}

bool auth_open(struct hub *h, struct client *c, const struct hub_peer *peer)
{
    c->local = peer->local;
    if (peer->key) {
        c->addr_key = malloc(sizeof(*c->addr_key));
        if (!c->addr_key) {
            return false;
        }
        *c->addr_key = *peer->key;
    }
    auth_place(h, c);
    if (peer->refused) {
        count_failure(h, c->addr_key);
        emit_auth(h, c, code_of(peer->refused), peer->refused);
        client_doom_for(h, c, SP_CLOSE_POLICY, UNAUTHORIZED);
        return true;
    }
    struct grant *own = peer->grant ? copy_grant(peer->grant) : NULL;
    auth_take(h, c, own);
    return own || !peer->grant;
}

static bool read_token(struct hub *h, struct client *c, struct sp_str token, struct hub_grant *g)
{
    const char *why = h->ops.authenticate(h->ctx, c->sock, token, g);
    if (why) {
        refuse(h, c, why);
    }
    return !why;
}

static bool fits(struct hub *h, struct client *c, const struct sp_msg *m, const struct hub_grant *g)
{
    struct sp_str id = m->str[SP_M_ID];
    if (!names(g, id)) {
        reply_error(h, c, SP_FORBIDDEN, none, "the %s is not for the id %.*s", g->how, (int)id.n,
                    id.p);
        return false;
    }
    if (sp_msg_has(m, SP_M_ROLE) && !sp_str_eq(m->str[SP_M_ROLE], g->role)) {
        reply_error(h, c, SP_FORBIDDEN, none, "the %s gives %s%.*s", g->how,
                    g->role.n ? "the role " : "no role", (int)g->role.n, g->role.p);
        return false;
    }
    return true;
}

bool auth_register(struct hub *h, struct client *c, const struct sp_msg *m, struct grant **own)
{
    struct hub_grant g;
    bool fresh = sp_msg_has(m, SP_M_TOKEN);
    *own = NULL;
    if (!h->conf.auth) {
        return true;
    }
    if (fresh && !read_token(h, c, m->raw[SP_M_TOKEN], &g)) {
        return false;
    }
    if (!fresh && !c->grant) {
        refuse(h, c, "no token");
        return false;
    }
    if (!fresh) {
        g = view_of(c->grant);
    }
    if (!fits(h, c, m, &g)) {
        return false;
    }
    *own = fresh ? copy_grant(&g) : NULL;
    if (fresh && !*own) {
        reply_error(h, c, SP_INTERNAL, none, "out of memory");
        return false;
    }
    return true;
}

struct sp_str auth_role(const struct hub *h, const struct grant *g, const struct sp_msg *m)
{
    if (h->conf.auth) {
        return g->role;
    }
    return sp_msg_has(m, SP_M_ROLE) ? m->str[SP_M_ROLE] : none;
}

bool auth_regrade(struct hub *h, struct client *c, struct sp_str role)
{
    struct seen before = {c->role, c->role_ix};
    bool listed = c->state == CLIENT_REGISTERED;
    struct sp_str fresh = listed && role.n ? str_dup(role) : none;
    if (listed && role.n && !fresh.p) {
        return false;
    }
    set_role(c->grant, role);
    auth_place(h, c);
    if (listed) {
        c->role = fresh;
        presence_change(h, c, before, NULL);
        str_free(before.role);
    }
    return true;
}

/* ---------------------------------------------------------------- the end of a grant */

uint64_t auth_due(const struct hub *h, const struct client *c)
{
    if (!c->grant || c->grant->expires_ms == INT64_MAX) {
        return UINT64_MAX;
    }
    int64_t left_ms = c->grant->expires_ms - h->now.wall_ms;
    if (left_ms > FAR_MS) {
        return UINT64_MAX;
    }
    return h->now.mono_us + (left_ms > 0 ? (uint64_t)left_ms * 1000 : 0);
}

/* Timers run on the other clock: when somebody sets the wall clock, every end moves. */
uint64_t auth_follow_clock(struct hub *h)
{
    int64_t lead = h->now.wall_ms - (int64_t)(h->now.mono_us / 1000);
    int64_t by = lead - h->wall_lead;
    if (by > CLOCK_STEP_MS || by < -CLOCK_STEP_MS) {
        h->wall_lead = lead;
        if (ice_is_timed(h)) {
            ice_change(h);
        }
        for (uint32_t i = 0; i < h->nslots && h->nexpiring; i++) {
            if (h->slots[i] && !h->slots[i]->doomed) {
                client_arm(h, h->slots[i]);
            }
        }
    }
    return h->nexpiring || (ice_is_timed(h) && h->ids.count) ? h->now.mono_us + CLOCK_LOOK_US
                                                             : UINT64_MAX;
}

bool auth_end(struct hub *h, struct client *c)
{
    bool over = c->grant && h->now.wall_ms >= c->grant->expires_ms;
    if (over) {
        client_doom(h, c, SP_CLOSE_TOKEN);
    }
    return over;
}
