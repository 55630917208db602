/* SPDX-License-Identifier: MIT
 * How rungs are printed: a ladder of text, a sequence diagram of mermaid, objects. */
#ifndef SIGMON_RUNGS_H
#define SIGMON_RUNGS_H

#include "cli/common/link.h"
#include "cli/sigmon/ladder.h"
#include "libproto/json.h"

/* rungs is zero but for the options. The ladder has a head with the names of the parties, and a new
 * one for each rung that is not of the same parties and session. */
struct rungs {
    const struct link_opts *opts;
    bool mermaid;
    bool cut;  /* lines longer than the screen are cut */
    int width; /* columns */
    char session[SP_ID_MAX + 1], id[2][SP_ID_MAX + 1];
    bool has_head;
    char (*names)[SP_ID_MAX + 1]; /* participants of the diagram */
    size_t nnames;
};

/* rungs_width gives the columns of the terminal on stdout, else COLUMNS, else 80. */
int rungs_width(void);

void rungs_fini(struct rungs *p);

/* rungs_put prints one; again goes back over the line that it was printed in, and open leaves that
 * line without an end: both are for a ladder on a terminal. */
void rungs_put(struct rungs *p, const struct rung *r, bool again, bool open);

/* rungs_remark prints a line between rungs. */
void rungs_remark(struct rungs *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* rungs_members adds what is known of a rung to an object, in at most 6 * RUNGS_TEXT bytes. */
#define RUNGS_TEXT (4 * SP_ID_MAX + SP_REASON_MAX + 2 * SP_WORD_MAX)
void rungs_members(struct sp_json *j, const struct rung *r);

/* rungs_begin prints what a diagram begins with. */
void rungs_begin(const struct rungs *p);

#endif
