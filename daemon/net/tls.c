/* SPDX-License-Identifier: MIT
 * TLS of the listeners. libwebsockets makes its connections from one context for good; each is
 * moved to the context in force when the client's hello arrives. So a reload is a pointer, and a
 * key of another type leaves nothing of the old one behind. */
#include "daemon/net/tls.h"

#include "daemon/log.h"
#include "libproto/id.h"
#include "libtoken/token.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#define SECURITY   2 /* RSA 2048 or P-224 at least, no SHA-1 */
#define DEPTH      4
#define CHAIN_MAX  32768 /* bytes of certificates that a stranger may send */
#define URN        "urn:sigkit:"
#define CIPHERS_13 "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
#define CIPHERS_12                                                                                 \
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"     \
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"

struct tls {
    SSL_CTX *live; /* what handshakes use from now on */
    void *owner;
    tls_failed_fn *on_failed;
};

static int tls_index = -1, owner_index = -1; /* of OpenSSL's application data */

/* The first error is the cause, what follows only says who was called. */
static bool fail(char *why, size_t cap, const char *option, const char *file)
{
    unsigned long e = ERR_peek_error();
    const char *text =
        ERR_SYSTEM_ERROR(e) ? strerror(ERR_GET_REASON(e)) : ERR_reason_error_string(e);
    snprintf(why, cap, "%s: cannot use %s: %s", option, file, text ? text : "unknown error");
    ERR_clear_error();
    return false;
}

/* ---------------------------------------------------------------- the server's own certificate */

static int no_password(char *buf, int size, int writing, void *ctx)
{
    bool *encrypted = ctx;
    (void)buf, (void)size, (void)writing;
    *encrypted = true;
    return -1;
}

static EVP_PKEY *read_key(FILE *f, const char *file, char *why, size_t cap)
{
    struct stat st;
    bool encrypted = false;
    if (fstat(fileno(f), &st) != 0 || !token_file_private(&st)) {
        snprintf(why, cap, "tls-key: %s has mode %04o: only its owner may have access (chmod 600)",
                 file, (unsigned)st.st_mode & 07777);
        return NULL;
    }
    EVP_PKEY *key = PEM_read_PrivateKey(f, NULL, no_password, &encrypted);
    if (!key && encrypted) {
        snprintf(why, cap, "tls-key: %s is encrypted, and nobody is asked for a password", file);
        ERR_clear_error();
    } else if (!key) {
        fail(why, cap, "tls-key", file);
    }
    return key;
}

static bool load_own(SSL_CTX *ctx, const struct net_tls *conf, char *why, size_t cap)
{
    if (SSL_CTX_use_certificate_chain_file(ctx, conf->cert) != 1) {
        return fail(why, cap, "tls-cert", conf->cert);
    }
    FILE *f = fopen(conf->key, "re");
    if (!f) {
        snprintf(why, cap, "tls-key: cannot use %s: %s", conf->key, strerror(errno));
        return false;
    }
    EVP_PKEY *key = read_key(f, conf->key, why, cap);
    fclose(f);
    bool ok = key != NULL;
    if (ok && X509_check_private_key(SSL_CTX_get0_certificate(ctx), key) != 1) {
        ERR_clear_error();
        snprintf(why, cap, "tls-key: %s does not belong to the certificate in %s", conf->key,
                 conf->cert);
        ok = false;
    } else if (ok && SSL_CTX_use_PrivateKey(ctx, key) != 1) {
        ok = fail(why, cap, "tls-key", conf->key);
    }
    EVP_PKEY_free(key);
    return ok;
}

/* ---------------------------------------------------------------- what a certificate says */

/* NUL bytes and everything else that is not a character of an id are refused by sp_id_ok. */
static bool take_id(struct tls_peer *out, const unsigned char *p, int n)
{
    struct sp_str id = {(const char *)p, n > 0 ? (size_t)n : 0};
    if (!sp_id_ok(id)) {
        return false;
    }
    memcpy(out->id, id.p, id.n);
    out->id[id.n] = '\0';
    return true;
}

static bool id_of_subject(X509 *cert, struct tls_peer *out)
{
    const X509_NAME *name = X509_get_subject_name(cert);
    int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
    if (at < 0 || X509_NAME_get_index_by_NID(name, NID_commonName, at) >= 0) {
        return false;
    }
    unsigned char *text = NULL;
    int n = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
    bool ok = take_id(out, text, n);
    OPENSSL_free(text);
    return ok;
}

