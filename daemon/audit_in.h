/* SPDX-License-Identifier: MIT
 * What the parts of the audit log share: places in the chain, records, the file. */
#ifndef DAEMON_AUDIT_IN_H
#define DAEMON_AUDIT_IN_H

#include "libproto/event.h"
#include "libproto/time.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdatomic.h>

#define AUDIT_HASH        32u           /* SHA-256 */
#define AUDIT_BATCH_BYTES (64u * 1024u) /* one write */
#define AUDIT_BATCH_LINES 512u

/* The longest record: a byte becomes \u00XX at most, and names, numbers and the hash around it. */
#define AUDIT_LINE (6u * SP_EVENT_TEXT + 1024u)

/* audit_link is a place in the chain: a line's number and hash. All zero: before the first. */
struct audit_link {
    uint64_t seq;
    unsigned char hash[AUDIT_HASH];
};

struct audit_hash {
    EVP_MD *md;
    EVP_MD_CTX *ctx;
};

bool audit_hash_init(struct audit_hash *h);
void audit_hash_fini(struct audit_hash *h);
/* audit_hash_line hashes a line without its newline. */
void audit_hash_line(struct audit_hash *h, struct sp_str line, unsigned char out[AUDIT_HASH]);

/* audit_writer is what writing records needs; zero but for hash. */
struct audit_writer {
    struct audit_hash hash;
    struct sp_stamp stamp;
};

/* audit_put_event writes ev as the line after *link, with its newline, and moves *link to it. The
 * number of ev is overwritten. b has room for AUDIT_LINE bytes. */
void audit_put_event(struct audit_writer *w, struct sp_buf *b, struct sp_event *ev,
                     struct audit_link *link);

/* audit_own is a record of the log about itself; key names its count and may be NULL. */
struct audit_own {
    const char *event, *key;
    int64_t count, ts_ms;
};

void audit_put_own(struct audit_writer *w, struct sp_buf *b, const struct audit_own *own,
                   struct audit_link *link);

/* audit_file is an open file and where its chain ends. */
struct audit_file {
    int fd;
    bool regular;
    bool empty;             /* nothing in it, or nothing to read back */
    uint32_t torn;          /* bytes of a last line that has no newline */
    struct audit_link link; /* the last line; with torn its hash, and the number before it */
};

/* audit_file_open opens, locks and reads the end. Gives 0, or an errno with a sentence in why. */
int audit_file_open(struct audit_file *f, const char *path, struct audit_hash *h, char *why,
                    size_t cap);
/* audit_file_is tells whether path names the file that fd has open. */
bool audit_file_is(const char *path, int fd);

struct audit_slot {
    uint64_t dropped; /* events dropped in all, when this one was queued */
    struct sp_event_slot event;
    char text[SP_EVENT_TEXT];
};

enum audit_kind { AUDIT_OWN, AUDIT_EVENT, AUDIT_CLOSED };

/* audit_line is a line of a batch: where it ends, and what is so once it is in the file. */
struct audit_line {
    size_t end;
    enum audit_kind kind;
    uint64_t told;
    struct audit_link link;
};

struct audit_batch {
    char bytes[AUDIT_BATCH_BYTES];
    size_t n, sent;
    struct audit_line line[AUDIT_BATCH_LINES];
    unsigned lines, done; /* done: in the file as a whole */
};

/* How the thread waits: for nothing that the loop thread does, for the queue to fill, for any
 * event. */
enum audit_sleep { AUDIT_AWAKE, AUDIT_NAPPING, AUDIT_ASLEEP };

struct audit {
    struct audit_slot *ring;
    uint32_t size; /* a power of two */
    int wake;      /* eventfd */
    pthread_t thread;

    /* written by the loop thread */
    _Alignas(64) _Atomic uint64_t head; /* events queued ever */
    _Atomic uint64_t dropped, last_drop_us;
    _Atomic uint64_t end_us; /* when to give up, 0: not closing */
    uint64_t tail_seen;

    /* written by the thread of the log */
    _Alignas(64) _Atomic uint64_t tail; /* events written ever */
    _Atomic uint64_t bytes;
    _Atomic uint64_t still_us; /* since when the batch has not moved, 0: there is none */
    _Atomic int write_error, reopen_error;

    /* written by both */
    _Atomic int sleep; /* enum audit_sleep */
    _Atomic bool reopen;
    _Atomic int owners; /* the last one frees */

    /* of the thread of the log alone */
    char *path;
    struct audit_file file;
    struct audit_writer writer;
    struct audit_own first; /* the record that begins a file; event NULL: it is there */
    bool newline;           /* a torn line is to be ended before it */
    bool closed;
    uint64_t told; /* dropped events that the file tells */
    struct audit_batch batch;
};

uint64_t audit_mono_us(void);
int64_t audit_wall_ms(void);

/* audit_fill formats what is queued into the empty batch. */
void audit_fill(struct audit *a);
/* audit_commit frees what the lines up to batch.sent came from. */
void audit_commit(struct audit *a);
/* audit_line_begin is where the first line begins that is not in the file as a whole. */
size_t audit_line_begin(const struct audit_batch *b);
void audit_batch_clear(struct audit_batch *b);

/* audit_run is the thread. */
void *audit_run(void *audit);
/* audit_leave frees a when the other side has left too. */
void audit_leave(struct audit *a);

#endif
