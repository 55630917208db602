/* SPDX-License-Identifier: MIT
 * The scanner: one pass, no recursion, no tree. */
#include "libproto/scan.h"

#include "libproto/scan_str.h"
#include "libproto/utf8.h"

const struct sp_scan_limits sp_scan_defaults = {SP_DEPTH_MAX, SP_TOP_MAX, SP_MEMBERS_MAX};
const struct sp_scan_limits sp_scan_replies = {64, SP_DOC_MAX, 1u << 20};

static void skip_space(struct scanner *s)
{
    while (s->p < s->end && (*s->p == ' ' || *s->p == '\n' || *s->p == '\r' || *s->p == '\t')) {
        s->p++;
    }
}

static bool digits(struct scanner *s)
{
    const char *from = s->p;
    while (s->p < s->end && *s->p >= '0' && *s->p <= '9') {
        s->p++;
    }
    return s->p > from;
}

static enum sp_err scan_number(struct scanner *s)
{
    if (*s->p == '-') {
        s->p++;
    }
    if (s->p < s->end && *s->p == '0') {
        s->p++;
    } else if (!digits(s)) {
        return sp_scan_fail(s, SP_INVALID_JSON, "bad number");
    }
    if (s->p < s->end && *s->p == '.') {
        s->p++;
        if (!digits(s)) {
            return sp_scan_fail(s, SP_INVALID_JSON, "bad number");
        }
    }
    if (s->p < s->end && (*s->p | 0x20) == 'e') {
        s->p++;
        if (s->p < s->end && (*s->p == '+' || *s->p == '-')) {
            s->p++;
        }
        if (!digits(s)) {
            return sp_scan_fail(s, SP_INVALID_JSON, "bad number");
        }
    }
    return SP_OK;
}

static enum sp_err scan_word(struct scanner *s, struct sp_str word)
{
    if ((size_t)(s->end - s->p) < word.n || memcmp(s->p, word.p, word.n) != 0) {
        return sp_scan_fail(s, SP_INVALID_JSON, "bad literal");
    }
    s->p += word.n;
    return SP_OK;
}

static enum sp_err unexpected(struct scanner *s)
{
    if (s->p == s->end) {
        return sp_scan_fail(s, SP_INVALID_JSON, "unexpected end");
    }
    enum sp_err e = sp_scan_fail(s, SP_INVALID_JSON, "unexpected character");
    if (s->d && (unsigned char)*s->p >= 0x80) {
        s->d->bad_utf8 = sp_utf8_seq(s->p, (size_t)(s->end - s->p)) == 0;
    }
    return e;
}

static enum sp_err scan_scalar(struct scanner *s, uint8_t *kind)
{
    if (s->p == s->end) {
        return unexpected(s);
    }
    switch (*s->p) {
    case '"':
        *kind = SP_J_STRING;
        s->p++;
        return sp_scan_string(s);
    case 't':
        *kind = SP_J_BOOL;
        return scan_word(s, SP_STR("true"));
    case 'f':
        *kind = SP_J_BOOL;
        return scan_word(s, SP_STR("false"));
    case 'n':
        *kind = SP_J_NULL;
        return scan_word(s, SP_STR("null"));
    case '-':
    case '0' ... '9':
        *kind = SP_J_NUMBER;
        return scan_number(s);
    default:
        return unexpected(s);
    }
}

static enum sp_err count_member(struct scanner *s)
{
    if (++s->members > s->lim->members) {
        return sp_scan_fail(s, SP_INVALID_MESSAGE, "too many members");
    }
    return SP_OK;
}

/* From the opening quote of a key to the first byte of its value. */
static enum sp_err scan_key(struct scanner *s)
{
    if (s->p == s->end || *s->p != '"') {
        return unexpected(s);
    }
    s->p++;
    enum sp_err e = sp_scan_string(s);
    if (e) {
        return e;
    }
    skip_space(s);
    if (s->p == s->end || *s->p != ':') {
        return unexpected(s);
    }
    s->p++;
    skip_space(s);
    return SP_OK;
}

/* The kind of bracket at each level is one bit, so depth is bounded by 64 and nothing recurses. */
struct nesting {
    uint64_t objects;
    uint32_t depth, outer;
};

static bool in_object(const struct nesting *n)
{
    return n->objects & 1;
}

/* After an opening bracket: ends at the first value inside, or behind the closing bracket of an
 * empty container (*empty). */
static enum sp_err enter(struct scanner *s, struct nesting *n, bool *empty)
{
    if (n->outer + n->depth >= s->lim->depth) {
        return sp_scan_fail(s, SP_INVALID_MESSAGE, "nested too deep");
    }
    n->objects = n->objects << 1 | (*s->p == '{');
    n->depth++;
    s->p++;
    skip_space(s);
    *empty = s->p < s->end && *s->p == (in_object(n) ? '}' : ']');
    if (*empty) {
        return SP_OK;
    }
    enum sp_err e = count_member(s);
    return e ? e : in_object(n) ? scan_key(s) : SP_OK;
}

