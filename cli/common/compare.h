/* SPDX-License-Identifier: MIT
 * A number against a bound, as options say it: 20, '>=20', '<2'. */
#ifndef CLI_COMPARE_H
#define CLI_COMPARE_H

#include "libproto/types.h"

enum compare_op { COMPARE_EQ, COMPARE_NE, COMPARE_LT, COMPARE_LE, COMPARE_GT, COMPARE_GE };

struct compare {
    enum compare_op op;
    int64_t bound;
};

/* compare_operator takes <= >= != == < > or = off the front of *text; bare where none is there. */
enum compare_op compare_operator(const char **text, enum compare_op bare);

/* compare_parse reads a count behind an operator; alone it has the operator bare. */
bool compare_parse(struct compare *c, const char *text, enum compare_op bare);

bool compare_holds(const struct compare *c, int64_t n);

#endif
