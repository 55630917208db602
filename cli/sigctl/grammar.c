/* SPDX-License-Identifier: MIT
 * What may stand where on a command line. */
#include "cli/sigctl/grammar.h"

#include <ctype.h>

static struct sp_str next_word(const char *text, const char *ends)
{
    return (struct sp_str){text, strcspn(text, ends)};
}

/* "gen | show [SPEC]": several forms */
static bool has_forms(const struct command *cmd)
{
    return strstr(cmd->args, " | ") != NULL;
}

const char *grammar_rest(const struct command *cmd, int at)
{
    const char *p = cmd->args;
    if (at > 0 && has_forms(cmd)) {
        return "";
    }
    for (; at > 0 && *p; at--) {
        p += strcspn(p, " ");
        p += strspn(p, " ");
    }
    return p;
}

static bool has_word(struct sp_str words, const char *word)
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

struct place grammar_argument(const struct command *cmd, int at, const char *before)
{
    struct sp_str words = next_word(grammar_rest(cmd, at), has_forms(cmd) ? "" : " ");
    bool optional = words.n > 2 && words.p[0] == '[';
    if (optional) {
        words = (struct sp_str){words.p + 1, words.n - 2};
    }
    struct place p = {.words = words};
    /* an optional id is one's own */
    p.ids = has_word(words, "TO") || (!optional && has_word(words, "ID")) ||
            (has_word(words, "WHAT") && before && strcmp(before, "peer") == 0);
    p.files = has_word(words, "FILE") || has_word(words, "FILE...");
    p.commands = has_word(words, "COMMAND");
    return p;
}

struct place grammar_value(const struct opt *row)
{
    struct place p = {0};
    const char *arg = row->arg ? row->arg : "";
    if (row->type == OPT_CHOICE) {
        p.words = sp_str(arg);
    }
    p.files = strcmp(arg, "FILE") == 0 || strcmp(arg, "F") == 0;
    p.ids = strcmp(arg, "GLOB") == 0;
    return p;
}

bool grammar_word(const struct place *p, size_t *at, struct sp_str *word)
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

void grammar_options(const struct command *cmd, const struct opt *tables[3])
{
    tables[0] = link_rows;
    tables[1] = cmd ? cmd->rows : ctl_rows;
    tables[2] = NULL;
}

const struct opt *grammar_row(const struct command *cmd, const char *arg)
{
    const struct opt *tables[3];
    bool is_long = arg[0] == '-' && arg[1] == '-';
    size_t n = is_long ? strcspn(arg + 2, "=") : 0;
    grammar_options(cmd, tables);
    for (int t = 0; arg[0] == '-' && tables[t]; t++) {
        for (const struct opt *row = tables[t]; row->name; row++) {
            if (is_long ? strlen(row->name) == n && memcmp(row->name, arg + 2, n) == 0
                        : row->letter && arg[strlen(arg) - 1] == row->letter) {
                return opt_is_argument(row) ? row : NULL;
            }
        }
    }
    return NULL;
}

bool grammar_is_of_run(const struct opt *row)
{
    struct sp_str names =
        SP_STR("url|token-file|cacert|cert|key|sni|insecure|wait-server|retry|trace|"
               "env-file|version");
    return has_word(names, row->name);
}

static size_t size_of(const struct opt *row)
{
    if (!opt_takes_value(row)) {
        return sizeof(bool);
    }
    bool number = row->type == OPT_COUNT || row->type == OPT_SIZE || row->type == OPT_DURATION ||
                  row->type == OPT_TIMEOUT;
    return number ? sizeof(int64_t) : sizeof(const char *);
}

const char *grammar_misplaced(const struct link_opts *run, const struct link_opts *line)
{
    for (const struct opt *row = link_rows; row->name; row++) {
        if (grammar_is_of_run(row) && memcmp((const char *)run + row->off,
                                             (const char *)line + row->off, size_of(row)) != 0) {
            return row->name;
        }
    }
    return NULL;
}
