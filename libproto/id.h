/* SPDX-License-Identifier: MIT
 * Client, session and request ids. */
#ifndef SP_ID_H
#define SP_ID_H

#include "libproto/limits.h"
#include "libproto/types.h"

/* sp_id_ok tells whether s is a client or session id: 1..SP_ID_MAX bytes of A-Z a-z 0-9 . _ : @ -,
 * the first one alphanumeric. */
bool sp_id_ok(struct sp_str s);

/* sp_base62 writes the 22 base62 digits of a 128-bit number (no NUL). */
void sp_base62(char out[SP_RESUME_LEN], const uint8_t rnd[16]);

/* sp_session_id writes "session-" and 22 base62 digits (no NUL); rnd comes from a CSPRNG. */
void sp_session_id(char out[SP_SESSION_LEN], const uint8_t rnd[16]);

/* sp_glob_match tells whether s matches a pattern of literal bytes, '*' (any run) and '?' (one
 * byte). Its time is linear in pattern plus text for a pattern of up to 128 literals and '?', which
 * is as many as can match an id, else at most in pattern times text; no recursion. */
bool sp_glob_match(struct sp_str pattern, struct sp_str s);

#endif
