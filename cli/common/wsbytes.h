/* SPDX-License-Identifier: MIT
 * Growing byte queues and masking keys for wsconn.c. */
#ifndef CLI_WSBYTES_H
#define CLI_WSBYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* wsbytes owns p; n bytes stand at p + off. Zero-initialise it. */
struct wsbytes {
    char *p;
    size_t off, n, cap;
};

void wsbytes_free(struct wsbytes *b);
/* wsbytes_reserve makes room for more bytes behind the n that are there; false when out of
 * memory. */
bool wsbytes_reserve(struct wsbytes *b, size_t more);
bool wsbytes_add(struct wsbytes *b, const void *p, size_t n);

/* wsbytes_mask gives an unpredictable masking key (RFC 6455 10.3). */
uint32_t wsbytes_mask(void);

#endif
