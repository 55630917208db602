/* SPDX-License-Identifier: MIT
 * Options from tables: one row feeds parser, environment, --help, completion and the man page test.
 * Parsing stands on getopt_long; options stand before or after the positional arguments. */
#ifndef CLI_OPT_H
#define CLI_OPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum opt_type {
    OPT_FLAG,     /* bool */
    OPT_STRING,   /* const char * */
    OPT_LIST,     /* struct opt_list: may be given again and again */
    OPT_PAIR,     /* struct opt_pairs: two words each time, again and again; of arguments alone */
    OPT_COUNT,    /* int64_t, 10k = 10000 */
    OPT_SIZE,     /* int64_t bytes, 64K = 65536 */
    OPT_DURATION, /* int64_t microseconds; OPT_NEVER for "none" */
    OPT_TIMEOUT,  /* the same, more than 0 */
    OPT_CHOICE,   /* const char *, one of the words in arg, written "a|b|c" */
    OPT_ASK,      /* bool, of one command line: no file can ask for help */
    OPT_ENV_FILE, /* const char *, of one command line: where opt_read finds more environment */
    OPT_SECRET    /* const char *, of the environment alone: arguments show in ps */
};

#define OPT_NEVER    INT64_MAX
#define OPT_LIST_MAX 64

struct opt_list {
    const char *v[OPT_LIST_MAX];
    unsigned n;
};

#define OPT_PAIRS_MAX 32

struct opt_pairs {
    struct {
        const char *name, *value;
    } v[OPT_PAIRS_MAX];
    unsigned n;
};

/* opt is one row; a table ends with a row whose name is NULL. Values are borrowed from argv, the
 * environment and what opt_read keeps of files. */
struct opt {
    const char *name; /* long name, without dashes */
    char letter;      /* short name, 0 for none */
    enum opt_type type;
    const char *arg; /* what the help calls the value or values; NULL for flags */
    const char *env; /* environment variable, NULL for none */
    size_t off;      /* offsetof() into the values struct */
    const char *help;
};

/* opt_group is a table with the struct it fills. */
struct opt_group {
    const struct opt *rows;
    void *values;
};

/* opt_alternatives names options that exclude each other, "a|b|c" a line, NULL at the end: one of
 * them given by a stronger source unsets the others; two on one command line are wrong. They are
 * flags and strings. */
extern const char *const opt_alternatives[];

/* opt_read fills the groups from argv, the environment, the file of OPT_ENV_FILE and the user's
 * configuration, the first of them that says something; called once. Gives 0, or EXIT_USAGE or
 * EXIT_DATA with a sentence in why. argv and first: as opt_parse. */
int opt_read(const struct opt_group *groups, size_t n, int argc, char **argv, int *first, char *why,
             size_t cap);

/* opt_is_argument is false for what only the environment can say. */
bool opt_is_argument(const struct opt *row);
/* opt_takes_value is false for flags. */
bool opt_takes_value(const struct opt *row);
/* opt_words gives how many words of a command line are its value: 0, 1 or 2. */
int opt_words(const struct opt *row);

/* opt_parse reads argv[1..argc); positional arguments are moved to the end of argv and *first is
 * the index of the first. argv[stop] named by "--" ends the options. False with a sentence in why,
 * which says "did you mean" for near misses. May be called many times in one process. */
bool opt_parse(const struct opt_group *groups, size_t n, int argc, char **argv, int *first,
               char *why, size_t cap);

/* opt_help prints a table's rows, aligned, two spaces in. */
void opt_help(FILE *f, const struct opt *rows);

#endif
