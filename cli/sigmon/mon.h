/* SPDX-License-Identifier: MIT
 * sigmon's options and its two halves: the stream of events and their lines. */
#ifndef SIGMON_MON_H
#define SIGMON_MON_H

#include "cli/common/link.h"
#include "libproto/event.h"
#include "libproto/filter.h"

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

/* stream_run attaches and prints until one of the ends; gives the exit status. */
int stream_run(struct link *link, const struct link_opts *opts, const struct mon_opts *o,
               const char *filter);

#endif
