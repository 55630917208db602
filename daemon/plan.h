/* SPDX-License-Identifier: MIT
 * From the configuration as it is written to what the transport and the hub are told. */
#ifndef DAEMON_PLAN_H
#define DAEMON_PLAN_H

#include "daemon/conf.h"
#include "daemon/net/net.h"

/* plan borrows the strings of the conf that it was made of; net and hub point into it. */
struct plan {
    struct net_conf net;
    struct hub_conf hub;
    struct rights rights;
    struct limits role_limits[RIGHTS_ROLES];
    char standard[32]; /* the address of --port */
    char passed[NET_LISTENERS][32];
};

/* plan_make fills everything but the hooks. False with a sentence in why that names the place. */
bool plan_make(struct plan *p, const struct conf *c, char *why, size_t cap);

/* plan_check asks whether it can work: certificates, keys, addresses. False with such a sentence.
 */
bool plan_check(const struct plan *p, char *why, size_t cap);

/* plan_place puts the place of the value to blame before a sentence. */
void plan_place(const struct net_bad *bad, const char *sentence, char *why, size_t cap);

#endif
