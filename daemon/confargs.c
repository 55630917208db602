/* SPDX-License-Identifier: MIT
 * The command line of sigd. */
#include "daemon/confsrc.h"

#include <getopt.h>
#include <string.h>

enum { ARG_CHECK = 1000, ARG_PRINT, ARG_RIGHTS, ARG_ENV_FILE, ARG_NO_ENV_FILE, ARG_ROW };

static const struct option extra[] = {
    {"config", required_argument, NULL, 'c'},
    {"check-config", no_argument, NULL, ARG_CHECK},
    {"print-config", no_argument, NULL, ARG_PRINT},
    {"print-rights", no_argument, NULL, ARG_RIGHTS},
    {"env-file", required_argument, NULL, ARG_ENV_FILE},
    {"no-env-file", no_argument, NULL, ARG_NO_ENV_FILE},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
};

#define NEXTRA (sizeof(extra) / sizeof(extra[0]))

static bool bad_option(struct conf_fill *f, char **argv, int code)
{
    const char *word = argv[optind - 1];
    if (code == ':') {
        return conf_fail(f, "%.64s needs a value", word);
    }
    if (strncmp(word, "--", 2) == 0) {
        char name[64];
        snprintf(name, sizeof(name), "%.*s", (int)strcspn(word + 2, "="), word + 2);
        return conf_unknown(f, "command line", name);
    }
    return conf_fail(f, "unknown option -%c", optopt);
}

/* getopt_long takes any unambiguous start of a name; what it means could change with the next
 * option, so nobody shall get used to it. */
static bool is_abbreviated(char **argv, const char *name)
{
    for (int back = 1; back <= 2 && optind > back; back++) {
        const char *word = argv[optind - back];
        size_t n = strncmp(word, "--", 2) == 0 ? strcspn(word + 2, "=") : 0;
        if (n && strncmp(word + 2, name, n) == 0) {
            return name[n] != '\0';
        }
    }
    return false;
}

static bool take_extra(struct conf_args *a, int code)
{
    switch (code) {
    case 'c':
        a->file = optarg;
        return true;
    case 'h':
        a->help = true;
        return true;
    case 'V':
        a->version = true;
        return true;
    case ARG_CHECK:
        a->check = true;
        return true;
    case ARG_PRINT:
        a->print = true;
        return true;
    case ARG_RIGHTS:
        a->print_rights = true;
        return true;
    case ARG_ENV_FILE:
        a->env_file = optarg;
        return true;
    case ARG_NO_ENV_FILE:
        a->no_env_file = true;
        return true;
    default:
        return false;
    }
}

static void build_options(struct option *longs, char *shorts)
{
    char *s = shorts;
    *s++ = ':';
    for (size_t i = 0; i < CONF_ROWS; i++) {
        const struct conf_row *row = &conf_rows[i];
        int has = row->arg ? required_argument : optional_argument;
        longs[i] = (struct option){row->name, has, NULL, ARG_ROW + (int)i};
        if (row->letter) {
            *s++ = row->letter;
            *s++ = ':';
        }
    }
    memcpy(longs + CONF_ROWS, extra, sizeof(extra));
    memcpy(s, "c:hV", 5);
}

static const struct conf_row *row_of_code(int code)
{
    if (code >= ARG_ROW) {
        return &conf_rows[code - ARG_ROW];
    }
    const struct conf_row *row = conf_rows;
    while (row->letter != code) {
        row++;
    }
    return row;
}

static bool take_option(struct conf_fill *f, char **argv, int code)
{
    const struct conf_row *row = row_of_code(code);
    if (code >= ARG_ROW && is_abbreviated(argv, row->name)) {
        return bad_option(f, argv, '?');
    }
    char where[64];
    snprintf(where, sizeof(where), "--%s", row->name);
    bool ok = conf_set(f, row, CONF_FROM_FLAG, where, optarg ? optarg : "true");
    if (row->type == CONF_SECRET) {
        explicit_bzero(optarg, strlen(optarg)); /* everybody may read /proc/PID/cmdline */
    }
    return ok;
}

bool conf_read_args(struct conf_fill *f, struct conf_args *a, int argc, char **argv)
{
    struct option longs[CONF_ROWS + NEXTRA + 1] = {{0}};
    char shorts[2 * CONF_ROWS + 8];
    build_options(longs, shorts);
    memset(a, 0, sizeof(*a));
    optind = 1;
    opterr = 0;
    for (int code; (code = getopt_long(argc, argv, shorts, longs, NULL)) != -1;) {
        if (code == '?' || code == ':') {
            return bad_option(f, argv, code);
        }
        if (!take_extra(a, code) && !take_option(f, argv, code)) {
            return false;
        }
    }
    return optind == argc || conf_fail(f, "sigd takes no argument '%.64s'", argv[optind]);
}
