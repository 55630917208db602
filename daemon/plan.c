/* SPDX-License-Identifier: MIT
 * The configuration's words become numbers, tables and listeners. */
#include "daemon/plan.h"

#include "daemon/sdnotify.h"

#include <stdio.h>

#define MINUTE_US 60000000u

void plan_place(const struct net_bad *bad, const char *sentence, char *why, size_t cap)
{
    if (bad->option) {
        snprintf(why, cap, "%s: %s: %s", conf_where_nth(bad->option, bad->i), bad->option,
                 sentence);
    } else {
        snprintf(why, cap, "%s", sentence);
    }
}

static struct net_list list_of(const struct conf_list *l)
{
    return (struct net_list){l->v, l->n};
}

/* ---------------------------------------------------------------- listeners */

static void add_listener(struct net_conf *n, const char *address, const char *where, bool health)
{
    n->listen[n->nlisten++] =
        (struct net_listener){.address = address, .where = where, .health = health};
}

/* What a service manager has opened; the names say what for. Gives true when one is for health. */
static bool add_passed(struct plan *p)
{
    bool health = false;
    for (unsigned i = 0; i < sd_listen_fds() && i < NET_LISTENERS - 1; i++) {
        const char *name = sd_listen_name(i);
        bool is_health = strncmp(name, "health", 6) == 0;
        snprintf(p->passed[i], sizeof(p->passed[i]), "%sfd:%u",
                 strncmp(name, "tls", 3) == 0 ? "tls:" : "", SD_LISTEN_FIRST + i);
        add_listener(&p->net, p->passed[i], "LISTEN_FDS", is_health);
        health = health || is_health;
    }
    return health;
}

static void add_listeners(struct plan *p, const struct conf *c)
{
    bool health = false;
    for (unsigned i = 0; i < c->listen.n; i++) {
        add_listener(&p->net, c->listen.v[i], conf_where_nth("listen", i), false);
    }
    if (p->net.nlisten == 0) {
        health = add_passed(p);
    }
    if (p->net.nlisten == 0) {
        snprintf(p->standard, sizeof(p->standard), "127.0.0.1:%lld", (long long)c->port);
        add_listener(&p->net, p->standard, conf_where("port"), false);
    }
    if (!health && strcmp(c->health, "none") != 0) {
        add_listener(&p->net, c->health, conf_where("health"), true);
    }
}

/* ---------------------------------------------------------------- net */

static enum net_client_cert client_cert_of(const char *word)
{
    return word[0] == 'n' ? NET_CERT_NONE : word[0] == 'o' ? NET_CERT_OPTIONAL : NET_CERT_REQUIRED;
}

static void make_net(struct plan *p, const struct conf *c)
{
    p->net = (struct net_conf){
        .max_clients = (uint32_t)c->max_clients,
        .stop_us = (uint64_t)c->drain_timeout,
        .allow_anonymous = c->allow_anonymous,
        .tls = {.cert = c->tls_cert,
                .key = c->tls_key,
                .client_ca = c->client_ca,
                .crl = c->crl,
                .client_cert = client_cert_of(c->client_cert)},
        .gate = {.jwt_secret = c->jwt_secret,
                 .issuer = c->jwt_issuer,
                 .audience = c->jwt_audience,
                 .default_role = c->default_role,
                 .jwt_keys = list_of(&c->jwt_key),
                 .cert_roles = list_of(&c->cert_role),
                 .trusted_proxies = list_of(&c->trusted_proxy),
                 .origins = list_of(&c->allow_origin),
                 .hosts = list_of(&c->health_host),
                 .leeway_us = (uint64_t)c->jwt_leeway,
                 .certs = client_cert_of(c->client_cert) != NET_CERT_NONE},
        .ice = {.urls = list_of(&c->ice_server),
                .user = c->turn_user,
                .password = c->turn_password,
                .secret = c->turn_secret,
                .ttl_us = (uint64_t)c->turn_ttl},
        .node = c->node,
        .redis = c->redis,
        .cluster_key = c->cluster_key,
    };
    add_listeners(p, c);
}

