/* SPDX-License-Identifier: MIT
 * The file of the audit log: opened, locked, and read from its end. */
#include "daemon/audit_in.h"
#include "libproto/scan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* The last complete line and one that was torn. */
#define TAIL_BYTES (2u * AUDIT_LINE)

#define LEAD "{\"seq\":"

static int fail(int error, char *why, size_t cap, const char *path, const char *text)
{
    snprintf(why, cap, "%s: %s", path, text);
    return error;
}

/* A pipe opened for reading too would never tell that its reader has gone. */
static int open_pipe(struct audit_file *f, const char *path)
{
    int fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    int error = errno;
    close(f->fd);
    f->fd = fd;
    return fd < 0 ? error : 0;
}

static int open_any(struct audit_file *f, const char *path, struct stat *st)
{
    f->fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_NONBLOCK | O_CLOEXEC | O_NOCTTY, 0600);
    if (f->fd < 0 || fstat(f->fd, st)) {
        return errno;
    }
    if (S_ISBLK(st->st_mode)) {
        return EINVAL;
    }
    f->regular = S_ISREG(st->st_mode);
    return S_ISFIFO(st->st_mode) ? open_pipe(f, path) : 0;
}

/* /dev/null and the like are everybody's. Whoever had the lock until now may have written. */
static int lock(const struct audit_file *f, struct stat *st)
{
    bool ours = S_ISREG(st->st_mode) || S_ISFIFO(st->st_mode);
    return (ours && flock(f->fd, LOCK_EX | LOCK_NB)) || fstat(f->fd, st) ? errno : 0;
}

static bool is_hash(struct sp_str raw)
{
    /* with its quotes */
    if (raw.n != 2 * AUDIT_HASH + 2) {
        return false;
    }
    for (size_t i = 1; i <= 2 * (size_t)AUDIT_HASH; i++) {
        if (!strchr("0123456789abcdef", raw.p[i]) || raw.p[i] == '\0') {
            return false;
        }
    }
    return true;
}

/* The number of a complete record; 0: it is none. */
static uint64_t seq_of_record(struct sp_str line)
{
    struct sp_doc doc;
    struct sp_diag d;
    int64_t seq;
    if (sp_scan(&doc, line.p, line.n, &sp_scan_defaults, &d) != SP_OK ||
        sp_doc_int(&doc, SP_STR("seq"), &seq) != SP_OK || seq < 1) {
        return 0;
    }
    const struct sp_member *prev = sp_doc_find(&doc, SP_STR("prev"));
    return prev && is_hash(sp_doc_raw(&doc, prev)) ? (uint64_t)seq : 0;
}

/* The number that the beginning of a torn record tells; 0: it does not. */
static uint64_t seq_of_start(struct sp_str line)
{
    int64_t seq;
    size_t lead = sizeof(LEAD) - 1;
    const char *comma = memchr(line.p, ',', line.n);
    if (!comma || line.n < lead || memcmp(line.p, LEAD, lead) != 0) {
        return 0;
    }
    struct sp_str digits = {line.p + lead, (size_t)(comma - line.p) - lead};
    return sp_parse_int(digits, &seq) && seq > 0 ? (uint64_t)seq : 0;
}

static bool is_start(struct sp_str line)
{
    size_t n = line.n < sizeof(LEAD) - 1 ? line.n : sizeof(LEAD) - 1;
    return memcmp(line.p, LEAD, n) == 0;
}

/* The number of the last record that is whole, where the file ends in a torn line. */
static uint64_t seq_before(struct sp_str torn, uint64_t seq)
{
    uint64_t whole = seq_of_record(torn), begun = seq_of_start(torn);
    if (whole) {
        return whole;
    }
    return seq == 0 && begun ? begun - 1 : seq;
}

/* tail holds the end of the file; whole tells that it is all of it. */
static bool read_lines(struct audit_file *f, struct sp_str tail, bool whole, struct audit_hash *h)
{
    const char *end = memrchr(tail.p, '\n', tail.n);
    struct sp_str torn = tail, last = {NULL, 0};
    if (end) {
        size_t at = (size_t)(end - tail.p);
        const char *before = memrchr(tail.p, '\n', at);
        const char *start = before ? before + 1 : tail.p;
        last = (struct sp_str){start, (size_t)(end - start)};
        torn = (struct sp_str){end + 1, tail.n - at - 1};
        f->link.seq = seq_of_record(last);
        audit_hash_line(h, last, f->link.hash);
    }
    if (end ? f->link.seq == 0 : !whole || !is_start(torn)) {
        return false;
    }
    if (torn.n > 0) {
        f->link.seq = seq_before(torn, f->link.seq);
        audit_hash_line(h, torn, f->link.hash);
    }
    f->torn = (uint32_t)torn.n;
    return true;
}

static int read_tail(struct audit_file *f, off_t size, struct audit_hash *h)
{
    char tail[TAIL_BYTES];
    off_t from = size > (off_t)sizeof(tail) ? size - (off_t)sizeof(tail) : 0;
    size_t want = (size_t)(size - from), have = 0;
    while (have < want) {
        ssize_t n = pread(f->fd, tail + have, want - have, from + (off_t)have);
        if (n <= 0) {
            return n < 0 ? errno : EIO;
        }
        have += (size_t)n;
    }
    return read_lines(f, (struct sp_str){tail, have}, from == 0, h) ? 0 : EEXIST;
}

int audit_file_open(struct audit_file *f, const char *path, struct audit_hash *h, char *why,
                    size_t cap)
{
    struct stat st;
    *f = (struct audit_file){.fd = -1, .empty = true};
    int error = open_any(f, path, &st);
    const char *text = error == EINVAL ? "not a file, pipe or terminal" : NULL;
    if (!error) {
        error = lock(f, &st);
        text = error == EWOULDBLOCK ? "another daemon writes it" : NULL;
    }
    if (!error && f->regular && st.st_size > 0) {
        f->empty = false;
        error = read_tail(f, st.st_size, h);
        text = error == EEXIST ? "its last line is no audit record; move the file away" : NULL;
    }
    if (error) {
        if (f->fd >= 0) {
            close(f->fd);
        }
        f->fd = -1;
        return fail(error, why, cap, path, text ? text : strerror(error));
    }
    return 0;
}

bool audit_file_is(const char *path, int fd)
{
    struct stat a, b;
    return stat(path, &a) == 0 && fstat(fd, &b) == 0 && a.st_dev == b.st_dev &&
           a.st_ino == b.st_ino;
}
