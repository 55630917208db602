/* SPDX-License-Identifier: MIT
 * Completion scripts of bash and zsh, which share what may stand where. */
#include "cli/common/completion_in.h"

#include <stdio.h>

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
    "        -*) case \" $valued \" in *\" $w \"*)\n"
    "            (( $# > 1 )) || { want=$w; break; }\n"
    "            _NAME_from \"$w\" \"$1\"; shift ;;\n"
    "            *) _NAME_from \"$w\" ;; esac ;;\n";
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
    completion_words(c, p);
    printf("\"%s%s%s%s ;;\n", p->ids ? " ids=1" : "", p->sessions ? " sessions=1" : "",
           p->exprs ? " exprs=1" : "", p->files ? " files=1" : "");
}

static void put_values(const struct completion *c, const char *name, const struct opt *rows)
{
    for (; rows->name; rows++) {
        struct place p = completion_value(c, rows);
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
        struct place p = completion_argument(c, cmd->args, i, NULL);
        struct place behind_peer = completion_argument(c, cmd->args, i, "peer");
        char at[16];
        last = completion_is_last(cmd->args, i);
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
    completion_part(c, "_NAME_of() {\n    case $1 in\n");
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
    struct place first = completion_argument(c, c->bare.args, 0, NULL);
    completion_part(c, "_NAME_at() {\n    case \"$1 $2\" in\n");
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
    completion_part(c, "_NAME_exprs() {\n    case $1 in\n");
    for (const struct completion_field *field = c->fields; field->name; field++) {
        printf("    %s=*) offers+=\"", field->name);
        completion_values_of(field);
        fputs("\" ;;\n", stdout);
    }
    printf("    *) offers+=\"%s\" ;;\n    esac\n}\n", c->exprs);
}

/* _NAME_from OPTION [VALUE]: adds to connect what says where live ids come from. */
static void put_from(const struct completion *c)
{
    completion_part(c, "_NAME_from() {\n    case $1 in\n");
    for (const struct opt *row = c->common; row->name; row++) {
        if (!completion_is_source(row)) {
            continue;
        }
        bool valued = opt_takes_value(row);
        if (valued) {
            printf("    --%s=*) connect+=(\"$1\") ;;\n", row->name);
        }
        printf(row->letter ? "    --%s|-%c) " : "    --%s) ", row->name, row->letter);
        printf("connect+=(\"$1\"%s) ;;\n", valued ? " \"$2\"" : "");
    }
    if (c->recorded) {
        printf("    --file=*) connect+=(\"$1\") past='%s' ;;\n"
               "    --file|-f) connect+=(\"$1\" \"$2\") past='%s' ;;\n",
               c->recorded, c->recorded);
    }
    fputs("    esac\n}\n", stdout);
}

/* The first word names the command, or is the first argument of the one that is meant. */
static void put_first_word(const struct completion *c)
{
    fputs("        *) if [[ $cmd ]]; then before=$w; n=$((n + 1)); else ", stdout);
    if (c->bare.name) {
        fputs("case \"", stdout);
        completion_commands(c);
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
        printf(
            "    [[ ! $%s ]] || %s \"${connect[@]}\" ${past:-%s} %s \\\n"
            "        2>/dev/null </dev/null | LC_ALL=C grep -E '^[A-Za-z0-9][A-Za-z0-9._:@-]*$'\n",
            kind, c->program, c->live ? c->live : "", words);
    }
}

/* _NAME_offers WORD...: what may stand at the last. */
static void print_offers(const struct completion *c)
{
    put_of(c);
    put_at(c);
    put_from(c);
    if (c->exprs) {
        put_exprs(c);
    }
    completion_part(c, walk_words);
    put_first_word(c);
    completion_part(c, walk_part);
    if (c->exprs) {
        completion_part(c, "    [[ ! $exprs ]] || _NAME_exprs \"$part\"\n");
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

void completion_bash(const struct completion *c)
{
    print_offers(c);
    completion_part(c, bash_end);
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

void completion_zsh(const struct completion *c)
{
    completion_part(c, "#compdef NAME\n");
    print_offers(c);
    completion_part(c, zsh_end);
}
