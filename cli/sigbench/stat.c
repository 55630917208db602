/* SPDX-License-Identifier: MIT
 * Ranks are kept doubled: those of ties are halves, and the exact test counts whole numbers. */
#include "cli/sigbench/stat.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#define EXACT_SUM (2u * STAT_EXACT_MAX * (2u * STAT_EXACT_MAX + 1u)) /* of all doubled ranks */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

void stat_sort(double *v, size_t n)
{
    qsort(v, n, sizeof(*v), by_value);
}

double stat_quantile(const double *sorted, size_t n, double q)
{
    if (n == 0) {
        return NAN;
    }
    double at = q * (double)(n - 1);
    size_t i = (size_t)at;
    if (i + 1 >= n) {
        return sorted[n - 1];
    }
    return sorted[i] + (at - (double)i) * (sorted[i + 1] - sorted[i]);
}

double stat_median(const double *sorted, size_t n)
{
    return stat_quantile(sorted, n, 0.5);
}

double stat_least_p(size_t n, size_t m)
{
    double ways = 1;

    for (size_t i = 1; i <= n; i++) {
        ways = ways * (double)(m + i) / (double)i;
    }
    return 1 / ways;
}

struct ranked {
    double value;
    bool of_b;
    uint64_t rank2; /* doubled */
};

static int by_ranked(const void *a, const void *b)
{
    return by_value(&((const struct ranked *)a)->value, &((const struct ranked *)b)->value);
}

/* Gives the sum of t³ - t over the groups of ties. */
static double set_ranks(struct ranked *r, size_t n)
{
    double ties = 0;

    for (size_t i = 0; i < n;) {
        size_t end = i + 1;
        while (end < n && r[end].value <= r[i].value) {
            end++;
        }
        double t = (double)(end - i);
        ties += t * t * t - t;
        for (size_t k = i; k < end; k++) {
            r[k].rank2 = i + 1 + end;
        }
        i = end;
    }
    return ties;
}

/* The share of all choices of m among the ranks whose sum is at least that of b. */
static double exact(const struct ranked *r, size_t all, size_t m, uint64_t sum2)
{
    double(*ways)[EXACT_SUM + 1] = calloc(m + 1, sizeof(*ways));
    double reached = 0, total = 0;

    if (!ways) {
        return 1;
    }
    ways[0][0] = 1;
    for (size_t i = 0; i < all; i++) {
        for (size_t k = m; k > 0; k--) {
            for (size_t s = EXACT_SUM; s >= r[i].rank2; s--) {
                ways[k][s] += ways[k - 1][s - r[i].rank2];
            }
        }
    }
    for (size_t s = 0; s <= EXACT_SUM; s++) {
        total += ways[m][s];
        reached += s >= sum2 ? ways[m][s] : 0;
    }
    free(ways);
    return reached / total;
}

static double approximate(double n, double m, double sum2, double ties)
{
    double all = n + m;
    double u = sum2 / 2 - m * (m + 1) / 2;
    double variance = n * m / 12 * (all + 1 - ties / (all * (all - 1)));

    if (variance <= 0) {
        return 1;
    }
    return erfc((u - n * m / 2 - 0.5) / sqrt(2 * variance)) / 2;
}

double stat_greater(const double *a, size_t n, const double *b, size_t m)
{
    size_t all = n + m;
    struct ranked *r = n && m ? calloc(all, sizeof(*r)) : NULL;
    uint64_t sum2 = 0;

    if (!r) {
        return 1;
    }
    for (size_t i = 0; i < all; i++) {
        r[i] = (struct ranked){i < n ? a[i] : b[i - n], i >= n, 0};
    }
    qsort(r, all, sizeof(*r), by_ranked);
    double ties = set_ranks(r, all);
    for (size_t i = 0; i < all; i++) {
        sum2 += r[i].of_b ? r[i].rank2 : 0;
    }
    bool small = n <= STAT_EXACT_MAX && m <= STAT_EXACT_MAX;
    double p =
        small ? exact(r, all, m, sum2) : approximate((double)n, (double)m, (double)sum2, ties);
    free(r);
    return p;
}
