/* SPDX-License-Identifier: MIT
 * Commands from a terminal: a prompt, what arrives above it, completion from what is there. */
#include "cli/sigctl/repl.h"
#include "cli/common/out.h"
#include "cli/common/term.h"
#include "cli/sigctl/lines.h"
#include "cli/sigctl/show.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static void show(struct ctl *c, const struct link_msg *m)
{
    struct repl *r = c->repl;
    if (m->type == SP_T_PRESENCE) {
        ids_presence(&r->ids, m);
        return;
    }
    edit_hide();
    if (print_is_machine(&c->opts)) {
        print_received(&c->opts, m);
    } else {
        show_message(stdout, m);
    }
    edit_show();
}

static void on_line(void *ctx, char *line)
{
    struct repl *r = ctx;
    r->line = line;
    r->has_line = true;
    r->end = line == NULL;
}

/* Asked in each round of waiting, also when a signal ended it. */
static bool has_line(void *ctx)
{
    if (term_was_stopped()) {
        edit_redraw();
    }
    return ((struct repl *)ctx)->has_line;
}

static void on_input(void *ctx)
{
    (void)ctx;
    edit_read();
}

static bool on_typing_signal(void *ctx, int signo)
{
    (void)ctx;
    if (signo == SIGINT) {
        edit_drop();
    } else if (signo == SIGWINCH) {
        edit_resize();
    }
    return signo == SIGINT || signo == SIGWINCH;
}

/* For completion; a server that does not let us watch just gives none. */
static void watch_all(struct repl *r)
{
    struct sp_str none = {NULL, 0};
    struct ctl *c = r->c;
    int64_t deadline = link_deadline(CTL_ONE_US);
    ids_clear(&r->ids);
    if (ctl_query(c, SP_T_WATCH, none, SP_T_ACK, deadline) == 0 &&
        ctl_query(c, SP_T_LIST, SP_STR("\"limit\":1000"), SP_T_CLIENTS, deadline) == 0) {
        ids_list(&r->ids, link_reply(c->link));
    }
}

static void remark(void *ctx, const char *text)
{
    (void)ctx;
    edit_hide();
    out_note("%s", text);
    edit_show();
}

static int come_back(struct repl *r)
{
    struct link *link = r->c->link;
    int status = link_recover(link, has_line, r, OPT_NEVER);
    if (status == 0 && link_is_open(link)) {
        remark(NULL, "connected again");
        watch_all(r);
    } else if (status > 0 && status < 128) {
        remark(NULL, link_why(link)->text);
        status = 0;
    }
    return status;
}

/* Waits for a line while the connection lives, dies and comes back. */
static int read_line(struct repl *r)
{
    struct link *link = r->c->link;
    int status = 0;
    r->has_line = false;
    link_on_signal(link, on_typing_signal, r);
    link_on_input(link, STDIN_FILENO, on_input, r);
    link_on_remark(link, remark, NULL);
    link_comes_back(link, true);
    edit_begin();
    while (!r->has_line && status == 0) {
        if (link_is_open(link)) {
            status = link_until(link, has_line, r, OPT_NEVER);
        } else {
            status = r->lost ? EXIT_LOST : link_rest(link, OPT_NEVER, has_line, r);
        }
        r->lost = false;
        if (status == EXIT_LOST) {
            status = come_back(r);
        }
    }
    link_comes_back(link, false);
    link_on_remark(link, NULL, NULL);
    link_on_input(link, -1, NULL, NULL);
    link_on_signal(link, NULL, NULL);
    return status;
}

/* Tells whether a command reads the terminal itself, or runs a program that may. */
static bool reads_terminal(int n, char **v)
{
    static const char *const words[] = {"--exec", "-", "-l", "--lines", "--jsonl", "token"};
    for (int i = 1; i < n; i++) {
        size_t len = strlen(v[i]);
        for (size_t w = 0; w < sizeof(words) / sizeof(words[0]); w++) {
            if (strcmp(v[i], words[w]) == 0) {
                return true;
            }
        }
        if (len >= 2 && strcmp(v[i] + len - 2, "@-") == 0) {
            return true;
        }
    }
    return false;
}

static bool is_farewell(int n, char **v)
{
    return n == 2 && (strcmp(v[1], "exit") == 0 || strcmp(v[1], "quit") == 0);
}

