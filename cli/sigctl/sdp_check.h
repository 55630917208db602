/* SPDX-License-Identifier: MIT
 * Session descriptions, read and judged: the grammar of RFC 8866 and what WebRTC asks beside it
 * (RFC 8829, 8839 to 8843, 8851). Bytes in, values out; nothing is allocated, everything borrows
 * from the text. */
#ifndef SIGCTL_SDP_CHECK_H
#define SIGCTL_SDP_CHECK_H

#include "libproto/types.h"

#define SDP_TEXT_MAX     (1024u * 1024)
#define SDP_MEDIA_MAX    256 /* sections; large conferences of browsers stay below */
#define SDP_FINDINGS_MAX 256

enum sdp_rule {
#define SDP_RULE(id, name, severity, rfc, text) SDP_R_##id,
#include "cli/sigctl/sdp_rules.h"
#undef SDP_RULE
    SDP_RULES
};

enum sdp_severity { SDP_ERROR, SDP_WARNING };

struct sdp_rule_row {
    const char *name;
    enum sdp_severity severity;
    const char *rfc, *text;
};

extern const struct sdp_rule_row sdp_rules[SDP_RULES];

/* sdp_finding is a broken rule; what (borrowed, may be empty) is the text that breaks it. line is
 * from 1. */
struct sdp_finding {
    unsigned line;
    enum sdp_rule rule;
    struct sp_str what;
};

/* sdp_findings keeps the first ones and counts all. */
struct sdp_findings {
    struct sdp_finding v[SDP_FINDINGS_MAX];
    unsigned n, errors, warnings;
};

void sdp_find(struct sdp_findings *f, unsigned line, enum sdp_rule rule, struct sp_str what);

/* The attributes that rules or summaries look up; the first of its name in a part. */
enum sdp_slot {
    SDP_NO_SLOT,
    SDP_MID,
    SDP_UFRAG,
    SDP_PWD,
    SDP_ICE_LITE,
    SDP_ICE_OPTIONS,
    SDP_ICE_END,
    SDP_CANDIDATE,
    SDP_FINGERPRINT,
    SDP_SETUP,
    SDP_DIRECTION, /* value: the word itself */
    SDP_BUNDLE_ONLY,
    SDP_RTCP_MUX,
    SDP_RTCP_MUX_ONLY,
    SDP_RTCP_RSIZE,
    SDP_MSID,
    SDP_SSRC,
    SDP_RID,
    SDP_SIMULCAST,
    SDP_SCTP_PORT,
    SDP_SCTPMAP,
    SDP_SCTP_SIZE,
    SDP_GROUP,
    SDP_SLOTS
};

/* sdp_attr is present when line is not 0. */
struct sdp_attr {
    unsigned line, count;
    struct sp_str value;
};

/* sdp_bits is a set of payload types or extension ids. */
struct sdp_bits {
    uint64_t w[4];
};

static inline bool sdp_bit(const struct sdp_bits *b, uint64_t i)
{
    return i < 256 && ((b->w[i / 64] >> (i % 64)) & 1) != 0;
}

static inline void sdp_bit_set(struct sdp_bits *b, uint64_t i)
{
    if (i < 256) {
        b->w[i / 64] |= UINT64_C(1) << (i % 64);
    }
}

/* sdp_part is the session's part or a media section; line is that of m=. */
struct sdp_part {
    struct sp_str text; /* its lines, m= too */
    unsigned line;
    struct sp_str kind, proto, formats; /* of m= */
    uint64_t port;
    bool rtp, sctp, connected; /* connected: has a c= line */
    bool bundled, tagged;      /* in a BUNDLE group; as the section whose transport it uses */
    struct sdp_bits payloads, mapped, extensions;
    struct sdp_attr attr[SDP_SLOTS];
};

/* sdp is large: on the heap, or static. */
struct sdp {
    struct sp_str text, origin, name;
    struct sdp_part session, media[SDP_MEDIA_MAX];
    unsigned n;
};

/* sdp_line is a line in its parts; name is that of an attribute, else empty. */
struct sdp_line {
    char type;
    unsigned no;
    struct sp_str raw, name, value;
    bool has_value; /* an attribute with a colon */
};

/* sdp_lines goes over a part: start with {part->text, part->line}. Lines that are none are left
 * out. */
struct sdp_lines {
    struct sp_str rest;
    unsigned no;
};

bool sdp_next(struct sdp_lines *it, struct sdp_line *line);

/* sdp_read reads the text and finds what breaks the grammar. False when it is no description at
 * all: empty, larger than SDP_TEXT_MAX, or the first line is not one of SDP. */
bool sdp_read(struct sdp *d, struct sp_str text, struct sdp_findings *f);

enum sdp_mode { SDP_ANY, SDP_OFFER, SDP_ANSWER };

/* sdp_judge finds what breaks the rules between lines, as those of an offer or answer where mode
 * says so. */
void sdp_judge(const struct sdp *d, enum sdp_mode mode, struct sdp_findings *f);

/* sdp_judge_pair finds where an answer does not fit its offer. */
void sdp_judge_pair(const struct sdp *offer, const struct sdp *answer, struct sdp_findings *f);

/* sdp_attr_of gives a section's attribute, else the session's where that counts for its sections;
 * NULL when there is none. */
const struct sdp_attr *sdp_attr_of(const struct sdp *d, const struct sdp_part *m,
                                   enum sdp_slot slot);

/* sdp_is_rejected: port 0, and not for the reason that BUNDLE carries it. */
bool sdp_is_rejected(const struct sdp_part *m);

/* sdp_candidate_words are the parts of a candidate that is well formed. */
struct sdp_candidate_words {
    struct sp_str transport, address, port, kind, tcptype;
};

/* sdp_candidate_read finds what is wrong with the value of a candidate attribute; false when it is
 * not well formed. */
bool sdp_candidate_read(struct sp_str value, unsigned line, struct sdp_candidate_words *w,
                        struct sdp_findings *f);

#endif
