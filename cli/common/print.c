/* SPDX-License-Identifier: MIT
 * Machine output: objects, values, templates. */
#include "cli/common/print.h"

#include "cli/common/out.h"
#include "libproto/time.h"
#include "libproto/utf8.h"

#include <cjson/cJSON.h>
#include <stdlib.h>

void print_settle(struct link_opts *o)
{
    if (out_is_diverted()) {
        o->json = true;
        o->plain = o->pretty = false;
        o->format = NULL;
    }
}

bool print_is_machine(const struct link_opts *o)
{
    return o->json || o->plain || o->pretty || o->format;
}

/* One step through a template: a byte of text, or a member with its width. */
struct token {
    struct sp_str member; /* n is 0: text */
    int width;            /* negative: left */
    char text;
};

static bool next_member(const char **at, struct token *t)
{
    const char *p = *at + 1;
    bool left = *p == '-';
    p += left;
    for (; *p >= '0' && *p <= '9' && t->width < 1000; p++) {
        t->width = t->width * 10 + (*p - '0');
    }
    const char *end = *p == '{' ? strchr(p, '}') : NULL;
    if (!end || end == p + 1) {
        return false;
    }
    t->member = (struct sp_str){p + 1, (size_t)(end - p - 1)};
    t->width = left ? -t->width : t->width;
    *at = end + 1;
    return true;
}

static bool next_token(const char **at, struct token *t)
{
    const char *p = *at;
    *t = (struct token){.text = p[0]};
    if (p[0] == '%' && p[1] != '%') {
        return next_member(at, t);
    }
    if (p[0] == '\\' && p[1]) {
        t->text = p[1] == 'n' ? '\n' : p[1] == 't' ? '\t' : p[1];
    }
    *at = p + 1 + ((p[0] == '%' || p[0] == '\\') && p[1]);
    return true;
}

bool print_check_format(const char *format, char *why, size_t cap)
{
    struct token t;
    const char *p = format;
    while (*p) {
        const char *here = p;
        if (!next_token(&p, &t)) {
            snprintf(why, cap, "bad template at '%.20s': want %%{member}", here);
            return false;
        }
    }
    return true;
}

/* A member's value as terminal-safe text; the caller frees it. */
static char *value_text(const struct sp_doc *doc, const struct sp_member *m, size_t *n)
{
    struct sp_str raw = sp_doc_raw(doc, m);
    char *plain = malloc(raw.n + 1), *safe = malloc(raw.n * 8 + 1);
    *n = 0;
    if (plain && safe) {
        if (m->kind == SP_J_STRING) {
            size_t len = sp_unescape(plain, raw.n, raw);
            raw = len == SIZE_MAX ? raw : (struct sp_str){plain, len};
        }
        *n = sp_utf8_safe(safe, raw.n * 8, raw, false);
    }
    free(plain);
    return safe;
}

static void put_value(const struct sp_doc *doc, const struct sp_member *m, int width)
{
    size_t n = 0;
    char *text = m ? value_text(doc, m, &n) : NULL;
    printf("%*.*s", width, (int)n, text ? text : "");
    free(text);
}

static void print_format(const char *format, const struct sp_doc *doc)
{
    struct token t = {.text = '\0'};
    while (*format && next_token(&format, &t)) {
        if (t.member.n > 0) {
            put_value(doc, sp_doc_find(doc, t.member), t.width);
        } else {
            putchar(t.text);
        }
    }
    if (t.text != '\n') {
        putchar('\n');
    }
}

static void print_values(const struct sp_doc *doc)
{
    for (uint32_t i = 0; i < doc->count; i++) {
        if (i > 0) {
            putchar('\t');
        }
        put_value(doc, &doc->m[i], 0);
    }
    putchar('\n');
}

static void print_pretty(struct sp_str object)
{
    cJSON *tree = cJSON_ParseWithLength(object.p, object.n);
    char *text = tree ? cJSON_Print(tree) : NULL;
    out_line(text ? sp_str(text) : object);
    free(text);
    cJSON_Delete(tree);
}

void print_object(const struct link_opts *o, struct sp_str object)
{
    struct link_msg m;
    if (o->json || !link_scan(&m, object)) {
        out_line(object);
    } else if (o->pretty) {
        print_pretty(object);
    } else if (o->format) {
        print_format(o->format, &m.doc);
    } else {
        print_values(&m.doc);
    }
    fflush(stdout);
}

bool print_begin(struct print_line *l, size_t remote)
{
    /* an escaped byte takes six at most; our own members fit in the rest */
    size_t cap = 4096 + remote * 6;
    char *p = malloc(cap);
    if (!p) {
        out_fail(EXIT_DATA, NULL, "out of memory");
        return false;
    }
    sp_buf_init(&l->b, p, cap);
    sp_json_init(&l->j, &l->b);
    sp_json_object(&l->j, NULL);
    return true;
}

void print_stamp(struct sp_json *j, int64_t wall_us)
{
    struct sp_stamp stamp = {0};
    sp_json_str(j, "ts", sp_stamp_at(&stamp, wall_us / 1000));
    sp_json_int(j, "ts_us", wall_us);
}

void print_time(struct print_line *l, int64_t wall_us)
{
    print_stamp(&l->j, wall_us);
}

static bool is_ours(struct sp_str key)
{
    return sp_str_eq(key, SP_STR("ok")) || sp_str_eq(key, SP_STR("ts")) ||
           sp_str_eq(key, SP_STR("ts_us"));
}

void print_members(struct print_line *l, const struct sp_doc *doc)
{
    for (uint32_t i = 0; i < doc->count; i++) {
        const struct sp_member *m = &doc->m[i];
        struct sp_str key = {doc->buf + m->key_off, m->key_len};
        if (is_ours(key)) {
            continue;
        }
        if (l->j.comma[l->j.depth]) {
            sp_buf_lit(&l->b, ",");
        }
        l->j.comma[l->j.depth] = true;
        sp_buf_lit(&l->b, "\"");
        sp_buf_str(&l->b, key);
        sp_buf_lit(&l->b, "\":");
        sp_buf_str(&l->b, sp_doc_raw(doc, m));
    }
}

void print_end(const struct link_opts *o, struct print_line *l)
{
    sp_json_end(&l->j, '}');
    /* line breaks between tokens are legal in what others sent, and an object is one line here */
    for (size_t i = 0; i < l->b.n; i++) {
        if (l->b.p[i] == '\n' || l->b.p[i] == '\r') {
            l->b.p[i] = ' ';
        }
    }
    print_object(o, sp_buf_view(&l->b));
    free(l->b.p);
}

void print_received(const struct link_opts *o, const struct link_msg *m)
{
    struct print_line l;
    if (!print_begin(&l, m->raw.n)) {
        return;
    }
    print_time(&l, m->wall_us);
    print_members(&l, &m->doc);
    print_end(o, &l);
}

void print_sdp(struct sp_str raw)
{
    char *text = malloc(raw.n + 1);
    size_t n = text ? sp_unescape(text, raw.n, raw) : SIZE_MAX;
    size_t from = 0;
    while (n != SIZE_MAX && from < n) {
        const char *lf = memchr(text + from, '\n', n - from);
        size_t to = lf ? (size_t)(lf - text) : n;
        size_t end = to > from && text[to - 1] == '\r' ? to - 1 : to;
        out_safe(stdout, (struct sp_str){text + from, end - from});
        putchar('\n');
        from = to + 1;
    }
    fflush(stdout);
    free(text);
}
