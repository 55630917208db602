/* SPDX-License-Identifier: MIT
 * The limits of a connection, which may differ from role to role. */
#ifndef CORE_LIMITS_H
#define CORE_LIMITS_H

#include "daemon/core/rights.h"

/* limits: rates are a second's, 0 is no limit; sizes in bytes. */
struct limits {
#define LIMIT_ROW(member, name, kind, low, high) uint32_t member;
#include "daemon/core/tbl/limits.h"
#undef LIMIT_ROW
};

/* limits_parse fills one entry per role of r: base, changed by the lines, "ROLE NAME=VALUE...".
 * Local connections have no rates unless a line gives them some. False with the index of the line
 * in *bad and a sentence in why. */
bool limits_parse(struct limits out[RIGHTS_ROLES], const struct limits *base,
                  const struct rights *r, const char *const *lines, unsigned n, unsigned *bad,
                  char *why, size_t cap);

#endif
