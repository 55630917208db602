/* SPDX-License-Identifier: MIT
 * The client's half of WebSocket: RFC 6455's own examples, and every cut of them. */
#include "tests/lib/unit.h"

#include <stdlib.h>

#include "libproto/wsframe.h"

#define ACCEPT SP_STR("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")

static void test_base64(void **state)
{
    (void)state;
    /* RFC 4648 section 10 */
    static const char *const pairs[][2] = {{"", ""},
                                           {"f", "Zg=="},
                                           {"fo", "Zm8="},
                                           {"foo", "Zm9v"},
                                           {"foob", "Zm9vYg=="},
                                           {"fooba", "Zm9vYmE="},
                                           {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        char out[16];
        size_t n = sp_ws_base64(out, (const uint8_t *)pairs[i][0], strlen(pairs[i][0]));
        assert_text(((struct sp_str){out, n}), pairs[i][1]);
    }
    /* RFC 6455 section 1.3 */
    char key[SP_WS_KEY_LEN];
    sp_ws_key(key, (const uint8_t *)"the sample nonce");
    assert_memory_equal(key, "dGhlIHNhbXBsZSBub25jZQ==", SP_WS_KEY_LEN);
}

static bool request(struct sp_str host, struct sp_str path, struct sp_str headers, struct sp_buf *b)
{
    static char room[1024];
    sp_buf_init(b, room, sizeof(room));
    return sp_ws_request(b, host, path, SP_STR("dGhlIHNhbXBsZSBub25jZQ=="), headers);
}

static void test_request(void **state)
{
    (void)state;
    struct sp_buf b;
    assert_true(request(SP_STR("h:8081"), SP_STR("/x?token=1"), SP_STR("X-A: b\r\n"), &b));
    assert_text(sp_buf_view(&b), "GET /x?token=1 HTTP/1.1\r\nHost: h:8081\r\nUpgrade: websocket\r\n"
                                 "Connection: Upgrade\r\n"
                                 "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                                 "Sec-WebSocket-Version: 13\r\nX-A: b\r\n\r\n");
    assert_true(request(SP_STR("h"), SP_STR("/"), (struct sp_str){NULL, 0}, &b));
}

static void test_request_cannot_be_split(void **state)
{
    (void)state;
    struct sp_buf b;
    struct sp_str no = {NULL, 0};
    assert_false(request(SP_STR("h\r\nX: y"), SP_STR("/"), no, &b));
    assert_false(request(SP_STR("h"), SP_STR("/ HTTP/1.1\r\nX: y\r\n"), no, &b));
    assert_false(request(SP_STR("h"), SP_STR("/a b"), no, &b));
    assert_false(request(SP_STR("h"), SP_STR(""), no, &b));
    assert_false(request(SP_STR("h"), SP_STR("x"), no, &b));
    assert_false(request(SP_STR("h"), SP_STR("/"), SP_STR("X: y"), &b));
    assert_false(request(SP_STR("h"), SP_STR("/"), SP_STR("\r\n"), &b));
    assert_false(request(SP_STR("h"), SP_STR("/"), SP_STR("X: y\r\n\r\nGET /"), &b));
    assert_false(request(SP_STR("h"), SP_STR("/"), SP_STR("X: a\nY: b\r\n"), &b));
}

#define GOOD                                                                                       \
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"            \
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"

static void test_response(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum sp_ws_answer want;
        unsigned status;
    } cases[] = {
        {GOOD "\r\n", SP_WS_UPGRADED, 101},
        {GOOD "\r\n\x81\x05Hello", SP_WS_UPGRADED, 101},
        {"HTTP/1.1 101\r\nupgrade: WebSocket\r\nCONNECTION: keep-alive, upgrade\r\n"
         "sec-websocket-accept:s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
         SP_WS_UPGRADED, 101},
        {"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", SP_WS_REFUSED, 401},
        {"HTTP/1.1 503\r\n\r\n", SP_WS_REFUSED, 503},
        {GOOD "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n", SP_WS_BAD, 0},
        {"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", SP_WS_BAD, 0},
        {"HTTP/1.1 101 X\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n", SP_WS_BAD, 0},
        {"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Accept: S3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
         SP_WS_BAD, 0},
        {"SSH-2.0-OpenSSH_9.2\r\n", SP_WS_BAD, 0},
        {"\x16\x03\x01", SP_WS_BAD, 0},
        {"HTTP/1.1 abc\r\n\r\n", SP_WS_BAD, 0},
        {"HTTP/1.1 200 OK\r\nno colon here\r\n\r\n", SP_WS_BAD, 0},
        {"HTTP/1.1 1013 X\r\n\r\n", SP_WS_BAD, 0},
        {"", SP_WS_MORE, 0},
        {"HTT", SP_WS_MORE, 0},
        {GOOD, SP_WS_MORE, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t used = 0;
        unsigned status = 0;
        const char *why = NULL;
        struct sp_str in = sp_str(cases[i].text);
        enum sp_ws_answer a = sp_ws_response(in, ACCEPT, &used, &status, &why);
        if (a != cases[i].want || status != cases[i].status || (a == SP_WS_BAD) != (why != NULL)) {
            fail_msg("%s: %d %u %s", cases[i].text, (int)a, status, why ? why : "");
        }
    }
}

static void test_response_in_pieces(void **state)
{
    (void)state;
    static const char whole[] = GOOD "\r\n";
    for (size_t n = 0; n < sizeof(whole) - 1; n++) {
        size_t used;
        unsigned status;
        char *cut = malloc(n);
        if (n) {
            memcpy(cut, whole, n);
        }
        assert_int_equal(sp_ws_response((struct sp_str){cut, n}, ACCEPT, &used, &status, NULL),
                         SP_WS_MORE);
        free(cut);
    }
}

static void test_header_out(void **state)
{
    (void)state;
    static const struct {
        uint64_t len;
        size_t header;
    } cases[] = {{0, 6}, {125, 6}, {126, 8}, {65535, 8}, {65536, 14}, {1u << 31, 14}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t h[SP_WS_HEADER_MAX];
        assert_int_equal(sp_ws_header(h, SP_WS_TEXT, true, cases[i].len, 0x12345678),
                         cases[i].header);
        assert_int_equal(h[0], 0x81);
        assert_int_equal(h[1] & 0x80, 0x80);
    }
    uint8_t h[SP_WS_HEADER_MAX];
    sp_ws_header(h, SP_WS_CONT, false, 0, 0);
    assert_int_equal(h[0], 0x00);
}

static void test_mask(void **state)
{
    (void)state;
    /* RFC 6455 section 5.7: a masked "Hello" */
    static const uint8_t key[4] = {0x37, 0xfa, 0x21, 0x3d};
    char hello[] = "Hello";
    uint32_t mask;
    memcpy(&mask, key, 4);
    sp_ws_mask(hello, 5, mask, 0);
    assert_memory_equal(hello, "\x7f\x9f\x4d\x51\x58", 5);
    for (size_t cut = 0; cut <= 200; cut++) {
        char text[200], want[200];
        for (size_t i = 0; i < sizeof(text); i++) {
            text[i] = (char)i;
            want[i] = (char)((uint8_t)i ^ key[i % 4]);
        }
        sp_ws_mask(text, cut, mask, 0);
        sp_ws_mask(text + cut, sizeof(text) - cut, mask, cut);
        assert_memory_equal(text, want, sizeof(text));
    }
}

static enum sp_ws_parse parse_of(enum sp_ws_sender from, const void *bytes, size_t n,
                                 struct sp_ws_frame *f)
{
    char *exact = malloc(n);
    if (n) {
        memcpy(exact, bytes, n);
    }
    enum sp_ws_parse r = sp_ws_parse_header(exact, n, from, f);
    free(exact);
    return r;
}

static enum sp_ws_parse parse(const void *bytes, size_t n, struct sp_ws_frame *f)
{
    return parse_of(SP_WS_OF_SERVER, bytes, n, f);
}

static void test_frames_in(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
        struct sp_ws_frame f;
    } cases[] = {
        {"\x81\x05", 2, {SP_WS_TEXT, true, 5, 2, 0}},
        {"\x01\x03", 2, {SP_WS_TEXT, false, 3, 2, 0}},
        {"\x80\x02", 2, {SP_WS_CONT, true, 2, 2, 0}},
        {"\x89\x05", 2, {SP_WS_PING, true, 5, 2, 0}},
        {"\x8a\x00", 2, {SP_WS_PONG, true, 0, 2, 0}},
        {"\x88\x7d", 2, {SP_WS_CLOSE, true, 125, 2, 0}},
        {"\x82\x7e\x01\x00", 4, {SP_WS_BINARY, true, 256, 4, 0}},
        {"\x81\x7e\x00\x7e", 4, {SP_WS_TEXT, true, 126, 4, 0}},
        {"\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00", 10, {SP_WS_BINARY, true, 65536, 10, 0}},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sp_ws_frame f;
        for (size_t n = 0; n < cases[i].n; n++) {
            assert_int_equal(parse(cases[i].bytes, n, &f), SP_WS_NEED_MORE);
        }
        assert_int_equal(parse(cases[i].bytes, cases[i].n, &f), SP_WS_HEADER);
        assert_int_equal(f.op, cases[i].f.op);
        assert_int_equal(f.fin, cases[i].f.fin);
        assert_true(f.len == cases[i].f.len);
        assert_int_equal(f.header_len, cases[i].f.header_len);
    }
}

static void test_frames_refused(void **state)
{
    (void)state;
    static const struct {
        const char *bytes, *why;
    } cases[] = {
        {"\xc1\x05\0\0\0\0\0\0\0\0", "reserved bit 1"},
        {"\xa1\x05\0\0\0\0\0\0\0\0", "reserved bit 2"},
        {"\x91\x05\0\0\0\0\0\0\0\0", "reserved bit 3"},
        {"\x81\x85\0\0\0\0\0\0\0\0", "masked by the server"},
        {"\x83\x05\0\0\0\0\0\0\0\0", "unknown opcode 3"},
        {"\x87\x05\0\0\0\0\0\0\0\0", "unknown opcode 7"},
        {"\x8b\x05\0\0\0\0\0\0\0\0", "unknown control opcode"},
        {"\x8f\x05\0\0\0\0\0\0\0\0", "unknown control opcode"},
        {"\x09\x05\0\0\0\0\0\0\0\0", "fragmented ping"},
        {"\x08\x00\0\0\0\0\0\0\0\0", "fragmented close"},
        {"\x89\x7e\x00\x7e\0\0\0\0\0\0", "long ping"},
        {"\x88\x7f\0\0\0\0\0\1\0\0", "long close"},
        {"\x81\x7e\x00\x7d\0\0\0\0\0\0", "16 bits for 125"},
        {"\x81\x7f\0\0\0\0\0\0\xff\xff", "64 bits for 65535"},
        {"\x81\x7f\x80\0\0\0\0\0\0\0", "highest bit of the length"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sp_ws_frame f;
        if (parse(cases[i].bytes, 10, &f) != SP_WS_PROTOCOL_ERROR) {
            fail_msg("%s passes", cases[i].why);
        }
    }
}

/* What a client sends with sp_ws_header a server reads, whatever has arrived of it. */
static void test_frames_of_clients(void **state)
{
    (void)state;
    static const uint64_t lens[] = {0, 1, 125, 126, 65535, 65536, 1ull << 40};
    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        uint8_t h[SP_WS_HEADER_MAX];
        struct sp_ws_frame f;
        size_t n = sp_ws_header(h, SP_WS_TEXT, true, lens[i], 0x12345678);
        for (size_t k = 0; k < n; k++) {
            assert_int_equal(parse_of(SP_WS_OF_CLIENT, h, k, &f), SP_WS_NEED_MORE);
        }
        assert_int_equal(parse_of(SP_WS_OF_CLIENT, h, n, &f), SP_WS_HEADER);
        assert_true(f.len == lens[i] && f.header_len == n && f.mask == 0x12345678 && f.fin);
        assert_int_equal(parse(h, n, &f), SP_WS_PROTOCOL_ERROR);
    }
    struct sp_ws_frame f;
    assert_int_equal(parse_of(SP_WS_OF_CLIENT, "\x81\x05Hello", 7, &f), SP_WS_PROTOCOL_ERROR);
    assert_int_equal(parse_of(SP_WS_OF_CLIENT, "\x81\x05", 2, &f), SP_WS_PROTOCOL_ERROR);
}

/* What a server puts in front of a payload a client reads. */
static void test_server_header(void **state)
{
    (void)state;
    static const uint64_t lens[] = {0, 125, 126, 65535, 65536, 1ull << 40};
    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        char room[SP_WS_SERVER_HEADER_MAX], *payload = room + sizeof(room);
        struct sp_ws_frame f;
        size_t n = sp_ws_put_header(payload, SP_WS_TEXT, lens[i]);
        assert_int_equal(parse(payload - n, n, &f), SP_WS_HEADER);
        assert_true(f.op == SP_WS_TEXT && f.fin && f.len == lens[i] && f.header_len == n);
    }
}

