/* SPDX-License-Identifier: MIT
 * A file that is there whole or not at all. */
#ifndef SIGBENCH_OUTFILE_H
#define SIGBENCH_OUTFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* outfile owns f and its texts; zero-initialised it is closed, and f is NULL. */
struct outfile {
    FILE *f;
    char *path; /* what is written in the end, with links resolved */
    char *temp; /* what is written until then, in the same directory; NULL: path itself */
};

/* outfile_open opens what commit makes PATH: a file beside it, or PATH itself where that is no
 * regular file; "-" is stdout. False with a sentence in why. */
bool outfile_open(struct outfile *o, const char *path, char *why, size_t cap);

/* outfile_commit closes the file and gives it its name; false with a sentence in why, and nothing
 * is left of it. outfile_discard closes it and leaves what was there before. */
bool outfile_commit(struct outfile *o, char *why, size_t cap);
void outfile_discard(struct outfile *o);

#endif
