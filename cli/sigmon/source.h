/* SPDX-License-Identifier: MIT
 * Where events come from: a server, with coming back after a loss and going on where it broke off,
 * or a recording. */
#ifndef SIGMON_SOURCE_H
#define SIGMON_SOURCE_H

#include "cli/common/link.h"
#include "cli/sigmon/want.h"

/* source_gap is what a monitor was too slow for, or came too late for. */
struct source_gap {
    int64_t missed, from, to;
};

struct source;

/* source_ops are what is told, in order; each may be NULL. raw is the object as it came, borrowed
 * for the call. */
struct source_ops {
    /* attached for the first time; a status other than 0 ends it */
    int (*opened)(void *ctx, struct source *s);
    void (*event)(void *ctx, const struct sp_event *ev, struct sp_str raw);
    void (*gap)(void *ctx, const struct source_gap *gap);
    /* the numbers and times of events begin anew: the server was restarted, or is another one */
    void (*restart)(void *ctx);
    /* what came together has been told */
    void (*pause)(void *ctx);
    /* the past that was asked for is over; all that comes is new */
    void (*present)(void *ctx);
    /* a signal came; true: it was not one to end */
    bool (*signal)(void *ctx, int signo);
    /* called each tick_us, of a server alone */
    void (*tick)(void *ctx);
    /* true ends it */
    bool (*done)(void *ctx);
    /* nothing is told any more; a failure is printed behind it */
    void (*closing)(void *ctx);
};

struct source {
    struct link *link;
    const struct link_opts *opts;
    const struct want *want;
    const struct source_ops *ops;
    void *ctx;
    int64_t tick_us; /* 250 ms unless it is set */
    int64_t seq;     /* of the newest event seen; -1: none */
    int64_t past;    /* the past ends at this number */
    bool is_past;    /* and has not ended yet */
    bool is_asking;  /* to watch, and the answer was not looked at yet */
    bool until_seen; /* an event that --until names came */
    char boot[SP_RESUME_LEN + 1];
    char id[64];
};

/* source_init borrows all of it; link may be NULL where a recording is read. */
void source_init(struct source *s, struct link *link, const struct link_opts *opts,
                 const struct want *want);
void source_listen(struct source *s, const struct source_ops *ops, void *ctx);

/* source_become registers as the id of the options, else as one made up, where strangers may not
 * watch. The id is kept in the cap bytes, which live as long as the link. */
int source_become(struct link *l, const struct link_opts *o, char *id, size_t cap);

/* source_open connects and attaches. */
int source_open(struct source *s);

/* source_follow serves the stream until ops->done, until the event of --until, or, where the past
 * alone is wanted, until it is over: 0; EXIT_TIMEOUT at the deadline, EXIT_LOST and others as
 * link_recover. */
int source_follow(struct source *s, int64_t deadline);

/* source_run is all of it for a command that only watches: a server, or the recording of --file,
 * --duration and --timeout. Gives the exit status, with a failure printed. */
int source_run(struct source *s);

#endif
