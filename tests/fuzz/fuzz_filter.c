/* SPDX-License-Identifier: MIT
 * The filter compiler: whatever compiles can be evaluated, and its negation says the opposite. */
#include "tests/fuzz/common.h"

#include "libproto/filter.h"

static void make_event(struct sp_event *ev, unsigned i)
{
    sp_event_init(ev, (enum sp_event_type)(i % SP_EV_COUNT), 0);
    ev->kind = (enum sp_type)(i * 7 % SP_T_COUNT);
    if (i % 3) {
        ev->s[SP_ES_from] = SP_STR("drone-1");
        ev->s[SP_ES_to] = SP_STR("cam-2");
        ev->n[SP_EN_size] = (int64_t)i * 1000;
        ev->n[SP_EN_us] = (int64_t)i * 100;
    } else {
        ev->s[SP_ES_id] = SP_STR("drone-1");
        ev->s[SP_ES_role] = SP_STR("drone");
        ev->n[SP_EN_seq] = i;
    }
}

static bool negate(struct sp_filter *f, struct sp_str src)
{
    char text[SP_FILTER_MAX];
    struct sp_diag d;
    struct sp_buf b;

    sp_buf_init(&b, text, sizeof(text));
    sp_buf_lit(&b, "not(");
    sp_buf_str(&b, src);
    sp_buf_lit(&b, ")");
    return !b.full && sp_filter_parse(f, sp_buf_view(&b), &d) == SP_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sp_str src = fuzz_str(data, size);
    struct sp_filter f, opposite;
    struct sp_diag d;

    enum sp_err e = sp_filter_parse(&f, src, &d);
    if (e != SP_OK) {
        CHECK(e == SP_INVALID_MEMBER && d.code == e && d.off <= size);
        return 0;
    }
    CHECK(f.nop <= SP_FILTER_OPS && f.nval <= SP_FILTER_OPS && f.ntext <= SP_FILTER_MAX);
    bool negated = f.nop > 0 && negate(&opposite, src);
    for (unsigned i = 0; i < 40; i++) {
        struct sp_event ev;
        make_event(&ev, i);
        bool match = sp_filter_match(&f, &ev);
        CHECK(f.nop > 0 || match);
        CHECK(!negated || sp_filter_match(&opposite, &ev) == !match);
    }
    return 0;
}