/* What a line asked for ends with it. */
static void forget_options(struct ctl *c)
{
    c->opts = c->base;
    out_init(&(struct out_conf){"sigctl", c->base.json, c->base.quiet, c->base.color});
}

static int run_words(struct repl *r, int n, char **v)
{
    bool was_open = link_is_open(r->c->link), reads = reads_terminal(n, v);
    if (reads) {
        term_set(TERM_COOKED);
    }
    int status = ctl_run(r->c, n, v);
    if (reads) {
        term_set(TERM_KEYS);
    }
    forget_options(r->c);
    r->lost = was_open && !link_is_open(r->c->link);
    if (status == 128 + SIGINT) {
        out_note("cancelled");
    } else if (!was_open && link_is_open(r->c->link)) {
        watch_all(r);
    }
    return status;
}

static int run_line(struct repl *r, char *line)
{
    char *v[WORDS_MAX + 1] = {"sigctl"}, *copy = strdup(line);
    const char *why = "out of memory";
    int n = copy ? words(copy, v, &why) : 0, status = 0;
    if (n == 0) {
        status = ctl_fail(r->c, EXIT_USAGE, NULL, "%s", why);
    } else if (is_farewell(n, v)) {
        r->end = true;
    } else if (n > 1) {
        status = run_words(r, n, v);
    }
    if (status == 0 && n > 1 && !r->end) {
        repl_note(r, line);
    }
    free(copy);
    return status;
}

static bool is_remembered(const char *line)
{
    return line[0] && line[0] != ' ' && line[strspn(line, "\t")] && !repl_has_secret(line);
}

/* A failed command or a cancelled wait does not end the session, another signal does. */
static bool ends_session(int status)
{
    return status > 128 && status != 128 + SIGINT && status < 256;
}

static int loop(struct repl *r)
{
    int status;
    do {
        status = read_line(r);
        if (status == 0 && !r->end) {
            if (is_remembered(r->line)) {
                history_add(r->line);
            }
            status = run_line(r, r->line);
            status = ends_session(status) ? status : 0;
        }
        free(r->line);
        r->line = NULL;
    } while (status == 0 && !r->end);
    return status;
}

/* Runs the lines of --init up to the first that fails; gives the status that ends the session. */
static int run_file(struct repl *r, FILE *f)
{
    size_t room = 0;
    char *line = NULL;
    int status = 0;
    r->c->file = r->c->own.init;
    r->c->line = 0;
    while (status == 0 && !r->end && getline(&line, &room, f) >= 0) {
        line[strcspn(line, "\r\n")] = '\0';
        r->c->line++;
        status = run_line(r, line);
    }
    free(line);
    r->c->file = NULL;
    return ends_session(status) ? status : 0;
}

static bool wants_hints(const struct ctl *c)
{
    const char *no = getenv("NO_COLOR");
    return c->base.color ? strcmp(c->base.color, "never") != 0 : !no || !*no;
}

static int session(struct repl *r, FILE *init)
{
    watch_all(r);
    edit_open(&(struct edit_conf){.prompt = "sigctl> ",
                                  .on_line = on_line,
                                  .complete = repl_complete,
                                  .hint = wants_hints(r->c) ? repl_hint : NULL,
                                  .ctx = r});
    history_load();
    int status = init ? run_file(r, init) : 0;
    if (status == 0 && !r->end) {
        status = loop(r);
    }
    edit_close();
    return status;
}

static int start(struct repl *r, FILE *init)
{
    struct ctl *c = r->c;
    c->opts = c->base;
    if (ctl_connect(c) != 0) {
        return link_why(c->link)->status;
    }
    if (!ids_init(&r->ids, NULL)) {
        return ctl_fail(c, EXIT_DATA, NULL, "out of memory");
    }
    c->show = show;
    int status = c->base.id ? ctl_identity(c) : 0;
    status = status ? status : session(r, init);
    c->show = NULL;
    ids_fini(&r->ids);
    free(r->script);
    return status;
}

int repl_run(struct ctl *c)
{
    struct repl r = {.c = c};
    FILE *init = c->own.init ? fopen(c->own.init, "re") : NULL;
    if (c->own.init && !init) {
        return ctl_fail(c, EXIT_DATA, NULL, "%s: %s", c->own.init, strerror(errno));
    }
    c->repl = &r;
    int status = start(&r, init);
    if (init) {
        fclose(init);
    }
    return status;
}
