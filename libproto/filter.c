/* SPDX-License-Identifier: MIT
 * The filter language of monitors: a shunting yard compiles expressions to postfix, so
 * that no input can make it recurse. */
#include "libproto/filter.h"

#include "libproto/filter_ops.h"
#include "libproto/id.h"
#include "libproto/msg.h"
#include "libproto/units.h"

#include <stdio.h>

enum unit { UNIT_COUNT, UNIT_BYTES, UNIT_USEC };

struct field {
    const char *name;
    enum code code;
    uint8_t at;
    enum unit unit;
};

static const struct field fields[] = {
    {"event", OP_EVENT, 0, UNIT_COUNT},
    {"type", OP_TYPE, 0, UNIT_COUNT},
    {"kind", OP_TYPE, 0, UNIT_COUNT},
    {"peer", OP_PEER, 0, UNIT_COUNT},
#define SP_FIELD_NUM(member, name, unit)    {name, OP_NUM, SP_EN_##member, UNIT_##unit},
#define SP_FIELD_STR(member, name, longest) {name, OP_STR, SP_ES_##member, UNIT_COUNT},
#include "libproto/tbl/event_fields.h"
#undef SP_FIELD_NUM
#undef SP_FIELD_STR
};

#define FIELDS (sizeof(fields) / sizeof(fields[0]))

struct parser {
    struct sp_filter *f;
    struct sp_str src;
    size_t pos;
    struct sp_diag *d;
    uint8_t stack[SP_FILTER_OPS]; /* enum code: operators that wait for their right side */
    unsigned nstack;
};

/* A value as written. */
struct value {
    struct sp_str text;
    size_t off;
};

/* ---- did you mean ---- */

static void consider_fields(struct sp_guess *g)
{
    for (size_t i = 0; i < FIELDS; i++) {
        sp_guess_consider(g, fields[i].name);
    }
}

static const char *word_of(enum code code, unsigned i)
{
    return code == OP_EVENT ? sp_event_wire((enum sp_event_type)i) : sp_type_wire((enum sp_type)i);
}

static void consider_words(struct sp_guess *g, enum code code)
{
    unsigned count = code == OP_EVENT ? SP_EV_COUNT : SP_T_COUNT;

    for (unsigned i = 1; i < count; i++) {
        sp_guess_consider(g, word_of(code, i));
    }
}

/* Reports an unknown word; it is quoted only when it is harmless and short. */
static enum sp_err unknown(struct parser *p, size_t off, const char *what, const struct sp_guess *g)
{
    struct sp_str w = g->word;

    if (w.n > SP_WORD_MAX || !sp_id_ok(w)) {
        return sp_diag_set(p->d, SP_INVALID_MEMBER, off, "unknown %s", what);
    }
    return sp_diag_set(p->d, SP_INVALID_MEMBER, off, "unknown %s '%.*s'%s%s%s", what, (int)w.n, w.p,
                       g->best ? ", did you mean '" : "", g->best ? g->best : "",
                       g->best ? "'?" : "");
}

/* ---- words ---- */

static enum sp_err fail(struct parser *p, size_t off, const char *text)
{
    return sp_diag_set(p->d, SP_INVALID_MEMBER, off, "%s", text);
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void skip_space(struct parser *p)
{
    while (p->pos < p->src.n && is_space(p->src.p[p->pos])) {
        p->pos++;
    }
}

static bool peek(const struct parser *p, char c)
{
    return p->pos < p->src.n && p->src.p[p->pos] == c;
}

/* The run of bytes at pos up to white space or one of the stop bytes. */
static struct sp_str run_until(const struct parser *p, const char *stop)
{
    size_t end = p->pos;

