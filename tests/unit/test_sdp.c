/* SPDX-License-Identifier: MIT
 * Session descriptions of real implementations are right, and each rule finds what breaks it and
 * nothing else does. The names of the files say which rule that is. */
#include "tests/lib/files.h"
#include "tests/lib/unit.h"

#include "cli/sigctl/sdp.h"

#include <stdio.h>
#include <stdlib.h>

static struct sdp parsed, offered;
static struct sdp_findings found;
static bool seen[SDP_RULES];

static bool begins(const char *name, const char *with)
{
    return strncmp(name, with, strlen(with)) == 0;
}

static enum sdp_mode mode_of(const char *name)
{
    return begins(name, "offer.") ? SDP_OFFER : begins(name, "answer.") ? SDP_ANSWER : SDP_ANY;
}

static void tell(const char *name)
{
    for (unsigned i = 0; i < found.n; i++) {
        print_error("%s:%u: %s\n", name, found.v[i].line, sdp_rules[found.v[i].rule].name);
    }
}

/* Exactly the rule of that name is broken; none when it is "fits". */
static void expect_rule(const char *name, struct sp_str rule)
{
    bool any = found.n == 0 && sp_str_eq(rule, SP_STR("fits"));
    for (unsigned i = 0; i < found.n; i++) {
        any = sp_str_eq(rule, sp_str(sdp_rules[found.v[i].rule].name));
        seen[found.v[i].rule] = true;
        if (!any) {
            break;
        }
    }
    if (!any) {
        tell(name);
        print_error("%s: not what is expected\n", name);
        fail();
    }
}

/* ---------------------------------------------------------------- right */

static void read_right(void *ctx, const char *name, const char *data, size_t n)
{
    (void)ctx;
    assert_true(sdp_read(&parsed, (struct sp_str){data, n}, &found));
    sdp_judge(&parsed, mode_of(name), &found);
    unsigned expected = strstr(name, "aiortc") ? 2 : 0; /* it writes the draft's form of SCTP */
    if (found.errors != 0 || found.warnings != expected) {
        tell(name);
        fail();
    }
}

static void test_right(void **state)
{
    (void)state;
    assert_true(files_each(VECTORS "/sdp/ok", read_right, NULL) >= 10);
}

static void test_parts(void **state)
{
    static const char text[] = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=talk\r\nt=0 0\r\n"
                               "a=group:BUNDLE a b\r\na=setup:actpass\r\n"
                               "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\nc=IN IP4 0.0.0.0\r\na=mid:a\r\n"
                               "m=video 0 UDP/TLS/RTP/SAVPF 96\r\na=mid:b\r\na=bundle-only\r\n"
                               "a=recvonly\r\nm=audio 0 RTP/AVP 8\r\n";
    (void)state;
    assert_true(sdp_read(&parsed, SP_STR(text), &found));
    assert_int_equal(parsed.n, 3);
    assert_text(parsed.name, "talk");
    assert_text(parsed.media[1].attr[SDP_MID].value, "b");
    assert_int_equal(parsed.media[1].attr[SDP_MID].line, 11);
    assert_text(parsed.media[1].attr[SDP_DIRECTION].value, "recvonly");
    assert_true(parsed.media[0].bundled && parsed.media[0].tagged);
    assert_true(parsed.media[1].bundled && !parsed.media[1].tagged);
    assert_false(parsed.media[2].bundled);
    assert_false(sdp_is_rejected(&parsed.media[1]));
    assert_true(sdp_is_rejected(&parsed.media[2]));
    assert_text(sdp_attr_of(&parsed, &parsed.media[0], SDP_SETUP)->value, "actpass");
    assert_null(sdp_attr_of(&parsed, &parsed.media[0], SDP_GROUP));
}

/* ---------------------------------------------------------------- wrong */

static void read_wrong(void *ctx, const char *name, const char *data, size_t n)
{
    const char *rule = strchr(name, '.') + 1;
    (void)ctx;
    assert_true(sdp_read(&parsed, (struct sp_str){data, n}, &found));
    sdp_judge(&parsed, mode_of(name), &found);
    expect_rule(name, (struct sp_str){rule, strcspn(rule, ".")});
}

static void read_offer(void *ctx, const char *name, const char *data, size_t n)
{
    char *copy = malloc(n);
    char **kept = ctx;
    (void)name;
    assert_non_null(copy);
    memcpy(copy, data, n);
    free(*kept);
    *kept = copy;
    assert_true(sdp_read(&offered, (struct sp_str){copy, n}, &found));
}

