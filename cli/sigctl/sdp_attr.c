/* SPDX-License-Identifier: MIT
 * Attributes: where they may stand, how often, and what they are worth. Unknown ones are ignored
 * (RFC 8866 5.13). */
#include "cli/sigctl/sdp_in.h"

static void check_mid(struct sdp_part *part, const struct sdp_line *l, struct sdp_findings *f)
{
    (void)part;
    if (!sdp_all_of(l->value, sdp_is_token_char)) {
        sdp_find(f, l->no, SDP_R_MID_FORM, l->value);
    }
}

static void check_group(struct sdp_part *part, const struct sdp_line *l, struct sdp_findings *f)
{
    struct sp_str rest = l->value;
    (void)part;
    do {
        struct sp_str word = sdp_cut(&rest, ' ');
        if (!sdp_all_of(word, sdp_is_token_char)) {
            sdp_find(f, l->no, SDP_R_GROUP_FORM, l->value);
            return;
        }
    } while (rest.n > 0);
}

static void check_ice_word(const struct sdp_line *l, size_t least, enum sdp_rule form,
                           enum sdp_rule length, struct sdp_findings *f)
{
    if (!sdp_all_of(l->value, sdp_is_ice_char)) {
        sdp_find(f, l->no, form, l->value);
    } else if (l->value.n < least || l->value.n > 256) {
        sdp_find(f, l->no, length, l->value);
    }
}

static void check_ufrag(struct sdp_part *part, const struct sdp_line *l, struct sdp_findings *f)
{
    (void)part;
    check_ice_word(l, 4, SDP_R_UFRAG_FORM, SDP_R_UFRAG_LENGTH, f);
}

static void check_pwd(struct sdp_part *part, const struct sdp_line *l, struct sdp_findings *f)
{
    (void)part;
    check_ice_word(l, 22, SDP_R_PWD_FORM, SDP_R_PWD_LENGTH, f);
}

/* Tags have hyphens and digits in practice ("renomination", "ice2"), which ice-char has not all. */
static void check_ice_options(struct sdp_part *part, const struct sdp_line *l,
                              struct sdp_findings *f)
{
    struct sp_str rest = l->value;
    (void)part;
    do {
        struct sp_str word = sdp_cut(&rest, ' ');
        if (!sdp_all_of(word, sdp_is_token_char)) {
            sdp_find(f, l->no, SDP_R_ICE_OPTIONS, l->value);
            return;
        }
    } while (rest.n > 0);
}

static void check_ice_pacing(struct sdp_part *part, const struct sdp_line *l,
                             struct sdp_findings *f)
{
    uint64_t ms;
    (void)part;
    if (!sdp_number(l->value, 9999999999, &ms)) {
        sdp_find(f, l->no, SDP_R_ICE_PACING, l->value);
    }
}

static void check_candidate(struct sdp_part *part, const struct sdp_line *l, struct sdp_findings *f)
{
    struct sdp_candidate_words w;
    if (sdp_candidate_read(l->value, l->no, &w, f) && part->attr[SDP_ICE_END].line != 0) {
        sdp_find(f, l->no, SDP_R_CAND_LATE, l->value);
    }
}

static void check_setup(struct sdp_part *part, const struct sdp_line *l, struct sdp_findings *f)
{
    static const char *const words[] = {"active", "passive", "actpass", "holdconn", NULL};
    (void)part;
    if (!sdp_is_one_of(l->value, words)) {
        sdp_find(f, l->no, SDP_R_SETUP_VALUE, l->value);
    } else if (sdp_is(l->value, "holdconn")) {
        sdp_find(f, l->no, SDP_R_SETUP_HOLDCONN, l->value);
    }
}

static bool is_tls_id_char(char c)
{
    return sdp_is_ice_char(c) || c == '-' || c == '_';
}

static void check_tls_id(struct sdp_part *part, const struct sdp_line *l, struct sdp_findings *f)
{
    (void)part;
    if (l->value.n < 20 || l->value.n > 255 || !sdp_all_of(l->value, is_tls_id_char)) {
        sdp_find(f, l->no, SDP_R_TLS_ID, l->value);
    }
}

