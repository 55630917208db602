/* SPDX-License-Identifier: MIT
 * Options with a small language of their own. */
#include "cli/sigbench/shape.h"

#include "libproto/units.h"

#include <arpa/inet.h>
#include <stdio.h>

static bool load_profile(struct bench *b, char *why, size_t cap)
{
    struct bench_conf *c = &b->conf;
    b->profile.n = 0;
    if (c->stages && c->rate > 0) {
        snprintf(why, cap, "--stages has rates of its own: leave out --rate");
        return false;
    }
    if (c->ramp_us > 0 && !c->stages && c->rate <= 0) {
        snprintf(why, cap, "--ramp is for --rate and --stages");
        return false;
    }
    if (c->stages) {
        return profile_parse(&b->profile, c->stages, c->ramp_us, why, cap);
    }
    if (c->rate > 0 && c->ramp_us > 0) {
        profile_ramp(&b->profile, (double)c->rate, c->ramp_us);
    } else if (c->rate > 0) {
        profile_constant(&b->profile, (double)c->rate);
    }
    return true;
}

/* --- mix ------------------------------------------------------------------------------------- */

static bool add_share(struct bench *b, struct sp_str one)
{
    struct sp_str name = sp_cut(&one, "=");
    int64_t n = 0;
    if (!sp_parse_count(sp_cut(&one, "="), &n) || n > 1000) {
        return false;
    }
    for (unsigned i = 0; i < MIX_MAX; i++) {
        if (sp_str_eq(name, sp_str(scenarios[i].name))) {
            b->mix[i] = (unsigned)n;
            return true;
        }
    }
    return false;
}

static bool load_mix(struct bench *b, char *why, size_t cap)
{
    struct sp_str rest = sp_str(b->conf.mix);
    unsigned all = 0;
    memset(b->mix, 0, sizeof(b->mix));
    if (strcmp(b->scenario->name, "mix") != 0) {
        return true;
    }
    while (rest.n > 0) {
        struct sp_str one = sp_cut(&rest, ",");
        if (!add_share(b, one)) {
            snprintf(why, cap,
                     "--mix '%.*s': want relay, setup or churn and a share, such as "
                     "setup=2",
                     (int)one.n, one.p);
            return false;
        }
    }
    for (unsigned i = 0; i < MIX_MAX; i++) {
        all += b->mix[i];
    }
    if (all == 0) {
        snprintf(why, cap, "--mix: all shares are 0");
    }
    return all > 0;
}

/* --- source addresses ------------------------------------------------------------------------ */

static bool parse_address(struct sp_str s, uint32_t *v)
{
    char text[INET_ADDRSTRLEN];
    struct in_addr a;
    if (s.n == 0 || s.n >= sizeof(text)) {
        return false;
    }
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    if (inet_pton(AF_INET, text, &a) != 1) {
        return false;
    }
    *v = ntohl(a.s_addr);
    return true;
}

static bool add_sources(struct bench *b, struct sp_str one, char *why, size_t cap)
{
    struct sp_str range = one, from = sp_cut(&range, "-"), to = sp_cut(&range, "-");
    uint32_t first = 0, last = 0;
    if (!parse_address(from, &first) || !parse_address(to.n > 0 ? to : from, &last) ||
        last < first) {
        snprintf(why, cap,
                 "--source-ip '%.*s': want an IPv4 address, or two as 127.0.0.2-127.0.0.9",
                 (int)one.n, one.p);
        return false;
    }
    for (uint64_t a = first; a <= last; a++) {
        if (b->source_count == SOURCES_MAX) {
            snprintf(why, cap, "--source-ip: more than %u addresses", SOURCES_MAX);
            return false;
        }
        b->sources[b->source_count++] =
            (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl((uint32_t)a)};
    }
    return true;
}

static bool load_sources(struct bench *b, char *why, size_t cap)
{
    struct sp_str rest = sp_str(b->conf.source_ip ? b->conf.source_ip : "");
    b->source_count = 0;
    while (rest.n > 0) {
        if (!add_sources(b, sp_cut(&rest, ","), why, cap)) {
            return false;
        }
    }
    return true;
}

bool shape_load(struct bench *b, char *why, size_t cap)
{
    return load_profile(b, why, cap) && load_mix(b, why, cap) && load_sources(b, why, cap);
}
