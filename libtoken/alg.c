/* SPDX-License-Identifier: MIT
 * The four algorithms on OpenSSL's EVP. Its error queue is left as it was: TLS in the same thread
 * would take our refusals for its own failures. */
#include "libtoken/priv.h"

#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#define HS256_BYTES 32
#define ES256_HALF  32 /* bytes of r and of s */
#define ES256_DER   80 /* most that r and s take as DER is 72 */
#define EDDSA_BYTES 64

static bool evp_verify(EVP_PKEY *pkey, const EVP_MD *md, struct sp_str input, struct sp_str sig)
{
    ERR_set_mark();
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = ctx && EVP_DigestVerifyInit(ctx, NULL, md, NULL, pkey) == 1 &&
              EVP_DigestVerify(ctx, (const unsigned char *)sig.p, sig.n,
                               (const unsigned char *)input.p, input.n) == 1;
    EVP_MD_CTX_free(ctx);
    ERR_pop_to_mark();
    return ok;
}

static size_t evp_sign(EVP_PKEY *pkey, const EVP_MD *md, struct sp_str input, uint8_t *out,
                       size_t cap)
{
    ERR_set_mark();
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    size_t n = cap;
    bool ok = ctx && EVP_DigestSignInit(ctx, NULL, md, NULL, pkey) == 1 &&
              EVP_DigestSign(ctx, out, &n, (const unsigned char *)input.p, input.n) == 1;
    EVP_MD_CTX_free(ctx);
    ERR_pop_to_mark();
    return ok ? n : 0;
}

/* ---------------------------------------------------------------- HS256, RFC 7518 3.2 */

static size_t hs256_sign(const struct token_key *key, struct sp_str input, uint8_t *out)
{
    unsigned n = 0;
    ERR_set_mark();
    bool ok = HMAC(EVP_sha256(), key->secret, (int)key->n, (const unsigned char *)input.p, input.n,
                   out, &n) != NULL;
    ERR_pop_to_mark();
    return ok ? n : 0;
}

static bool hs256_verify(const struct token_key *key, struct sp_str input, struct sp_str sig)
{
    uint8_t want[EVP_MAX_MD_SIZE];
    bool ok = sig.n == HS256_BYTES && hs256_sign(key, input, want) == HS256_BYTES &&
              CRYPTO_memcmp(want, sig.p, HS256_BYTES) == 0;
    OPENSSL_cleanse(want, sizeof(want));
    return ok;
}

/* ---------------------------------------------------------------- RS256, RFC 7518 3.3 */

static bool rs256_verify(const struct token_key *key, struct sp_str input, struct sp_str sig)
{
    return sig.n == (size_t)EVP_PKEY_get_size(key->pkey) &&
           evp_verify(key->pkey, EVP_sha256(), input, sig);
}

static size_t rs256_sign(const struct token_key *key, struct sp_str input, uint8_t *out)
{
    return evp_sign(key->pkey, EVP_sha256(), input, out, TOKEN_SIG_MAX);
}

/* ---------------------------------------------------------------- ES256, RFC 7518 3.4 */

/* OpenSSL wants r and s as DER, a token has them one behind the other. */
static size_t der_of(struct sp_str sig, uint8_t der[ES256_DER])
{
    const unsigned char *p = (const unsigned char *)sig.p;
    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(p, ES256_HALF, NULL), *s = BN_bin2bn(p + ES256_HALF, ES256_HALF, NULL);
    int n = 0;
    if (pair && r && s && ECDSA_SIG_set0(pair, r, s) == 1) {
        r = s = NULL;
        n = i2d_ECDSA_SIG(pair, &der);
    }
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(pair);
    return n > 0 ? (size_t)n : 0;
}

static bool es256_verify(const struct token_key *key, struct sp_str input, struct sp_str sig)
{
    uint8_t der[ES256_DER];
    size_t n = sig.n == 2 * ES256_HALF ? der_of(sig, der) : 0;
    return n > 0 &&
           evp_verify(key->pkey, EVP_sha256(), input, (struct sp_str){(const char *)der, n});
}

static size_t es256_sign(const struct token_key *key, struct sp_str input, uint8_t *out)
{
    uint8_t der[ES256_DER];
    const unsigned char *p = der;
    size_t n = evp_sign(key->pkey, EVP_sha256(), input, der, sizeof(der));
    ECDSA_SIG *pair = n ? d2i_ECDSA_SIG(NULL, &p, (long)n) : NULL;
    bool ok = pair && BN_bn2binpad(ECDSA_SIG_get0_r(pair), out, ES256_HALF) == ES256_HALF &&
              BN_bn2binpad(ECDSA_SIG_get0_s(pair), out + ES256_HALF, ES256_HALF) == ES256_HALF;
    ECDSA_SIG_free(pair);
    return ok ? 2 * ES256_HALF : 0;
}

/* ---------------------------------------------------------------- EdDSA, RFC 8037 3.1 */

static bool eddsa_verify(const struct token_key *key, struct sp_str input, struct sp_str sig)
{
    return sig.n == EDDSA_BYTES && evp_verify(key->pkey, NULL, input, sig);
}

static size_t eddsa_sign(const struct token_key *key, struct sp_str input, uint8_t *out)
{
    return evp_sign(key->pkey, NULL, input, out, TOKEN_SIG_MAX);
}

const struct token_alg token_hs256 = {"HS256", hs256_verify, hs256_sign};
const struct token_alg token_rs256 = {"RS256", rs256_verify, rs256_sign};
const struct token_alg token_es256 = {"ES256", es256_verify, es256_sign};
const struct token_alg token_eddsa = {"EdDSA", eddsa_verify, eddsa_sign};
