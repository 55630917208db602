/* SPDX-License-Identifier: MIT
 * Inside the configuration: the table's rows, the banks of texts, where texts come from. */
#ifndef DAEMON_CONFSRC_H
#define DAEMON_CONFSRC_H

#include "daemon/conf.h"

#define CONF_FILE_MAX   (256u * 1024u) /* sigd.conf and .env: far more than all options need */
#define CONF_SECRET_MAX 4096u          /* no key of HS256 gains by more */

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

enum {
#define SIGD_OPTION(field, ...) CONF_AT_##field,
#include "daemon/tbl/options.h"
#undef SIGD_OPTION
    CONF_ROWS
};

struct conf_value {
    enum conf_source source;
    char *text[CONF_LIST_MAX];
    char *where[CONF_LIST_MAX];
    unsigned n;
    bool exposed; /* others can read the file it stands in */
};

/* conf_bank owns the texts of one reading. */
struct conf_bank {
    struct conf_value v[CONF_ROWS];
    char *secret;      /* what jwt-secret-file holds */
    char *cluster_key; /* what cluster-key-file holds */
    char *turn_secret, *turn_password;
};

/* conf_fill is a reading under way: the bank it fills and where it says what is wrong. */
struct conf_fill {
    struct conf_bank *bank;
    char *why;
    size_t cap;
    bool again;   /* a reload: what can be read only once is refused */
    bool dotenv;  /* out: .env was there */
    bool exposed; /* others can read the file that is being read */
};

extern const struct conf_row conf_rows[CONF_ROWS];

const struct conf_row *conf_find(const char *name);
struct conf_value *conf_value_of(struct conf_bank *b, const struct conf_row *row);

/* conf_fail words what is wrong; always false. */
__attribute__((format(printf, 2, 3))) bool conf_fail(struct conf_fill *f, const char *format, ...);
/* conf_unknown words the error about an option that does not exist; always false. */
bool conf_unknown(struct conf_fill *f, const char *where, const char *name);

/* conf_set takes a value over those of weaker sources, and leaves that of a stronger one; lists
 * grow within one source. False when a list is full or memory is short. */
bool conf_set(struct conf_fill *f, const struct conf_row *row, enum conf_source source,
              const char *where, const char *text);
/* conf_drop forgets a value; a secret is wiped. */
void conf_drop(const struct conf_row *row, struct conf_value *v);
/* conf_wipe overwrites n bytes and frees them; NULL is fine. */
void conf_wipe(char *s, size_t n);

/* conf_convert turns the texts of the bank, which c borrows, into the fields of c. *flag tells
 * whether a wrong one is from the command line. */
bool conf_convert(struct conf *c, struct conf_fill *f, bool *flag);
/* conf_check_together finds options that contradict or lack each other, and reads the secret's
 * file. */
bool conf_check_together(struct conf *c, struct conf_fill *f);

/* conf_read_args reads the command line and overwrites its secrets. */
bool conf_read_args(struct conf_fill *f, struct conf_args *a, int argc, char **argv);
bool conf_read_file(struct conf_fill *f, const char *path);
/* conf_read_dotenv reads path, which must exist, or .env, which need not unless must is set (path
 * NULL). */
bool conf_read_dotenv(struct conf_fill *f, const char *path, bool must);
/* conf_read_environment also overwrites and removes the secrets there. */
bool conf_read_environment(struct conf_fill *f);
/* conf_read_secret gives the text of a file that nobody else may read, without its last newline.
 * NULL when something is wrong with it. */
char *conf_read_secret(struct conf_fill *f, const char *where, const char *path);

#endif
