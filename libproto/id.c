/* SPDX-License-Identifier: MIT
 * The grammar of ids, ids made by the server, and globs over them. */
#include "libproto/id.h"

#define ALNUM 1
#define PUNCT 2

static const uint8_t class_of[256] = {
    ['0' ... '9'] = ALNUM, ['A' ... 'Z'] = ALNUM, ['a' ... 'z'] = ALNUM, ['.'] = PUNCT,
    ['_'] = PUNCT,         [':'] = PUNCT,         ['@'] = PUNCT,         ['-'] = PUNCT,
};

bool sp_id_ok(struct sp_str s)
{
    if (s.n == 0 || s.n > SP_ID_MAX || class_of[(unsigned char)s.p[0]] != ALNUM) {
        return false;
    }
    for (size_t i = 1; i < s.n; i++) {
        if (!class_of[(unsigned char)s.p[i]]) {
            return false;
        }
    }
    return true;
}

void sp_base62(char out[SP_RESUME_LEN], const uint8_t rnd[16])
{
    static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    uint32_t limb[4];
    memcpy(limb, rnd, sizeof(limb));
    for (unsigned i = 0; i < SP_RESUME_LEN; i++) {
        uint64_t rem = 0;
        for (int k = 3; k >= 0; k--) {
            uint64_t cur = rem << 32 | limb[k];
            limb[k] = (uint32_t)(cur / 62);
            rem = cur % 62;
        }
        out[i] = digits[rem];
    }
}

void sp_session_id(char out[SP_SESSION_LEN], const uint8_t rnd[16])
{
    static const char prefix[] = "session-";
    memcpy(out, prefix, sizeof(prefix) - 1);
    sp_base62(out + sizeof(prefix) - 1, rnd);
}

/* ---------------------------------------------------------------- globs */

#define GLOB_BITS 128 /* no more literals and '?' than this match an id */

_Static_assert(GLOB_BITS >= SP_ID_MAX, "ids are matched in linear time");

static bool fits(const char *pattern, const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (pattern[i] != '?' && pattern[i] != s[i]) {
            return false;
        }
    }
    return true;
}

static size_t count_fixed(struct sp_str pattern)
{
    size_t n = 0;
    for (size_t i = 0; i < pattern.n; i++) {
        n += pattern.p[i] != '*';
    }
    return n;
}

static void set_bit(uint64_t w[2], size_t bit)
{
    w[bit / 64] |= (uint64_t)1 << bit % 64;
}

/* Shift-and: bit k of at says that a run of bytes ending here matches up to literal or '?' k, of n.
 * A star before and one behind the pattern are understood. */
static bool find_bits(struct sp_str pattern, size_t n, struct sp_str s)
{
    uint64_t take[256][2] = {{0}}, any[2] = {0}, stay[2] = {0}, at[2] = {0}, end[2] = {0};
    size_t k = 0;
    for (size_t i = 0; i < pattern.n; i++) {
        unsigned char c = (unsigned char)pattern.p[i];
        if (c != '*') {
            set_bit(c == '?' ? any : take[c], k++);
        } else if (k > 0) {
            set_bit(stay, k - 1);
        }
    }
    set_bit(end, n - 1);
    for (size_t i = 0; i < s.n; i++) {
        const uint64_t *t = take[(unsigned char)s.p[i]];
        uint64_t carry = at[0] >> 63;
        at[0] = ((at[0] << 1 | 1) & (t[0] | any[0])) | (at[0] & stay[0]);
        at[1] = ((at[1] << 1 | carry) & (t[1] | any[1])) | (at[1] & stay[1]);
        if (at[0] & end[0] || at[1] & end[1]) {
            return true;
        }
    }
    return false;
}

/* The same for patterns that have more than GLOB_BITS: goes back to the last star only. */
static bool find_long(struct sp_str pattern, struct sp_str s)
{
    size_t p = 0, i = 0, star = 0, mark = 0;
    while (p < pattern.n && i < s.n) {
        if (pattern.p[p] == '*') {
            star = ++p;
            mark = i;
        } else if (pattern.p[p] == '?' || pattern.p[p] == s.p[i]) {
            p++;
            i++;
        } else {
            p = star;
            i = ++mark;
        }
    }
    while (p < pattern.n && pattern.p[p] == '*') {
        p++;
    }
    return p == pattern.n;
}

bool sp_glob_match(struct sp_str pattern, struct sp_str s)
{
    size_t head = 0, tail = 0;
    while (head < pattern.n && pattern.p[head] != '*') {
        head++;
    }
    if (head == pattern.n) {
        return s.n == head && fits(pattern.p, s.p, head);
    }
    while (pattern.p[pattern.n - 1 - tail] != '*') {
        tail++;
    }
    if (head + tail > s.n || !fits(pattern.p, s.p, head) ||
        !fits(pattern.p + pattern.n - tail, s.p + s.n - tail, tail)) {
        return false;
    }
    struct sp_str middle = {pattern.p + head, pattern.n - head - tail};
    struct sp_str rest = {s.p + head, s.n - head - tail};
    size_t n = count_fixed(middle);
    if (n == 0 || n > rest.n) {
        return n == 0;
    }
    return n <= GLOB_BITS ? find_bits(middle, n, rest) : find_long(middle, rest);
}
