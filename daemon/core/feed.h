/* SPDX-License-Identifier: MIT
 * The event feed: a ring of the newest events, and monitors that read it at their own pace. A
 * monitor has no queue: it has a cursor, and what is overwritten before it came by is counted. */
#ifndef CORE_FEED_H
#define CORE_FEED_H

#include "libproto/event.h"
#include "libproto/filter.h"

struct client;
struct hub;

struct monitor {
    struct monitor *next;
    struct client *client;
    uint64_t cursor; /* the next event to look at */
    int64_t missed;  /* events of this filter that were overwritten unseen */
    uint64_t missed_from, missed_to;
    struct sp_filter filter;
};

struct feed {
    struct sp_event_slot *ring;
    uint32_t size;     /* a power of two */
    uint64_t head;     /* the number of the next event; the first is 1 */
    uint64_t slowest;  /* no monitor's cursor is below this */
    uint64_t flush_us; /* when monitors were last served */
    struct monitor *monitors;
};

bool feed_init(struct feed *f, uint32_t size);
void feed_fini(struct feed *f);

/* feed_emit numbers and stores an event and hands it to the log; strings are copied. */
void feed_emit(struct hub *h, struct sp_event *ev);
/* feed_flush serves every monitor that can take something. */
void feed_flush(struct hub *h);
/* feed_due gives the time of the next flush; UINT64_MAX when nothing waits. */
uint64_t feed_due(const struct hub *h);
/* monitor_serve sends one monitor what it has not seen, as far as its socket takes it. */
void monitor_serve(struct hub *h, struct monitor *m);
void monitor_drop(struct hub *h, struct client *c);

#endif