static void check_sctp_port(struct sdp_part *part, const struct sdp_line *l, struct sdp_findings *f)
{
    uint64_t port;
    (void)part;
    if (l->value.n > 5 || !sdp_number(l->value, 65535, &port) || port == 0) {
        sdp_find(f, l->no, SDP_R_SCTP_PORT, l->value);
    }
}

static void check_sctp_size(struct sdp_part *part, const struct sdp_line *l, struct sdp_findings *f)
{
    uint64_t size;
    (void)part;
    if (!sdp_number(l->value, UINT64_MAX, &size)) {
        sdp_find(f, l->no, SDP_R_SCTP_SIZE, l->value);
    }
}

static void check_sctpmap(struct sdp_part *part, const struct sdp_line *l, struct sdp_findings *f)
{
    (void)part;
    sdp_find(f, l->no, SDP_R_SCTP_OLD, l->value);
}

static void check_crypto(struct sdp_part *part, const struct sdp_line *l, struct sdp_findings *f)
{
    (void)part;
    sdp_find(f, l->no, SDP_R_SDES, l->name); /* the value holds a key */
}

static void check_number(struct sdp_part *part, const struct sdp_line *l, struct sdp_findings *f)
{
    struct sp_str part2 = l->value, whole = sdp_cut(&part2, '.');
    uint64_t n;
    (void)part;
    if (!sdp_number(whole, UINT64_MAX, &n) ||
        (whole.n < l->value.n && !sdp_number(part2, UINT64_MAX, &n))) {
        sdp_find(f, l->no, SDP_R_ATTR_NUMBER, l->value);
    }
}

enum { AT_SESSION = 1, AT_MEDIA = 2, AT_BOTH = 3, ONCE = 4, FLAG = 8 };

static const struct row {
    const char *name;
    unsigned how;
    enum sdp_slot slot;
    sdp_check_fn check;
} rows[] = {
    {"candidate", AT_MEDIA, SDP_CANDIDATE, check_candidate},
    {"rtpmap", AT_MEDIA, SDP_NO_SLOT, sdp_check_rtpmap},
    {"rtcp-fb", AT_MEDIA, SDP_NO_SLOT, sdp_check_rtcp_fb},
    {"fmtp", AT_MEDIA, SDP_NO_SLOT, sdp_check_fmtp},
    {"extmap", AT_BOTH, SDP_NO_SLOT, sdp_check_extmap},
    {"ssrc", AT_MEDIA, SDP_SSRC, sdp_check_ssrc},
    {"ssrc-group", AT_MEDIA, SDP_NO_SLOT, sdp_check_ssrc_group},
    {"msid", AT_MEDIA, SDP_MSID, sdp_check_msid},
    {"mid", AT_MEDIA | ONCE, SDP_MID, check_mid},
    {"ice-ufrag", AT_BOTH | ONCE, SDP_UFRAG, check_ufrag},
    {"ice-pwd", AT_BOTH | ONCE, SDP_PWD, check_pwd},
    {"ice-options", AT_BOTH | ONCE, SDP_ICE_OPTIONS, check_ice_options},
    {"ice-lite", AT_SESSION | ONCE | FLAG, SDP_ICE_LITE, NULL},
    {"ice-pacing", AT_SESSION | ONCE, SDP_NO_SLOT, check_ice_pacing},
    {"end-of-candidates", AT_BOTH | ONCE | FLAG, SDP_ICE_END, NULL},
    {"fingerprint", AT_BOTH, SDP_FINGERPRINT, sdp_check_fingerprint},
    {"setup", AT_BOTH | ONCE, SDP_SETUP, check_setup},
    {"tls-id", AT_BOTH, SDP_NO_SLOT, check_tls_id},
    {"sendrecv", AT_BOTH | FLAG, SDP_DIRECTION, NULL},
    {"sendonly", AT_BOTH | FLAG, SDP_DIRECTION, NULL},
    {"recvonly", AT_BOTH | FLAG, SDP_DIRECTION, NULL},
    {"inactive", AT_BOTH | FLAG, SDP_DIRECTION, NULL},
    {"group", AT_SESSION, SDP_GROUP, check_group},
    {"bundle-only", AT_MEDIA | ONCE | FLAG, SDP_BUNDLE_ONLY, NULL},
    {"rtcp", AT_MEDIA, SDP_NO_SLOT, sdp_check_rtcp},
    {"rtcp-mux", AT_MEDIA | ONCE | FLAG, SDP_RTCP_MUX, NULL},
    {"rtcp-mux-only", AT_MEDIA | ONCE | FLAG, SDP_RTCP_MUX_ONLY, NULL},
    {"rtcp-rsize", AT_MEDIA | ONCE | FLAG, SDP_RTCP_RSIZE, NULL},
    {"rid", AT_MEDIA, SDP_RID, sdp_check_rid},
    {"simulcast", AT_MEDIA | ONCE, SDP_SIMULCAST, sdp_check_simulcast},
    {"sctp-port", AT_MEDIA | ONCE, SDP_SCTP_PORT, check_sctp_port},
    {"max-message-size", AT_MEDIA | ONCE, SDP_SCTP_SIZE, check_sctp_size},
    {"sctpmap", AT_MEDIA, SDP_SCTPMAP, check_sctpmap},
    {"crypto", AT_MEDIA, SDP_NO_SLOT, check_crypto},
    {"ptime", AT_MEDIA | ONCE, SDP_NO_SLOT, check_number},
    {"maxptime", AT_MEDIA | ONCE, SDP_NO_SLOT, check_number},
    {"framerate", AT_MEDIA | ONCE, SDP_NO_SLOT, check_number},
};

