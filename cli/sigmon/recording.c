/* SPDX-License-Identifier: MIT
 * Recordings: written in parts, read line by line. zlib reads what is not compressed as it stands.
 */
#include "cli/sigmon/recording.h"

#include "cli/common/link.h"
#include "cli/common/out.h"
#include "libproto/json.h"
#include "libproto/time.h"
#include "libproto/units.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#define LONGEST                                                                                    \
    (2u * 1024u * 1024u) /* the largest message that sigd may be told to take, escaped */
#define FLUSH_US 1000000
#define PARTS    1000

/* ---------------------------------------------------------------- reading */

struct reader {
    const char *path;
    gzFile file;
    char *buf; /* LONGEST */
    size_t n;
    uint64_t line;
};

static int wrong(const struct reader *r, const char *why)
{
    return out_fail(EXIT_DATA, NULL, "%s:%llu: %s", r->path, (unsigned long long)r->line, why);
}

/* Takes the whole lines off the front of the buffer; -1: done. */
static int take_lines(struct reader *r, recording_line_fn line, recording_done_fn done, void *ctx)
{
    size_t at = 0;
    int status = 0;
    char why[256];
    while (status == 0) {
        const char *lf = memchr(r->buf + at, '\n', r->n - at);
        if (!lf) {
            break;
        }
        struct sp_str one = {r->buf + at, (size_t)(lf - r->buf) - at};
        at += one.n + 1;
        r->line++;
        if (one.n > 0 && !line(ctx, one, why, sizeof(why))) {
            status = wrong(r, why);
        } else if (done && done(ctx)) {
            status = -1;
        }
    }
    memmove(r->buf, r->buf + at, r->n - at);
    r->n -= at;
    return status;
}

static int read_all(struct reader *r, recording_line_fn line, recording_done_fn done, void *ctx)
{
    int error = Z_OK, status = 0;
    while (status == 0) {
        int got = gzread(r->file, r->buf + r->n, (unsigned)(LONGEST - r->n));
        if (got <= 0) {
            const char *text = gzerror(r->file, &error);
            if (error != Z_OK && error != Z_BUF_ERROR) {
                return out_fail(EXIT_DATA, NULL, "%s: %s", r->path,
                                error == Z_ERRNO ? strerror(errno) : text);
            }
            break;
        }
        r->n += (size_t)got;
        status = take_lines(r, line, done, ctx);
        if (status == 0 && r->n == LONGEST) {
            return wrong(r, "a line longer than any of a recording");
        }
    }
    if (status == 0 && (r->n > 0 || error == Z_BUF_ERROR)) {
        out_note("%s: the end is cut off", r->path);
    }
    return status < 0 ? 0 : status;
}

int recording_read(const char *path, recording_line_fn line, recording_done_fn done, void *ctx)
{
    bool is_stdin = strcmp(path, "-") == 0;
    int fd = is_stdin ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        return out_fail(EXIT_DATA, NULL, "%s: %s", path, strerror(errno));
    }
    struct reader r = {.path = path, .file = gzdopen(fd, "rb"), .buf = malloc(LONGEST)};
    int status = EXIT_DATA;
    if (r.file && r.buf) {
        status = read_all(&r, line, done, ctx);
    } else {
        out_fail(EXIT_DATA, NULL, "out of memory");
    }
    if (r.file) {
        gzclose(r.file);
    } else {
        close(fd);
    }
    free(r.buf);
    return status;
}

/* ---------------------------------------------------------------- writing */

void recording_about(char *out, size_t cap, const char *filter)
{
    struct sp_stamp stamp = {0};
    struct sp_buf b;
    struct sp_json j;
    sp_buf_init(&b, out, cap - 1);
    sp_json_init(&j, &b);
    sp_json_object(&j, NULL);
    sp_json_str(&j, "type", SP_STR("recording"));
    sp_json_int(&j, "version", 1);
    sp_json_str(&j, "program", SP_STR("sigmon/" SIGKIT_VERSION));
    sp_json_str(&j, "ts", sp_stamp_at(&stamp, link_wall_us() / 1000));
    sp_json_str_opt(&j, "filter", sp_str(filter));
    sp_json_end(&j, '}');
    out[b.n] = '\0';
}

