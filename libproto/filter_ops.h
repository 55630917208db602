/* SPDX-License-Identifier: MIT
 * What the filter's compiler and its evaluator agree on; not installed. */
#ifndef SP_FILTER_OPS_H
#define SP_FILTER_OPS_H

#include "libproto/filter.h"

/* code of struct sp_filter_op; the value of EVENT and TYPE is a set of words as a mask in num, that
 * of STR and PEER is text, with num telling whether it is a glob. PAREN is never emitted. */
enum code { OP_EVENT, OP_TYPE, OP_PEER, OP_STR, OP_NUM, OP_NOT, OP_AND, OP_OR, OP_PAREN };

enum cmp { CMP_EQ, CMP_NE, CMP_LT, CMP_GT, CMP_LE, CMP_GE };

_Static_assert(SP_EV_COUNT <= 63 && SP_T_COUNT <= 63, "sets of words are masks in an int64_t");
_Static_assert(SP_FILTER_OPS <= 64, "one bit of a uint64_t per value on the evaluation stack");

#endif
