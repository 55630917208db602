/* SPDX-License-Identifier: MIT
 * Messages of a given size: the shortest way of saying it that is not too long, then filled up. */
#include "cli/sigmon/compose.h"

#include "libproto/msg.h"
#include "libproto/units.h"

#include <stdio.h>

#define CRLF      "\\r\\n"
#define LINE_FILL 64u /* bytes that a line of an SDP is filled with at most */

/* ---------------------------------------------------------------- descriptions */

static const struct media {
    const char *word, *m, *lines;
} media[] = {
    {"audio", "audio", "a=rtcp-mux" CRLF "a=rtpmap:111 opus/48000/2" CRLF},
    {"video", "video", "a=rtcp-mux" CRLF "a=rtpmap:96 VP8/90000" CRLF},
    {"data", "application", "a=sctp-port:5000" CRLF},
    {"other", "text", "a=rtcp-mux" CRLF "a=rtpmap:98 t140/1000" CRLF},
};
static const char *const formats[] = {"UDP/TLS/RTP/SAVPF 111", "UDP/TLS/RTP/SAVPF 96",
                                      "UDP/DTLS/SCTP webrtc-datachannel", "UDP/TLS/RTP/SAVPF 98"};

#define MEDIA (sizeof(media) / sizeof(media[0]))

static void put(struct sp_buf *b, const char *text)
{
    sp_buf_str(b, sp_str(text));
}

static size_t media_of(struct sp_str word)
{
    size_t k = 0;
    while (k < MEDIA && !sp_str_eq(word, sp_str(media[k].word))) {
        k++;
    }
    return k;
}

/* Calls fn for each kind of media of a summary. */
static void each_media(struct sp_buf *b, struct sp_str summary,
                       void (*fn)(struct sp_buf *, size_t k, unsigned index))
{
    unsigned index = 0;
    for (struct sp_str word; (word = sp_cut(&summary, ",")).n > 0;) {
        size_t k = media_of(word);
        if (k < MEDIA) {
            fn(b, k, index++);
        }
    }
}

static void put_mid(struct sp_buf *b, size_t k, unsigned index)
{
    (void)k;
    sp_buf_lit(b, " ");
    sp_buf_int(b, index);
}

static void put_section(struct sp_buf *b, size_t k, unsigned index)
{
    put(b, "m=");
    put(b, media[k].m);
    put(b, " 9 ");
    put(b, formats[k]);
    put(b, CRLF "c=IN IP4 0.0.0.0" CRLF "a=mid:");
    sp_buf_int(b, index);
    put(b, CRLF);
    put(b, media[k].lines);
}

static void put_short_section(struct sp_buf *b, size_t k, unsigned index)
{
    (void)index;
    put(b, "m=");
    put(b, media[k].m);
    put(b, " 9" CRLF);
}

/* RFC 8866 5.13: attributes that nobody knows are passed over. */
static void fill_lines(struct sp_buf *b, size_t pad)
{
    static const size_t least = sizeof("a=x-fill:" CRLF) - 1;
    while (pad > least) {
        size_t n = pad - least < LINE_FILL ? pad - least : LINE_FILL;
        put(b, "a=x-fill:");
        for (size_t i = 0; i < n; i++) {
            sp_buf_lit(b, "x");
        }
        put(b, CRLF);
        pad -= least + n;
    }
}

static void put_sdp(struct sp_buf *b, const struct compose *m, unsigned level, size_t pad)
{
    put(b, "\"v=0" CRLF);
    if (level > 0) {
        each_media(b, m->summary, put_short_section);
    } else {
        put(b, "o=- 4611731400430051336 2 IN IP4 127.0.0.1" CRLF "s=-" CRLF "t=0 0" CRLF);
        if (m->summary.n > 0) {
            put(b, "a=group:BUNDLE");
            each_media(b, m->summary, put_mid);
            put(b, CRLF);
        }
        put(b, "a=ice-ufrag:sigmon00" CRLF "a=ice-pwd:sigmon00sigmon00sigmon00" CRLF
               "a=ice-options:trickle" CRLF "a=fingerprint:sha-256 "
               "00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:"
               "10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F" CRLF "a=setup:");
        put(b, m->type == SP_T_OFFER ? "actpass" CRLF : "active" CRLF);
        each_media(b, m->summary, put_section);
    }
    fill_lines(b, pad);
    put(b, "\"");
}

/* ---------------------------------------------------------------- candidates */

