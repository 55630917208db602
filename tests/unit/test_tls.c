/* SPDX-License-Identifier: MIT
 * TLS without sockets: handshakes between two ends in memory, before and after a reload. The
 * certificates are those of scripts/gen-certs, in CERTS. */
#include "daemon/net/tls.h"
#include "tests/lib/unit.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* The server's end as libwebsockets makes it, and the client's. */
struct world {
    struct tls *tls;
    SSL_CTX *server, *client;
};

struct call {
    SSL *server, *client;
};

static struct {
    unsigned count;
    void *owner;
    bool certificate;
    char reason[100];
} failed;

static void on_failed(void *owner, bool certificate, const char *reason)
{
    failed.count++;
    failed.owner = owner;
    failed.certificate = certificate;
    snprintf(failed.reason, sizeof(failed.reason), "%s", reason);
}

#define PIPE CERTS "/pipe" /* nobody writes: who opens it waits for ever */

#define OWN .cert = CERTS "/a/server.pem", .key = CERTS "/a/server.key"

static const struct net_tls plain = {OWN};
static const struct net_tls checked = {OWN, .client_ca = CERTS "/a/ca.pem",
                                       .crl = CERTS "/a/crl.pem", .client_cert = NET_CERT_REQUIRED};

static void world_init(struct world *w, const struct net_tls *conf)
{
    char why[256] = "";
    w->tls = tls_new(conf, on_failed, why, sizeof(why));
    assert_string_equal(why, "");
    assert_non_null(w->tls);
    w->server = SSL_CTX_new(TLS_server_method());
    assert_true(tls_serve(w->tls, w->server));
    w->client = SSL_CTX_new(TLS_client_method());
    memset(&failed, 0, sizeof(failed));
}

static void world_fini(struct world *w)
{
    SSL_CTX_free(w->client);
    SSL_CTX_free(w->server);
    tls_free(w->tls);
}

static void use_cert(struct world *w, const char *dir, const char *id)
{
    char cert[512], key[512];
    snprintf(cert, sizeof(cert), CERTS "/%s/client-%s.pem", dir, id);
    snprintf(key, sizeof(key), CERTS "/%s/client-%s.key", dir, id);
    assert_int_equal(SSL_CTX_use_certificate_chain_file(w->client, cert), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey_file(w->client, key, SSL_FILETYPE_PEM), 1);
}

static void call_init(struct call *c, struct world *w, void *owner)
{
    BIO *one, *other;
    assert_int_equal(BIO_new_bio_pair(&one, 0, &other, 0), 1);
    c->server = SSL_new(w->server);
    c->client = SSL_new(w->client);
    SSL_set_bio(c->server, one, one);
    SSL_set_bio(c->client, other, other);
    SSL_set_accept_state(c->server);
    SSL_set_connect_state(c->client);
    tls_own(w->tls, owner);
    ERR_clear_error();
    SSL_do_handshake(c->server);
    tls_own(w->tls, NULL);
}

/* True when the server's end is done. */
static bool shake(struct call *c)
{
    for (int i = 0; i < 10; i++) {
        ERR_clear_error();
        SSL_do_handshake(c->client);
        ERR_clear_error();
        SSL_do_handshake(c->server);
    }
    ERR_clear_error();
    return SSL_is_init_finished(c->server);
}

static void call_fini(struct call *c)
{
    SSL_free(c->server);
    SSL_free(c->client);
}

static bool calls(struct world *w, void *owner)
{
    struct call c;
    call_init(&c, w, owner);
    bool done = shake(&c);
    call_fini(&c);
    return done;
}

static void assert_alive(struct call *c)
{
    char buf[8];
    assert_int_equal(SSL_write(c->client, "there", 5), 5);
    assert_int_equal(SSL_read(c->server, buf, sizeof(buf)), 5);
    assert_int_equal(SSL_write(c->server, "back", 4), 4);
    assert_int_equal(SSL_read(c->client, buf, sizeof(buf)), 4);
    assert_memory_equal(buf, "back", 4);
}

