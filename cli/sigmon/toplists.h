/* SPDX-License-Identifier: MIT
 * What the server's lists tell a crowd: who is registered, which sessions are open. */
#ifndef SIGMON_TOPLISTS_H
#define SIGMON_TOPLISTS_H

#include "cli/common/link.h"
#include "cli/sigmon/crowd.h"

/* top_lists asks for all pages of both, as far as the role may. 0, also for what was refused, of
 * which note has a sentence then, else an empty text; other statuses as link_ask. done (may be
 * NULL) is asked between two pages. */
int top_lists(struct link *l, struct crowd *c, link_done_fn done, void *ctx, char *note,
              size_t cap);

#endif
