/* SPDX-License-Identifier: MIT
 * Keys: what is taken for one, its algorithm, its fingerprint. */
#include "libtoken/priv.h"

#include "libproto/id.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>

#define RSA_BITS_LEAST 2048
#define RSA_BITS_MOST  8192

/* ---------------------------------------------------------------- one key */

static uint64_t fingerprint_of(const char *alg, const void *p, size_t n)
{
    uint8_t digest[SHA256_DIGEST_LENGTH];
    uint64_t v = 0;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1 &&
        EVP_DigestUpdate(ctx, alg, strlen(alg) + 1) == 1 && EVP_DigestUpdate(ctx, p, n) == 1 &&
        EVP_DigestFinal_ex(ctx, digest, NULL) == 1) {
        memcpy(&v, digest, sizeof(v));
    }
    EVP_MD_CTX_free(ctx);
    OPENSSL_cleanse(digest, sizeof(digest));
    return v;
}

/* What is public must never serve as a secret: RFC 8725 2.1 and 3.5. The forms are PEM, SSH, DER in
 * base64 for RSA, P-256 and Ed25519, and JWK. */
static bool is_public_text(const char *p, size_t n)
{
    static const char *const starts[] = {"-----BEGIN",
                                         "---- BEGIN",
                                         "ssh-",
                                         "ecdsa-sha2-",
                                         "MIIBIjANBgkqhkiG9w0BAQ",
                                         "MIIBojANBgkqhkiG9w0BAQ",
                                         "MIICIjANBgkqhkiG9w0BAQ",
                                         "MFkwEwYHKoZIzj0CAQ",
                                         "MCowBQYDK2Vw"};
    while (n > 0 && strchr(" \t\r\n", *p) && *p) {
        p++;
        n--;
    }
    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
        size_t len = strlen(starts[i]);
        if (n >= len && memcmp(p, starts[i], len) == 0) {
            return true;
        }
    }
    return n > 0 && *p == '{' && memmem(p, n, "\"kty\"", 5);
}

static bool is_public_der(const char *p, size_t n)
{
    const unsigned char *at = (const unsigned char *)p;
    ERR_set_mark();
    EVP_PKEY *pkey = d2i_PUBKEY(NULL, &at, (long)n);
    ERR_pop_to_mark();
    EVP_PKEY_free(pkey);
    return pkey != NULL;
}

bool token_secret_is_weak(size_t n)
{
    return n < SHA256_DIGEST_LENGTH;
}

bool token_key_secret(struct token_key *key, const char *secret, size_t n, char *why, size_t cap)
{
    if (n < TOKEN_SECRET_MIN || n > TOKEN_SECRET_MAX) {
        snprintf(why, cap, "the secret has %zu bytes, %d to %d are possible, 32 or more advisable",
                 n, TOKEN_SECRET_MIN, TOKEN_SECRET_MAX);
        return false;
    }
    if (is_public_text(secret, n) || is_public_der(secret, n)) {
        snprintf(why, cap, "the secret is the text of a key: keys are not secrets of HS256");
        return false;
    }
    char *copy = malloc(n);
    if (!copy) {
        snprintf(why, cap, "out of memory");
        return false;
    }
    memcpy(copy, secret, n);
    *key = (struct token_key){.alg = &token_hs256, .secret = copy, .n = n};
    key->fingerprint = fingerprint_of(token_hs256.name, secret, n);
    return true;
}

static const struct token_alg *alg_of(const EVP_PKEY *pkey, char *why, size_t cap)
{
    char group[32] = "";
    int bits = EVP_PKEY_get_bits(pkey);
    if (EVP_PKEY_is_a(pkey, "RSA")) {
        if (bits >= RSA_BITS_LEAST && bits <= RSA_BITS_MOST) {
            return &token_rs256;
        }
        snprintf(why, cap, "an RSA key of %d bits, %d to %d are possible", bits, RSA_BITS_LEAST,
                 RSA_BITS_MOST);
        return NULL;
    }
    if (EVP_PKEY_is_a(pkey, "ED25519")) {
        return &token_eddsa;
    }
    if (EVP_PKEY_is_a(pkey, "EC") &&
        EVP_PKEY_get_group_name(pkey, group, sizeof(group), NULL) == 1 &&
        strcmp(group, "prime256v1") == 0) {
        return &token_es256;
    }
    snprintf(why, cap, "a key that is neither RSA, P-256 nor Ed25519");
    return NULL;
}

bool token_key_pkey(struct token_key *key, EVP_PKEY *pkey, char *why, size_t cap)
{
    unsigned char *der = NULL;
    ERR_set_mark();
    const struct token_alg *alg = alg_of(pkey, why, cap);
    int n = alg ? i2d_PUBKEY(pkey, &der) : 0;
    ERR_pop_to_mark();
    if (n <= 0) {
        if (alg) {
            snprintf(why, cap, "out of memory");
        }
        return false;
    }
    *key = (struct token_key){.alg = alg, .pkey = pkey};
    key->fingerprint = fingerprint_of(alg->name, der, (size_t)n);
    OPENSSL_free(der);
    return true;
}

