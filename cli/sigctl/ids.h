/* SPDX-License-Identifier: MIT
 * A set of client ids, kept true by list replies and presence messages. */
#ifndef SIGCTL_IDS_H
#define SIGCTL_IDS_H

#include "cli/common/link.h"
#include "libproto/map.h"

/* ids owns its strings. match (a glob, NULL: all) is borrowed. */
struct ids {
    struct sp_map map;
    const char *match;
};

bool ids_init(struct ids *s, const char *match);
void ids_fini(struct ids *s);
void ids_clear(struct ids *s);
size_t ids_count(const struct ids *s);
/* ids_list adds the ids of a clients message; ids_presence follows a presence message. */
void ids_list(struct ids *s, const struct link_msg *m);
void ids_presence(struct ids *s, const struct link_msg *m);
/* ids_each gives one id a call, NULL at the end; start with *at = 0. */
const char *ids_each(const struct ids *s, size_t *at);

#endif
