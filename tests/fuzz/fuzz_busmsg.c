/* SPDX-License-Identifier: MIT
 * Records of the bus: what is read is written again as it was. */
#include "tests/fuzz/common.h"

#include "daemon/core/busmsg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sp_str in = fuzz_str(data, size);
    struct bus_rec r;

    for (;;) {
        struct sp_str before = in;
        struct sp_buf b;
        if (!bus_get(&in, &r)) {
            return 0;
        }
        size_t n = before.n - in.n;
        char *room = malloc(n);
        CHECK(room && bus_len(&r) == n);
        sp_buf_init(&b, room, n);
        bus_put(&b, &r);
        CHECK(!b.full && b.n == n && memcmp(room, before.p, n) == 0);
        free(room);
    }
}