    while (end < p->src.n) {
        char c = p->src.p[end];
        if (c == '\0' || is_space(c) || strchr(stop, c)) {
            break;
        }
        end++;
    }
    return (struct sp_str){p->src.p + p->pos, end - p->pos};
}

static struct sp_str peek_word(const struct parser *p)
{
    return run_until(p, "()\",=!<>");
}

static bool take_keyword(struct parser *p, struct sp_str keyword)
{
    struct sp_str w = peek_word(p);

    if (!sp_str_eq(w, keyword)) {
        return false;
    }
    p->pos += w.n;
    return true;
}

static bool take_cmp(struct parser *p, enum cmp *cmp)
{
    static const struct {
        const char *text;
        enum cmp cmp;
    } ops[] = {{"!=", CMP_NE}, {"<=", CMP_LE}, {">=", CMP_GE},
               {"=", CMP_EQ},  {"<", CMP_LT},  {">", CMP_GT}};

    for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
        size_t n = strlen(ops[i].text);
        if (p->src.n - p->pos >= n && memcmp(p->src.p + p->pos, ops[i].text, n) == 0) {
            p->pos += n;
            *cmp = ops[i].cmp;
            return true;
        }
    }
    return false;
}

static enum sp_err take_value(struct parser *p, struct value *v)
{
    skip_space(p);
    v->off = p->pos;
    if (peek(p, '"')) {
        p->pos++;
        const char *start = p->src.p + p->pos;
        const char *end = memchr(start, '"', p->src.n - p->pos);
        if (!end) {
            return fail(p, v->off, "the quote is not closed");
        }
        v->text = (struct sp_str){start, (size_t)(end - start)};
        p->pos += v->text.n + 1;
        return SP_OK;
    }
    v->text = run_until(p, "(),\"");
    if (v->text.n == 0) {
        return fail(p, v->off, "a value is missing");
    }
    p->pos += v->text.n;
    return SP_OK;
}

/* ---- emitting ---- */

static enum sp_err emit(struct parser *p, const struct sp_filter_op *op)
{
    if (p->f->nop == SP_FILTER_OPS) {
        return fail(p, p->pos, "the filter has too many terms");
    }
    p->f->op[p->f->nop++] = *op;
    return SP_OK;
}

static enum sp_err emit_code(struct parser *p, enum code code)
{
    return emit(p, &(struct sp_filter_op){.code = (uint8_t)code});
}

static enum sp_err emit_value(struct parser *p, struct sp_str text, int64_t num, size_t off)
{
    struct sp_filter *f = p->f;

    if (f->nval == SP_FILTER_OPS || text.n > SP_FILTER_MAX - f->ntext) {
        return fail(p, off, "the filter has too many values");
    }
    f->val[f->nval++] =
        (struct sp_filter_value){.off = f->ntext, .len = (uint16_t)text.n, .num = num};
    if (text.n) {
        memcpy(f->text + f->ntext, text.p, text.n);
    }
    f->ntext = (uint16_t)(f->ntext + text.n);
    return SP_OK;
}

/* The set of events or message types whose wire word the glob matches. */
static int64_t mask_of(enum code code, struct sp_str glob)
{
    unsigned count = code == OP_EVENT ? SP_EV_COUNT : SP_T_COUNT;
    uint64_t mask = 0;

    for (unsigned i = 1; i < count; i++) {
        const char *word = word_of(code, i);
        if (sp_glob_match(glob, sp_str(word))) {
            mask |= UINT64_C(1) << i;
        }
    }
    return (int64_t)mask;
}

static bool parse_number(enum unit unit, struct sp_str text, int64_t *num)
{
    switch (unit) {
    case UNIT_COUNT:
        return sp_parse_count(text, num);
    case UNIT_BYTES:
        return sp_parse_size(text, num);
    case UNIT_USEC:
        return sp_parse_duration(text, 1, num);
    }
    return false;
}

static const char *unit_example(enum unit unit)
{
    switch (unit) {
    case UNIT_COUNT:
        return "a number is needed here, such as 100 or 10k";
    case UNIT_BYTES:
        return "a size is needed here, such as 300 or 4k";
    case UNIT_USEC:
        return "a duration is needed here, such as 500us or 2ms";
    }
    return "";
}

/* A string value remembers in num whether it holds a wildcard: most do not. */
static bool is_glob(struct sp_str s)
{
    return s.n && (memchr(s.p, '*', s.n) || memchr(s.p, '?', s.n));
}

static enum sp_err compile_value(struct parser *p, const struct field *field, const struct value *v)
{
    struct sp_str none = {NULL, 0};
    int64_t num = 0;

