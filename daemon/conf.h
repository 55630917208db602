/* SPDX-License-Identifier: MIT
 * The configuration of sigd: one table of options, five sources in order of precedence. */
#ifndef DAEMON_CONF_H
#define DAEMON_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define CONF_LIST_MAX 64

struct conf_list {
    const char *v[CONF_LIST_MAX];
    unsigned n;
};

#define CONF_TYPE_STRING   const char *
#define CONF_TYPE_WORD     const char *
#define CONF_TYPE_SECRET   const char *
#define CONF_TYPE_CHOICE   const char *
#define CONF_TYPE_NUMBER   int64_t
#define CONF_TYPE_SIZE     int64_t
#define CONF_TYPE_DURATION int64_t
#define CONF_TYPE_FLAG     bool
#define CONF_TYPE_LIST     struct conf_list

/* conf holds the typed values: numbers, bytes, microseconds. Strings belong to it. */
struct conf {
#define SIGD_OPTION(field, name, letter, type, def, low, high, reload, env, arg, help)             \
    CONF_TYPE_##type field;
#include "daemon/tbl/options.h"
#undef SIGD_OPTION
};

/* conf_args is what the command line says beside the options of the table. */
struct conf_args {
    const char *file, *env_file;
    bool no_env_file, check, print, print_rights, help, version;
};

/* conf_load reads defaults, file, .env, environment and flags, the later over the earlier. False
 * with a sentence in why, which names the place; *usage when the command line itself is wrong
 * (exit 2, else 9). */
bool conf_load(struct conf *c, struct conf_args *args, int argc, char **argv, char *why, size_t cap,
               bool *usage);

/* conf_print writes the configuration as a sigd.conf, each value with its source; secrets masked.
 */
void conf_print(FILE *f);

/* conf_help prints the options. */
void conf_help(FILE *f);

/* conf_where gives the place that set an option, for messages: "sigd.conf:3", "--listen". */
const char *conf_where(const char *name);

/* conf_where_nth gives the place of value i of a LIST; i is less than its n. */
const char *conf_where_nth(const char *name, unsigned i);

/* conf_free gives back the strings. */
void conf_free(void);

#endif
