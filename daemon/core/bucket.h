/* SPDX-License-Identifier: MIT
 * Token buckets in one number each (generic cell rate algorithm, ITU-T I.371): the moment at which
 * the bucket will be full again. */
#ifndef CORE_BUCKET_H
#define CORE_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

/* bucket_rate says how a bucket fills: one token every step_ns nanoseconds, up to burst tokens.
 * step_ns 0 is no limit. */
struct bucket_rate {
    uint64_t step_ns, depth_ns;
};

/* bucket_rate makes one of tokens per period_us; none when tokens is 0. More than a token per
 * nanosecond counts as that. */
static inline struct bucket_rate bucket_rate(uint64_t tokens, uint64_t period_us, uint64_t burst)
{
    uint64_t step = tokens ? period_us * 1000 / tokens : 0;
    step += tokens && !step;
    return (struct bucket_rate){step, step * (burst ? burst : 1)};
}

/* bucket_take takes n tokens out of a bucket; a new one is 0. Gives 0, or, when there are not
 * enough, the microseconds after which there will be; nothing is taken then. More than the depth
 * is taken from a full bucket, which then is in debt. */
static inline uint64_t bucket_take(uint64_t *full_ns, struct bucket_rate r, uint64_t n,
                                   uint64_t now_us)
{
    uint64_t now = now_us * 1000, at = *full_ns > now ? *full_ns : now;
    uint64_t cost = n * r.step_ns, room = r.depth_ns > cost ? r.depth_ns - cost : 0;
    if (r.step_ns && at - now > room) {
        return (at - now - room + 999) / 1000;
    }
    *full_ns = at + cost;
    return 0;
}

/* bucket_charge takes n tokens even when they are not there; the bucket is in debt then. */
static inline void bucket_charge(uint64_t *full_ns, struct bucket_rate r, uint64_t n,
                                 uint64_t now_us)
{
    uint64_t now = now_us * 1000;
    *full_ns = (*full_ns > now ? *full_ns : now) + n * r.step_ns;
}

/* bucket_wait gives what bucket_take of n would give, and takes nothing. */
static inline uint64_t bucket_wait(uint64_t full_ns, struct bucket_rate r, uint64_t n,
                                   uint64_t now_us)
{
    return bucket_take(&full_ns, r, n, now_us);
}

#endif
