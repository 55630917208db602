/* SPDX-License-Identifier: MIT
 * Completion scripts, made from the tables. */
#include "cli/common/completion.h"

#include "cli/common/place.h"

#include <stdio.h>
#include <string.h>

#define ARGUMENTS_MAX 4 /* positional ones that are told apart */
#define PROGRAM       "NAME"

/* Prints a part of a script, with the program for its stand-in. */
static void put_part(const struct completion *c, const char *part)
{
    for (const char *at; (at = strstr(part, PROGRAM)) != NULL; part = at + strlen(PROGRAM)) {
        printf("%.*s%s", (int)(at - part), part, c->program);
    }
    fputs(part, stdout);
}

/* Without what the program cannot tell. */
static struct place known(const struct completion *c, struct place p)
{
    p.ids = p.ids && c->ids;
    p.sessions = p.sessions && c->sessions;
    p.exprs = p.exprs && c->exprs;
    return p;
}

static struct place argument(const struct completion *c, const char *args, int at,
                             const char *before)
{
    return known(c, place_argument(args, at, before));
}

static struct place value(const struct completion *c, const struct opt *row)
{
    return known(c, place_value(row));
}

/* Which argument is the last that is told apart. */
static bool is_last(const char *args, int at)
{
    return at == ARGUMENTS_MAX - 1 || place_repeats(args, at);
}

static void put_commands(const struct completion *c)
{
    struct completion_command cmd;
    for (size_t i = 0; c->command(i, &cmd); i++) {
        printf(" %s", cmd.name);
    }
}

static void put_words(const struct completion *c, const struct place *p)
{
    struct sp_str word;
    for (size_t at = 0; place_word(p, &at, &word);) {
        printf(" %.*s", (int)word.n, word.p);
    }
    if (p->commands) {
        put_commands(c);
    }
}

/* "type=offer type=answer", from the field's words */
static void put_field(const struct completion_field *field)
{
    for (const char *word = field->words; *word;) {
        size_t n = strcspn(word + 1, " ");
        printf(" %s=%.*s", field->name, (int)n, word + 1);
        word += n + 1;
    }
}

/* ---------------------------------------------------------------- bash and zsh */

/* What both shells understand. What a server tells is offered only where it looks like an id. */
static const char walk_words[] =
    "# the words before the cursor and the one at it; prints what may stand there, or =files\n"
    "_NAME_offers() {\n"
    "    local cmd= want= before= n=0 ids= sessions= exprs= files= offers= options= valued= part "
    "w\n"
    "    local -a connect; connect=()\n"
    "    while (( $# > 1 )); do\n"
    "        w=$1; shift\n"
    "        _NAME_of \"$cmd\"\n"
    "        case $w in\n"
    "        -*=*) case $w in --url=*|--token-file=*|--cacert=*|--cert=*|--key=*|--sni=*)\n"
    "            connect+=(\"$w\") ;; esac ;;\n"
    "        -k|--insecure) connect+=(\"$w\") ;;\n"
    "        -*) case \" $valued \" in *\" $w \"*)\n"
    "            (( $# > 1 )) || { want=$w; break; }\n"
    "            case $w in -u|--url|--token-file|--cacert|--cert|--key|--sni)\n"
    "                connect+=(\"$w\" \"$1\") ;; esac\n"
    "            shift ;; esac ;;\n";
static const char walk_part[] = "        esac\n"
                                "    done\n"
                                "    part=$1\n"
                                "    _NAME_of \"$cmd\"\n"
                                "    [[ $want ]] || case $part in\n"
                                "    --*=*) want=${part%%=*}; part=${part#*=} ;;\n"
                                "    -*) printf '%s\\n' $options; return ;;\n"
                                "    esac\n"
                                "    _NAME_at \"$cmd\" \"${want:-$n}\" \"$before\"\n";

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

static void put_tables(const struct completion *c, const struct completion_command *cmd,
                       const char *name)
{
    printf("    %s) options=\"", name);
    put_names(c->common, false);
    for (size_t t = 0; cmd->rows[t]; t++) {
        put_names(cmd->rows[t], false);
    }
    fputs("\" valued=\"", stdout);
    put_names(c->common, true);
    for (size_t t = 0; cmd->rows[t]; t++) {
        put_names(cmd->rows[t], true);
    }
    fputs("\" ;;\n", stdout);
}

