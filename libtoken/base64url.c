/* SPDX-License-Identifier: MIT
 * base64url without padding (RFC 4648 5, RFC 7515 2). One text for each run of bytes: what is not
 * canonical is refused, so that a token cannot be written in two ways. */
#include "libtoken/priv.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static int value_of(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

bool base64url_decode(struct sp_str in, char *out, size_t *n)
{
    uint32_t bits = 0;
    unsigned have = 0;
    size_t len = 0;
    for (size_t i = 0; i < in.n; i++) {
        int v = value_of(in.p[i]);
        if (v < 0) {
            return false;
        }
        bits = (bits << 6 | (uint32_t)v) & 0xfff;
        have += 6;
        if (have >= 8) {
            have -= 8;
            out[len++] = (char)(bits >> have & 0xff);
        }
    }
    if (have == 6 || (bits & ((1u << have) - 1)) != 0) {
        return false; /* a single digit is left over, or bits that mean nothing are set */
    }
    *n = len;
    return true;
}

void base64url_encode(struct sp_buf *b, const void *p, size_t n)
{
    const uint8_t *in = p;
    for (size_t i = 0; i < n; i += 3) {
        size_t left = n - i;
        uint32_t v = (uint32_t)in[i] << 16 | (left > 1 ? (uint32_t)in[i + 1] << 8 : 0) |
                     (left > 2 ? in[i + 2] : 0);
        char four[4] = {digits[v >> 18], digits[v >> 12 & 63], digits[v >> 6 & 63], digits[v & 63]};
        sp_buf_put(b, four, left > 2 ? 4 : left + 1);
    }
}
