/* SPDX-License-Identifier: MIT
 * The lines of sigmon: an event, a gap, a restart; aligned for people, JSON for machines. */
#ifndef SIGMON_LINES_H
#define SIGMON_LINES_H

#include "cli/sigmon/source.h"

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
void lines_gap(struct lines *l, const struct source_gap *gap);
/* lines_restart says that the numbers of events begin anew. */
void lines_restart(struct lines *l);

/* The objects that machines and recordings get. Each gives memory that the caller frees and its
 * length; NULL when out of memory. An event is as received, in one line, with ts_us. */
char *lines_event_object(const struct sp_event *ev, struct sp_str raw, size_t *n);
char *lines_gap_object(const struct source_gap *gap, size_t *n);
char *lines_restart_object(size_t *n);

/* lines_session gives the short form of a session's id. */
struct sp_str lines_session(struct sp_str id);

#endif
