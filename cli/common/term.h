/* SPDX-License-Identifier: MIT
 * The terminal of the prompt: its modes while a line is typed and while a command runs, and Ctrl-Z.
 */
#ifndef CLI_TERM_H
#define CLI_TERM_H

#include <stdbool.h>
#include <stdio.h>

enum term_mode {
    TERM_COOKED, /* as it was found: for programs that read it */
    TERM_KEYS    /* keys are kept as they come and not shown; Ctrl-C and Ctrl-Z are signals */
};

/* term_open remembers how the terminal is and has it so while the process is stopped. */
void term_open(void);
void term_set(enum term_mode mode);
/* term_was_stopped tells, once, that the process was stopped and goes on. */
bool term_was_stopped(void);
/* term_close leaves the terminal as it was found. */
void term_close(void);

/* term_screen is where the line being typed goes: stdout, or stderr when stdout is no terminal. */
FILE *term_screen(void);
/* term_columns gives the width, 80 when it is not known. */
int term_columns(void);
/* term_width gives the columns that text takes, -1 when it has what cannot be shown. */
int term_width(const char *text);
/* term_clear goes above rows up and clears that row and those behind it, one by one, and leaves the
 * cursor at the start of the first. Clearing all of the screen at once would have some terminals
 * keep it as output. */
void term_clear(int above, int behind);

#endif