/* The type of the key that a new connection is shown: EVP_PKEY_EC … */
static int shown_key(struct world *w)
{
    struct call c;
    call_init(&c, w, NULL);
    assert_true(shake(&c));
    int type = EVP_PKEY_get_base_id(X509_get0_pubkey(SSL_get0_peer_certificate(c.client)));
    call_fini(&c);
    return type;
}

static void a_handshake_without_client_certificates(void **state)
{
    struct world w;
    struct call c;
    struct tls_peer peer;
    (void)state;
    world_init(&w, &plain);
    call_init(&c, &w, NULL);
    assert_true(shake(&c));
    assert_alive(&c);
    assert_false(tls_peer_of(c.server, &peer));
    assert_true(tls_still_good(w.tls, c.server));
    assert_int_equal(failed.count, 0);
    call_fini(&c);
    world_fini(&w);
}

static void the_peer_is_what_its_certificate_says(void **state)
{
    struct world w;
    struct call c;
    struct tls_peer peer;
    (void)state;
    world_init(&w, &checked);
    use_cert(&w, "a", "drone-1");
    call_init(&c, &w, NULL);
    assert_true(shake(&c));
    assert_true(tls_peer_of(c.server, &peer));
    assert_string_equal(peer.id, "drone-1");
    unsigned char digest[32];
    ASN1_TIME *expires = ASN1_TIME_set(NULL, (time_t)(peer.expires_ms / 1000));
    X509 *cert = SSL_get0_peer_certificate(c.server);
    assert_int_equal(ASN1_TIME_compare(expires, X509_get0_notAfter(cert)), 0);
    ASN1_TIME_free(expires);
    X509_digest(cert, EVP_sha256(), digest, NULL);
    for (unsigned i = 0; i < 8; i++) {
        assert_int_equal((peer.key >> (56 - 8 * i)) & 0xff, digest[i]);
    }
    call_fini(&c);
    world_fini(&w);
}

static void a_refused_certificate_is_told_once_with_its_owner(void **state)
{
    struct world w;
    int owner = 0;
    (void)state;
    world_init(&w, &checked);
    assert_false(calls(&w, &owner));
    assert_int_equal(failed.count, 1);
    assert_true(failed.certificate);
    assert_ptr_equal(failed.owner, &owner);
    assert_string_equal(failed.reason, "peer did not return a certificate");
    use_cert(&w, "other", "drone-1");
    assert_false(calls(&w, &owner));
    assert_int_equal(failed.count, 2);
    assert_string_equal(failed.reason, "unable to get local issuer certificate");
    SSL_CTX_set_max_proto_version(w.client, TLS1_2_VERSION);
    SSL_CTX_set_cipher_list(w.client, "AES128-SHA");
    assert_false(calls(&w, &owner));
    assert_int_equal(failed.count, 3);
    assert_false(failed.certificate);
    assert_string_equal(failed.reason, "no shared cipher");
    world_fini(&w);
}

static void a_reload_is_for_newcomers(void **state)
{
    struct world w;
    struct call c;
    char why[256];
    struct net_tls conf = plain;
    (void)state;
    world_init(&w, &plain);
    call_init(&c, &w, NULL);
    assert_true(shake(&c));
    assert_int_equal(shown_key(&w), EVP_PKEY_EC);
    conf.cert = CERTS "/rsa/server.pem";
    conf.key = CERTS "/rsa/server.key";
    assert_true(tls_reload(w.tls, &conf, why, sizeof(why)));
    assert_alive(&c);
    assert_int_equal(shown_key(&w), EVP_PKEY_RSA);
    /* nothing of the old certificate is left for those who would rather have that type */
    SSL_CTX_set1_sigalgs_list(w.client, "ECDSA+SHA256:RSA-PSS+SHA256");
    assert_int_equal(shown_key(&w), EVP_PKEY_RSA);
    assert_true(tls_reload(w.tls, &plain, why, sizeof(why)));
    SSL_CTX_set1_sigalgs_list(w.client, "RSA-PSS+SHA256:ECDSA+SHA256");
    assert_int_equal(shown_key(&w), EVP_PKEY_EC);
    call_fini(&c);
    world_fini(&w);
}

