/* SPDX-License-Identifier: MIT
 * Tokens that are right, what they grant, keys and secrets that are taken or not, dates, base64url.
 */
#include "tests/unit/test_token_world.h"

#include "libtoken/priv.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct token_claims claims;

/* Verifies a token made for it; the claims are in claims. */
static const char *check(enum keyset keys, const struct token_policy *policy, enum by by,
                         const char *header, const char *payload)
{
    char tok[TOKEN_MAX];
    struct sp_buf b;
    sp_buf_init(&b, tok, sizeof(tok));
    world_token(&b, by, header, payload);
    return world_verify(keys, policy, sp_buf_view(&b), &claims);
}

/* ---------------------------------------------------------------- valid tokens */

static void test_each_algorithm(void **state)
{
    (void)state;
    static const struct {
        enum keyset keys;
        enum by by;
        const char *header;
    } good[] = {{KEYS_ALL, BY_SECRET, "{'alg':'HS256'}"},
                {KEYS_ALL, BY_SECRET, "{'typ':'JWT','alg':'HS256'}"},
                {KEYS_ALL, BY_SECRET, "{'typ':'jwt','alg':'HS256'}"},
                {KEYS_ALL, BY_SECRET, "{'typ':'application/JWT','alg':'HS256'}"},
                {KEYS_ALL, BY_SECRET, "{\n 'alg' : 'HS256' ,\r\n\t'unknown':{'a':[1]}\n}"},
                {KEYS_ALL, BY_SECRET, "{'\\u0061lg':'HS\\u0032\\u0035\\u0036'}"},
                {KEYS_SECRET, BY_SECRET, HS},
                {KEYS_ALL, BY_RSA, RS},
                {KEYS_ALL, BY_EC, ES},
                {KEYS_ALL, BY_ED, ED},
                {KEYS_ALL, BY_RSA, "{'alg':'RS256','kid':'\\u0072sa-1'}"},
                {KEYS_RSA, BY_RSA, RS},
                {KEYS_RSA, BY_RSA, "{'alg':'RS256'}"},
                {KEYS_TWO, BY_EC, ES}};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        const char *why = check(good[i].keys, NULL, good[i].by, good[i].header, GOOD);
        if (why) {
            fail_msg("%s: %s", good[i].header, why);
        }
        assert_string_equal(claims.id, "drone-1");
        assert_int_equal(claims.exp_ms, NOW_MS + 3600000);
        assert_true(token_keys_has(world_keys[good[i].keys], claims.key));
        assert_false(token_keys_has(world_keys[KEYS_NONE], claims.key));
    }
}

/* P-256 signatures whose r or s begins with zero bytes are the ones that DER shortens. */
static void test_many_signatures(void **state)
{
    (void)state;
    for (int i = 0; i < 600; i++) {
        char payload[64];
        snprintf(payload, sizeof(payload), "{'sub':'drone-%d','exp':1800003600}", i);
        assert_null(check(KEYS_ALL, NULL, BY_EC, ES, payload));
    }
}

static void test_claims(void **state)
{
    (void)state;
    assert_null(check(KEYS_ALL, NULL, BY_SECRET, HS,
                      ALSO("'userId':'drone-1','role':'camera','ids':['cam-*','d?'],'x':null")));
    assert_string_equal(claims.id, "drone-1");
    assert_string_equal(claims.role, "camera");
    assert_int_equal(claims.nids, 2);
    assert_string_equal(claims.ids[0], "cam-*");
    assert_string_equal(claims.ids[1], "d?");
    assert_null(check(KEYS_ALL, NULL, BY_SECRET, HS, "{'userId':'u@h:1','exp':1800003600}"));
    assert_string_equal(claims.id, "u@h:1");
    assert_string_equal(claims.role, "");
    assert_int_equal(claims.nids, 0);
    assert_null(check(KEYS_ALL, NULL, BY_SECRET, HS, "{'ids':'*','exp':1800003600}"));
    assert_string_equal(claims.id, "");
    assert_int_equal(claims.nids, 1);
    assert_null(check(KEYS_ALL, NULL, BY_SECRET, HS, ALSO("'ids':[]")));
    assert_null(check(KEYS_ALL, NULL, BY_SECRET, HS,
                      "{'s\\u0075b':'\\u0064rone-1','exp':1800003600,'ids':['\\u002a']}"));
    assert_string_equal(claims.id, "drone-1");
    assert_string_equal(claims.ids[0], "*");
}

