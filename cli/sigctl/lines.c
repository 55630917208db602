/* SPDX-License-Identifier: MIT
 * Lines of stdin and the words of a line. */
#include "cli/sigctl/lines.h"

#include "cli/common/exits.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static void on_input(void *ctx)
{
    struct lines *in = ctx;
    if (in->at > 0) {
        memmove(in->p, in->p + in->at, in->n - in->at);
        in->n -= in->at;
        in->scanned -= in->at;
        in->at = 0;
    }
    if (in->n + 4096 > in->cap) {
        char *more = in->cap < LINES_LONGEST ? realloc(in->p, in->cap * 2 + 8192) : NULL;
        if (!more) {
            in->too_long = true;
            return;
        }
        in->p = more;
        in->cap = in->cap * 2 + 8192;
    }
    ssize_t got = read(STDIN_FILENO, in->p + in->n, in->cap - in->n - 1);
    if (got > 0) {
        in->n += (size_t)got;
    } else if (got == 0 || errno != EINTR) {
        in->err = got < 0 ? errno : 0;
        in->end = true;
    }
}

static bool has_line(void *ctx)
{
    struct lines *in = ctx;
    if (in->n > in->scanned && memchr(in->p + in->scanned, '\n', in->n - in->scanned)) {
        return true;
    }
    in->scanned = in->n;
    return in->end || in->too_long;
}

int lines_next(struct lines *in, struct link *l, char **line)
{
    *line = NULL;
    if (!has_line(in)) {
        link_on_input(l, STDIN_FILENO, on_input, in);
        int status = link_rest(l, OPT_NEVER, has_line, in);
        link_on_input(l, -1, NULL, NULL);
        if (status) {
            return status;
        }
    }
    if (in->too_long) {
        return link_set_why(l, EXIT_DATA, "a line is longer than %u bytes", LINES_LONGEST);
    }
    if (in->err) {
        return link_set_why(l, EXIT_DATA, "cannot read standard input: %s", strerror(in->err));
    }
    if (in->at == in->n) {
        return 0;
    }
    char *lf = memchr(in->p + in->at, '\n', in->n - in->at);
    size_t end = lf ? (size_t)(lf - in->p) : in->n;
    *line = in->p + in->at;
    in->p[end] = '\0';
    if (end > in->at && in->p[end - 1] == '\r') {
        in->p[end - 1] = '\0';
    }
    in->at = in->scanned = lf ? end + 1 : end;
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