/* RULE[.WORD][@OFFER].sdp is the answer to offer-OFFER.sdp, else to that of the directory ok. */
static void read_pair(void *ctx, const char *name, const char *data, size_t n)
{
    char path[512], *kept = NULL;
    const char *at = strchr(name, '@');
    (void)ctx;
    if (begins(name, "offer-")) {
        return;
    }
    snprintf(path, sizeof(path), VECTORS "/sdp/%s%s", at ? "pair/offer-" : "ok/offer.minimal.sdp",
             at ? at + 1 : "");
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    char text[8192];
    read_offer(&kept, path, text, fread(text, 1, sizeof(text), f));
    fclose(f);
    assert_true(sdp_read(&parsed, (struct sp_str){data, n}, &found));
    sdp_judge(&parsed, SDP_ANSWER, &found);
    sdp_judge_pair(&offered, &parsed, &found);
    expect_rule(name, (struct sp_str){name, strcspn(name, ".@")});
    free(kept);
}

static void test_wrong(void **state)
{
    (void)state;
    assert_true(files_each(VECTORS "/sdp/bad", read_wrong, NULL) >= 150);
    assert_true(files_each(VECTORS "/sdp/pair", read_pair, NULL) >= 20);
    for (unsigned i = 0; i < SDP_RULES; i++) {
        if (!seen[i]) {
            fail_msg("no vector breaks %s", sdp_rules[i].name);
        }
    }
}

static void test_no_sdp(void **state)
{
    static const char *const texts[] = {"",    "hello\r\n", "{\"sdp\":\"v=0\"}", "\r\nv=0\r\n",
                                        "m=x", "a=b"};
    static char large[SDP_TEXT_MAX + 1] = "v=0\r\n";
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        assert_false(sdp_read(&parsed, sp_str(texts[i]), &found));
    }
    assert_false(sdp_read(&parsed, (struct sp_str){large, sizeof(large)}, &found));
    assert_true(sdp_read(&parsed, (struct sp_str){large, sizeof(large) - 1}, &found));
}

/* Findings beyond the table are counted. */
static void test_many_findings(void **state)
{
    static char text[64 * 1024] = "v=0\r\n";
    (void)state;
    for (size_t i = 5; i + 3 <= sizeof(text); i += 3) {
        memcpy(text + i, "x\r\n", 3);
    }
    assert_true(sdp_read(&parsed, (struct sp_str){text, 5 + 3 * 20000}, &found));
    assert_int_equal(found.n, SDP_FINDINGS_MAX);
    assert_int_equal(found.errors, 20000 + 3);
}

/* ---------------------------------------------------------------- written */

static void expect_clean(struct sp_str text, enum sdp_mode mode, const struct sdp *offer)
{
    assert_true(sdp_read(&parsed, text, &found));
    sdp_judge(&parsed, mode, &found);
    if (offer) {
        sdp_judge_pair(offer, &parsed, &found);
    }
    if (found.n > 0) {
        tell("written");
        fail();
    }
}

static void test_written(void **state)
{
    static const char *const media[] = {"v", "a", "d", "va", "vad", "dav"};
    static char offer[64 * 1024], answer[64 * 1024];
    (void)state;
    for (unsigned i = 0; i < 6; i++) {
        for (unsigned ice = 0; ice <= SDP_ICE_MOST; ice += SDP_ICE_MOST) {
            struct sp_buf o, a;
            sp_buf_init(&o, offer, sizeof(offer));
            sp_buf_init(&a, answer, sizeof(answer));
            sdp_write(&o, media[i], &(struct sdp_want){"actpass", ice});
            expect_clean(sp_buf_view(&o), SDP_OFFER, NULL);
            offered = parsed;
            sdp_write_answer(&a, &offered, &(struct sdp_want){"active", ice});
            assert_false(a.full || a.n > SDP_WRITE_SIZE(o.n, offered.n));
            expect_clean(sp_buf_view(&a), SDP_ANSWER, &offered);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_right),         cmocka_unit_test(test_parts),
        cmocka_unit_test(test_wrong),         cmocka_unit_test(test_no_sdp),
        cmocka_unit_test(test_many_findings), cmocka_unit_test(test_written)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