static void test_longest(void **state)
{
    (void)state;
    char payload[4000], word[SP_ID_MAX + 1], ids[TOKEN_IDS_MAX * 16] = "";
    memset(word, 'a', SP_ID_MAX);
    word[SP_ID_MAX] = '\0';
    snprintf(payload, sizeof(payload), "{'sub':'%s','ids':'%s','role':'%.*s','exp':1800003600}",
             word, word, (int)SP_ROLE_MAX, word);
    assert_null(check(KEYS_ALL, NULL, BY_SECRET, HS, payload));
    assert_string_equal(claims.id, word);
    assert_string_equal(claims.ids[0], word);
    assert_int_equal(strlen(claims.role), SP_ROLE_MAX);
    for (int i = 0; i < TOKEN_IDS_MAX; i++) {
        snprintf(ids + strlen(ids), 16, "%s'c-%d'", i ? "," : "", i);
    }
    snprintf(payload, sizeof(payload), "{'ids':[%s],'exp':1800003600}", ids);
    assert_null(check(KEYS_ALL, NULL, BY_SECRET, HS, payload));
    assert_int_equal(claims.nids, TOKEN_IDS_MAX);
    assert_string_equal(claims.ids[TOKEN_IDS_MAX - 1], "c-15");
}

static void test_policy(void **state)
{
    (void)state;
    static const struct token_policy p = {.issuer = "https://id.example", .audience = "sigd"};
    static const char *const good[] = {"'aud':'sigd'",       "'aud':['sigd']",
                                       "'aud':['a','sigd']", "'aud':['sigd','a']",
                                       "'aud':'\\u0073igd'", "'aud':['a','\\u0073igd']"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        char payload[200];
        snprintf(payload, sizeof(payload),
                 "{'sub':'a','exp':1800003600,'iss':'https:\\/\\/id.example',%s}", good[i]);
        assert_null(check(KEYS_ALL, &p, BY_SECRET, HS, payload));
    }
    assert_null(check(KEYS_ALL, NULL, BY_SECRET, HS, ALSO("'iss':'x','aud':['y','z']")));
}

static void test_leeway(void **state)
{
    (void)state;
    static const struct token_policy p = {.leeway_ms = 2000};
    static const struct {
        const char *payload, *reason;
    } cases[] = {{"{'sub':'a','exp':1799999998.001}", NULL},
                 {"{'sub':'a','exp':1799999998}", "expired"},
                 {ALSO("'nbf':1800000002"), NULL},
                 {ALSO("'nbf':1800000002.001"), "not valid yet"},
                 {ALSO("'iat':1800000002"), NULL},
                 {ALSO("'iat':1800000002.001"), "issued in the future"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *why = check(KEYS_ALL, &p, BY_SECRET, HS, cases[i].payload);
        assert_string_equal(why ? why : "", cases[i].reason ? cases[i].reason : "");
    }
    assert_ptr_equal(check(KEYS_ALL, NULL, BY_SECRET, HS, "{'sub':'a','exp':1}"), token_expired);
}

static void test_dates(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms; /* -1: refused */
    } cases[] = {{"0", 0},
                 {"1", 1000},
                 {"1800000000", NOW_MS},
                 {"1800000000.0", NOW_MS},
                 {"1800000000.001", NOW_MS + 1},
                 {"1800000000.0019999999999999999999", NOW_MS + 1},
                 {"1.8e9", NOW_MS},
                 {"1.8E+9", NOW_MS},
                 {"18e8", NOW_MS},
                 {"1800000000000e-3", NOW_MS},
                 {"1800000000001e-3", NOW_MS + 1},
                 {"0.1800000000001e10", NOW_MS + 1},
                 {"0.0000000000000000000001", 0},
                 {"0.00000000000000000000018e31", NOW_MS},
                 {"0e999", 0},
                 {"253402300799.999", INT64_C(253402300799999)},
                 {"253402300800", -1},
                 {"999999999999999", -1},
                 {"9999999999999999", -1},
                 {"1e12", -1},
                 {"1e400", -1},
                 {"1e-400", 0},
                 {"1e4294967299", -1},
                 {"-1", -1},
                 {"-0.0", -1}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t ms = -1;
        bool ok = token_date(sp_str(cases[i].text), &ms);
        if (ok != (cases[i].ms >= 0) || ms != cases[i].ms) {
            fail_msg("%s: %lld", cases[i].text, (long long)ms);
        }
    }
}

