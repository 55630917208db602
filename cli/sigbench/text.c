/* SPDX-License-Identifier: MIT
 * Realistic messages: an SDP with its escaped line ends, a candidate with its attributes.
 * Texts are kept without the closing brace, so that a session can still follow. */
#include "cli/sigbench/text.h"

#include "libproto/buf.h"

#include <stdio.h>
#include <stdlib.h>

#define MARKER     "sigbench:"
#define MARKER_LEN (sizeof(MARKER) - 1)
#define TAIL_MAX   256u
#define ID_DIGITS  6u
#define RID        ",\"rid\":\""
#define STEP       16u /* characters of filler from one random number */

/* The marker in hexadecimal digits: pair and flight, and of a checked text the stamp and the
 * checksum over all of them. A rid is what the connection that gets the answer does not tell. */
enum {
    PAIR_LEN = 5,
    FLIGHT_LEN = 8,
    PLAIN_LEN = PAIR_LEN + FLIGHT_LEN,
    RUN_LEN = 6,
    PEER_LEN = 5,
    EPOCH_LEN = 4,
    SEQ_LEN = 8,
    STAMP_LEN = RUN_LEN + 2 * PEER_LEN + EPOCH_LEN + SEQ_LEN,
    SUM_LEN = 16,
    RID_LEN = PEER_LEN + EPOCH_LEN + SEQ_LEN
};

/* Offsets: target is that of the digits of the id, payload..tail what must arrive as it was. */
struct text {
    enum text_extra extra;
    size_t n, cap, target, payload, marker, fill, fill_end, tail, rid, prefix_len;
    const char *prefix;
    char p[];
};

struct shape {
    struct sp_str head, before, after, tail; /* head ID before MARKER after filler tail */
    struct sp_str open, close;               /* around the filler of a checked text */
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
        .tail = LIT("a=sendrecv\\r\\n\""), .open = LIT("a=x-check:"), .close = LIT("\\r\\n"),      \
        .lines = sdp_lines                                                                         \
    }

static const struct shape shapes[TEXT_COUNT] = {
    [TEXT_OFFER] = SDP_SHAPE("offer"),
    [TEXT_ANSWER] = SDP_SHAPE("answer"),
    [TEXT_ICE] = {.head = LIT("{\"type\":\"ice\",\"target\":\""),
                  .before = LIT("\",\"candidate\":{\"candidate\":\"candidate:842163049 1 udp "
                                "2122260223 192.0.2.7 54400 typ host generation 0 ufrag "),
                  .after = LIT(" network-id "),
                  .tail = LIT("\",\"sdpMLineIndex\":0,\"sdpMid\":\"0\"}")},
};

static void put_lines(struct sp_buf *b, const char *const *lines, size_t until)
{
    for (size_t i = 0; lines && lines[i]; i = lines[i + 1] ? i + 1 : 0) {
        size_t n = strlen(lines[i]);
        if (b->n + n > until) {
            break;
        }
        sp_buf_put(b, lines[i], n);
    }
}

static size_t marker_len(enum text_extra extra)
{
    return PLAIN_LEN + (extra == TEXT_CHECKED ? STAMP_LEN + SUM_LEN : 0);
}

static size_t rid_len(enum text_extra extra)
{
    static const size_t lens[] = {[TEXT_PLAIN] = 0,
                                  [TEXT_RID] = sizeof(RID "sigbench\"") - 1,
                                  [TEXT_CHECKED] = sizeof(RID "\"") - 1 + RID_LEN};

    return lens[extra];
}

/* A checked SDP has lines as others have in one half of its filler; the other half differs from
 * message to message. */
static void put_filler(struct text *t, struct sp_buf *b, const struct shape *s, size_t until)
{
    bool checked = t->extra == TEXT_CHECKED;

    put_lines(b, s->lines, checked ? b->n + (until > b->n ? until - b->n : 0) / 2 : until);
    if (checked) {
        sp_buf_str(b, s->open);
        until = until > s->close.n ? until - s->close.n : 0;
    }
    t->fill = b->n;
    while (b->n < until) {
        sp_buf_lit(b, "x");
    }
    t->fill_end = b->n;
    if (checked) {
        sp_buf_str(b, s->close);
    }
}

static void put_rid(struct text *t, struct sp_buf *b)
{
    if (t->extra == TEXT_PLAIN) {
        return;
    }
    sp_buf_lit(b, RID);
    t->rid = b->n;
    if (t->extra == TEXT_RID) {
        sp_buf_lit(b, "sigbench");
    } else {
        b->n += RID_LEN;
    }
    sp_buf_lit(b, "\"");
}

