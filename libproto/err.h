/* SPDX-License-Identifier: MIT
 * The error table, the close codes and the diagnostic that parsers fill. */
#ifndef SP_ERR_H
#define SP_ERR_H

#include "libproto/types.h"

#define SP_MUST_CHECK __attribute__((warn_unused_result))

/* Close codes of RFC 6455 7.4 and our own, from tbl/closes.h. */
enum sp_close {
#define SP_CLOSE(id, code, reason) SP_CLOSE_##id = code,
#include "libproto/tbl/closes.h"
#undef SP_CLOSE
};

enum sp_bye {
#define SP_BYE(id, wire) SP_BYE_##id,
#include "libproto/tbl/byes.h"
#undef SP_BYE
    SP_BYE_COUNT
};

/* sp_diag says what a parser refused: off is the byte offset into its input, text a human sentence
 * that quotes nothing of the input but member names that passed the id grammar. */
struct sp_diag {
    enum sp_err code;
    size_t off;
    bool bad_utf8; /* the input is not UTF-8: RFC 6455 8.1 wants close 1007 */
    char text[128];
};

/* sp_diag_set fills d (which may be NULL) and returns code. */
enum sp_err sp_diag_set(struct sp_diag *d, enum sp_err code, size_t off, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* sp_err_wire gives the code as it stands in an error message, e.g. "target_not_found". */
const char *sp_err_wire(enum sp_err e);
/* sp_err_text gives the human sentence of the table, e.g. "Target client not found". */
const char *sp_err_text(enum sp_err e);
/* sp_err_retryable tells whether the same request may succeed later. */
bool sp_err_retryable(enum sp_err e);
/* sp_err_find maps a wire code back; SP_OK when the word is unknown. */
enum sp_err sp_err_find(struct sp_str wire);

/* sp_close_reason gives the default reason of a close code; "" when the code is not of the table.
 */
const char *sp_close_reason(unsigned code);

/* sp_bye_wire and sp_bye_find map the reasons of a bye; find returns SP_BYE_COUNT if unknown. */
const char *sp_bye_wire(enum sp_bye b);
enum sp_bye sp_bye_find(struct sp_str wire);

#endif