/* ---------------------------------------------------------------- keys */

static void test_secrets(void **state)
{
    (void)state;
    char why[256], big[TOKEN_SECRET_MAX + 1], der[1024];
    memset(big, 's', sizeof(big));
    static const char *const texts[] = {"-----BEGIN PUBLIC KEY-----\nMFkw",
                                        "\n  -----BEGIN CERTIFICATE-----\n",
                                        "ssh-rsa AAAAB3NzaC1yc2E",
                                        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5",
                                        "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE",
                                        "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7",
                                        "{\"kty\":\"RSA\",\"n\":\"x\"}"};
    struct token_keys *keys = token_keys_new();
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_false(token_keys_secret(keys, texts[i], strlen(texts[i]), why, sizeof(why)));
        assert_non_null(strstr(why, "text of a key"));
    }
    FILE *pem = fopen(world_path("rsa.pem"), "re");
    EVP_PKEY *pkey = PEM_read_PUBKEY(pem, NULL, NULL, NULL);
    unsigned char *p = (unsigned char *)der;
    int n = i2d_PUBKEY(pkey, &p);
    fclose(pem);
    EVP_PKEY_free(pkey);
    assert_false(token_keys_secret(keys, der, (size_t)n, why, sizeof(why)));
    assert_false(token_keys_secret(keys, big, TOKEN_SECRET_MIN - 1, why, sizeof(why)));
    assert_non_null(strstr(why, "11 bytes"));
    assert_false(token_keys_secret(keys, big, TOKEN_SECRET_MAX + 1, why, sizeof(why)));
    assert_false(token_keys_secret(keys, "", 0, why, sizeof(why)));
    assert_int_equal(token_keys_count(keys), 0);
    assert_true(token_keys_secret(keys, big, TOKEN_SECRET_MIN, why, sizeof(why)));
    assert_false(token_keys_secret(keys, big, TOKEN_SECRET_MAX, why, sizeof(why)));
    assert_string_equal(why, "there is a secret already");
    assert_int_equal(token_keys_count(keys), 1);
    assert_true(token_secret_is_weak(31));
    assert_false(token_secret_is_weak(32));
    token_keys_free(keys);
    token_keys_free(NULL);
}

static void refuse(struct token_keys *keys, const char *kid, const char *file, const char *want)
{
    char spec[300], why[512] = "";
    snprintf(spec, sizeof(spec), "%s%s", kid, file[0] ? world_path(file) : "");
    assert_false(token_keys_file(keys, spec, why, sizeof(why)));
    if (!strstr(why, want)) {
        fail_msg("%s: '%s' does not say '%s'", spec, why, want);
    }
}

static void write_key(const char *name, EVP_PKEY *pkey)
{
    FILE *f = fopen(world_path(name), "we");
    assert_non_null(pkey);
    assert_int_equal(PEM_write_PUBKEY(f, pkey), 1);
    fclose(f);
    EVP_PKEY_free(pkey);
}

