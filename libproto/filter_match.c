/* SPDX-License-Identifier: MIT
 * Evaluates a compiled filter: postfix, with the truth values in the bits of one word. */
#include "libproto/filter_ops.h"
#include "libproto/id.h"

static bool str_equals(const struct sp_filter *f, const struct sp_filter_value *v, struct sp_str s)
{
    struct sp_str want = {f->text + v->off, v->len};

    if (s.n == 0) {
        return false;
    }
    return v->num ? sp_glob_match(want, s) : sp_str_eq(want, s);
}

static bool equals(const struct sp_filter *f, const struct sp_filter_op *op,
                   const struct sp_filter_value *v, const struct sp_event *ev)
{
    switch ((enum code)op->code) {
    case OP_EVENT:
        return ev->event != SP_EV_NONE && ((uint64_t)v->num >> ev->event & 1u);
    case OP_TYPE:
        return ev->kind != SP_T_NONE && ((uint64_t)v->num >> ev->kind & 1u);
    case OP_PEER:
        return str_equals(f, v, ev->s[SP_ES_from]) || str_equals(f, v, ev->s[SP_ES_to]) ||
               str_equals(f, v, ev->s[SP_ES_id]);
    case OP_STR:
        return str_equals(f, v, ev->s[op->field]);
    case OP_NUM:
        return ev->n[op->field] >= 0 && ev->n[op->field] == v->num;
    case OP_NOT:
    case OP_AND:
    case OP_OR:
    case OP_PAREN:
        return false;
    }
    return false;
}

static bool any_equals(const struct sp_filter *f, const struct sp_filter_op *op,
                       const struct sp_event *ev)
{
    for (unsigned i = 0; i < op->nval; i++) {
        if (equals(f, op, &f->val[op->val + i], ev)) {
            return true;
        }
    }
    return false;
}

static bool test(const struct sp_filter *f, const struct sp_filter_op *op,
                 const struct sp_event *ev)
{
    int64_t have = op->code == OP_NUM ? ev->n[op->field] : -1;
    int64_t want = f->val[op->val].num;

    switch ((enum cmp)op->cmp) {
    case CMP_EQ:
        return any_equals(f, op, ev);
    case CMP_NE:
        return !any_equals(f, op, ev);
    case CMP_LT:
        return have >= 0 && have < want;
    case CMP_GT:
        return have >= 0 && have > want;
    case CMP_LE:
        return have >= 0 && have <= want;
    case CMP_GE:
        return have >= 0 && have >= want;
    }
    return false;
}

bool sp_filter_match(const struct sp_filter *f, const struct sp_event *ev)
{
    uint64_t stack = 0; /* lowest bit on top */

    if (f->nop == 0) {
        return true;
    }
    for (unsigned i = 0; i < f->nop; i++) {
        const struct sp_filter_op *op = &f->op[i];
        uint64_t top = stack & 1u;
        switch ((enum code)op->code) {
        case OP_NOT:
            stack ^= 1u;
            break;
        case OP_AND:
            stack = (stack >> 1) & (~UINT64_C(1) | top);
            break;
        case OP_OR:
            stack = (stack >> 1) | top;
            break;
        case OP_EVENT:
        case OP_TYPE:
        case OP_PEER:
        case OP_STR:
        case OP_NUM:
            stack = stack << 1 | test(f, op, ev);
            break;
        case OP_PAREN:
            break;
        }
    }
    return stack & 1u;
}
