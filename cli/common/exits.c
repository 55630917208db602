/* SPDX-License-Identifier: MIT
 * Which exit code an error of the server becomes. */
#include "cli/common/exits.h"

const char *exit_text(int status)
{
    switch (status) {
#define EXIT_ROW(id, number, text)                                                                 \
    case EXIT_##id:                                                                                \
        return text;
#include "cli/common/tbl/exits.h"
#undef EXIT_ROW
    }
    return status > 128 ? "interrupted" : "it failed";
}

enum exit_code exit_of_error(enum sp_err e)
{
    if (e == SP_TARGET_NOT_FOUND) {
        return EXIT_NO_PEER;
    }
    return e == SP_UNAUTHORIZED || e == SP_TOKEN_EXPIRED ? EXIT_REFUSED_AUTH : EXIT_REFUSED;
}