static void a_reload_between_hello_and_certificate(void **state)
{
    struct world w;
    struct call c;
    char why[256];
    (void)state;
    world_init(&w, &checked);
    use_cert(&w, "a", "drone-1");
    call_init(&c, &w, NULL);
    SSL_do_handshake(c.client);
    SSL_do_handshake(c.server);
    assert_true(tls_reload(w.tls, &plain, why, sizeof(why)));
    assert_true(tls_reload(w.tls, &checked, why, sizeof(why)));
    assert_true(shake(&c));
    assert_alive(&c);
    call_fini(&c);
    world_fini(&w);
}

static void a_reload_that_fails_changes_nothing(void **state)
{
    static const struct {
        struct net_tls conf;
        const char *why;
    } bad[] = {
        {{.cert = CERTS "/a/server.pem"}, "both tls-cert and tls-key"},
        {{.cert = CERTS "/none", .key = CERTS "/a/server.key"}, "No such file"},
        {{.cert = CERTS "/a/server.pem", .key = CERTS "/none"}, "No such file"},
        {{.cert = CERTS "/rsa/server.pem", .key = CERTS "/a/server.key"}, "does not belong"},
        {{.cert = CERTS "/a/server.pem", .key = CERTS "/a/server.pem"}, "tls-key: cannot use"},
        {{OWN, .client_cert = NET_CERT_OPTIONAL}, "needs client-ca"},
        {{OWN, .client_ca = CERTS "/a/ca.pem"}, "client-cert is none"},
        {{OWN, .crl = CERTS "/a/crl.pem"}, "crl needs client-ca"},
        {{OWN, .client_ca = CERTS "/a/server.key", .client_cert = NET_CERT_REQUIRED},
         "client-ca: cannot use"},
        {{OWN, .client_ca = CERTS "/a/ca.pem", .crl = CERTS "/a/ca.pem",
          .client_cert = NET_CERT_REQUIRED},
         "crl: cannot use"},
        {{OWN, .client_ca = CERTS "/a/ca.pem", .crl = CERTS "/other/crl.pem",
          .client_cert = NET_CERT_REQUIRED},
         "not signed by its authority"},
        {{.cert = PIPE, .key = CERTS "/a/server.key"}, "tls-cert: cannot use " PIPE ": not a reg"},
        {{.cert = CERTS "/a/server.pem", .key = PIPE}, "tls-key: cannot use " PIPE ": not a reg"},
        {{.cert = CERTS "/a/server.pem", .key = "/dev/zero"}, "tls-key: cannot use /dev/zero: not"},
        {{OWN, .client_ca = PIPE, .client_cert = NET_CERT_REQUIRED}, "client-ca: cannot use " PIPE},
        {{OWN, .client_ca = CERTS "/a/ca.pem", .crl = PIPE, .client_cert = NET_CERT_REQUIRED},
         "crl: cannot use " PIPE ": not a regular file"},
    };
    struct world w;
    (void)state;
    unlink(PIPE);
    assert_int_equal(mkfifo(PIPE, 0600), 0);
    world_init(&w, &checked);
    use_cert(&w, "a", "drone-1");
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char why[512] = "";
        assert_false(tls_reload(w.tls, &bad[i].conf, why, sizeof(why)));
        assert_false(tls_check(&bad[i].conf, why, sizeof(why)));
        if (!strstr(why, bad[i].why)) {
            fail_msg("%s does not say %s", why, bad[i].why);
        }
        assert_true(calls(&w, NULL));
    }
    use_cert(&w, "other", "drone-1");
    assert_false(calls(&w, NULL));
    unlink(PIPE);
    world_fini(&w);
}

static void a_reload_revokes(void **state)
{
    struct world w;
    struct call gone, stays;
    char why[256];
    struct net_tls conf = checked;
    (void)state;
    world_init(&w, &checked);
    use_cert(&w, "a", "drone-1");
    call_init(&stays, &w, NULL);
    assert_true(shake(&stays));
    use_cert(&w, "a", "gone");
    call_init(&gone, &w, NULL);
    assert_true(shake(&gone));
    assert_true(tls_still_good(w.tls, gone.server));
    conf.crl = CERTS "/b/crl.pem";
    assert_true(tls_reload(w.tls, &conf, why, sizeof(why)));
    assert_true(tls_still_good(w.tls, stays.server));
    assert_false(tls_still_good(w.tls, gone.server));
    assert_false(calls(&w, NULL));
    assert_string_equal(failed.reason, "certificate revoked");
    conf.client_ca = CERTS "/other/ca.pem";
    conf.crl = NULL;
    assert_true(tls_reload(w.tls, &conf, why, sizeof(why)));
    assert_false(tls_still_good(w.tls, stays.server));
    assert_true(tls_reload(w.tls, &plain, why, sizeof(why)));
    assert_false(tls_still_good(w.tls, stays.server));
    call_fini(&gone);
    call_fini(&stays);
    world_fini(&w);
}

