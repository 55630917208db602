/* SPDX-License-Identifier: MIT
 * A bounded byte writer over memory that the caller owns. */
#ifndef SP_BUF_H
#define SP_BUF_H

#include "libproto/types.h"

/* sp_buf borrows p. Once a write does not fit, full is set and nothing more is written. */
struct sp_buf {
    char *p;
    size_t n, cap;
    bool full;
};

static inline void sp_buf_init(struct sp_buf *b, char *p, size_t cap)
{
    *b = (struct sp_buf){.p = p, .n = 0, .cap = cap, .full = false};
}

static inline void sp_buf_put(struct sp_buf *b, const char *p, size_t n)
{
    if (b->full || n > b->cap - b->n) {
        b->full = true;
        return;
    }
    if (n) {
        memcpy(b->p + b->n, p, n);
    }
    b->n += n;
}

static inline void sp_buf_str(struct sp_buf *b, struct sp_str s)
{
    sp_buf_put(b, s.p, s.n);
}

#define sp_buf_lit(b, literal) sp_buf_put((b), (literal), sizeof(literal) - 1)

static inline struct sp_str sp_buf_view(const struct sp_buf *b)
{
    return (struct sp_str){b->p, b->n};
}

/* sp_buf_int writes a decimal number. */
void sp_buf_int(struct sp_buf *b, int64_t v);

/* sp_buf_json writes s as a JSON string with its quotes: control and invisible characters, quote
 * and backslash are escaped, invalid UTF-8 becomes U+FFFD. */
void sp_buf_json(struct sp_buf *b, struct sp_str s);

#endif
