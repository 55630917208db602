/* SPDX-License-Identifier: MIT
 * Commands from a terminal: a prompt, what arrives above it, completion from what is there. */
#include "cli/common/out.h"
#include "cli/sigctl/edit.h"
#include "cli/sigctl/ids.h"
#include "cli/sigctl/lines.h"
#include "cli/sigctl/show.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct repl {
    struct ctl *c;
    struct ids ids;
    char *line;
    bool has_line, end;
    bool lost; /* the connection ended while a command ran */
};

static bool make_dir(const char *path)
{
    return mkdir(path, 0700) == 0 || errno == EEXIST;
}

/* The directories of $XDG_STATE_HOME may not be there yet. */
static const char *history_path(char *path, size_t cap)
{
    char dir[3000];
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    if (state && state[0] == '/') {
        snprintf(dir, sizeof(dir), "%s", state);
    } else if (home && home[0] == '/') {
        snprintf(dir, sizeof(dir), "%s/.local", home);
        make_dir(dir);
        snprintf(dir, sizeof(dir), "%s/.local/state", home);
    } else {
        return NULL;
    }
    if (!make_dir(dir)) {
        return NULL;
    }
    snprintf(path, cap, "%s/sigkit", dir);
    if (!make_dir(path)) {
        return NULL;
    }
    snprintf(path, cap, "%s/sigkit/history", dir);
    return path;
}

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

static bool has_line(void *ctx)
{
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

static void add_rows(const struct opt *rows, edit_add_fn add, void *to)
{
    char name[64];
    for (; rows->name; rows++) {
        snprintf(name, sizeof(name), "--%s", rows->name);
        add(to, name);
    }
}

static void add_commands(edit_add_fn add, void *to)
{
    for (const struct command *cmd = commands; cmd->name; cmd++) {
        add(to, cmd->name);
    }
}

static void add_ids(const struct repl *r, edit_add_fn add, void *to)
{
    const char *id;
    for (size_t at = 0; (id = ids_each(&r->ids, &at)) != NULL;) {
        add(to, id);
    }
}

static void complete(void *ctx, const char *line, size_t start, edit_add_fn add, void *to)
{
    static const char *const waits[] = {"peer", "peers", "message", "server"};
    struct repl *r = ctx;
    char copy[1024], *v[WORDS_MAX + 1] = {"sigctl"};
    const char *why;
    snprintf(copy, sizeof(copy), "%.*s", (int)start, line);
    int n = words(copy, v, &why);
    int at = n > 0 ? command_index(n, v) : 0;
    const struct command *cmd = n > 0 && at < n ? command_find(v[at]) : NULL;
    if (line[start] == '-') {
        add_rows(link_rows, add, to);
        add_rows(cmd ? cmd->rows : help_rows, add, to);
    } else if (!cmd || cmd->run == cmd_help) {
        add_commands(add, to);
    } else if (cmd->run == cmd_wait && at + 1 == n) {
        for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
            add(to, waits[i]);
        }
    } else {
        add_ids(r, add, to);
    }
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

static bool is_blank(const char *line)
{
    return line[strspn(line, " \t")] == '\0';
}

static int run_line(struct repl *r, bool typed)
{
    char *v[WORDS_MAX + 1] = {"sigctl"};
    const char *why = NULL;
    bool was_open = link_is_open(r->c->link);
    if (is_blank(r->line)) {
        return 0;
    }
    if (typed && !strcasestr(r->line, "token")) {
        edit_remember(r->line);
    }
    int n = words(r->line, v, &why);
    if (n == 0) {
        return ctl_fail(r->c, EXIT_USAGE, NULL, "%s", why);
    }
    int status = n > 1 ? ctl_run(r->c, n, v) : 0;
    r->lost = was_open && !link_is_open(r->c->link);
    if (status == 128 + SIGINT) {
        out_note("cancelled");
    } else if (!was_open && link_is_open(r->c->link)) {
        watch_all(r);
    }
    return status;
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
            status = run_line(r, true);
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
    int status = 0;
    r->c->file = r->c->own.init;
    r->c->line = 0;
    while (status == 0 && getline(&r->line, &room, f) >= 0) {
        r->line[strcspn(r->line, "\r\n")] = '\0';
        r->c->line++;
        status = run_line(r, false);
    }
    free(r->line);
    r->line = NULL;
    r->c->file = NULL;
    return ends_session(status) ? status : 0;
}

static int run_init(struct repl *r)
{
    FILE *f = r->c->own.init ? fopen(r->c->own.init, "re") : NULL;
    if (r->c->own.init && !f) {
        return ctl_fail(r->c, EXIT_DATA, NULL, "%s: %s", r->c->own.init, strerror(errno));
    }
    int status = f ? run_file(r, f) : 0;
    if (f) {
        fclose(f);
    }
    return status;
}

int repl_run(struct ctl *c)
{
    struct repl r = {.c = c};
    char path[4096];
    c->opts = c->base;
    c->repl = &r;
    if (ctl_connect(c) != 0) {
        return link_why(c->link)->status;
    }
    if (!ids_init(&r.ids, NULL)) {
        return ctl_fail(c, EXIT_DATA, NULL, "out of memory");
    }
    c->show = show;
    int status = c->base.id ? ctl_identity(c) : 0;
    if (status == 0) {
        watch_all(&r);
        edit_open(&(struct edit_conf){"sigctl> ", history_path(path, sizeof(path)), on_line,
                                      complete, &r});
        status = run_init(&r);
        status = status ? status : loop(&r);
        edit_close();
        putchar('\n');
    }
    c->show = NULL;
    ids_fini(&r.ids);
    return status;
}