static void a_reload_that_asks_for_certificates(void **state)
{
    struct world w;
    struct call c;
    char why[256];
    struct net_tls conf = checked;
    (void)state;
    world_init(&w, &plain);
    call_init(&c, &w, NULL);
    assert_true(shake(&c));
    conf.client_cert = NET_CERT_OPTIONAL;
    assert_true(tls_reload(w.tls, &conf, why, sizeof(why)));
    assert_true(tls_still_good(w.tls, c.server));
    assert_true(calls(&w, NULL));
    assert_true(tls_reload(w.tls, &checked, why, sizeof(why)));
    assert_false(tls_still_good(w.tls, c.server));
    assert_false(calls(&w, NULL));
    call_fini(&c);
    world_fini(&w);
}

/* ---------------------------------------------------------------- which id a certificate gives */

struct san {
    int type;
    const char *text;
    int n; /* 0: text is a C string */
};

#define SANS 3

static void add_sans(X509 *cert, const struct san *sans)
{
    GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
    for (int i = 0; i < SANS && sans[i].text; i++) {
        GENERAL_NAME *name = GENERAL_NAME_new();
        ASN1_IA5STRING *text = ASN1_IA5STRING_new();
        ASN1_STRING_set(text, sans[i].text, sans[i].n ? sans[i].n : -1);
        GENERAL_NAME_set0_value(name, sans[i].type, text);
        sk_GENERAL_NAME_push(names, name);
    }
    if (sk_GENERAL_NAME_num(names) > 0) {
        X509_add1_ext_i2d(cert, NID_subject_alt_name, names, 0, 0);
    }
    GENERAL_NAMES_free(names);
}

static EVP_PKEY *read_key(const char *file)
{
    FILE *f = fopen(file, "re");
    assert_non_null(f);
    EVP_PKEY *key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
    fclose(f);
    assert_non_null(key);
    return key;
}

static X509 *read_cert(const char *file)
{
    FILE *f = fopen(file, "re");
    assert_non_null(f);
    X509 *cert = PEM_read_X509(f, NULL, NULL, NULL);
    fclose(f);
    assert_non_null(cert);
    return cert;
}

/* Shows a certificate with those names, signed by the authority of a. */
static void use_names(struct world *w, const char *const *cns, const struct san *sans)
{
    EVP_PKEY *key = EVP_EC_gen("P-256"), *ca_key = read_key(CERTS "/a/ca.key");
    X509 *ca = read_cert(CERTS "/a/ca.pem"), *cert = X509_new();
    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 4711);
    X509_gmtime_adj(X509_getm_notBefore(cert), -60);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_set_issuer_name(cert, X509_get_subject_name(ca));
    for (; *cns; cns++) {
        X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_UTF8,
                                   (const unsigned char *)*cns, -1, -1, 0);
    }
    X509_set_pubkey(cert, key);
    add_sans(cert, sans);
    assert_true(X509_sign(cert, ca_key, EVP_sha256()) > 0);
    assert_int_equal(SSL_CTX_use_certificate(w->client, cert), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(w->client, key), 1);
    X509_free(cert);
    X509_free(ca);
    EVP_PKEY_free(ca_key);
    EVP_PKEY_free(key);
}