void token_key_fini(struct token_key *key)
{
    token_secret_free(key->secret, key->n);
    EVP_PKEY_free(key->pkey);
    OPENSSL_cleanse(key, sizeof(*key));
}

/* ---------------------------------------------------------------- all of them */

struct token_keys *token_keys_new(void)
{
    return calloc(1, sizeof(struct token_keys));
}

void token_keys_free(struct token_keys *keys)
{
    for (unsigned i = 0; keys && i < keys->n; i++) {
        token_key_fini(&keys->key[i]);
    }
    free(keys);
}

static struct token_key *room_for(struct token_keys *keys, struct sp_str kid, char *why, size_t cap)
{
    for (unsigned i = 0; i < keys->n; i++) {
        if (sp_str_eq(sp_str(keys->key[i].kid), kid)) {
            snprintf(why, cap,
                     kid.n ? "there is a key '%.*s' already" : "there is a secret already",
                     (int)kid.n, kid.p ? kid.p : "");
            return NULL;
        }
    }
    if (keys->n == TOKEN_KEYS_MAX) {
        snprintf(why, cap, "more than %d keys", TOKEN_KEYS_MAX);
        return NULL;
    }
    return &keys->key[keys->n];
}

bool token_keys_secret(struct token_keys *keys, const char *secret, size_t n, char *why, size_t cap)
{
    struct token_key *key = room_for(keys, SP_STR(""), why, cap);
    if (!key || !token_key_secret(key, secret, n, why, cap)) {
        return false;
    }
    keys->n++;
    return true;
}

static unsigned count_of(const char *text, const char *word)
{
    unsigned n = 0;
    for (const char *p = text; (p = strstr(p, word)); p += strlen(word)) {
        n++;
    }
    return n;
}

static EVP_PKEY *public_key_of(const char *pem, size_t n)
{
    EVP_PKEY *pkey = NULL;
    ERR_set_mark();
    BIO *bio = BIO_new_mem_buf(pem, (int)n);
    if (bio && strstr(pem, "CERTIFICATE-----")) {
        X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
        pkey = cert ? X509_get_pubkey(cert) : NULL;
        X509_free(cert);
    } else if (bio) {
        pkey = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
    }
    BIO_free(bio);
    ERR_pop_to_mark();
    return pkey;
}

static EVP_PKEY *load_public(const char *path, char *why, size_t cap)
{
    size_t n = 0;
    EVP_PKEY *pkey = NULL;
    char *pem = token_file_load(path, false, &n, why, cap);
    if (!pem) {
        return NULL;
    }
    if (strstr(pem, "PRIVATE KEY-----")) {
        snprintf(why, cap,
                 "%s holds a private key; its public key is wanted (openssl pkey -in %s -pubout)",
                 path, path);
    } else if (count_of(pem, "-----BEGIN ") != 1 || !(pkey = public_key_of(pem, n))) {
        snprintf(why, cap, "%s is not one public key or certificate in PEM", path);
    }
    token_secret_free(pem, n);
    return pkey;
}

bool token_kid_ok(struct sp_str kid)
{
    return kid.n <= TOKEN_KID_MAX && sp_id_ok(kid);
}

bool token_keys_file(struct token_keys *keys, const char *spec, char *why, size_t cap)
{
    char text[200];
    const char *equals = strchr(spec, '=');
    struct sp_str kid = {spec, equals ? (size_t)(equals - spec) : 0};
    if (!token_kid_ok(kid) || equals[1] == '\0') {
        snprintf(why, cap, "'%s': want KID=FILE, KID of at most %d bytes of A-Z a-z 0-9 . _ : @ -",
                 spec, TOKEN_KID_MAX);
        return false;
    }
    struct token_key *key = room_for(keys, kid, why, cap);
    EVP_PKEY *pkey = key ? load_public(equals + 1, why, cap) : NULL;
    if (!pkey) {
        return false;
    }
    if (!token_key_pkey(key, pkey, text, sizeof(text))) {
        snprintf(why, cap, "%s: %s", equals + 1, text);
        EVP_PKEY_free(pkey);
        return false;
    }
    memcpy(key->kid, kid.p, kid.n);
    key->kid[kid.n] = '\0';
    keys->n++;
    return true;
}

bool token_keys_has(const struct token_keys *keys, uint64_t fingerprint)
{
    for (unsigned i = 0; i < keys->n; i++) {
        if (keys->key[i].fingerprint == fingerprint) {
            return true;
        }
    }
    return false;
}

unsigned token_keys_count(const struct token_keys *keys)
{
    return keys->n;
}
