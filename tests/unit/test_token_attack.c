/* SPDX-License-Identifier: MIT
 * Tokens that must be refused: each row is an attack of RFC 8725, of a known hole of some library,
 * or a token that is only wrong. The reason is compared, so that no row passes by accident. */
#include "tests/unit/test_token_world.h"

#include "libtoken/priv.h"

#include <openssl/ec.h>
#include <openssl/err.h>

#define LONG "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

/* ---------------------------------------------------------------- bending */

static size_t sig_short(uint8_t *sig, size_t n)
{
    (void)sig;
    return n - 1;
}

static size_t sig_long(uint8_t *sig, size_t n)
{
    sig[n] = 0;
    return n + 1;
}

static size_t sig_none(uint8_t *sig, size_t n)
{
    (void)sig;
    return n - n;
}

static size_t sig_zero(uint8_t *sig, size_t n)
{
    memset(sig, 0, n);
    return n;
}

static size_t sig_r_zero(uint8_t *sig, size_t n)
{
    memset(sig, 0, n / 2);
    return n;
}

static size_t sig_s_zero(uint8_t *sig, size_t n)
{
    memset(sig + n / 2, 0, n / 2);
    return n;
}

static size_t sig_ones(uint8_t *sig, size_t n)
{
    memset(sig, 0xff, n);
    return n;
}

static size_t sig_lead(uint8_t *sig, size_t n)
{
    memmove(sig + 1, sig, n);
    sig[0] = 0;
    return n + 1;
}

static size_t sig_der(uint8_t *sig, size_t n)
{
    int half = (int)n / 2;
    ECDSA_SIG *pair = ECDSA_SIG_new();
    ECDSA_SIG_set0(pair, BN_bin2bn(sig, half, NULL), BN_bin2bn(sig + half, half, NULL));
    int len = i2d_ECDSA_SIG(pair, &sig);
    ECDSA_SIG_free(pair);
    return (size_t)len;
}

static void append(char *tok, const char *what)
{
    size_t n = strlen(tok);
    memcpy(tok + n, what, strlen(what) + 1);
}

static void insert(char *at, const char *what)
{
    size_t n = strlen(what);
    memmove(at + n, at, strlen(at) + 1);
    memcpy(at, what, n);
}

static void text_padded(char *tok)
{
    append(tok, "=");
}

static void text_padded_inside(char *tok)
{
    insert(strchr(tok, '.'), "=");
}

static void text_line_end(char *tok)
{
    append(tok, "\n");
}

static void text_blank_first(char *tok)
{
    insert(tok, " ");
}

static void text_blank_inside(char *tok)
{
    insert(tok + 4, " ");
}

static void text_nul(char *tok)
{
    tok[3] = '\x01';
}

static void text_high(char *tok)
{
    tok[3] = '\xc3';
}

static void text_plus(char *tok)
{
    *strrchr(tok, '-') = '+';
}

static void text_slash(char *tok)
{
    *strrchr(tok, '_') = '/';
}

/* The last digit of 32 bytes has two bits that mean nothing, of 64 or 256 four. */
static void text_spare_bits(char *tok)
{
    tok[strlen(tok) - 1]++;
}

static void text_four(char *tok)
{
    append(tok, ".e30");
}

static void text_five(char *tok)
{
    append(tok, ".e30.e30");
}

static void text_two(char *tok)
{
    *strrchr(tok, '.') = '\0';
}

static void text_one(char *tok)
{
    *strchr(tok, '.') = '\0';
}

static void text_last_dot(char *tok)
{
    append(tok, ".");
}

static void text_empty_header(char *tok)
{
    memmove(tok, strchr(tok, '.'), strlen(strchr(tok, '.')) + 1);
}

static void text_empty_payload(char *tok)
{
    char *from = strchr(tok, '.') + 1, *to = strrchr(tok, '.');
    memmove(from, to, strlen(to) + 1);
}

static void text_dots(char *tok)
{
    memcpy(tok, "..", 3);
}

static void text_nothing(char *tok)
{
    tok[0] = '\0';
}

static void text_bearer(char *tok)
{
    insert(tok, "Bearer ");
}

/* ---------------------------------------------------------------- the list */

#define SIGNED(name, by, header, reason)                                                           \
    {                                                                                              \
        name, KEYS_ALL, by, header, GOOD, reason, NULL, NULL                                       \
    }