/* One that is there but no good is not passed over for the next: that would be guessing. */
static bool id_of(X509 *cert, struct tls_peer *out)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    const ASN1_STRING *uri = NULL, *dns = NULL;
    int prefix = sizeof(URN) - 1;
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        int type;
        const ASN1_STRING *s = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, i), &type);
        if (type == GEN_DNS && !dns) {
            dns = s;
        } else if (type == GEN_URI && !uri && ASN1_STRING_length(s) >= prefix &&
                   memcmp(ASN1_STRING_get0_data(s), URN, (size_t)prefix) == 0) {
            uri = s;
        }
    }
    bool ok =
        uri   ? take_id(out, ASN1_STRING_get0_data(uri) + prefix, ASN1_STRING_length(uri) - prefix)
        : dns ? take_id(out, ASN1_STRING_get0_data(dns), ASN1_STRING_length(dns))
              : id_of_subject(cert, out);
    GENERAL_NAMES_free(names);
    return ok;
}

bool tls_peer_of(const SSL *ssl, struct tls_peer *out)
{
    X509 *cert = SSL_get0_peer_certificate(ssl);
    struct tls_peer peer = {.key = 0};
    struct tm tm;
    unsigned char digest[EVP_MAX_MD_SIZE];
    if (!cert || !id_of(cert, &peer) || ASN1_TIME_to_tm(X509_get0_notAfter(cert), &tm) != 1 ||
        X509_digest(cert, EVP_sha256(), digest, NULL) != 1) {
        ERR_clear_error();
        return false;
    }
    peer.expires_ms = (int64_t)timegm(&tm) * 1000;
    for (int i = 0; i < 8; i++) {
        peer.key = peer.key << 8 | digest[i];
    }
    *out = peer;
    return true;
}

/* ---------------------------------------------------------------- clients' certificates */

/* What OpenSSL leaves open: an authority is no client, and a client has an id. */
static int on_verify(int ok, X509_STORE_CTX *sc)
{
    X509 *cert = X509_STORE_CTX_get_current_cert(sc);
    struct tls_peer peer;
    if (!ok || X509_STORE_CTX_get_error_depth(sc) > 0) {
        return ok;
    }
    if (X509_check_ca(cert) != 0) {
        X509_STORE_CTX_set_error(sc, X509_V_ERR_INVALID_PURPOSE);
        return 0;
    }
    if (!id_of(cert, &peer)) {
        X509_STORE_CTX_set_error(sc, X509_V_ERR_APPLICATION_VERIFICATION);
        return 0;
    }
    return 1;
}

/* A list whose authority is not in the file may be that of an authority which clients bring along.
 */
static bool is_forged(const STACK_OF(X509_OBJECT) * all, X509_CRL *crl)
{
    bool known = false;
    for (int i = 0; i < sk_X509_OBJECT_num(all); i++) {
        X509 *ca = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(all, i));
        if (ca && X509_NAME_cmp(X509_get_subject_name(ca), X509_CRL_get_issuer(crl)) == 0) {
            known = true;
            if (X509_CRL_verify(crl, X509_get0_pubkey(ca)) == 1) {
                return false;
            }
        }
    }
    return known;
}

static bool load_crls(X509_STORE *store, const char *file, char *why, size_t cap)
{
    X509_LOOKUP *lookup = X509_STORE_add_lookup(store, X509_LOOKUP_file());
    if (!lookup || X509_load_crl_file(lookup, file, X509_FILETYPE_PEM) < 1) {
        return fail(why, cap, "crl", file);
    }
    const STACK_OF(X509_OBJECT) *all = X509_STORE_get0_objects(store);
    for (int i = 0; i < sk_X509_OBJECT_num(all); i++) {
        X509_CRL *crl = X509_OBJECT_get0_X509_CRL(sk_X509_OBJECT_value(all, i));
        if (crl && is_forged(all, crl)) {
            ERR_clear_error();
            snprintf(why, cap, "crl: a list in %s is not signed by its authority in client-ca",
                     file);
            return false;
        }
    }
    X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    return true;
}

static bool load_clients(SSL_CTX *ctx, const struct net_tls *conf, char *why, size_t cap)
{
    if (conf->client_cert == NET_CERT_NONE) {
        return true;
    }
    if (SSL_CTX_load_verify_file(ctx, conf->client_ca) != 1) {
        return fail(why, cap, "client-ca", conf->client_ca);
    }
    STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(conf->client_ca);
    if (!names) {
        return fail(why, cap, "client-ca", conf->client_ca);
    }
    SSL_CTX_set_client_CA_list(ctx, names);
    SSL_CTX_set_verify(ctx,
                       conf->client_cert == NET_CERT_REQUIRED
                           ? SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT
                           : SSL_VERIFY_PEER,
                       on_verify);
    return !conf->crl || load_crls(SSL_CTX_get_cert_store(ctx), conf->crl, why, cap);
}

