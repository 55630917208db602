/* SPDX-License-Identifier: MIT
 * Completion scripts for bash, zsh and fish, made from a program's tables. All that a script
 * defines is named after the program, so that one shell may have several. */
#ifndef CLI_COMPLETION_H
#define CLI_COMPLETION_H

#include "cli/common/opt.h"

#include <stdbool.h>
#include <stddef.h>

/* completion_command is a command, or a line without one. */
struct completion_command {
    const char *name, *args, *help; /* args: as place.h reads them */
    const struct opt *rows[3]; /* tables of options beside those of every line; ends with NULL */
};

/* completion_field is a field of filters; words, each with a space before it, are its values. */
struct completion_field {
    const char *name, *words;
};

/* completion describes a program; all of it is borrowed. */
struct completion {
    const char *program;
    const struct opt *common; /* options of every line */
    /* command gives one row of the table of commands, from 0 on; false at its end. */
    bool (*command)(size_t i, struct completion_command *cmd);
    /* A line without a command: its name is that of the command which is meant then; NULL: none. */
    struct completion_command bare;
    bool has_at; /* @FILE may stand for any word */
    /* What the program is run with to print ids that live now, a line each, within a second; NULL:
     * nothing of the kind is offered. Options of the connection are put before it. */
    const char *ids, *sessions;
    /* Options put before those too: for a server, and where -f, --file names a recording instead;
     * NULL: none, and there are no recordings. */
    const char *live, *recorded;
    /* What a filter may begin with, each with a space before it, and fields whose values are known,
     * up to a row whose name is NULL; exprs NULL: the program has no filters. */
    const char *exprs;
    const struct completion_field *fields;
};

/* completion_print writes the script for a shell, false when it is none of bash, zsh and fish. */
bool completion_print(const struct completion *c, const char *shell);

#endif
