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

/* conf holds the typed values: numbers, bytes, microseconds. Its strings are borrowed: those of one
 * reading live until the next one is committed, and those of one that is not, until conf_abort.
 * jwt_secret is also what jwt-secret-file holds; turn_secret and turn_password are what the files
 * of those names hold. */
struct conf {
    const char *cluster_key; /* what cluster-key-file holds */
#define SIGD_OPTION(field, name, letter, type, def, low, high, reload, env, arg, help)             \
    CONF_TYPE_##type field;
#include "daemon/tbl/options.h"
#undef SIGD_OPTION
    const char *turn_secret, *turn_password;
};

/* conf_args is what the command line says beside the options of the table. */
struct conf_args {
    const char *file, *env_file;
    bool no_env_file, check, print, print_rights, help, version;
};

/* conf_load reads defaults, file, .env, environment and flags, the later over the earlier. False
 * with a sentence in why, which names the place; *usage when the command line itself is wrong
 * (exit 2, else 9). With --help or --version it reads the command line alone, and c is not filled.
 * Secrets are overwritten in argv and taken out of the environment; argv must stay. */
bool conf_load(struct conf *c, struct conf_args *args, int argc, char **argv, char *why, size_t cap,
               bool *usage);

/* conf_reload reads file, .env and the secret's file again; flags and environment are those of
 * conf_load. False with a sentence in why when anything is wrong, and all is as before. Otherwise
 * next has the new values, with the old ones of options that need a restart, and fixed names those
 * of them that would have changed. Then conf_commit or conf_abort follows; until then the old
 * strings live too, and conf_where tells of the new ones. */
bool conf_reload(struct conf *next, struct conf_list *fixed, char *why, size_t cap);

/* conf_commit makes the values of conf_reload the current ones and frees the old strings. */
void conf_commit(void);

/* conf_abort frees the strings of conf_reload. */
void conf_abort(void);

/* conf_print writes the configuration as a sigd.conf, each value with its source; secrets masked.
 */
void conf_print(FILE *f);

/* conf_help prints the options. */
void conf_help(FILE *f);

/* conf_where gives the place that set an option, for messages: "sigd.conf:3", "--listen"; the name
 * where it is not set. It lives as long as the strings. */
const char *conf_where(const char *name);

/* conf_where_nth gives the place of value i of a LIST; i is less than its n. */
const char *conf_where_nth(const char *name, unsigned i);

/* conf_exposed gives the place of a secret that stands in a file which is not token_file_private,
 * NULL when there is none; of the new values between conf_reload and what follows it. It lives as
 * long as the strings. */
const char *conf_exposed(void);

/* conf_free gives back the strings; secrets are wiped. */
void conf_free(void);

#endif
