/* SPDX-License-Identifier: MIT
 * The line editor on GNU readline's callback interface; the only file that knows readline. */
#include "cli/sigctl/edit.h"

#include <stdio.h>

#include <fcntl.h>
#include <readline/history.h>
#include <readline/readline.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HISTORY_MOST 1000

static struct edit_conf conf;
static bool on;
static char *saved;
static int saved_point;

/* What the completer offered for the word at hand. */
struct offers {
    char **word;
    size_t n, cap;
    const char *prefix;
};

static struct offers offers;

static void add_offer(void *to, const char *word)
{
    struct offers *o = to;
    if (strncmp(word, o->prefix, strlen(o->prefix)) != 0) {
        return;
    }
    if (o->n == o->cap) {
        char **more = realloc(o->word, (o->cap * 2 + 16) * sizeof(*more));
        if (!more) {
            return;
        }
        o->word = more;
        o->cap = o->cap * 2 + 16;
    }
    char *copy = strdup(word);
    if (copy) {
        o->word[o->n++] = copy;
    }
}

static char *next_offer(const char *text, int state)
{
    static size_t at;
    (void)text;
    if (state == 0) {
        at = 0;
    }
    return at < offers.n ? strdup(offers.word[at++]) : NULL;
}

static char *next_file(const char *text, int state)
{
    char *file = rl_filename_completion_function(text + 1, state);
    char *word = NULL;
    if (file && asprintf(&word, "@%s", file) < 0) {
        word = NULL;
    }
    free(file);
    return word;
}

static char **complete(const char *text, int start, int end)
{
    (void)end;
    rl_attempted_completion_over = 1;
    if (text[0] == '@') {
        return rl_completion_matches(text, next_file);
    }
    offers.prefix = text;
    conf.complete(conf.ctx, rl_line_buffer, (size_t)start, add_offer, &offers);
    char **matches = offers.n > 0 ? rl_completion_matches(text, next_offer) : NULL;
    for (size_t i = 0; i < offers.n; i++) {
        free(offers.word[i]);
    }
    offers.n = 0;
    return matches;
}

static void on_line(char *line)
{
    /* else readline shows the next prompt before the command has said anything */
    rl_callback_handler_remove();
    on = false;
    conf.on_line(conf.ctx, line);
}

void edit_open(const struct edit_conf *c)
{
    conf = *c;
    rl_readline_name = "sigctl";
    rl_catch_signals = 0;
    rl_catch_sigwinch = 0;
    rl_attempted_completion_function = complete;
    rl_completer_word_break_characters = " \t";
    using_history();
    stifle_history(HISTORY_MOST);
    if (conf.history) {
        read_history(conf.history);
    }
}

void edit_begin(void)
{
    on = true;
    rl_callback_handler_install(conf.prompt, on_line);
}

void edit_read(void)
{
    if (on) {
        rl_callback_read_char();
    }
}

void edit_hide(void)
{
    if (!on) {
        return;
    }
    saved_point = rl_point;
    saved = rl_copy_text(0, rl_end);
    rl_save_prompt();
    rl_replace_line("", 0);
    rl_redisplay();
    fputs("\r\033[K", rl_outstream);
    fflush(rl_outstream);
}

void edit_show(void)
{
    if (!on) {
        return;
    }
    rl_restore_prompt();
    rl_replace_line(saved ? saved : "", 0);
    rl_point = saved_point;
    free(saved);
    saved = NULL;
    rl_on_new_line();
    rl_redisplay();
}

void edit_drop(void)
{
    if (!on) {
        return;
    }
    fputs("^C\n", rl_outstream);
    rl_callback_sigcleanup();
    rl_replace_line("", 0);
    rl_on_new_line();
    rl_redisplay();
}

void edit_resize(void)
{
    rl_resize_terminal();
}

void edit_remember(const char *line)
{
    HIST_ENTRY *last = history_length > 0 ? history_get(history_base + history_length - 1) : NULL;
    if (!last || strcmp(last->line, line) != 0) {
        add_history(line);
    }
}

void edit_close(void)
{
    if (on) {
        rl_callback_handler_remove();
        on = false;
    }
    if (conf.history) {
        /* made with the right mode before readline writes into it */
        int fd = open(conf.history, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        if (fd >= 0) {
            close(fd);
            write_history(conf.history);
        }
    }
    clear_history();
    free(offers.word);
    offers = (struct offers){0};
}
