/* SPDX-License-Identifier: MIT
 * Keys and tokens for the tests of libtoken. */
#include "tests/unit/test_token_world.h"

#include "libtoken/priv.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
    const char *name, *type, *group;
    enum by by;
} pairs[] = {{"rsa", "RSA", NULL, BY_RSA},
             {"ec", "EC", "P-256", BY_EC},
             {"ed", "ED25519", NULL, BY_ED},
             {"rsa-other", "RSA", NULL, BY_OTHER_RSA},
             {"ec-other", "EC", "P-256", BY_OTHER_EC},
             {"ed-other", "ED25519", NULL, BY_OTHER_ED}};

static char dir[64];
const char *world_dir = dir;
struct token_keys *world_keys[KEYSETS];
struct token_signer *world_signer[BY_SIGNERS];
static char public_text[BY_COUNT][1024];
static size_t public_len[BY_COUNT];

const char *world_path(const char *name)
{
    static char path[4][160];
    static unsigned turn;
    turn = (turn + 1) % 4;
    snprintf(path[turn], sizeof(path[turn]), "%s/%s", dir, name);
    return path[turn];
}

void world_write(const char *name, const char *text, size_t n, unsigned mode)
{
    FILE *f = fopen(world_path(name), "we");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(world_path(name), mode), 0);
}

static void write_pem(const char *name, const char *ending, EVP_PKEY *pkey, bool private)
{
    char *text, file[64];
    BIO *bio = BIO_new(BIO_s_mem());
    assert_int_equal(private ? PEM_write_bio_PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL)
                             : PEM_write_bio_PUBKEY(bio, pkey),
                     1);
    long n = BIO_get_mem_data(bio, &text);
    snprintf(file, sizeof(file), "%s%s", name, ending);
    world_write(file, text, (size_t)n, private ? 0600 : 0644);
    BIO_free(bio);
}

static void keep_public(enum by by, const char *file)
{
    FILE *f = fopen(world_path(file), "re");
    assert_non_null(f);
    public_len[by] = fread(public_text[by], 1, sizeof(public_text[by]), f);
    fclose(f);
}

static void make_pair(const char *name, const char *type, const char *group, enum by by)
{
    char why[256], file[64];
    EVP_PKEY *pkey = group                      ? EVP_PKEY_Q_keygen(NULL, NULL, type, group)
                     : strcmp(type, "RSA") == 0 ? EVP_PKEY_Q_keygen(NULL, NULL, type, (size_t)2048)
                                                : EVP_PKEY_Q_keygen(NULL, NULL, type);
    assert_non_null(pkey);
    write_pem(name, ".key", pkey, true);
    write_pem(name, ".pem", pkey, false);
    if (by == BY_RSA) {
        unsigned char *der = (unsigned char *)public_text[BY_RSA_DER];
        public_len[BY_RSA_DER] = (size_t)i2d_PUBKEY(pkey, &der);
    }
    EVP_PKEY_free(pkey);
    snprintf(file, sizeof(file), "%s.key", name);
    world_signer[by] = token_signer_file(world_path(file), why, sizeof(why));
    assert_non_null(world_signer[by]);
}

static void add_key(enum keyset k, const char *kid, const char *file)
{
    char spec[256], why[256];
    snprintf(spec, sizeof(spec), "%s=%s", kid, world_path(file));
    assert_true(token_keys_file(world_keys[k], spec, why, sizeof(why)));
}