static void test_close_payload(void **state)
{
    (void)state;
    static const unsigned good[] = {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010,
                                    1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999};
    static const unsigned bad[] = {0,    1,    999,  1004, 1005, 1006,
                                   1015, 1016, 2000, 2999, 5000, 65535};
    assert_true(sp_ws_close_ok(SP_STR("")));
    assert_false(sp_ws_close_ok(SP_STR("\x03")));
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        char p[] = {(char)(good[i] >> 8), (char)good[i], 'x'};
        assert_true(sp_ws_close_ok((struct sp_str){p, 2}) && sp_ws_close_ok((struct sp_str){p, 3}));
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char p[] = {(char)(bad[i] >> 8), (char)bad[i]};
        assert_false(sp_ws_close_ok((struct sp_str){p, 2}));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frames_of_clients), cmocka_unit_test(test_server_header),
        cmocka_unit_test(test_close_payload),     cmocka_unit_test(test_base64),
        cmocka_unit_test(test_request),           cmocka_unit_test(test_request_cannot_be_split),
        cmocka_unit_test(test_response),          cmocka_unit_test(test_response_in_pieces),
        cmocka_unit_test(test_header_out),        cmocka_unit_test(test_mask),
        cmocka_unit_test(test_frames_in),         cmocka_unit_test(test_frames_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
