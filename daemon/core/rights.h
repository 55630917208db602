/* SPDX-License-Identifier: MIT
 * Who may do what: one row per role, one cell per request, in it the set of target roles. */
#ifndef CORE_RIGHTS_H
#define CORE_RIGHTS_H

#include "libproto/buf.h"
#include "libproto/limits.h"
#include "libproto/msg.h"

#define RIGHTS_ROLES 32u /* a set of roles is one word */

/* Places in the table that are known beforehand. */
enum { RIGHTS_NOBODY, RIGHTS_LOCAL, RIGHTS_ANONYMOUS };

/* rights has no pointers: it is copied as it stands. Role 0 has no name and may nothing: a role
 * that the table does not know is that one. */
struct rights {
    unsigned nroles;
    char name[RIGHTS_ROLES][SP_ROLE_MAX + 1];
    uint32_t to[RIGHTS_ROLES][SP_T_COUNT]; /* bit i: towards role i; all bits: whoever it is */
};

/* rights_parse makes the table: the defaults, with the row of each line's role replaced by it.
 * A line is "ROLE GRANT..." or "ROLE none"; a grant is VERB[,VERB...][>ROLE[,ROLE...]] towards
 * those roles, or all. Verbs are the words of requests, and signal, admin and all for several.
 * False with the index of the line in *bad and a sentence in why. */
bool rights_parse(struct rights *r, const char *const *lines, unsigned n, unsigned *bad, char *why,
                  size_t cap);

/* rights_role finds a role by its name; RIGHTS_NOBODY when there is none. rights_role_of_token does
 * not find those that no token may name. */
unsigned rights_role(const struct rights *r, struct sp_str name);
unsigned rights_role_of_token(const struct rights *r, struct sp_str name);

/* rights_may tells whether a role may send a request to a client of another role. */
static inline bool rights_may(const struct rights *r, unsigned role, enum sp_type t,
                              unsigned target)
{
    return (r->to[role][t] >> target) & 1u;
}

/* rights_any tells whether it may towards anybody at all. */
static inline bool rights_any(const struct rights *r, unsigned role, enum sp_type t)
{
    return r->to[role][t] != 0;
}

/* rights_put writes a role's row in the grammar that rights_parse reads. */
void rights_put(struct sp_buf *b, const struct rights *r, unsigned role);

#endif
