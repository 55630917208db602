/* SPDX-License-Identifier: MIT
 * Sockets and OpenSSL behind one pair of read and write, never blocking.
 * Names are verified by OpenSSL itself; errors become one sentence. */
#include "cli/common/wsio.h"
#include "libproto/wsframe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct wsconn_tls {
    SSL_CTX *ctx;
    char sni[256];
    pthread_mutex_t lock; /* of the newest session, which threads share */
    SSL_SESSION *newest;
    _Atomic uint64_t handshakes, resumed;
};

void wsio_accept_of(char out[28], const char key[24])
{
    char text[SP_WS_KEY_LEN + sizeof(SP_WS_GUID) - 1];
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;

    memcpy(text, key, SP_WS_KEY_LEN);
    memcpy(text + SP_WS_KEY_LEN, SP_WS_GUID, sizeof(SP_WS_GUID) - 1);
    if (EVP_Digest(text, sizeof(text), digest, &n, EVP_sha1(), NULL) != 1 || n != 20) {
        memset(digest, 0, 20);
    }
    sp_ws_base64(out, digest, 20);
}

static void tls_why(char *why, size_t cap, const char *what, const char *file)
{
    unsigned long e = ERR_peek_last_error();
    const char *reason = e ? ERR_reason_error_string(e) : NULL;

    snprintf(why, cap, "%s %s: %s", what, file, reason ? reason : "unknown error");
    ERR_clear_error();
}

static bool load_files(SSL_CTX *ctx, const struct wsconn_tls_conf *conf, char *why, size_t cap)
{
    if (conf->cacert && SSL_CTX_load_verify_file(ctx, conf->cacert) != 1) {
        tls_why(why, cap, "cannot load authorities from", conf->cacert);
        return false;
    }
    if (!conf->cacert && SSL_CTX_set_default_verify_paths(ctx) != 1) {
        tls_why(why, cap, "cannot load authorities from", "the system's store");
        return false;
    }
    if (conf->cert && SSL_CTX_use_certificate_chain_file(ctx, conf->cert) != 1) {
        tls_why(why, cap, "cannot load certificate", conf->cert);
        return false;
    }
    const char *key = conf->key ? conf->key : conf->cert;
    if (key && SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1) {
        tls_why(why, cap, "cannot load key", key);
        return false;
    }
    if (conf->cert && SSL_CTX_check_private_key(ctx) != 1) {
        tls_why(why, cap, "certificate and key do not belong together:", key);
        return false;
    }
    return true;
}

/* ---------------------------------------------------------------- sessions */

/* Takes the session. */
static int keep_session(SSL *ssl, SSL_SESSION *session)
{
    struct wsconn_tls *t = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    pthread_mutex_lock(&t->lock);
    SSL_SESSION *old = t->newest;
    t->newest = session;
    pthread_mutex_unlock(&t->lock);
    SSL_SESSION_free(old);
    return 1;
}

static bool offer_session(SSL *ssl, struct wsconn_tls *t)
{
    pthread_mutex_lock(&t->lock);
    bool ok = !t->newest || SSL_set_session(ssl, t->newest) == 1;
    pthread_mutex_unlock(&t->lock);
    return ok;
}

uint64_t wsconn_tls_handshakes(const struct wsconn_tls *t, uint64_t *resumed)
{
    *resumed = atomic_load(&t->resumed);
    return atomic_load(&t->handshakes);
}

struct wsconn_tls *wsconn_tls_new(const struct wsconn_tls_conf *conf, char *why, size_t cap)
{
    struct wsconn_tls *t = calloc(1, sizeof(*t));
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

    if (!t || !ctx) {
        snprintf(why, cap, "out of memory");
        goto fail;
    }
    t->ctx = ctx;
    pthread_mutex_init(&t->lock, NULL);
    SSL_CTX_set_app_data(ctx, t);
    if (conf->resume) {
        SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_sess_set_new_cb(ctx, keep_session);
    }
    if (conf->sni && (size_t)snprintf(t->sni, sizeof(t->sni), "%s", conf->sni) >= sizeof(t->sni)) {
        snprintf(why, cap, "the name to verify is too long");
        goto fail;
    }
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_verify(ctx, conf->insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
    if (!load_files(ctx, conf, why, cap)) {
        goto fail;
    }
    return t;
fail:
    SSL_CTX_free(ctx);
    free(t);
    return NULL;
}

void wsconn_tls_free(struct wsconn_tls *t)
{
    if (t) {
        SSL_SESSION_free(t->newest);
        SSL_CTX_free(t->ctx);
        pthread_mutex_destroy(&t->lock);
        free(t);
    }
}

/* The settings for connections that were given none; one per process, never freed. */
static struct wsconn_tls *default_tls(void)
{
    static struct wsconn_tls *tls;
    char why[64];

