/* SPDX-License-Identifier: MIT
 * What messages and traces must not show: tokens in URLs and in frames. */
#ifndef CLI_MASK_H
#define CLI_MASK_H

#include "libproto/types.h"

#include <stdio.h>

/* mask_url copies a URL with "***" for the value of token in its query, cut where out is full. */
void mask_url(char *out, size_t cap, const char *url);

/* mask_frame prints the text of a frame, safe for a terminal, with "***" for the values of token
 * and resume. */
void mask_frame(FILE *f, struct sp_str text);

#endif