static void put_place(const struct completion *c, const struct place *p)
{
    fputs("offers=\"", stdout);
    put_words(c, p);
    printf("\"%s%s%s%s ;;\n", p->ids ? " ids=1" : "", p->sessions ? " sessions=1" : "",
           p->exprs ? " exprs=1" : "", p->files ? " files=1" : "");
}

static void put_values(const struct completion *c, const char *name, const struct opt *rows)
{
    for (; rows->name; rows++) {
        struct place p = value(c, rows);
        if (!place_is_any(&p)) {
            continue;
        }
        printf("    %s\\ --%s", name, rows->name);
        if (rows->letter) {
            printf("|%s\\ -%c", name, rows->letter);
        }
        fputs(") ", stdout);
        put_place(c, &p);
    }
}

static void put_arguments(const struct completion *c, const struct completion_command *cmd)
{
    bool last = false;
    for (int i = 0; !last; i++) {
        struct place p = argument(c, cmd->args, i, NULL);
        struct place behind_peer = argument(c, cmd->args, i, "peer");
        char at[16];
        last = is_last(cmd->args, i);
        snprintf(at, sizeof(at), "%d", i);
        const char *name = place_repeats(cmd->args, i) ? "[0-9]*" : at;
        if (behind_peer.ids && !p.ids) {
            printf("    %s\\ %s) [[ $3 != peer ]] || ids=1 ;;\n", cmd->name, name);
        } else if (place_is_any(&p)) {
            printf("    %s\\ %s) ", cmd->name, name);
            put_place(c, &p);
        }
    }
}

/* _NAME_of COMMAND: its options. */
static void put_of(const struct completion *c)
{
    struct completion_command cmd;
    put_part(c, "_NAME_of() {\n    case $1 in\n");
    for (size_t i = 0; c->command(i, &cmd); i++) {
        put_tables(c, &cmd, cmd.name);
    }
    put_tables(c, &c->bare, "*");
    fputs("    esac\n}\n", stdout);
}

/* _NAME_at COMMAND PLACE BEFORE: what may stand behind an option, or as an argument. */
static void put_at(const struct completion *c)
{
    struct completion_command cmd;
    struct place first = argument(c, c->bare.args, 0, NULL);
    put_part(c, "_NAME_at() {\n    case \"$1 $2\" in\n");
    for (size_t i = 0; c->command(i, &cmd); i++) {
        for (size_t t = 0; cmd.rows[t]; t++) {
            put_values(c, cmd.name, cmd.rows[t]);
        }
        put_arguments(c, &cmd);
    }
    put_values(c, "*", c->common);
    for (size_t t = 0; c->bare.rows[t]; t++) {
        put_values(c, "", c->bare.rows[t]);
    }
    first.commands = true;
    fputs("    \\ 0) ", stdout);
    put_place(c, &first);
    fputs("    esac\n}\n", stdout);
}

/* _NAME_exprs PART: what a filter may begin with, or the values of its field. */
static void put_exprs(const struct completion *c)
{
    put_part(c, "_NAME_exprs() {\n    case $1 in\n");
    for (const struct completion_field *field = c->fields; field->name; field++) {
        printf("    %s=*) offers+=\"", field->name);
        put_field(field);
        fputs("\" ;;\n", stdout);
    }
    printf("    *) offers+=\"%s\" ;;\n    esac\n}\n", c->exprs);
}

/* The first word names the command, or is the first argument of the one that is meant. */
static void put_first_word(const struct completion *c)
{
    fputs("        *) if [[ $cmd ]]; then before=$w; n=$((n + 1)); else ", stdout);
    if (c->bare.name) {
        fputs("case \"", stdout);
        put_commands(c);
        printf(" \" in\n            *\" $w \"*) cmd=$w ;; *) cmd=%s before=$w n=1 ;; esac",
               c->bare.name);
    } else {
        fputs("cmd=$w", stdout);
    }
    fputs("; fi ;;\n", stdout);
}

