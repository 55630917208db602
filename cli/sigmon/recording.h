/* SPDX-License-Identifier: MIT
 * Recordings: events as JSON lines in a file, which may be compressed (RFC 1952). Lines with a type
 * instead of an event are about the recording: recording (the first one), gap, restart. */
#ifndef SIGMON_RECORDING_H
#define SIGMON_RECORDING_H

#include "libproto/types.h"

/* recording_line_fn takes one line; false, with a sentence in why, when it is not one of a
 * recording. */
typedef bool (*recording_line_fn)(void *ctx, struct sp_str line, char *why, size_t cap);
typedef bool (*recording_done_fn)(void *ctx);

/* recording_read reads a file ("-" is stdin), compressed or not, until done, which may be NULL,
 * says so. Gives 0, or EXIT_DATA with the file, the line and what is wrong printed. The last line
 * may be cut off, as that of a program that was killed: that is remarked. */
int recording_read(const char *path, recording_line_fn line, recording_done_fn done, void *ctx);

/* recording_about writes the first line of a recording of events that match the filter. */
void recording_about(char *out, size_t cap, const char *filter);

/* recorder writes a recording, in parts where one gets too long. */
struct recorder;

/* recorder_open makes the file, compressed when its name ends in ".gz". rotate is SIZE:N, N old
 * parts FILE.1 (the newest) to FILE.N, or NULL. NULL with a message printed and *status set. */
struct recorder *recorder_open(const char *path, const char *rotate, const char *about,
                               int *status);
/* recorder_put writes one object as a line. */
void recorder_put(struct recorder *r, struct sp_str object);
/* recorder_flush hands what was written to the system, unless it is compressed and was flushed less
 * than a second ago. */
void recorder_flush(struct recorder *r);
/* recorder_failed tells that something could not be written. */
bool recorder_failed(const struct recorder *r);
/* recorder_close gives 0, or EXIT_DATA with a message when something could not be written; NULL
 * gives 0. */
int recorder_close(struct recorder *r);

#endif
