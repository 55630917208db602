/* SPDX-License-Identifier: MIT
 * WebSocket (RFC 6455): bytes to frames and back, no I/O.
 * The handshake is read line by line and as strictly as RFC 6455 4.1 asks of a client. */
#include "libproto/wsframe.h"

#include "libproto/simd.h"

#define HEADERS_END "\r\n\r\n"

size_t sp_ws_base64(char *out, const uint8_t *p, size_t n)
{
    static const char abc[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *o = out;

    for (size_t i = 0; i < n; i += 3) {
        uint32_t v = (uint32_t)p[i] << 16;
        if (i + 1 < n) {
            v |= (uint32_t)p[i + 1] << 8;
        }
        if (i + 2 < n) {
            v |= p[i + 2];
        }
        *o++ = abc[v >> 18 & 63];
        *o++ = abc[v >> 12 & 63];
        *o++ = i + 1 < n ? abc[v >> 6 & 63] : '=';
        *o++ = i + 2 < n ? abc[v & 63] : '=';
    }
    return (size_t)(o - out);
}

void sp_ws_key(char out[SP_WS_KEY_LEN], const uint8_t rnd[16])
{
    sp_ws_base64(out, rnd, 16);
}

static bool has_control(struct sp_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c < 0x20 || c == 0x7f) {
            return true;
        }
    }
    return false;
}

static bool is_request_target(struct sp_str path)
{
    return path.n > 0 && path.p[0] == '/' && !has_control(path) && !memchr(path.p, ' ', path.n);
}

/* Whole "Name: value" lines only: a blank or broken one would end the request early. */
static bool are_header_lines(struct sp_str h)
{
    while (h.n > 0) {
        const char *end = memmem(h.p, h.n, "\r\n", 2);
        if (!end) {
            return false;
        }
        struct sp_str line = {h.p, (size_t)(end - h.p)};
        const char *colon = memchr(line.p, ':', line.n);
        if (!colon || colon == line.p || has_control(line)) {
            return false;
        }
        h.n -= line.n + 2;
        h.p += line.n + 2;
    }
    return true;
}

bool sp_ws_request(struct sp_buf *b, struct sp_str host, struct sp_str path, struct sp_str key,
                   struct sp_str headers)
{
    if (!is_request_target(path) || has_control(host) || has_control(key) ||
        !are_header_lines(headers)) {
        return false;
    }
    sp_buf_lit(b, "GET ");
    sp_buf_str(b, path);
    sp_buf_lit(b, " HTTP/1.1\r\nHost: ");
    sp_buf_str(b, host);
    sp_buf_lit(b, "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ");
    sp_buf_str(b, key);
    sp_buf_lit(b, "\r\nSec-WebSocket-Version: 13\r\n");
    sp_buf_str(b, headers);
    sp_buf_lit(b, "\r\n");
    return !b->full;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static bool same_word(struct sp_str a, struct sp_str b)
{
    if (a.n != b.n) {
        return false;
    }
    for (size_t i = 0; i < a.n; i++) {
        if (lower(a.p[i]) != lower(b.p[i])) {
            return false;
        }
    }
    return true;
}

static struct sp_str trim(struct sp_str s)
{
    while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t')) {
        s.p++;
        s.n--;
    }
    while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t')) {
        s.n--;
    }
    return s;
}

static bool list_has(struct sp_str list, struct sp_str word)
{
    while (list.n > 0) {
        const char *comma = memchr(list.p, ',', list.n);
        struct sp_str item = {list.p, comma ? (size_t)(comma - list.p) : list.n};
        if (same_word(trim(item), word)) {
            return true;
        }
        size_t step = comma ? item.n + 1 : item.n;
        list.p += step;
        list.n -= step;
    }
    return false;
}

struct answer {
    bool upgrade, connection, accept, extension;
};

static void read_line(struct answer *a, struct sp_str name, struct sp_str value,
                      struct sp_str accept)
{
    if (same_word(name, SP_STR("Upgrade"))) {
        a->upgrade = same_word(value, SP_STR("websocket"));
    } else if (same_word(name, SP_STR("Connection"))) {
        a->connection |= list_has(value, SP_STR("upgrade"));
    } else if (same_word(name, SP_STR("Sec-WebSocket-Accept"))) {
        a->accept = sp_str_eq(value, accept);
    } else if (same_word(name, SP_STR("Sec-WebSocket-Extensions"))) {
        a->extension = true;
    }
}

