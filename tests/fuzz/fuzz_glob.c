/* SPDX-License-Identifier: MIT
 * A pattern, a newline, a text: the matcher says what the reference says. */
#include "tests/fuzz/common.h"

#include "libproto/id.h"
#include "tests/lib/glob.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = size ? memchr(data, '\n', size) : NULL;
    if (!end || size > GLOB_TEXT_MAX) {
        return 0;
    }
    size_t n = (size_t)(end - data);
    struct sp_str pattern = fuzz_str(data, n), text = fuzz_str(end + 1, size - n - 1);
    CHECK(sp_glob_match(pattern, text) == glob_reference(pattern, text));
    return 0;
}
