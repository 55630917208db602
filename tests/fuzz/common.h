/* SPDX-License-Identifier: MIT
 * What every fuzz target shares: libFuzzer's entry point and a check that survives NDEBUG. */
#ifndef TESTS_FUZZ_COMMON_H
#define TESTS_FUZZ_COMMON_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "libproto/types.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, #condition);                \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

static inline struct sp_str fuzz_str(const uint8_t *data, size_t size)
{
    return (struct sp_str){(const char *)data, size};
}

#endif
