/* SPDX-License-Identifier: MIT
 * Session descriptions as browsers write them: one BUNDLE group, a section per kind of media. */
#include "cli/sigctl/sdp.h"

#include "cli/sigctl/sdp_in.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#define MEDIA_MAX 3

struct kind {
    char initial;
    const char *word, *m, *lines;
};

static const struct kind kinds[] = {
    {'v', "video", "video 9 UDP/TLS/RTP/SAVPF 96",
     "a=sendrecv\r\na=rtcp-mux\r\na=rtcp-rsize\r\na=rtpmap:96 VP8/90000\r\n"
     "a=rtcp-fb:96 nack\r\na=rtcp-fb:96 nack pli\r\n"},
    {'a', "audio", "audio 9 UDP/TLS/RTP/SAVPF 111",
     "a=sendrecv\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\n"
     "a=fmtp:111 minptime=10;useinbandfec=1\r\n"},
    {'d', "data", "application 9 UDP/DTLS/SCTP webrtc-datachannel",
     "a=sctp-port:5000\r\na=max-message-size:262144\r\n"}};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static const struct kind *kind_of(char initial)
{
    for (size_t i = 0; i < KINDS; i++) {
        if (kinds[i].initial == initial) {
            return &kinds[i];
        }
    }
    return NULL;
}

bool sdp_media(const char *words, char out[4])
{
    char found[MEDIA_MAX + 1] = "";
    size_t n = 0;
    for (const char *w = words;; w += strcspn(w, ",") + 1) {
        size_t len = strcspn(w, ",");
        size_t k = 0;
        while (k < KINDS && (strlen(kinds[k].word) != len || memcmp(kinds[k].word, w, len) != 0)) {
            k++;
        }
        if (k == KINDS || strchr(found, kinds[k].initial)) {
            return false;
        }
        found[n++] = kinds[k].initial;
        if (w[len] == '\0') {
            break;
        }
    }
    memcpy(out, found, sizeof(found));
    return true;
}

bool sdp_media_of(struct sp_str raw, char *words, size_t cap)
{
    static const char lead[] = "\\nm=";
    char found[4];
    size_t n = 0;
    words[0] = '\0';
    while (raw.n > 0) {
        const char *p = memmem(raw.p, raw.n, lead, sizeof(lead) - 1);
        size_t skip = p ? (size_t)(p - raw.p) + sizeof(lead) - 1 : raw.n;
        raw = (struct sp_str){raw.p + skip, raw.n - skip};
        for (size_t k = 0; k < KINDS && raw.n > 0; k++) {
            size_t len = strcspn(kinds[k].m, " ");
            if (raw.n > len && memcmp(raw.p, kinds[k].m, len) == 0 && n + 8 < cap) {
                n += (size_t)snprintf(words + n, cap - n, "%s%s", n ? "," : "", kinds[k].word);
            }
        }
    }
    return n > 0 && sdp_media(words, found);
}

static void fill_random(void *p, size_t n)
{
    if (getrandom(p, n, 0) != (ssize_t)n) {
        abort(); /* the kernel promises up to 256 bytes */
    }
}

/* ---------------------------------------------------------------- writing */

static void put(struct sp_buf *b, const char *text)
{
    sp_buf_str(b, sp_str(text));
}

/* Characters of ice-char (RFC 8839 5.4). */
static void random_word(char *out, size_t n)
{
    static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint8_t rnd[32];
    fill_random(rnd, n);
    for (size_t i = 0; i < n; i++) {
        out[i] = set[rnd[i] & 63];
    }
    out[n] = '\0';
}

struct transport {
    char ufrag[9], pwd[25], fingerprint[32 * 3 + 1];
    const char *setup;
};

static void transport_make(struct transport *t, const char *setup)
{
    uint8_t rnd[32];
    fill_random(rnd, sizeof(rnd));
    random_word(t->ufrag, 8);
    random_word(t->pwd, 24);
    for (size_t i = 0; i < sizeof(rnd); i++) {
        snprintf(t->fingerprint + 3 * i, 4, "%02X:", rnd[i]);
    }
    t->fingerprint[32 * 3 - 1] = '\0';
    t->setup = setup;
}

static void put_transport(struct sp_buf *b, const struct transport *t, unsigned ice)
{
    char text[320];
    snprintf(text, sizeof(text),
             "a=ice-ufrag:%s\r\na=ice-pwd:%s\r\na=ice-options:trickle\r\n"
             "a=fingerprint:sha-256 %s\r\na=setup:%s\r\n",
             t->ufrag, t->pwd, t->fingerprint, t->setup);
    put(b, text);
    for (unsigned i = 0; i < ice; i++) {
        put(b, "a=");
        sdp_candidate(b, i);
        put(b, "\r\n");
    }
    if (ice > 0) {
        put(b, "a=end-of-candidates\r\n");
    }
}

/* RFC 8829 5.2.1: the id is a 64-bit number with the highest bit zero. */
static void put_session(struct sp_buf *b)
{
    uint64_t session;
    char text[128];
    fill_random(&session, sizeof(session));
    snprintf(text, sizeof(text), "v=0\r\no=- %llu 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n",
             (unsigned long long)(session >> 1));
    put(b, text);
}

