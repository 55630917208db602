/* SPDX-License-Identifier: MIT
 * Addressed messages from stdin, a JSON object a line, many under way at once over one connection,
 * a result a line in the order of the lines. */
#ifndef SIGCTL_JSONL_H
#define SIGCTL_JSONL_H

#include "cli/sigctl/relay.h"

/* jsonl_send sends lines until the input ends. A line has "to" or "target", "type" and the other
 * members, which go along byte for byte; to and type of defaults stand in for those that a line
 * lacks. Gives the status of the first line that failed. */
int jsonl_send(struct ctl *c, const struct relay *defaults);

#endif
