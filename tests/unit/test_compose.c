/* SPDX-License-Identifier: MIT
 * Messages of a given size: the size, and what an event says of them. */
#include "tests/lib/unit.h"

#include "cli/sigmon/compose.h"
#include "libproto/msg.h"
#include "libproto/summary.h"

#include <stdlib.h>

static char text[70000 + COMPOSE_ROOM];
static struct sp_msg msg;

/* Composes, and decodes as the server does. */
static struct composed put(const struct compose *m)
{
    struct sp_buf b;
    struct sp_diag d;
    sp_buf_init(&b, text, sizeof(text));
    struct composed done = compose_put(&b, m);
    assert_false(b.full);
    if (sp_msg_decode(&msg, b.p, b.n, &sp_scan_defaults, &d) != SP_OK) {
        print_error("%.*s: %s\n", (int)b.n, b.p, d.text);
        fail();
    }
    assert_int_equal(msg.type, m->type);
    assert_text(msg.str[SP_M_TARGET], "cam-1");
    assert_int_equal(done.has_rid, msg.rid.n > 0);
    if (done.fits && m->size >= 0) {
        assert_int_equal(b.n, m->size);
    }
    return done;
}

static struct sp_str summary(void)
{
    return msg.type == SP_T_ICE ? sp_candidate_summary(msg.raw[SP_M_CANDIDATE])
                                : sp_sdp_summary(sp_sdp_media(msg.raw[SP_M_SDP]));
}

static const struct compose plain = {.target = {"cam-1", 5}, .session = {"s1", 2}, .rid = 7};

static void check(enum sp_type type, const char *what, int64_t least)
{
    struct compose m = plain;
    bool fitted = false;
    m.type = type;
    m.summary = sp_str(what);
    for (m.size = 20; m.size < 3000; m.size += m.size < 1200 ? 1 : 97) {
        struct composed done = put(&m);
        if (fitted || m.size >= least) {
            assert_true(done.fits);
        }
        fitted = done.fits;
        assert_text(summary(), what);
        assert_text(msg.str[SP_M_SESSION], "s1");
    }
    m.size = -1;
    assert_true(put(&m).has_rid);
    assert_text(summary(), what);
}

static void test_descriptions(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 16; i++) {
        check(SP_T_OFFER, sp_sdp_summary(i).p, 160);
        check(SP_T_ANSWER, sp_sdp_summary(i).p, 160);
    }
}

static void test_candidates(void **state)
{
    (void)state;
    static const char *const kinds[] = {"host",      "srflx",     "prflx",     "relay",
                                        "mdns",      "end",       "host/tcp",  "mdns/tcp",
                                        "srflx/tcp", "prflx/tcp", "relay/tcp", "unknown"};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        check(SP_T_ICE, kinds[i], 110);
    }
}

static void test_byes(void **state)
{
    (void)state;
    struct compose m = plain;
    m.type = SP_T_BYE;
    m.may_omit = true;
    /* {"type":"bye","target":"cam-1"} */
    for (m.size = 30; m.size < 200; m.size++) {
        struct composed done = put(&m);
        assert_int_equal(done.fits, m.size >= 31);
        assert_int_equal(done.has_rid, m.size < 31 || m.size >= 56);
        assert_int_equal(sp_msg_has(&msg, SP_M_SESSION), m.size < 31 || m.size >= 48);
    }
    m.reason = SP_STR("a \"reason\"");
    m.size = 150;
    assert_true(put(&m).fits);
    assert_text(msg.str[SP_M_REASON], "a \"reason\"");
    m.may_omit = false;
    m.size = 32;
    assert_false(put(&m).fits);
    assert_text(msg.str[SP_M_SESSION], "s1");
}

static void test_contents_are_left_as_they_are(void **state)
{
    (void)state;
    struct compose m = plain;
    m.type = SP_T_ICE;
    m.content = SP_STR("{ \"candidate\" : \"\\u0041\", \"x\":[1]}");
    for (m.size = 60; m.size < 200; m.size++) {
        put(&m);
        assert_true(sp_str_eq(msg.raw[SP_M_CANDIDATE], m.content));
    }
    m.type = SP_T_OFFER;
    m.content = SP_STR("\"v=0\\r\\n\"");
    m.size = 100;
    assert_true(put(&m).fits);
    assert_true(sp_str_eq(msg.raw[SP_M_SDP], m.content));
}

static void test_the_largest(void **state)
{
    (void)state;
    struct compose m = plain;
    m.type = SP_T_OFFER;
    m.size = 65536;
    m.summary = SP_STR("video");
    assert_true(put(&m).fits);
    m.type = SP_T_ICE;
    m.summary = SP_STR("host");
    assert_true(put(&m).fits);
    m.type = SP_T_BYE;
    assert_true(put(&m).fits);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_descriptions), cmocka_unit_test(test_candidates),
        cmocka_unit_test(test_byes),         cmocka_unit_test(test_contents_are_left_as_they_are),
        cmocka_unit_test(test_the_largest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
