/* SPDX-License-Identifier: MIT
 * Figures as people read them. */
#ifndef SIGBENCH_FIGURE_H
#define SIGBENCH_FIGURE_H

#include "cli/sigbench/metric.h"

/* figure_text writes "23.40 ms", "12.3 MiB", "87.5 %", "4,912", "1,250/s". */
void figure_text(char out[48], enum metric_unit unit, double v);

#endif
