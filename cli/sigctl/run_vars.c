/* SPDX-License-Identifier: MIT
 * Variables of a scenario: $name, ${name}, $i, $id.NAME, $msg and its members, ${env.NAME}. */
#include "cli/sigctl/run.h"
#include "libproto/units.h"

#include <ctype.h>
#include <stdlib.h>

#define LEVELS 8 /* of members in members */

/* ref is a variable in a word: the bytes [from, to) with dollar and braces, and its name. */
struct ref {
    const char *from, *to;
    struct sp_str name;
};

static size_t name_length(const char *p)
{
    size_t n = 0;
    if (!isalpha((unsigned char)p[0]) && p[0] != '_') {
        return 0;
    }
    while (isalnum((unsigned char)p[n]) || p[n] == '_' ||
           (p[n] == '.' && (isalnum((unsigned char)p[n + 1]) || p[n + 1] == '_'))) {
        n++;
    }
    return n;
}

static bool next_ref(const char *word, struct ref *r)
{
    for (const char *p = strchr(word, '$'); p; p = strchr(p + 1, '$')) {
        bool braces = p[1] == '{';
        size_t n = name_length(p + 1 + braces);
        if (n > 0 && (!braces || p[2 + n] == '}')) {
            *r = (struct ref){p, p + 1 + n + (braces ? 2 : 0), {p + 1 + braces, n}};
            return true;
        }
    }
    return false;
}

bool run_has_var(const char *word)
{
    struct ref r;
    return next_ref(word, &r);
}

static struct var *find_var(const struct scene *s, struct sp_str name)
{
    for (unsigned i = 0; i < s->nvars; i++) {
        if (sp_str_eq(sp_str(s->vars[i].name), name)) {
            return (struct var *)&s->vars[i];
        }
    }
    return NULL;
}

bool run_set(struct scene *s, const char *name, const char *value)
{
    struct var *v = find_var(s, sp_str(name));
    if (!v && s->nvars < RUN_VARS) {
        v = &s->vars[s->nvars++];
        snprintf(v->name, sizeof(v->name), "%s", name);
    }
    if (v && value) {
        free(v->value);
        v->value = strdup(value);
    }
    return v && (!value || v->value);
}

/* What stands behind "word." of a name; NULL: it does not begin so. */
static const char *behind(struct sp_str name, const char *word)
{
    size_t n = strlen(word);
    return name.n > n + 1 && memcmp(name.p, word, n) == 0 && name.p[n] == '.' ? name.p + n + 1
                                                                              : NULL;
}

/* The rest of a name that began at from. */
static void copy_rest(char *out, size_t cap, struct sp_str name, const char *from)
{
    snprintf(out, cap, "%.*s", (int)(name.n - (size_t)(from - name.p)), from);
}

static bool is_message(struct sp_str name)
{
    return sp_str_eq(name, SP_STR("msg")) || behind(name, "msg");
}

/* ---------------------------------------------------------------- before it runs */

static int unknown_var(const struct scene *s, const struct ref *r, struct fault *f)
{
    struct sp_guess g = sp_guess_init(r->name);
    for (unsigned i = 0; i < s->nvars; i++) {
        sp_guess_consider(&g, s->vars[i].name);
    }
    return run_fault_set(f, EXIT_USAGE, r->from, "nothing sets $%.*s%s%s%s", (int)r->name.n,
                         r->name.p, g.best ? ", did you mean '$" : "", g.best ? g.best : "",
                         g.best ? "'?" : " (try: set NAME = VALUE, or --var NAME=VALUE)");
}

static int check_ref(const struct scene *s, const struct ref *r, struct fault *f)
{
    char rest[256];
    const char *id = behind(r->name, "id"), *env = behind(r->name, "env");
    copy_rest(rest, sizeof(rest), r->name, id ? id : env ? env : r->name.p);
    if (is_message(r->name) || sp_str_eq(r->name, SP_STR("i"))) {
        return 0;
    }
    if (id && run_find_ident(s, rest) < 0) {
        return run_fault_set(f, EXIT_USAGE, r->from, "no identity '%s' before this line", rest);
    }
    if (env && !getenv(rest)) {
        return run_fault_set(f, EXIT_USAGE, r->from, "%s is not in the environment", rest);
    }
    return id || env || find_var(s, r->name) ? 0 : unknown_var(s, r, f);
}

int run_check_vars(const struct scene *s, const char *word, struct fault *f)
{
    struct ref r;
    int status = 0;
    for (const char *at = word; status == 0 && next_ref(at, &r); at = r.to) {
        status = check_ref(s, &r, f);
    }
    return status;
}

