/* SPDX-License-Identifier: MIT
 * Rules that rename ids. */
#include "cli/sigmon/idmap.h"

#include "libproto/buf.h"
#include "libproto/id.h"

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>

#define GROUPS 10

struct idmap_rule {
    regex_t re;
    bool compiled, global;
    char *text; /* what the match becomes, as the rule has it */
    size_t ntext;
};

/* A part of a rule up to the next delimiter that no backslash makes literal. */
static bool cut(const char **at, char delimiter, struct sp_str *part)
{
    const char *p = *at;
    while (*p && *p != delimiter) {
        p += p[0] == '\\' && p[1] ? 2 : 1;
    }
    *part = (struct sp_str){*at, (size_t)(p - *at)};
    *at = p + (*p != '\0');
    return *p != '\0';
}

/* The expression without the backslashes that only made the delimiter literal; those before a
 * character that means something to an expression still do. */
static char *unquote(struct sp_str re, char delimiter)
{
    char *out = malloc(re.n + 1);
    size_t n = 0;
    for (size_t i = 0; out && i < re.n; i++) {
        bool quoted = re.p[i] == '\\' && i + 1 < re.n;
        if (quoted && (re.p[i + 1] != delimiter || strchr(".[\\()*+?{|^$", delimiter))) {
            out[n++] = re.p[i++];
        } else if (quoted) {
            i++;
        }
        out[n++] = re.p[i];
    }
    if (out) {
        out[n] = '\0';
    }
    return out;
}

static bool compile(struct idmap_rule *r, struct sp_str re, char delimiter, int flags, char *why,
                    size_t cap)
{
    char *text = unquote(re, delimiter);
    int bad = text ? regcomp(&r->re, text, REG_EXTENDED | flags) : REG_ESPACE;
    free(text);
    r->compiled = bad == 0;
    if (bad) {
        regerror(bad, NULL, why, cap);
    }
    return bad == 0;
}

static bool read_flags(const char *flags, bool *global, int *re_flags)
{
    for (; *flags; flags++) {
        if (*flags != 'g' && *flags != 'i') {
            return false;
        }
        *global = *global || *flags == 'g';
        *re_flags |= *flags == 'i' ? REG_ICASE : 0;
    }
    return true;
}

/* Every group that the text names has to be one of the expression. */
static bool groups_exist(const struct idmap_rule *r, char *why, size_t cap)
{
    for (size_t i = 0; i + 1 < r->ntext; i++) {
        char c = r->text[i] == '\\' ? r->text[++i] : '\0';
        if (c >= '1' && c <= '9' && (size_t)(c - '0') > r->re.re_nsub) {
            snprintf(why, cap, "there is no group \\%c", c);
            return false;
        }
    }
    return true;
}

static bool parse(struct idmap_rule *r, const char *rule, char *why, size_t cap)
{
    struct sp_str re, text;
    const char *p = rule + 2;
    int flags = 0;
    bool ok = rule[0] == 's' && rule[1] && rule[1] != '\\' && rule[1] != '\n' &&
              cut(&p, rule[1], &re) && cut(&p, rule[1], &text);
    if (!ok || re.n == 0 || !read_flags(p, &r->global, &flags)) {
        snprintf(why, cap, "want s/RE/TEXT/, with g or i behind it if need be");
        return false;
    }
    r->text = strndup(text.p, text.n);
    r->ntext = text.n;
    if (!r->text) {
        snprintf(why, cap, "out of memory");
        return false;
    }
    return compile(r, re, rule[1], flags, why, cap) && groups_exist(r, why, cap);
}

static void rule_free(struct idmap_rule *r)
{
    if (r->compiled) {
        regfree(&r->re);
    }
    free(r->text);
    free(r);
}

bool idmap_add(struct idmap *m, const char *rule, char *why, size_t cap)
{
    struct idmap_rule *r = m->n < IDMAP_RULES_MAX ? calloc(1, sizeof(*r)) : NULL;
    if (!r) {
        snprintf(why, cap, m->n < IDMAP_RULES_MAX ? "out of memory" : "too many rules");
        return false;
    }
    if (!parse(r, rule, why, cap)) {
        rule_free(r);
        return false;
    }
    m->rules[m->n++] = r;
    return true;
}

void idmap_fini(struct idmap *m)
{
    for (unsigned i = 0; i < m->n; i++) {
        rule_free(m->rules[i]);
    }
    m->n = 0;
}

/* ---------------------------------------------------------------- renaming */

static void put_group(struct sp_buf *b, const char *s, const regmatch_t *group)
{
    if (group->rm_so >= 0) {
        sp_buf_put(b, s + group->rm_so, (size_t)(group->rm_eo - group->rm_so));
    }
}

static void put_text(struct sp_buf *b, const struct idmap_rule *r, const char *s,
                     const regmatch_t groups[GROUPS])
{
    for (size_t i = 0; i < r->ntext; i++) {
        char c = r->text[i];
        if (c == '&') {
            put_group(b, s, &groups[0]);
            continue;
        }
        if (c == '\\' && i + 1 < r->ntext) {
            c = r->text[++i];
            if (c >= '0' && c <= '9') {
                put_group(b, s, &groups[c - '0']);
                continue;
            }
        }
        sp_buf_put(b, &c, 1);
    }
}

/* out takes as much as there is room for. As in sed, an empty match right behind another match is
 * none. */
static bool replace(const struct idmap_rule *r, const char *s, char out[SP_ID_MAX + 1])
{
    regmatch_t groups[GROUPS];
    struct sp_buf b;
    bool again = true, behind = false;
    int flags = 0;
    sp_buf_init(&b, out, SP_ID_MAX);
    while (again && regexec(&r->re, s, GROUPS, groups, flags) == 0) {
        size_t begin = (size_t)groups[0].rm_so, end = (size_t)groups[0].rm_eo;
        bool empty = begin == end;
        sp_buf_put(&b, s, begin);
        if (!empty || begin > 0 || !behind) {
            put_text(&b, r, s, groups);
        }
        again = r->global && s[end];
        behind = !empty;
        if (again && empty) {
            sp_buf_put(&b, s + end, 1);
            end++;
        }
        s += end;
        flags = REG_NOTBOL;
    }
    sp_buf_str(&b, sp_str(s));
    out[b.n] = '\0';
    return !b.full;
}

bool idmap_apply(const struct idmap *m, struct sp_str id, char out[SP_ID_MAX + 1])
{
    char from[SP_ID_MAX + 1];
    bool fits = id.n <= SP_ID_MAX;
    snprintf(out, SP_ID_MAX + 1, "%.*s", (int)id.n, id.n ? id.p : "");
    for (unsigned i = 0; fits && i < m->n; i++) {
        memcpy(from, out, sizeof(from));
        fits = replace(m->rules[i], from, out);
    }
    return fits && sp_id_ok(sp_str(out));
}
