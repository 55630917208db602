/* SPDX-License-Identifier: MIT
 * Lines of stdin, read while the connection is served, and the words of a line. */
#ifndef SIGCTL_LINES_H
#define SIGCTL_LINES_H

#include "cli/common/link.h"

#define LINES_LONGEST (1024u * 1024)
#define WORDS_MAX     256

/* lines owns its buffer; zero-initialise it. */
struct lines {
    char *p;
    size_t n, cap, at, scanned;
    size_t len; /* of the line that lines_next gave last, which may hold NUL */
    bool end, too_long;
    bool forgiving; /* an endless line is passed over: the next lines_next goes on behind it */
    bool dropping;
    int err; /* why reading failed */
};

/* lines_next gives the next line without its end, borrowed until the next call; NULL at the end of
 * the input. Status is that of link_rest, or EXIT_DATA (see link_why) for an endless line. */
int lines_next(struct lines *in, struct link *l, char **line);
/* lines_ready tells that lines_next will not wait; lines_read reads once from stdin. Both take a
 * struct lines, for link_until and link_on_input. */
bool lines_ready(void *in);
void lines_read(void *in);
void lines_fini(struct lines *in);

/* words splits a line in place as a shell would: blanks separate, 'literal', "text with \" and \\",
 * backslash, # begins a comment. v is NULL-terminated and begins at v[1]; v[0] is the caller's.
 * Gives the count with v[0], or 0 with a sentence in *why. */
int words(char *line, char *v[WORDS_MAX + 1], const char **why);

#endif