static void test_key_files_refused(void **state)
{
    (void)state;
    char twice[4096], kid[80];
    struct token_keys *keys = token_keys_new();
    write_key("rsa-1024.pem", EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)1024));
    write_key("p384.pem", EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-384"));
    write_key("k256.pem", EVP_PKEY_Q_keygen(NULL, NULL, "EC", "secp256k1"));
    write_key("x25519.pem", EVP_PKEY_Q_keygen(NULL, NULL, "X25519"));
    world_write("text.pem", "hello\n", 6, 0644);
    world_write("empty.pem", "", 0, 0644);
    size_t n = 0;
    char *one = token_file_load(world_path("ec.pem"), false, &n, twice, sizeof(twice));
    snprintf(twice, sizeof(twice), "%s%s", one, one);
    token_secret_free(one, n);
    world_write("twice.pem", twice, strlen(twice), 0644);
    memset(twice, ' ', sizeof(twice));
    FILE *big = fopen(world_path("big.pem"), "we");
    for (size_t i = 0; i <= TOKEN_FILE_MAX; i += sizeof(twice)) {
        assert_int_equal(fwrite(twice, 1, sizeof(twice), big), sizeof(twice));
    }
    fclose(big);
    refuse(keys, "k=", "rsa-1024.pem", "1024 bits");
    refuse(keys, "k=", "p384.pem", "neither RSA, P-256 nor Ed25519");
    refuse(keys, "k=", "k256.pem", "neither");
    refuse(keys, "k=", "x25519.pem", "neither");
    refuse(keys, "k=", "rsa.key", "holds a private key");
    refuse(keys, "k=", "text.pem", "not one public key");
    refuse(keys, "k=", "empty.pem", "not one public key");
    refuse(keys, "k=", "twice.pem", "not one public key");
    refuse(keys, "k=", "big.pem", "larger than 64 KiB");
    refuse(keys, "k=", "missing.pem", "No such file");
    refuse(keys, "k=", ".", "not a regular file");
    assert_int_equal(mkfifo(world_path("pipe"), 0600), 0);
    refuse(keys, "k=", "pipe", "not a regular file"); /* nobody writes: it would wait for ever */
    refuse(keys, "", "rsa.pem", "KID=FILE");
    refuse(keys, "=", "rsa.pem", "KID=FILE");
    refuse(keys, "k", "", "KID=FILE");
    refuse(keys, "k=", "", "KID=FILE");
    refuse(keys, "../k=", "rsa.pem", "KID=FILE");
    memset(kid, 'k', sizeof(kid));
    memcpy(kid + TOKEN_KID_MAX + 1, "=", 2);
    refuse(keys, kid, "rsa.pem", "KID=FILE");
    assert_int_equal(token_keys_count(keys), 0);
    token_keys_free(keys);
}

static void test_key_files(void **state)
{
    (void)state;
    char spec[256], why[256];
    struct token_keys *keys = token_keys_new();
    for (int i = 0; i < TOKEN_KEYS_MAX; i++) {
        snprintf(spec, sizeof(spec), "k%d=%s", i, world_path(i % 2 ? "ec.pem" : "rsa.pem"));
        assert_true(token_keys_file(keys, spec, why, sizeof(why)));
    }
    refuse(keys, "k17=", "ed.pem", "more than 16 keys");
    refuse(keys, "k3=", "ed.pem", "there is a key 'k3' already");
    assert_false(token_keys_secret(keys, SECRET, strlen(SECRET), why, sizeof(why)));
    /* the same key has the same fingerprint wherever it is */
    assert_null(check(KEYS_ALL, NULL, BY_EC, ES, GOOD));
    assert_true(token_keys_has(keys, claims.key));
    assert_null(check(KEYS_ALL, NULL, BY_ED, ED, GOOD));
    assert_false(token_keys_has(keys, claims.key));
    token_keys_free(keys);
}