void sdp_write(struct sp_buf *b, const char *media, const struct sdp_want *want)
{
    struct transport t;
    char text[64];
    transport_make(&t, want->setup);
    put_session(b);
    put(b, "a=group:BUNDLE");
    for (size_t i = 0; media[i]; i++) {
        snprintf(text, sizeof(text), " %zu", i);
        put(b, text);
    }
    put(b, "\r\n");
    for (size_t i = 0; media[i]; i++) {
        const struct kind *k = kind_of(media[i]);
        put(b, "m=");
        put(b, k->m);
        put(b, "\r\nc=IN IP4 0.0.0.0\r\n");
        put_transport(b, &t, i == 0 ? want->ice : 0);
        snprintf(text, sizeof(text), "a=mid:%zu\r\n", i);
        put(b, text);
        put(b, k->lines);
    }
}

void sdp_make(struct sp_buf *b, const char *media, bool answer)
{
    sdp_write(b, media, &(struct sdp_want){answer ? "active" : "actpass", 0});
}

void sdp_candidate(struct sp_buf *b, unsigned n)
{
    char text[128];
    unsigned port = 50000 + n % 10000;
    /* RFC 8445 5.1.2: host candidates prefer 126; later ones a little less */
    unsigned long priority = (126ul << 24) + ((65535ul - n % 65535ul) << 8) + 255ul;
    snprintf(text, sizeof(text), "candidate:%u 1 udp %lu 127.0.0.1 %u typ host", n + 1, priority,
             port);
    put(b, text);
}

/* ---------------------------------------------------------------- answers */

static void put_attr(struct sp_buf *b, const char *before, struct sp_str v)
{
    put(b, before);
    sp_buf_str(b, v);
    put(b, "\r\n");
}

/* Whether the line is this attribute of the payload type. */
static bool is_about(const struct sdp_line *l, const char *name, struct sp_str payload)
{
    struct sp_str rest = l->value;
    return sdp_is(l->name, name) && sp_str_eq(sdp_cut(&rest, ' '), payload);
}

static bool is_repair(const struct sdp_line *l)
{
    return memmem(l->value.p, l->value.n, "apt=", 4) != NULL;
}

/* The codec that is answered: the first of the offer that does not repair another. */
static struct sp_str choose_codec(const struct sdp_part *m)
{
    struct sp_str rest = m->formats, first = sdp_cut(&rest, ' '), payload = first;
    for (;; payload = sdp_cut(&rest, ' ')) {
        struct sdp_lines it = {m->text, m->line};
        struct sdp_line l;
        bool repair = false;
        while (!repair && sdp_next(&it, &l)) {
            repair = is_about(&l, "fmtp", payload) && is_repair(&l);
        }
        if (!repair) {
            return payload;
        }
        if (rest.n == 0) {
            return first;
        }
    }
}

static void put_codec(struct sp_buf *b, const struct sdp_part *m, struct sp_str payload)
{
    struct sdp_lines it = {m->text, m->line};
    struct sdp_line l;
    while (sdp_next(&it, &l)) {
        if (is_about(&l, "rtpmap", payload) || (is_about(&l, "fmtp", payload) && !is_repair(&l))) {
            sp_buf_str(b, l.raw);
            put(b, "\r\n");
        }
    }
}

static const char *reverse_of(const struct sdp *d, const struct sdp_part *m)
{
    static const char *const pairs[][2] = {
        {"sendonly", "recvonly"}, {"recvonly", "sendonly"}, {"inactive", "inactive"}};
    const struct sdp_attr *a = sdp_attr_of(d, m, SDP_DIRECTION);
    for (size_t i = 0; a && i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        if (sdp_is(a->value, pairs[i][0])) {
            return pairs[i][1];
        }
    }
    return "sendrecv";
}

static void put_answered(struct sp_buf *b, const struct sdp *offer, const struct sdp_part *m,
                         const struct transport *t, unsigned ice)
{
    struct sp_str first = m->rtp ? choose_codec(m) : m->formats;
    bool on = !sdp_is_rejected(m);
    put(b, "m=");
    sp_buf_str(b, m->kind);
    put(b, on ? " 9 " : " 0 ");
    sp_buf_str(b, m->proto);
    put_attr(b, " ", first);
    put(b, "c=IN IP4 0.0.0.0\r\n");
    if (m->attr[SDP_MID].line != 0) {
        put_attr(b, "a=mid:", m->attr[SDP_MID].value);
    }
    if (!on) {
        return;
    }
    put_transport(b, t, ice);
    if (m->rtp) {
        put_attr(b, "a=", sp_str(reverse_of(offer, m)));
        if (m->attr[SDP_RTCP_MUX].line != 0 || (m->bundled && !m->tagged)) {
            put(b, "a=rtcp-mux\r\n");
        }
        put_codec(b, m, first);
    } else if (m->attr[SDP_SCTPMAP].line != 0) {
        put_attr(b, "a=sctpmap:", m->attr[SDP_SCTPMAP].value);
    } else {
        put(b, kind_of('d')->lines);
    }
}

static void put_group(struct sp_buf *b, const struct sdp *offer)
{
    bool any = false;
    for (unsigned i = 0; i < offer->n; i++) {
        if (offer->media[i].bundled) {
            put(b, any ? " " : "a=group:BUNDLE ");
            sp_buf_str(b, offer->media[i].attr[SDP_MID].value);
            any = true;
        }
    }
    put(b, any ? "\r\n" : "");
}

void sdp_write_answer(struct sp_buf *b, const struct sdp *offer, const struct sdp_want *want)
{
    struct transport t;
    bool first = true;
    transport_make(&t, want->setup);
    put_session(b);
    put_group(b, offer);
    for (unsigned i = 0; i < offer->n; i++) {
        const struct sdp_part *m = &offer->media[i];
        put_answered(b, offer, m, &t, !m->bundled || first ? want->ice : 0);
        first = first && !m->bundled;
    }
}
