/* SPDX-License-Identifier: MIT
 * The count of sends is the integral of the rate; a send is due where that reaches its number. */
#include "cli/sigbench/profile.h"

#include "libproto/units.h"

#include <math.h>
#include <stdio.h>

#define NS 1e9

void profile_constant(struct profile *p, double rate)
{
    p->n = 1;
    p->piece[0].length = 0;
    p->piece[0].from = p->piece[0].to = rate;
}

static void add(struct profile *p, double length, double from, double to)
{
    p->piece[p->n].length = length;
    p->piece[p->n].from = from;
    p->piece[p->n].to = to;
    p->n++;
}

void profile_ramp(struct profile *p, double rate, int64_t ramp_us)
{
    p->n = 0;
    add(p, (double)ramp_us * 1e3, 0, rate);
}

static bool parse_stage(struct sp_str s, int64_t *us, int64_t *rate)
{
    const char *at = memchr(s.p, '@', s.n);
    if (!at) {
        return false;
    }
    struct sp_str length = {s.p, (size_t)(at - s.p)};
    struct sp_str value = {at + 1, s.n - length.n - 1};
    return sp_parse_duration(length, 1000000, us) && *us > 0 && sp_parse_count(value, rate) &&
           *rate > 0;
}

bool profile_parse(struct profile *p, const char *stages, int64_t ramp_us, char *why, size_t cap)
{
    struct sp_str rest = sp_str(stages);
    double before = 0;
    p->n = 0;
    while (rest.n > 0) {
        struct sp_str one = sp_cut(&rest, ",");
        int64_t us = 0, rate = 0;
        if (!parse_stage(one, &us, &rate)) {
            snprintf(why, cap, "--stages '%.*s': want a time and a rate, such as 30s@500",
                     (int)one.n, one.p);
            return false;
        }
        if (p->n + 2 > PROFILE_MAX) {
            snprintf(why, cap, "--stages: more than %u", PROFILE_MAX / 2);
            return false;
        }
        int64_t way = ramp_us < us ? ramp_us : us;
        if (way > 0) {
            add(p, (double)way * 1e3, before, (double)rate);
        }
        add(p, (double)(us - way) * 1e3, (double)rate, (double)rate);
        before = (double)rate;
    }
    if (p->n == 0) {
        snprintf(why, cap, "--stages: want stages such as 30s@500,1m@2k");
    }
    return p->n > 0;
}

double profile_length(const struct profile *p)
{
    double sum = 0;
    for (unsigned i = 0; i < p->n; i++) {
        sum += p->piece[i].length;
    }
    return sum;
}

double profile_last(const struct profile *p)
{
    return p->piece[p->n - 1].to;
}

/* Solves from * x + (to - from) / (2 * length) * x * x = n for x, in seconds. */
static double into(double from, double to, double length, double n)
{
    double slope = length > 0 ? (to - from) / length : 0;
    if (fabs(slope) < 1e-9) {
        return n / from;
    }
    return (sqrt(from * from + 2 * slope * n) - from) / slope;
}

double profile_time(const struct profile *p, double n)
{
    double at = 0;
    for (unsigned i = 0; i < p->n; i++) {
        double length = p->piece[i].length / NS;
        double all = (p->piece[i].from + p->piece[i].to) / 2 * length;
        if (n < all) {
            return at + into(p->piece[i].from, p->piece[i].to, length, n) * NS;
        }
        n -= all;
        at += p->piece[i].length;
    }
    return at + n / profile_last(p) * NS;
}
