/* SPDX-License-Identifier: MIT
 * A number against a bound. */
#include "cli/common/compare.h"

#include "libproto/units.h"

enum compare_op compare_operator(const char **text, enum compare_op bare)
{
    static const struct {
        const char *word;
        enum compare_op op;
    } ops[] = {{"<=", COMPARE_LE}, {">=", COMPARE_GE}, {"!=", COMPARE_NE}, {"==", COMPARE_EQ},
               {"<", COMPARE_LT},  {">", COMPARE_GT},  {"=", COMPARE_EQ}};
    for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
        size_t n = strlen(ops[i].word);
        if (strncmp(*text, ops[i].word, n) == 0) {
            *text += n;
            return ops[i].op;
        }
    }
    return bare;
}

bool compare_parse(struct compare *c, const char *text, enum compare_op bare)
{
    c->op = compare_operator(&text, bare);
    return sp_parse_count(sp_str(text), &c->bound);
}

bool compare_holds(const struct compare *c, int64_t n)
{
    switch (c->op) {
    case COMPARE_EQ:
        return n == c->bound;
    case COMPARE_NE:
        return n != c->bound;
    case COMPARE_LT:
        return n < c->bound;
    case COMPARE_LE:
        return n <= c->bound;
    case COMPARE_GT:
        return n > c->bound;
    case COMPARE_GE:
        return n >= c->bound;
    }
    return false;
}
