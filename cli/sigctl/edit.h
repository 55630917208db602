/* SPDX-License-Identifier: MIT
 * A line editor for the loop: readline behind it, or nothing but the terminal's own line. */
#ifndef SIGCTL_EDIT_H
#define SIGCTL_EDIT_H

#include <stdbool.h>
#include <stddef.h>

typedef void (*edit_add_fn)(void *to, const char *word);

struct edit_conf {
    const char *prompt;
    const char *history; /* file, NULL for none */
    /* takes the line, or NULL at the end of input; the editor stays off until edit_begin */
    void (*on_line)(void *ctx, char *line);
    /* adds what may stand in place of the word that starts at the offset in line */
    void (*complete)(void *ctx, const char *line, size_t start, edit_add_fn add, void *to);
    void *ctx;
};

void edit_open(const struct edit_conf *conf);
/* edit_begin shows the prompt and takes keys; edit_read serves a readable stdin. */
void edit_begin(void);
void edit_read(void);
/* edit_hide clears the line being typed, so that output may come; edit_show brings it back. */
void edit_hide(void);
void edit_show(void);
/* edit_drop throws the line away and shows a new prompt; edit_resize follows the terminal. */
void edit_drop(void);
void edit_resize(void);
/* edit_remember adds a line to the history. */
void edit_remember(const char *line);
void edit_close(void);

#endif
