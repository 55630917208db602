/* SPDX-License-Identifier: MIT
 * Log-linear buckets: exact up to 2 ms, then 1024 for each doubling. */
#include "cli/sigbench/hist.h"

static size_t index_of(uint64_t us)
{
    unsigned shift = 0;

    if (us > HIST_MAX_US) {
        us = HIST_MAX_US;
    }
    while (us >> shift >= 2 * HIST_HALF) {
        shift++;
    }
    return (size_t)shift * HIST_HALF + (size_t)(us >> shift);
}

uint64_t hist_top(size_t i)
{
    if (i < 2 * HIST_HALF) {
        return i;
    }
    size_t shift = i / HIST_HALF - 1;
    return ((i - shift * HIST_HALF + 1) << shift) - 1;
}

void hist_add(struct hist *h, int64_t us)
{
    uint64_t v = us > 0 ? (uint64_t)us : 0;

    h->bucket[index_of(v)]++;
    h->min = h->n == 0 || v < h->min ? v : h->min;
    h->max = v > h->max ? v : h->max;
    h->sum += v;
    h->n++;
}

uint64_t hist_quantile(const struct hist *h, double q)
{
    uint64_t seen = 0;
    uint64_t rank = (uint64_t)(q * (double)h->n);

    if ((double)rank < q * (double)h->n) {
        rank++;
    }
    rank = rank == 0 ? 1 : rank;
    for (size_t i = 0; i < HIST_BUCKETS && h->n > 0; i++) {
        seen += h->bucket[i];
        if (seen >= rank) {
            uint64_t top = hist_top(i);
            return top < h->max ? top : h->max;
        }
    }
    return h->max;
}

double hist_mean(const struct hist *h)
{
    return h->n ? (double)h->sum / (double)h->n : 0;
}

void hist_merge(struct hist *h, const struct hist *other)
{
    if (other->n == 0) {
        return;
    }
    h->min = h->n == 0 || other->min < h->min ? other->min : h->min;
    h->max = other->max > h->max ? other->max : h->max;
    h->n += other->n;
    h->sum += other->sum;
    for (size_t i = 0; i < HIST_BUCKETS; i++) {
        h->bucket[i] += other->bucket[i];
    }
}
