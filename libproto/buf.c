/* SPDX-License-Identifier: MIT
 * Numbers and JSON strings into a bounded buffer. */
#include "libproto/buf.h"

#include "libproto/utf8.h"

void sp_buf_int(struct sp_buf *b, int64_t v)
{
    char tmp[20];
    size_t i = sizeof(tmp);
    uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    do {
        tmp[--i] = (char)('0' + u % 10);
        u /= 10;
    } while (u);
    if (v < 0) {
        sp_buf_lit(b, "-");
    }
    sp_buf_put(b, tmp + i, sizeof(tmp) - i);
}

static void put_escape(struct sp_buf *b, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    const char *two = NULL;
    switch (c) {
    case '"':
        two = "\\\"";
        break;
    case '\\':
        two = "\\\\";
        break;
    case '\b':
        two = "\\b";
        break;
    case '\f':
        two = "\\f";
        break;
    case '\n':
        two = "\\n";
        break;
    case '\r':
        two = "\\r";
        break;
    case '\t':
        two = "\\t";
        break;
    default: {
        char u[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
        sp_buf_put(b, u, sizeof(u));
        return;
    }
    }
    sp_buf_put(b, two, 2);
}

void sp_buf_json(struct sp_buf *b, struct sp_str s)
{
    sp_buf_lit(b, "\"");
    size_t run = 0, i = 0;
    while (i < s.n) {
        unsigned char c = (unsigned char)s.p[i];
        if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\') {
            i++;
            continue;
        }
        size_t seq = c >= 0x80 ? sp_utf8_seq(s.p + i, s.n - i) : 0;
        if (seq) {
            i += seq;
            continue;
        }
        sp_buf_put(b, s.p + run, i - run);
        if (c >= 0x80) {
            sp_buf_lit(b, "\xEF\xBF\xBD");
        } else {
            put_escape(b, c);
        }
        run = ++i;
    }
    sp_buf_put(b, s.p + run, i - run);
    sp_buf_lit(b, "\"");
}
