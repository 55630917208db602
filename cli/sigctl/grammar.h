/* SPDX-License-Identifier: MIT
 * Which options a line may have, with and without a command. */
#ifndef SIGCTL_GRAMMAR_H
#define SIGCTL_GRAMMAR_H

#include "cli/common/place.h"
#include "cli/sigctl/ctl.h"

/* grammar_row finds the option that arg ("--wait", "--wait=answer", "-W") names, of cmd (NULL: no
 * command) or common; NULL: there is none. */
const struct opt *grammar_row(const struct command *cmd, const char *arg);
/* grammar_is_of_run tells whether an option of link_rows is of the whole run: a line of a script or
 * at the prompt cannot have it. grammar_misplaced names the one that line has and run has not. */
bool grammar_is_of_run(const struct opt *row);
const char *grammar_misplaced(const struct link_opts *run, const struct link_opts *line);
/* grammar_options gives the tables of a line with cmd (NULL: without a command), NULL at the end.
 */
void grammar_options(const struct command *cmd, const struct opt *tables[3]);

#endif
