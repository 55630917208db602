/* SPDX-License-Identifier: MIT
 * Serving: from the listeners' opening to the last word in the audit log, with reloads between. */
#ifndef DAEMON_SERVE_H
#define DAEMON_SERVE_H

#include "daemon/plan.h"

/* The exit codes that sigd uses, of the table that all four programs share. */
enum { EX_OK = 0, EX_USAGE = 2, EX_BIND = 3, EX_CONFIG = 9 };

/* serve runs until it is told to stop; c and p are kept up to date by reloads. Gives the exit
 * status, with a sentence in why unless it is EX_OK. */
int serve(struct conf *c, struct plan *p, char *why, size_t cap);

#endif
