/* SPDX-License-Identifier: MIT
 * Reading the members of a scanned document: escapes decoded, numbers checked. */
#include "libproto/scan.h"

static unsigned hex_value(char c)
{
    return c <= '9' ? (unsigned)(c - '0') : (unsigned)((c | 0x20) - 'a' + 10);
}

/* The decoded bytes of an escaped key or string, one at a time. Unpaired surrogates come out in
 * their three-byte form, so that different keys stay different. */
struct decoder {
    const char *p, *end;
    char out[4];
    unsigned n, i;
    bool lone;
};

static unsigned unit16(const char *p)
{
    unsigned v = 0;
    for (int i = 2; i < 6; i++) {
        v = v << 4 | hex_value(p[i]);
    }
    return v;
}

static unsigned decode_unit(struct decoder *x)
{
    unsigned u = unit16(x->p);
    x->p += 6;
    if (u >= 0xd800 && u < 0xdc00 && x->end - x->p >= 6 && x->p[0] == '\\' && x->p[1] == 'u') {
        unsigned low = unit16(x->p);
        if (low >= 0xdc00 && low < 0xe000) {
            x->p += 6;
            return 0x10000 + ((u - 0xd800) << 10) + (low - 0xdc00);
        }
    }
    x->lone = x->lone || (u >= 0xd800 && u < 0xe000);
    return u;
}

static void encode(struct decoder *x, unsigned u)
{
    x->i = 0;
    x->n = u < 0x80 ? 1 : u < 0x800 ? 2 : u < 0x10000 ? 3 : 4;
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (unsigned k = x->n; k-- > 1; u >>= 6) {
        x->out[k] = (char)(0x80 | (u & 0x3f));
    }
    x->out[0] = (char)(lead[x->n] | u);
}

static int next_byte(struct decoder *x)
{
    if (x->i < x->n) {
        return (unsigned char)x->out[x->i++];
    }
    if (x->p == x->end) {
        return -1;
    }
    if (*x->p != '\\') {
        return (unsigned char)*x->p++;
    }
    static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
    if (x->p[1] == 'u') {
        encode(x, decode_unit(x));
        return (unsigned char)x->out[x->i++];
    }
    const char *at = strchr(from, x->p[1]);
    int c = at ? to[at - from] : x->p[1];
    x->p += 2;
    return c;
}

bool sp_text_eq(struct sp_str a, struct sp_str b)
{
    struct decoder x = {.p = a.p, .end = a.p + a.n}, y = {.p = b.p, .end = b.p + b.n};
    int c;
    do {
        c = next_byte(&x);
        if (c != next_byte(&y)) {
            return false;
        }
    } while (c >= 0);
    return true;
}

const struct sp_member *sp_doc_find(const struct sp_doc *doc, struct sp_str key)
{
    for (uint32_t i = 0; i < doc->count; i++) {
        const struct sp_member *m = &doc->m[i];
        struct sp_str name = {doc->buf + m->key_off, m->key_len};
        if (m->key_escaped ? sp_text_eq(name, key) : sp_str_eq(name, key)) {
            return m;
        }
    }
    return NULL;
}

size_t sp_unescape(char *dst, size_t cap, struct sp_str raw)
{
    struct decoder x = {.p = raw.p + 1, .end = raw.p + raw.n - 1};
    size_t n = 0;
    for (int c; (c = next_byte(&x)) >= 0;) {
        if (n == cap || c == 0 || x.lone) {
            return SIZE_MAX;
        }
        dst[n++] = (char)c;
    }
    return n;
}

enum sp_err sp_doc_str(const struct sp_doc *doc, struct sp_str key, char *scratch, size_t cap,
                       struct sp_str *out)
{
    const struct sp_member *m = sp_doc_find(doc, key);
    if (!m || m->kind != SP_J_STRING) {
        return SP_INVALID_MEMBER;
    }
    struct sp_str raw = sp_doc_raw(doc, m);
    if (!m->val_escaped) {
        *out = (struct sp_str){raw.p + 1, raw.n - 2};
        return out->n <= cap ? SP_OK : SP_INVALID_MEMBER;
    }
    size_t n = sp_unescape(scratch, cap, raw);
    if (n == SIZE_MAX) {
        return SP_INVALID_MEMBER;
    }
    *out = (struct sp_str){scratch, n};
    return SP_OK;
}

bool sp_parse_int(struct sp_str raw, int64_t *out)
{
    size_t i = raw.n && raw.p[0] == '-' ? 1 : 0;
    if (raw.n == i || raw.n - i > 16) {
        return false;
    }
    int64_t v = 0;
    for (size_t k = i; k < raw.n; k++) {
        if (raw.p[k] < '0' || raw.p[k] > '9') {
            return false;
        }
        v = v * 10 + (raw.p[k] - '0');
    }
    if (v > SP_INT_MAX) {
        return false;
    }
    *out = i ? -v : v;
    return true;
}

enum sp_err sp_doc_int(const struct sp_doc *doc, struct sp_str key, int64_t *out)
{
    const struct sp_member *m = sp_doc_find(doc, key);
    if (!m || m->kind != SP_J_NUMBER || !sp_parse_int(sp_doc_raw(doc, m), out)) {
        return SP_INVALID_MEMBER;
    }
    return SP_OK;
}