    if (!tls) {
        tls = wsconn_tls_new(&(struct wsconn_tls_conf){0}, why, sizeof(why));
    }
    return tls;
}

static bool is_address(const char *name)
{
    struct in6_addr a;

    return inet_pton(AF_INET, name, &a) == 1 || inet_pton(AF_INET6, name, &a) == 1;
}

static bool set_name(SSL *ssl, const char *name)
{
    if (is_address(name)) {
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1;
    }
    return SSL_set_tlsext_host_name(ssl, name) == 1 && SSL_set1_host(ssl, name) == 1;
}

bool wsio_start_tls(struct wsio *io, struct wsconn_tls *t, const char *host)
{
    t = t ? t : default_tls();
    io->ssl = t ? SSL_new(t->ctx) : NULL;
    if (!io->ssl || SSL_set_fd(io->ssl, io->fd) != 1 ||
        !set_name(io->ssl, t->sni[0] ? t->sni : host) || !offer_session(io->ssl, t)) {
        errno = ENOMEM;
        return false;
    }
    SSL_set_connect_state(io->ssl);
    return true;
}

/* Only loopback and unreachable networks fail at once: enough to try the next of "localhost". */
static int try_address(int fd, const struct sockaddr *addr, socklen_t len)
{
    int err = 0;
    socklen_t n = sizeof(err);

    if (connect(fd, addr, len) != 0 && errno != EINPROGRESS) {
        return errno;
    }
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &n) == 0 ? err : errno;
}

static bool bind_source(int fd, const struct sockaddr *addr, socklen_t len)
{
    int on = 1;

    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
    return bind(fd, addr, len) == 0;
}

bool wsio_connect(struct wsio *io, const struct wsurl *u, const struct sockaddr *bind_to,
                  socklen_t bind_len, int *err)
{
    int on = 1;

    *err = EADDRNOTAVAIL;
    for (unsigned i = 0; i < u->addrs; i++) {
        const struct sockaddr *addr = (const struct sockaddr *)&u->addr[i];
        wsio_close(io);
        io->fd = socket(addr->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (io->fd < 0) {
            return false;
        }
        if (addr->sa_family != AF_UNIX) {
            setsockopt(io->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        }
        if (bind_to && !bind_source(io->fd, bind_to, bind_len)) {
            *err = errno;
            continue;
        }
        *err = try_address(io->fd, addr, u->addr_len[i]);
        if (*err == 0) {
            return true;
        }
    }
    return io->fd >= 0;
}

void wsio_close(struct wsio *io)
{
    SSL_free(io->ssl);
    if (io->fd >= 0) {
        close(io->fd);
    }
    *io = (struct wsio){.fd = -1};
}

/* The first bytes that leave tell that the handshake is complete. */
static void count_handshake(struct wsio *io)
{
    struct wsconn_tls *t = SSL_CTX_get_app_data(SSL_get_SSL_CTX(io->ssl));
    if (!io->counted) {
        io->counted = true;
        atomic_fetch_add(&t->handshakes, 1);
        atomic_fetch_add(&t->resumed, SSL_session_reused(io->ssl) == 1);
    }
}

/* Turns OpenSSL's view of a failed call into errno; 0 is the end of the stream. */
static ssize_t tls_result(struct wsio *io, int rc)
{
    int e = SSL_get_error(io->ssl, rc);

    if (e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE) {
        io->want_write = e == SSL_ERROR_WANT_WRITE;
        errno = EAGAIN;
        return -1;
    }
    if (e == SSL_ERROR_ZERO_RETURN ||
        (e == SSL_ERROR_SSL &&
         ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING &&
         SSL_is_init_finished(io->ssl))) {
        return 0;
    }
    if (e != SSL_ERROR_SYSCALL || errno == 0 || errno == EAGAIN) {
        errno = EPROTO;
    }
    return -1;
}

ssize_t wsio_read(struct wsio *io, char *p, size_t n)
{
    if (!io->ssl) {
        return recv(io->fd, p, n, 0);
    }
    size_t got = 0;
    ERR_clear_error();
    errno = 0;
    int rc = SSL_read_ex(io->ssl, p, n, &got);
    return rc == 1 ? (ssize_t)got : tls_result(io, rc);
}

ssize_t wsio_write(struct wsio *io, const char *p, size_t n)
{
    io->want_write = false;
    if (!io->ssl) {
        ssize_t sent = send(io->fd, p, n, MSG_NOSIGNAL);
        io->want_write = sent < 0 ? errno == EAGAIN : (size_t)sent < n;
        return sent;
    }
    size_t put = 0;
    ERR_clear_error();
    errno = 0;
    int rc = SSL_write_ex(io->ssl, p, n, &put);
    if (rc == 1) {
        count_handshake(io);
        return (ssize_t)put;
    }
    ssize_t r = tls_result(io, rc);
    if (r == 0) {
        errno = EPIPE;
    }
    return -1;
}

void wsio_tls_error(const struct wsio *io, char *text, size_t cap)
{
    bool asked = io->ssl && SSL_get_verify_mode(io->ssl) != SSL_VERIFY_NONE;
    long verify = asked ? SSL_get_verify_result(io->ssl) : X509_V_OK;
    unsigned long e = ERR_peek_last_error();
    const char *reason = e ? ERR_reason_error_string(e) : NULL;

    if (verify != X509_V_OK && !SSL_is_init_finished(io->ssl)) {
        reason = X509_verify_cert_error_string(verify);
    } else if (e && ERR_GET_REASON(e) == SSL_R_WRONG_VERSION_NUMBER) {
        reason = "the server does not speak it here. Try: ws://";
    }
    snprintf(text, cap, "TLS: %s", reason ? reason : "the stream was cut");
    ERR_clear_error();
}