static bool read_lines(struct answer *a, struct sp_str head, struct sp_str accept)
{
    while (head.n > 0) {
        const char *end = memmem(head.p, head.n, "\r\n", 2);
        size_t len = end ? (size_t)(end - head.p) : head.n;
        const char *colon = memchr(head.p, ':', len);
        if (!colon || colon == head.p) {
            return false;
        }
        struct sp_str name = {head.p, (size_t)(colon - head.p)};
        struct sp_str value = {colon + 1, len - name.n - 1};
        read_line(a, name, trim(value), accept);
        size_t step = end ? len + 2 : len;
        head.p += step;
        head.n -= step;
    }
    return true;
}

/* Status line: HTTP/1.x SP 3DIGIT, then a space or the end of the line. */
static bool read_status(struct sp_str line, unsigned *status)
{
    if (line.n < 12 || memcmp(line.p, "HTTP/1.", 7) != 0 || line.p[8] != ' ' ||
        (line.n > 12 && line.p[12] != ' ')) {
        return false;
    }
    unsigned v = 0;
    for (size_t i = 9; i < 12; i++) {
        if (line.p[i] < '0' || line.p[i] > '9') {
            return false;
        }
        v = v * 10 + (unsigned)(line.p[i] - '0');
    }
    *status = v;
    return v >= 100;
}

static const char *why_not(const struct answer *a)
{
    if (!a->upgrade || !a->connection) {
        return "the server's 101 does not upgrade to websocket";
    }
    if (!a->accept) {
        return "the server's Sec-WebSocket-Accept is wrong";
    }
    return a->extension ? "the server chose an extension that was not offered" : NULL;
}

enum sp_ws_answer sp_ws_response(struct sp_str in, struct sp_str accept, size_t *used,
                                 unsigned *status, const char **why)
{
    static const char http[] = "HTTP/1.";
    size_t n = in.n < sizeof(http) - 1 ? in.n : sizeof(http) - 1;
    const char *reason = NULL;
    const char *end = in.n ? memmem(in.p, in.n, HEADERS_END, sizeof(HEADERS_END) - 1) : NULL;

    if (n && memcmp(in.p, http, n) != 0) {
        reason = "the server does not speak HTTP/1.1";
    } else if (!end) {
        return SP_WS_MORE;
    }
    if (!reason) {
        const char *eol = memmem(in.p, in.n, "\r\n", 2);
        struct sp_str line = {in.p, (size_t)(eol - in.p)};
        struct sp_str rest = {eol + 2, eol == end ? 0 : (size_t)(end - eol) - 2};
        struct answer a = {0};
        unsigned got;
        if (!read_status(line, &got) || !read_lines(&a, rest, accept)) {
            reason = "the server's answer is not valid HTTP";
        } else {
            reason = got == 101 ? why_not(&a) : NULL;
        }
        if (!reason) {
            *status = got;
            *used = (size_t)(end - in.p) + sizeof(HEADERS_END) - 1;
            return got == 101 ? SP_WS_UPGRADED : SP_WS_REFUSED;
        }
    }
    if (why) {
        *why = reason;
    }
    return SP_WS_BAD;
}

static void put_be(uint8_t *out, uint64_t v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++) {
        out[i] = (uint8_t)(v >> (8 * (bytes - 1 - i)));
    }
}

size_t sp_ws_header(uint8_t out[SP_WS_HEADER_MAX], enum sp_ws_op op, bool fin, uint64_t len,
                    uint32_t mask)
{
    size_t n = 2;

    out[0] = (uint8_t)((fin ? 0x80u : 0u) | (unsigned)op);
    if (len < 126) {
        out[1] = (uint8_t)(0x80u | len);
    } else if (len <= UINT16_MAX) {
        out[1] = 0x80u | 126u;
        put_be(out + 2, len, 2);
        n = 4;
    } else {
        out[1] = 0x80u | 127u;
        put_be(out + 2, len, 8);
        n = 10;
    }
    memcpy(out + n, &mask, sizeof(mask));
    return n + sizeof(mask);
}

size_t sp_ws_put_header(char *payload, enum sp_ws_op op, uint64_t len)
{
    size_t n = len < 126 ? 2 : len <= UINT16_MAX ? 4 : 10;
    uint8_t *h = (uint8_t *)payload - n;
    h[0] = (uint8_t)(0x80u | (unsigned)op);
    if (n == 2) {
        h[1] = (uint8_t)len;
    } else {
        h[1] = n == 4 ? 126 : 127;
        put_be(h + 2, len, (unsigned)n - 2);
    }
    return n;
}