bool tls_still_good(const struct tls *t, const SSL *ssl)
{
    X509 *cert = SSL_get0_peer_certificate(ssl);
    int mode = SSL_CTX_get_verify_mode(t->live);
    if (!cert || mode == SSL_VERIFY_NONE) {
        return !cert && !(mode & SSL_VERIFY_FAIL_IF_NO_PEER_CERT);
    }
    X509_STORE_CTX *sc = X509_STORE_CTX_new();
    bool good = sc &&
                X509_STORE_CTX_init(sc, SSL_CTX_get_cert_store(t->live), cert,
                                    SSL_get_peer_cert_chain(ssl)) == 1 &&
                X509_STORE_CTX_set_default(sc, "ssl_client") == 1;
    if (good) {
        X509_VERIFY_PARAM_set_auth_level(X509_STORE_CTX_get0_param(sc), SECURITY);
        X509_STORE_CTX_set_depth(sc, DEPTH);
        X509_STORE_CTX_set_verify_cb(sc, on_verify);
        good = X509_verify_cert(sc) == 1;
    }
    X509_STORE_CTX_free(sc);
    ERR_clear_error();
    return good;
}

/* ---------------------------------------------------------------- contexts */

static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *outlen,
                   const unsigned char *in, unsigned inlen, void *ctx)
{
    static const unsigned char ours[] = "\x08http/1.1";
    (void)ssl, (void)ctx;
    return SSL_select_next_proto((unsigned char **)(uintptr_t)out, outlen, ours, sizeof(ours) - 1,
                                 in, inlen) == OPENSSL_NPN_NEGOTIATED
               ? SSL_TLSEXT_ERR_OK
               : SSL_TLSEXT_ERR_ALERT_FATAL;
}

static bool harden(SSL_CTX *ctx)
{
    SSL_CTX_set_security_level(ctx, SECURITY);
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(ctx, 0);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_verify_depth(ctx, DEPTH);
    SSL_CTX_set_max_cert_list(ctx, CHAIN_MAX);
    SSL_CTX_set_alpn_select_cb(ctx, on_alpn, NULL);
    return SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) == 1 &&
           SSL_CTX_set_cipher_list(ctx, CIPHERS_12) == 1 &&
           SSL_CTX_set_ciphersuites(ctx, CIPHERS_13) == 1 &&
           SSL_CTX_set1_groups_list(ctx, "X25519:P-256:P-384") == 1;
}

/* Options that do not fit together would leave clients unchecked. */
static bool check_options(const struct net_tls *conf, char *why, size_t cap)
{
    const char *wrong = NULL;
    if (!conf->cert || !conf->key) {
        wrong = "a tls: listener needs both tls-cert and tls-key";
    } else if (conf->client_cert != NET_CERT_NONE && !conf->client_ca) {
        wrong = "client-cert needs client-ca, to check certificates with";
    } else if (conf->client_cert == NET_CERT_NONE && conf->client_ca) {
        wrong = "client-ca is set, but client-cert is none: nobody would be asked for one";
    } else if (conf->crl && !conf->client_ca) {
        wrong = "crl needs client-ca";
    }
    if (wrong) {
        snprintf(why, cap, "%s", wrong);
    }
    return !wrong;
}

/* OpenSSL would open them and wait for whoever writes to a pipe. */
static bool are_files(const struct net_tls *conf, char *why, size_t cap)
{
    const struct {
        const char *option, *file;
    } all[] = {{"tls-cert", conf->cert},
               {"tls-key", conf->key},
               {"client-ca", conf->client_ca},
               {"crl", conf->crl}};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        struct stat st;
        if (all[i].file && stat(all[i].file, &st) == 0 && !S_ISREG(st.st_mode)) {
            snprintf(why, cap, "%s: cannot use %s: not a regular file", all[i].option, all[i].file);
            return false;
        }
    }
    return true;
}

static SSL_CTX *load(const struct net_tls *conf, char *why, size_t cap)
{
    if (!check_options(conf, why, cap) || !are_files(conf, why, cap)) {
        return NULL;
    }
    ERR_clear_error();
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    if (!ctx || !harden(ctx)) {
        fail(why, cap, "tls", "OpenSSL");
    } else if (load_own(ctx, conf, why, cap) && load_clients(ctx, conf, why, cap)) {
        return ctx;
    }
    SSL_CTX_free(ctx);
    return NULL;
}

/* What has expired is served all the same: a server that is there and distrusted can be told from
 * one that is gone, and lists that have expired refuse everybody. */
