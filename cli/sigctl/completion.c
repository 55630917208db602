/* SPDX-License-Identifier: MIT
 * Completion scripts for bash, zsh and fish, made from the tables. */
#include "cli/sigctl/ctl.h"

const struct opt completion_rows[] = {{0}};

#define LIVE_IDS "$(sigctl list --plain -W 500ms 2>/dev/null)"

static void put_rows(const struct opt *rows)
{
    for (; rows->name; rows++) {
        if (opt_is_argument(rows)) {
            printf(" --%s", rows->name);
        }
    }
}

static bool is_about_peers(const struct command *cmd)
{
    return strncmp(cmd->args, "TO", 2) == 0 || strcmp(cmd->args, "ID") == 0 || cmd->run == cmd_wait;
}

static void print_bash(void)
{
    fputs("_sigctl() {\n    local cur=${COMP_WORDS[COMP_CWORD]} cmd= w\n"
          "    local common=\"",
          stdout);
    put_rows(link_rows);
    fputs("\"\n    for w in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n        case $w in\n        ",
          stdout);
    for (const struct command *cmd = commands; cmd->name; cmd++) {
        printf("%s%s", cmd == commands ? "" : "|", cmd->name);
    }
    fputs(") cmd=$w; break ;;\n        esac\n    done\n    local words=\"\"\n    case $cmd in\n",
          stdout);
    for (const struct command *cmd = commands; cmd->name; cmd++) {
        printf("    %s) words=\"$common", cmd->name);
        put_rows(cmd->rows);
        printf("\"%s ;;\n",
               is_about_peers(cmd) ? "; [[ $cur == -* ]] || words=\"" LIVE_IDS "\"" : "");
    }
    fputs("    *) words=\"$common", stdout);
    for (const struct command *cmd = commands; cmd->name; cmd++) {
        printf(" %s", cmd->name);
    }
    fputs("\" ;;\n    esac\n    COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n}\n"
          "complete -o default -F _sigctl sigctl\n",
          stdout);
}

static void print_zsh(void)
{
    fputs("#compdef sigctl\n_sigctl() {\n    local -a commands\n    commands=(\n", stdout);
    for (const struct command *cmd = commands; cmd->name; cmd++) {
        printf("        '%s:%s'\n", cmd->name, cmd->help);
    }
    fputs("    )\n    if (( CURRENT == 2 )); then\n        _describe command commands\n"
          "        return\n    fi\n    compadd -- ",
          stdout);
    put_rows(link_rows);
    fputs("\n    case $words[2] in\n", stdout);
    for (const struct command *cmd = commands; cmd->name; cmd++) {
        printf("    %s) compadd -- ", cmd->name);
        put_rows(cmd->rows);
        printf("%s ;;\n", is_about_peers(cmd) ? " ${(f)\"" LIVE_IDS "\"}" : "");
    }
    fputs("    esac\n    _files\n}\ncompdef _sigctl sigctl\n", stdout);
}

static void print_fish_rows(const char *condition, const struct opt *rows)
{
    for (; rows->name; rows++) {
        if (!opt_is_argument(rows)) {
            continue;
        }
        printf("complete -c sigctl%s -l %s", condition, rows->name);
        if (rows->letter) {
            printf(" -s %c", rows->letter);
        }
        printf("%s -d \"%s\"\n", opt_takes_value(rows) ? " -r" : "", rows->help);
    }
}

static void print_fish(void)
{
    char condition[96];
    print_fish_rows("", link_rows);
    for (const struct command *cmd = commands; cmd->name; cmd++) {
        printf("complete -c sigctl -f -n __fish_use_subcommand -a %s -d \"%s\"\n", cmd->name,
               cmd->help);
        snprintf(condition, sizeof(condition), " -n '__fish_seen_subcommand_from %s'", cmd->name);
        print_fish_rows(condition, cmd->rows);
        if (is_about_peers(cmd)) {
            printf("complete -c sigctl -f%s -a '(sigctl list --plain -W 500ms 2>/dev/null)'\n",
                   condition);
        }
    }
}

int cmd_completion(struct ctl *c, const struct ctl_args *a)
{
    static const struct {
        const char *shell;
        void (*print)(void);
    } shells[] = {{"bash", print_bash}, {"zsh", print_zsh}, {"fish", print_fish}};
    for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++) {
        if (strcmp(a->v[0], shells[i].shell) == 0) {
            shells[i].print();
            return 0;
        }
    }
    return ctl_fail(c, EXIT_USAGE, NULL, "completion for bash, zsh or fish");
}
