/* SPDX-License-Identifier: MIT
 * sigmon: see the traffic of a signaling server as it happens, and what it wrote down. */
#include "cli/common/out.h"
#include "cli/common/print.h"
#include "cli/sigmon/mon.h"

#include <stdarg.h>

const struct mon_command mon_commands[] = {
    {"tail", "[EXPR...]", "print events as they happen", "sigmon tail type=offer from='drone-*'",
     tail_rows, true, tail_run},
    {"flow", "[SESSION]", "the messages of calls as a ladder",
     "sigmon flow --since 1m --until event=session_end", flow_rows, true, flow_run},
    {"top", "[EXPR...]", "who sends how much, and the sessions, now",
     "sigmon top --by sessions --sort -age", top_rows, true, top_run},
    {"stat", "[INTERVAL [COUNT]]", "a line of the server's counters, again and again",
     "sigmon stat 1 60", stat_rows, false, stat_run},
    {"explain", "[SESSION]", "what happened in a call, and why it failed",
     "sigmon explain 9In3aYTL", explain_rows, true, explain_run},
    {"record", "FILE [EXPR...]", "write events to a file, compressed when it ends in .gz",
     "sigmon record calls.jsonl.gz -d 1h --rotate 100M:5", record_rows, true, record_run},
    {"analyze", "FILE [EXPR...]", "figures of a recording: calls, times, errors, peers",
     "sigmon analyze calls.jsonl.gz --fail-on 'unanswered>0' --fail-on 'setup.p99>20ms'",
     analyze_rows, true, analyze_run},
    {"replay", "FILE [EXPR...]", "make the peers of a recording and their messages again",
     "sigmon replay calls.jsonl.gz --speed 10x --map s/drone/sim/", replay_rows, true, replay_run},
    {"audit", "verify FILE...", "check the chain of an audit log, oldest file first",
     "sigmon audit verify audit.log.1 audit.log", audit_rows, false, audit_run},
    {"completion", "bash|zsh|fish", "print a completion script", "source <(sigmon completion bash)",
     completion_rows, false, completion_run},
    {0}};

int mon_fail(const struct link *link)
{
    const struct link_fail *why = link_why(link);
    if (why->status > 128 || why->status == LINK_NO_READER) {
        return why->status;
    }
    return out_fail((enum exit_code)why->status, why->code[0] ? why->code : NULL, "%s", why->text);
}

int mon_watch(const struct mon_args *a, const struct want *want, const struct source_ops *ops,
              void *ctx)
{
    struct source s;
    struct link *link = want->file ? NULL : link_new(a->opts);
    if (!link && !want->file) {
        return EXIT_DATA;
    }
    source_init(&s, link, a->opts, want);
    source_listen(&s, ops, ctx);
    int status = source_run(&s);
    link_free(link);
    return status;
}

void mon_error(const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    fputs("sigmon: ", stderr);
    out_safe(stderr, sp_str(text));
    fputc('\n', stderr);
}

int mon_check_format(const struct link_opts *opts)
{
    char why[256];
    return opts->format && !print_check_format(opts->format, why, sizeof(why))
               ? out_fail(EXIT_USAGE, NULL, "%s", why)
               : 0;
}

static const struct mon_command *command_find(const char *name)
{
    for (const struct mon_command *cmd = mon_commands; cmd->name; cmd++) {
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
          "usage: sigmon [OPTIONS] [COMMAND] [ARGUMENTS]\n"
          "No command: tail. EXPR is a filter such as type=offer size>4k or event=disconnect.\n\n"
          "commands:\n",
          f);
    for (const struct mon_command *cmd = mon_commands; cmd->name; cmd++) {
        char left[64];
        snprintf(left, sizeof(left), "%s %s", cmd->name, cmd->args);
        fprintf(f, "  %-25s %s\n", left, cmd->help);
    }
    fputs("\nsigmon help COMMAND: its options; sigmon help options: connection and output\n", f);
}

static void help_options(FILE *f)
{
    fputs("options of every command, connection and output:\n", f);
    opt_help(f, link_rows);
    fputs("\noptions of commands that want events:\n", f);
    opt_help(f, want_rows);
}

/* What else the help of a command tells. */
static const struct {
    int (*run)(const struct mon_args *a);
    void (*tell)(FILE *f);
} help_more[] = {{top_run, top_help}, {stat_run, stat_help}};

static void help_one(FILE *f, const struct mon_command *cmd)
{
    fprintf(f, "  %s\n\nusage: sigmon [OPTIONS] %s %s\n%s\n", cmd->example, cmd->name, cmd->args,
            cmd->help);
    if (cmd->rows->name) {
        fputs("\noptions:\n", f);
        opt_help(f, cmd->rows);
    }
    if (cmd->wants) {
        fputs("\nwhich events:\n", f);
        opt_help(f, want_rows);
    }
    for (size_t i = 0; i < sizeof(help_more) / sizeof(help_more[0]); i++) {
        if (help_more[i].run == cmd->run) {
            help_more[i].tell(f);
        }
    }
    fputs("\nsigmon help options: connection and output\n", f);
}

static int help(char **words, int n)
{
    const struct mon_command *cmd = n > 0 ? command_find(words[0]) : NULL;
    if (n > 0 && strcmp(words[0], "options") == 0) {
        help_options(stdout);
    } else if (n > 0 && !cmd) {
        return out_fail(EXIT_USAGE, NULL, "unknown command '%s'", words[0]);
    } else if (cmd) {
        help_one(stdout, cmd);
    } else {
        help_all(stdout);
    }
    return EXIT_OK;
}

/* ---------------------------------------------------------------- which command */

static const struct opt *row_of(const struct opt *rows, const char *name, char letter)
{
    for (; rows->name; rows++) {
        if (letter ? rows->letter == letter : strcmp(rows->name, name) == 0) {
            return rows;
        }
    }
    return NULL;
}

/* Which command it is depends on which words are values, and those on the command: in this an
 * option means the same to all of them. */
static bool wants_value(const char *name, char letter)
{
    const struct opt *row = row_of(link_rows, name, letter);
    row = row ? row : row_of(want_rows, name, letter);
    for (const struct mon_command *cmd = mon_commands; cmd->name && !row; cmd++) {
        row = row_of(cmd->rows, name, letter);
    }
    return row && opt_takes_value(row);
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
    const struct mon_command *cmd = named ? named : mon_commands;
    struct want_opts want = {0};
    struct opt_group groups[] = {{link_rows, &opts}, {cmd->rows, values}, {want_rows, &want}};
    char why[512];
    int first = 1;
    out_streams();
    int wrong = opt_read(groups, cmd->wants ? 3 : 2, argc, argv, &first, why, sizeof(why));
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
    int status = cmd->run(&(struct mon_args){&opts, &want, values, argv + first, argc - first});
    return out_done(status == LINK_NO_READER ? EXIT_OK : status);
}
