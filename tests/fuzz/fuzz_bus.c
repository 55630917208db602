/* SPDX-License-Identifier: MIT
 * Messages on the bus: what was not sealed with the key is refused, what was comes back. The input
 * is read as a message, then changed bytes of a sealed one, then as a URL of Redis. */
#include "tests/fuzz/common.h"

#include "daemon/net/bus_seal.h"
#include "libproto/id.h"

#define BOOT UINT64_C(1800000000000000)

static const char key[] = "the key of the fuzz target, fixed";
static const struct sp_str channel = {BUS_ALL, sizeof(BUS_ALL) - 1};

static void check_sealed(struct bus_mac *m, const uint8_t *data, size_t size)
{
    static char room[BUS_HEAD_MAX + 65536];
    const struct bus_letter l = {.kind = size % 2 ? BUS_PROBE : BUS_MESSAGE,
                                 .node = SP_STR("node"),
                                 .payload = fuzz_str(data, size < 65536 ? size : 65536),
                                 .boot = BOOT,
                                 .counter = size};
    struct bus_letter back;
    size_t n = bus_seal(m, channel, &l, room, sizeof(room));
    CHECK(n > 0 && bus_open(m, channel, room, n, &back) == BUS_GOOD);
    CHECK(back.kind == l.kind && back.boot == l.boot && back.counter == l.counter);
    CHECK(sp_str_eq(back.node, l.node) && sp_str_eq(back.payload, l.payload));
    if (size >= 3 && data[2]) {
        size_t at = (data[0] | (size_t)data[1] << 8) % n;
        room[at] = (char)(room[at] ^ data[2]);
        CHECK(bus_open(m, channel, room, n, &back) != BUS_GOOD);
    }
}

/* Each byte is a message of one of four nodes: numbers that were heard are not heard again. */
static void check_believed(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"me", "a", "b", "c"};
    struct bus_peers p = {.self = SP_STR("me"), .boot = BOOT};
    for (size_t i = 0; i < size && i < 4096; i++) {
        struct bus_letter l = {.kind = data[i] & 4 ? BUS_PROBE : BUS_MESSAGE,
                               .node = sp_str(names[data[i] & 3]),
                               .boot = BOOT + (data[i] >> 3 & 1),
                               .counter = data[i] >> 4};
        enum bus_ear ear = i % 2 ? BUS_EAR_ALL : BUS_EAR_NODE;
        const struct bus_now now = {1000000, 0};
        bool gap = false;
        if (bus_believe(&p, ear, &l, now, &gap) == BUS_GOOD) {
            l.kind = BUS_MESSAGE;
            CHECK(bus_believe(&p, ear, &l, now, &gap) == BUS_REPLAYED);
        }
        CHECK(p.n <= 4);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct bus_mac *m;
    char text[512], why[256];
    struct bus_letter l;
    if (!m) {
        m = bus_mac_new((const uint8_t *)key, sizeof(key) - 1);
        CHECK(m);
    }
    if (bus_open(m, channel, (const char *)data, size, &l) == BUS_GOOD) {
        CHECK(sp_id_ok(l.node) && l.payload.n < size);
    }
    check_sealed(m, data, size);
    check_believed(data, size);
    snprintf(text, sizeof(text), "%.*s", (int)(size < 511 ? size : 511), (const char *)data);
    (void)bus_check_url(text, why, sizeof(why));
    return 0;
}
