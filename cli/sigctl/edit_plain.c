/* SPDX-License-Identifier: MIT
 * The line editor without readline: the terminal's own line editing, no history, no completion. */
#include "cli/sigctl/edit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_MOST 65536

static struct edit_conf conf;
static char buf[LINE_MOST];
static size_t len;
static bool on;

static void prompt(void)
{
    fputs(conf.prompt, stdout);
    fflush(stdout);
}

void edit_open(const struct edit_conf *c)
{
    conf = *c;
    len = 0;
}

/* Hands the first whole line over, if there is one. */
static bool hand_over(void)
{
    char *lf = memchr(buf, '\n', len);
    if (!lf) {
        return false;
    }
    size_t n = (size_t)(lf - buf);
    char *line = strndup(buf, n);
    len -= n + 1;
    memmove(buf, lf + 1, len);
    on = false;
    conf.on_line(conf.ctx, line);
    return true;
}

void edit_begin(void)
{
    on = true;
    prompt();
    hand_over();
}

void edit_read(void)
{
    if (!on) {
        return;
    }
    ssize_t got = read(STDIN_FILENO, buf + len, sizeof(buf) - len);
    if (got > 0) {
        len += (size_t)got;
        if (!hand_over() && len == sizeof(buf)) {
            len = 0; /* a line that long is no command */
        }
        return;
    }
    on = false;
    conf.on_line(conf.ctx, NULL);
}

void edit_hide(void)
{
    if (on) {
        putchar('\n');
    }
}

void edit_show(void)
{
    if (on) {
        prompt();
    }
}

void edit_drop(void)
{
    if (on) {
        putchar('\n');
        prompt();
    }
}

void edit_resize(void)
{
}

void edit_remember(const char *line)
{
    (void)line;
}

void edit_close(void)
{
}
