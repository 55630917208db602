/* SPDX-License-Identifier: MIT
 * The claims of RFC 7519 4.1 and ours: userId, ids, role. Whatever is there must be well formed. */
#include "libtoken/token.h"

#include "libproto/event.h"
#include "libproto/id.h"
#include "libproto/scan.h"

#define DATE_MOST_MS INT64_C(253402300799999) /* the last millisecond of 9999 */
#define DIGITS_MOST  15                       /* of seconds and fraction: far below 2^63 */

const char token_expired[] = "expired";

/* number is what the digits of a JSON number say: digits times ten to the power. */
struct number {
    int64_t digits;
    int power;
};

static bool is_digit(struct sp_str s, size_t i)
{
    return i < s.n && s.p[i] >= '0' && s.p[i] <= '9';
}

/* False when there are more digits before the point than any date has. Digits behind it that do not
 * fit do not count. */
static bool read_digits(struct sp_str s, size_t *at, struct number *v)
{
    int have = 0;
    bool fraction = false;
    for (; is_digit(s, *at) || (!fraction && *at < s.n && s.p[*at] == '.'); ++*at) {
        if (s.p[*at] == '.') {
            fraction = true;
            continue;
        }
        if (have == DIGITS_MOST) {
            if (!fraction) {
                return false;
            }
            continue;
        }
        v->digits = v->digits * 10 + (s.p[*at] - '0');
        have += v->digits != 0;
        v->power -= fraction;
    }
    return true;
}

/* At the letter, which the scanner lets nothing but a sign and digits follow. */
static bool read_power(struct sp_str s, size_t at, struct number *v)
{
    int power = 0;
    bool minus = s.p[at + 1] == '-';
    for (at += minus || s.p[at + 1] == '+' ? 2 : 1; is_digit(s, at); at++) {
        if (power > 1000) {
            return false;
        }
        power = power * 10 + (s.p[at] - '0');
    }
    v->power += minus ? -power : power;
    return true;
}

bool token_date(struct sp_str raw, int64_t *ms)
{
    struct number v = {0, 3}; /* seconds become milliseconds */
    size_t at = 0;
    if (!is_digit(raw, 0) || !read_digits(raw, &at, &v) ||
        (at < raw.n && !read_power(raw, at, &v))) {
        return false;
    }
    for (; v.power < 0 && v.digits > 0; v.power++) {
        v.digits /= 10;
    }
    for (; v.power > 0 && v.digits > 0; v.power--) {
        if (v.digits > DATE_MOST_MS / 10) {
            return false;
        }
        v.digits *= 10;
    }
    if (v.digits > DATE_MOST_MS) {
        return false;
    }
    *ms = v.digits;
    return true;
}

/* ---------------------------------------------------------------- who */

/* A text of the grammar of ids and no longer than most, with a NUL behind it; "" when absent. */
static bool read_word(const struct sp_doc *doc, const char *name, char *out, size_t most)
{
    char scratch[SP_ID_MAX];
    struct sp_str s;
    out[0] = '\0';
    if (!sp_doc_find(doc, sp_str(name))) {
        return true;
    }
    if (sp_doc_str(doc, sp_str(name), scratch, sizeof(scratch), &s) != SP_OK || s.n > most ||
        !sp_id_ok(s)) {
        return false;
    }
    memcpy(out, s.p, s.n);
    out[s.n] = '\0';
    return true;
}

/* sub is the name of RFC 7519, userId that of the original service. */
static const char *read_id(const struct sp_doc *doc, struct token_claims *c)
{
    char user[SP_ID_MAX + 1];
    if (!read_word(doc, "sub", c->id, SP_ID_MAX)) {
        return "bad sub";
    }
    if (!read_word(doc, "userId", user, SP_ID_MAX)) {
        return "bad userId";
    }
    if (c->id[0] && user[0] && strcmp(c->id, user) != 0) {
        return "sub and userId differ";
    }
    if (user[0]) {
        memcpy(c->id, user, sizeof(user));
    }
    return NULL;
}

static bool is_glob(struct sp_str s)
{
    char id[2] = "a";
    for (size_t i = 0; i < s.n; i++) {
        id[1] = s.p[i];
        if (s.p[i] != '*' && s.p[i] != '?' && !sp_id_ok((struct sp_str){id, 2})) {
            return false;
        }
    }
    return s.n > 0;
}

static const char *add_glob(struct token_claims *c, struct sp_str raw)
{
    if (c->nids == TOKEN_IDS_MAX) {
        return "too many ids";
    }
    if (raw.p[0] != '"') {
        return "bad ids";
    }
    size_t n = sp_unescape(c->ids[c->nids], SP_MATCH_MAX, raw);
    if (n == SIZE_MAX || !is_glob((struct sp_str){c->ids[c->nids], n})) {
        return "bad ids";
    }
    c->ids[c->nids++][n] = '\0';
    return NULL;
}

