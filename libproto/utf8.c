/* SPDX-License-Identifier: MIT
 * UTF-8 validation (RFC 3629) and the escaping that makes remote text safe on a terminal.
 * The scanner calls sp_utf8_seq for every byte above ASCII: it decides on the lead byte alone. */
#include "libproto/utf8.h"

#define ESCAPE_MAX 10 /* \u{10ffff} */

static inline bool is_tail(unsigned char c)
{
    return (c & 0xc0u) == 0x80u;
}

size_t sp_utf8_seq(const char *p, size_t n)
{
    const unsigned char *u = (const unsigned char *)p;

    if (n < 2 || u[0] < 0xc2 || u[0] > 0xf4 || !is_tail(u[1])) {
        return 0;
    }
    if (u[0] < 0xe0) {
        return 2;
    }
    if (n < 3 || !is_tail(u[2])) {
        return 0;
    }
    if (u[0] < 0xf0) {
        bool overlong = u[0] == 0xe0 && u[1] < 0xa0;
        bool surrogate = u[0] == 0xed && u[1] > 0x9f;
        return overlong || surrogate ? 0 : 3;
    }
    if (n < 4 || !is_tail(u[3])) {
        return 0;
    }
    bool overlong = u[0] == 0xf0 && u[1] < 0x90;
    bool beyond = u[0] == 0xf4 && u[1] > 0x8f;
    return overlong || beyond ? 0 : 4;
}

bool sp_utf8_valid(const char *p, size_t n)
{
    size_t i = 0;

    while (i < n) {
        uint64_t word;
        if (n - i >= sizeof(word)) {
            memcpy(&word, p + i, sizeof(word));
            if ((word & 0x8080808080808080u) == 0) {
                i += sizeof(word);
                continue;
            }
        }
        if ((unsigned char)p[i] < 0x80) {
            i++;
            continue;
        }
        size_t len = sp_utf8_seq(p + i, n - i);
        if (len == 0) {
            return false;
        }
        i += len;
    }
    return true;
}

static uint32_t decode(const char *p, size_t len)
{
    const unsigned char *u = (const unsigned char *)p;
    uint32_t c = u[0] & (0xffu >> (len + 1));

    for (size_t i = 1; i < len; i++) {
        c = c << 6 | (u[i] & 0x3fu);
    }
    return c;
}

static bool is_hidden(uint32_t c)
{
    static const struct {
        uint32_t first, last;
    } range[] = {
        {0x80, 0x9f},       /* C1 */
        {0xad, 0xad},       /* soft hyphen */
        {0x34f, 0x34f},     /* combining grapheme joiner */
        {0x61c, 0x61c},     /* Arabic letter mark */
        {0x115f, 0x1160},   /* Hangul fillers */
        {0x17b4, 0x17b5},   /* Khmer inherent vowels */
        {0x180b, 0x180f},   /* Mongolian variation selectors, vowel separator */
        {0x200b, 0x200f},   /* zero width, directional marks */
        {0x2028, 0x202e},   /* line and paragraph separator, embeddings and overrides */
        {0x2060, 0x206f},   /* invisible operators, isolates, deprecated format controls */
        {0x3164, 0x3164},   /* Hangul filler */
        {0xfe00, 0xfe0d},   /* variation selectors but for those of text and emoji */
        {0xfeff, 0xfeff},   /* byte order mark */
        {0xffa0, 0xffa0},   /* Hangul filler, half width */
        {0xfff0, 0xfffb},   /* unassigned and invisible, interlinear annotation */
        {0x1bca0, 0x1bca3}, /* shorthand format controls */
        {0x1d173, 0x1d17a}, /* musical beams and slurs */
        {0xe0000, 0xe0fff}, /* tags, more variation selectors */
    };

    for (size_t i = 0; i < sizeof(range) / sizeof(range[0]); i++) {
        if (c >= range[i].first && c <= range[i].last) {
            return true;
        }
    }
    return false;
}

size_t sp_utf8_hidden(const char *p, size_t n, uint32_t *point)
{
    if (n && *p == 0x7f) {
        *point = 0x7f;
        return 1;
    }
    size_t len = n && (unsigned char)*p >= 0x80 ? sp_utf8_seq(p, n) : 0;
    *point = len ? decode(p, len) : 0;
    return len && is_hidden(*point) ? len : 0;
}

static size_t escape_byte(char out[ESCAPE_MAX], unsigned char c)
{
    static const char hex[] = "0123456789abcdef";

    out[0] = '\\';
    out[1] = 'x';
    out[2] = hex[c >> 4];
    out[3] = hex[c & 15];
    return 4;
}

static size_t escape_point(char out[ESCAPE_MAX], uint32_t c)
{
    static const char hex[] = "0123456789abcdef";
    size_t n = 0;
    unsigned shift = 20;

    while (shift > 0 && c >> shift == 0) {
        shift -= 4;
    }
    out[n++] = '\\';
    out[n++] = 'u';
    out[n++] = '{';
    for (;; shift -= 4) {
        out[n++] = hex[c >> shift & 15];
        if (shift == 0) {
            break;
        }
    }
    out[n++] = '}';
    return n;
}

/* Writes what stands for the character at p; *used is how many bytes of the input it was. */
static size_t safe_char(char out[ESCAPE_MAX], const char *p, size_t n, bool keep_lf, size_t *used)
{
    unsigned char c = (unsigned char)*p;

    *used = 1;
    if (c < 0x80) {
        bool control = c < 0x20 || c == 0x7f;
        if (control && !(keep_lf && (c == '\n' || c == '\t'))) {
            return escape_byte(out, c);
        }
        out[0] = *p;
        return 1;
    }
    size_t len = sp_utf8_seq(p, n);
    if (len == 0) {
        return escape_byte(out, c);
    }
    *used = len;
    uint32_t point = decode(p, len);
    if (is_hidden(point)) {
        return escape_point(out, point);
    }
    memcpy(out, p, len);
    return len;
}

size_t sp_utf8_safe(char *dst, size_t cap, struct sp_str src, bool keep_lf)
{
    size_t out = 0;

    for (size_t i = 0; i < src.n;) {
        char text[ESCAPE_MAX];
        size_t used;
        size_t len = safe_char(text, src.p + i, src.n - i, keep_lf, &used);
        if (len > cap - out) {
            break;
        }
        memcpy(dst + out, text, len);
        out += len;
        i += used;
    }
    return out;
}
