/* SPDX-License-Identifier: MIT
 * token: make and check the tokens that the daemon asks for. Secrets come from files and the
 * environment: arguments show in ps. */
#include "cli/common/out.h"
#include "cli/sigctl/token.h"

#include "libproto/units.h"

#include <stdlib.h>

struct token_opts {
    const char *sub, *role, *kid, *life, *issuer, *audience, *sign_key, *secret_file;
    int64_t not_before_us;
    struct opt_list ids, keys;
};
_Static_assert(sizeof(struct token_opts) <= CTL_VALUES_MAX, "options fit");

#define ROW(name, kind, arg, member, help)                                                         \
    {                                                                                              \
        name, 0, kind, arg, NULL, offsetof(struct token_opts, member), help                        \
    }

const struct opt token_rows[] = {
    ROW("sub", OPT_STRING, "ID", sub, "make: the id it is for"),
    ROW("ids", OPT_LIST, "GLOB", ids, "make: ids it is for (repeat)"),
    ROW("role", OPT_STRING, "ROLE", role, "make: a role such as drone, camera, operator"),
    ROW("for", OPT_STRING, "DUR", life, "make: how long it is valid (1h)"),
    ROW("not-before", OPT_DURATION, "DUR", not_before_us, "make: valid only after this time"),
    ROW("kid", OPT_STRING, "KID", kid, "make: the server's name of the key"),
    ROW("sign-key", OPT_STRING, "FILE", sign_key, "make: private key (PEM)"),
    ROW("jwt-key", OPT_LIST, "KID=FILE", keys, "check: public key (PEM, repeat)"),
    ROW("secret-file", OPT_STRING, "FILE", secret_file, "make, check: HS256 secret"),
    ROW("issuer", OPT_STRING, "TEXT", issuer, "make, check: iss"),
    ROW("audience", OPT_STRING, "TEXT", audience, "make, check: aud"),
    {0}};

#define LIFE_US INT64_C(3600000000)

/* ---------------------------------------------------------------- secrets */

/* The secret of --secret-file, else of the environment; NULL when there is none, or with *status
 * set. The caller frees it with token_secret_free. */
static char *load_secret(const struct ctl *c, const struct token_opts *o, size_t *n, int *status)
{
    char why[512];
    const char *env = getenv("JWT_SECRET");
    char *secret = NULL;
    if (o->secret_file) {
        secret = token_secret_load(o->secret_file, n, why, sizeof(why));
    } else if (env && *env) {
        secret = strdup(env);
        *n = strlen(env);
        snprintf(why, sizeof(why), "out of memory");
    } else {
        return NULL;
    }
    if (!secret) {
        *status = ctl_fail(c, EXIT_DATA, NULL, "%s", why);
    }
    return secret;
}

static struct token_signer *open_signer(const struct ctl *c, const struct token_opts *o,
                                        int *status)
{
    char why[512];
    size_t n = 0;
    struct token_signer *s = NULL;
    if (o->sign_key) {
        s = token_signer_file(o->sign_key, why, sizeof(why));
    } else {
        char *secret = load_secret(c, o, &n, status);
        if (!secret) {
            *status = *status ? *status
                              : ctl_fail(c, EXIT_USAGE, NULL,
                                         "no key: want --sign-key, --secret-file or JWT_SECRET");
            return NULL;
        }
        s = token_signer_secret(secret, n, why, sizeof(why));
        token_secret_free(secret, n);
        if (s && token_secret_is_weak(n)) {
            out_note("the secret has %zu bytes, 32 or more are advisable", n);
        }
    }
    if (!s) {
        *status = ctl_fail(c, EXIT_DATA, NULL, "%s", why);
    }
    return s;
}

static int load_keys(const struct ctl *c, const struct token_opts *o, struct token_keys *keys)
{
    char why[512];
    size_t n = 0;
    int status = 0;
    char *secret = load_secret(c, o, &n, &status);
    if (secret && !token_keys_secret(keys, secret, n, why, sizeof(why))) {
        status = ctl_fail(c, EXIT_DATA, NULL, "%s", why);
    }
    token_secret_free(secret, n);
    for (unsigned i = 0; status == 0 && i < o->keys.n; i++) {
        if (!strchr(o->keys.v[i], '=')) {
            status =
                ctl_fail(c, EXIT_USAGE, NULL, "--jwt-key '%s': must be KID=FILE", o->keys.v[i]);
        } else if (!token_keys_file(keys, o->keys.v[i], why, sizeof(why))) {
            status = ctl_fail(c, EXIT_DATA, NULL, "%s", why);
        }
    }
    if (status == 0 && token_keys_count(keys) == 0) {
        status = ctl_fail(c, EXIT_USAGE, NULL,
                          "no key: want --jwt-key KID=FILE, --secret-file or JWT_SECRET");
    }
    return status;
}

