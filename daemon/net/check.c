/* SPDX-License-Identifier: MIT
 * Whether a configuration can work, before anything is opened. */
#include "daemon/net/priv.h"

#include <errno.h>
#include <stdio.h>

#define SPARE_FD 64u /* listeners, logs, the loop's own */

/* With fewer than the most, somebody who comes with 2,000 that say nothing would wait for more than
 * a second: only where descriptors are scarce. */
uint32_t check_pool(const struct net_conf *conf)
{
    struct rlimit r;
    rlim_t others = (rlim_t)conf->max_clients + SPARE_FD;
    getrlimit(RLIMIT_NOFILE, &r);
    if (r.rlim_max == RLIM_INFINITY || r.rlim_max >= others + POOL_MAX) {
        return POOL_MAX;
    }
    return r.rlim_max > others + POOL_MIN ? (uint32_t)(r.rlim_max - others) : POOL_MIN;
}

rlim_t check_fds_needed(const struct net_conf *conf)
{
    return conf->max_clients + check_pool(conf) + SPARE_FD;
}

static bool check_fds(const struct net_conf *conf, char *why, size_t cap)
{
    struct rlimit r;
    getrlimit(RLIMIT_NOFILE, &r);
    if (r.rlim_max != RLIM_INFINITY && check_fds_needed(conf) > r.rlim_max) {
        snprintf(why, cap, "max-clients %u needs %llu file descriptors, the limit is %llu",
                 conf->max_clients, (unsigned long long)check_fds_needed(conf),
                 (unsigned long long)r.rlim_max);
        return false;
    }
    return true;
}

/* No more than is needed: each close scans a table of this many entries. */
bool check_limit_fds(const struct net_conf *conf, char *why, size_t cap)
{
    struct rlimit r;
    getrlimit(RLIMIT_NOFILE, &r);
    r.rlim_cur = check_fds_needed(conf);
    if (setrlimit(RLIMIT_NOFILE, &r) != 0) {
        snprintf(why, cap, "cannot set the limit of file descriptors: %s", strerror(errno));
        return false;
    }
    return true;
}

static bool check_listener(const struct net_conf *conf, const struct net_listener *spec, bool auth,
                           char *why, size_t cap)
{
    struct address a;
    char detail[96];
    if (!addr_parse(&a, spec->address, detail, sizeof(detail))) {
        snprintf(why, cap, "%s: %s: %s", spec->where, spec->address, detail);
        return false;
    }
    if (!a.loopback && !spec->health && !conf->allow_anonymous && !auth) {
        snprintf(why, cap,
                 "%s: %s is open to everybody: without authentication only loopback and unix "
                 "sockets are, unless --allow-anonymous",
                 spec->where, spec->address);
        return false;
    }
    return true;
}

bool check_wants_tls(const struct net_conf *conf)
{
    bool wanted = false;
    for (unsigned i = 0; i < conf->nlisten; i++) {
        wanted = wanted || strncmp(conf->listen[i].address, "tls:", 4) == 0;
    }
    return wanted;
}

static bool check_tls(const struct net_conf *conf, char *why, size_t cap)
{
    if (check_wants_tls(conf)) {
        return tls_check(&conf->tls, why, cap);
    }
    if (conf->tls.cert || conf->tls.key || conf->tls.client_ca) {
        snprintf(why, cap, "certificates are set, but no listener begins with tls:");
        return false;
    }
    return true;
}

bool net_check(const struct net_conf *conf, struct net_bad *bad, char *why, size_t cap)
{
    struct gate *gate = gate_new(&conf->gate, bad, why, cap);
    if (!gate) {
        return false;
    }
    bool auth = gate_auth(gate);
    gate_free(gate);
    struct ice *ice = ice_new(&conf->ice, bad, why, cap);
    if (!ice) {
        return false;
    }
    ice_free(ice);
    *bad = (struct net_bad){NULL, 0};
    if (auth && conf->allow_anonymous) {
        *bad = (struct net_bad){"allow-anonymous", 0};
        snprintf(why, cap, "everybody may come in, yet tokens or certificates are asked for");
        return false;
    }
    for (unsigned i = 0; i < conf->nlisten; i++) {
        if (!check_listener(conf, &conf->listen[i], auth, why, cap)) {
            return false;
        }
    }
    if (conf->redis && !bus_check_url(conf->redis, why, cap)) {
        *bad = (struct net_bad){"redis", 0};
        return false;
    }
    return check_tls(conf, why, cap) && check_fds(conf, why, cap);
}