/* ---------------------------------------------------------------- hub */

static void make_hub(struct plan *p, const struct conf *c)
{
    p->hub = (struct hub_conf){
        .max_message = (uint32_t)c->max_message,
        .event_ring = (uint32_t)c->event_ring,
        .contents = c->log_sdp[0] == 'f',
        .max_errors = (uint32_t)c->max_errors,
        .early_bytes = (uint32_t)c->unregistered_bytes,
        .heartbeat_us = (uint64_t)c->heartbeat_interval,
        .register_us = (uint64_t)c->register_timeout,
        .offer_us = (uint64_t)c->offer_timeout,
        .resume_us = (uint64_t)c->resume_window,
        .session_us = (uint64_t)c->session_timeout,
        .slow_us = (uint64_t)c->send_timeout,
        .reconnect_us = (uint64_t)c->reconnect_window,
        .policy = c->duplicate_policy[2] == 'p' ? HUB_REPLACE : HUB_REJECT,
        .scan = {(uint32_t)c->max_depth, SP_TOP_MAX, (uint32_t)c->max_members},
        .auth = c->jwt_secret || c->jwt_key.n || p->net.gate.certs,
        .connects = bucket_rate((uint64_t)c->address_rate, 1000000, (uint64_t)c->address_burst),
        .failures = bucket_rate((uint64_t)c->auth_failures, MINUTE_US, (uint64_t)c->auth_failures),
        .limits = {.message_rate = (uint32_t)c->message_rate,
                   .message_burst = (uint32_t)c->message_burst,
                   .byte_rate = (uint32_t)c->byte_rate,
                   .byte_burst = (uint32_t)c->byte_burst,
                   .max_sessions = (uint32_t)c->max_sessions,
                   .queue_bytes = (uint32_t)c->send_queue,
                   .queue_msgs = (uint32_t)c->send_queue_messages},
        .role_limits = p->role_limits,
        .rights = &p->rights,
        .server = "sigd/" SIGKIT_VERSION,
        .node = p->net.redis ? sp_str(c->node) : (struct sp_str){NULL, 0},
    };
}

static bool check_role(const struct rights *r, struct net_bad bad, const char *role, char *why,
                       size_t cap)
{
    char sentence[128];
    if (!role || rights_role_of_token(r, sp_str(role)) != RIGHTS_NOBODY) {
        return true;
    }
    snprintf(sentence, sizeof(sentence), "the rights table has no role '%.32s' for it", role);
    plan_place(&bad, sentence, why, cap);
    return false;
}

/* A role that is given out but has no rights is a typing error. */
static bool check_roles(const struct plan *p, const struct conf *c, char *why, size_t cap)
{
    for (unsigned i = 0; i < c->cert_role.n; i++) {
        const char *eq = strrchr(c->cert_role.v[i], '=');
        if (eq && !check_role(&p->rights, (struct net_bad){"cert-role", i}, eq + 1, why, cap)) {
            return false;
        }
    }
    return check_role(&p->rights, (struct net_bad){"default-role", 0}, c->default_role, why, cap);
}

bool plan_make(struct plan *p, const struct conf *c, char *why, size_t cap)
{
    char sentence[256];
    unsigned bad;
    make_net(p, c);
    make_hub(p, c);
    if (!rights_parse(&p->rights, c->rights.v, c->rights.n, &bad, sentence, sizeof(sentence))) {
        plan_place(&(struct net_bad){"rights", bad}, sentence, why, cap);
        return false;
    }
    if (!limits_parse(p->role_limits, &p->hub.limits, &p->rights, c->role_limit.v, c->role_limit.n,
                      &bad, sentence, sizeof(sentence))) {
        plan_place(&(struct net_bad){"role-limit", bad}, sentence, why, cap);
        return false;
    }
    return check_roles(p, c, why, cap);
}

bool plan_check(const struct plan *p, char *why, size_t cap)
{
    struct net_bad bad;
    char sentence[512];
    if (net_check(&p->net, &bad, sentence, sizeof(sentence))) {
        return true;
    }
    plan_place(&bad, sentence, why, cap);
    return false;
}
