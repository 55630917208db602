/* SPDX-License-Identifier: MIT
 * sigctl: be a peer from a shell. Arguments, a script on a pipe, or a terminal. */
#include "cli/common/out.h"
#include "cli/sigctl/ctl.h"

#include <unistd.h>

const struct opt ctl_rows[] = {{"init", 0, OPT_STRING, "FILE", NULL, offsetof(struct ctl_own, init),
                                "commands to run when the prompt starts"},
                               {"coproc", 0, OPT_FLAG, NULL, NULL, offsetof(struct ctl_own, coproc),
                                "JSON lines in and out, for other programs"},
                               {0}};

static int run(struct ctl *c, int argc, char **argv, bool has_command)
{
    if (has_command) {
        return ctl_run(c, argc, argv);
    }
    if (c->own.coproc) {
        return coproc_run(c);
    }
    return c->mode == CTL_REPL ? repl_run(c) : pipe_run(c);
}

/* The link borrows c->base, so the options of the command line are read before it is made: those of
 * a command are read again, by ctl_run, into the command's struct. */
static int read_options(struct ctl *c, int argc, char **argv, char *why, size_t cap)
{
    _Alignas(16) char values[CTL_VALUES_MAX] = {0};
    static char *copy[4096];
    int at = command_index(argc, argv), end = argc, first;
    const struct command *cmd = at < argc ? command_find(argv[at]) : NULL;
    struct opt_group groups[] = {
        {link_rows, &c->base}, {ctl_rows, &c->own}, {cmd ? cmd->rows : NULL, values}};
    if (at < argc && !cmd) {
        return 0; /* ctl_run says what is wrong with the command */
    }
    for (int i = 1; cmd && i < end; i++) {
        end = strcmp(argv[i], "--exec") == 0 ? i : end;
    }
    if (end >= (int)(sizeof(copy) / sizeof(copy[0]))) {
        snprintf(why, cap, "too many arguments");
        return EXIT_USAGE;
    }
    memcpy(copy, argv, (size_t)end * sizeof(copy[0]));
    return opt_read(groups, cmd ? 3 : 2, end, copy, &first, why, cap);
}

/* The options of ctl_rows are for a certain way to run. */
static const char *misplaced(const struct ctl *c)
{
    if (c->own.coproc && (c->mode == CTL_ONE || c->own.init)) {
        return c->own.init ? "--init is for the prompt, not for --coproc"
                           : "--coproc takes its commands from standard input";
    }
    if (c->own.init && c->mode != CTL_REPL) {
        return c->mode == CTL_ONE ? "--init is for the prompt, not for a command"
                                  : "--init is for the prompt, and standard input is no terminal";
    }
    return NULL;
}

/* Who talks to no server reads no token: its file may be the one that is about to be filled. */
static struct link_opts link_options(const struct ctl *c, int argc, char **argv)
{
    int at = command_index(argc, argv);
    const struct command *cmd = at < argc ? command_find(argv[at]) : NULL;
    struct link_opts o = c->base;
    if (cmd && (o.help || (cmd->flags & CMD_LOCAL) != 0)) {
        o.token_file = o.token = NULL;
    }
    return o;
}

int main(int argc, char **argv)
{
    static struct ctl c = {.mode = CTL_ONE};
    char why[512];
    c.base = LINK_OPTS_INIT;
    bool has_command = command_index(argc, argv) < argc;
    out_streams();
    out_init(&(struct out_conf){.program = "sigctl"});
    int wrong = read_options(&c, argc, argv, why, sizeof(why));
    out_init(&(struct out_conf){"sigctl", c.base.json, c.base.quiet, c.base.color});
    if (wrong) {
        return out_done(out_fail((enum exit_code)wrong, NULL, "%s", why));
    }
    if (c.base.version) {
        puts("sigctl " SIGKIT_VERSION);
        return out_done(EXIT_OK);
    }
    if (c.base.help && !has_command) {
        help_all(stdout);
        return out_done(EXIT_OK);
    }
    if (!has_command) {
        c.mode = isatty(STDIN_FILENO) ? CTL_REPL : CTL_PIPE;
    }
    if (misplaced(&c)) {
        return out_done(out_fail(EXIT_USAGE, NULL, "%s", misplaced(&c)));
    }
    struct link_opts link = link_options(&c, argc, argv);
    c.link = link_new(&link);
    if (!c.link) {
        return out_done(EXIT_DATA);
    }
    link_on_message(c.link, ctl_message, &c);
    int status = run(&c, argc, argv, has_command);
    ctl_fini(&c);
    return out_done(status == LINK_NO_READER ? EXIT_OK : status);
}