/* ---------------------------------------------------------------- values */

static void list_members(const struct sp_doc *doc, char *out, size_t cap)
{
    size_t n = 0;
    out[0] = '\0';
    for (uint32_t i = 0; i < doc->count && n + 1 < cap; i++) {
        int more = snprintf(out + n, cap - n, "%s%.*s", i ? ", " : "", (int)doc->m[i].key_len,
                            doc->buf + doc->m[i].key_off);
        n += more > 0 ? (size_t)more : 0;
    }
}

/* Text of a raw JSON value: a string decoded, anything else as it stands. */
static char *text_of(struct sp_str raw)
{
    if (raw.n == 0 || raw.p[0] != '"') {
        return strndup(raw.n ? raw.p : "", raw.n);
    }
    char *text = malloc(raw.n);
    size_t n = text ? sp_unescape(text, raw.n - 1, raw) : SIZE_MAX;
    if (n == SIZE_MAX) {
        free(text);
        return strndup(raw.p, raw.n);
    }
    text[n] = '\0';
    return text;
}

static char *member_text(const struct link_msg *m, const char *path, size_t n, struct fault *f)
{
    struct sp_doc doc = m->doc;
    struct sp_str rest = {path, n}, raw = m->raw;
    char names[256];
    for (unsigned level = 0; rest.n > 0; level++) {
        struct sp_str key = sp_cut(&rest, ".");
        if (level == LEVELS || (level > 0 && sp_scan(&doc, raw.p, raw.n, &sp_scan_replies, NULL))) {
            run_fault_set(f, EXIT_FALSE, NULL, "what '%.*s' of $msg.%.*s is asked of is no object",
                          (int)key.n, key.p, (int)n, path);
            return NULL;
        }
        const struct sp_member *member = sp_doc_find(&doc, key);
        if (!member) {
            list_members(&doc, names, sizeof(names));
            run_fault_set(f, EXIT_FALSE, NULL, "no member '%.*s' in $msg.%.*s (there are: %s)",
                          (int)key.n, key.p, (int)n, path, names);
            return NULL;
        }
        raw = sp_doc_raw(&doc, member);
    }
    return text_of(raw);
}

static char *message_text(const struct flow *w, struct sp_str name, struct fault *f)
{
    const char *path = behind(name, "msg");
    if (!w->msg.raw) {
        run_fault_set(f, EXIT_FALSE, NULL, "no message was expected yet, so there is no $%.*s",
                      (int)name.n, name.p);
        return NULL;
    }
    return path ? member_text(&w->msg.m, path, name.n - 4, f)
                : strndup(w->msg.m.raw.p, w->msg.m.raw.n);
}

static char *value_of(const struct flow *w, struct sp_str name, struct fault *f)
{
    char rest[256];
    const char *id = behind(name, "id"), *env = behind(name, "env"), *text = NULL;
    copy_rest(rest, sizeof(rest), name, id ? id : env ? env : name.p);
    if (is_message(name)) {
        return message_text(w, name, f);
    }
    if (sp_str_eq(name, SP_STR("i"))) {
        snprintf(rest, sizeof(rest), "%lld", (long long)w->round);
        text = rest;
    } else if (id) {
        int who = run_find_ident(w->s, rest);
        text = who > 0 ? w->s->idents[who]->c.id : NULL;
    } else if (env) {
        text = getenv(rest);
    } else {
        const struct var *v = find_var(w->s, name);
        text = v ? v->value : NULL;
    }
    if (!text) {
        run_fault_set(f, EXIT_FALSE, NULL, "$%.*s has no value yet", (int)name.n, name.p);
        return NULL;
    }
    return strdup(text);
}

static void put_literal(FILE *out, const char *from, const char *to)
{
    for (; from < to; from++) {
        fputc(*from == RUN_LITERAL ? '$' : *from, out);
    }
}

char *run_expand(struct flow *w, const char *word, struct fault *f)
{
    char *text = NULL;
    size_t n = 0;
    struct ref r;
    FILE *out = open_memstream(&text, &n);
    bool ok = out != NULL;
    const char *at = word;
    while (ok && next_ref(at, &r)) {
        char *value = value_of(w, r.name, f);
        put_literal(out, at, r.from);
        ok = value && fputs(value, out) >= 0;
        free(value);
        at = r.to;
    }
    if (!out) {
        run_fault_set(f, EXIT_DATA, NULL, "out of memory");
        return NULL;
    }
    put_literal(out, at, at + strlen(at));
    fclose(out);
    if (!ok) {
        free(text);
        return NULL;
    }
    return text;
}
