/* SPDX-License-Identifier: MIT
 * offer, answer, ice and bye: from one client to the other, the sender's members untouched. */
#include "daemon/core/priv.h"

#include "libproto/summary.h"

/* route is where a message goes. */
struct route {
    struct client *to;
    struct session *session; /* NULL: none */
};

static struct sp_str asked_session(const struct sp_msg *m)
{
    return sp_msg_has(m, SP_M_SESSION) ? m->str[SP_M_SESSION] : (struct sp_str){NULL, 0};
}

static struct sp_str session_id(const struct session *s)
{
    return s ? s->id : (struct sp_str){NULL, 0};
}

/* Who may not list a target must not learn from a denial that it is there. */
struct client *relay_target(struct hub *h, struct client *c, const struct sp_msg *m)
{
    struct sp_str target = m->str[SP_M_TARGET];
    struct client *to = client_find(h, target);
    if (!to || to->doomed) {
        reply_error(h, c, SP_TARGET_NOT_FOUND, target, NOT_REGISTERED, (int)target.n, target.p);
    } else if (rights_may(&h->rights, c->role_ix, m->type, to->role_ix)) {
        return to;
    } else if (rights_may(&h->rights, c->role_ix, SP_T_LIST, to->role_ix)) {
        reply_error(h, c, SP_FORBIDDEN, target, "your role may not send %s to %.*s",
                    sp_type_wire(m->type), (int)target.n, target.p);
    } else {
        reply_hidden(h, c, target);
    }
    return NULL;
}

/* Finds target and session; answers with the error and gives false when there is no target. */
static bool find_route(struct hub *h, struct client *c, const struct sp_msg *m, struct route *r)
{
    r->to = relay_target(h, c, m);
    if (r->to) {
        r->session = session_find(c, r->to, asked_session(m));
    }
    return r->to != NULL;
}

static void no_session(struct hub *h, struct client *c, const struct sp_msg *m)
{
    struct sp_str target = m->str[SP_M_TARGET], id = asked_session(m);
    if (id.n) {
        reply_error(h, c, SP_SESSION_NOT_FOUND, target, "no session %.*s with %.*s", (int)id.n,
                    id.p, (int)target.n, target.p);
    } else {
        reply_error(h, c, SP_SESSION_NOT_FOUND, target, "no session with %.*s", (int)target.n,
                    target.p);
    }
}

/* As find_route, for messages that make no sense without a session. */
static bool find_session_route(struct hub *h, struct client *c, const struct sp_msg *m,
                               struct route *r)
{
    if (!find_route(h, c, m, r)) {
        return false;
    }
    if (!r->session) {
        no_session(h, c, m);
    }
    return r->session != NULL;
}

static struct sp_str summary_of(const struct sp_msg *m)
{
    if (sp_msg_has(m, SP_M_SDP)) {
        return sp_sdp_summary(sp_sdp_media(m->raw[SP_M_SDP]));
    }
    if (sp_msg_has(m, SP_M_CANDIDATE)) {
        return sp_candidate_summary(m->raw[SP_M_CANDIDATE]);
    }
    return (struct sp_str){NULL, 0};
}

static struct sp_str content_of(const struct sp_msg *m)
{
    return sp_msg_has(m, SP_M_SDP)         ? m->raw[SP_M_SDP]
           : sp_msg_has(m, SP_M_CANDIDATE) ? m->raw[SP_M_CANDIDATE]
                                           : (struct sp_str){NULL, 0};
}

static void emit_relay(struct hub *h, const struct client *c, const struct sp_msg *m,
                       const struct route *r)
{
    struct sp_event ev;
    sp_event_init(&ev, SP_EV_RELAY, h->now.wall_ms);
    ev.kind = m->type;
    ev.s[SP_ES_from] = c->id;
    ev.s[SP_ES_to] = r->to->id;
    ev.s[SP_ES_session] = session_id(r->session);
    ev.s[SP_ES_summary] = summary_of(m);
    ev.n[SP_EN_size] = (int64_t)m->doc.len;
    ev.n[SP_EN_us] = (int64_t)(h->ops.clock(h->ctx) - h->now.mono_us);
    feed_emit_with(h, &ev, content_of(m));
}

