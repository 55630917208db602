/* SPDX-License-Identifier: MIT
 * The exit codes of the tools. */
#ifndef CLI_EXITS_H
#define CLI_EXITS_H

#include "libproto/err.h"

enum exit_code {
#define EXIT_ROW(id, status, text) EXIT_##id = status,
#include "cli/common/tbl/exits.h"
#undef EXIT_ROW
};

/* exit_of_error maps the server's error code to the exit status: target_not_found 6, unauthorized
 * and token_expired 4, everything else 7. */
enum exit_code exit_of_error(enum sp_err e);

/* exit_text says what a status means: "timed out"; "interrupted" for 128 + N. */
const char *exit_text(int status);

#endif
