/* SPDX-License-Identifier: MIT
 * The audit log: a file of JSON lines, each with the hash of the line before, written by a thread
 * of its own. The loop thread hands events over through a bounded queue and never waits. */
#ifndef DAEMON_AUDIT_H
#define DAEMON_AUDIT_H

#include "libproto/event.h"

struct audit;

/* audit_open opens or creates path (mode 0600), locks it against a second daemon, reads where its
 * chain ends and starts the thread. queue is the number of records that may wait, rounded up to a
 * power of two. A pipe, terminal or device has no end to read and begins a new chain. NULL with a
 * sentence in why: the file cannot be opened, is another daemon's, or holds something else than
 * an audit log. */
struct audit *audit_open(const char *path, uint32_t queue, char *why, size_t cap);

/* audit_event copies ev into the queue, its seq left out: the audit log has its own. One thread
 * calls it. It does not wait, allocate or read a file. False: no room, and it is counted. */
bool audit_event(struct audit *a, const struct sp_event *ev);

/* audit_reopen makes the thread go on in a new file at path, once logrotate has moved the old one
 * away. Where that cannot be done (no permission, a file that is not empty) the old one is kept,
 * audit_state says failing, and the thread tries on. What is not a file is not reopened. */
void audit_reopen(struct audit *a);

struct audit_state {
    uint64_t written;      /* events in the file */
    uint64_t dropped;      /* events that found no room */
    uint64_t bytes;        /* written since audit_open */
    uint64_t last_drop_us; /* CLOCK_MONOTONIC, 0: never */
    uint32_t queued, room; /* events that wait, and how many more may */
    bool failing;          /* the last attempt failed, or stands still for more than a second */
    int error;             /* why it failed, an errno; 0: it does not, or stands still */
};

/* audit_state tells how it stands; cheap, for the thread of audit_event. */
void audit_state(const struct audit *a, struct audit_state *s);

/* audit_close writes what is queued, and a last record, for as long as wait_us allows; the rest
 * counts as dropped. It comes back in time even when the thread hangs in the kernel. last is the
 * final state, or NULL. */
void audit_close(struct audit *a, uint64_t wait_us, struct audit_state *last);

#endif
