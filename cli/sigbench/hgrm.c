/* SPDX-License-Identifier: MIT
 * The percentile text of HdrHistogram (outputPercentileDistribution with five ticks a half), which
 * its plotter and others read. */
#include "cli/sigbench/hgrm.h"

#include <math.h>

#define TICKS 5.0

/* The step is a fifth of the distance from the last half to 100 %, as HdrHistogram's is. */
static double after(double level)
{
    return level + 1 / (TICKS * exp2(floor(log2(1 / (1 - level))) + 1));
}

bool hgrm_next(struct hgrm_step *s)
{
    const struct hist *h = s->h;

    if (s->share >= 1 || h->n == 0) {
        return false;
    }
    if (s->total == h->n) {
        s->share = 1;
        s->value = h->max;
        return true;
    }
    while (s->next < HIST_BUCKETS &&
           (s->total == 0 || (double)s->total < s->level * (double)h->n)) {
        s->total += h->bucket[s->next++];
    }
    s->value = hist_top(s->next - 1) < h->max ? hist_top(s->next - 1) : h->max;
    s->share = s->level;
    s->level = after(s->level);
    return true;
}

static double deviation(const struct hist *h)
{
    double mean = hist_mean(h), sum = 0;

    for (size_t i = 0; i < HIST_BUCKETS; i++) {
        double low = i ? (double)hist_top(i - 1) + 1 : 0;
        double off = (low + (double)hist_top(i)) / 2 - mean;
        sum += h->bucket[i] ? off * off * (double)h->bucket[i] : 0;
    }
    return h->n ? sqrt(sum / (double)h->n) : 0;
}

void hgrm_write(FILE *f, const struct hist *h)
{
    struct hgrm_step s = {.h = h};

    fprintf(f, "%12s %14s %10s %14s\n\n", "Value", "Percentile", "TotalCount", "1/(1-Percentile)");
    while (hgrm_next(&s)) {
        fprintf(f, "%12.3f %2.12f %10llu", (double)s.value / 1e3, s.share,
                (unsigned long long)s.total);
        fprintf(f, s.share < 1 ? " %14.2f\n" : "\n", 1 / (1 - s.share));
    }
    fprintf(f, "#[Mean    = %12.3f, StdDeviation   = %12.3f]\n", hist_mean(h) / 1e3,
            deviation(h) / 1e3);
    fprintf(f, "#[Max     = %12.3f, Total count    = %12llu]\n", (double)h->max / 1e3,
            (unsigned long long)h->n);
    fprintf(f, "#[Buckets = %12u, SubBuckets     = %12u]\n", HIST_SHIFTS + 1, 2 * HIST_HALF);
}
