/* SPDX-License-Identifier: MIT
 * A line editor for the loop: readline behind it, or one with the least that a prompt needs. */
#ifndef SIGCTL_EDIT_H
#define SIGCTL_EDIT_H

#include <stdbool.h>
#include <stddef.h>

typedef void (*edit_add_fn)(void *to, const char *word);

struct edit_conf {
    const char *prompt; /* plain text */
    /* takes the line, or NULL at the end of input; the editor stays off until edit_begin */
    void (*on_line)(void *ctx, char *line);
    /* adds what may stand in place of the word that starts at the offset in line; gives the offset
     * in the word at which the name of a file may stand, -1 for none */
    int (*complete)(void *ctx, const char *line, size_t start, edit_add_fn add, void *to);
    /* writes what is still to type, shown behind a line that is typed to its end; NULL: no hints */
    void (*hint)(void *ctx, const char *line, char *out, size_t cap);
    void *ctx;
};

void edit_open(const struct edit_conf *conf);
/* edit_begin shows the prompt and takes keys; edit_read serves a readable stdin. */
void edit_begin(void);
void edit_read(void);
/* edit_hide clears the line being typed, so that output may come; edit_show brings it back. */
void edit_hide(void);
void edit_show(void);
/* edit_drop throws the line away and shows a new prompt; edit_resize follows the terminal;
 * edit_redraw shows the line again after the process was stopped. */
void edit_drop(void);
void edit_resize(void);
void edit_redraw(void);
/* edit_learn adds a line to what the arrow keys bring back. */
void edit_learn(const char *line);
void edit_close(void);

#endif