/* ---------------------------------------------------------------- make */

static void put_text(struct sp_json *j, const char *name, const char *v)
{
    if (v) {
        sp_json_str(j, name, sp_str(v));
    }
}

/* A NumericDate is in seconds; the fraction is written only where there is one. */
static void put_date(struct sp_json *j, const char *name, int64_t ms)
{
    char text[32];
    if (ms % 1000 == 0) {
        sp_json_int(j, name, ms / 1000);
    } else {
        snprintf(text, sizeof(text), "%lld.%03d", (long long)(ms / 1000), (int)(ms % 1000));
        sp_json_raw(j, name, sp_str(text));
    }
}

/* Longer times end at a whole second, which every reader of dates understands. */
static int64_t moment(int64_t from_ms, int64_t span_us)
{
    int64_t ms = from_ms + span_us / 1000;
    return span_us < 10000000 ? ms : (ms + 999) / 1000 * 1000;
}

static void put_claims(struct sp_buf *b, const struct token_opts *o, int64_t now_ms,
                       int64_t start_ms, int64_t exp_ms)
{
    struct sp_json j;
    sp_json_init(&j, b);
    sp_json_object(&j, NULL);
    put_text(&j, "iss", o->issuer);
    put_text(&j, "sub", o->sub);
    put_text(&j, "aud", o->audience);
    put_date(&j, "iat", now_ms - now_ms % 1000);
    if (start_ms > now_ms) {
        put_date(&j, "nbf", start_ms);
    }
    put_date(&j, "exp", exp_ms);
    put_text(&j, "role", o->role);
    if (o->ids.n > 0) {
        sp_json_array(&j, "ids");
        for (unsigned i = 0; i < o->ids.n; i++) {
            sp_json_str(&j, NULL, sp_str(o->ids.v[i]));
        }
        sp_json_end(&j, ']');
    }
    sp_json_end(&j, '}');
}

static bool sign(const struct token_signer *s, const struct token_opts *o, struct sp_str claims,
                 struct sp_buf *out)
{
    char text[256];
    struct sp_buf b;
    struct sp_json j;
    sp_buf_init(&b, text, sizeof(text));
    sp_json_init(&j, &b);
    sp_json_object(&j, NULL);
    sp_json_str(&j, "alg", sp_str(token_signer_alg(s)));
    sp_json_str(&j, "typ", SP_STR("JWT"));
    put_text(&j, "kid", o->kid);
    sp_json_end(&j, '}');
    return token_sign(s, sp_buf_view(&b), claims, out);
}

static void print_made(const struct ctl *c, const struct token_signer *s, struct sp_str token,
                       int64_t exp_ms)
{
    struct print_line l;
    int64_t now_us = link_wall_us();
    if (!print_is_machine(&c->opts)) {
        printf("%.*s\n", (int)token.n, token.p);
        return;
    }
    if (print_begin(&l, token.n)) {
        sp_json_bool(&l.j, "ok", true);
        sp_json_str(&l.j, "type", SP_STR("token"));
        sp_json_str(&l.j, "token", token);
        sp_json_str(&l.j, "alg", sp_str(token_signer_alg(s)));
        token_print_expiry(&l.j, exp_ms, now_us);
        print_time(&l, now_us);
        print_end(&c->opts, &l);
    }
}

/* What no server would take is not made: the claims are read as the server reads them. */
static int make_token(const struct ctl *c, const struct token_opts *o, const struct token_signer *s,
                      int64_t life_us)
{
    static const struct token_policy any;
    struct token_claims claims;
    char payload[TOKEN_MAX], token[TOKEN_MAX];
    struct sp_buf b, t;
    int64_t now_ms = link_wall_us() / 1000, start_ms = moment(now_ms, o->not_before_us);
    int64_t exp_ms = moment(start_ms, life_us);
    sp_buf_init(&b, payload, sizeof(payload));
    sp_buf_init(&t, token, sizeof(token));
    put_claims(&b, o, now_ms, start_ms, exp_ms);
    const char *why = token_claims_read(sp_buf_view(&b), &any, start_ms, &claims);
    bool ok = b.full || why || sign(s, o, sp_buf_view(&b), &t);
    if (b.full || t.full) {
        why = "too long";
    }
    if (why) {
        return ctl_fail(c, EXIT_USAGE, NULL, "no server would take it: %s", why);
    }
    if (!ok) {
        return ctl_fail(c, EXIT_DATA, NULL, "cannot sign");
    }
    print_made(c, s, sp_buf_view(&t), exp_ms);
    return 0;
}

