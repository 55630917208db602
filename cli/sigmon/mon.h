/* SPDX-License-Identifier: MIT
 * sigmon's commands; of tail its options and two halves: the stream of events and their lines. */
#ifndef SIGMON_MON_H
#define SIGMON_MON_H

#include "cli/common/link.h"
#include "libproto/event.h"
#include "libproto/filter.h"

#define MON_VALUES_MAX 4096u /* bytes of a command's options */

/* mon_command is one row of the table; it ends with a row whose name is NULL. rows fill the struct
 * that run gets as values; words are the n arguments behind the command's name. run gives the exit
 * status. */
struct mon_command {
    const char *name, *args, *help, *example;
    const struct opt *rows;
    int (*run)(const struct link_opts *opts, const void *values, char **words, int n);
};

extern const struct opt audit_rows[];
int audit_run(const struct link_opts *opts, const void *values, char **words, int n);
int tail_run(const struct link_opts *opts, const void *values, char **words, int n);

struct mon_opts {
    struct opt_list only, except;
    const char *until, *time, *ready_file;
    int64_t backlog, stop_after, duration_us;
};

extern const struct opt mon_rows[];

/* mon_filter combines the words of the command line, -e and -x into one expression; prints a caret
 * under what is wrong with one of them and gives EXIT_USAGE. */
int mon_filter(const struct mon_opts *o, char **words, int n, char *out, size_t cap);

/* mon_compile compiles one expression; what is its name in the message. */
int mon_compile(struct sp_filter *f, const char *what, const char *expr);

/* lines knows how to print events; zero but for the two options. */
struct lines {
    const struct link_opts *opts;
    const char *time; /* abs, rel, delta, epoch, none; NULL is abs */
    int64_t first_ms, last_ms;
    bool any;
};

/* lines_event prints one event, as received for machines, aligned for people. */
void lines_event(struct lines *l, const struct sp_event *ev, struct sp_str raw);
/* lines_gap prints what the server could not deliver. */
void lines_gap(struct lines *l, const struct link_msg *m);
/* lines_restart says that the numbers of events begin anew. */
void lines_restart(struct lines *l);

/* stream_run attaches and prints until one of the ends; gives the exit status. */
int stream_run(struct link *link, const struct link_opts *opts, const struct mon_opts *o,
               const char *filter);

#endif
