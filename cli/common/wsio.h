/* SPDX-License-Identifier: MIT
 * The byte stream under a WebSocket client: a non-blocking socket, plain or under TLS.
 * Only wsconn.c uses it. */
#ifndef CLI_WSIO_H
#define CLI_WSIO_H

#include "cli/common/wsconn.h"

#include <openssl/types.h>
#include <sys/types.h>

/* wsio owns the descriptor and the TLS state. */
struct wsio {
    int fd; /* -1: none */
    SSL *ssl;
    bool want_write; /* the last attempt wants the socket writable */
    bool counted;    /* among the handshakes */
};

/* wsio_connect begins to connect to the first address of u that does not fail at once; *err is the
 * errno of the last one when all did. False when no socket can be made (errno). */
bool wsio_connect(struct wsio *io, const struct wsurl *u, const struct sockaddr *bind_to,
                  socklen_t bind_len, int *err);
/* wsio_start_tls puts TLS on top; the handshake happens in the first reads and writes. */
bool wsio_start_tls(struct wsio *io, struct wsconn_tls *t, const char *host);
void wsio_close(struct wsio *io);

/* wsio_read and wsio_write are read(2) and write(2): -1 with EAGAIN when they would block, with
 * EPROTO when TLS failed. */
ssize_t wsio_read(struct wsio *io, char *p, size_t n);
ssize_t wsio_write(struct wsio *io, const char *p, size_t n);

/* wsio_tls_error describes the failure behind EPROTO. */
void wsio_tls_error(const struct wsio *io, char *text, size_t cap);

/* wsio_accept_of computes the accept value that belongs to a key (RFC 6455 4.2.2). */
void wsio_accept_of(char out[28], const char key[24]);

#endif
