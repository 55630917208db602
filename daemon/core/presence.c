/* SPDX-License-Identifier: MIT
 * watch and unwatch: who is told when clients join, leave or are replaced. */
#include "daemon/core/priv.h"

#include <stdlib.h>

static bool concerns(const struct hub *h, const struct watch *w, struct sp_str id, struct seen seen)
{
    return rights_may(&h->rights, w->client->role_ix, SP_T_WATCH, seen.role_ix) &&
           (w->match.n == 0 || sp_glob_match(w->match, id)) &&
           (w->role.n == 0 || sp_str_eq(w->role, seen.role));
}

static void tell(struct hub *h, struct watch *w, const char *event, struct sp_str id,
                 struct sp_str role)
{
    struct sp_buf b = hub_out(h);
    struct sp_json j;
    sp_json_init(&j, &b);
    sp_json_object(&j, NULL);
    sp_json_str(&j, "type", SP_STR("presence"));
    sp_json_str(&j, "event", sp_str(event));
    sp_json_str(&j, "id", id);
    sp_json_str_opt(&j, "role", role);
    sp_json_str(&j, "timestamp", hub_stamp(h));
    sp_json_end(&j, '}');
    client_send(h, w->client, &b);
}

void presence_tell(struct hub *h, const struct client *c, const char *event)
{
    for (struct watch *w = h->watches; w; w = w->next) {
        if (w->client != c && concerns(h, w, c->id, (struct seen){c->role, c->role_ix})) {
            tell(h, w, event, c->id, c->role);
        }
    }
}

void presence_change(struct hub *h, const struct client *c, struct seen before, const char *same)
{
    struct seen now = {c->role, c->role_ix};
    for (struct watch *w = h->watches; w; w = w->next) {
        bool was = concerns(h, w, c->id, before), is = concerns(h, w, c->id, now);
        const char *event = was && is ? same : is ? "join" : was ? "leave" : NULL;
        if (w->client != c && event) {
            tell(h, w, event, c->id, is ? now.role : before.role);
        }
    }
}

void presence_drop(struct hub *h, struct client *c)
{
    for (struct watch **at = &h->watches; c->watch && *at; at = &(*at)->next) {
        if (*at == c->watch) {
            *at = c->watch->next;
            break;
        }
    }
    free(c->watch);
    c->watch = NULL;
}

void on_watch(struct hub *h, struct client *c, const struct sp_msg *m)
{
    struct sp_str none = {NULL, 0};
    struct sp_str match = sp_msg_has(m, SP_M_MATCH) ? m->str[SP_M_MATCH] : none;
    struct sp_str role = sp_msg_has(m, SP_M_ROLE) ? m->str[SP_M_ROLE] : none;
    struct watch *w = malloc(sizeof(*w) + match.n + role.n);
    if (!w) {
        reply_error(h, c, SP_INTERNAL, none, "out of memory");
        return;
    }
    char *text = (char *)(w + 1);
    w->match = (struct sp_str){text, match.n};
    w->role = (struct sp_str){text + match.n, role.n};
    memcpy(text, match.n ? match.p : "", match.n);
    memcpy(text + match.n, role.n ? role.p : "", role.n);
    presence_drop(h, c);
    w->client = c;
    w->next = h->watches;
    h->watches = c->watch = w;
    client_arm(h, c);
    reply_ack(h, c, none);
}

void on_unwatch(struct hub *h, struct client *c, const struct sp_msg *m)
{
    (void)m;
    /* only who did watch gets new time to register: else it could be put off for ever */
    if (c->watch) {
        presence_drop(h, c);
        c->waiting_us = h->now.mono_us;
        client_arm(h, c);
    }
    reply_ack(h, c, (struct sp_str){NULL, 0});
}
