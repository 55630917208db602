/* SPDX-License-Identifier: MIT
 * Verifying: the header only chooses among the keys that are configured, never how they are used.
 * Nothing of the payload is looked at before the signature is right. */
#include "libtoken/priv.h"

#include "libproto/scan.h"

#include <strings.h>

/* Members that would make a verifier fetch, trust or transform something (RFC 7515 4.1, RFC 7516
 * 4.1, RFC 7797 3), and crit, because nothing that it could name is understood here. */
static const char *const forbidden[] = {"crit", "jwk",      "jku", "x5u", "x5c",
                                        "x5t",  "x5t#S256", "b64", "zip", "enc"};

static const char *decode_part(struct sp_str in, struct token_parts *t, size_t *at,
                               struct sp_str *out)
{
    size_t n = 0;
    if (!base64url_decode(in, t->text + *at, &n)) {
        return "not base64url";
    }
    *out = (struct sp_str){t->text + *at, n};
    *at += n;
    return NULL;
}

const char *token_split(const char *tok, size_t n, struct token_parts *t)
{
    struct sp_str part[3];
    size_t from = 0, at = 0;
    if (n > TOKEN_MAX) {
        return "too long";
    }
    for (unsigned i = 0; i < 3; i++) {
        const char *dot = n > from ? memchr(tok + from, '.', n - from) : NULL;
        if ((dot == NULL) != (i == 2)) {
            return "not three segments";
        }
        size_t to = dot ? (size_t)(dot - tok) : n;
        part[i] = (struct sp_str){tok + from, to - from};
        from = to + 1;
    }
    t->input = (struct sp_str){tok, part[0].n + 1 + part[1].n};
    const char *why = decode_part(part[0], t, &at, &t->header);
    why = why ? why : decode_part(part[1], t, &at, &t->payload);
    return why ? why : decode_part(part[2], t, &at, &t->sig);
}

static bool is_word(struct sp_str s, const char *word)
{
    return s.n == strlen(word) && strncasecmp(s.p, word, s.n) == 0;
}

/* typ is a media type, application/ may be left out (RFC 7515 4.1.9, RFC 7519 5.1). */
static const char *check_header(const struct sp_doc *doc)
{
    char scratch[SP_ID_MAX];
    struct sp_str typ;
    for (size_t i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++) {
        if (sp_doc_find(doc, sp_str(forbidden[i]))) {
            return "forbidden header member";
        }
    }
    if (!sp_doc_find(doc, SP_STR("typ"))) {
        return NULL;
    }
    if (sp_doc_str(doc, SP_STR("typ"), scratch, sizeof(scratch), &typ) != SP_OK ||
        (!is_word(typ, "JWT") && !is_word(typ, "application/jwt"))) {
        return "wrong typ";
    }
    return NULL;
}

static const char *choose_key(const struct token_keys *keys, const struct sp_doc *doc,
                              const struct token_key **out)
{
    char scratch[TOKEN_KID_MAX];
    struct sp_str kid = SP_STR("");
    *out = NULL;
    if (!sp_doc_find(doc, SP_STR("kid"))) {
        *out = keys->n == 1 ? &keys->key[0] : NULL;
    } else if (sp_doc_str(doc, SP_STR("kid"), scratch, sizeof(scratch), &kid) != SP_OK ||
               !token_kid_ok(kid)) {
        return "bad kid";
    }
    for (unsigned i = 0; i < keys->n; i++) {
        if (sp_str_eq(sp_str(keys->key[i].kid), kid)) {
            *out = &keys->key[i];
        }
    }
    return *out ? NULL : kid.n ? "unknown kid" : "no kid";
}

static const char *check_signature(const struct token_key *key, const struct sp_doc *doc,
                                   const struct token_parts *t)
{
    char scratch[SP_WORD_MAX];
    struct sp_str alg;
    if (sp_doc_str(doc, SP_STR("alg"), scratch, sizeof(scratch), &alg) != SP_OK) {
        return "no alg";
    }
    if (!sp_str_eq(alg, sp_str(key->alg->name))) {
        return "wrong alg";
    }
    return key->alg->verify(key, t->input, t->sig) ? NULL : "bad signature";
}

const char *token_verify(const struct token_keys *keys, const struct token_policy *policy,
                         const char *tok, size_t n, int64_t now_ms, struct token_claims *out)
{
    struct token_parts t;
    struct sp_doc doc;
    const struct token_key *key = NULL;
    const char *why = token_split(tok, n, &t);
    if (why) {
        return why;
    }
    if (sp_scan(&doc, t.header.p, t.header.n, &sp_scan_defaults, NULL) != SP_OK) {
        return "bad header";
    }
    why = check_header(&doc);
    why = why ? why : choose_key(keys, &doc, &key);
    why = why ? why : check_signature(key, &doc, &t);
    why = why ? why : token_claims_read(t.payload, policy, now_ms, out);
    if (!why) {
        out->key = key->fingerprint;
    }
    return why;
}
