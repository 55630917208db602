/* SPDX-License-Identifier: MIT
 * What a glob means, without any cleverness: the reference of sp_glob_match. */
#ifndef TESTS_LIB_GLOB_H
#define TESTS_LIB_GLOB_H

#include "libproto/types.h"

#define GLOB_TEXT_MAX 4096

/* glob_reference tells whether s, of at most GLOB_TEXT_MAX bytes, matches. ok[i] says that the
 * pattern so far matches the first i bytes of s. */
static inline bool glob_reference(struct sp_str pattern, struct sp_str s)
{
    static bool ok[GLOB_TEXT_MAX + 1];
    for (size_t i = 0; i <= s.n; i++) {
        ok[i] = i == 0;
    }
    for (size_t p = 0; p < pattern.n; p++) {
        char c = pattern.p[p];
        for (size_t i = 1; c == '*' && i <= s.n; i++) {
            ok[i] = ok[i] || ok[i - 1];
        }
        for (size_t i = s.n; c != '*' && i > 0; i--) {
            ok[i] = ok[i - 1] && (c == '?' || c == s.p[i - 1]);
        }
        ok[0] = ok[0] && c == '*';
    }
    return ok[s.n];
}

#endif
