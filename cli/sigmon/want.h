/* SPDX-License-Identifier: MIT
 * Which events a command wants: options that most of them share, and what they mean. */
#ifndef SIGMON_WANT_H
#define SIGMON_WANT_H

#include "cli/common/opt.h"
#include "libproto/event.h"
#include "libproto/filter.h"

/* want_opts are the values of want_rows. */
struct want_opts {
    struct opt_list only, except;
    const char *since, *sample, *file, *until, *ready_file;
    int64_t backlog, duration_us;
    bool content;
};

extern const struct opt want_rows[];

/* How the past is asked for. */
enum want_past { WANT_NO_PAST, WANT_SEQ, WANT_TIME, WANT_AGE };

/* want is what a source is asked for; it borrows from the options. */
struct want {
    char filter[SP_FILTER_MAX + 1];
    enum want_past past;
    int64_t since;   /* a number; ms since 1970; or ms before now */
    int64_t backlog; /* -1: not limited */
    int64_t sample;  /* of SP_SAMPLE_ALL */
    bool content;
    bool past_only; /* nothing that happens from now on */
    bool has_until;
    struct sp_filter until;
    int64_t duration_us; /* OPT_NEVER: no end */
    const char *file;    /* a recording instead of a server; NULL: a server */
    const char *ready_file;
};

/* want_read makes it of the options and the n words, which are one expression; prints what is wrong
 * and gives EXIT_USAGE. */
int want_read(struct want *w, const struct want_opts *o, char **words, int n);

/* want_words makes one expression of n words and checks it; EXIT_USAGE with a message when it is
 * none. */
int want_words(char expr[SP_FILTER_MAX + 1], char **words, int n);

#define WANT_ALL INT64_C(1000000000) /* a backlog of all that is kept */

/* want_read_file is want_read for a command that reads a recording: --file, or else the first word.
 * command is its name. */
int want_read_file(struct want *w, const struct want_opts *o, const char *command, char **words,
                   int n);

/* want_also narrows the filter by one more expression; EXIT_USAGE when it gets too long. */
int want_also(struct want *w, const char *expr);

/* want_session narrows it to sessions whose id has this text in it; EXIT_USAGE when it is none of
 * an id. */
int want_session(struct want *w, const char *part);

/* want_compile compiles one expression; what is its name in the message, which has a caret under
 * what is wrong. EXIT_USAGE then. */
int want_compile(struct sp_filter *f, const char *what, const char *expr);

#endif
