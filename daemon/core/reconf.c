/* SPDX-License-Identifier: MIT
 * A new configuration over living connections. */
#include "daemon/core/priv.h"

#include <stdlib.h>

static void set_rates(struct hub *h)
{
    for (unsigned i = 0; i < RIGHTS_ROLES; i++) {
        const struct limits *l = &h->limits[i];
        h->rates[i].messages = bucket_rate(l->message_rate, 1000000, l->message_burst);
        h->rates[i].bytes = bucket_rate(l->byte_rate, 1000000, l->byte_burst);
    }
}

void reconf_limits(struct hub *h, const struct hub_conf *conf)
{
    char why[64];
    unsigned bad;
    uint32_t max_message = h->conf.max_message, event_ring = h->conf.event_ring;
    bool contents = h->conf.contents;
    h->conf = *conf;
    h->conf.max_message = max_message;
    h->conf.event_ring = event_ring;
    h->conf.contents = contents;
    if (conf->rights) {
        h->rights = *conf->rights;
    } else {
        rights_parse(&h->rights, NULL, 0, &bad, why, sizeof(why));
    }
    for (unsigned i = 0; i < RIGHTS_ROLES; i++) {
        h->limits[i] = conf->role_limits ? conf->role_limits[i] : conf->limits;
    }
    h->conf.rights = NULL;
    h->conf.role_limits = NULL;
    set_rates(h);
}

/* What was granted under the old configuration must hold under the new one. */
static bool is_good(struct hub *h, struct client *c)
{
    if (!h->conf.auth) {
        return true;
    }
    struct sp_str role = c->grant ? c->grant->role : c->role;
    if ((!c->grant && c->state == CLIENT_REGISTERED) ||
        !h->ops.vouch(h->ctx, c->sock, c->grant ? &c->grant->basis : NULL, &role)) {
        return false;
    }
    return !c->grant || sp_str_eq(role, c->grant->role) || auth_regrade(h, c, role);
}

static void look_again(struct hub *h, struct client *c)
{
    /* nobody can vouch for one that is away */
    if (c->away ? h->conf.auth : !is_good(h, c)) {
        client_doom_for(h, c, c->grant ? SP_CLOSE_TOKEN : SP_CLOSE_POLICY,
                        c->grant ? "token or certificate revoked" : "Unauthorized");
        return;
    }
    auth_place(h, c);
    client_arm(h, c);
}

void hub_reconf(struct hub *h, const struct hub_conf *conf, struct hub_now now)
{
    bool errors = h->conf.max_errors != conf->max_errors;
    bool ice = h->conf.ice.serial != conf->ice.serial;
    h->now = now;
    reconf_limits(h, conf);
    for (uint32_t i = 0; i < h->nslots; i++) {
        struct client *c = h->slots[i];
        if (c && errors) {
            /* the ring has the old size */
            free(c->err_at);
            c->err_at = NULL;
            c->err_count = 0;
        }
        if (c && !c->doomed) {
            look_again(h, c);
        }
    }
    if (ice) {
        ice_change(h);
    }
    cluster_regrade(h);
    held_look(h);
    hub_settle(h);
}
