/* SPDX-License-Identifier: MIT
 * The inside of the prompt: the loop, completion and hints, the history, the session as a script.
 */
#ifndef SIGCTL_REPL_H
#define SIGCTL_REPL_H

#include "cli/sigctl/ctl.h"
#include "cli/sigctl/edit.h"
#include "cli/sigctl/ids.h"

struct repl {
    struct ctl *c;
    struct ids ids;
    char *line;
    bool has_line, end;
    bool lost;    /* the connection ended while a command ran */
    char *script; /* lines that succeeded */
    size_t script_n;
    unsigned script_lines;
};

/* repl_complete and repl_hint are edit_conf's; ctx is the struct repl. */
int repl_complete(void *ctx, const char *line, size_t start, edit_add_fn add, void *to);
void repl_hint(void *ctx, const char *line, char *out, size_t cap);

/* repl_has_secret tells whether a line may hold a token; such lines are kept nowhere. */
bool repl_has_secret(const char *line);
/* history_load teaches the editor the lines of the history; history_add appends one for this and
 * later sessions. Without a place for it nothing happens. */
void history_load(void);
void history_add(const char *line);

/* repl_note adds a line that succeeded to the script of save. */
void repl_note(struct repl *r, const char *line);

#endif
