/* SPDX-License-Identifier: MIT
 * Completion scripts for bash, zsh and fish, made from the tables. */
#include "cli/sigctl/grammar.h"

const struct opt completion_rows[] = {{0}};

/* ---------------------------------------------------------------- bash and zsh */

/* What both shells understand. What a server tells is offered only where it looks like an id. */
static const char *const walk =
    "# the words before the cursor and the one at it; prints what may stand there, or =files\n"
    "_sigctl_offers() {\n"
    "    local cmd= want= before= n=0 ids= files= offers= options= valued= part w\n"
    "    local -a connect; connect=()\n"
    "    while (( $# > 1 )); do\n"
    "        w=$1; shift\n"
    "        _sigctl_of \"$cmd\"\n"
    "        case $w in\n"
    "        -*=*) case $w in --url=*|--token-file=*|--cacert=*|--cert=*|--key=*|--sni=*)\n"
    "            connect+=(\"$w\") ;; esac ;;\n"
    "        -k|--insecure) connect+=(\"$w\") ;;\n"
    "        -*) case \" $valued \" in *\" $w \"*)\n"
    "            (( $# > 1 )) || { want=$w; break; }\n"
    "            case $w in -u|--url|--token-file|--cacert|--cert|--key|--sni)\n"
    "                connect+=(\"$w\" \"$1\") ;; esac\n"
    "            shift ;; esac ;;\n"
    "        *) if [[ $cmd ]]; then before=$w; n=$((n + 1)); else cmd=$w; fi ;;\n"
    "        esac\n"
    "    done\n"
    "    part=$1\n"
    "    _sigctl_of \"$cmd\"\n"
    "    case $want$part in\n"
    "    --*=*) want=${part%%=*}; part=${part#*=} ;;\n"
    "    -*) [[ $want ]] || { printf '%s\\n' $options; return; } ;;\n"
    "    esac\n"
    "    _sigctl_at \"$cmd\" \"${want:-$n}\" \"$before\"\n"
    "    [[ ! $offers ]] || printf '%s\\n' $offers\n"
    "    [[ ! $files && $part != @* ]] || echo =files\n"
    "    [[ ! $ids ]] || sigctl \"${connect[@]}\" list --plain -W 500ms 2>/dev/null |\n"
    "        LC_ALL=C grep -E '^[A-Za-z0-9][A-Za-z0-9._:@-]*$'\n"
    "}\n";

static void put_names(const struct opt *rows, bool valued)
{
    for (; rows->name; rows++) {
        if (!opt_is_argument(rows) || (valued && !opt_takes_value(rows))) {
            continue;
        }
        printf(" --%s", rows->name);
        if (valued && rows->letter) {
            printf(" -%c", rows->letter);
        }
    }
}

static void put_tables(const struct command *cmd)
{
    const struct opt *tables[3];
    grammar_options(cmd, tables);
    printf("    %s) options=\"", cmd ? cmd->name : "*");
    for (int t = 0; tables[t]; t++) {
        put_names(tables[t], false);
    }
    fputs("\" valued=\"", stdout);
    for (int t = 0; tables[t]; t++) {
        put_names(tables[t], true);
    }
    fputs("\" ;;\n", stdout);
}

static bool is_place(const struct place *p)
{
    struct sp_str word;
    size_t at = 0;
    return p->ids || p->files || p->commands || grammar_word(p, &at, &word);
}

static void put_words(const struct place *p)
{
    struct sp_str word;
    for (size_t at = 0; grammar_word(p, &at, &word);) {
        printf(" %.*s", (int)word.n, word.p);
    }
    for (const struct command *cmd = commands; p->commands && cmd->name; cmd++) {
        printf(" %s", cmd->name);
    }
}

static void put_place(const struct place *p)
{
    fputs("offers=\"", stdout);
    put_words(p);
    printf("\"%s%s ;;\n", p->ids ? " ids=1" : "", p->files ? " files=1" : "");
}

static void put_values(const char *name, const struct opt *rows)
{
    for (; rows->name; rows++) {
        struct place p = grammar_value(rows);
        if (!is_place(&p)) {
            continue;
        }
        printf("    %s\\ --%s", name, rows->name);
        if (rows->letter) {
            printf("|%s\\ -%c", name, rows->letter);
        }
        fputs(") ", stdout);
        put_place(&p);
    }
}

static void put_arguments(const struct command *cmd)
{
    for (int i = 0; i < 4; i++) {
        struct place p = grammar_argument(cmd, i, NULL);
        struct place behind_peer = grammar_argument(cmd, i, "peer");
        if (behind_peer.ids && !p.ids) {
            printf("    %s\\ %d) [[ $3 != peer ]] || ids=1 ;;\n", cmd->name, i);
        } else if (is_place(&p)) {
            printf("    %s\\ %d) ", cmd->name, i);
            put_place(&p);
        }
    }
}

static void print_offers(void)
{
    const struct place first = {.commands = true};
    fputs("_sigctl_of() {\n    case $1 in\n", stdout);
    for (const struct command *cmd = commands; cmd->name; cmd++) {
        put_tables(cmd);
    }
    put_tables(NULL);
    fputs("    esac\n}\n_sigctl_at() {\n    case \"$1 $2\" in\n", stdout);
    for (const struct command *cmd = commands; cmd->name; cmd++) {
        put_values(cmd->name, cmd->rows);
        put_arguments(cmd);
    }
    put_values("*", link_rows);
    put_values("", ctl_rows);
    fputs("    \\ 0) ", stdout);
    put_place(&first);
    fputs("    esac\n}\n", stdout);
    fputs(walk, stdout);
}

