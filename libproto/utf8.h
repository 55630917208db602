/* SPDX-License-Identifier: MIT
 * UTF-8 validation (RFC 3629) and the escaping that makes remote text safe on a terminal. */
#ifndef SP_UTF8_H
#define SP_UTF8_H

#include "libproto/types.h"

/* sp_utf8_seq returns the length (2..4) of the valid multi-byte sequence at p, 0 if there is none
 * in the n bytes: overlong forms, surrogates and values above U+10FFFF are refused. */
size_t sp_utf8_seq(const char *p, size_t n);

/* sp_utf8_valid tells whether the whole run is UTF-8. */
bool sp_utf8_valid(const char *p, size_t n);

/* sp_utf8_hidden returns the length of the DEL, C1 or invisible format character at p and its code
 * point, or 0 when there is none: what a terminal would obey instead of show. */
size_t sp_utf8_hidden(const char *p, size_t n, uint32_t *point);

/* sp_utf8_safe copies src to dst for a terminal: C0, DEL, C1, bidirectional and other invisible
 * format controls and invalid bytes become \xNN or \u{N}. With keep_lf, LF and TAB stay. Returns
 * the length written; truncates at cap, never inside an escape. Not NUL-terminated. */
size_t sp_utf8_safe(char *dst, size_t cap, struct sp_str src, bool keep_lf);

#endif
