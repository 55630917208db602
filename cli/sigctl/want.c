/* SPDX-License-Identifier: MIT
 * Values of options for which 0 is not the same as nothing said. */
#include "cli/sigctl/want.h"

#include "libproto/id.h"
#include "libproto/units.h"

static bool is_none(const char *text, int64_t *v)
{
    if (strcmp(text, "none") != 0) {
        return false;
    }
    *v = OPT_NEVER;
    return true;
}

int want_count(const struct ctl *c, const char *option, const char *text, int64_t *v)
{
    int64_t n = 0;
    if (!text || is_none(text, v)) {
        return 0;
    }
    if (!sp_parse_count(sp_str(text), &n) || n < 1) {
        return ctl_fail(c, EXIT_USAGE, NULL,
                        "--%s '%s': must be a count from 1 on such as 500 or 10k, or none for no "
                        "end",
                        option, text);
    }
    *v = n;
    return 0;
}

int want_duration(const struct ctl *c, const char *option, const char *text, int64_t least_us,
                  int64_t *v)
{
    int64_t us = 0;
    if (!text || is_none(text, v)) {
        return 0;
    }
    if (!sp_parse_duration(sp_str(text), 1000000, &us) || us < least_us) {
        return ctl_fail(c, EXIT_USAGE, NULL, "--%s '%s': must be a duration such as 250ms or 5s%s",
                        option, text, least_us > 0 ? ", longer than 0" : "");
    }
    *v = us;
    return 0;
}

int want_id(const struct ctl *c, const char *id)
{
    if (sp_id_ok(sp_str(id))) {
        return 0;
    }
    return ctl_fail(c, EXIT_USAGE, NULL,
                    "'%s' is not an id: want 1 to %u of A-Z a-z 0-9 . _ : @ -, a letter or digit "
                    "first",
                    id, SP_ID_MAX);
}

int want_role(const struct ctl *c, const char *role)
{
    if (!role || (strlen(role) <= SP_ROLE_MAX && sp_id_ok(sp_str(role)))) {
        return 0;
    }
    return ctl_fail(c, EXIT_USAGE, NULL,
                    "--role '%s' is not a role: want 1 to %u characters, as an id has them", role,
                    SP_ROLE_MAX);
}

int want_match(const struct ctl *c, const char *glob)
{
    if (!glob || (*glob && strlen(glob) <= SP_MATCH_MAX)) {
        return 0;
    }
    return ctl_fail(c, EXIT_USAGE, NULL,
                    "--match: want 1 to %u characters of an id, * for any, ? for one, not %zu",
                    SP_MATCH_MAX, strlen(glob));
}