static const struct kind {
    const char *word, *priority, *address, *type, *related;
} kinds[] = {
    {"host", "2122260223", "192.0.2.7", "host", ""},
    {"srflx", "1686052607", "198.51.100.7", "srflx", " raddr 192.0.2.7 rport 50000"},
    {"prflx", "1845501695", "198.51.100.7", "prflx", " raddr 192.0.2.7 rport 50000"},
    {"relay", "41885695", "203.0.113.7", "relay", " raddr 198.51.100.7 rport 50000"},
    {"mdns", "2122260223", "11111111-2222-4333-8444-555555555555.local", "host", ""},
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static const struct kind *kind_of(struct sp_str summary, bool *tcp)
{
    struct sp_str word = sp_cut(&summary, "/");
    *tcp = sp_str_eq(sp_cut(&summary, "/"), SP_STR("tcp"));
    for (size_t k = 0; k < KINDS; k++) {
        if (sp_str_eq(word, sp_str(kinds[k].word))) {
            return &kinds[k];
        }
    }
    return NULL;
}

/* RFC 8839 5.1 and, for TCP, RFC 6544 4.5; the shorter form only says what it has to. */
static void put_line(struct sp_buf *b, const struct kind *k, bool tcp, unsigned level)
{
    char line[256];
    if (level < 2) {
        snprintf(line, sizeof(line), "candidate:1 1 %s %s %s %s typ %s%s%s", tcp ? "tcp" : "udp",
                 k->priority, k->address, tcp ? "9" : "50000", k->type, k->related,
                 tcp ? " tcptype active" : "");
    } else {
        bool local = strcmp(k->word, "mdns") == 0;
        snprintf(line, sizeof(line), "%s%styp %s", tcp ? "1 1 tcp " : "1 ",
                 local ? "1 h.local 9 " : "", k->type);
    }
    put(b, line);
}

/* Extensions stand at the end, a name and a value each; a receiver passes over what it does not
 * know. */
static void fill_candidate(struct sp_buf *b, size_t pad)
{
    static const size_t least = sizeof(" x-fill ") - 1;
    if (pad > least) {
        put(b, " x-fill ");
        for (size_t i = least; i < pad; i++) {
            sp_buf_lit(b, "x");
        }
    }
}

static void put_candidate(struct sp_buf *b, const struct compose *m, unsigned level, size_t pad)
{
    bool tcp;
    const struct kind *k = kind_of(m->summary, &tcp);
    if (sp_str_eq(m->summary, SP_STR("end"))) {
        put(b, "null");
        return;
    }
    put(b, level == 0 ? "{\"candidate\":\"" : "\"");
    if (k) {
        put_line(b, k, tcp, level);
    } else {
        put(b, "unknown");
    }
    fill_candidate(b, pad);
    put(b, level == 0 ? "\",\"sdpMid\":\"0\",\"sdpMLineIndex\":0}" : "\"");
}

/* ---------------------------------------------------------------- messages */

struct form {
    unsigned level; /* of the value: 0 is the full one */
    bool rid, session;
};

static void put_value(struct sp_buf *b, const struct compose *m, unsigned level, size_t pad)
{
    bool ice = m->type == SP_T_ICE;
    if (m->type == SP_T_BYE) {
        if (m->reason.n > 0) {
            put(b, ",\"reason\":");
            sp_buf_json(b, m->reason);
        }
        return;
    }
    put(b, ice ? ",\"candidate\":" : ",\"sdp\":");
    if (m->content.n > 0) {
        sp_buf_str(b, m->content);
    } else if (ice) {
        put_candidate(b, m, level, pad);
    } else {
        put_sdp(b, m, level, pad);
    }
}

static void put_form(struct sp_buf *b, const struct compose *m, const struct form *f, size_t pad)
{
    sp_buf_lit(b, "{\"type\":\"");
    put(b, sp_type_wire(m->type));
    sp_buf_lit(b, "\",\"target\":\"");
    sp_buf_str(b, m->target);
    sp_buf_lit(b, "\"");
    if (f->session && m->session.n > 0) {
        sp_buf_lit(b, ",\"sessionId\":\"");
        sp_buf_str(b, m->session);
        sp_buf_lit(b, "\"");
    }
    if (f->rid) {
        sp_buf_lit(b, ",\"rid\":");
        sp_buf_int(b, m->rid);
    }
    put_value(b, m, f->level, pad);
}

/* What a value cannot take is filled with space between the tokens. */
static bool try_form(struct sp_buf *b, const struct compose *m, const struct form *f)
{
    size_t size = (size_t)m->size;
    b->n = 0;
    put_form(b, m, f, 0);
    if (b->n + 1 > size) {
        return false;
    }
    size_t pad = size - b->n - 1;
    b->n = 0;
    put_form(b, m, f, pad);
    while (b->n + 1 < size) {
        sp_buf_lit(b, " ");
    }
    sp_buf_lit(b, "}");
    return true;
}

static unsigned levels_of(const struct compose *m)
{
    return m->content.n > 0 || m->type == SP_T_BYE ? 1 : m->type == SP_T_ICE ? 3 : 2;
}

struct composed compose_put(struct sp_buf *b, const struct compose *m)
{
    static const struct form envelopes[] = {{0, true, true}, {0, false, true}, {0, false, false}};
    unsigned most = m->may_omit && m->session.n > 0 ? 3 : 2;
    struct form f;
    for (unsigned level = 0; m->size >= 0 && level < levels_of(m); level++) {
        for (unsigned i = 0; i < most; i++) {
            f = envelopes[i];
            f.level = level;
            if (try_form(b, m, &f)) {
                return (struct composed){f.rid, true};
            }
        }
    }
    f = envelopes[0];
    b->n = 0;
    put_form(b, m, &f, 0);
    sp_buf_lit(b, "}");
    return (struct composed){true, m->size < 0};
}
