/* SPDX-License-Identifier: MIT
 * The line editor on GNU readline's callback interface; the only file that knows readline. */
#include "cli/common/term.h"
#include "cli/sigctl/edit.h"

#include <ctype.h>
#include <readline/history.h>
#include <readline/readline.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define HISTORY_MOST 1000
#define LIST_MOST    200 /* offers that are listed */

static struct edit_conf conf;
static bool on, hinted;

/* ---------------------------------------------------------------- completion */

/* What the completer offered for the word at hand. */
struct offers {
    char **word;
    size_t n, cap;
    const char *prefix;
};

static struct offers offers;

/* Takes the word over. */
static void put_offer(struct offers *o, char *word)
{
    if (o->n == o->cap) {
        char **more = realloc(o->word, (o->cap * 2 + 16) * sizeof(*more));
        if (!more) {
            free(word);
            return;
        }
        o->word = more;
        o->cap = o->cap * 2 + 16;
    }
    o->word[o->n++] = word;
}

static void add_offer(void *to, const char *word)
{
    struct offers *o = to;
    char *copy = strncmp(word, o->prefix, strlen(o->prefix)) == 0 ? strdup(word) : NULL;
    if (copy) {
        put_offer(o, copy);
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

static bool is_special(char c)
{
    return strchr(" \t\\'\"#", c) != NULL;
}

/* The name of a file as it stands on a line; a directory ends with a slash. */
static char *quoted(const char *head, size_t head_n, const char *file)
{
    struct stat st;
    char *word = malloc(head_n + 2 * strlen(file) + 2), *p = word;
    if (!word) {
        return NULL;
    }
    memcpy(p, head, head_n);
    p += head_n;
    for (const char *f = file; *f; f++) {
        if (is_special(*f) && rl_completion_quote_character == '\0') {
            *p++ = '\\';
        }
        *p++ = *f;
    }
    if (stat(file, &st) == 0 && S_ISDIR(st.st_mode)) {
        *p++ = '/';
        rl_completion_append_character = '\0';
    }
    *p = '\0';
    return word;
}

static void add_files(const char *text, size_t at)
{
    char *plain = strdup(text + at), *to = plain, *file;
    for (const char *from = plain; from && (*to = *from) != '\0'; from++) {
        to += *from != '\\' || rl_completion_quote_character || from[1] == '\0';
    }
    for (int state = 0; plain && (file = rl_filename_completion_function(plain, state));
         state = 1) {
        char *word = quoted(text, at, file);
        free(file);
        if (word) {
            put_offer(&offers, word);
        }
    }
    free(plain);
    rl_filename_completion_desired = 0;
}

static char **complete(const char *text, int start, int end)
{
    (void)end;
    rl_attempted_completion_over = 1;
    offers.prefix = text;
    int file = conf.complete(conf.ctx, rl_line_buffer, (size_t)start, add_offer, &offers);
    if (file >= 0) {
        add_files(text, (size_t)file);
    }
    if (offers.n > 1) {
        rl_completion_append_character = ' ';
    }
    char **matches = offers.n > 0 ? rl_completion_matches(text, next_offer) : NULL;
    for (size_t i = 0; i < offers.n; i++) {
        free(offers.word[i]);
    }
    offers.n = 0;
    return matches;
}

/* Readline would ask, and serve nothing else until there is an answer. */
static void list_offers(char **matches, int n, int longest)
{
    int shown = n < LIST_MOST ? n : LIST_MOST;
    rl_display_match_list(matches, shown, longest);
    if (shown < n) {
        fprintf(rl_outstream, "and %d more\n", n - shown);
    }
    rl_forced_update_display();
}

/* A blank behind a backslash does not end a word. */
static int is_quoted(char *line, int at)
{
    bool yes = false;
    for (int i = 0; i < at; i++) {
        yes = !yes && line[i] == '\\';
    }
    return yes;
}

/* ---------------------------------------------------------------- hints */

static bool is_plain_typing(void)
{
    return rl_point == rl_end && rl_end > 0 &&
           !RL_ISSTATE(RL_STATE_ISEARCH | RL_STATE_NSEARCH | RL_STATE_NUMERICARG | RL_STATE_DONE);
}

static void drop_hint(void)
{
    if (hinted) {
        fputs("\033[K", rl_outstream);
        hinted = false;
    }
}

/* Behind the cursor, where readline does not know of it. */
static void put_hint(void)
{
    char text[256] = "";
    int rows, columns, typed = term_width(rl_line_buffer);
    if (!conf.hint || !is_plain_typing() || typed < 0) {
        return;
    }
    conf.hint(conf.ctx, rl_line_buffer, text, sizeof(text));
    rl_get_screen_size(&rows, &columns);
    int width = term_width(text);
    int column = columns > 0 ? (term_width(conf.prompt) + typed) % columns : 0;
    if (width > 0 && column > 0 && column + width < columns) {
        fprintf(rl_outstream, "\033[2m%s\033[0m\033[%dD", text, width);
        fflush(rl_outstream);
        hinted = true;
    }
}

/* Readline leaves the cursor behind the text, where the hint begins. */
static void show_all(void)
{
    rl_forced_update_display();
    put_hint();
}

/* ---------------------------------------------------------------- the editor */

static void on_line(char *line)
{
    /* else readline shows the next prompt before the command has said anything */
    rl_callback_handler_remove();
    on = false;
    term_set(TERM_KEYS);
    conf.on_line(conf.ctx, line);
}

void edit_open(const struct edit_conf *c)
{
    conf = *c;
    term_open();
    rl_readline_name = "sigctl";
    rl_outstream = term_screen();
    rl_catch_signals = 0;
    rl_catch_sigwinch = 0;
    rl_attempted_completion_function = complete;
    rl_completion_display_matches_hook = list_offers;
    rl_completer_word_break_characters = " \t";
    rl_completer_quote_characters = "'\"";
    rl_char_is_quoted_p = is_quoted;
    rl_initialize();
    rl_variable_bind("page-completions", "off");
    rl_variable_bind("enable-bracketed-paste", "off"); /* lines of a paste run one by one */
    using_history();
    stifle_history(HISTORY_MOST);
}

void edit_begin(void)
{
    term_set(TERM_COOKED); /* readline shows what is typed only where the terminal would */
    rl_reset_screen_size();
    on = true;
    rl_callback_handler_install(conf.prompt, on_line);
}

void edit_read(void)
{
    if (on) {
        drop_hint();
        rl_callback_read_char();
    }
    if (on) {
        put_hint();
    }
}

void edit_hide(void)
{
    if (on) {
        rl_clear_visible_line();
        fflush(rl_outstream);
        hinted = false;
    }
}

void edit_show(void)
{
    if (on) {
        show_all();
    }
}

void edit_drop(void)
{
    if (!on) {
        return;
    }
    drop_hint();
    rl_callback_sigcleanup();
    rl_point = rl_end;
    rl_redisplay();
    fputs("^C\n", rl_outstream);
    rl_replace_line("", 1);
    rl_on_new_line();
    rl_redisplay();
}

static int rows_before(int point)
{
    char *text = rl_copy_text(0, point);
    int width = text ? term_width(text) : -1;
    free(text);
    return width < 0 ? 0 : (term_width(conf.prompt) + width - 1) / term_columns();
}

/* Terminals break what is too long for the new width anew, and the cursor moves along. */
void edit_resize(void)
{
    rl_reset_screen_size();
    if (on) {
        term_clear(rows_before(rl_point), rows_before(rl_end));
        hinted = false;
        show_all();
    }
}

void edit_redraw(void)
{
    if (on) {
        fputs("\r\033[K", rl_outstream);
        hinted = false;
        show_all();
    }
}

void edit_learn(const char *line)
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
    fputc('\n', rl_outstream);
    term_close();
    clear_history();
    free(offers.word);
    offers = (struct offers){0};
}
