/* SPDX-License-Identifier: MIT
 * Which options a line has. */
#include "cli/sigctl/grammar.h"

void grammar_options(const struct command *cmd, const struct opt *tables[3])
{
    tables[0] = link_rows;
    tables[1] = cmd ? cmd->rows : ctl_rows;
    tables[2] = NULL;
}

const struct opt *grammar_row(const struct command *cmd, const char *arg)
{
    const struct opt *tables[3];
    bool is_long = arg[0] == '-' && arg[1] == '-';
    size_t n = is_long ? strcspn(arg + 2, "=") : 0;
    grammar_options(cmd, tables);
    for (int t = 0; arg[0] == '-' && tables[t]; t++) {
        for (const struct opt *row = tables[t]; row->name; row++) {
            if (is_long ? strlen(row->name) == n && memcmp(row->name, arg + 2, n) == 0
                        : row->letter && arg[strlen(arg) - 1] == row->letter) {
                return opt_is_argument(row) ? row : NULL;
            }
        }
    }
    return NULL;
}

bool grammar_is_of_run(const struct opt *row)
{
    struct sp_str names =
        SP_STR("url|token-file|cacert|cert|key|sni|insecure|wait-server|retry|trace|"
               "env-file|version");
    return place_has_word(names, row->name);
}

static size_t size_of(const struct opt *row)
{
    if (!opt_takes_value(row)) {
        return sizeof(bool);
    }
    bool number = row->type == OPT_COUNT || row->type == OPT_SIZE || row->type == OPT_DURATION ||
                  row->type == OPT_TIMEOUT;
    return number ? sizeof(int64_t) : sizeof(const char *);
}

const char *grammar_misplaced(const struct link_opts *run, const struct link_opts *line)
{
    for (const struct opt *row = link_rows; row->name; row++) {
        if (grammar_is_of_run(row) && memcmp((const char *)run + row->off,
                                             (const char *)line + row->off, size_of(row)) != 0) {
            return row->name;
        }
    }
    return NULL;
}