static void test_certificate(void **state)
{
    (void)state;
    char spec[256], why[256], tok[TOKEN_MAX];
    struct sp_buf b;
    FILE *f = fopen(world_path("ec.key"), "re");
    EVP_PKEY *pkey = PEM_read_PrivateKey(f, NULL, NULL, NULL);
    fclose(f);
    X509 *cert = X509_new();
    X509_set_pubkey(cert, pkey);
    X509_gmtime_adj(X509_getm_notBefore(cert), 0);
    X509_gmtime_adj(X509_getm_notAfter(cert), 60);
    assert_true(X509_sign(cert, pkey, EVP_sha256()) > 0);
    f = fopen(world_path("ec.crt"), "we");
    PEM_write_X509(f, cert);
    fclose(f);
    X509_free(cert);
    EVP_PKEY_free(pkey);
    struct token_keys *keys = token_keys_new();
    snprintf(spec, sizeof(spec), EC_KID "=%s", world_path("ec.crt"));
    assert_true(token_keys_file(keys, spec, why, sizeof(why)));
    sp_buf_init(&b, tok, sizeof(tok));
    world_token(&b, BY_EC, ES, GOOD);
    static const struct token_policy none;
    assert_null(token_verify(keys, &none, b.p, b.n, NOW_MS, &claims));
    token_keys_free(keys);
}

static void test_signers(void **state)
{
    (void)state;
    char why[512], small[32];
    struct sp_buf b;
    world_write("open.key", "x", 1, 0644);
    assert_null(token_signer_file(world_path("open.key"), why, sizeof(why)));
    assert_non_null(strstr(why, "mode 0644"));
    world_write("group.key", "x", 1, 0640);
    assert_null(token_signer_file(world_path("group.key"), why, sizeof(why)));
    assert_non_null(strstr(why, "mode 0640"));
    world_write("closed.key", "x", 1, 0600);
    assert_null(token_signer_file(world_path("closed.key"), why, sizeof(why)));
    assert_non_null(strstr(why, "not a private key in PEM"));
    assert_null(token_signer_file(world_path("missing.key"), why, sizeof(why)));
    assert_null(token_signer_secret("short", 5, why, sizeof(why)));
    assert_string_equal(token_signer_alg(world_signer[BY_SECRET]), "HS256");
    assert_string_equal(token_signer_alg(world_signer[BY_RSA]), "RS256");
    assert_string_equal(token_signer_alg(world_signer[BY_EC]), "ES256");
    assert_string_equal(token_signer_alg(world_signer[BY_ED]), "EdDSA");
    for (size_t cap = 0; cap < sizeof(small); cap++) {
        sp_buf_init(&b, small, cap);
        assert_false(token_sign(world_signer[BY_SECRET], SP_STR("{}"), SP_STR("{}"), &b));
    }
    token_signer_free(NULL);
}

static void test_secret_files(void **state)
{
    (void)state;
    static const struct {
        const char *text, *secret;
    } cases[] = {{"abc", "abc"},
                 {"abc\n", "abc"},
                 {"abc\r\n", "abc"},
                 {"abc\n\n", "abc\n"},
                 {" abc \n", " abc "},
                 {"\n", ""},
                 {"", ""}};
    char why[512];
    size_t n;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        world_write("secret", cases[i].text, strlen(cases[i].text), 0600);
        char *secret = token_secret_load(world_path("secret"), &n, why, sizeof(why));
        assert_non_null(secret);
        struct sp_str got = {secret, n};
        assert_text(got, cases[i].secret);
        token_secret_free(secret, n);
    }
    world_write("secret-2", "abc", 3, 0604);
    assert_null(token_secret_load(world_path("secret-2"), &n, why, sizeof(why)));
    assert_non_null(strstr(why, "mode 0604"));
}

struct fit {
    uid_t owner;
    unsigned mode;
    bool for_root, for_others;
};

