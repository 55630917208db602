/* SPDX-License-Identifier: MIT
 * Escapes from tables, one for each language. */
#include "cli/sigbench/markup.h"

#include "libproto/utf8.h"

struct escape {
    char c;
    const char *text;
};

static const struct escape xml[] = {{'<', "&lt;"},   {'>', "&gt;"},   {'&', "&amp;"},
                                    {'"', "&quot;"}, {'\'', "&#39;"}, {0}};

/* Entities in Markdown too: a backslash is not one everywhere, as in the code of a cell. */
static const struct escape md[] = {
    {'<', "&lt;"},   {'>', "&gt;"},  {'&', "&amp;"}, {'|', "&#124;"}, {'`', "&#96;"},
    {'*', "&#42;"},  {'_', "&#95;"}, {'[', "&#91;"}, {']', "&#93;"},  {'\\', "&#92;"},
    {'~', "&#126;"}, {'#', "&#35;"}, {'@', "&#64;"}, {'!', "&#33;"},  {0}};

static void put(FILE *f, const struct escape *all, char c)
{
    for (const struct escape *e = all; e->c; e++) {
        if (e->c == c) {
            fputs(e->text, f);
            return;
        }
    }
    fputc(c, f);
}

/* An escape of one byte takes at most 8, so that no slice is cut short. */
static void put_all(FILE *f, const struct escape *all, struct sp_str s)
{
    char safe[2048];

    while (s.n > 0) {
        size_t most = sizeof(safe) / 8, n = s.n < most ? s.n : most;
        while (n < s.n && n > most - 4 && ((unsigned char)s.p[n] & 0xC0) == 0x80) {
            n--;
        }
        size_t len = sp_utf8_safe(safe, sizeof(safe), (struct sp_str){s.p, n}, false);
        for (size_t i = 0; i < len; i++) {
            put(f, all, safe[i]);
        }
        s = (struct sp_str){s.p + n, s.n - n};
    }
}

void markup_xml(FILE *f, struct sp_str text)
{
    put_all(f, xml, text);
}

void markup_md(FILE *f, struct sp_str text)
{
    put_all(f, md, text);
}