static void put_live(const struct completion *c, const char *kind, const char *words)
{
    if (words) {
        printf("    [[ ! $%s ]] || %s \"${connect[@]}\" %s 2>/dev/null </dev/null |\n"
               "        LC_ALL=C grep -E '^[A-Za-z0-9][A-Za-z0-9._:@-]*$'\n",
               kind, c->program, words);
    }
}

/* _NAME_offers WORD...: what may stand at the last. */
static void print_offers(const struct completion *c)
{
    put_of(c);
    put_at(c);
    if (c->exprs) {
        put_exprs(c);
    }
    put_part(c, walk_words);
    put_first_word(c);
    put_part(c, walk_part);
    if (c->exprs) {
        put_part(c, "    [[ ! $exprs ]] || _NAME_exprs \"$part\"\n");
    }
    printf("    [[ ! $offers ]] || printf '%%s\\n' $offers\n"
           "    [[ ! $files%s ]] || echo =files\n",
           c->has_at ? " && $part != @*" : "");
    put_live(c, "ids", c->ids);
    put_live(c, "sessions", c->sessions);
    fputs("}\n", stdout);
}

static const char bash_end[] =
    "_NAME() {\n"
    "    local i w glue= line cur=${COMP_WORDS[COMP_CWORD]} head= part\n"
    "    local -a words=()\n"
    "    COMPREPLY=()\n"
    "    # bash ends words at = : @, NAME does not\n"
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
    "            [[ $line != *= ]] || compopt -o nospace 2>/dev/null\n"
    "            line=$head$line; COMPREPLY+=(\"${line#\"$cut\"}\")\n"
    "        fi\n"
    "    done < <(_NAME_offers \"${words[@]}\")\n"
    "}\n"
    "complete -F _NAME NAME\n";

static void print_bash(const struct completion *c)
{
    print_offers(c);
    put_part(c, bash_end);
}

static const char zsh_end[] = "_NAME() {\n"
                              "    local line found\n"
                              "    local -a given; given=(\"${(@)words[2,CURRENT]}\")\n"
                              "    found=$(emulate -L sh; _NAME_offers \"${given[@]}\")\n"
                              "    [[ $PREFIX == --*=* ]] && compset -P '--*='\n"
                              "    for line in ${(f)found}; do\n"
                              "        if [[ $line == '=files' ]]; then\n"
                              "            compset -P @\n"
                              "            _files\n"
                              "        elif [[ $line == *= ]]; then\n"
                              "            compadd -S '' -- $line\n"
                              "        else\n"
                              "            compadd -- $line\n"
                              "        fi\n"
                              "    done\n"
                              "}\n"
                              "if [[ ${funcstack[1]-} == _NAME ]]; then\n    _NAME \"$@\"\nelse\n"
                              "    compdef _NAME NAME\nfi\n";

static void print_zsh(const struct completion *c)
{
    put_part(c, "#compdef NAME\n");
    print_offers(c);
    put_part(c, zsh_end);
}

/* ---------------------------------------------------------------- fish */

static void put_fish_place(const struct completion *c, const struct place *p)
{
    fputs(" -a \"", stdout);
    put_words(c, p);
    printf("%s", p->ids || p->sessions || p->exprs ? " " : "");
    put_part(c, p->ids ? "(__NAME_ids)" : "");
    put_part(c, p->sessions ? "(__NAME_sessions)" : "");
    put_part(c, p->exprs ? "(__NAME_exprs)" : "");
    putchar('"');
}

static void print_fish_rows(const struct completion *c, const char *condition,
                            const struct opt *rows)
{
    for (; rows->name; rows++) {
        struct place p = value(c, rows);
        if (!opt_is_argument(rows)) {
            continue;
        }
        printf("complete -c %s%s -l %s", c->program, condition, rows->name);
        if (rows->letter) {
            printf(" -s %c", rows->letter);
        }
        fputs(p.files ? " -rF" : opt_takes_value(rows) ? " -x" : "", stdout);
        if (place_is_any(&p) && !p.files) {
            put_fish_place(c, &p);
        } else if (opt_takes_value(rows) && !p.files && c->has_at) {
            put_part(c, " -a '(__NAME_at)'");
        }
        printf(" -d \"%s\"\n", rows->help);
    }
}