#define TEXT(name, text, reason)                                                                   \
    {                                                                                              \
        name, KEYS_ALL, BY_SECRET, HS, GOOD, reason, NULL, text                                    \
    }
#define SIG(name, by, header, sig)                                                                 \
    {                                                                                              \
        name, KEYS_ALL, by, header, GOOD, "bad signature", sig, NULL                               \
    }

static const struct forged forged[] = {
    /* no signature: RFC 8725 2.1 */
    SIGNED("none", BY_NOBODY, "{'alg':'none'}", "wrong alg"),
    SIGNED("NONE", BY_NOBODY, "{'alg':'NONE'}", "wrong alg"),
    SIGNED("nOnE", BY_NOBODY, "{'alg':'nOnE'}", "wrong alg"),
    SIGNED("none escaped", BY_NOBODY, "{'alg':'\\u006eone'}", "wrong alg"),
    SIGNED("none with a signature", BY_SECRET, "{'alg':'none'}", "wrong alg"),
    SIGNED("none for a key", BY_NOBODY, "{'alg':'none','kid':'" RSA_KID "'}", "wrong alg"),
    SIGNED("HS256 without a signature", BY_NOBODY, HS, "bad signature"),
    SIGNED("RS256 without a signature", BY_NOBODY, RS, "bad signature"),
    SIGNED("ES256 without a signature", BY_NOBODY, ES, "bad signature"),
    SIGNED("EdDSA without a signature", BY_NOBODY, ED, "bad signature"),
    SIGNED("the empty secret", BY_EMPTY, HS, "bad signature"),
    SIGNED("alg empty", BY_SECRET, "{'alg':''}", "wrong alg"),
    SIGNED("alg missing", BY_SECRET, "{'typ':'JWT'}", "no alg"),
    SIGNED("alg a list", BY_SECRET, "{'alg':['HS256']}", "no alg"),
    SIGNED("alg null", BY_SECRET, "{'alg':null}", "no alg"),
    SIGNED("alg in small letters", BY_SECRET, "{'alg':'hs256'}", "wrong alg"),
    SIGNED("alg with a blank", BY_SECRET, "{'alg':'HS256 '}", "wrong alg"),
    SIGNED("alg with U+0000", BY_SECRET, "{'alg':'HS256\\u0000'}", "no alg"),
    SIGNED("alg very long", BY_SECRET, "{'alg':'HS256" LONG LONG "'}", "no alg"),
    SIGNED("ALG", BY_SECRET, "{'ALG':'HS256'}", "no alg"),
    SIGNED("HS512", BY_SECRET, "{'alg':'HS512'}", "wrong alg"),
    SIGNED("PS256", BY_RSA, "{'alg':'PS256','kid':'" RSA_KID "'}", "wrong alg"),
    /* one algorithm per key: RFC 8725 3.1 */
    SIGNED("public PEM as secret", BY_RSA_PEM, HS, "bad signature"),
    SIGNED("public PEM as secret of its kid", BY_RSA_PEM, "{'alg':'HS256','kid':'" RSA_KID "'}",
           "wrong alg"),
    SIGNED("public DER as secret of its kid", BY_RSA_DER, "{'alg':'HS256','kid':'" RSA_KID "'}",
           "wrong alg"),
    SIGNED("P-256 PEM as secret of its kid", BY_EC_PEM, "{'alg':'HS256','kid':'" EC_KID "'}",
           "wrong alg"),
    {"public PEM as secret, the only key", KEYS_RSA, BY_RSA_PEM, HS, GOOD, "wrong alg", NULL, NULL},
    SIGNED("RS256 of an EC key", BY_EC, "{'alg':'RS256','kid':'" EC_KID "'}", "wrong alg"),
    SIGNED("RS256 for an EC key", BY_RSA, "{'alg':'RS256','kid':'" EC_KID "'}", "wrong alg"),
    SIGNED("ES256 said, RSA signed", BY_RSA, ES, "bad signature"),
    SIGNED("RS256 said, Ed25519 signed", BY_ED, RS, "bad signature"),
    SIGNED("EdDSA said, P-256 signed", BY_EC, ED, "bad signature"),
    SIGNED("RS256 without kid where a secret is", BY_RSA, "{'alg':'RS256'}", "wrong alg"),
    {"RS256 without kid, two keys", KEYS_TWO, BY_RSA, "{'alg':'RS256'}", GOOD, "no kid", NULL,
     NULL},
    {"no keys", KEYS_NONE, BY_SECRET, HS, GOOD, "no kid", NULL, NULL},
    SIGNED("another secret", BY_OTHER_SECRET, HS, "bad signature"),
    SIGNED("another RSA key", BY_OTHER_RSA, RS, "bad signature"),
    SIGNED("another P-256 key", BY_OTHER_EC, ES, "bad signature"),
    SIGNED("another Ed25519 key", BY_OTHER_ED, ED, "bad signature"),
    /* the header chooses no key and no source: RFC 8725 3.5, 3.10 */
    SIGNED("kid unknown", BY_RSA, "{'alg':'RS256','kid':'rsa-2'}", "unknown kid"),
    SIGNED("kid with the secret", BY_SECRET, "{'alg':'HS256','kid':'secret'}", "unknown kid"),
    SIGNED("kid empty", BY_SECRET, "{'alg':'HS256','kid':''}", "bad kid"),
    SIGNED("kid a path", BY_SECRET, "{'alg':'HS256','kid':'../../../dev/null'}", "bad kid"),
    SIGNED("kid an absolute path", BY_EMPTY, "{'alg':'HS256','kid':'/dev/null'}", "bad kid"),
    SIGNED("kid SQL", BY_SECRET, "{'alg':'HS256','kid':'x\\u0027 UNION SELECT 1 --'}", "bad kid"),
    SIGNED("kid a command", BY_SECRET, "{'alg':'HS256','kid':'x|id'}", "bad kid"),
    SIGNED("kid with control characters", BY_RSA, "{'alg':'RS256','kid':'" RSA_KID "\\n'}",
           "bad kid"),
    SIGNED("kid with U+0000", BY_RSA, "{'alg':'RS256','kid':'" RSA_KID "\\u0000'}", "bad kid"),
    SIGNED("kid too long", BY_RSA, "{'alg':'RS256','kid':'a" LONG LONG "'}", "bad kid"),
    SIGNED("kid a number", BY_RSA, "{'alg':'RS256','kid':1}", "bad kid"),
    SIGNED("kid a list", BY_RSA, "{'alg':'RS256','kid':['" RSA_KID "']}", "bad kid"),
    SIGNED("kid null", BY_SECRET, "{'alg':'HS256','kid':null}", "bad kid"),
    SIGNED("kid in capitals", BY_RSA, "{'alg':'RS256','kid':'RSA-1'}", "unknown kid"),
    SIGNED("crit", BY_SECRET, "{'alg':'HS256','crit':['exp'],'exp':1}", "forbidden header member"),
    SIGNED("crit empty", BY_SECRET, "{'alg':'HS256','crit':[]}", "forbidden header member"),
    SIGNED("crit escaped", BY_SECRET, "{'alg':'HS256','cr\\u0069t':[]}", "forbidden header member"),
    SIGNED("jwk", BY_OTHER_RSA, "{'alg':'RS256','jwk':{'kty':'RSA','e':'AQAB'}}",
           "forbidden header member"),
    SIGNED("jku", BY_OTHER_RSA, "{'alg':'RS256','jku':'https://evil.example/k'}",
           "forbidden header member"),
    SIGNED("x5u", BY_OTHER_RSA, "{'alg':'RS256','x5u':'file:///k'}", "forbidden header member"),
    SIGNED("x5c", BY_OTHER_RSA, "{'alg':'RS256','x5c':['MIIB']}", "forbidden header member"),
    SIGNED("x5t", BY_SECRET, "{'alg':'HS256','x5t':'a'}", "forbidden header member"),
    SIGNED("x5t#S256", BY_SECRET, "{'alg':'HS256','x5t#S256':'a'}", "forbidden header member"),
    SIGNED("b64", BY_SECRET, "{'alg':'HS256','b64':false}", "forbidden header member"),
    SIGNED("zip", BY_SECRET, "{'alg':'HS256','zip':'DEF'}", "forbidden header member"),
    SIGNED("enc", BY_SECRET, "{'alg':'HS256','enc':'A128GCM'}", "forbidden header member"),
    SIGNED("jwk of our own key", BY_RSA, "{'alg':'RS256','kid':'" RSA_KID "','jwk':{}}",
           "forbidden header member"),
    SIGNED("typ of another kind", BY_SECRET, "{'alg':'HS256','typ':'secevent+jwt'}", "wrong typ"),
    SIGNED("typ a number", BY_SECRET, "{'alg':'HS256','typ':1}", "wrong typ"),
    SIGNED("typ empty", BY_SECRET, "{'alg':'HS256','typ':''}", "wrong typ"),
    /* the header is not one thing */
    SIGNED("alg twice", BY_SECRET, "{'alg':'HS256','alg':'HS256'}", "bad header"),
    SIGNED("alg twice, once escaped", BY_SECRET, "{'alg':'HS256','\\u0061lg':'none'}",
           "bad header"),
    SIGNED("header a list", BY_SECRET, "[{'alg':'HS256'}]", "bad header"),
    SIGNED("header a string", BY_SECRET, "'HS256'", "bad header"),
    SIGNED("header not JSON", BY_SECRET, "{alg:'HS256'}", "bad header"),
    SIGNED("header with something behind", BY_SECRET, HS "{}", "bad header"),
    SIGNED("header not UTF-8", BY_SECRET, "{'alg':'HS256','a':'\xff'}", "bad header"),
    SIGNED("header with a byte order mark", BY_SECRET, "\xef\xbb\xbf" HS, "bad header"),
    SIGNED("header nested too deep", BY_SECRET,
           "{'alg':'HS256','a':[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]}", "bad header"),
    /* one text for each token: RFC 4648 3.5 */
    TEXT("padding", text_padded, "not base64url"),
    TEXT("padding of the header", text_padded_inside, "not base64url"),
    TEXT("line end behind", text_line_end, "not base64url"),
    TEXT("blank before", text_blank_first, "not base64url"),
    TEXT("blank inside", text_blank_inside, "not base64url"),
    TEXT("control character", text_nul, "not base64url"),
    TEXT("byte above ASCII", text_high, "not base64url"),
    TEXT("Bearer before", text_bearer, "not base64url"),
    TEXT("spare bits set", text_spare_bits, "not base64url"),
    {"spare bits set, RS256", KEYS_ALL, BY_RSA, RS, GOOD, "not base64url", NULL, text_spare_bits},
    {"spare bits set, ES256", KEYS_ALL, BY_EC, ES, GOOD, "not base64url", NULL, text_spare_bits},
    {"+ for -", KEYS_ALL, BY_SECRET, HS, ALSO("'x':'~~>>>>~~'"), "not base64url", NULL, text_plus},
    {"/ for _", KEYS_ALL, BY_SECRET, HS, ALSO("'x':'a?b?c?d?e?'"), "not base64url", NULL,
     text_slash},
    TEXT("four segments", text_four, "not three segments"),
    TEXT("five segments, as JWE", text_five, "not three segments"),
    TEXT("two segments", text_two, "not three segments"),
    TEXT("one segment", text_one, "not three segments"),
    TEXT("a dot behind", text_last_dot, "not three segments"),
    TEXT("only dots", text_dots, "bad header"),
    TEXT("nothing", text_nothing, "not three segments"),
    TEXT("empty header", text_empty_header, "bad header"),
    TEXT("empty payload", text_empty_payload, "bad signature"),
    /* signatures of the wrong shape: RFC 7518 3.4, RFC 8725 3.3 */
    SIG("HS256 31 bytes", BY_SECRET, HS, sig_short),
    SIG("HS256 33 bytes", BY_SECRET, HS, sig_long),
    SIG("HS256 no bytes", BY_SECRET, HS, sig_none),
    SIG("RS256 a byte short", BY_RSA, RS, sig_short),
    SIG("RS256 a byte long", BY_RSA, RS, sig_long),
    SIG("RS256 with a zero before", BY_RSA, RS, sig_lead),
    SIG("RS256 zero", BY_RSA, RS, sig_zero),
    SIG("RS256 above the modulus", BY_RSA, RS, sig_ones),
    SIG("ES256 in DER", BY_EC, ES, sig_der),
    SIG("ES256 63 bytes", BY_EC, ES, sig_short),
    SIG("ES256 65 bytes", BY_EC, ES, sig_long),
    SIG("ES256 r and s zero", BY_EC, ES, sig_zero),
    SIG("ES256 r zero", BY_EC, ES, sig_r_zero),
    SIG("ES256 s zero", BY_EC, ES, sig_s_zero),
    SIG("ES256 r and s above the order", BY_EC, ES, sig_ones),
    SIG("EdDSA 63 bytes", BY_ED, ED, sig_short),
    SIG("EdDSA 65 bytes", BY_ED, ED, sig_long),
    SIG("EdDSA zero", BY_ED, ED, sig_zero),
    SIG("EdDSA s above the order", BY_ED, ED, sig_ones),
};

