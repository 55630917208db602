/* SPDX-License-Identifier: MIT
 * Output of the tools: data on stdout, all else on stderr, remote text never raw on a terminal. */
#ifndef CLI_OUT_H
#define CLI_OUT_H

#include "cli/common/exits.h"
#include "libproto/types.h"

#include <stdio.h>

struct out_conf {
    const char *program;
    bool json;
    bool quiet;
    const char *color; /* auto, always, never; NULL is auto */
};

/* out_streams opens what is closed of stdin, stdout and stderr, so that no socket takes its number:
 * the first call of main. A stdout that was closed stays one that cannot be written. */
void out_streams(void);

/* out_init sets line buffering on stdout, ignores SIGPIPE and decides on colour: flag, NO_COLOR,
 * CLICOLOR_FORCE, terminal. */
void out_init(const struct out_conf *conf);

/* out_sgr gives the SGR sequence for the colour ("31", "1", "0" …) or "" when colour is off. */
const char *out_sgr(const char *code);

/* out_safe prints remote text with control, bidi and invalid bytes escaped. */
void out_safe(FILE *f, struct sp_str s);

/* out_size writes bytes as "812", "1.9k" or "3.2M", out_span microseconds as "0.223 ms", "9.0 s" or
 * "2m05s". */
void out_size(char out[16], uint64_t n);
void out_span(char out[16], int64_t us);

/* out_line prints one line of JSON and flushes it; on a terminal invisible characters are escaped.
 */
void out_line(struct sp_str line);

/* out_sink takes what would be printed: lines of JSON, and failures, whose code is never empty. */
struct out_sink {
    void (*line)(void *ctx, struct sp_str line);
    void (*fail)(void *ctx, int status, const char *code, const char *text);
    void *ctx;
};

/* out_divert has the sink, which is borrowed, take them from now on; NULL ends it. */
void out_divert(const struct out_sink *sink);
bool out_is_diverted(void);

/* out_word gives the code of a failure that has none from the server: "timeout", "lost". */
void out_word(int status, char word[32]);

/* out_fail prints "program: text" on stderr and, with --json, one object on stdout:
 * {"ok":false,"exit":N,"code":CODE,"message":TEXT}. code may be NULL. Returns status. */
int out_fail(enum exit_code status, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* out_note prints "program: text" on stderr unless quiet. */
void out_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* out_done flushes stdout: gives status, or EXIT_DATA with a message when stdout could not be
 * written and status was 0. A reader that closed the pipe is not an error of ours: the program
 * ends quietly with 0. */
int out_done(int status);

/* out_broken tells that the reader of stdout has gone. */
bool out_broken(void);

#endif
