/* SPDX-License-Identifier: MIT
 * The bearer token of a tool: from a file or the environment, read again before it ends, never
 * shown. */
#ifndef CLI_BEARER_H
#define CLI_BEARER_H

#include "libtoken/token.h"

#include <stdbool.h>
#include <stdint.h>

#define BEARER_HEADER_MAX (TOKEN_MAX + 64)

/* bearer is zero until bearer_load. */
struct bearer {
    const char *file;         /* borrowed; NULL: cannot be read again */
    char text[TOKEN_MAX + 1]; /* empty: none */
};

/* bearer_load reads the token that the options name: a file ("-" is one line of stdin), else the
 * text; both NULL is none. False with a message printed. A file that others can read is remarked.
 */
bool bearer_load(struct bearer *b, const char *file, const char *text);

/* bearer_reload reads the file again; true when it holds another token now. A file that cannot be
 * read, or holds none, changes nothing. */
bool bearer_reload(struct bearer *b);

/* bearer_id gives the one id that the token is for, by its own word; false when it names none. */
bool bearer_id(const struct bearer *b, char out[SP_ID_MAX + 1]);

/* bearer_left_us tells how long the token lives from wall_us on, 0 or less when it is over;
 * INT64_MAX when it does not say. Its signature is the server's business. */
int64_t bearer_left_us(const struct bearer *b, int64_t wall_us);

/* bearer_header writes the line of an HTTP request, with its CRLF; empty when there is no token. */
void bearer_header(const struct bearer *b, char out[BEARER_HEADER_MAX]);

#endif
