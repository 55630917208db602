/* SPDX-License-Identifier: MIT
 * The inside of options: all tables of a tool as one, and which source each value came from.
 * Only opt.c and optread.c know it. */
#ifndef CLI_OPT_IN_H
#define CLI_OPT_IN_H

#include "cli/common/opt.h"

#include <getopt.h>

/* More rows than the largest tool has; a table that outgrows it fails in opt_flatten at once. */
#define OPT_ROWS_MAX 160

/* weakest first */
enum opt_source {
    OPT_FROM_DEFAULT,
    OPT_FROM_CONFIG,
    OPT_FROM_ENV_FILE,
    OPT_FROM_ENV,
    OPT_FROM_ARGV
};

/* opt_flat borrows tables and values. */
struct opt_flat {
    const struct opt *row[OPT_ROWS_MAX];
    void *values[OPT_ROWS_MAX];
    enum opt_source from[OPT_ROWS_MAX];
    struct option longs[OPT_ROWS_MAX + 1];
    char letters[2 * OPT_ROWS_MAX + 2];
    int n;
};

/* opt_flatten is false with a sentence in why when there are too many rows. */
bool opt_flatten(struct opt_flat *f, const struct opt_group *groups, size_t n, char *why,
                 size_t cap);

/* opt_flat_parse is opt_parse on a flat table. */
bool opt_flat_parse(struct opt_flat *f, int argc, char **argv, int *first, char *why, size_t cap);

/* opt_flat_is_open tells that no stronger source has said this row or an alternative to it. */
bool opt_flat_is_open(const struct opt_flat *f, int i, enum opt_source from);

/* opt_flat_set sets row i from v (NULL: a flag without a value) and unsets its alternatives of
 * weaker sources. Gives the wanted form where v is not right, NULL when it is. */
const char *opt_flat_set(struct opt_flat *f, int i, const char *v, enum opt_source from);

#endif
