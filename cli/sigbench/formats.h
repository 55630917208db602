/* SPDX-License-Identifier: MIT
 * The reports that go to files: a row for each format in formats.c. */
#ifndef SIGBENCH_FORMATS_H
#define SIGBENCH_FORMATS_H

#include "cli/sigbench/outfile.h"

#include <stdbool.h>

enum format_id {
    FORMAT_CSV,
    FORMAT_HGRM,
    FORMAT_HGRM_RAW,
    FORMAT_HTML,
    FORMAT_SVG,
    FORMAT_MARKDOWN,
    FORMAT_JUNIT,
    FORMAT_COUNT
};

/* format_files are the reports that were asked for; zero-initialise it. */
struct format_files {
    struct outfile file[FORMAT_COUNT];
    bool on_stdout; /* one of them takes the place of the summary */
};

struct bench_conf;
struct report;
struct comparison;

/* formats_open opens the files of a run, or of a comparison; gives 0, or the exit status after a
 * message. */
int formats_open(struct format_files *files, const struct bench_conf *c, bool compares);

/* formats_write and formats_compare write them; give 0, or the exit status after a message. A file
 * that could not be written whole is not there. */
int formats_write(struct format_files *files, const struct report *r);
int formats_compare(struct format_files *files, const struct comparison *c);

/* formats_close drops what was opened and not written. */
void formats_close(struct format_files *files);

#endif
