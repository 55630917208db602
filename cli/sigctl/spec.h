/* SPDX-License-Identifier: MIT
 * Values of arguments: literal, @FILE, @- (stdin), @@x for a literal @x, and what is made of
 * them: descriptions, candidates, bodies. */
#ifndef SIGCTL_SPEC_H
#define SIGCTL_SPEC_H

#include "cli/sigctl/ctl.h"

/* spec_load gives the text of a value, which the caller frees; NULL with the failure printed and
 * *status set (9: no such file, not UTF-8). */
char *spec_load(const struct ctl *c, const char *spec, size_t *n, int *status);

/* spec_sdp gives the description that --sdp names ("auto": one with the media words). */
char *spec_sdp(const struct ctl *c, const char *spec, const char *media, bool answer, size_t *n,
               int *status);

/* spec_ice are the candidates that --ice or --candidate names: null, a number of made-up ones,
 * auto (1), an object, or text with a candidate (line or object) per line. */
struct spec_ice {
    char *text; /* owned */
    size_t n, at;
    int64_t made, next;
    bool null;
};

int spec_ice_open(const struct ctl *c, const char *spec, struct spec_ice *ice);
/* spec_ice_next writes the next candidate as a raw JSON value; false at the end, or with *status
 * set and the failure printed. */
bool spec_ice_next(const struct ctl *c, struct spec_ice *ice, struct sp_buf *b, int *status);
void spec_ice_close(struct spec_ice *ice);

#endif