static void the_id_is_the_first_that_counts_or_none(void **state)
{
    static const struct {
        const char *cns[3];
        struct san sans[SANS];
        const char *id; /* NULL: refused */
    } row[] = {
        {{"cn-1"}, {{0, NULL, 0}}, "cn-1"},
        {{"cn-1"}, {{GEN_DNS, "d.example", 0}}, "d.example"},
        {{"cn-1"}, {{GEN_DNS, "d.example", 0}, {GEN_URI, "urn:sigkit:u-1", 0}}, "u-1"},
        {{"cn-1"}, {{GEN_URI, "urn:sigkit:u-1", 0}, {GEN_URI, "urn:sigkit:u-2", 0}}, "u-1"},
        {{"cn-1"}, {{GEN_URI, "https://x/u", 0}, {GEN_DNS, "d1", 0}, {GEN_DNS, "d2", 0}}, "d1"},
        {{"cn-1"}, {{GEN_URI, "https://x/u", 0}}, "cn-1"},
        {{"cn-1"}, {{GEN_EMAIL, "e@x", 0}}, "cn-1"},
        {{NULL}, {{GEN_URI, "urn:sigkit:a:b@c.d_e-f", 0}}, "a:b@c.d_e-f"},
        {{"cn-1"}, {{GEN_URI, "URN:sigkit:u-1", 0}}, "cn-1"},
        {{"cn-1"}, {{GEN_URI, "urn:sigkit:", 0}}, NULL},
        {{"cn-1"}, {{GEN_URI, "urn:sigkit:u 1", 0}, {GEN_DNS, "d", 0}}, NULL},
        {{"cn-1"}, {{GEN_URI, "urn:sigkit:u\0x", 14}}, NULL},
        {{"cn-1"}, {{GEN_DNS, "d\0x", 3}}, NULL},
        {{"cn-1"}, {{GEN_DNS, "*.example", 0}, {GEN_DNS, "d", 0}}, NULL},
        {{"cn 1"}, {{0, NULL, 0}}, NULL},
        {{"-cn"}, {{0, NULL, 0}}, NULL},
        {{"c\xc3\xa4"}, {{0, NULL, 0}}, NULL},
        {{"cn-1", "cn-2"}, {{0, NULL, 0}}, NULL},
        {{NULL}, {{0, NULL, 0}}, NULL},
    };
    struct world w;
    struct net_tls conf = checked;
    (void)state;
    conf.crl = NULL;
    world_init(&w, &conf);
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        struct call c;
        struct tls_peer peer = {.key = 0};
        use_names(&w, row[i].cns, row[i].sans);
        failed.reason[0] = '\0';
        call_init(&c, &w, NULL);
        bool done = shake(&c);
        if (done != (row[i].id != NULL)) {
            fail_msg("row %zu: %s", i, done ? "let in" : failed.reason);
        }
        if (done) {
            assert_true(tls_peer_of(c.server, &peer));
            assert_string_equal(peer.id, row[i].id);
        } else {
            assert_string_equal(failed.reason, "no usable id");
        }
        call_fini(&c);
    }
    world_fini(&w);
}

static void the_longest_id_fits(void **state)
{
    struct world w;
    struct call c;
    struct tls_peer peer;
    char uri[11 + SP_ID_MAX + 2] = "urn:sigkit:";
    const char *const cns[] = {NULL};
    const struct san sans[SANS] = {{GEN_URI, uri, 0}};
    (void)state;
    world_init(&w, &checked);
    memset(uri + 11, 'x', SP_ID_MAX);
    use_names(&w, cns, sans);
    call_init(&c, &w, NULL);
    assert_true(shake(&c));
    assert_true(tls_peer_of(c.server, &peer));
    assert_string_equal(peer.id, uri + 11);
    call_fini(&c);
    uri[11 + SP_ID_MAX] = 'x';
    use_names(&w, cns, sans);
    assert_false(calls(&w, NULL));
    assert_string_equal(failed.reason, "no usable id");
    world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_handshake_without_client_certificates),
        cmocka_unit_test(the_peer_is_what_its_certificate_says),
        cmocka_unit_test(a_refused_certificate_is_told_once_with_its_owner),
        cmocka_unit_test(a_reload_is_for_newcomers),
        cmocka_unit_test(a_reload_between_hello_and_certificate),
        cmocka_unit_test(a_reload_that_fails_changes_nothing),
        cmocka_unit_test(a_reload_revokes),
        cmocka_unit_test(a_reload_that_asks_for_certificates),
        cmocka_unit_test(the_id_is_the_first_that_counts_or_none),
        cmocka_unit_test(the_longest_id_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
