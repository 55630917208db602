/* SPDX-License-Identifier: MIT
 * Completion scripts: which shell, and what all of them are made of. */
#include "cli/common/completion_in.h"

#include <stdio.h>
#include <string.h>

#define ARGUMENTS_MAX 4 /* positional ones that are told apart */
#define PROGRAM       "NAME"

void completion_part(const struct completion *c, const char *part)
{
    for (const char *at; (at = strstr(part, PROGRAM)) != NULL; part = at + strlen(PROGRAM)) {
        printf("%.*s%s", (int)(at - part), part, c->program);
    }
    fputs(part, stdout);
}

static struct place known(const struct completion *c, struct place p)
{
    p.ids = p.ids && c->ids;
    p.sessions = p.sessions && c->sessions;
    p.exprs = p.exprs && c->exprs;
    return p;
}

struct place completion_argument(const struct completion *c, const char *args, int at,
                                 const char *before)
{
    return known(c, place_argument(args, at, before));
}

struct place completion_value(const struct completion *c, const struct opt *row)
{
    return known(c, place_value(row));
}

bool completion_is_last(const char *args, int at)
{
    return at == ARGUMENTS_MAX - 1 || place_repeats(args, at);
}

bool completion_is_source(const struct opt *row)
{
    return place_has_word(SP_STR("url|token-file|cacert|cert|key|sni|insecure"), row->name);
}

void completion_commands(const struct completion *c)
{
    struct completion_command cmd;
    for (size_t i = 0; c->command(i, &cmd); i++) {
        printf(" %s", cmd.name);
    }
}

void completion_words(const struct completion *c, const struct place *p)
{
    struct sp_str word;
    for (size_t at = 0; place_word(p, &at, &word);) {
        printf(" %.*s", (int)word.n, word.p);
    }
    if (p->commands) {
        completion_commands(c);
    }
}

void completion_values_of(const struct completion_field *field)
{
    for (const char *word = field->words; *word;) {
        size_t n = strcspn(word + 1, " ");
        printf(" %s=%.*s", field->name, (int)n, word + 1);
        word += n + 1;
    }
}

bool completion_print(const struct completion *c, const char *shell)
{
    static const struct {
        const char *shell;
        void (*print)(const struct completion *c);
    } shells[] = {{"bash", completion_bash}, {"zsh", completion_zsh}, {"fish", completion_fish}};
    for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++) {
        if (strcmp(shell, shells[i].shell) == 0) {
            shells[i].print(c);
            return true;
        }
    }
    return false;
}