/* ---------------------------------------------------------------- running it */

static void test_forged(void **state)
{
    (void)state;
    world_try(forged, sizeof(forged) / sizeof(forged[0]), NULL);
}

static const struct {
    enum by by;
    const char *header;
} kinds[] = {{BY_SECRET, HS}, {BY_RSA, RS}, {BY_EC, ES}, {BY_ED, ED}};

/* Whatever bit of the text is flipped, the token is another one. */
static void test_flipped_bits(void **state)
{
    (void)state;
    struct token_claims c;
    for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
        char tok[TOKEN_MAX];
        struct sp_buf b;
        sp_buf_init(&b, tok, sizeof(tok));
        world_token(&b, kinds[k].by, kinds[k].header, GOOD);
        assert_null(world_verify(KEYS_ALL, NULL, sp_buf_view(&b), &c));
        for (size_t bit = 0; bit < b.n * 8; bit++) {
            tok[bit / 8] = (char)(tok[bit / 8] ^ (1 << bit % 8));
            assert_non_null(world_verify(KEYS_ALL, NULL, sp_buf_view(&b), &c));
            tok[bit / 8] = (char)(tok[bit / 8] ^ (1 << bit % 8));
        }
        for (size_t n = 0; n < b.n; n++) {
            assert_non_null(world_verify(KEYS_ALL, NULL, (struct sp_str){tok, n}, &c));
        }
    }
}

