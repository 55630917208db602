/* SPDX-License-Identifier: MIT
 * Ids renamed by rules as sed has them: s/RE/TEXT/ with flags g and i. */
#ifndef SIGMON_IDMAP_H
#define SIGMON_IDMAP_H

#include "libproto/limits.h"
#include "libproto/types.h"

#define IDMAP_RULES_MAX 64u

struct idmap_rule;

/* idmap is zero-initialised; it owns its rules. */
struct idmap {
    struct idmap_rule *rules[IDMAP_RULES_MAX];
    unsigned n;
};

/* idmap_add reads one rule: s, any delimiter, an extended regular expression, the delimiter, a text
 * in which & is what matched and \1 to \9 are the groups, the delimiter, flags. A backslash makes
 * the delimiter, & and a backslash literal. False with a sentence in why. */
bool idmap_add(struct idmap *m, const char *rule, char *why, size_t cap);
void idmap_fini(struct idmap *m);

/* idmap_apply has all rules work on an id, one after the other. False when what comes out is no id:
 * out then holds as much of it as there is room for. */
bool idmap_apply(const struct idmap *m, struct sp_str id, char out[SP_ID_MAX + 1]);

#endif