/* Whole blocks of 64 bytes; gives how many bytes they are. wide is the mask twice. */
#if SP_AVX2
SP_FOR_AVX2 static size_t mask_avx2(char *p, size_t n, uint64_t wide)
{
    __m256i k = _mm256_set1_epi64x((long long)wide);
    size_t i = 0;
    for (; n - i >= 64; i += 64) {
        __m256i *at = (__m256i *)(void *)(p + i);
        _mm256_storeu_si256(at, _mm256_xor_si256(_mm256_loadu_si256(at), k));
        _mm256_storeu_si256(at + 1, _mm256_xor_si256(_mm256_loadu_si256(at + 1), k));
    }
    return i;
}
#endif

#if SP_SSE2
static size_t mask_sse2(char *p, size_t n, uint64_t wide)
{
    __m128i k = _mm_set1_epi64x((long long)wide);
    size_t i = 0;
    for (; n - i >= 64; i += 64) {
        __m128i *at = (__m128i *)(void *)(p + i);
        for (unsigned j = 0; j < 4; j++) {
            _mm_storeu_si128(at + j, _mm_xor_si128(_mm_loadu_si128(at + j), k));
        }
    }
    return i;
}
#endif

static size_t mask_blocks(char *p, size_t n, uint64_t wide)
{
#if SP_AVX2
    if (sp_has_avx2()) {
        return mask_avx2(p, n, wide);
    }
#endif
#if SP_SSE2
    return mask_sse2(p, n, wide);
#else
    (void)p;
    (void)n;
    (void)wide;
    return 0;
#endif
}

void sp_ws_mask(char *p, size_t n, uint32_t mask, uint64_t off)
{
    uint8_t m[8];
    uint64_t wide;

    for (unsigned k = 0; k < 8; k++) {
        m[k] = ((const uint8_t *)&mask)[(off + k) & 3];
    }
    memcpy(&wide, m, sizeof(wide));
    size_t i = mask_blocks(p, n, wide);
    for (; n - i >= sizeof(wide); i += sizeof(wide)) {
        uint64_t v;
        memcpy(&v, p + i, sizeof(v));
        v ^= wide;
        memcpy(p + i, &v, sizeof(v));
    }
    for (; i < n; i++) {
        p[i] = (char)((uint8_t)p[i] ^ m[i & 7]);
    }
}

static bool is_known_op(unsigned op)
{
    return op <= SP_WS_BINARY || (op >= SP_WS_CLOSE && op <= SP_WS_PONG);
}

static uint64_t get_be(const uint8_t *p, unsigned bytes)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < bytes; i++) {
        v = v << 8 | p[i];
    }
    return v;
}

enum sp_ws_parse sp_ws_parse_header(const char *p, size_t n, enum sp_ws_sender from,
                                    struct sp_ws_frame *f)
{
    const uint8_t *b = (const uint8_t *)p;

    if (n < 1) {
        return SP_WS_NEED_MORE;
    }
    unsigned op = b[0] & 0x0fu;
    bool fin = (b[0] & 0x80u) != 0;
    bool control = op >= SP_WS_CLOSE;
    if ((b[0] & 0x70u) || !is_known_op(op) || (control && !fin)) {
        return SP_WS_PROTOCOL_ERROR;
    }
    if (n < 2) {
        return SP_WS_NEED_MORE;
    }
    unsigned len7 = b[1] & 0x7fu;
    bool masked = (b[1] & 0x80u) != 0;
    if (masked != (from == SP_WS_OF_CLIENT) || (control && len7 > 125)) {
        return SP_WS_PROTOCOL_ERROR;
    }
    unsigned ext = len7 == 126 ? 2 : len7 == 127 ? 8 : 0;
    if (n < 2 + ext) {
        return SP_WS_NEED_MORE;
    }
    uint64_t len = ext ? get_be(b + 2, ext) : len7;
    if ((ext == 2 && len < 126) || (ext == 8 && (len <= UINT16_MAX || len >> 63))) {
        return SP_WS_PROTOCOL_ERROR;
    }
    *f = (struct sp_ws_frame){
        .op = (enum sp_ws_op)op, .fin = fin, .len = len, .header_len = 2u + ext};
    if (masked) {
        f->header_len += sizeof(f->mask);
        if (n < f->header_len) {
            return SP_WS_NEED_MORE;
        }
        memcpy(&f->mask, b + 2 + ext, sizeof(f->mask));
    }
    return SP_WS_HEADER;
}

bool sp_ws_close_ok(struct sp_str payload)
{
    if (payload.n < 2) {
        return payload.n == 0;
    }
    unsigned code = (unsigned)get_be((const uint8_t *)payload.p, 2);
    return (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006) ||
           (code >= 3000 && code <= 4999);
}
