/* SPDX-License-Identifier: MIT
 * list and ping: the questions that any client may ask. */
#include "daemon/core/priv.h"

#include <stdio.h>

#define PAGE_BYTES       (176u * 1024u) /* the default page of 1000 longest ids fits */
#define WALK_PER_MESSAGE 256u           /* clients looked at for the price of a message */
#define DETAIL_COST      160u           /* member names, since and rtt of one peer */

/* query is one list request on its way through the index. */
struct query {
    const struct sp_msg *m;
    uint32_t roles; /* that the asker may list */
    bool detail, filtered;
    uint32_t start, limit;
    uint32_t end; /* where this page stops in the index */
    uint32_t taken, total;
    bool more;
};

static bool wanted(const struct query *q, const struct client *c)
{
    return (q->roles >> c->role_ix & 1u) &&
           (!sp_msg_has(q->m, SP_M_MATCH) || sp_glob_match(q->m->str[SP_M_MATCH], c->id)) &&
           (!sp_msg_has(q->m, SP_M_ROLE) || sp_str_eq(q->m->str[SP_M_ROLE], c->role));
}

/* Finds the page's end and counts what matches; without a filter only the page is walked. */
static void measure(struct query *q, const struct order *o)
{
    size_t bytes = 0;
    q->total = q->filtered ? 0 : o->nsorted;
    q->end = q->start;
    for (uint32_t i = q->filtered ? 0 : q->start; i < o->nsorted; i++) {
        const struct client *c = o->sorted[i].client;
        if (q->filtered && !wanted(q, c)) {
            continue;
        }
        q->total += q->filtered;
        if (i < q->start || q->more) {
            continue;
        }
        bytes += c->id.n + 3;
        bytes += q->detail ? c->id.n + c->role.n + c->meta.n + DETAIL_COST : 0;
        q->more = q->taken == q->limit || (q->taken && bytes > PAGE_BYTES);
        if (!q->more) {
            q->taken++;
            q->end = i + 1;
        } else if (!q->filtered) {
            break;
        }
    }
}

static void put_ids(struct sp_json *j, const struct query *q, const struct order *o)
{
    sp_json_array(j, "clients");
    for (uint32_t i = q->start; i < q->end; i++) {
        if (!q->filtered || wanted(q, o->sorted[i].client)) {
            sp_json_str(j, NULL, o->sorted[i].client->id);
        }
    }
    sp_json_end(j, ']');
}

static void put_peer(struct hub *h, struct sp_json *j, const struct client *c)
{
    sp_json_object(j, NULL);
    sp_json_str(j, "id", c->id);
    sp_json_str_opt(j, "role", c->role);
    if (c->meta.n) {
        sp_json_raw(j, "meta", c->meta);
    }
    sp_json_str(j, "since", sp_stamp_at(&h->since_stamp, c->since_ms));
    if (h->cluster.on) {
        sp_json_str(j, "node", cluster_name(h, c));
    }
    if (c->rtt_us >= 0) {
        char ms[32];
        int n = snprintf(ms, sizeof(ms), "%lld.%03lld", (long long)(c->rtt_us / 1000),
                         (long long)(c->rtt_us % 1000));
        sp_json_raw(j, "rtt", (struct sp_str){ms, (size_t)n});
    }
    sp_json_end(j, '}');
}

static void put_peers(struct hub *h, struct sp_json *j, const struct query *q)
{
    sp_json_array(j, "peers");
    for (uint32_t i = q->start; i < q->end; i++) {
        if (!q->filtered || wanted(q, h->order.sorted[i].client)) {
            put_peer(h, j, h->order.sorted[i].client);
        }
    }
    sp_json_end(j, ']');
}

static void send_page(struct hub *h, struct client *c, const struct query *q)
{
    struct sp_buf b;
    struct sp_json j;
    reply_open(h, &j, &b, SP_T_CLIENTS);
    put_ids(&j, q, &h->order);
    sp_json_int(&j, "count", q->total);
    if (q->detail) {
        put_peers(h, &j, q);
    }
    if (q->more) {
        sp_json_str(&j, "next", h->order.sorted[q->end - 1].client->id);
    }
    sp_json_end(&j, '}');
    client_send(h, c, &b);
}

void on_list(struct hub *h, struct client *c, const struct sp_msg *m)
{
    struct sp_str none = {NULL, 0};
    if (!order_settle(&h->order)) {
        reply_error(h, c, SP_INTERNAL, none, "out of memory");
        return;
    }
    uint32_t roles = h->rights.to[c->role_ix][SP_T_LIST];
    struct query q = {.m = m,
                      .roles = roles,
                      .detail = sp_msg_has(m, SP_M_DETAIL) && m->num[SP_M_DETAIL],
                      .filtered = sp_msg_has(m, SP_M_MATCH) || sp_msg_has(m, SP_M_ROLE) ||
                                  roles != UINT32_MAX,
                      .limit = SP_LIST_MAX};
    if (sp_msg_has(m, SP_M_LIMIT)) {
        q.limit = (uint32_t)m->num[SP_M_LIMIT];
    }
    if (sp_msg_has(m, SP_M_AFTER)) {
        q.start = order_after(&h->order, m->str[SP_M_AFTER]);
    }
    measure(&q, &h->order);
    hub_charge(h, c, q.filtered ? h->order.nsorted / WALK_PER_MESSAGE : 0);
    send_page(h, c, &q);
}

void on_ping(struct hub *h, struct client *c, const struct sp_msg *m)
{
    struct sp_buf b;
    struct sp_json j;
    (void)m;
    reply_open(h, &j, &b, SP_T_PONG);
    reply_send(h, c, &j);
}
