/* SPDX-License-Identifier: MIT
 * What the default rights must be; independent of daemon/core/tbl/rights.h. */
#ifndef TESTS_CORE_RIGHTS_WANT_H
#define TESTS_CORE_RIGHTS_WANT_H

#include <stdbool.h>

#define WANT_ROLES 8u
#define WANT_VERBS 12u

/* want_roles begins with "", the role of those who have none that the table knows. */
extern const char *const want_roles[WANT_ROLES];
extern const char *const want_verbs[WANT_VERBS];

/* want_may tells whether a role may send a request to a client of another role; any role that is
 * not in want_roles counts as "". want_any: whether it may towards anybody at all. */
bool want_may(const char *role, const char *verb, const char *target);
bool want_any(const char *role, const char *verb);

#endif
