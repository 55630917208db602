/* SPDX-License-Identifier: MIT
 * A streaming JSON writer over sp_buf: the commas are its business. */
#ifndef SP_JSON_H
#define SP_JSON_H

#include "libproto/buf.h"

#define SP_JSON_DEPTH 8

/* sp_json writes objects and arrays in order; depth is bounded by SP_JSON_DEPTH. */
struct sp_json {
    struct sp_buf *b;
    bool comma[SP_JSON_DEPTH + 1];
    unsigned depth;
};

void sp_json_init(struct sp_json *j, struct sp_buf *b);

/* open and close an object or array; key is NULL at the top level and inside arrays. Keys are
 * literals of ours and are written without escaping. */
void sp_json_object(struct sp_json *j, const char *key);
void sp_json_array(struct sp_json *j, const char *key);
void sp_json_end(struct sp_json *j, char bracket);

void sp_json_str(struct sp_json *j, const char *key, struct sp_str v);
void sp_json_int(struct sp_json *j, const char *key, int64_t v);
void sp_json_bool(struct sp_json *j, const char *key, bool v);
/* sp_json_raw writes bytes that are JSON already. */
void sp_json_raw(struct sp_json *j, const char *key, struct sp_str v);
/* sp_json_str_opt writes nothing when v is empty. */
void sp_json_str_opt(struct sp_json *j, const char *key, struct sp_str v);

#endif
