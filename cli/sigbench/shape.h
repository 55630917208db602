/* SPDX-License-Identifier: MIT
 * The shape of a load: rate over time, shares of a mix, addresses that it comes from. */
#ifndef SIGBENCH_SHAPE_H
#define SIGBENCH_SHAPE_H

#include "cli/sigbench/bench.h"

/* shape_load makes profile, mix and sources of the options; false with a sentence in why. */
bool shape_load(struct bench *b, char *why, size_t cap);

#endif
