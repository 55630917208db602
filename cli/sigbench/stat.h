/* SPDX-License-Identifier: MIT
 * Statistics of small samples that assume nothing of their distribution. Pure. */
#ifndef SIGBENCH_STAT_H
#define SIGBENCH_STAT_H

#include <stddef.h>

#define STAT_EXACT_MAX 20u /* samples of up to that many each are tested exactly */

/* stat_sort sorts in place, ascending. */
void stat_sort(double *v, size_t n);

/* stat_quantile gives the quantile q (0..1) of sorted values, interpolated between neighbours
 * (Hyndman and Fan's definition 7); NAN of none. stat_median is that of 0.5. */
double stat_quantile(const double *sorted, size_t n, double q);
double stat_median(const double *sorted, size_t n);

/* stat_greater gives the one-sided p of the Mann-Whitney U test: how likely b's ranks among all are
 * as high as they are, or higher, when both samples come from one distribution. Exact, ties
 * included, up to STAT_EXACT_MAX values each; beyond by the normal approximation, corrected for
 * ties and continuity. 1 when a sample is empty or memory is out. */
double stat_greater(const double *a, size_t n, const double *b, size_t m);

/* stat_least_p gives the smallest p that samples of these sizes can have: that of samples which do
 * not overlap. */
double stat_least_p(size_t n, size_t m);

#endif
