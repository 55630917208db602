/* SPDX-License-Identifier: MIT
 * A scenario in a file: the options of a run, a line each. */
#ifndef SIGBENCH_PLAN_H
#define SIGBENCH_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#define PLAN_WORDS 128

/* plan is the words of a command line that a file stands for. */
struct plan {
    char *word[PLAN_WORDS + 1];
    int n;
    char *scenario; /* NULL: the file names none */
};

/* plan_read reads lines "name = value", or "name" alone for a flag, "scenario = NAME" and comments
 * behind #. False with a sentence in why. plan_free may follow either way. */
bool plan_read(struct plan *p, const char *path, char *why, size_t cap);
void plan_free(struct plan *p);

#endif
