/* SPDX-License-Identifier: MIT
 * The exit codes of the tools, from their table. */
#include "cli/common/exits.h"

const char *exit_text(enum exit_code status)
{
    switch (status) {
#define EXIT_ROW(id, number, text)                                                                 \
    case EXIT_##id:                                                                                \
        return text;
#include "cli/common/tbl/exits.h"
#undef EXIT_ROW
    }
    return "ended by a signal";
}

enum exit_code exit_of_error(enum sp_err e)
{
    if (e == SP_TARGET_NOT_FOUND) {
        return EXIT_NO_PEER;
    }
    return e == SP_UNAUTHORIZED || e == SP_TOKEN_EXPIRED ? EXIT_REFUSED_AUTH : EXIT_REFUSED;
}
