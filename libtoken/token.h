/* SPDX-License-Identifier: MIT
 * JSON Web Tokens, signed ones in compact form (RFC 7515, 7518, 7519) by the rules of RFC 8725.
 * Time is an argument; nothing is logged. Not for several threads at once. */
#ifndef TOKEN_H
#define TOKEN_H

#include "libproto/buf.h"
#include "libproto/limits.h"

#define TOKEN_MAX        4096 /* bytes of a compact token */
#define TOKEN_KEYS_MAX   16
#define TOKEN_IDS_MAX    16
#define TOKEN_KID_MAX    64
#define TOKEN_SECRET_MIN 12
#define TOKEN_SECRET_MAX 1024
#define TOKEN_FILE_MAX   (64 * 1024) /* a file of a key or secret */

/* token_policy is what a token must say beside its signature. issuer and audience NULL: iss and aud
 * may be anything that is well formed. leeway_ms is how far the issuer's clock may be off, 0 or
 * more, for exp, nbf and iat alike. */
struct token_policy {
    const char *issuer, *audience;
    int64_t leeway_ms;
};

/* token_claims is what a valid token grants. id or ids may be missing, never both. ids are globs of
 * sp_glob_match, of the bytes of an id, '*' and '?'. exp_ms is as the token says it, without the
 * leeway. */
struct token_claims {
    char id[SP_ID_MAX + 1];     /* sub, userId or both; "" when there is none */
    char role[SP_ROLE_MAX + 1]; /* "" when there is none */
    unsigned nids;
    char ids[TOKEN_IDS_MAX][SP_MATCH_MAX + 1];
    int64_t exp_ms; /* since 1970 */
    uint64_t key;   /* fingerprint of the key that verified it: not for logs */
};

/* token_keys holds at most one secret and TOKEN_KEYS_MAX keys in all. One algorithm is fixed for
 * each: HS256 for the secret, by its type for a public key. */
struct token_keys;

/* token_keys_new gives NULL when out of memory; token_keys_free wipes the secret. */
struct token_keys *token_keys_new(void);
void token_keys_free(struct token_keys *keys);

/* token_keys_secret copies the secret of HS256. False with a sentence in why: shorter than
 * TOKEN_SECRET_MIN, longer than TOKEN_SECRET_MAX, the text of a public key, a second one. */
bool token_keys_secret(struct token_keys *keys, const char *secret, size_t n, char *why,
                       size_t cap);

/* token_keys_file adds the public key (SPKI) or certificate of a PEM file, spec being "KID=FILE":
 * RSA of 2048 to 8192 bits (RS256), P-256 (ES256), Ed25519 (EdDSA). The dates and the issuer of a
 * certificate do not count. False with a sentence in why. */
bool token_keys_file(struct token_keys *keys, const char *spec, char *why, size_t cap);

/* token_keys_has tells whether the key that once verified a token is among these. */
bool token_keys_has(const struct token_keys *keys, uint64_t fingerprint);

/* token_keys_count gives how many keys and secrets there are. */
unsigned token_keys_count(const struct token_keys *keys);

/* token_kid_ok tells whether a key may have that name: sp_id_ok, at most TOKEN_KID_MAX bytes. */
bool token_kid_ok(struct sp_str kid);

/* token_secret_is_weak tells that a secret of n bytes is shorter than its hash (RFC 7518 3.2). */
bool token_secret_is_weak(size_t n);

struct stat;

/* token_file_private tells by its status that a file is fit for a secret: nobody but its owner may
 * read or write it. One of root's may be read by a group too unless we are root ourselves, since so
 * systemd hands over credentials: their list of who may read shows as a group's mode. */
bool token_file_private(const struct stat *st);

/* token_secret_load reads a secret from a file that is token_file_private or no regular file; one
 * line end at its end does not count. Gives it to token_secret_free; NULL with a sentence in why.
 */
char *token_secret_load(const char *path, size_t *n, char *why, size_t cap);
void token_secret_free(char *secret, size_t n);

/* token_expired is the reason of a token that is right in every way, only too late. */
extern const char token_expired[];

/* token_verify gives NULL for a valid token, else a constant reason fit for a log, out untouched.
 * A token with kid needs the key of that name; one without kid is checked with the secret, or with
 * the only key where there is exactly one. typ, where present, is JWT or application/jwt. */
const char *token_verify(const struct token_keys *keys, const struct token_policy *policy,
                         const char *tok, size_t n, int64_t now_ms, struct token_claims *out);

/* token_claims_read is the second half of token_verify: it checks a payload that is trusted. It
 * leaves out->key alone. */
const char *token_claims_read(struct sp_str payload, const struct token_policy *policy,
                              int64_t now_ms, struct token_claims *out);

/* token_date reads a raw JSON number as a NumericDate (RFC 7519 2: seconds, fractions allowed) into
 * milliseconds, what is finer cut off. False for what is negative or after the year 9999. */
bool token_date(struct sp_str raw, int64_t *ms);

/* token_parts is a token taken apart, nothing of it verified: all but input are decoded and borrow
 * text; input, what the signature covers, borrows the token. */
struct token_parts {
    struct sp_str header, payload, sig, input;
    char text[TOKEN_MAX];
};

/* token_split gives NULL, or a constant reason: longer than TOKEN_MAX, not three segments, not
 * strict base64url (RFC 4648 5: no padding, no blanks, unused bits zero). */
const char *token_split(const char *tok, size_t n, struct token_parts *out);

/* token_signer is a secret, or the private key of a PEM file like that of token_secret_load. NULL
 * with a sentence in why. token_signer_free wipes it. */
struct token_signer *token_signer_secret(const char *secret, size_t n, char *why, size_t cap);
struct token_signer *token_signer_file(const char *path, char *why, size_t cap);
void token_signer_free(struct token_signer *s);

/* token_signer_alg gives the name for the header: HS256, RS256, ES256, EdDSA. */
const char *token_signer_alg(const struct token_signer *s);

/* token_sign writes the compact form of a header and payload as they stand. False when OpenSSL
 * cannot sign or out is full. */
bool token_sign(const struct token_signer *s, struct sp_str header, struct sp_str payload,
                struct sp_buf *out);

#endif
