/* SPDX-License-Identifier: MIT
 * The event feed: a ring of the newest events, and monitors that read it at their own pace. A
 * monitor has no queue: it has a cursor, and what is overwritten before it came by is counted. */
#ifndef CORE_FEED_H
#define CORE_FEED_H

#include "libproto/event.h"
#include "libproto/filter.h"
#include "libproto/id.h"

struct client;
struct hub;

struct monitor {
    struct monitor *next;
    struct client *client;
    uint64_t cursor; /* the next event to look at */
    uint64_t told;   /* what it asked for ends below this event, and it is to be told; 0: is told */
    int64_t missed;  /* events of this filter that were overwritten unseen */
    uint64_t missed_from, missed_to;
    uint32_t sample; /* of SP_SAMPLE_ALL */
    bool content;
    struct sp_filter filter;
};

/* Of most events: three lines of the cache hold a slot. */
#define FEED_TEXT 104u

/* feed_slot is an event, its strings unless they are longer, and where what it carried stands among
 * the contents. */
struct feed_slot {
    struct sp_event_slot ev;
    bool is_long;
    uint32_t ncontent;
    uint64_t content;
    char text[FEED_TEXT];
};

_Static_assert(sizeof(struct feed_slot) == 192, "no hole, and no line more");

struct feed {
    struct feed_slot *ring;
    char (*longer)[SP_EVENT_TEXT]; /* of each slot; memory that most never touch */
    uint32_t size;                 /* a power of two */
    uint64_t head;                 /* the number of the next event; the first is 1 */
    uint64_t slowest;              /* no monitor's cursor is below this */
    uint64_t flush_us;             /* when monitors were last served */
    int64_t lost_ms;               /* when the newest one that was overwritten happened */
    struct monitor *monitors;
    char boot[SP_RESUME_LEN]; /* names this life of the server: its numbers begin anew */
    uint64_t secret[2];       /* of samples */
    /* The newest contents one behind the other, as raw JSON; NULL: none are kept. */
    char *contents;
    size_t contents_size;
    uint64_t contents_end; /* bytes ever written */
};

/* feed_init keeps size events, and where contents is not 0 as many bytes of what they carried.
 * random is 32 bytes from a CSPRNG. */
bool feed_init(struct feed *f, uint32_t size, size_t contents, const uint8_t random[32]);
void feed_fini(struct feed *f);

/* feed_emit numbers and stores an event and hands it to the log; strings are copied. */
void feed_emit(struct hub *h, struct sp_event *ev);
/* feed_emit_with is feed_emit with the raw SDP or candidate of the message, for those who may see
 * it. */
void feed_emit_with(struct hub *h, struct sp_event *ev, struct sp_str content);
/* feed_take puts another node's event among ours, for monitors alone. */
void feed_take(struct hub *h, struct sp_event *ev);
/* feed_flush serves every monitor that can take something. */
void feed_flush(struct hub *h);
/* feed_due gives the time of the next flush; UINT64_MAX when nothing waits. */
uint64_t feed_due(const struct hub *h);

/* feed_tail gives the number of the oldest event that is kept; feed_slot_of the place of one. */
uint64_t feed_tail(const struct feed *f);
struct feed_slot *feed_slot_of(const struct feed *f, uint64_t seq);
/* feed_event reads the event of a slot, from which it borrows. */
void feed_event(const struct feed *f, const struct feed_slot *s, struct sp_event *ev);
/* feed_put_content writes the content of an event; false when it has been overwritten. */
bool feed_put_content(const struct feed *f, const struct feed_slot *s, struct sp_buf *b);

/* --- monitor.c */

/* monitor_passes tells whether an event is one that the monitor wants. */
bool monitor_passes(const struct feed *f, const struct monitor *m, const struct sp_event *ev);
/* monitor_missed counts events that it will not see. */
void monitor_missed(struct monitor *m, uint64_t from, uint64_t to, int64_t count);
/* monitor_waits tells that there is something to look at. */
bool monitor_waits(const struct feed *f, const struct monitor *m);
/* monitor_serve sends one monitor what it has not seen, as far as its socket takes it. */
void monitor_serve(struct hub *h, struct monitor *m);
void monitor_drop(struct hub *h, struct client *c);

#endif