static const struct row *row_of(struct sp_str name)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].name[0] == name.p[0] && sdp_is(name, rows[i].name)) {
            return &rows[i];
        }
    }
    return NULL;
}

/* False when the value cannot be looked at. */
static bool check_use(const struct row *row, struct sdp_part *part, bool session,
                      const struct sdp_line *l, struct sdp_findings *f)
{
    struct sdp_attr *slot = &part->attr[row->slot];
    if ((row->how & (session ? AT_SESSION : AT_MEDIA)) == 0) {
        sdp_find(f, l->no, session ? SDP_R_ATTR_MEDIA : SDP_R_ATTR_SESSION, l->name);
        return false;
    }
    if (row->slot == SDP_DIRECTION && slot->line != 0) {
        sdp_find(f, l->no, SDP_R_DIRECTION_TWICE, l->name);
    } else if ((row->how & ONCE) != 0 && slot->line != 0) {
        sdp_find(f, l->no, SDP_R_ATTR_TWICE, l->name);
    }
    if ((row->how & FLAG) != 0) {
        if (l->has_value) {
            sdp_find(f, l->no, SDP_R_ATTR_FLAG, l->raw);
        }
    } else if (l->value.n == 0) {
        sdp_find(f, l->no, SDP_R_ATTR_EMPTY, l->name);
        return false;
    }
    return true;
}

void sdp_attribute(struct sdp *d, struct sdp_part *part, const struct sdp_line *l,
                   struct sdp_findings *f)
{
    if (!sdp_all_of(l->name, sdp_is_token_char)) {
        sdp_find(f, l->no, SDP_R_ATTR_NAME, l->raw);
        return;
    }
    const struct row *row = row_of(l->name);
    if (!row || !check_use(row, part, part == &d->session, l, f)) {
        return;
    }
    struct sdp_attr *slot = &part->attr[row->slot];
    if (row->check) {
        row->check(part, l, f);
    }
    if (row->slot != SDP_NO_SLOT && slot->count++ == 0) {
        slot->line = l->no;
        slot->value = (row->how & FLAG) != 0 ? l->name : l->value;
    }
}
