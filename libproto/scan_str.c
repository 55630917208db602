/* SPDX-License-Identifier: MIT
 * Strings, where nearly all bytes of a message are: 64 bytes at a time with AVX2 or SSE2, eight
 * without. */
#include "libproto/scan_str.h"

#include "libproto/simd.h"
#include "libproto/utf8.h"

enum sp_err sp_scan_fail(struct scanner *s, enum sp_err e, const char *what)
{
    return sp_diag_set(s->d, e, (size_t)(s->p - s->base), "%s at offset %zu", what,
                       (size_t)(s->p - s->base));
}

/* Eight bytes at once: nonzero when one of them is a quote, a backslash, a control or not ASCII. */
static inline uint64_t special8(const char *p)
{
    const uint64_t ones = 0x0101010101010101u, high = 0x8080808080808080u;
    uint64_t v;
    memcpy(&v, p, 8);
    uint64_t quote = v ^ ones * '"', back = v ^ ones * '\\';
    return ((v - ones * 0x20) | (quote - ones) | (back - ones) | v) & high;
}

#if SP_SSE2
/* One bit for each of 16 bytes that is not plain. */
static inline unsigned special16(const char *p)
{
    const __m128i quote = _mm_set1_epi8('"'), back = _mm_set1_epi8('\\');
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
    /* signed: bytes from 0x80 are below 0x20 too */
    __m128i low = _mm_cmplt_epi8(v, _mm_set1_epi8(0x20));
    return (unsigned)_mm_movemask_epi8(
        _mm_or_si128(low, _mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, back))));
}

/* What 64 bytes hold, a bit for each. */
struct block {
    uint64_t back;  /* backslashes */
    uint64_t lines; /* n and r, which a backslash makes a line end */
    bool rest;      /* there is something else that is not plain */
};

static inline struct block read_block(const char *p)
{
    struct block k = {0, 0, false};
    __m128i rest = _mm_setzero_si128();
    for (unsigned i = 0; i < 64; i += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + i));
        __m128i back = _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'));
        __m128i line = _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('n')),
                                    _mm_cmpeq_epi8(v, _mm_set1_epi8('r')));
        rest = _mm_or_si128(rest, _mm_or_si128(_mm_cmplt_epi8(v, _mm_set1_epi8(0x20)),
                                               _mm_cmpeq_epi8(v, _mm_set1_epi8('"'))));
        k.back |= (uint64_t)(unsigned)_mm_movemask_epi8(back) << i;
        k.lines |= (uint64_t)(unsigned)_mm_movemask_epi8(line) << i;
    }
    k.rest = _mm_movemask_epi8(rest) != 0;
    return k;
}

/* One bit for each of 64 bytes that is not plain. */
static inline uint64_t special64(const char *p)
{
    uint64_t odd = 0;
    for (unsigned i = 0; i < 64; i += 16) {
        odd |= (uint64_t)special16(p + i) << i;
    }
    return odd;
}
#endif

#if SP_AVX2
SP_FOR_AVX2 static inline struct block read_block_avx2(const char *p)
{
    struct block k = {0, 0, false};
    __m256i rest = _mm256_setzero_si256();
    for (unsigned i = 0; i < 64; i += 32) {
        __m256i v = _mm256_loadu_si256((const __m256i *)(const void *)(p + i));
        __m256i back = _mm256_cmpeq_epi8(v, _mm256_set1_epi8('\\'));
        __m256i line = _mm256_or_si256(_mm256_cmpeq_epi8(v, _mm256_set1_epi8('n')),
                                       _mm256_cmpeq_epi8(v, _mm256_set1_epi8('r')));
        rest = _mm256_or_si256(rest, _mm256_or_si256(_mm256_cmpgt_epi8(_mm256_set1_epi8(0x20), v),
                                                     _mm256_cmpeq_epi8(v, _mm256_set1_epi8('"'))));
        k.back |= (uint64_t)(unsigned)_mm256_movemask_epi8(back) << i;
        k.lines |= (uint64_t)(unsigned)_mm256_movemask_epi8(line) << i;
    }
    k.rest = _mm256_movemask_epi8(rest) != 0;
    return k;
}
#endif

/* Passes over string bytes that need no look; may stop early, never late. */
static inline const char *plain_run(const char *p, const char *end)
{
#if SP_SSE2
    while (end - p >= 16) {
        unsigned mask = special16(p);
        if (mask) {
            return p + __builtin_ctz(mask);
        }
        p += 16;
    }
#endif
    while (end - p >= 8 && !special8(p)) {
        p += 8;
    }
    return p;
}

static bool is_hex(char c)
{
    char l = (char)(c | 0x20);
    return (c >= '0' && c <= '9') || (l >= 'a' && l <= 'f');
}

