/* SPDX-License-Identifier: MIT
 * The table of commands; --help, completion and the man page's test read it too. */
#include "cli/common/out.h"
#include "cli/sigctl/ctl.h"
#include "libproto/units.h"

#include <stdlib.h>

const struct command commands[] = {
    {"register", "[ID]", "claim an id; --hold stays registered", "sigctl register drone-1 --hold",
     NULL, register_rows, 0, 1, CMD_LATE, cmd_register},
    {"offer", "TO [SPEC]", "send an offer; --wait answer",
     "sigctl -i drone-1 offer cam-2 --sdp auto --wait answer", NULL, offer_rows, 1, 2, CMD_LATE,
     cmd_offer},
    {"answer", "TO [SPEC]", "answer an offer", "answer drone-1 --sdp auto", "what follows an offer",
     answer_rows, 1, 2, CMD_LATE, cmd_answer},
    {"ice", "TO [SPEC]", "send ICE candidates", "ice cam-2 @candidates.txt",
     "what follows an offer", ice_rows, 1, 2, CMD_LATE, cmd_ice},
    {"bye", "TO", "end a session", "bye cam-2 --reason hangup", "what follows an offer", bye_rows,
     1, 1, CMD_LATE, cmd_bye},
    {"send", "TO [BODY]", "offers, answers, ice, byes of one's own",
     "sigctl -i drone-1 send cam-2 --type offer '{\"sdp\":\"v=0\"}'", NULL, send_rows, 0, 2,
     CMD_LATE, cmd_send},
    {"call", "TO", "offer, answer, candidates, bye; timed", "sigctl -i drone-1 call cam-2 --ice 3",
     NULL, call_rows, 1, 1, CMD_LATE, cmd_call},
    {"listen", "", "print what arrives", "sigctl -i cam-2 listen --type offer -C 1 --json", NULL,
     listen_rows, 0, 0, CMD_LATE, cmd_listen},
    {"wait", "peer|peers|message|server [WHAT]", "wait until it is so: exit 0, or 5",
     "sigctl wait peer cam-2 --gone\n  sigctl wait peers '>=10' --match 'drone-*' -W 30s", NULL,
     wait_rows, 1, 2, CMD_LATE, cmd_wait},
    {"list", "", "who is registered", "sigctl list --match 'drone-*' --count",
     "who is there, how far away", list_rows, 0, 0, CMD_LATE, cmd_list},
    {"ping", "", "round-trip times", "sigctl ping -C 10", "who is there, how far away", ping_rows,
     0, 0, CMD_LATE, cmd_ping},
    {"ice-servers", "", "STUN and TURN servers, with credentials", "sigctl -i drone-1 ice-servers",
     "who is there, how far away", ice_servers_rows, 0, 0, CMD_LATE, cmd_ice_servers},
    {"sessions", "", "open sessions, oldest first", "sigctl sessions --match 'drone-*'",
     "look after the server, by role", sessions_rows, 0, 0, CMD_LATE, cmd_sessions},
    {"stats", "", "counters of the server", "sigctl stats --json", "look after the server, by role",
     stats_rows, 0, 0, 0, cmd_stats},
    {"kick", "ID", "close a client's connection", "sigctl kick drone-1 --reason 'wrong firmware'",
     "look after the server, by role", kick_rows, 1, 1, CMD_LATE, cmd_kick},
    {"drain", "", "end the server gracefully, wait until it is gone", "sigctl drain -W 30s",
     "look after the server, by role", drain_rows, 0, 0, 0, cmd_drain},
    {"reload", "", "have the server read its configuration again", "sigctl reload",
     "look after the server, by role", reload_rows, 0, 0, 0, cmd_reload},
    {"agent", "", "simulated peers that answer",
     "sigctl agent --count 20 --id 'drone-%02i' --answer auto --ice 4 --duration 1m", NULL,
     agent_rows, 0, 0, CMD_LATE, cmd_agent},
    {"run", "FILE", "a scenario of several identities",
     "sigctl run call.sig --junit report.xml\n\n"
     "  # call.sig\n"
     "  as a register drone-1\n"
     "  as b register cam-2\n"
     "  a offer b --sdp auto\n"
     "  b expect offer from a\n"
     "  b answer a\n"
     "  a expect answer within 2s",
     NULL, run_rows, 1, 1, CMD_LATE, cmd_run},
    {"token", "make|show|check [TOKEN]", "tokens that the server asks for",
     "sigctl token make --secret-file secret --sub drone-1 --role drone", NULL, token_rows, 1, 2,
     CMD_LOCAL, cmd_token},
    {"check", "", "probe the server, for monitoring", "sigctl check --format nagios -w 5ms -c 50ms",
     NULL, check_rows, 0, 0, CMD_LATE, cmd_check},
    {"sdp", "gen|show|check [SPEC]", "session descriptions: make, show, check",
     "sigctl sdp gen --media audio,data | sigctl sdp check --offer", NULL, sdp_rows, 1, 2,
     CMD_LOCAL, cmd_sdp},
    {"completion", "bash|zsh|fish", "print a completion script", "source <(sigctl completion bash)",
     "for a shell; the session as a script", completion_rows, 1, 1, CMD_LOCAL, cmd_completion},
    {"save", "FILE", "write the session at the prompt as a script", "save session.sig",
     "for a shell; the session as a script", save_rows, 1, 1, CMD_LOCAL, cmd_save},
    {"help", "[COMMAND|options]", "this text, or more of it", "sigctl help offer", NULL, help_rows,
     0, 1, CMD_LOCAL, cmd_help},
    {0}};

