/* SPDX-License-Identifier: MIT
 * Realistic messages: an SDP with its escaped line ends, a candidate with its attributes.
 * Texts are kept without the closing brace, so that a session can still follow. */
#include "cli/sigbench/text.h"

#include "libproto/buf.h"

#include <stdio.h>
#include <stdlib.h>

#define MARKER     "sigbench:"
#define MARKER_LEN (sizeof(MARKER) - 1)
#define HEX_LEN    8u
#define TAIL_MAX   256u
#define ID_DIGITS  6u

struct text {
    size_t n, cap, target, marker; /* target: the digits of the id */
    char p[];
};

struct shape {
    struct sp_str head, before, after, tail; /* head ID before MARKER after filler tail */
    const char *const *lines;                /* whole lines of filler; NULL for plain characters */
};

static const char *const sdp_lines[] = {
    "a=rtpmap:96 VP8/90000\\r\\n",           "a=rtcp-fb:96 nack pli\\r\\n",
    "a=fmtp:96 max-fr=30;max-fs=3600\\r\\n", "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\\r\\n",
    "a=ssrc:1001 cname:drone\\r\\n",         NULL};

#define LIT(s)                                                                                     \
    {                                                                                              \
        s, sizeof(s) - 1                                                                           \
    }
#define SDP_SHAPE(type)                                                                            \
    {                                                                                              \
        .head = LIT("{\"type\":\"" type "\",\"target\":\""),                                       \
        .before = LIT("\",\"sdp\":\"v=0\\r\\no=- 4611731400430051336 2 IN IP4 127.0.0.1\\r\\ns="), \
        .after = LIT("\\r\\nt=0 0\\r\\nm=video 9 UDP/TLS/RTP/SAVPF 96\\r\\n"),                     \
        .tail = LIT("a=sendrecv\\r\\n\""), .lines = sdp_lines                                      \
    }

static const struct shape shapes[TEXT_COUNT] = {
    [TEXT_OFFER] = SDP_SHAPE("offer"),
    [TEXT_ANSWER] = SDP_SHAPE("answer"),
    [TEXT_ICE] = {.head = LIT("{\"type\":\"ice\",\"target\":\""),
                  .before = LIT("\",\"candidate\":{\"candidate\":\"candidate:842163049 1 udp "
                                "2122260223 192.0.2.7 54400 typ host generation 0 ufrag "),
                  .after = LIT(" network-id 1 "),
                  .tail = LIT("\",\"sdpMLineIndex\":0,\"sdpMid\":\"0\"}")},
};

static void fill(struct sp_buf *b, const char *const *lines, size_t until)
{
    for (size_t i = 0; lines && lines[i]; i = lines[i + 1] ? i + 1 : 0) {
        size_t n = strlen(lines[i]);
        if (b->n + n > until) {
            break;
        }
        sp_buf_put(b, lines[i], n);
    }
    while (b->n < until) {
        sp_buf_lit(b, "x");
    }
}

struct text *text_new(enum text_kind kind, size_t size, const char *prefix, bool rid)
{
    const struct shape *s = &shapes[kind];
    struct sp_str rid_member = rid ? SP_STR(",\"rid\":\"sigbench\"") : SP_STR("");
    size_t fixed = s->head.n + strlen(prefix) + 1 + ID_DIGITS + s->before.n + MARKER_LEN +
                   2 * HEX_LEN + s->after.n + s->tail.n + rid_member.n + 1;
    size_t cap = (size > fixed ? size : fixed) + TAIL_MAX;
    struct text *t = calloc(1, sizeof(*t) + cap);
    struct sp_buf b;

    if (!t) {
        return NULL;
    }
    sp_buf_init(&b, t->p, cap);
    sp_buf_str(&b, s->head);
    sp_buf_str(&b, sp_str(prefix));
    sp_buf_lit(&b, "-");
    t->target = b.n;
    b.n += ID_DIGITS;
    sp_buf_str(&b, s->before);
    sp_buf_lit(&b, MARKER);
    t->marker = b.n;
    b.n += (size_t)2 * HEX_LEN;
    sp_buf_str(&b, s->after);
    size_t end = s->tail.n + rid_member.n + 1;
    fill(&b, s->lines, size > end ? size - end : 0);
    sp_buf_str(&b, s->tail);
    sp_buf_str(&b, rid_member);
    t->n = b.n;
    t->cap = cap;
    return t;
}

void text_free(struct text *t)
{
    free(t);
}

void text_id(char *out, size_t cap, const char *prefix, uint32_t peer)
{
    snprintf(out, cap, "%s-%0*u", prefix, (int)ID_DIGITS, peer);
}

static void put_hex(char *p, uint32_t v)
{
    for (unsigned i = 0; i < HEX_LEN; i++) {
        p[i] = "0123456789abcdef"[v >> (28 - 4 * i) & 15];
    }
}

static bool get_hex(const char *p, uint32_t *v)
{
    uint32_t x = 0;

    for (unsigned i = 0; i < HEX_LEN; i++) {
        char c = p[i];
        if (c >= '0' && c <= '9') {
            x = x << 4 | (uint32_t)(c - '0');
        } else if (c >= 'a' && c <= 'f') {
            x = x << 4 | (uint32_t)(c - 'a' + 10);
        } else {
            return false;
        }
    }
    *v = x;
    return true;
}

struct sp_str text_make(struct text *t, uint32_t target, uint32_t pair, uint32_t seq,
                        struct sp_str session)
{
    struct sp_buf b;

    for (unsigned i = ID_DIGITS; i-- > 0; target /= 10) {
        t->p[t->target + i] = (char)('0' + target % 10);
    }
    put_hex(t->p + t->marker, pair);
    put_hex(t->p + t->marker + HEX_LEN, seq);
    sp_buf_init(&b, t->p, t->cap);
    b.n = t->n;
    if (session.n > 0 && session.n < TAIL_MAX - 32) {
        sp_buf_lit(&b, ",\"sessionId\":\"");
        sp_buf_str(&b, session);
        sp_buf_lit(&b, "\"");
    }
    sp_buf_lit(&b, "}");
    return sp_buf_view(&b);
}

bool text_marker(struct sp_str m, uint32_t *pair, uint32_t *seq)
{
    const char *at = memmem(m.p, m.n, MARKER, MARKER_LEN);

    if (!at || (size_t)(m.p + m.n - at) < MARKER_LEN + (size_t)2 * HEX_LEN) {
        return false;
    }
    at += MARKER_LEN;
    return get_hex(at, pair) && get_hex(at + HEX_LEN, seq);
}

struct sp_str text_member(struct sp_str m, struct sp_str prefix)
{
    const char *at = memmem(m.p, m.n, prefix.p, prefix.n);

    if (!at) {
        return (struct sp_str){NULL, 0};
    }
    at += prefix.n;
    const char *end = memchr(at, '"', (size_t)(m.p + m.n - at));
    return (struct sp_str){at, end ? (size_t)(end - at) : 0};
}
