/* SPDX-License-Identifier: MIT
 * What the server costs, as /proc tells it for --server-pid, else as the page of --server-metrics
 * does. Pages are asked for by a thread of their own, so that no message waits for one. */
#ifndef SIGBENCH_SERVER_H
#define SIGBENCH_SERVER_H

#include "cli/sigbench/procstat.h"

#include <pthread.h>
#include <stddef.h>

struct bench;
struct bench_conf;

/* server_watch is what was read in a run, by all of its threads. */
struct server_watch {
    const struct bench *b;
    struct proc_sample connected; /* before there is any load */
    pthread_t asker;
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t wake;
    unsigned due; /* pages to be asked for: one more than is being read, or two */
    bool over;
    struct proc_sample *mark; /* owned; NULL: nothing is asked for */
    size_t n, cap;
    char why[160]; /* the first that could not be had */
};

/* server_source names where the figures come from: "pid", "metrics", or "" for nowhere. */
const char *server_source(const struct bench_conf *c);

/* server_begin gives 0, or the exit status after a message; server_end must follow. b is borrowed.
 */
int server_begin(struct server_watch *w, const struct bench *b);

/* server_read reads all there is, which may take as long as scrape_patience. server_connected does
 * so when all clients are there. */
struct proc_sample server_read(struct server_watch *w);
void server_connected(struct server_watch *w);

/* server_mark has it read at about now and returns at once. The first mark is the begin of the
 * measured window, the last its end. */
void server_mark(struct server_watch *w);

/* server_end waits for what is being read and hands it to b, whose intervals are between marks. */
void server_end(struct server_watch *w, struct bench *b);

/* server_is_unread tells whether the window lacks figures that were asked for; b->server_error says
 * why. */
bool server_is_unread(const struct bench *b);

#endif
