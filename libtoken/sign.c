/* SPDX-License-Identifier: MIT
 * Signing: a secret or a private key makes the compact form. */
#include "libtoken/priv.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>

struct token_signer {
    struct token_key key;
};

struct token_signer *token_signer_secret(const char *secret, size_t n, char *why, size_t cap)
{
    struct token_signer *s = calloc(1, sizeof(*s));
    if (!s) {
        snprintf(why, cap, "out of memory");
    } else if (!token_key_secret(&s->key, secret, n, why, cap)) {
        free(s);
        s = NULL;
    }
    return s;
}

/* Without it OpenSSL would ask on the terminal. */
static int no_password(char *buf, int size, int writing, void *ctx)
{
    (void)buf;
    (void)size;
    (void)writing;
    (void)ctx;
    return -1;
}

static EVP_PKEY *load_private(const char *path, char *why, size_t cap)
{
    size_t n = 0;
    EVP_PKEY *pkey = NULL;
    char *pem = token_file_load(path, true, &n, why, cap);
    if (!pem) {
        return NULL;
    }
    ERR_set_mark();
    BIO *bio = BIO_new_mem_buf(pem, (int)n);
    pkey = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;
    BIO_free(bio);
    ERR_pop_to_mark();
    if (!pkey) {
        snprintf(why, cap, "%s is not a private key in PEM%s", path,
                 strstr(pem, "ENCRYPTED") ? " without a password" : "");
    }
    token_secret_free(pem, n);
    return pkey;
}

struct token_signer *token_signer_file(const char *path, char *why, size_t cap)
{
    char text[200];
    struct token_signer *s = NULL;
    EVP_PKEY *pkey = load_private(path, why, cap);
    if (!pkey) {
        return NULL;
    }
    s = calloc(1, sizeof(*s));
    if (!s) {
        snprintf(why, cap, "out of memory");
    } else if (!token_key_pkey(&s->key, pkey, text, sizeof(text))) {
        snprintf(why, cap, "%s: %s", path, text);
    } else {
        return s;
    }
    EVP_PKEY_free(pkey);
    free(s);
    return NULL;
}

void token_signer_free(struct token_signer *s)
{
    if (s) {
        token_key_fini(&s->key);
        free(s);
    }
}

const char *token_signer_alg(const struct token_signer *s)
{
    return s->key.alg->name;
}

bool token_sign(const struct token_signer *s, struct sp_str header, struct sp_str payload,
                struct sp_buf *out)
{
    uint8_t sig[TOKEN_SIG_MAX];
    size_t from = out->n;
    base64url_encode(out, header.p, header.n);
    sp_buf_lit(out, ".");
    base64url_encode(out, payload.p, payload.n);
    if (out->full) {
        return false;
    }
    size_t n = s->key.alg->sign(&s->key, (struct sp_str){out->p + from, out->n - from}, sig);
    sp_buf_lit(out, ".");
    base64url_encode(out, sig, n);
    return n > 0 && !out->full;
}
