/* SPDX-License-Identifier: MIT
 * Summaries of SDP and candidates, read from raw JSON. */
#include "tests/lib/unit.h"

#include <stdlib.h>

#include "libproto/summary.h"

#define LINE "\\r\\n"

static void test_media(void **state)
{
    (void)state;
    static const struct {
        const char *raw;
        unsigned want;
    } cases[] = {{"\"\"", 0},
                 {"\"v=0\"", 0},
                 {"\"v=0" LINE "m=audio 9 X 0" LINE "\"", SP_MEDIA_AUDIO},
                 {"\"v=0\\nm=video 9 X 0\\n\"", SP_MEDIA_VIDEO},
                 {"\"v=0" LINE "m=application 9 X" LINE "\"", SP_MEDIA_DATA},
                 {"\"v=0" LINE "m=audio 9" LINE "a=mid:0" LINE "m=video 9" LINE "m=application 9\"",
                  SP_MEDIA_AUDIO | SP_MEDIA_VIDEO | SP_MEDIA_DATA},
                 {"\"v=0" LINE "m=message 9\"", SP_MEDIA_OTHER},
                 {"\"v=0" LINE "m=audiobook 9\"", SP_MEDIA_OTHER},
                 {"\"v=0" LINE "m=\"", SP_MEDIA_OTHER},
                 {"\"m=audio 9\"", 0},
                 {"\"v=0 m=audio 9\"", 0},
                 {"\"v=0" LINE "a=m=audio 9\"", 0},
                 /* an escaped backslash before the n: no line ends here */
                 {"\"v=0\\\\nm=audio 9\"", 0},
                 {"\"v=0\\\\\\nm=audio 9\"", SP_MEDIA_AUDIO},
                 {"\"nm=audio 9\"", 0},
                 {"m=", 0},
                 {"", 0}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (sp_sdp_media(sp_str(cases[i].raw)) != cases[i].want) {
            fail_msg("%s", cases[i].raw);
        }
    }
}

/* The m= line at each place of the sixteen-byte steps, in exact heap blocks. */
static void test_media_at_every_offset(void **state)
{
    (void)state;
    struct sp_str line = SP_STR("\\nm=video ");
    for (size_t before = 0; before < 40; before++) {
        for (size_t after = 0; after < 20; after++) {
            size_t n = before + line.n + after;
            char *raw = malloc(n);
            memset(raw, 'm', n);
            memcpy(raw + before, line.p, line.n);
            assert_int_equal(sp_sdp_media((struct sp_str){raw, n}), SP_MEDIA_VIDEO);
            free(raw);
        }
    }
}

static void test_media_names(void **state)
{
    (void)state;
    assert_text(sp_sdp_summary(0), "");
    assert_text(sp_sdp_summary(SP_MEDIA_AUDIO), "audio");
    assert_text(sp_sdp_summary(SP_MEDIA_AUDIO | SP_MEDIA_VIDEO), "audio,video");
    assert_text(sp_sdp_summary(SP_MEDIA_VIDEO | SP_MEDIA_DATA), "video,data");
    assert_text(sp_sdp_summary(15), "audio,video,data,other");
    for (unsigned set = 0; set < 16; set++) {
        static const char *const names[] = {"audio", "video", "data", "other"};
        struct sp_str s = sp_sdp_summary(set);
        for (unsigned bit = 0; bit < 4; bit++) {
            bool named = memmem(s.p, s.n, names[bit], strlen(names[bit])) != NULL;
            assert_int_equal(named, set >> bit & 1u);
        }
    }
}

#define CAND(address, type)                                                                        \
    "candidate:842163049 1 udp 1677729535 " address " 46154 typ " type                             \
    " raddr 192.0.2.1 rport 9 generation 0"

static void test_candidates(void **state)
{
    (void)state;
    static const struct {
        const char *raw, *want;
    } cases[] = {
        {"null", "end"},
        {"\"\"", "end"},
        {"{\"candidate\":\"\",\"sdpMid\":\"0\"}", "end"},
        {"{\"candidate\":null}", "end"},
        {"{}", "unknown"},
        {"{\"sdpMid\":\"0\"}", "unknown"},
        {"{\"candidate\":5}", "unknown"},
        {"\"hello\"", "unknown"},
        {"\"typ\"", "unknown"},
        {"\"" CAND("192.0.2.7", "host") "\"", "host"},
        {"\"" CAND("192.0.2.7", "srflx") "\"", "srflx"},
        {"\"" CAND("192.0.2.7", "prflx") "\"", "prflx"},
        {"\"" CAND("192.0.2.7", "relay") "\"", "relay"},
        {"\"" CAND("192.0.2.7", "warp") "\"", "unknown"},
        {"\"" CAND("192.0.2.7", "hosts") "\"", "unknown"},
        {"\"" CAND("0f1e.local", "host") "\"", "mdns"},
        {"\"" CAND("0f1e.local", "srflx") "\"", "srflx"},
        {"\"" CAND(".local", "host") "\"", "host"},
        {"\"a=" CAND("192.0.2.7", "relay") "\"", "relay"},
        {"\"candidate:1 1 udp 1 192.0.2.7 9 typ host\"", "host"},
        {"\"candidate:1 1 tcp 1 192.0.2.7 9 typ host tcptype active\"", "host/tcp"},
        {"\"candidate:1 1 TCP 1 a.local 9 typ host tcptype active\"", "mdns/tcp"},
        {"\"candidate:1 1 TCP 1 192.0.2.7 9 typ relay raddr 0.0.0.0 rport 0\"", "relay/tcp"},
        {"\"candidate:tcp 1 udp 1 192.0.2.7 9 typ srflx\"", "srflx"},
        {"\"candidate:1 1 tcp\"", "unknown"},
        {"{\"candidate\":\"" CAND("192.0.2.7", "relay") "\",\"sdpMid\":\"typ host\"}", "relay"},
        {"{\"sdpMid\":\"x typ host \",\"candidate\":\"" CAND("192.0.2.7", "srflx") "\"}", "srflx"},
        {"{ \"sdpMid\" : \"candidate\" , \"candidate\" : \"" CAND("192.0.2.7", "host") "\" }",
         "host"},
        {"{\"sdpMid\":\"\\\"candidate\\\":null\",\"candidate\":\"" CAND("192.0.2.7", "relay") "\"}",
         "relay"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_text(sp_candidate_summary(sp_str(cases[i].raw)), cases[i].want);
    }
}

static void test_candidate_cut_anywhere(void **state)
{
    (void)state;
    static const char whole[] = "{\"candidate\" : \"" CAND("a.local", "host") "\"}";
    for (size_t n = 0; n < sizeof(whole); n++) {
        char *cut = malloc(n);
        if (n) {
            memcpy(cut, whole, n);
        }
        assert_true(sp_candidate_summary((struct sp_str){cut, n}).n > 0);
        free(cut);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_media),
        cmocka_unit_test(test_media_at_every_offset),
        cmocka_unit_test(test_media_names),
        cmocka_unit_test(test_candidates),
        cmocka_unit_test(test_candidate_cut_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