/* In a child that is no longer root: gives how many answers are wrong. */
static int count_wrong(const struct fit *fit, size_t n, bool drop)
{
    int status, wrong = 0;
    pid_t pid = fork();
    if (pid == 0) {
        bool ok = !drop || setuid(65534) == 0;
        for (size_t i = 0; i < n; i++) {
            struct stat st = {.st_uid = fit[i].owner, .st_mode = S_IFREG | fit[i].mode};
            wrong += token_file_private(&st) != (drop ? fit[i].for_others : fit[i].for_root);
        }
        _exit(ok ? wrong : 100);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void test_credentials_of_a_service_manager(void **state)
{
    static const struct fit fit[] = {
        {0, 0600, true, true},      {0, 0400, true, true},       {0, 0700, true, true},
        {65534, 0600, true, true},  {0, 0440, false, true},      {0, 0640, false, true},
        {0, 0444, false, false},    {0, 0460, false, false},     {0, 0420, false, false},
        {0, 0602, false, false},    {65534, 0440, false, false}, {65534, 0640, false, false},
        {4711, 0640, false, false},
    };
    (void)state;
    if (geteuid() != 0) {
        skip();
    }
    assert_int_equal(count_wrong(fit, sizeof(fit) / sizeof(fit[0]), false), 0);
    assert_int_equal(count_wrong(fit, sizeof(fit) / sizeof(fit[0]), true), 0);
}

/* ---------------------------------------------------------------- base64url */

static void test_base64url(void **state)
{
    (void)state;
    char data[100], text[200], back[200];
    for (size_t n = 0; n < sizeof(data); n++) {
        struct sp_buf b;
        size_t len = 0;
        for (size_t i = 0; i < n; i++) {
            data[i] = (char)(i * 167 + n * 31 + 250);
        }
        sp_buf_init(&b, text, sizeof(text));
        base64url_encode(&b, data, n);
        assert_int_equal(b.n, (n * 8 + 5) / 6);
        assert_true(base64url_decode(sp_buf_view(&b), back, &len));
        assert_int_equal(len, n);
        assert_memory_equal(back, data, n);
    }
}

/* Of all texts of up to three digits, as many decode as there are runs of bytes. */
static void test_base64url_is_canonical(void **state)
{
    (void)state;
    char text[3], out[8];
    size_t n, good[4] = {0};
    for (unsigned i = 0; i < 1u << 24; i++) {
        text[0] = (char)(i & 0xff);
        text[1] = (char)(i >> 8 & 0xff);
        text[2] = (char)(i >> 16 & 0xff);
        good[3] += base64url_decode((struct sp_str){text, 3}, out, &n);
        good[2] += i < 1u << 16 && base64url_decode((struct sp_str){text, 2}, out, &n);
        good[1] += i < 1u << 8 && base64url_decode((struct sp_str){text, 1}, out, &n);
    }
    assert_int_equal(good[1], 0);
    assert_int_equal(good[2], 1u << 8);
    assert_int_equal(good[3], 1u << 16);
}

static void test_split(void **state)
{
    (void)state;
    struct token_parts t;
    static const char tok[] = "e30.W10.AQID";
    assert_null(token_split(tok, strlen(tok), &t));
    assert_text(t.header, "{}");
    assert_text(t.payload, "[]");
    assert_text(t.sig, "\x01\x02\x03");
    assert_text(t.input, "e30.W10");
    assert_string_equal(token_split("e30", 3, &t), "not three segments");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_algorithm),
        cmocka_unit_test(test_many_signatures),
        cmocka_unit_test(test_claims),
        cmocka_unit_test(test_longest),
        cmocka_unit_test(test_policy),
        cmocka_unit_test(test_leeway),
        cmocka_unit_test(test_dates),
        cmocka_unit_test(test_secrets),
        cmocka_unit_test(test_key_files_refused),
        cmocka_unit_test(test_key_files),
        cmocka_unit_test(test_certificate),
        cmocka_unit_test(test_signers),
        cmocka_unit_test(test_secret_files),
        cmocka_unit_test(test_credentials_of_a_service_manager),
        cmocka_unit_test(test_base64url),
        cmocka_unit_test(test_base64url_is_canonical),
        cmocka_unit_test(test_split),
    };
    return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
