/* SPDX-License-Identifier: MIT
 * What may stand where on a command line. */
#include "cli/common/place.h"

#include <ctype.h>
#include <string.h>

#define MORE "..." /* that and more of the kind */

bool place_has_word(struct sp_str words, const char *word)
{
    size_t at = 0;
    while (at < words.n) {
        size_t n = 0;
        while (at + n < words.n && words.p[at + n] != '|') {
            n++;
        }
        if (n == strlen(word) && memcmp(words.p + at, word, n) == 0) {
            return true;
        }
        at += n + 1;
    }
    return false;
}

/* "gen | show [SPEC]": several forms */
static bool has_forms(const char *args)
{
    return strstr(args, " | ") != NULL;
}

static bool ends_in_more(const char *word, size_t n)
{
    size_t more = strlen(MORE);
    n -= n > 0 && word[n - 1] == ']';
    return n > more && memcmp(word + n - more, MORE, more) == 0;
}

const char *place_rest(const char *args, int at)
{
    if (at > 0 && has_forms(args)) {
        return "";
    }
    for (; at > 0 && *args; at--) {
        size_t n = strcspn(args, " ");
        if (ends_in_more(args, n)) {
            return args;
        }
        args += n + strspn(args + n, " ");
    }
    return args;
}

bool place_repeats(const char *args, int at)
{
    const char *rest = place_rest(args, at);
    return ends_in_more(rest, strcspn(rest, " "));
}

struct place place_argument(const char *args, int at, const char *before)
{
    const char *rest = place_rest(args, at);
    struct sp_str words = {rest, strcspn(rest, has_forms(args) ? "" : " ")};
    bool repeats = ends_in_more(words.p, words.n);
    bool optional = words.n > 2 && words.p[0] == '[';
    if (optional) {
        words = (struct sp_str){words.p + 1, words.n - 2};
    }
    words.n -= repeats ? strlen(MORE) : 0;
    struct place p = {.words = words};
    /* an optional id is one's own */
    p.ids = place_has_word(words, "TO") || (!optional && place_has_word(words, "ID")) ||
            (place_has_word(words, "WHAT") && before && strcmp(before, "peer") == 0);
    p.sessions = place_has_word(words, "SESSION");
    p.exprs = place_has_word(words, "EXPR");
    p.files = place_has_word(words, "FILE");
    p.commands = place_has_word(words, "COMMAND");
    return p;
}

struct place place_value(const struct opt *row)
{
    struct place p = {0};
    const char *arg = row->arg ? row->arg : "";
    if (row->type == OPT_CHOICE) {
        p.words = sp_str(arg);
    }
    p.files = strcmp(arg, "FILE") == 0 || strcmp(arg, "F") == 0;
    p.ids = strcmp(arg, "GLOB") == 0;
    p.exprs = strcmp(arg, "EXPR") == 0;
    return p;
}

bool place_word(const struct place *p, size_t *at, struct sp_str *word)
{
    while (*at < p->words.n) {
        const char *from = p->words.p + *at;
        size_t left = p->words.n - *at, n = 0;
        while (n < left && from[n] != '|' && from[n] != ' ') {
            n++;
        }
        *at += n + 1;
        *word = (struct sp_str){from, n};
        if (n > 0 && islower((unsigned char)*from)) {
            return true;
        }
    }
    return false;
}

bool place_is_any(const struct place *p)
{
    struct sp_str word;
    size_t at = 0;
    return p->ids || p->sessions || p->exprs || p->files || p->commands ||
           place_word(p, &at, &word);
}