/* After a value: closes what ends here and stops at the next value or at depth 0. */
static enum sp_err next_value(struct scanner *s, struct nesting *n)
{
    while (n->depth) {
        skip_space(s);
        if (s->p == s->end) {
            return unexpected(s);
        }
        if (*s->p == (in_object(n) ? '}' : ']')) {
            s->p++;
            n->objects >>= 1;
            n->depth--;
        } else if (*s->p == ',') {
            s->p++;
            skip_space(s);
            enum sp_err e = count_member(s);
            return e ? e : in_object(n) ? scan_key(s) : SP_OK;
        } else {
            return unexpected(s);
        }
    }
    return SP_OK;
}

static enum sp_err scan_container(struct scanner *s, uint32_t outer)
{
    struct nesting n = {.outer = outer};
    do {
        enum sp_err e;
        if (s->p < s->end && (*s->p == '{' || *s->p == '[')) {
            bool empty;
            e = enter(s, &n, &empty);
            if (!e && !empty) {
                continue;
            }
        } else {
            uint8_t kind;
            e = scan_scalar(s, &kind);
        }
        if (!e) {
            e = next_value(s, &n);
        }
        if (e) {
            return e;
        }
    } while (n.depth);
    return SP_OK;
}

static enum sp_err scan_any(struct scanner *s, uint32_t outer, uint8_t *kind)
{
    if (s->p < s->end && (*s->p == '{' || *s->p == '[')) {
        *kind = *s->p == '{' ? SP_J_OBJECT : SP_J_ARRAY;
        return scan_container(s, outer);
    }
    return scan_scalar(s, kind);
}

static struct sp_str key_of(const struct sp_doc *doc, const struct sp_member *m)
{
    return (struct sp_str){doc->buf + m->key_off, m->key_len};
}

static bool key_repeated(const struct sp_doc *doc, const struct sp_member *m)
{
    struct sp_str key = key_of(doc, m);
    for (uint32_t i = 0; i < doc->count; i++) {
        const struct sp_member *o = &doc->m[i];
        bool same = m->key_escaped || o->key_escaped ? sp_text_eq(key, key_of(doc, o))
                                                     : sp_str_eq(key, key_of(doc, o));
        if (same) {
            return true;
        }
    }
    return false;
}

static enum sp_err scan_member(struct scanner *s, struct sp_doc *doc)
{
    if (doc->count == s->lim->top) {
        return sp_scan_fail(s, SP_INVALID_MESSAGE, "too many members");
    }
    struct sp_member *m = &doc->m[doc->count];
    const char *key = s->p + 1;
    enum sp_err e = count_member(s);
    if (!e && (s->p == s->end || *s->p != '"')) {
        e = unexpected(s);
    }
    if (e) {
        return e;
    }
    s->p++;
    if ((e = sp_scan_string(s))) {
        return e;
    }
    m->key_off = (uint32_t)(key - s->base);
    m->key_len = (uint32_t)(s->p - 1 - key);
    m->key_escaped = s->escaped;
    if (key_repeated(doc, m)) {
        s->p = key - 1;
        return sp_scan_fail(s, SP_INVALID_MESSAGE, "repeated member");
    }
    skip_space(s);
    if (s->p == s->end || *s->p != ':') {
        return unexpected(s);
    }
    s->p++;
    skip_space(s);
    m->val_off = (uint32_t)(s->p - s->base);
    e = scan_any(s, 1, &m->kind);
    m->val_escaped = m->kind == SP_J_STRING && s->escaped;
    m->val_len = (uint32_t)(s->p - s->base) - m->val_off;
    doc->count++;
    return e;
}

static enum sp_err scan_end(struct scanner *s)
{
    skip_space(s);
    return s->p == s->end ? SP_OK : unexpected(s);
}

static enum sp_err scan_members(struct scanner *s, struct sp_doc *doc)
{
    s->p++;
    skip_space(s);
    if (s->p < s->end && *s->p == '}') {
        s->p++;
        return scan_end(s);
    }
    for (;;) {
        enum sp_err e = scan_member(s, doc);
        if (e) {
            return e;
        }
        skip_space(s);
        if (s->p < s->end && *s->p == '}') {
            s->p++;
            return scan_end(s);
        }
        if (s->p == s->end || *s->p != ',') {
            return unexpected(s);
        }
        s->p++;
        skip_space(s);
    }
}

enum sp_err sp_scan(struct sp_doc *doc, const char *buf, size_t len,
                    const struct sp_scan_limits *lim, struct sp_diag *d)
{
    struct scanner s = {.base = buf, .p = buf, .end = buf + len, .lim = lim, .d = d};
    doc->buf = buf;
    doc->len = len;
    doc->count = 0;
    if (len > UINT32_MAX) {
        return sp_scan_fail(&s, SP_TOO_LARGE, "input too long");
    }
    skip_space(&s);
    if (s.p < s.end && *s.p == '{') {
        return scan_members(&s, doc);
    }
    enum sp_err e = sp_scan_value(buf, len, lim, d);
    s.p = buf;
    return e ? e : sp_scan_fail(&s, SP_INVALID_MESSAGE, "not an object");
}

enum sp_err sp_scan_value(const char *buf, size_t len, const struct sp_scan_limits *lim,
                          struct sp_diag *d)
{
    struct scanner s = {.base = buf, .p = buf, .end = buf + len, .lim = lim, .d = d};
    uint8_t kind;
    skip_space(&s);
    enum sp_err e = scan_any(&s, 0, &kind);
    return e ? e : scan_end(&s);
}
