/* SPDX-License-Identifier: MIT
 * What an event may say of an SDP or a candidate, read from the raw JSON text: it runs on every
 * relayed message, so nothing is decoded. */
#include "libproto/summary.h"

#include "libproto/simd.h"

/* Tells whether the 'm' at p[at] begins a line: in JSON the line end before it is written as a
 * backslash and an n, unless that backslash is itself escaped. */
static bool begins_line(const char *p, size_t at)
{
    if (at < 2 || p[at - 1] != 'n') {
        return false;
    }
    size_t slashes = 0;
    for (size_t i = at - 1; i > 0 && p[i - 1] == '\\'; i--) {
        slashes++;
    }
    return slashes % 2 == 1;
}

static bool has_prefix(struct sp_str s, struct sp_str prefix)
{
    return s.n >= prefix.n && memcmp(s.p, prefix.p, prefix.n) == 0;
}

static unsigned media_at(struct sp_str raw, size_t m)
{
    struct sp_str rest = {raw.p + m + 2, raw.n - m - 2};

    if (!begins_line(raw.p, m)) {
        return 0;
    }
    if (has_prefix(rest, SP_STR("audio "))) {
        return SP_MEDIA_AUDIO;
    }
    if (has_prefix(rest, SP_STR("video "))) {
        return SP_MEDIA_VIDEO;
    }
    if (has_prefix(rest, SP_STR("application "))) {
        return SP_MEDIA_DATA;
    }
    return SP_MEDIA_OTHER;
}

/* Each gives the media of the lines that begin from *i on, as far as it looks, and moves *i. A bit
 * of hits stands for an 'm' before a '='. */
static inline unsigned media_of_hits(struct sp_str raw, size_t i, unsigned hits)
{
    unsigned media = 0;
    for (; hits; hits &= hits - 1) {
        media |= media_at(raw, i + (unsigned)__builtin_ctz(hits));
    }
    return media;
}

#if SP_AVX2
/* All ones where an 'm' stands before a '='; reads 33 bytes. */
SP_FOR_AVX2 static inline __m256i m_lines_avx2(const char *p)
{
    __m256i here = _mm256_loadu_si256((const __m256i *)(const void *)p);
    __m256i next = _mm256_loadu_si256((const __m256i *)(const void *)(p + 1));
    return _mm256_and_si256(_mm256_cmpeq_epi8(here, _mm256_set1_epi8('m')),
                            _mm256_cmpeq_epi8(next, _mm256_set1_epi8('=')));
}

SP_FOR_AVX2 static unsigned media_avx2(struct sp_str raw, size_t *at)
{
    unsigned media = 0;
    size_t i = *at;
    for (; i + 65 <= raw.n; i += 64) {
        __m256i low = m_lines_avx2(raw.p + i), high = m_lines_avx2(raw.p + i + 32);
        if (_mm256_movemask_epi8(_mm256_or_si256(low, high))) {
            media |= media_of_hits(raw, i, (unsigned)_mm256_movemask_epi8(low));
            media |= media_of_hits(raw, i + 32, (unsigned)_mm256_movemask_epi8(high));
        }
    }
    *at = i;
    return media;
}
#endif

#if SP_SSE2
static unsigned media_sse2(struct sp_str raw, size_t *at)
{
    unsigned media = 0;
    size_t i = *at;
    for (; i + 17 <= raw.n; i += 16) {
        const char *p = raw.p + i;
        __m128i here = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i next = _mm_loadu_si128((const __m128i *)(const void *)(p + 1));
        __m128i both = _mm_and_si128(_mm_cmpeq_epi8(here, _mm_set1_epi8('m')),
                                     _mm_cmpeq_epi8(next, _mm_set1_epi8('=')));
        media |= media_of_hits(raw, i, (unsigned)_mm_movemask_epi8(both));
    }
    *at = i;
    return media;
}
#endif

static unsigned media_by_block(struct sp_str raw, size_t *i)
{
#if SP_AVX2
    if (sp_has_avx2()) {
        return media_avx2(raw, i);
    }
#endif
#if SP_SSE2
    return media_sse2(raw, i);
#else
    return media_of_hits(raw, *i, 0);
#endif
}

unsigned sp_sdp_media(struct sp_str raw)
{
    size_t i = 0;
    unsigned media = media_by_block(raw, &i);
    for (; i + 2 <= raw.n; i++) {
        if (raw.p[i] == 'm' && raw.p[i + 1] == '=') {
            media |= media_at(raw, i);
        }
    }
    return media;
}