static void warn(const SSL_CTX *ctx, const struct net_tls *conf)
{
    if (X509_cmp_current_time(X509_get0_notAfter(SSL_CTX_get0_certificate(ctx))) < 0) {
        LOG(LOG_WARN, "server certificate has expired", LOG_STR("file", sp_str(conf->cert)));
    }
    const STACK_OF(X509_OBJECT) *all = X509_STORE_get0_objects(SSL_CTX_get_cert_store(ctx));
    for (int i = 0; i < sk_X509_OBJECT_num(all); i++) {
        const X509_CRL *crl = X509_OBJECT_get0_X509_CRL(sk_X509_OBJECT_value(all, i));
        if (crl && X509_CRL_get0_nextUpdate(crl) &&
            X509_cmp_current_time(X509_CRL_get0_nextUpdate(crl)) < 0) {
            LOG(LOG_WARN, "revocation list has expired, its clients are refused",
                LOG_STR("file", sp_str(conf->crl)));
        }
    }
}

/* ---------------------------------------------------------------- handshakes */

static int on_hello(SSL *ssl, int *alert, void *ctx)
{
    const struct tls *t = ctx;
    if (!SSL_set_SSL_CTX(ssl, t->live)) {
        *alert = SSL_AD_INTERNAL_ERROR;
        return SSL_CLIENT_HELLO_ERROR;
    }
    SSL_set_verify(ssl, SSL_CTX_get_verify_mode(t->live), SSL_CTX_get_verify_callback(t->live));
    return SSL_CLIENT_HELLO_SUCCESS;
}

/* A client that hangs up or complains about our certificate has shown none of its own. */
static bool is_about_certificate(const SSL *ssl, int reason)
{
    OSSL_HANDSHAKE_STATE at = SSL_get_state(ssl);
    return (at == TLS_ST_SR_CERT || at == TLS_ST_SR_CERT_VRFY) &&
           reason != SSL_R_UNEXPECTED_EOF_WHILE_READING && reason < SSL_AD_REASON_OFFSET;
}

static void report(const struct tls *t, const SSL *ssl, unsigned long error)
{
    long verify = SSL_get_verify_result(ssl);
    const char *reason = verify == X509_V_ERR_APPLICATION_VERIFICATION ? "no usable id"
                         : verify != X509_V_OK ? X509_verify_cert_error_string(verify)
                                               : ERR_reason_error_string(error);
    t->on_failed(SSL_get_ex_data(ssl, owner_index),
                 verify != X509_V_OK || is_about_certificate(ssl, ERR_GET_REASON(error)),
                 reason ? reason : "handshake failed");
}

static void on_info(const SSL *ssl, int where, int ret)
{
    const struct tls *t = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), tls_index);
    unsigned long error = ERR_peek_error();
    if (where == SSL_CB_HANDSHAKE_START && !SSL_get_ex_data(ssl, owner_index)) {
        SSL_set_ex_data((SSL *)(uintptr_t)ssl, owner_index, t->owner);
    } else if (where == SSL_CB_ACCEPT_EXIT && ret <= 0 && error != 0) {
        report(t, ssl, error);
    }
}

/* Before the hello a connection asks the one context, after it the other. */
static bool watch(SSL_CTX *ctx, struct tls *t)
{
    SSL_CTX_set_info_callback(ctx, on_info);
    return SSL_CTX_set_ex_data(ctx, tls_index, t) == 1;
}

/* ---------------------------------------------------------------- life */

static bool put_live(struct tls *t, SSL_CTX *ctx, char *why, size_t cap)
{
    if (!watch(ctx, t)) {
        snprintf(why, cap, "out of memory");
        SSL_CTX_free(ctx);
        return false;
    }
    SSL_CTX_free(t->live);
    t->live = ctx;
    return true;
}

bool tls_check(const struct net_tls *conf, char *why, size_t cap)
{
    SSL_CTX *ctx = load(conf, why, cap);
    SSL_CTX_free(ctx);
    return ctx != NULL;
}

bool tls_reload(struct tls *t, const struct net_tls *conf, char *why, size_t cap)
{
    SSL_CTX *ctx = load(conf, why, cap);
    if (!ctx) {
        return false;
    }
    warn(ctx, conf);
    return put_live(t, ctx, why, cap);
}

struct tls *tls_new(const struct net_tls *conf, tls_failed_fn *on_failed, char *why, size_t cap)
{
    if (tls_index < 0) {
        tls_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
        owner_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    }
    struct tls *t = calloc(1, sizeof(*t));
    if (!t) {
        snprintf(why, cap, "out of memory");
        return NULL;
    }
    t->on_failed = on_failed;
    if (!tls_reload(t, conf, why, cap)) {
        free(t);
        return NULL;
    }
    return t;
}

void tls_free(struct tls *t)
{
    if (t) {
        SSL_CTX_free(t->live);
        free(t);
    }
}

bool tls_serve(struct tls *t, SSL_CTX *ctx)
{
    SSL_CTX_set_client_hello_cb(ctx, on_hello, t);
    SSL_CTX_set_tlsext_servername_callback(ctx, NULL);
    return harden(ctx) && watch(ctx, t);
}

void tls_own(struct tls *t, void *owner)
{
    t->owner = owner;
}
