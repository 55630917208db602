/* SPDX-License-Identifier: MIT
 * Tokens: nothing that was not signed is taken, nothing that was signed grants what the grammar
 * forbids. An input of one line is a token; of two lines, a header and claims, which are signed
 * here, so that the fuzzer reaches what is behind the signature. */
#include "tests/fuzz/common.h"

#include "libproto/id.h"
#include "libtoken/token.h"

#include <sys/mman.h>
#include <unistd.h>

#define NOW_MS INT64_C(1800000000000)
#define SECRET "the secret of the fuzz target, fixed"

static const char *const pems[] = {
    "rsa-1",
    "-----BEGIN PUBLIC KEY-----\n"
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAxzv7NsLaV+I3pRgUhCZ/\n"
    "H6qR/D0TnEaFQ+43hQfKoSIwZh2CA1juVexbDNpuOF62PsCXoWFKZM4rfT8C2Bpa\n"
    "resnU9ACbxnpU2B6fr40OWFtIxi/w9hp7/GZXYRWwftJLBCUmAgrs5lgQYjnQbJB\n"
    "UU3EUFoZz/K3GwPKjKUqSjRmvtmiRMaHinjYFWTfca51qWvyqgMZx4HBHScbYKae\n"
    "1pYpzPWtmQUC/ZuTK6X8YHoLTUq0idF/z41edb0aeLdZPCFFl3Xxqj1P+AdiyAQx\n"
    "2kTet9IFHWK1ApqrcKU0E21mND6bU+TWPGwjpzVZ2zrVZDQvLTZJbF6L+CJA/oLz\n"
    "yQIDAQAB\n"
    "-----END PUBLIC KEY-----\n",
    "ec-1",
    "-----BEGIN PUBLIC KEY-----\n"
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE0FpyqCdhxjvfedYQ26jKv77V8MWe\n"
    "mPt0kYhUqNBgKdvJ3PIvWtYBSzFIgFu9asn/Iv1y909kTRo4PzU6x6x7NQ==\n"
    "-----END PUBLIC KEY-----\n",
    "ed-1",
    "-----BEGIN PUBLIC KEY-----\n"
    "MCowBQYDK2VwAyEATzlkNhGQM1euAyvmlMSYdulrvgn5hYDJ8w8lzjbSGjI=\n"
    "-----END PUBLIC KEY-----\n",
};

static void add_key(struct token_keys *keys, const char *kid, const char *pem)
{
    char spec[64], why[256];
    int fd = memfd_create("pem", 0);
    CHECK(fd >= 0 && write(fd, pem, strlen(pem)) == (ssize_t)strlen(pem));
    snprintf(spec, sizeof(spec), "%s=/proc/self/fd/%d", kid, fd);
    CHECK(token_keys_file(keys, spec, why, sizeof(why)));
    close(fd);
}

static struct token_keys *make_secret(void)
{
    char why[256];
    struct token_keys *keys = token_keys_new();
    CHECK(keys && token_keys_secret(keys, SECRET, sizeof(SECRET) - 1, why, sizeof(why)));
    return keys;
}

static struct token_keys *make_keys(void)
{
    struct token_keys *keys = make_secret();
    for (size_t i = 0; i < sizeof(pems) / sizeof(pems[0]); i += 2) {
        add_key(keys, pems[i], pems[i + 1]);
    }
    return keys;
}

static void check_claims(const struct token_keys *keys, const struct token_claims *c)
{
    CHECK(token_keys_has(keys, c->key));
    CHECK(c->id[0] || c->nids > 0);
    CHECK(!c->id[0] || sp_id_ok(sp_str(c->id)));
    CHECK(!c->role[0] || (sp_id_ok(sp_str(c->role)) && strlen(c->role) <= SP_ROLE_MAX));
    CHECK(c->nids <= TOKEN_IDS_MAX && c->exp_ms > NOW_MS);
    for (unsigned i = 0; i < c->nids; i++) {
        CHECK(c->ids[i][0] && strlen(c->ids[i]) <= SP_MATCH_MAX);
    }
}

/* There is one text for a header and claims, and for the secret one signature of it. */
static void check_signed(const struct token_signer *s, struct sp_str tok, bool whole)
{
    char again[TOKEN_MAX];
    struct token_parts t;
    struct sp_buf b;
    CHECK(!token_split(tok.p, tok.n, &t));
    sp_buf_init(&b, again, sizeof(again));
    CHECK(token_sign(s, t.header, t.payload, &b) || !whole);
    CHECK(b.n > t.input.n && memcmp(again, t.input.p, t.input.n) == 0);
    CHECK(!whole || sp_str_eq(sp_buf_view(&b), tok));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct token_keys *keys, *secret;
    static struct token_signer *signer;
    static const struct token_policy policies[] = {{NULL, NULL, 0}, {"issuer", "sigd", 5000}};
    char made[TOKEN_MAX], why[256];
    struct sp_str tok = fuzz_str(data, size);
    struct token_claims c;
    struct sp_buf b;
    if (!keys) {
        keys = make_keys();
        secret = make_secret();
        signer = token_signer_secret(SECRET, sizeof(SECRET) - 1, why, sizeof(why));
        CHECK(signer);
    }
    const char *line = size ? memchr(tok.p, '\n', size) : NULL;
    if (line) {
        size_t n = (size_t)(line - tok.p);
        sp_buf_init(&b, made, sizeof(made));
        if (!token_sign(signer, (struct sp_str){tok.p, n}, (struct sp_str){line + 1, size - n - 1},
                        &b)) {
            return 0;
        }
        tok = sp_buf_view(&b);
    }
    for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
        if (!token_verify(keys, &policies[i], tok.p, tok.n, NOW_MS, &c)) {
            CHECK(c.exp_ms + policies[i].leeway_ms > NOW_MS);
            if (i == 0) {
                check_claims(keys, &c);
            }
            check_signed(signer, tok, token_keys_has(secret, c.key));
        }
    }
    return 0;
}