static void print_bash(void)
{
    print_offers();
    fputs("_sigctl() {\n"
          "    local i w glue= line cur=${COMP_WORDS[COMP_CWORD]} head= part\n"
          "    local -a words=()\n"
          "    COMPREPLY=()\n"
          "    # bash ends words at = : @, sigctl does not\n"
          "    for ((i = 1; i <= COMP_CWORD; i++)); do\n"
          "        w=${COMP_WORDS[i]}\n"
          "        if [[ ${#words[@]} -gt 0 && ( $glue || $w =~ ^[=:][=:@]*$ ) ]]; then\n"
          "            words[${#words[@]}-1]+=$w\n"
          "        else\n"
          "            words+=(\"$w\")\n"
          "        fi\n"
          "        [[ $w =~ ^[=:@]+$ ]] && glue=1 || glue=\n"
          "    done\n"
          "    [[ $cur =~ ^[=:@]+$ ]] && cur=\n"
          "    w=${words[${#words[@]}-1]} part=$w\n"
          "    local cut=${w%\"$cur\"}\n"
          "    # an @ before the word is part of what is replaced\n"
          "    cut=${cut%@}\n"
          "    [[ $part == --*=* ]] && head=${part%%=*}= part=${part#*=}\n"
          "    while IFS= read -r line; do\n"
          "        if [[ $line == =files ]]; then\n"
          "            [[ $part == @* ]] && head+=@\n"
          "            compopt -o filenames -o noquote 2>/dev/null\n"
          "            while IFS= read -r line; do\n"
          "                printf -v line '%s%q' \"$head\" \"$line\"\n"
          "                COMPREPLY+=(\"${line#\"$cut\"}\")\n"
          "            done < <(compgen -f -- \"${part#@}\")\n"
          "        elif [[ $line == \"$part\"* ]]; then\n"
          "            line=$head$line; COMPREPLY+=(\"${line#\"$cut\"}\")\n"
          "        fi\n"
          "    done < <(_sigctl_offers \"${words[@]}\")\n"
          "}\n"
          "complete -F _sigctl sigctl\n",
          stdout);
}

static void print_zsh(void)
{
    fputs("#compdef sigctl\n", stdout);
    print_offers();
    fputs("_sigctl() {\n"
          "    local line found\n"
          "    local -a given; given=(\"${(@)words[2,CURRENT]}\")\n"
          "    found=$(emulate -L sh; _sigctl_offers \"${given[@]}\")\n"
          "    [[ $PREFIX == --*=* ]] && compset -P '--*='\n"
          "    for line in ${(f)found}; do\n"
          "        if [[ $line == '=files' ]]; then\n"
          "            compset -P @\n"
          "            _files\n"
          "        else\n"
          "            compadd -- $line\n"
          "        fi\n"
          "    done\n"
          "}\n"
          "if [[ ${funcstack[1]-} == _sigctl ]]; then\n    _sigctl \"$@\"\nelse\n"
          "    compdef _sigctl sigctl\nfi\n",
          stdout);
}

/* ---------------------------------------------------------------- fish */

#define FISH_IDS "(sigctl list --plain -W 500ms 2>/dev/null)"

static void put_fish_place(const struct place *p)
{
    fputs(" -a \"", stdout);
    put_words(p);
    printf("%s\"", p->ids ? " " FISH_IDS : "");
}

static void print_fish_rows(const char *condition, const struct opt *rows)
{
    for (; rows->name; rows++) {
        struct place p = grammar_value(rows);
        if (!opt_is_argument(rows)) {
            continue;
        }
        printf("complete -c sigctl%s -l %s", condition, rows->name);
        if (rows->letter) {
            printf(" -s %c", rows->letter);
        }
        fputs(p.files ? " -rF" : opt_takes_value(rows) ? " -x" : "", stdout);
        if (is_place(&p) && !p.files) {
            put_fish_place(&p);
        } else if (opt_takes_value(rows) && !p.files) {
            fputs(" -a '(__sigctl_at)'", stdout);
        }
        printf(" -d \"%s\"\n", rows->help);
    }
}

static void print_fish_arguments(const char *condition, const struct command *cmd)
{
    for (int i = 0; i < 4; i++) {
        struct place p = grammar_argument(cmd, i, "peer");
        if (is_place(&p)) {
            printf("complete -c sigctl%s%s", p.files ? " -F" : "", condition);
            put_fish_place(&p);
            putchar('\n');
        }
    }
}

static void print_fish(void)
{
    char condition[96];
    /* names of files stand behind @ */
    fputs("function __sigctl_at\n"
          "    string match -q -- '@*' (commandline -ct)\n"
          "    and printf '@%s\\n' (__fish_complete_path (string sub -s 2 -- (commandline -ct)))\n"
          "end\n"
          "complete -c sigctl -f -a '(__sigctl_at)'\n",
          stdout);
    print_fish_rows("", link_rows);
    print_fish_rows(" -n __fish_use_subcommand", ctl_rows);
    for (const struct command *cmd = commands; cmd->name; cmd++) {
        printf("complete -c sigctl -n __fish_use_subcommand -a %s -d \"%s\"\n", cmd->name,
               cmd->help);
        snprintf(condition, sizeof(condition), " -n '__fish_seen_subcommand_from %s'", cmd->name);
        print_fish_rows(condition, cmd->rows);
        print_fish_arguments(condition, cmd);
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
