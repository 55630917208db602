/* SPDX-License-Identifier: MIT
 * Where values of the configuration come from: files, .env, environment. */
#ifndef DAEMON_CONFSRC_H
#define DAEMON_CONFSRC_H

#include "daemon/conf.h"

enum conf_type {
    CONF_STRING,
    CONF_WORD,
    CONF_SECRET,
    CONF_CHOICE,
    CONF_NUMBER,
    CONF_SIZE,
    CONF_DURATION,
    CONF_FLAG,
    CONF_LIST
};

/* Weakest first. */
enum conf_source {
    CONF_FROM_NOWHERE,
    CONF_FROM_DEFAULT,
    CONF_FROM_FILE,
    CONF_FROM_DOTENV,
    CONF_FROM_ENV,
    CONF_FROM_FLAG
};

struct conf_row {
    const char *name;
    char letter;
    enum conf_type type;
    const char *preset;
    int64_t low, high; /* high of a LIST: its most values */
    bool reloadable;
    const char *env; /* the original service's name for it */
    const char *arg, *help;
    size_t off;
};

struct conf_value {
    enum conf_source source;
    char *text[CONF_LIST_MAX];
    char *where[CONF_LIST_MAX];
    unsigned n;
};

extern const struct conf_row conf_rows[];
extern const size_t conf_nrows;

const struct conf_row *conf_find(const char *name);
/* conf_nearest gives the option whose name is near, or NULL. */
const char *conf_nearest(const char *name);
/* conf_unknown words the error about an option that does not exist. */
void conf_unknown(char *why, size_t cap, const char *where, const char *name);
struct conf_value *conf_value_of(const struct conf_row *row);
/* conf_set takes a value over those of weaker sources; lists grow within one source. False with a
 * sentence in why when a list is full. */
bool conf_set(const struct conf_row *row, enum conf_source source, const char *where,
              const char *text, char *why, size_t cap);

bool conf_read_file(const char *path, char *why, size_t cap);
/* conf_read_dotenv reads path, which must exist, or .env, which need not (path NULL). */
bool conf_read_dotenv(const char *path, char *why, size_t cap);
bool conf_read_environment(char *why, size_t cap);

#endif