struct recorder {
    const char *path, *about;
    gzFile file;
    int64_t most; /* bytes of a part; 0: any number */
    int64_t parts, written, flushed_us;
    bool compressed, failed;
    int error;
};

static void put(struct recorder *r, const char *p, size_t n)
{
    if (r->failed || !r->file) {
        return;
    }
    if (gzwrite(r->file, p, (unsigned)n) != (int)n) {
        r->failed = true;
        r->error = errno;
    }
    r->written += (int64_t)n;
}

static bool open_part(struct recorder *r)
{
    int fd = open(r->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0600);
    r->file = fd >= 0 ? gzdopen(fd, r->compressed ? "wb6" : "wbT") : NULL;
    r->written = 0;
    if (!r->file) {
        r->error = errno;
        r->failed = true;
        if (fd >= 0) {
            close(fd);
        }
        return false;
    }
    put(r, r->about, strlen(r->about));
    put(r, "\n", 1);
    return true;
}

static void close_part(struct recorder *r)
{
    if (r->file && gzclose(r->file) != Z_OK && !r->failed) {
        r->failed = true;
        r->error = errno;
    }
    r->file = NULL;
}

/* FILE becomes FILE.1, FILE.1 becomes FILE.2, and the oldest goes. */
static void next_part(struct recorder *r)
{
    size_t cap = strlen(r->path) + 16;
    char *from = malloc(cap), *to = malloc(cap);
    close_part(r);
    for (int64_t i = r->parts; from && to && i > 0; i--) {
        snprintf(to, cap, "%s.%lld", r->path, (long long)i);
        if (i > 1) {
            snprintf(from, cap, "%s.%lld", r->path, (long long)i - 1);
        } else {
            snprintf(from, cap, "%s", r->path);
        }
        if (rename(from, to) != 0 && errno != ENOENT) {
            r->failed = true;
            r->error = errno;
        }
    }
    free(from);
    free(to);
    open_part(r);
}

static bool read_rotate(struct recorder *r, const char *text)
{
    struct sp_str rest = sp_str(text), size = sp_cut(&rest, ":");
    struct sp_str parts = sp_cut(&rest, ":");
    return sp_parse_size(size, &r->most) && r->most > 0 && sp_parse_count(parts, &r->parts) &&
           r->parts <= PARTS && sp_cut(&rest, ":").n == 0;
}

struct recorder *recorder_open(const char *path, const char *rotate, const char *about, int *status)
{
    struct recorder *r = calloc(1, sizeof(*r));
    size_t n = strlen(path);
    if (!r) {
        *status = out_fail(EXIT_DATA, NULL, "out of memory");
        return NULL;
    }
    *r = (struct recorder){
        .path = path, .about = about, .compressed = n > 3 && strcmp(path + n - 3, ".gz") == 0};
    if (rotate && !read_rotate(r, rotate)) {
        *status = out_fail(EXIT_USAGE, NULL,
                           "--rotate '%s': want the size of a part and how many old ones to "
                           "keep, such as 100M:5",
                           rotate);
    } else if (!open_part(r)) {
        *status = out_fail(EXIT_DATA, NULL, "cannot make %s: %s", path, strerror(r->error));
    } else {
        *status = 0;
        return r;
    }
    free(r);
    return NULL;
}

void recorder_put(struct recorder *r, struct sp_str object)
{
    int64_t more = (int64_t)object.n + 1;
    if (r->most > 0 && r->written + more > r->most && r->written > (int64_t)strlen(r->about) + 1) {
        next_part(r);
    }
    put(r, object.p, object.n);
    put(r, "\n", 1);
}

void recorder_flush(struct recorder *r)
{
    int64_t now = link_mono_us();
    if (r->failed || !r->file || (r->compressed && now - r->flushed_us < FLUSH_US)) {
        return;
    }
    r->flushed_us = now;
    if (gzflush(r->file, Z_SYNC_FLUSH) != Z_OK) {
        r->failed = true;
        r->error = errno;
    }
}

bool recorder_failed(const struct recorder *r)
{
    return r->failed;
}

int recorder_close(struct recorder *r)
{
    if (!r) {
        return 0;
    }
    close_part(r);
    int status = r->failed ? out_fail(EXIT_DATA, NULL, "cannot write %s: %s", r->path,
                                      strerror(r->error ? r->error : EIO))
                           : 0;
    free(r);
    return status;
}
