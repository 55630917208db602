/* SPDX-License-Identifier: MIT
 * Types shared by every header: slices of borrowed bytes and the enums made from the tables. */
#ifndef SP_TYPES_H
#define SP_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* sp_str is a borrowed run of bytes, not NUL-terminated; p may be NULL when n is 0. */
struct sp_str {
    const char *p;
    size_t n;
};

#define SP_STR(literal) ((struct sp_str){(literal), sizeof(literal) - 1})

static inline struct sp_str sp_str(const char *cstr)
{
    return (struct sp_str){cstr, cstr ? strlen(cstr) : 0};
}

static inline bool sp_str_eq(struct sp_str a, struct sp_str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* sp_err is SP_OK or one row of tbl/errors.h. */
enum sp_err {
    SP_OK = 0,
#define SP_ERROR(id, wire, retryable, text) SP_##id,
#include "libproto/tbl/errors.h"
#undef SP_ERROR
    SP_ERR_COUNT
};

/* sp_type is SP_T_NONE or one row of tbl/types.h. */
enum sp_type {
    SP_T_NONE = 0,
#define SP_TYPE(id, wire) SP_T_##id,
#include "libproto/tbl/types.h"
#undef SP_TYPE
    SP_T_COUNT
};

#endif
