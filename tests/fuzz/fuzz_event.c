/* SPDX-License-Identifier: MIT
 * Events read, written and read again; and the helpers that see remote text raw: summaries,
 * terminal escaping, timestamps, units. */
#include "tests/fuzz/common.h"

#include "libproto/event.h"
#include "libproto/scan.h"
#include "libproto/summary.h"
#include "libproto/time.h"
#include "libproto/units.h"
#include "libproto/utf8.h"

static void check_same(const struct sp_event *a, const struct sp_event *b)
{
    CHECK(a->event == b->event && a->kind == b->kind);
    for (size_t i = 0; i < SP_ES_COUNT; i++) {
        CHECK(sp_str_eq(a->s[i], b->s[i]));
    }
    for (size_t i = 0; i < SP_EN_COUNT; i++) {
        CHECK(a->n[i] == b->n[i]);
    }
}

static void check_event(struct sp_str in)
{
    static char scratch[1 << 16], scratch2[1 << 16], room[1 << 20];
    struct sp_event ev, back;
    struct sp_diag d;
    struct sp_buf b;

    if (sp_event_parse(&ev, in, scratch, sizeof(scratch), &d) != SP_OK) {
        return;
    }
    sp_buf_init(&b, room, sizeof(room));
    sp_put_event(&b, &ev, SP_STR("2025-11-27T12:00:00.000Z"));
    if (!b.full) {
        CHECK(sp_event_parse(&back, sp_buf_view(&b), scratch2, sizeof(scratch2), &d) == SP_OK);
        check_same(&ev, &back);
    }
}

static void check_safe(struct sp_str in)
{
    static char room[1 << 18];
    size_t n = sp_utf8_safe(room, sizeof(room), in, false);

    CHECK(n <= sizeof(room) && sp_utf8_valid(room, n));
    for (size_t i = 0; i < n; i++) {
        CHECK((unsigned char)room[i] >= 0x20 && room[i] != 0x7f);
    }
    CHECK(sp_utf8_safe(room, n, (struct sp_str){room, n}, false) == n);
}

static void check_small_parsers(struct sp_str in)
{
    struct sp_stamp stamp = {0};
    struct sp_str element;
    int64_t v;
    size_t pos = 0;

    if (sp_stamp_parse(in, &v)) {
        CHECK(sp_stamp_parse(sp_stamp_at(&stamp, v), &v));
    }
    CHECK(!sp_parse_duration(in, 1000, &v) || v >= 0);
    CHECK(!sp_parse_size(in, &v) || v >= 0);
    CHECK(!sp_parse_count(in, &v) || v >= 0);
    CHECK(sp_distance(in, in) == 0 && sp_distance(in, SP_STR("relay")) <= 64);
    CHECK(sp_sdp_media(in) < 16 && sp_candidate_summary(in).n > 0);
    while (sp_each_element(in, &pos, &element)) {
        CHECK(pos <= in.n && element.n > 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sp_str in = fuzz_str(data, size);

    check_event(in);
    check_safe(in);
    check_small_parsers(in);
    return 0;
}
