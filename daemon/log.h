/* SPDX-License-Identifier: MIT
 * The log on stderr: constant text and fields, as text or JSON, one write a line. */
#ifndef DAEMON_LOG_H
#define DAEMON_LOG_H

#include "libproto/event.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* log_field is one key=value; a list ends with a NULL key. The value is a number when str.p is
 * NULL. */
struct log_field {
    const char *key;
    struct sp_str str;
    int64_t num;
};

#define LOG_STR(k, s) ((struct log_field){.key = (k), .str = (s)})
#define LOG_NUM(k, n) ((struct log_field){.key = (k), .num = (int64_t)(n)})

void log_init(enum log_level level, bool json);

/* log_fields writes one line; text is a constant in lower case. Keeps errno. */
void log_fields(enum log_level level, const char *text, const struct log_field *fields);

/* log_limited is log_fields for what a peer can trigger: at most per_second lines a second of one
 * text, then a count of what was left out. */
void log_limited(enum log_level level, const char *text, unsigned per_second,
                 const struct log_field *fields);

#define LOG(level, text, ...)                                                                      \
    log_fields((level), (text), (const struct log_field[]){__VA_ARGS__, {.key = NULL}})
#define LOG_LIMITED(level, text, per_second, ...)                                                  \
    log_limited((level), (text), (per_second),                                                     \
                (const struct log_field[]){__VA_ARGS__, {.key = NULL}})

/* log_event writes an event of the hub by its row in tbl/events.h. */
void log_event(const struct sp_event *ev);

#endif
