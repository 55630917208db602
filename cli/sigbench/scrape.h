/* SPDX-License-Identifier: MIT
 * The page of --server-metrics: text in the format of Prometheus, by HTTP. */
#ifndef SIGBENCH_SCRAPE_H
#define SIGBENCH_SCRAPE_H

#include "cli/sigbench/bench.h"

#define SCRAPE_WHY 160

/* scrape_patience gives how long a server that is asked about itself may take, in ns: two seconds,
 * or --timeout when that is less. */
int64_t scrape_patience(const struct bench *b);

/* scrape_page asks for the page and gives its text, which the caller frees; NULL with a sentence in
 * why when it is not there, whole and with status 200, before the patience ends. */
char *scrape_page(const struct bench *b, char why[SCRAPE_WHY]);

/* scrape_sum adds up the samples of a family, times scale. False when the page has none, or when
 * one is no number from 0 to what fits. */
bool scrape_sum(const char *page, const char *family, double scale, uint64_t *sum);

#endif
