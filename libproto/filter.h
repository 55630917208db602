/* SPDX-License-Identifier: MIT
 * The filter language of monitors.
 *
 *   expr  := and ("or" and)*          and := not (["and"] not)*
 *   not   := "not" not | "(" expr ")" | field op value ("," value)*
 *   op    := = != < > <= >=
 *
 * Fields are those of tbl/event_fields.h plus event, type (alias kind) and peer (from, to or id).
 * String values are globs; number values take the unit of the field (size>4k, us>2ms). A value
 * with spaces, commas or parentheses stands in double quotes. = with several values is "any of",
 * != is "none of". An absent field equals nothing: = is false, != is true, < and > are false.
 * A glob on event or type must match a known word. A bare word that is the name of both an event
 * and a message type matches either. A bare word that is an event's or a message type's name means
 * event=word or type=word. */
#ifndef SP_FILTER_H
#define SP_FILTER_H

#include "libproto/err.h"
#include "libproto/event.h"
#include "libproto/limits.h"

#define SP_FILTER_OPS 64

struct sp_filter_op {
    uint8_t code; /* enums in filter_ops.h */
    uint8_t field;
    uint8_t cmp;
    uint16_t val, nval; /* first value and how many */
};

struct sp_filter_value {
    uint16_t off, len; /* into text */
    int64_t num;
};

/* sp_filter is a compiled expression, self-contained (no pointers), postfix. */
struct sp_filter {
    uint16_t nop, nval, ntext;
    struct sp_filter_op op[SP_FILTER_OPS];
    struct sp_filter_value val[SP_FILTER_OPS];
    char text[SP_FILTER_MAX];
};

/* sp_filter_parse compiles src; an empty expression matches everything. SP_INVALID_MEMBER with the
 * offset and a sentence ("unknown field 'form', did you mean 'from'?") on a bad one. */
enum sp_err sp_filter_parse(struct sp_filter *f, struct sp_str src,
                            struct sp_diag *d) SP_MUST_CHECK;

/* sp_filter_match evaluates it; no allocation. */
bool sp_filter_match(const struct sp_filter *f, const struct sp_event *ev);

#endif
