/* SPDX-License-Identifier: MIT
 * sigmon: see the traffic of a signaling server as it happens, and what it wrote down. */
#include "cli/common/out.h"
#include "cli/sigmon/mon.h"

/* The first one is meant where none is named. */
static const struct mon_command commands[] = {
    {"tail", "[EXPR...]", "print events as they happen", "sigmon tail type=offer from='drone-*'",
     mon_rows, tail_run},
    {"audit", "verify FILE...", "check the chain of an audit log, oldest file first",
     "sigmon audit verify audit.log.1 audit.log", audit_rows, audit_run},
    {0}};

static const struct mon_command *command_find(const char *name)
{
    for (const struct mon_command *cmd = commands; cmd->name; cmd++) {
        if (strcmp(cmd->name, name) == 0) {
            return cmd;
        }
    }
    return NULL;
}

static void help_all(FILE *f)
{
    fputs("  sigmon type=offer,answer from='drone-*'\n"
          "  sigmon -n 20 -C 20 -F '%{ts} %-14{event} %{from} %{to}'\n"
          "  sigmon --until 'event=session_end' --json -W 30s | jq .\n\n"
          "usage: sigmon [OPTIONS] [COMMAND] [ARGUMENTS]    sigmon help COMMAND\n"
          "No command: tail.\n\ncommands:\n",
          f);
    for (const struct mon_command *cmd = commands; cmd->name; cmd++) {
        char left[64];
        snprintf(left, sizeof(left), "%s %s", cmd->name, cmd->args);
        fprintf(f, "  %-24s %s\n", left, cmd->help);
    }
    fprintf(f, "\noptions of %s:\n", commands->name);
    opt_help(f, commands->rows);
    fputs("\nconnection and output:\n", f);
    opt_help(f, link_rows);
}

static void help_one(FILE *f, const struct mon_command *cmd)
{
    fprintf(f, "  %s\n\nusage: sigmon [OPTIONS] %s %s\n%s\n\noptions:\n", cmd->example, cmd->name,
            cmd->args, cmd->help);
    opt_help(f, cmd->rows);
    fputs("\nsigmon help: connection and output\n", f);
}

static int help(char **words, int n)
{
    const struct mon_command *cmd = n > 0 ? command_find(words[0]) : NULL;
    if (n > 0 && !cmd) {
        return out_fail(EXIT_USAGE, NULL, "unknown command '%s'", words[0]);
    }
    if (cmd) {
        help_one(stdout, cmd);
    } else {
        help_all(stdout);
    }
    return EXIT_OK;
}

/* ---------------------------------------------------------------- which command */

static bool is_option(const struct opt *row, const char *name, char letter)
{
    return letter ? row->letter == letter : strcmp(row->name, name) == 0;
}

static bool wants_value(const char *name, char letter)
{
    const struct opt *rows = link_rows;
    for (const struct mon_command *cmd = commands; rows; rows = cmd->rows, cmd++) {
        for (const struct opt *row = rows; row->name; row++) {
            if (is_option(row, name, letter)) {
                return opt_takes_value(row);
            }
        }
    }
    return false;
}

/* Tells whether the value of an option is the next word. */
static bool value_follows(const char *arg)
{
    if (arg[1] == '-') {
        return wants_value(arg + 2, '\0');
    }
    for (const char *p = arg + 1; *p; p++) {
        if (wants_value("", *p)) {
            return p[1] == '\0';
        }
    }
    return false;
}

/* The first word that is neither an option nor its value; NULL: there is none. */
static const char *first_word(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--") == 0) {
            return argv[i + 1];
        }
        if (argv[i][0] != '-' || argv[i][1] == '\0') {
            return argv[i];
        }
        i += value_follows(argv[i]);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    _Alignas(16) char values[MON_VALUES_MAX] = {0};
    struct link_opts opts = LINK_OPTS_INIT;
    const char *word = first_word(argc, argv);
    const struct mon_command *named = word ? command_find(word) : NULL;
    const struct mon_command *cmd = named ? named : commands;
    struct opt_group groups[] = {{link_rows, &opts}, {cmd->rows, values}};
    char why[512];
    int first = 1;
    out_streams();
    int wrong = opt_read(groups, 2, argc, argv, &first, why, sizeof(why));
    out_init(&(struct out_conf){"sigmon", opts.json, opts.quiet, opts.color});
    if (wrong) {
        return out_done(out_fail((enum exit_code)wrong, NULL, "%s", why));
    }
    if (opts.version) {
        puts("sigmon " SIGKIT_VERSION);
        return out_done(EXIT_OK);
    }
    if (opts.help) {
        return out_done(help(argv + first, named != NULL));
    }
    if (word && strcmp(word, "help") == 0) {
        return out_done(help(argv + first + 1, argc - first - 1));
    }
    first += named != NULL;
    int status = cmd->run(&opts, values, argv + first, argc - first);
    return out_done(status == LINK_NO_READER ? EXIT_OK : status);
}