const struct opt help_rows[] = {{0}};

const struct command *command_find(const char *name)
{
    for (const struct command *cmd = commands; cmd->name; cmd++) {
        if (strcmp(cmd->name, name) == 0) {
            return cmd;
        }
    }
    return NULL;
}

const char *command_nearest(const char *name)
{
    struct sp_guess g = sp_guess_init(sp_str(name));
    for (const struct command *cmd = commands; cmd->name; cmd++) {
        sp_guess_consider(&g, cmd->name);
    }
    return g.best;
}

static const struct opt *row_of(const struct opt *rows, struct sp_str name, char letter)
{
    for (; rows->name; rows++) {
        if (letter ? rows->letter == letter : sp_str_eq(name, sp_str(rows->name))) {
            return rows;
        }
    }
    return NULL;
}

static int words_of(struct sp_str name, char letter)
{
    const struct opt *row = row_of(link_rows, name, letter);
    row = row ? row : row_of(ctl_rows, name, letter);
    for (const struct command *cmd = commands; !row && cmd->name; cmd++) {
        row = row_of(cmd->rows, name, letter);
    }
    return row ? opt_words(row) : 0;
}

/* How many of the next words are the value of an option. */
static int words_behind(const char *arg)
{
    struct sp_str none = {NULL, 0};
    if (arg[1] == '-') {
        const char *eq = strchr(arg, '=');
        int n =
            words_of((struct sp_str){arg + 2, eq ? (size_t)(eq - arg - 2) : strlen(arg + 2)}, '\0');
        return eq && n > 0 ? n - 1 : n;
    }
    for (const char *p = arg + 1; *p; p++) {
        int n = words_of(none, *p);
        if (n > 0) {
            return p[1] == '\0' ? n : n - 1;
        }
    }
    return 0;
}

int command_index(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--") == 0) {
            return i + 1 < argc ? i + 1 : argc;
        }
        if (argv[i][0] != '-' || argv[i][1] == '\0') {
            return i;
        }
        i += words_behind(argv[i]);
    }
    return argc;
}

/* Writes the left side of a line of the help; gives the last command of the line. */
static const struct command *put_left(const struct command *cmd, char *left, size_t cap)
{
    if (!cmd->together) {
        snprintf(left, cap, "%s%s%s", cmd->name, *cmd->args ? " " : "", cmd->args);
        return cmd;
    }
    size_t n = (size_t)snprintf(left, cap, "%s", cmd->name);
    while (cmd[1].together && strcmp(cmd[1].together, cmd->together) == 0 && n < cap) {
        cmd++;
        n += (size_t)snprintf(left + n, cap - n, ", %s", cmd->name);
    }
    return cmd;
}

void help_all(FILE *f)
{
    fputs("  sigctl -i drone-1 offer cam-2 --sdp @offer.sdp --wait answer --json\n"
          "  sigctl agent --count 20 --id 'drone-%02i' &\n"
          "  sigctl wait peers '>=20' --match 'drone-*' -W 3s && sigctl list --count\n\n"
          "usage: sigctl [OPTIONS] COMMAND [ARGUMENTS]    sigctl help COMMAND|options\n"
          "No command: lines from a terminal, or a script from a pipe.\n\ncommands:\n",
          f);
    for (const struct command *cmd = commands; cmd->name; cmd++) {
        char left[64];
        cmd = put_left(cmd, left, sizeof(left));
        fprintf(f, "  %-38s %s\n", left, cmd->together ? cmd->together : cmd->help);
    }
}

static void help_options(FILE *f)
{
    fputs("  sigctl -u wss://signal.example -i drone-1 --json -W 2s ping\n\n"
          "options of every command, before or after it:\n",
          f);
    opt_help(f, link_rows);
    fputs("\nwithout a command:\n", f);
    opt_help(f, ctl_rows);
}

void help_one(FILE *f, const struct command *cmd)
{
    fprintf(f, "  %s\n\nusage: %s %s\n%s\n", cmd->example, cmd->name, cmd->args, cmd->help);
    if (cmd->rows->name) {
        fputs("\noptions:\n", f);
        opt_help(f, cmd->rows);
    }
    fputs("\nsigctl help options: what every command takes\n", f);
}

int cmd_help(struct ctl *c, const struct ctl_args *a)
{
    const struct command *cmd = a->n > 0 ? command_find(a->v[0]) : NULL;
    if (a->n > 0 && strcmp(a->v[0], "options") == 0) {
        help_options(stdout);
        return 0;
    }
    if (a->n > 0 && !cmd) {
        return ctl_fail(c, EXIT_USAGE, NULL, "unknown command '%s'", a->v[0]);
    }
    if (cmd) {
        help_one(stdout, cmd);
    } else {
        help_all(stdout);
    }
    return 0;
}