    if (field->code == OP_NUM) {
        if (!parse_number(field->unit, v->text, &num)) {
            return fail(p, v->off, unit_example(field->unit));
        }
        return emit_value(p, none, num, v->off);
    }
    if (field->code == OP_STR || field->code == OP_PEER) {
        return emit_value(p, v->text, is_glob(v->text), v->off);
    }
    num = mask_of(field->code, v->text);
    if (num == 0) {
        struct sp_guess g = sp_guess_init(v->text);
        consider_words(&g, field->code);
        return unknown(p, v->off, field->code == OP_EVENT ? "event" : "message type", &g);
    }
    return emit_value(p, none, num, v->off);
}

/* ---- operands ---- */

static const struct field *find_field(struct sp_str name)
{
    for (size_t i = 0; i < FIELDS; i++) {
        if (sp_str_eq(name, sp_str(fields[i].name))) {
            return &fields[i];
        }
    }
    return NULL;
}

/* Where no name is near, those that there are, as far as the sentence has room for them. */
static enum sp_err unknown_field(struct parser *p, size_t off, struct sp_str name)
{
    char names[256] = "";
    struct sp_guess g = sp_guess_init(name);
    consider_fields(&g);
    if (g.best || name.n > SP_WORD_MAX || !sp_id_ok(name)) {
        return unknown(p, off, "field", &g);
    }
    for (size_t i = 0, n = 0; i < FIELDS && n < sizeof(names); i++) {
        n += (size_t)snprintf(names + n, sizeof(names) - n, " %s", fields[i].name);
    }
    return sp_diag_set(p->d, SP_INVALID_MEMBER, off, "unknown field '%.*s', of%s", (int)name.n,
                       name.p, names);
}

static enum sp_err parse_values(struct parser *p, const struct field *field, enum cmp cmp)
{
    struct sp_filter_op op = {.code = (uint8_t)field->code,
                              .field = field->at,
                              .cmp = (uint8_t)cmp,
                              .val = p->f->nval,
                              .nval = 0};
    bool listable = cmp == CMP_EQ || cmp == CMP_NE;
    bool more;

    do {
        struct value v;
        enum sp_err e = take_value(p, &v);
        if (e == SP_OK) {
            e = compile_value(p, field, &v);
        }
        if (e != SP_OK) {
            return e;
        }
        op.nval++;
        skip_space(p);
        more = peek(p, ',');
        if (more && !listable) {
            return fail(p, p->pos, "a list of values needs = or !=");
        }
        p->pos += more;
    } while (more);
    return emit(p, &op);
}

static enum sp_err parse_bare_word(struct parser *p, struct sp_str word, size_t off)
{
    int64_t events = (int64_t)(UINT64_C(1) << sp_event_find(word));
    int64_t types = (int64_t)(UINT64_C(1) << sp_type_find(word));
    struct sp_filter_op event = {.code = OP_EVENT, .cmp = CMP_EQ, .nval = 1};
    struct sp_filter_op type = {.code = OP_TYPE, .cmp = CMP_EQ, .nval = 1};
    enum sp_err e = SP_OK;

    if (events == 1 && types == 1) {
        struct sp_guess g = sp_guess_init(word);
        consider_words(&g, OP_EVENT);
        consider_words(&g, OP_TYPE);
        consider_fields(&g);
        return unknown(p, off, "word", &g);
    }
    if (events != 1) {
        event.val = p->f->nval;
        e = emit_value(p, (struct sp_str){NULL, 0}, events, off);
        e = e != SP_OK ? e : emit(p, &event);
    }
    if (types != 1 && e == SP_OK) {
        type.val = p->f->nval;
        e = emit_value(p, (struct sp_str){NULL, 0}, types, off);
        e = e != SP_OK ? e : emit(p, &type);
    }
    return e == SP_OK && events != 1 && types != 1 ? emit_code(p, OP_OR) : e;
}

static enum sp_err parse_test(struct parser *p)
{
    size_t off = p->pos;
    struct sp_str word = peek_word(p);
    enum cmp cmp;