/* The signature of one token under the claims of another. */
static void test_swapped_payload(void **state)
{
    (void)state;
    struct token_claims c;
    for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
        char tok[TOKEN_MAX], other[TOKEN_MAX];
        struct sp_buf b, o;
        sp_buf_init(&b, tok, sizeof(tok));
        sp_buf_init(&o, other, sizeof(other));
        world_token(&b, kinds[k].by, kinds[k].header, GOOD);
        world_token(&o, kinds[k].by, kinds[k].header, "{'sub':'drone-9','exp':1800003600}");
        char *dot = memchr(tok, '.', b.n), *from = memchr(other, '.', o.n);
        memcpy(dot, from, (size_t)((char *)memrchr(other, '.', o.n) - from));
        assert_string_equal(world_verify(KEYS_ALL, NULL, sp_buf_view(&b), &c), "bad signature");
    }
}

static void test_sizes(void **state)
{
    (void)state;
    static char huge[64 * 1024];
    char pad[TOKEN_MAX], payload[TOKEN_MAX + 64], tok[2 * TOKEN_MAX];
    struct token_claims c;
    memset(huge, 'a', sizeof(huge));
    huge[100] = huge[200] = '.';
    assert_string_equal(world_verify(KEYS_ALL, NULL, (struct sp_str){huge, sizeof(huge)}, &c),
                        "too long");
    assert_string_equal(world_verify(KEYS_ALL, NULL, (struct sp_str){NULL, 0}, &c),
                        "not three segments");
    memset(pad, 'x', sizeof(pad));
    for (int n = 2900; n < 3100; n++) {
        struct sp_buf b;
        sp_buf_init(&b, tok, sizeof(tok));
        snprintf(payload, sizeof(payload), "{'sub':'a','exp':1800003600,'x':'%.*s'}", n, pad);
        world_token(&b, BY_SECRET, HS, payload);
        const char *why = world_verify(KEYS_ALL, NULL, sp_buf_view(&b), &c);
        assert_true(b.n <= TOKEN_MAX ? why == NULL : why && strcmp(why, "too long") == 0);
    }
}

/* TLS in the same thread reads OpenSSL's queue of errors as its own. */
static void test_error_queue_stays_empty(void **state)
{
    (void)state;
    assert_int_equal(ERR_peek_error(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forged),
        cmocka_unit_test(test_flipped_bits),
        cmocka_unit_test(test_swapped_payload),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_error_queue_stays_empty),
    };
    return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
