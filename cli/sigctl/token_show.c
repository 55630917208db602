/* SPDX-License-Identifier: MIT
 * token show: what a token says, which nobody has verified; all of it is somebody else's text. */
#include "cli/common/out.h"
#include "cli/sigctl/spec.h"
#include "cli/sigctl/token.h"
#include "libproto/time.h"

char *token_read(const struct ctl *c, const char *spec, size_t *n, int *status)
{
    bool file = spec[0] == '@' && spec[1] != '@';
    if (strcmp(spec, "-") == 0) {
        spec = "@-";
        file = true;
    }
    char *tok = spec_load(c, spec, n, status);
    while (tok && file && *n > 0 && strchr(" \t\r\n", tok[*n - 1]) && tok[*n - 1]) {
        --*n;
    }
    return tok;
}

void token_span(char out[TOKEN_SPAN_MAX], int64_t ms)
{
    static const struct {
        const char *name;
        int64_t ms;
    } units[] = {{"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};
    const size_t last = sizeof(units) / sizeof(units[0]) - 1;
    int64_t left = ms < 0 ? -ms : ms;
    char second[24] = "";
    size_t i = 0;
    while (i < last && left < units[i].ms) {
        i++;
    }
    if (i + 1 < last && left % units[i].ms >= units[i + 1].ms) {
        snprintf(second, sizeof(second), " %lld%s",
                 (long long)(left % units[i].ms / units[i + 1].ms), units[i + 1].name);
    }
    snprintf(out, TOKEN_SPAN_MAX, "%s%lld%s%s%s", ms < 0 ? "" : "in ",
             (long long)(left / units[i].ms), units[i].name, second, ms < 0 ? " ago" : "");
}

void token_print_expiry(struct sp_json *j, int64_t exp_ms, int64_t now_us)
{
    struct sp_stamp stamp = {0};
    sp_json_str(j, "expires", sp_stamp_at(&stamp, exp_ms));
    sp_json_int(j, "expires_in_us", exp_ms * 1000 - now_us);
}

/* ---------------------------------------------------------------- for people */

static bool date_of(const struct sp_doc *doc, const struct sp_member *m, int64_t *ms)
{
    return m && m->kind == SP_J_NUMBER && token_date(sp_doc_raw(doc, m), ms);
}

static bool is_date(struct sp_str key)
{
    return sp_str_eq(key, SP_STR("exp")) || sp_str_eq(key, SP_STR("nbf")) ||
           sp_str_eq(key, SP_STR("iat")) || sp_str_eq(key, SP_STR("auth_time"));
}

static void print_value(const struct sp_doc *doc, const struct sp_member *m)
{
    char text[TOKEN_MAX];
    struct sp_str raw = sp_doc_raw(doc, m);
    size_t n = m->kind == SP_J_STRING ? sp_unescape(text, sizeof(text), raw) : SIZE_MAX;
    out_safe(stdout, n == SIZE_MAX ? raw : (struct sp_str){text, n});
}

static void print_date(int64_t ms)
{
    struct sp_stamp stamp = {0};
    char span[TOKEN_SPAN_MAX];
    struct sp_str at = sp_stamp_at(&stamp, ms);
    token_span(span, ms - link_wall_us() / 1000);
    printf("  %.*s, %s", (int)at.n, at.p, span);
}

static void print_members_of(const char *title, const struct sp_doc *doc)
{
    printf("%s\n", title);
    for (uint32_t i = 0; i < doc->count; i++) {
        const struct sp_member *m = &doc->m[i];
        struct sp_str key = {doc->buf + m->key_off, m->key_len};
        int64_t ms;
        fputs("  ", stdout);
        out_safe(stdout, key);
        printf("%*s", key.n < 8 ? (int)(8 - key.n) : 1, "");
        print_value(doc, m);
        if (is_date(key) && date_of(doc, m, &ms)) {
            print_date(ms);
        }
        putchar('\n');
    }
}

static void print_people(const struct sp_doc *header, const struct sp_doc *claims)
{
    int64_t exp_ms;
    char span[TOKEN_SPAN_MAX];
    puts("not verified: anybody can write this; sigctl token check verifies");
    print_members_of("header", header);
    print_members_of("claims", claims);
    if (!date_of(claims, sp_doc_find(claims, SP_STR("exp")), &exp_ms)) {
        puts("without an expiry: no server takes it");
        return;
    }
    int64_t left = exp_ms - link_wall_us() / 1000;
    token_span(span, left);
    printf("%s %s\n", left > 0 ? "expires" : "expired", span);
}

/* ---------------------------------------------------------------- for machines */

static void print_machine(const struct ctl *c, const struct sp_doc *header,
                          const struct sp_doc *claims)
{
    struct print_line l;
    int64_t exp_ms, now_us = link_wall_us();
    if (!print_begin(&l, header->len + claims->len)) {
        return;
    }
    sp_json_bool(&l.j, "ok", true);
    sp_json_str(&l.j, "type", SP_STR("token"));
    sp_json_bool(&l.j, "verified", false);
    sp_json_raw(&l.j, "header", (struct sp_str){header->buf, header->len});
    sp_json_raw(&l.j, "claims", (struct sp_str){claims->buf, claims->len});
    if (date_of(claims, sp_doc_find(claims, SP_STR("exp")), &exp_ms)) {
        token_print_expiry(&l.j, exp_ms, now_us);
    }
    print_time(&l, now_us);
    print_end(&c->opts, &l);
}

static int show_parts(const struct ctl *c, const struct token_parts *t)
{
    struct sp_doc header, claims;
    struct sp_diag d;
    if (sp_scan(&header, t->header.p, t->header.n, &sp_scan_defaults, &d) != SP_OK) {
        return ctl_fail(c, EXIT_DATA, NULL, "not a token: header: %s", d.text);
    }
    if (sp_scan(&claims, t->payload.p, t->payload.n, &sp_scan_defaults, &d) != SP_OK) {
        return ctl_fail(c, EXIT_DATA, NULL, "not a token: claims: %s", d.text);
    }
    if (print_is_machine(&c->opts)) {
        print_machine(c, &header, &claims);
    } else {
        print_people(&header, &claims);
    }
    return 0;
}

int token_show(struct ctl *c, const struct ctl_args *a)
{
    struct token_parts t;
    size_t n = 0;
    int status = 0;
    char *tok = token_read(c, a->n > 1 ? a->v[1] : "-", &n, &status);
    if (tok) {
        const char *why = token_split(tok, n, &t);
        status = why ? ctl_fail(c, EXIT_DATA, NULL, "not a token: %s", why) : show_parts(c, &t);
    }
    token_secret_free(tok, n);
    return status;
}
