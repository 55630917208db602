/* SPDX-License-Identifier: MIT
 * sigmon's commands, a row each. */
#ifndef SIGMON_MON_H
#define SIGMON_MON_H

#include "cli/common/link.h"
#include "cli/sigmon/source.h"
#include "cli/sigmon/want.h"

#define MON_VALUES_MAX 4096u /* bytes of a command's options */

/* mon_args is what a command gets: words are the n arguments behind its name. */
struct mon_args {
    const struct link_opts *opts;
    const struct want_opts *want; /* of a command that wants events */
    const void *values;           /* the struct that the command's rows fill */
    char **words;
    int n;
};

/* mon_command is one row of the table; it ends with a row whose name is NULL. run gives the exit
 * status. */
struct mon_command {
    const char *name, *args, *help, *example;
    const struct opt *rows; /* of its own; may be empty */
    bool wants;             /* the options of want.h are its too */
    int (*run)(const struct mon_args *a);
};

/* mon_commands begins with the one that is meant where none is named. */
extern const struct mon_command mon_commands[];

/* mon_fail prints why the link's last call failed and gives the status; signals and the end of the
 * reader are no failures to tell. */
int mon_fail(const struct link *link);

/* mon_watch tells ops of the events that are wanted, from a server or a recording, until there are
 * no more or ops->done. Gives the exit status, with a failure printed. */
int mon_watch(const struct mon_args *a, const struct want *want, const struct source_ops *ops,
              void *ctx);

/* mon_error prints why a command that has printed its one object fails. */
void mon_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* mon_check_format tells whether -F is a template, with a message printed; EXIT_USAGE when not. */
int mon_check_format(const struct link_opts *opts);

extern const struct opt tail_rows[], flow_rows[], explain_rows[], record_rows[], analyze_rows[],
    replay_rows[], audit_rows[], completion_rows[], stat_rows[], top_rows[];
int tail_run(const struct mon_args *a);
int flow_run(const struct mon_args *a);
int explain_run(const struct mon_args *a);
int stat_run(const struct mon_args *a);
int top_run(const struct mon_args *a);
int record_run(const struct mon_args *a);
int analyze_run(const struct mon_args *a);
int replay_run(const struct mon_args *a);
int audit_run(const struct mon_args *a);
int completion_run(const struct mon_args *a);

/* What the help of a command tells besides its options. */
void stat_help(FILE *f);
void top_help(FILE *f);

#endif