/* Acknowledged once the other node has said that it is in the receiver's queue. */
static bool forward_far(struct hub *h, struct client *c, const struct sp_msg *m,
                        const struct route *r, struct sp_str text)
{
    if (!cluster_carry(h, c, m, r->to, r->session, text)) {
        return false;
    }
    if (r->session) {
        session_touch(h, r->session);
    }
    emit_relay(h, c, m, r);
    return true;
}

/* Stamps and sends; gives false, with the error answered, when the receiver could not take it. */
static bool forward(struct hub *h, struct client *c, const struct sp_msg *m, const struct route *r)
{
    struct sp_stamped s = {.type = m->type,
                           .from = c->id,
                           .session = session_id(r->session),
                           .timestamp = hub_stamp(h),
                           .polite = -1};
    if (m->type == SP_T_OFFER) {
        s.polite = r->session->party[0] != r->to;
    }
    struct sp_buf b = hub_out(h);
    sp_put_relay(&b, &s, m);
    struct sp_str target = m->str[SP_M_TARGET];
    if (r->to->node) {
        return forward_far(h, c, m, r, sp_buf_view(&b));
    }
    switch (client_relay(h, r->to, &b)) {
    case HUB_WROTE:
        break;
    case HUB_BUSY:
        reply_error(h, c, SP_TARGET_OVERLOADED, target, "%.*s reads too slowly and was closed",
                    (int)target.n, target.p);
        return false;
    case HUB_GONE:
        reply_error(h, c, SP_TARGET_NOT_FOUND, target, "%.*s has just left", (int)target.n,
                    target.p);
        return false;
    }
    if (r->session) {
        session_touch(h, r->session);
    }
    emit_relay(h, c, m, r);
    reply_ack(h, c, s.session);
    return true;
}

static bool open_session(struct hub *h, struct client *c, const struct sp_msg *m, struct route *r)
{
    /* the opener's only: a limit of the callee would let one caller keep all others out */
    if (c->nopened >= h->limits[c->role_ix].max_sessions) {
        reply_error(h, c, SP_SESSION_LIMIT, m->str[SP_M_TARGET], "you have opened %u sessions",
                    c->nopened);
        return false;
    }
    r->session = session_open(h, c, r->to, asked_session(m));
    if (!r->session) {
        reply_error(h, c, SP_INTERNAL, m->str[SP_M_TARGET], "out of memory");
        return false;
    }
    return true;
}

void on_offer(struct hub *h, struct client *c, const struct sp_msg *m)
{
    struct route r;
    if (held_keep(h, c, m) || !find_route(h, c, m, &r)) {
        return;
    }
    bool fresh = !r.session;
    if (fresh && !open_session(h, c, m, &r)) {
        return;
    }
    if (forward(h, c, m, &r)) {
        r.session->offers++;
    } else if (fresh) {
        session_end(h, r.session, SP_BYE_PEER_LEFT, c);
    }
}

void on_answer(struct hub *h, struct client *c, const struct sp_msg *m)
{
    struct route r;
    if (find_session_route(h, c, m, &r) && forward(h, c, m, &r)) {
        session_answered(h, r.session);
    }
}

void on_ice(struct hub *h, struct client *c, const struct sp_msg *m)
{
    struct route r;
    if (!find_route(h, c, m, &r)) {
        return;
    }
    if (!r.session && sp_msg_has(m, SP_M_SESSION)) {
        no_session(h, c, m);
        return;
    }
    if (forward(h, c, m, &r) && r.session) {
        r.session->candidates++;
    }
}

void on_bye(struct hub *h, struct client *c, const struct sp_msg *m)
{
    struct route r;
    if (find_session_route(h, c, m, &r) && forward(h, c, m, &r)) {
        session_close(h, r.session,
                      sp_msg_has(m, SP_M_REASON) ? m->str[SP_M_REASON] : SP_STR("hangup"), c);
    }
}
