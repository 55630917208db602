/* SPDX-License-Identifier: MIT
 * cmocka with what it needs before it, and assertions on slices. */
#ifndef TESTS_UNIT_H
#define TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "libproto/types.h"

/* assert_text fails unless the slice s holds exactly the bytes of the C string text. */
#define assert_text(s, text)                                                                       \
    do {                                                                                           \
        struct sp_str got_ = (s);                                                                  \
        const char *want_ = (text);                                                                \
        if (!sp_str_eq(got_, sp_str(want_))) {                                                     \
            print_error("\"%.*s\" is not \"%s\"\n", (int)got_.n, got_.n ? got_.p : "", want_);     \
            fail();                                                                                \
        }                                                                                          \
    } while (0)

#endif
