/* SPDX-License-Identifier: MIT
 * The inside of libtoken: one key, its algorithm, base64url, files. */
#ifndef TOKEN_PRIV_H
#define TOKEN_PRIV_H

#include "libtoken/token.h"

#include <openssl/types.h>

#define TOKEN_SIG_MAX 1024 /* RSA of 8192 bits */

struct token_key;

/* token_alg is one algorithm of RFC 7518 or 8037. verify takes signatures of exactly the right
 * size; sign gives the size of what it wrote (at most TOKEN_SIG_MAX) or 0. */
struct token_alg {
    const char *name;
    bool (*verify)(const struct token_key *key, struct sp_str input, struct sp_str sig);
    size_t (*sign)(const struct token_key *key, struct sp_str input, uint8_t *out);
};

extern const struct token_alg token_hs256, token_rs256, token_es256, token_eddsa;

/* token_key owns a secret or a pkey. */
struct token_key {
    const struct token_alg *alg;
    char kid[TOKEN_KID_MAX + 1]; /* "" for the secret */
    uint64_t fingerprint;
    EVP_PKEY *pkey;
    char *secret;
    size_t n;
};

struct token_keys {
    unsigned n;
    struct token_key key[TOKEN_KEYS_MAX];
};

/* token_key_secret copies a secret into key; token_key_pkey takes pkey and finds its algorithm.
 * False with a sentence in why, key untouched and pkey still the caller's. */
bool token_key_secret(struct token_key *key, const char *secret, size_t n, char *why, size_t cap);
bool token_key_pkey(struct token_key *key, EVP_PKEY *pkey, char *why, size_t cap);
void token_key_fini(struct token_key *key);

/* token_file_load reads a regular file of at most TOKEN_FILE_MAX bytes, a NUL behind them; with
 * secret, one that is token_file_private, or a pipe, for which it waits. Free with
 * token_secret_free. NULL with a sentence in why. */
char *token_file_load(const char *path, bool secret, size_t *n, char *why, size_t cap);

/* base64url_decode writes at most 3/4 of in.n bytes; false unless in is strict base64url. */
bool base64url_decode(struct sp_str in, char *out, size_t *n);
void base64url_encode(struct sp_buf *b, const void *p, size_t n);

#endif