static int run_make(struct ctl *c, const struct ctl_args *a)
{
    const struct token_opts *o = a->values;
    int64_t life_us = LIFE_US;
    int status = 0;
    if (o->life && (!sp_parse_duration(sp_str(o->life), 1000000, &life_us) || life_us < 1000)) {
        return ctl_fail(c, EXIT_USAGE, NULL, "--for '%s': must be a duration such as 90s or 12h",
                        o->life);
    }
    if (o->not_before_us == OPT_NEVER || (o->sign_key && o->secret_file)) {
        return ctl_fail(c, EXIT_USAGE, NULL, "%s",
                        o->sign_key && o->secret_file ? "--sign-key or --secret-file, not both"
                                                      : "--not-before: must be a duration");
    }
    if (o->kid && (!o->sign_key || !token_kid_ok(sp_str(o->kid)))) {
        return ctl_fail(c, EXIT_USAGE, NULL, "%s",
                        o->sign_key ? "--kid: at most 64 bytes of A-Z a-z 0-9 . _ : @ -"
                                    : "--kid goes with --sign-key: a secret has no name");
    }
    struct token_signer *s = open_signer(c, o, &status);
    if (s) {
        status = make_token(c, o, s, life_us);
    }
    token_signer_free(s);
    return status;
}

/* ---------------------------------------------------------------- check */

static void print_granted(const struct ctl *c, const struct token_claims *t)
{
    struct print_line l;
    char left[TOKEN_SPAN_MAX];
    int64_t now_us = link_wall_us();
    if (!print_is_machine(&c->opts)) {
        token_span(left, t->exp_ms - now_us / 1000);
        printf("valid: id %s, role %s, expires %s\n", t->id[0] ? t->id : "-",
               t->role[0] ? t->role : "-", left);
        for (unsigned i = 0; i < t->nids; i++) {
            fputs("ids ", stdout);
            out_safe(stdout, sp_str(t->ids[i]));
            putchar('\n');
        }
        return;
    }
    if (print_begin(&l, sizeof(*t))) {
        sp_json_bool(&l.j, "ok", true);
        sp_json_str(&l.j, "type", SP_STR("token"));
        sp_json_bool(&l.j, "verified", true);
        sp_json_str_opt(&l.j, "id", sp_str(t->id));
        sp_json_str_opt(&l.j, "role", sp_str(t->role));
        sp_json_array(&l.j, "ids");
        for (unsigned i = 0; i < t->nids; i++) {
            sp_json_str(&l.j, NULL, sp_str(t->ids[i]));
        }
        sp_json_end(&l.j, ']');
        token_print_expiry(&l.j, t->exp_ms, now_us);
        print_time(&l, now_us);
        print_end(&c->opts, &l);
    }
}

static int run_check(struct ctl *c, const struct ctl_args *a)
{
    const struct token_opts *o = a->values;
    const struct token_policy policy = {.issuer = o->issuer, .audience = o->audience};
    struct token_claims claims;
    struct token_keys *keys = token_keys_new();
    char *tok = NULL;
    size_t n = 0;
    int status = keys ? load_keys(c, o, keys) : ctl_fail(c, EXIT_DATA, NULL, "out of memory");
    if (status == 0) {
        tok = token_read(c, a->n > 1 ? a->v[1] : "-", &n, &status);
    }
    if (tok) {
        const char *why = token_verify(keys, &policy, tok, n, link_wall_us() / 1000, &claims);
        if (why) {
            enum sp_err code = why == token_expired ? SP_TOKEN_EXPIRED : SP_UNAUTHORIZED;
            status = ctl_fail(c, EXIT_REFUSED_AUTH, sp_err_wire(code), "token refused: %s", why);
        } else {
            print_granted(c, &claims);
        }
    }
    token_secret_free(tok, n);
    token_keys_free(keys);
    return status;
}

int cmd_token(struct ctl *c, const struct ctl_args *a)
{
    static const struct {
        const char *verb;
        int most;
        int (*run)(struct ctl *c, const struct ctl_args *a);
    } verbs[] = {{"make", 1, run_make}, {"show", 2, token_show}, {"check", 2, run_check}};
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (strcmp(a->v[0], verbs[i].verb) == 0 && a->n <= verbs[i].most) {
            return verbs[i].run(c, a);
        }
    }
    return ctl_fail(c, EXIT_USAGE, NULL, "usage: token %s", command_find("token")->args);
}