static void build(struct text *t, const struct shape *s, size_t size)
{
    struct sp_buf b;
    size_t end = s->tail.n + rid_len(t->extra) + 1;

    sp_buf_init(&b, t->p, t->cap);
    sp_buf_str(&b, s->head);
    sp_buf_str(&b, sp_str(t->prefix));
    sp_buf_lit(&b, "-");
    t->target = b.n;
    b.n += ID_DIGITS;
    t->payload = b.n + 2; /* behind the quote and comma */
    sp_buf_str(&b, s->before);
    sp_buf_lit(&b, MARKER);
    t->marker = b.n;
    b.n += marker_len(t->extra);
    sp_buf_str(&b, s->after);
    put_filler(t, &b, s, size > end ? size - end : 0);
    sp_buf_str(&b, s->tail);
    t->tail = b.n;
    put_rid(t, &b);
    t->n = b.n;
}

struct text *text_new(enum text_kind kind, size_t size, const char *prefix, enum text_extra extra)
{
    const struct shape *s = &shapes[kind];
    size_t fixed = s->head.n + strlen(prefix) + 1 + ID_DIGITS + s->before.n + MARKER_LEN +
                   marker_len(extra) + s->after.n + s->open.n + s->close.n + s->tail.n +
                   rid_len(extra) + 1;
    size_t cap = (size > fixed ? size : fixed) + TAIL_MAX;
    struct text *t = calloc(1, sizeof(*t) + cap);

