/* SPDX-License-Identifier: MIT
 * Values of options for which 0 is not the same as nothing said. */
#ifndef SIGCTL_WANT_H
#define SIGCTL_WANT_H

#include "cli/sigctl/ctl.h"

/* want_count reads a count of 1 or more, or none (OPT_NEVER), of an option of the type OPT_STRING;
 * want_duration microseconds of at least least_us in the same way. text NULL leaves *v as it is.
 * Gives 0, or EXIT_USAGE with a message printed. */
int want_count(const struct ctl *c, const char *option, const char *text, int64_t *v);
int want_duration(const struct ctl *c, const char *option, const char *text, int64_t least_us,
                  int64_t *v);

/* want_id, want_role and want_match say what is wrong with an id, a role or a glob over ids; the
 * latter two may be NULL, not given. */
int want_id(const struct ctl *c, const char *id);
int want_role(const struct ctl *c, const char *role);
int want_match(const struct ctl *c, const char *glob);

#endif
