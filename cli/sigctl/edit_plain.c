/* SPDX-License-Identifier: MIT
 * The line editor without readline: typing at the end of the line, erasing, no history. */
#include "cli/common/term.h"
#include "cli/sigctl/edit.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_MOST 65536

enum { CTRL_D = 4, CTRL_H = 8, CTRL_L = 12, CTRL_U = 21, CTRL_W = 23, ESCAPE = 27, DELETE = 127 };

static struct edit_conf conf;
static char line[LINE_MOST];
static size_t len;
static char ahead[4096]; /* keys behind the end of a line */
static size_t ahead_n;
static bool on;
static enum { KEYS, ESCAPED, SEQUENCE } state;
static int columns;

static void show_line(void)
{
    fprintf(term_screen(), "%s%s", conf.prompt, line);
    fflush(term_screen());
}

/* Up to the row where the prompt is. */
static void clear_line(void)
{
    int width = term_width(line);
    int rows = width < 0 ? 0 : (term_width(conf.prompt) + width - 1) / columns;
    term_clear(rows, rows);
}

static void hand_over(bool at_end)
{
    char *copy = at_end ? NULL : strdup(line);
    fputc('\n', term_screen());
    len = 0;
    line[0] = '\0';
    on = false;
    conf.on_line(conf.ctx, copy);
}

static size_t before_char(size_t n)
{
    while (n > 0 && ((unsigned char)line[n - 1] & 0xC0) == 0x80) {
        n--;
    }
    return n > 0 ? n - 1 : 0;
}

static size_t before_word(size_t n)
{
    while (n > 0 && line[n - 1] == ' ') {
        n--;
    }
    while (n > 0 && line[n - 1] != ' ') {
        n--;
    }
    return n;
}

static void cut(size_t n)
{
    clear_line();
    len = n;
    line[len] = '\0';
    show_line();
}

static void insert(char key)
{
    if (len + 1 < sizeof(line)) {
        line[len++] = key;
        line[len] = '\0';
        fputc(key, term_screen());
    }
}

/* An arrow key sends a sequence, of which nothing belongs to the line. */
static bool in_sequence(unsigned char key)
{
    switch (state) {
    case KEYS:
        state = key == ESCAPE ? ESCAPED : KEYS;
        return key == ESCAPE;
    case ESCAPED:
        state = key == '[' || key == 'O' ? SEQUENCE : KEYS;
        return true;
    case SEQUENCE:
        state = key >= '@' && key <= '~' ? KEYS : SEQUENCE;
        return true;
    }
    return false;
}

static void take_key(unsigned char key)
{
    if (in_sequence(key)) {
        return;
    }
    switch (key) {
    case '\r':
    case '\n':
        hand_over(false);
        break;
    case CTRL_D:
        if (len == 0) {
            hand_over(true);
        }
        break;
    case CTRL_H:
    case DELETE:
        cut(before_char(len));
        break;
    case CTRL_W:
        cut(before_word(len));
        break;
    case CTRL_U:
        cut(0);
        break;
    case CTRL_L:
        fputs("\033[H\033[2J", term_screen());
        show_line();
        break;
    default:
        if (key >= ' ') {
            insert((char)key);
        }
        break;
    }
}

static void take_ahead(void)
{
    size_t at = 0;
    while (on && at < ahead_n) {
        take_key((unsigned char)ahead[at++]);
    }
    memmove(ahead, ahead + at, ahead_n - at);
    ahead_n -= at;
    fflush(term_screen());
}

void edit_open(const struct edit_conf *c)
{
    conf = *c;
    len = ahead_n = 0;
    line[0] = '\0';
    term_open();
}

void edit_begin(void)
{
    term_set(TERM_KEYS);
    columns = term_columns();
    on = true;
    show_line();
    take_ahead();
}

void edit_read(void)
{
    if (!on) {
        return;
    }
    ssize_t got = read(STDIN_FILENO, ahead + ahead_n, sizeof(ahead) - ahead_n);
    if (got <= 0) {
        hand_over(true);
        return;
    }
    ahead_n += (size_t)got;
    take_ahead();
}

void edit_hide(void)
{
    if (on) {
        clear_line();
        fflush(term_screen());
    }
}

void edit_show(void)
{
    if (on) {
        show_line();
    }
}

void edit_drop(void)
{
    if (on) {
        fputs("^C\n", term_screen());
        len = 0;
        line[0] = '\0';
        show_line();
    }
}

void edit_resize(void)
{
    columns = term_columns();
    edit_redraw();
}

void edit_redraw(void)
{
    edit_hide();
    edit_show();
}

void edit_learn(const char *text)
{
    (void)text;
}

void edit_close(void)
{
    fputc('\n', term_screen());
    term_close();
}