/* At a backslash; ends behind the escape. */
static inline enum sp_err scan_escape(struct scanner *s)
{
    static const bool simple[256] = {['"'] = true, ['\\'] = true, ['/'] = true, ['b'] = true,
                                     ['f'] = true, ['n'] = true,  ['r'] = true, ['t'] = true};
    s->escaped = true;
    if (s->end - s->p < 2) {
        s->p = s->end;
        return sp_scan_fail(s, SP_INVALID_JSON, "unterminated string");
    }
    if (simple[(unsigned char)s->p[1]]) {
        s->p += 2;
        return SP_OK;
    }
    if (s->p[1] != 'u') {
        return sp_scan_fail(s, SP_INVALID_JSON, "bad escape");
    }
    for (int i = 2; i < 6; i++) {
        if (s->p + i >= s->end || !is_hex(s->p[i])) {
            return sp_scan_fail(s, SP_INVALID_JSON, "bad \\u escape");
        }
    }
    s->p += 6;
    return SP_OK;
}

/* At a byte that is not plain; ends behind what it begins, at *closed behind the closing quote. */
static inline enum sp_err scan_special(struct scanner *s, bool *closed)
{
    unsigned char c = (unsigned char)*s->p;
    if (c == '"') {
        s->p++;
        *closed = true;
        return SP_OK;
    }
    if (c == '\\') {
        return scan_escape(s);
    }
    if (c < 0x20) {
        return sp_scan_fail(s, SP_INVALID_JSON, "control character in a string");
    }
    if (c < 0x80) {
        s->p++;
        return SP_OK;
    }
    size_t n = sp_utf8_seq(s->p, (size_t)(s->end - s->p));
    if (n == 0) {
        enum sp_err e = sp_scan_fail(s, SP_INVALID_JSON, "invalid UTF-8");
        if (s->d) {
            s->d->bad_utf8 = true;
        }
        return e;
    }
    s->p += n;
    return SP_OK;
}

#if SP_SSE2
/* A block whose only escapes are line ends, as in an SDP, is passed over without a look at each:
 * gives how many bytes, 0 when a look is needed. */
static inline size_t pass_lines(const struct block *k)
{
    if (k->rest || (k->back << 1 & ~k->lines)) {
        return 0;
    }
    return k->back >> 63 ? 63 : 64;
}

/* The loops call nothing, so that their constants stay in registers. */
static const char *pass_blocks_sse2(const char *p, const char *end, uint64_t *back)
{
    while (end - p >= 64) {
        struct block k = read_block(p);
        size_t n = pass_lines(&k);
        if (n == 0) {
            break;
        }
        *back |= k.back;
        p += n;
    }
    return p;
}

#if SP_AVX2
SP_FOR_AVX2 static const char *pass_blocks_avx2(const char *p, const char *end, uint64_t *back)
{
    while (end - p >= 64) {
        struct block k = read_block_avx2(p);
        size_t n = pass_lines(&k);
        if (n == 0) {
            break;
        }
        *back |= k.back;
        p += n;
    }
    return p;
}
#endif

static inline const char *pass_blocks(const char *p, const char *end, uint64_t *back)
{
#if SP_AVX2
    if (sp_has_avx2()) {
        return pass_blocks_avx2(p, end, back);
    }
#endif
    return pass_blocks_sse2(p, end, back);
}

static enum sp_err walk_block(struct scanner *s, bool *closed)
{
    const char *block = s->p;
    uint64_t odd = special64(block);
    for (size_t done = 0; done < 64 && (odd & ~UINT64_C(0) << done);) {
        s->p = block + __builtin_ctzll(odd & ~UINT64_C(0) << done);
        enum sp_err e = scan_special(s, closed);
        if (e || *closed) {
            return e;
        }
        done = (size_t)(s->p - block);
    }
    if (s->p < block + 64) {
        s->p = block + 64;
    }
    return SP_OK;
}

/* Blocks of 64 bytes while there are any. */
static enum sp_err scan_blocks(struct scanner *s, bool *closed)
{
    enum sp_err e = SP_OK;
    while (!e && !*closed) {
        uint64_t back = 0;
        s->p = pass_blocks(s->p, s->end, &back);
        s->escaped = s->escaped || back;
        if (s->end - s->p < 64) {
            break;
        }
        e = walk_block(s, closed);
    }
    return e;
}

/* Keys and short values close at their first byte that is not plain. */
static inline bool short_string(struct scanner *s)
{
    unsigned mask = s->end - s->p >= 16 ? special16(s->p) : 0;
    const char *at = s->p + (mask ? __builtin_ctz(mask) : 0);
    if (mask && *at == '"') {
        s->p = at + 1;
        return true;
    }
    return false;
}
#else
static inline bool short_string(struct scanner *s)
{
    (void)s;
    return false;
}

static enum sp_err scan_blocks(struct scanner *s, bool *closed)
{
    (void)s;
    (void)closed;
    return SP_OK;
}
#endif

/* At the byte behind the opening quote; ends behind the closing one. */
enum sp_err sp_scan_string(struct scanner *s)
{
    bool closed = false;
    s->escaped = false;
    if (short_string(s)) {
        return SP_OK;
    }
    enum sp_err e = scan_blocks(s, &closed);
    while (!e && !closed) {
        s->p = plain_run(s->p, s->end);
        e = s->p == s->end ? sp_scan_fail(s, SP_INVALID_JSON, "unterminated string")
                           : scan_special(s, &closed);
    }
    return e;
}
