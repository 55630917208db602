/* SPDX-License-Identifier: MIT
 * WebSocket: what arrives in pieces is judged as what arrives whole. */
#include "tests/fuzz/common.h"

#include "libproto/wsframe.h"

#define ACCEPT SP_STR("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")

static void check_response(struct sp_str in)
{
    size_t used = 0, cut_used;
    unsigned status = 0, cut_status;
    const char *why = NULL;
    enum sp_ws_answer a = sp_ws_response(in, ACCEPT, &used, &status, &why);

    CHECK((a == SP_WS_BAD) == (why != NULL));
    if (a != SP_WS_UPGRADED && a != SP_WS_REFUSED) {
        return;
    }
    CHECK(used <= in.n && status >= 100 && status <= 999 &&
          (status == 101) == (a == SP_WS_UPGRADED));
    struct sp_str cut = {in.p, used - 1};
    CHECK(sp_ws_response(cut, ACCEPT, &cut_used, &cut_status, NULL) == SP_WS_MORE);
    cut.n = used;
    CHECK(sp_ws_response(cut, ACCEPT, &cut_used, &cut_status, NULL) == a);
}

static void check_frame(struct sp_str in, enum sp_ws_sender from)
{
    struct sp_ws_frame f, cut;
    enum sp_ws_parse r = sp_ws_parse_header(in.p, in.n, from, &f);

    if (r != SP_WS_HEADER) {
        CHECK(r == SP_WS_PROTOCOL_ERROR || in.n < SP_WS_HEADER_MAX);
        return;
    }
    CHECK(f.header_len <= in.n && f.len >> 63 == 0);
    CHECK(f.op < SP_WS_CLOSE || (f.fin && f.len <= 125));
    for (size_t n = 0; n < f.header_len; n++) {
        CHECK(sp_ws_parse_header(in.p, n, from, &cut) == SP_WS_NEED_MORE);
    }
}

/* A request that is composed ends at its one blank line. */
static void check_request(struct sp_str in)
{
    char room[2048];
    struct sp_buf b;
    size_t third = in.n / 3;
    struct sp_str host = {in.p, third}, path = {in.p + third, third};
    struct sp_str headers = {in.p + 2 * third, in.n - 2 * third};

    sp_buf_init(&b, room, sizeof(room));
    if (sp_ws_request(&b, host, path, SP_STR("key"), headers)) {
        const char *end = memmem(b.p, b.n, "\r\n\r\n", 4);
        CHECK(end && end + 4 == b.p + b.n);
        CHECK(!memchr(b.p, '\0', b.n));
    }
}

static void check_mask(struct sp_str in)
{
    char room[256];
    size_t n = in.n < sizeof(room) ? in.n : sizeof(room), cut = n / 3;

    if (n == 0) {
        return;
    }
    memcpy(room, in.p, n);
    sp_ws_mask(room, n, 0x01020304u, 5);
    sp_ws_mask(room, cut, 0x01020304u, 5);
    sp_ws_mask(room + cut, n - cut, 0x01020304u, 5 + cut);
    CHECK(memcmp(room, in.p, n) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sp_str in = fuzz_str(data, size);

    check_response(in);
    check_frame(in, SP_WS_OF_SERVER);
    check_frame(in, SP_WS_OF_CLIENT);
    check_request(in);
    check_mask(in);
    return 0;
}
