/* SPDX-License-Identifier: MIT
 * Lines of stdin and the words of a line. */
#include "cli/sigctl/lines.h"

#include "cli/common/exits.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static bool grow(struct lines *in)
{
    char *more = in->cap < LINES_LONGEST ? realloc(in->p, in->cap * 2 + 8192) : NULL;
    if (more) {
        in->p = more;
        in->cap = in->cap * 2 + 8192;
    }
    return more != NULL;
}

static bool make_room(struct lines *in)
{
    if (in->at > 0) {
        memmove(in->p, in->p + in->at, in->n - in->at);
        in->n -= in->at;
        in->scanned -= in->at;
        in->at = 0;
    }
    if (in->n + 4096 <= in->cap || grow(in)) {
        return true;
    }
    in->dropping = in->forgiving;
    in->too_long = !in->forgiving;
    in->n = in->scanned = in->forgiving ? 0 : in->n;
    return in->forgiving;
}

/* Passes over the rest of an endless line. */
static void drop(struct lines *in)
{
    char *lf = memchr(in->p, '\n', in->n);
    in->at = lf ? (size_t)(lf - in->p) + 1 : in->n;
    in->scanned = in->at;
    if (lf || in->end) {
        in->dropping = false;
        in->too_long = true;
    }
}

void lines_read(void *lines)
{
    struct lines *in = lines;
    if (!make_room(in)) {
        return;
    }
    ssize_t got = read(STDIN_FILENO, in->p + in->n, in->cap - in->n - 1);
    if (got > 0) {
        in->n += (size_t)got;
    } else if (got == 0 || errno != EINTR) {
        in->err = got < 0 ? errno : 0;
        in->end = true;
    }
    if (in->dropping) {
        drop(in);
    }
}

bool lines_ready(void *lines)
{
    struct lines *in = lines;
    if (in->n > in->scanned && memchr(in->p + in->scanned, '\n', in->n - in->scanned)) {
        return true;
    }
    in->scanned = in->n;
    return in->end || in->too_long;
}

/* Cuts the line at hand off. */
static char *cut(struct lines *in)
{
    char *line = in->p + in->at;
    char *lf = memchr(line, '\n', in->n - in->at);
    size_t end = lf ? (size_t)(lf - in->p) : in->n;
    in->len = end - in->at;
    in->at = in->scanned = lf ? end + 1 : end;
    in->len -= in->len > 0 && line[in->len - 1] == '\r';
    line[in->len] = '\0';
    return line;
}

int lines_next(struct lines *in, struct link *l, char **line)
{
    *line = NULL;
    if (!lines_ready(in)) {
        link_on_input(l, STDIN_FILENO, lines_read, in);
        int status = link_rest(l, OPT_NEVER, lines_ready, in);
        link_on_input(l, -1, NULL, NULL);
        if (status) {
            return status;
        }
    }
    if (in->too_long) {
        in->too_long = !in->forgiving;
        return link_set_why(l, EXIT_DATA, "a line is longer than %u bytes", LINES_LONGEST);
    }
    if (in->err) {
        return link_set_why(l, EXIT_DATA, "cannot read standard input: %s", strerror(in->err));
    }
    *line = in->at < in->n ? cut(in) : NULL;
    return 0;
}

void lines_fini(struct lines *in)
{
    free(in->p);
    *in = (struct lines){0};
}

/* Copies one word from *from to to; false at an open quote. */
static bool copy_word(char **from, char *to)
{
    char *p = *from, quote = '\0';
    for (; *p && (quote || (*p != ' ' && *p != '\t')); p++) {
        if (quote == '\'' ? *p == '\'' : quote && *p == '"') {
            quote = '\0';
        } else if (!quote && (*p == '\'' || *p == '"')) {
            quote = *p;
        } else if (*p == '\\' && quote != '\'' &&
                   (quote ? p[1] == '"' || p[1] == '\\' : p[1] != '\0')) {
            *to++ = *++p;
        } else {
            *to++ = *p;
        }
    }
    *from = *p ? p + 1 : p;
    *to = '\0';
    return quote == '\0';
}

int words(char *line, char *v[WORDS_MAX + 1], const char **why)
{
    int n = 1;
    char *p = line;
    for (;;) {
        p += strspn(p, " \t");
        if (*p == '\0' || *p == '#') {
            break;
        }
        if (n == WORDS_MAX) {
            *why = "too many words";
            return 0;
        }
        v[n++] = p;
        char *word = p;
        if (!copy_word(&p, word)) {
            *why = "a quote is not closed";
            return 0;
        }
    }
    v[n] = NULL;
    return n;
}
