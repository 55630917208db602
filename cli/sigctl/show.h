/* SPDX-License-Identifier: MIT
 * Received messages for people and for conditions. */
#ifndef SIGCTL_SHOW_H
#define SIGCTL_SHOW_H

#include "cli/sigctl/ctl.h"
#include "libproto/filter.h"

/* show_message prints one line about a message, all of it safe for a terminal. */
void show_message(FILE *f, const struct link_msg *m);

/* match says which messages are meant; NULL members mean any. */
struct match {
    const char *from, *type;
    struct sp_filter until;
    bool has_until;
};

/* match_init compiles until (may be NULL); prints a caret under what is wrong with it and gives
 * EXIT_USAGE. */
int match_init(const struct ctl *c, struct match *w, const char *from, const char *type,
               const char *until);
/* match_peer looks at from and type, match_until at the expression; me is the receiver. */
bool match_peer(const struct match *w, const struct link_msg *m);
bool match_until(const struct match *w, const struct link_msg *m, const char *me);

/* seen is a short memory of what arrived, for the message of a time-out. */
struct seen {
    unsigned n;
    char text[200];
};

void seen_add(struct seen *s, const struct link_msg *m);
const char *seen_text(const struct seen *s);

#endif
