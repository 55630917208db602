/* SPDX-License-Identifier: MIT
 * Limits by role, out of the lines of the option role-limit. */
#include "daemon/core/limits.h"

#include "libproto/units.h"

#include <stdio.h>

#define BLANK " \t"

enum kind { COUNT, SIZE };

static const struct row {
    const char *name;
    enum kind kind;
    int64_t low, high;
    size_t off;
} rows[] = {
#define LIMIT_ROW(member, word, how, min, max)                                                     \
    {word, how, min, max, offsetof(struct limits, member)},
#include "daemon/core/tbl/limits.h"
#undef LIMIT_ROW
};

#define NROWS (sizeof(rows) / sizeof(rows[0]))

static bool unknown(struct sp_str name, char *why, size_t cap)
{
    struct sp_guess g = sp_guess_init(name);
    for (size_t i = 0; i < NROWS; i++) {
        sp_guess_consider(&g, rows[i].name);
    }
    snprintf(why, cap, "unknown limit '%.*s'%s%s%s", name.n < 64 ? (int)name.n : 64, name.p,
             g.best ? ", did you mean '" : "", g.best ? g.best : "", g.best ? "'?" : "");
    return false;
}

static bool take_pair(struct limits *l, struct sp_str pair, char *why, size_t cap)
{
    const char *eq = memchr(pair.p, '=', pair.n);
    if (!eq) {
        snprintf(why, cap, "expected NAME=VALUE, not '%.*s'", pair.n < 64 ? (int)pair.n : 64,
                 pair.p);
        return false;
    }
    struct sp_str name = {pair.p, (size_t)(eq - pair.p)};
    struct sp_str text = {eq + 1, pair.n - name.n - 1};
    for (size_t i = 0; i < NROWS; i++) {
        const struct row *row = &rows[i];
        int64_t v = 0;
        if (!sp_str_eq(sp_str(row->name), name)) {
            continue;
        }
        if (!(row->kind == SIZE ? sp_parse_size : sp_parse_count)(text, &v) || v < row->low ||
            v > row->high) {
            snprintf(why, cap, "%s: '%.*s' is not a number from %lld to %lld", row->name,
                     text.n < 64 ? (int)text.n : 64, text.p, (long long)row->low,
                     (long long)row->high);
            return false;
        }
        uint32_t value = (uint32_t)v;
        memcpy((char *)l + row->off, &value, sizeof(value));
        return true;
    }
    return unknown(name, why, cap);
}

static bool take_line(struct limits out[RIGHTS_ROLES], const struct rights *r, const char *line,
                      char *why, size_t cap)
{
    struct sp_str rest = sp_str(line), role = sp_cut(&rest, BLANK), pair = sp_cut(&rest, BLANK);
    unsigned i = rights_role(r, role);
    if (i == RIGHTS_NOBODY) {
        snprintf(why, cap, "the rights table has no role '%.*s'", role.n < 64 ? (int)role.n : 64,
                 role.p);
        return false;
    }
    if (pair.n == 0) {
        snprintf(why, cap, "expected ROLE NAME=VALUE...");
        return false;
    }
    for (; pair.n; pair = sp_cut(&rest, BLANK)) {
        if (!take_pair(&out[i], pair, why, cap)) {
            return false;
        }
    }
    return true;
}

bool limits_parse(struct limits out[RIGHTS_ROLES], const struct limits *base,
                  const struct rights *r, const char *const *lines, unsigned n, unsigned *bad,
                  char *why, size_t cap)
{
    for (unsigned i = 0; i < RIGHTS_ROLES; i++) {
        out[i] = *base;
    }
    out[RIGHTS_LOCAL].message_rate = out[RIGHTS_LOCAL].byte_rate = 0;
    for (*bad = 0; *bad < n; ++*bad) {
        if (!take_line(out, r, lines[*bad], why, cap)) {
            return false;
        }
    }
    return true;
}
