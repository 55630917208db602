/* SPDX-License-Identifier: MIT
 * The tables of errors, close codes and bye reasons, and how a diagnostic is filled. */
#include "libproto/err.h"

#include <stdarg.h>
#include <stdio.h>

static const struct {
    struct sp_str wire;
    const char *text;
    bool retryable;
} errors[SP_ERR_COUNT] = {
    [SP_OK] = {{"ok", 2}, "ok", false},
#define SP_ERROR(id, word, again, sentence) [SP_##id] = {{word, sizeof(word) - 1}, sentence, again},
#include "libproto/tbl/errors.h"
#undef SP_ERROR
};

static const struct {
    unsigned code;
    const char *reason;
} closes[] = {
#define SP_CLOSE(id, number, sentence) {number, sentence},
#include "libproto/tbl/closes.h"
#undef SP_CLOSE
};

static const struct sp_str byes[SP_BYE_COUNT] = {
#define SP_BYE(id, word) [SP_BYE_##id] = {word, sizeof(word) - 1},
#include "libproto/tbl/byes.h"
#undef SP_BYE
};

enum sp_err sp_diag_set(struct sp_diag *d, enum sp_err code, size_t off, const char *fmt, ...)
{
    if (d) {
        d->code = code;
        d->off = off;
        d->bad_utf8 = false;
        va_list ap;
        va_start(ap, fmt);
        vsnprintf(d->text, sizeof(d->text), fmt, ap);
        va_end(ap);
    }
    return code;
}

const char *sp_err_wire(enum sp_err e)
{
    return errors[e].wire.p;
}

const char *sp_err_text(enum sp_err e)
{
    return errors[e].text;
}

bool sp_err_retryable(enum sp_err e)
{
    return errors[e].retryable;
}

enum sp_err sp_err_find(struct sp_str wire)
{
    for (int e = SP_OK + 1; e < SP_ERR_COUNT; e++) {
        if (sp_str_eq(errors[e].wire, wire)) {
            return (enum sp_err)e;
        }
    }
    return SP_OK;
}

const char *sp_close_reason(unsigned code)
{
    for (size_t i = 0; i < sizeof(closes) / sizeof(closes[0]); i++) {
        if (closes[i].code == code) {
            return closes[i].reason;
        }
    }
    return "";
}

const char *sp_bye_wire(enum sp_bye b)
{
    return byes[b].p;
}

enum sp_bye sp_bye_find(struct sp_str wire)
{
    for (int b = 0; b < SP_BYE_COUNT; b++) {
        if (sp_str_eq(byes[b], wire)) {
            return (enum sp_bye)b;
        }
    }
    return SP_BYE_COUNT;
}