struct sp_str sp_sdp_summary(unsigned media)
{
    static const char *const names[] = {
        "",
        "audio",
        "video",
        "audio,video",
        "data",
        "audio,data",
        "video,data",
        "audio,video,data",
        "other",
        "audio,other",
        "video,other",
        "audio,video,other",
        "data,other",
        "audio,data,other",
        "video,data,other",
        "audio,video,data,other",
    };

    return sp_str(names[media & 15u]);
}

/* What is said of a candidate: by its type, for UDP and for TCP (RFC 6544). */
static const struct kind {
    struct sp_str type;
    const char *udp, *tcp;
} kinds[] = {{{"host", 4}, "host", "host/tcp"},
             {{"srflx", 5}, "srflx", "srflx/tcp"},
             {{"prflx", 5}, "prflx", "prflx/tcp"},
             {{"relay", 5}, "relay", "relay/tcp"}};
static const struct kind mdns = {{"host", 4}, "mdns", "mdns/tcp"};

static struct sp_str type_word(struct sp_str type, bool local, bool tcp)
{
    const char *space = memchr(type.p, ' ', type.n);
    type.n = space ? (size_t)(space - type.p) : type.n;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (sp_str_eq(type, kinds[i].type)) {
            const struct kind *k = i == 0 && local ? &mdns : &kinds[i];
            return sp_str(tcp ? k->tcp : k->udp);
        }
    }
    return SP_STR("unknown");
}

static bool is_tcp(struct sp_str rest)
{
    return rest.n > 5 && (rest.p[1] | 0x20) == 't' && (rest.p[2] | 0x20) == 'c' &&
           (rest.p[3] | 0x20) == 'p' && rest.p[4] == ' ';
}

/* RFC 8839 5.1: the transport is the third word, the address stands before the port, the port
 * before "typ". Words are found by the spaces between them, which is quicker than a search. */
static struct sp_str line_summary(struct sp_str line)
{
    const char *p = line.p, *end = line.p + line.n;
    bool local = false, tcp = false;
    for (unsigned word = 1; (p = memchr(p, ' ', (size_t)(end - p))); word++) {
        struct sp_str rest = {p, (size_t)(end - p)};
        if (has_prefix(rest, SP_STR(" typ "))) {
            return type_word((struct sp_str){p + 5, rest.n - 5}, local, tcp);
        }
        tcp = tcp || (word == 2 && is_tcp(rest));
        local = local || (p - line.p > 6 && p[-7] != ' ' && memcmp(p - 6, ".local", 6) == 0);
        p++;
    }
    return SP_STR("unknown");
}

static size_t skip_space(struct sp_str s, size_t i)
{
    while (i < s.n && (s.p[i] == ' ' || s.p[i] == '\t' || s.p[i] == '\n' || s.p[i] == '\r')) {
        i++;
    }
    return i;
}

/* The value of the "candidate" member and all that follows it; empty when there is none. A key of
 * that name deeper down may be taken for it: whoever writes that blurs his own summary only. */
static struct sp_str candidate_member(struct sp_str raw)
{
    struct sp_str key = SP_STR("\"candidate\"");
    size_t i = 0;

    /* as browsers write it */
    if (has_prefix(raw, SP_STR("{\"candidate\":\""))) {
        return (struct sp_str){raw.p + key.n + 2, raw.n - key.n - 2};
    }

    while (i < raw.n) {
        const char *hit = memmem(raw.p + i, raw.n - i, key.p, key.n);
        if (!hit) {
            break;
        }
        i = skip_space(raw, (size_t)(hit - raw.p) + key.n);
        if (i < raw.n && raw.p[i] == ':') {
            i = skip_space(raw, i + 1);
            return (struct sp_str){raw.p + i, raw.n - i};
        }
    }
    return (struct sp_str){NULL, 0};
}

struct sp_str sp_candidate_summary(struct sp_str raw)
{
    if (raw.n > 0 && raw.p[0] == '{') {
        raw = candidate_member(raw);
    }
    if (has_prefix(raw, SP_STR("null")) || has_prefix(raw, SP_STR("\"\""))) {
        return SP_STR("end");
    }
    if (raw.n == 0 || raw.p[0] != '"') {
        return SP_STR("unknown");
    }
    const char *end = memchr(raw.p + 1, '"', raw.n - 1);
    return line_summary((struct sp_str){raw.p + 1, end ? (size_t)(end - raw.p) - 1 : raw.n - 1});
}