    if (t) {
        t->cap = cap;
        t->extra = extra;
        t->prefix = prefix;
        t->prefix_len = strlen(prefix);
        build(t, s, size);
    }
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

static char *put_hex(char *p, uint64_t v, unsigned digits)
{
    for (unsigned i = digits; i-- > 0; v >>= 4) {
        p[i] = "0123456789abcdef"[v & 15];
    }
    return p + digits;
}

static bool get_hex(const char **p, unsigned digits, uint64_t *v)
{
    uint64_t x = 0;

    for (unsigned i = 0; i < digits; i++) {
        char c = *(*p)++;
        if (c >= '0' && c <= '9') {
            x = x << 4 | (uint64_t)(c - '0');
        } else if (c >= 'a' && c <= 'f') {
            x = x << 4 | (uint64_t)(c - 'a' + 10);
        } else {
            return false;
        }
    }
    *v = x;
    return true;
}

static bool get_field(const char **p, unsigned digits, uint32_t *v)
{
    uint64_t x;
    bool ok = get_hex(p, digits, &x);

    *v = ok ? (uint32_t)x : 0;
    return ok;
}

static void put_target(struct text *t, uint32_t target)
{
    for (unsigned i = ID_DIGITS; i-- > 0; target /= 10) {
        t->p[t->target + i] = (char)('0' + target % 10);
    }
}

static struct sp_str finish(struct text *t, struct sp_str session)
{
    struct sp_buf b;

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

struct sp_str text_make(struct text *t, uint32_t target, uint32_t pair, uint32_t seq,
                        struct sp_str session)
{
    put_target(t, target);
    put_hex(put_hex(t->p + t->marker, pair, PAIR_LEN), seq, FLIGHT_LEN);
    return finish(t, session);
}

bool text_marker(struct sp_str m, uint32_t *pair, uint32_t *seq)
{
    const char *at = memmem(m.p, m.n, MARKER, MARKER_LEN);

    if (!at || (size_t)(m.p + m.n - at) < MARKER_LEN + PLAIN_LEN) {
        return false;
    }
    at += MARKER_LEN;
    return get_field(&at, PAIR_LEN, pair) && get_field(&at, FLIGHT_LEN, seq);
}

/* --- checked texts --------------------------------------------------------------------------- */

/* The finaliser of splitmix64. */
static uint64_t mix(uint64_t z)
{
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static uint64_t sum_of(const struct check_stamp *m, uint32_t pair, uint32_t seq)
{
    uint64_t h = mix((uint64_t)m->run << 32 | m->src);

    h = mix(h ^ ((uint64_t)m->epoch << 32 | m->dst));
    h = mix(h ^ m->seq);
    return mix(h ^ ((uint64_t)pair << 32 | seq));
}

/* Sixteen letters a to p from each random number: its low halves of bytes, then its high ones. */
static void fill(char *p, const char *end, uint64_t sum)
{
    const uint64_t half = UINT64_C(0x0f0f0f0f0f0f0f0f), letter = UINT64_C(0x6161616161616161);

    for (; p < end; p += STEP) {
        sum += UINT64_C(0x9e3779b97f4a7c15);
        uint64_t z = mix(sum);
        uint64_t letters[2] = {(z & half) + letter, (z >> 4 & half) + letter};
        size_t n = (size_t)(end - p);
        if (n < STEP) {
            memcpy(p, letters, n);
            return;
        }
        memcpy(p, letters, STEP);
    }
}

/* Writes all that must arrive. */
static void put_checked(struct text *t, const struct check_stamp *m, uint32_t pair, uint32_t seq)
{
    uint64_t sum = sum_of(m, pair, seq);
    char *p = put_hex(put_hex(t->p + t->marker, pair, PAIR_LEN), seq, FLIGHT_LEN);

    p = put_hex(p, m->run, RUN_LEN);
    p = put_hex(p, m->src, PEER_LEN);
    p = put_hex(p, m->epoch, EPOCH_LEN);
    p = put_hex(p, m->dst, PEER_LEN);
    p = put_hex(p, m->seq, SEQ_LEN);
    put_hex(p, sum, SUM_LEN);
    fill(t->p + t->fill, t->p + t->fill_end, sum);
}

struct sp_str text_make_checked(struct text *t, const struct check_stamp *stamp, uint32_t pair,
                                uint32_t seq, struct sp_str session)
{
    put_target(t, stamp->dst);
    put_checked(t, stamp, pair, seq);
    char *p = put_hex(t->p + t->rid, stamp->dst, PEER_LEN);
    put_hex(put_hex(p, stamp->epoch, EPOCH_LEN), stamp->seq, SEQ_LEN);
    return finish(t, session);
}

static bool get_stamp(const char *p, struct check_stamp *m, uint32_t *pair, uint32_t *seq)
{
    uint64_t sum;

    return get_field(&p, PAIR_LEN, pair) && get_field(&p, FLIGHT_LEN, seq) &&
           get_field(&p, RUN_LEN, &m->run) && get_field(&p, PEER_LEN, &m->src) &&
           get_field(&p, EPOCH_LEN, &m->epoch) && get_field(&p, PEER_LEN, &m->dst) &&
           get_field(&p, SEQ_LEN, &m->seq) && get_hex(&p, SUM_LEN, &sum) &&
           sum == sum_of(m, *pair, *seq);
}

/* The number of the peer that has this id; UINT32_MAX: none. */
static uint32_t peer_of(const struct text *t, struct sp_str id)
{
    uint32_t n = 0;

    if (id.n != t->prefix_len + 1 + ID_DIGITS || memcmp(id.p, t->prefix, t->prefix_len) != 0 ||
        id.p[t->prefix_len] != '-') {
        return UINT32_MAX;
    }
    for (size_t i = t->prefix_len + 1; i < id.n; i++) {
        if (id.p[i] < '0' || id.p[i] > '9') {
            return UINT32_MAX;
        }
        n = n * 10 + (uint32_t)(id.p[i] - '0');
    }
    return n;
}

void text_check(struct text *t, struct sp_str m, struct check_arrival *out)
{
    const char *at = memmem(m.p, m.n, MARKER, MARKER_LEN), *end = m.p + m.n;
    struct sp_str from = text_member(m, SP_STR("\"from\":\""));
    uint32_t pair, seq;

    out->from = peer_of(t, from);
    out->marked = at && (size_t)(end - at) >= MARKER_LEN + marker_len(TEXT_CHECKED) &&
                  get_stamp(at + MARKER_LEN, &out->stamp, &pair, &seq);
    out->sound = false;
    if (!out->marked) {
        return;
    }
    if (!from.p) {
        out->from = out->stamp.src; /* the bare relay names no sender */
    }
    at += MARKER_LEN;
    size_t before = t->marker - t->payload, len = t->tail - t->payload;
    if ((size_t)(at - m.p) < before || (size_t)(end - at) < len - before + 1) {
        return;
    }
    put_checked(t, &out->stamp, pair, seq);
    const char *payload = at - before, *next = payload + len;
    out->sound = memcmp(payload, t->p + t->payload, len) == 0 && (*next == ',' || *next == '}');
}

bool text_answered(struct sp_str m, struct check_stamp *out, bool *named)
{
    struct sp_str rid = text_member(m, SP_STR("\"rid\":\""));

    *named = rid.p != NULL;
    return rid.n == RID_LEN && get_field(&rid.p, PEER_LEN, &out->dst) &&
           get_field(&rid.p, EPOCH_LEN, &out->epoch) && get_field(&rid.p, SEQ_LEN, &out->seq);
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
