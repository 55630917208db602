/* SPDX-License-Identifier: MIT
 * What the verbs of the command token share, and the one that needs no key. */
#ifndef SIGCTL_TOKEN_H
#define SIGCTL_TOKEN_H

#include "cli/sigctl/ctl.h"
#include "libtoken/token.h"

#define TOKEN_SPAN_MAX 64

/* token_read gives the token of a word, of "@FILE" or "-" (stdin), blanks at the end of a file cut
 * off. Free with token_secret_free; NULL with the failure printed and *status set. */
char *token_read(const struct ctl *c, const char *spec, size_t *n, int *status);

/* token_span writes "in 1h 5m" or "3d 2h ago". */
void token_span(char out[TOKEN_SPAN_MAX], int64_t ms);

/* token_print_expiry adds expires and expires_in_us. */
void token_print_expiry(struct sp_json *j, int64_t exp_ms, int64_t now_us);

/* token_show prints header and claims, verified by nobody. */
int token_show(struct ctl *c, const struct ctl_args *a);

#endif