    if (word.n == 0) {
        return fail(p, off, "a field is missing here");
    }
    p->pos += word.n;
    skip_space(p);
    const struct field *field = find_field(word);
    if (!take_cmp(p, &cmp)) {
        return field ? fail(p, p->pos, "the field needs one of = != < > <= >= and a value")
                     : parse_bare_word(p, word, off);
    }
    if (!field) {
        return unknown_field(p, off, word);
    }
    if (field->code != OP_NUM && cmp != CMP_EQ && cmp != CMP_NE) {
        return fail(p, p->pos, "this field is text: it can only be = or !=");
    }
    return parse_values(p, field, cmp);
}

/* ---- operators ---- */

static unsigned precedence(uint8_t code)
{
    switch ((enum code)code) {
    case OP_NOT:
        return 3;
    case OP_AND:
        return 2;
    case OP_OR:
        return 1;
    case OP_EVENT:
    case OP_TYPE:
    case OP_PEER:
    case OP_STR:
    case OP_NUM:
    case OP_PAREN:
        return 0;
    }
    return 0;
}

static enum sp_err push(struct parser *p, enum code code, size_t off)
{
    if (p->nstack == SP_FILTER_OPS) {
        return fail(p, off, "the filter nests too deeply");
    }
    p->stack[p->nstack++] = (uint8_t)code;
    return SP_OK;
}

/* Emits the waiting operators that bind at least as tightly as level. */
static enum sp_err pop_to(struct parser *p, unsigned level)
{
    while (p->nstack > 0 && precedence(p->stack[p->nstack - 1]) >= level) {
        enum sp_err e = emit_code(p, (enum code)p->stack[--p->nstack]);
        if (e != SP_OK) {
            return e;
        }
    }
    return SP_OK;
}

static enum sp_err push_binary(struct parser *p, enum code code)
{
    enum sp_err e = pop_to(p, precedence((uint8_t)code));

    return e != SP_OK ? e : push(p, code, p->pos);
}

/* Reads "not", "(" or a whole test; *done when an operand stands complete. */
static enum sp_err parse_operand(struct parser *p, bool *done)
{
    size_t off = p->pos;

    if (peek(p, '(')) {
        p->pos++;
        return push(p, OP_PAREN, off);
    }
    if (take_keyword(p, SP_STR("not"))) {
        return push(p, OP_NOT, off);
    }
    *done = true;
    return parse_test(p);
}

/* Reads what may follow an operand: ")", "and", "or", or nothing, which means "and". */
static enum sp_err parse_operator(struct parser *p, bool *done)
{
    if (peek(p, ')')) {
        enum sp_err e = pop_to(p, 1);
        if (e == SP_OK && p->nstack == 0) {
            return fail(p, p->pos, "this parenthesis was never opened");
        }
        p->nstack -= e == SP_OK;
        p->pos++;
        return e;
    }
    *done = false;
    if (take_keyword(p, SP_STR("or"))) {
        return push_binary(p, OP_OR);
    }
    (void)take_keyword(p, SP_STR("and"));
    return push_binary(p, OP_AND);
}

static enum sp_err parse_expr(struct parser *p)
{
    bool have = false; /* an operand stands complete */
    enum sp_err e = SP_OK;

    for (skip_space(p); p->pos < p->src.n && e == SP_OK; skip_space(p)) {
        e = have ? parse_operator(p, &have) : parse_operand(p, &have);
    }
    if (e != SP_OK) {
        return e;
    }
    if (!have && (p->nstack > 0 || p->f->nop > 0)) {
        return fail(p, p->pos, "the filter ends where a field should follow");
    }
    e = pop_to(p, 1);
    if (e == SP_OK && p->nstack > 0) {
        return fail(p, p->pos, "a parenthesis is not closed");
    }
    return e;
}

enum sp_err sp_filter_parse(struct sp_filter *f, struct sp_str src, struct sp_diag *d)
{
    struct sp_filter out;
    struct parser p = {.f = &out, .src = src, .d = d};

    if (src.n > SP_FILTER_MAX) {
        return sp_diag_set(d, SP_INVALID_MEMBER, SP_FILTER_MAX,
                           "the filter is longer than %u bytes", SP_FILTER_MAX);
    }
    memset(&out, 0, sizeof(out));
    enum sp_err e = parse_expr(&p);
    if (e == SP_OK) {
        *f = out;
    }
    return e;
}
