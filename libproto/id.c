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

bool sp_glob_match(struct sp_str pattern, struct sp_str s)
{
    size_t p = 0, i = 0, star = SIZE_MAX, mark = 0;
    while (i < s.n) {
        if (p < pattern.n && pattern.p[p] == '*') {
            star = p++;
            mark = i;
        } else if (p < pattern.n && (pattern.p[p] == '?' || pattern.p[p] == s.p[i])) {
            p++;
            i++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            i = ++mark;
        } else {
            return false;
        }
    }
    while (p < pattern.n && pattern.p[p] == '*') {
        p++;
    }
    return p == pattern.n;
}
