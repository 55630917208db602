/* SPDX-License-Identifier: MIT
 * The decoder, and that whatever passes it is relayed as valid JSON under the server's own names.
 */
#include "tests/fuzz/common.h"

#include "libproto/id.h"
#include "libproto/msg.h"

static char room[1 << 20];

static bool has_text(const struct sp_doc *doc, struct sp_str key, struct sp_str want)
{
    char scratch[SP_ID_MAX];
    struct sp_str got;

    return sp_doc_str(doc, key, scratch, sizeof(scratch), &got) == SP_OK && sp_str_eq(got, want);
}

static void check_relay(const struct sp_msg *m)
{
    const struct sp_stamped s = {m->type, SP_STR("sender"), SP_STR("session-1"),
                                 SP_STR("2025-11-27T12:00:00.000Z"), 1};
    struct sp_buf b;
    struct sp_doc doc;
    struct sp_diag d;

    sp_buf_init(&b, room, sizeof(room));
    sp_put_relay(&b, &s, m);
    if (b.full) {
        return;
    }
    CHECK(sp_scan(&doc, b.p, b.n, &sp_scan_replies, &d) == SP_OK);
    CHECK(has_text(&doc, SP_STR("type"), sp_str(sp_type_wire(m->type))));
    CHECK(has_text(&doc, SP_STR("from"), s.from));
    CHECK(has_text(&doc, SP_STR("sessionId"), s.session));
    CHECK(has_text(&doc, SP_STR("timestamp"), s.timestamp));
    CHECK(!sp_doc_find(&doc, SP_STR("target")) && !sp_doc_find(&doc, SP_STR("rid")) &&
          !sp_doc_find(&doc, SP_STR("hold")));
}

static void check_error(enum sp_err e, const struct sp_msg *m, const struct sp_diag *d)
{
    struct sp_buf b;
    struct sp_doc doc;
    struct sp_diag bad;

    sp_buf_init(&b, room, sizeof(room));
    sp_put_error(&b, e, sp_str(d->text), m->rid, (struct sp_str){NULL, 0}, -1, SP_STR("now"));
    CHECK(!b.full && sp_scan(&doc, b.p, b.n, &sp_scan_defaults, &bad) == SP_OK);
    CHECK(has_text(&doc, SP_STR("code"), sp_str(sp_err_wire(e))));
    CHECK((m->rid.n > 0) == (sp_doc_find(&doc, SP_STR("rid")) != NULL));
}

static void check_ids(const struct sp_msg *m)
{
    static const enum sp_msg_member ids[] = {SP_M_TARGET, SP_M_ID, SP_M_SESSION, SP_M_AFTER};

    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        CHECK(!sp_msg_has(m, ids[i]) || sp_id_ok(m->str[ids[i]]));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sp_msg m;
    struct sp_diag d;

    enum sp_err e = sp_msg_decode(&m, (const char *)data, size, &sp_scan_defaults, &d);
    if (e != SP_OK) {
        CHECK(d.code == e && d.off <= size);
        check_error(e, &m, &d);
        return 0;
    }
    CHECK(m.row && m.row->type == m.type && (m.row->required & ~m.have) == 0);
    CHECK(m.scratch_used <= sizeof(m.scratch));
    check_ids(&m);
    if (m.row->class == SP_CLASS_RELAY) {
        check_relay(&m);
    }
    return 0;
}
