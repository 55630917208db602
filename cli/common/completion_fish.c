/* SPDX-License-Identifier: MIT
 * Completion scripts of fish. */
#include "cli/common/completion_in.h"

#include <stdio.h>
#include <string.h>

static void put_fish_place(const struct completion *c, const struct place *p)
{
    fputs(" -a \"", stdout);
    completion_words(c, p);
    printf("%s", p->ids || p->sessions || p->exprs ? " " : "");
    completion_part(c, p->ids ? "(__NAME_ids)" : "");
    completion_part(c, p->sessions ? "(__NAME_sessions)" : "");
    completion_part(c, p->exprs ? "(__NAME_exprs)" : "");
    putchar('"');
}

static void print_fish_rows(const struct completion *c, const char *condition,
                            const struct opt *rows)
{
    for (; rows->name; rows++) {
        struct place p = completion_value(c, rows);
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
            completion_part(c, " -a '(__NAME_at)'");
        }
        printf(" -d \"%s\"\n", rows->help);
    }
}

static void print_fish_arguments(const struct completion *c, const char *condition,
                                 const char *args)
{
    bool last = false;
    for (int i = 0; !last; i++) {
        struct place p = completion_argument(c, args, i, "peer");
        last = completion_is_last(args, i);
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

static void print_fish_sources(const struct completion *c)
{
    for (const struct opt *row = c->common; row->name; row++) {
        if (!completion_is_source(row)) {
            continue;
        }
        bool valued = opt_takes_value(row);
        if (valued) {
            printf("        case '--%s=*'\n            set -a from $given[1]\n", row->name);
        }
        printf(row->letter ? "        case --%s -%c\n" : "        case --%s\n", row->name,
               row->letter);
        fputs(valued ? "            set -a from $given[1..2]\n            set -e given[1]\n"
                     : "            set -a from $given[1]\n",
              stdout);
    }
}

/* __NAME_from: the words of the line that say where live ids come from. */
static void print_fish_from(const struct completion *c)
{
    completion_part(c, "function __NAME_from\n"
                       "    set -l given (commandline -opc)\n");
    printf("    set -l from\n    set -l past %s\n"
           "    while set -q given[2]\n"
           "        set -e given[1]\n"
           "        switch $given[1]\n",
           c->live ? c->live : "");
    print_fish_sources(c);
    if (c->recorded) {
        printf("        case '--file=*'\n            set -a from $given[1]\n"
               "            set past %s\n"
               "        case --file -f\n            set -a from $given[1..2]\n"
               "            set past %s\n            set -e given[1]\n",
               c->recorded, c->recorded);
    }
    fputs("        end\n    end\n    count $from $past >/dev/null\n    and printf '%s\\n' $from "
          "$past\nend\n",
          stdout);
}

static void print_fish_live(const struct completion *c, const char *kind, const char *words)
{
    if (words) {
        printf("function __%s_%s\n"
               "    %s (__%s_from) %s 2>/dev/null </dev/null |\n"
               "        string match -r -- '^[A-Za-z0-9][A-Za-z0-9._:@-]*$'\n"
               "end\n",
               c->program, kind, c->program, c->program, words);
    }
}

static void print_fish_exprs(const struct completion *c)
{
    completion_part(c, "function __NAME_exprs\n"
                       "    switch (commandline -ct | string replace -r -- '^--[a-z-]+=' '')\n");
    for (const struct completion_field *field = c->fields; field->name; field++) {
        printf("    case '%s=*'\n        printf '%%s\\n'", field->name);
        completion_values_of(field);
        putchar('\n');
    }
    printf("    case '*'\n        printf '%%s\\n'%s\n    end\nend\n", c->exprs);
}

/* What all lines have; names of files stand behind @ where the program knows that. */
static void print_fish_common(const struct completion *c)
{
    if (c->has_at) {
        completion_part(c, "function __NAME_at\n"
                           "    string match -q -- '@*' (commandline -ct)\n"
                           "    and printf '@%s\\n' (__fish_complete_path (string sub -s 2 -- "
                           "(commandline -ct)))\n"
                           "end\n");
    }
    print_fish_from(c);
    print_fish_live(c, "ids", c->ids);
    print_fish_live(c, "sessions", c->sessions);
    if (c->exprs) {
        print_fish_exprs(c);
    }
    completion_part(c,
                    c->has_at ? "complete -c NAME -f -a '(__NAME_at)'\n" : "complete -c NAME -f\n");
    print_fish_rows(c, "", c->common);
}

void completion_fish(const struct completion *c)
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
