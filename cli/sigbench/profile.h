/* SPDX-License-Identifier: MIT
 * The rate of an open model over time, and when the n-th send is due. Pure. */
#ifndef SIGBENCH_PROFILE_H
#define SIGBENCH_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROFILE_MAX 128u

/* profile is pieces in which the rate goes evenly from one value to another; after the last one it
 * stays. */
struct profile {
    struct {
        double length;   /* ns */
        double from, to; /* sends per second */
    } piece[PROFILE_MAX];
    unsigned n;
};

/* profile_constant is one rate for ever. */
void profile_constant(struct profile *p, double rate);

/* profile_parse reads "30s@500,1m@2k": stages one after the other, each of which begins, for
 * ramp_us, with a way from the rate before, 0 at first. False with a sentence in why. */
bool profile_parse(struct profile *p, const char *stages, int64_t ramp_us, char *why, size_t cap);

/* profile_ramp is a rate that is reached after ramp_us. */
void profile_ramp(struct profile *p, double rate, int64_t ramp_us);

/* profile_length gives the sum of the pieces in ns, profile_last the last rate. */
double profile_length(const struct profile *p);
double profile_last(const struct profile *p);

/* profile_time gives the ns from the start after which n sends are due; n need not be whole. */
double profile_time(const struct profile *p, double n);

#endif