static const char *read_ids(const struct sp_doc *doc, struct token_claims *c)
{
    const struct sp_member *m = sp_doc_find(doc, SP_STR("ids"));
    struct sp_str element;
    const char *why = NULL;
    size_t pos = 0;
    if (!m) {
        return NULL;
    }
    if (m->kind != SP_J_ARRAY) {
        return add_glob(c, sp_doc_raw(doc, m));
    }
    while (!why && sp_each_element(sp_doc_raw(doc, m), &pos, &element)) {
        why = add_glob(c, element);
    }
    return why;
}

/* ---------------------------------------------------------------- from whom, for whom */

static const char *check_issuer(const struct sp_doc *doc, const char *want)
{
    char scratch[TOKEN_MAX];
    struct sp_str iss;
    if (!sp_doc_find(doc, SP_STR("iss"))) {
        return want ? "no iss" : NULL;
    }
    if (sp_doc_str(doc, SP_STR("iss"), scratch, sizeof(scratch), &iss) != SP_OK) {
        return "bad iss";
    }
    return want && !sp_str_eq(iss, sp_str(want)) ? "wrong iss" : NULL;
}

/* One audience; found is set when it is the wanted one. */
static bool check_one(struct sp_str raw, const char *want, bool *found)
{
    char text[TOKEN_MAX];
    size_t n = raw.p[0] == '"' ? sp_unescape(text, sizeof(text), raw) : SIZE_MAX;
    *found = *found || (n != SIZE_MAX && want && sp_str_eq((struct sp_str){text, n}, sp_str(want)));
    return n != SIZE_MAX;
}

static const char *check_audience(const struct sp_doc *doc, const char *want)
{
    const struct sp_member *m = sp_doc_find(doc, SP_STR("aud"));
    struct sp_str element;
    size_t pos = 0;
    bool ok = true, found = false;
    if (!m) {
        return want ? "no aud" : NULL;
    }
    if (m->kind != SP_J_ARRAY) {
        ok = check_one(sp_doc_raw(doc, m), want, &found);
    }
    while (m->kind == SP_J_ARRAY && ok && sp_each_element(sp_doc_raw(doc, m), &pos, &element)) {
        ok = check_one(element, want, &found);
    }
    return !ok ? "bad aud" : want && !found ? "wrong aud" : NULL;
}

/* ---------------------------------------------------------------- when */

/* False when there is one that is no date; *ms is untouched when there is none. */
static bool read_date(const struct sp_doc *doc, struct sp_str name, int64_t *ms)
{
    const struct sp_member *m = sp_doc_find(doc, name);
    return !m || (m->kind == SP_J_NUMBER && token_date(sp_doc_raw(doc, m), ms));
}

static const char *check_time(const struct sp_doc *doc, int64_t leeway_ms, int64_t now_ms,
                              int64_t *exp_ms)
{
    int64_t exp = 0, nbf = 0, iat = 0;
    if (!sp_doc_find(doc, SP_STR("exp"))) {
        return "no exp";
    }
    if (!read_date(doc, SP_STR("exp"), &exp)) {
        return "bad exp";
    }
    if (!read_date(doc, SP_STR("nbf"), &nbf)) {
        return "bad nbf";
    }
    if (!read_date(doc, SP_STR("iat"), &iat)) {
        return "bad iat";
    }
    if (now_ms < nbf - leeway_ms) {
        return "not valid yet";
    }
    if (now_ms < iat - leeway_ms) {
        return "issued in the future";
    }
    *exp_ms = exp;
    return now_ms >= exp + leeway_ms ? token_expired : NULL;
}

const char *token_claims_read(struct sp_str payload, const struct token_policy *policy,
                              int64_t now_ms, struct token_claims *out)
{
    struct sp_doc doc;
    struct token_claims c = {.key = out->key};
    if (sp_scan(&doc, payload.p, payload.n, &sp_scan_defaults, NULL) != SP_OK) {
        return "bad claims";
    }
    const char *why = read_id(&doc, &c);
    why = why ? why : read_ids(&doc, &c);
    if (!why && !read_word(&doc, "role", c.role, SP_ROLE_MAX)) {
        why = "bad role";
    }
    if (!why && !c.id[0] && c.nids == 0) {
        why = "no id";
    }
    why = why ? why : check_issuer(&doc, policy->issuer);
    why = why ? why : check_audience(&doc, policy->audience);
    why = why ? why : check_time(&doc, policy->leeway_ms, now_ms, &c.exp_ms);
    if (!why) {
        *out = c;
    }
    return why;
}
