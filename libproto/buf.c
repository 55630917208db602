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

static const char hex[] = "0123456789abcdef";

static void put_unit(struct sp_buf *b, uint32_t u)
{
    char text[6] = {'\\', 'u', hex[u >> 12 & 15], hex[u >> 8 & 15], hex[u >> 4 & 15], hex[u & 15]};
    sp_buf_put(b, text, sizeof(text));
}

static void put_point(struct sp_buf *b, uint32_t point)
{
    if (point > 0xffff) {
        put_unit(b, 0xd800 + ((point - 0x10000) >> 10));
        put_unit(b, 0xdc00 + (point & 0x3ff));
    } else {
        put_unit(b, point);
    }
}

static void put_escape(struct sp_buf *b, unsigned char c)
{
    static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
    const char *at = memchr(from, c, sizeof(from) - 1);
    if (at) {
        char two[2] = {'\\', to[at - from]};
        sp_buf_put(b, two, sizeof(two));
    } else {
        put_unit(b, c);
    }
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
        uint32_t point;
        size_t hidden = sp_utf8_hidden(s.p + i, s.n - i, &point);
        size_t seq = c >= 0x80 ? sp_utf8_seq(s.p + i, s.n - i) : 0;
        if (seq && !hidden) {
            i += seq;
            continue;
        }
        sp_buf_put(b, s.p + run, i - run);
        if (hidden) {
            put_point(b, point);
        } else if (c >= 0x80) {
            sp_buf_lit(b, "\xEF\xBF\xBD");
        } else {
            put_escape(b, c);
        }
        i += hidden ? hidden : 1;
        run = i;
    }
    sp_buf_put(b, s.p + run, i - run);
    sp_buf_lit(b, "\"");
}
