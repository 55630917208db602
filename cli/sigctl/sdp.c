/* SPDX-License-Identifier: MIT
 * Session descriptions as browsers write them: one BUNDLE group, a section per kind of media. */
#include "cli/sigctl/sdp.h"

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

static void transport_make(struct transport *t, bool answer)
{
    uint8_t rnd[32];
    fill_random(rnd, sizeof(rnd));
    random_word(t->ufrag, 8);
    random_word(t->pwd, 24);
    for (size_t i = 0; i < sizeof(rnd); i++) {
        snprintf(t->fingerprint + 3 * i, 4, "%02X:", rnd[i]);
    }
    t->fingerprint[32 * 3 - 1] = '\0';
    t->setup = answer ? "active" : "actpass";
}

static void put_section(struct sp_buf *b, const struct kind *k, const struct transport *t,
                        size_t mid)
{
    char text[512];
    snprintf(text, sizeof(text),
             "m=%s\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:%s\r\na=ice-pwd:%s\r\n"
             "a=ice-options:trickle\r\na=fingerprint:sha-256 %s\r\na=setup:%s\r\na=mid:%zu\r\n",
             k->m, t->ufrag, t->pwd, t->fingerprint, t->setup, mid);
    put(b, text);
    put(b, k->lines);
}

void sdp_make(struct sp_buf *b, const char *media, bool answer)
{
    struct transport t;
    uint64_t session;
    char text[128];
    transport_make(&t, answer);
    fill_random(&session, sizeof(session));
    /* RFC 8829 5.2.1: a 64-bit number with the highest bit zero */
    snprintf(text, sizeof(text), "v=0\r\no=- %llu 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n",
             (unsigned long long)(session >> 1));
    put(b, text);
    put(b, "a=group:BUNDLE");
    for (size_t i = 0; media[i]; i++) {
        snprintf(text, sizeof(text), " %zu", i);
        put(b, text);
    }
    put(b, "\r\n");
    for (size_t i = 0; media[i]; i++) {
        put_section(b, kind_of(media[i]), &t, i);
    }
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