int world_setup(void **state)
{
    (void)state;
    char why[256];
    const char *other = "the secret of somebody else altogether";
    snprintf(dir, sizeof(dir), "/tmp/token-test-XXXXXX");
    assert_non_null(mkdtemp(dir));
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        make_pair(pairs[i].name, pairs[i].type, pairs[i].group, pairs[i].by);
    }
    keep_public(BY_RSA_PEM, "rsa.pem");
    keep_public(BY_EC_PEM, "ec.pem");
    world_signer[BY_SECRET] = token_signer_secret(SECRET, strlen(SECRET), why, sizeof(why));
    world_signer[BY_OTHER_SECRET] = token_signer_secret(other, strlen(other), why, sizeof(why));
    for (int k = 0; k < KEYSETS; k++) {
        world_keys[k] = token_keys_new();
        assert_non_null(world_keys[k]);
    }
    assert_true(token_keys_secret(world_keys[KEYS_ALL], SECRET, strlen(SECRET), why, sizeof(why)));
    assert_true(
        token_keys_secret(world_keys[KEYS_SECRET], SECRET, strlen(SECRET), why, sizeof(why)));
    add_key(KEYS_ALL, RSA_KID, "rsa.pem");
    add_key(KEYS_ALL, EC_KID, "ec.pem");
    add_key(KEYS_ALL, ED_KID, "ed.pem");
    add_key(KEYS_RSA, RSA_KID, "rsa.pem");
    add_key(KEYS_TWO, RSA_KID, "rsa.pem");
    add_key(KEYS_TWO, EC_KID, "ec.pem");
    return 0;
}

int world_teardown(void **state)
{
    (void)state;
    char command[128];
    for (int k = 0; k < KEYSETS; k++) {
        token_keys_free(world_keys[k]);
    }
    for (int s = 0; s < BY_SIGNERS; s++) {
        token_signer_free(world_signer[s]);
    }
    snprintf(command, sizeof(command), "rm -rf '%s'", dir);
    return system(command);
}

static struct sp_str quoted(char *out, size_t cap, const char *text)
{
    size_t n = strlen(text);
    assert_true(n < cap);
    for (size_t i = 0; i < n; i++) {
        out[i] = text[i] == '\'' ? '"' : text[i];
    }
    return (struct sp_str){out, n};
}

void world_token(struct sp_buf *out, enum by by, const char *header, const char *payload)
{
    char h[8192], p[8192];
    unsigned char sig[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    struct sp_str head = quoted(h, sizeof(h), header), body = quoted(p, sizeof(p), payload);
    if (by < BY_SIGNERS) {
        assert_true(token_sign(world_signer[by], head, body, out));
        return;
    }
    base64url_encode(out, head.p, head.n);
    sp_buf_lit(out, ".");
    base64url_encode(out, body.p, body.n);
    if (by != BY_NOBODY) {
        HMAC(EVP_sha256(), public_text[by], (int)public_len[by], (unsigned char *)out->p, out->n,
             sig, &n);
    }
    sp_buf_lit(out, ".");
    base64url_encode(out, sig, n);
    assert_false(out->full);
}

const char *world_verify(enum keyset keys, const struct token_policy *policy, struct sp_str tok,
                         struct token_claims *c)
{
    static const struct token_policy none;
    return token_verify(world_keys[keys], policy ? policy : &none, tok.p, tok.n, NOW_MS, c);
}

static void bend_signature(char *tok, size_t (*bend)(uint8_t *, size_t))
{
    uint8_t sig[TOKEN_SIG_MAX + 2];
    char *at = strrchr(tok, '.') + 1;
    struct sp_buf b;
    size_t n = 0;
    assert_true(base64url_decode(sp_str(at), (char *)sig, &n));
    n = bend(sig, n);
    sp_buf_init(&b, at, 2 * TOKEN_SIG_MAX);
    base64url_encode(&b, sig, n);
    at[b.n] = '\0';
}

static void try_one(const struct forged *f, const struct token_policy *policy)
{
    char tok[16 * 1024];
    struct sp_buf b;
    struct token_claims c = {.nids = 77}, before = c;
    sp_buf_init(&b, tok, sizeof(tok));
    world_token(&b, f->by, f->header, f->payload);
    tok[b.n] = '\0';
    if (f->sig) {
        bend_signature(tok, f->sig);
    }
    if (f->text) {
        f->text(tok);
    }
    const char *why = world_verify(f->keys, policy, sp_str(tok), &c);
    if (!why || strcmp(why, f->reason) != 0) {
        print_error("%s: %s, not %s\n", f->name, why ? why : "ACCEPTED", f->reason);
        fail();
    }
    assert_memory_equal(&c, &before, sizeof(c));
}

void world_try(const struct forged *list, size_t n, const struct token_policy *policy)
{
    for (size_t i = 0; i < n; i++) {
        try_one(&list[i], policy);
    }
    print_message("%zu forged tokens, none accepted\n", n);
}