static void print_fish_arguments(const struct completion *c, const char *condition,
                                 const char *args)
{
    bool last = false;
    for (int i = 0; !last; i++) {
        struct place p = argument(c, args, i, "peer");
        last = is_last(args, i);
        if (place_is_any(&p)) {
            printf("complete -c %s%s%s", c->program, p.files ? " -F" : "", condition);
            put_fish_place(c, &p);
            putchar('\n');
        }
    }
}

/* The command that is meant where none is named has what it has as long as no other is named. */
static void put_fish_condition(const struct completion *c, const struct completion_command *cmd,
                               char *condition, size_t cap)
{
    struct completion_command other;
    bool is_meant = c->bare.name && strcmp(c->bare.name, cmd->name) == 0;
    if (!is_meant) {
        snprintf(condition, cap, " -n '__fish_seen_subcommand_from %s'", cmd->name);
        return;
    }
    size_t n = (size_t)snprintf(condition, cap, " -n 'not __fish_seen_subcommand_from");
    for (size_t i = 0; c->command(i, &other); i++) {
        if (strcmp(other.name, cmd->name) != 0 && n < cap) {
            n += (size_t)snprintf(condition + n, cap - n, " %s", other.name);
        }
    }
    if (n < cap) {
        snprintf(condition + n, cap - n, "'");
    }
}

static void print_fish_live(const struct completion *c, const char *kind, const char *words)
{
    if (words) {
        printf("function __%s_%s\n"
               "    %s %s 2>/dev/null </dev/null |\n"
               "        string match -r -- '^[A-Za-z0-9][A-Za-z0-9._:@-]*$'\n"
               "end\n",
               c->program, kind, c->program, words);
    }
}

static void print_fish_exprs(const struct completion *c)
{
    put_part(c, "function __NAME_exprs\n"
                "    switch (commandline -ct | string replace -r -- '^--[a-z-]+=' '')\n");
    for (const struct completion_field *field = c->fields; field->name; field++) {
        printf("    case '%s=*'\n        printf '%%s\\n'", field->name);
        put_field(field);
        putchar('\n');
    }
    printf("    case '*'\n        printf '%%s\\n'%s\n    end\nend\n", c->exprs);
}

/* What all lines have; names of files stand behind @ where the program knows that. */
static void print_fish_common(const struct completion *c)
{
    if (c->has_at) {
        put_part(c, "function __NAME_at\n"
                    "    string match -q -- '@*' (commandline -ct)\n"
                    "    and printf '@%s\\n' (__fish_complete_path (string sub -s 2 -- "
                    "(commandline -ct)))\n"
                    "end\n");
    }
    print_fish_live(c, "ids", c->ids);
    print_fish_live(c, "sessions", c->sessions);
    if (c->exprs) {
        print_fish_exprs(c);
    }
    put_part(c, c->has_at ? "complete -c NAME -f -a '(__NAME_at)'\n" : "complete -c NAME -f\n");
    print_fish_rows(c, "", c->common);
}

static void print_fish(const struct completion *c)
{
    struct completion_command cmd;
    char condition[512];
    print_fish_common(c);
    for (size_t t = 0; !c->bare.name && c->bare.rows[t]; t++) {
        print_fish_rows(c, " -n __fish_use_subcommand", c->bare.rows[t]);
    }
    for (size_t i = 0; c->command(i, &cmd); i++) {
        printf("complete -c %s -n __fish_use_subcommand -a %s -d \"%s\"\n", c->program, cmd.name,
               cmd.help);
        put_fish_condition(c, &cmd, condition, sizeof(condition));
        for (size_t t = 0; cmd.rows[t]; t++) {
            print_fish_rows(c, condition, cmd.rows[t]);
        }
        print_fish_arguments(c, condition, cmd.args);
    }
}

bool completion_print(const struct completion *c, const char *shell)
{
    static const struct {
        const char *shell;
        void (*print)(const struct completion *c);
    } shells[] = {{"bash", print_bash}, {"zsh", print_zsh}, {"fish", print_fish}};
    for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++) {
        if (strcmp(shell, shells[i].shell) == 0) {
            shells[i].print(c);
            return true;
        }
    }
    return false;
}
