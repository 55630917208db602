/* SPDX-License-Identifier: MIT
 * The log. Whatever a peer can put into a value is escaped, whatever it can trigger is limited. */
#include "daemon/log.h"

#include "libproto/json.h"
#include "libproto/msg.h"
#include "libproto/time.h"
#include "libproto/utf8.h"

#include <errno.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

#define LOST_MAX_BYTES    128u
#define LINE_MAX_BYTES    2048u
#define TEXTS             64u  /* different rate-limited texts; more share the last bucket */
#define EVENTS_PER_SECOND 200u /* lines a second of one kind of event */

static const char *const level_words[] = {"error", "warn", "info", "debug"};

static struct {
    enum log_level level;
    bool json;
    unsigned long lost; /* lines that stderr did not take */
    struct sp_stamp stamp;
} state = {.level = LOG_INFO};

/* One bucket per constant text, found by its address. */
struct bucket {
    const char *text;
    time_t second;
    unsigned lines, dropped;
};

static struct bucket buckets[TEXTS];

static const struct {
    enum log_level level;
    const char *text;
} rows[SP_EV_COUNT] = {
#define SP_EVENT(id, wire, lvl, sentence) [SP_EV_##id] = {LOG_##lvl, sentence},
#include "libproto/tbl/events.h"
#undef SP_EVENT
};

void log_init(enum log_level level, bool json)
{
    state.level = level;
    state.json = json;
}

static struct sp_str stamp_now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    return sp_stamp_at(&state.stamp, (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000);
}

static bool is_plain(struct sp_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c <= ' ' || c > '~' || c == '"' || c == '=' || c == '\\') {
            return false;
        }
    }
    return s.n > 0;
}

static void put_text_value(struct sp_buf *b, struct sp_str s)
{
    if (is_plain(s)) {
        sp_buf_str(b, s);
        return;
    }
    char safe[1024];
    size_t n = sp_utf8_safe(safe, sizeof(safe), s, false);
    sp_buf_json(b, (struct sp_str){safe, n});
}

static void put_text(struct sp_buf *b, enum log_level level, const char *text,
                     const struct log_field *fields)
{
    sp_buf_str(b, stamp_now());
    sp_buf_lit(b, " ");
    sp_buf_str(b, sp_str(level_words[level]));
    sp_buf_lit(b, " ");
    sp_buf_str(b, sp_str(text));
    for (const struct log_field *f = fields; f->key; f++) {
        sp_buf_lit(b, " ");
        sp_buf_str(b, sp_str(f->key));
        sp_buf_lit(b, "=");
        if (f->str.p) {
            put_text_value(b, f->str);
        } else {
            sp_buf_int(b, f->num);
        }
    }
}

static void put_json(struct sp_buf *b, enum log_level level, const char *text,
                     const struct log_field *fields)
{
    struct sp_json j;
    sp_json_init(&j, b);
    sp_json_object(&j, NULL);
    sp_json_str(&j, "ts", stamp_now());
    sp_json_str(&j, "level", sp_str(level_words[level]));
    sp_json_str(&j, "msg", sp_str(text));
    for (const struct log_field *f = fields; f->key; f++) {
        if (f->str.p) {
            sp_json_str(&j, f->key, f->str);
        } else {
            sp_json_int(&j, f->key, f->num);
        }
    }
    sp_json_end(&j, '}');
}

/* A reader of the log that stands still must not stop the daemon. A pipe that polls writable takes
 * a whole line, which is shorter than PIPE_BUF (pipe(7)). Non-blocking mode would be seen by
 * whoever else has the descriptor. */
static bool stderr_takes_a_line(void)
{
    struct pollfd p = {.fd = STDERR_FILENO, .events = POLLOUT};
    return poll(&p, 1, 0) == 1;
}

static void put_line(struct sp_buf *b, enum log_level level, const char *text,
                     const struct log_field *fields)
{
    size_t start = b->n;
    (state.json ? put_json : put_text)(b, level, text, fields);
    if (b->full) {
        b->n = start;
        b->full = false;
    }
    sp_buf_lit(b, "\n");
}

void log_fields(enum log_level level, const char *text, const struct log_field *fields)
{
    if (level > state.level) {
        return;
    }
    int keep = errno;
    char room[LINE_MAX_BYTES + LOST_MAX_BYTES];
    struct sp_buf b;
    sp_buf_init(&b, room, sizeof(room));
    if (state.lost) {
        const struct log_field count[] = {LOG_NUM("count", state.lost), {.key = NULL}};
        put_line(&b, LOG_WARN, "log lines lost", count);
    }
    put_line(&b, level, text, fields);
    if (stderr_takes_a_line() && write(STDERR_FILENO, b.p, b.n) >= 0) {
        state.lost = 0;
    } else {
        state.lost++;
    }
    errno = keep;
}

static struct bucket *bucket_of(const char *text)
{
    unsigned i = 0;
    while (i < TEXTS - 1 && buckets[i].text && buckets[i].text != text) {
        i++;
    }
    buckets[i].text = text;
    return &buckets[i];
}

void log_limited(enum log_level level, const char *text, unsigned per_second,
                 const struct log_field *fields)
{
    if (level > state.level) {
        return;
    }
    struct bucket *k = bucket_of(text);
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
    if (k->second != ts.tv_sec) {
        if (k->dropped) {
            LOG(level, "log lines left out", LOG_STR("of", sp_str(text)),
                LOG_NUM("count", k->dropped));
        }
        k->second = ts.tv_sec;
        k->lines = k->dropped = 0;
    }
    if (k->lines >= per_second) {
        k->dropped++;
        return;
    }
    k->lines++;
    log_fields(level, text, fields);
}

void log_event(const struct sp_event *ev)
{
    if (rows[ev->event].level > state.level) {
        return;
    }
    struct log_field f[SP_ES_COUNT + SP_EN_COUNT + 2];
    unsigned n = 0;
    if (ev->kind != SP_T_NONE) {
        f[n++] = LOG_STR("kind", sp_str(sp_type_wire(ev->kind)));
    }
    for (int i = 0; i < SP_ES_COUNT; i++) {
        if (ev->s[i].n) {
            f[n++] = LOG_STR(sp_event_str_name((enum sp_event_str)i), ev->s[i]);
        }
    }
    for (int i = 0; i < SP_EN_COUNT; i++) {
        if (i != SP_EN_seq && i != SP_EN_at && ev->n[i] >= 0) {
            f[n++] = LOG_NUM(sp_event_num_name((enum sp_event_num)i), ev->n[i]);
        }
    }
    f[n].key = NULL;
    log_limited(rows[ev->event].level, rows[ev->event].text, EVENTS_PER_SECOND, f);
}
