/* SPDX-License-Identifier: MIT
 * Rules between the lines of one description: BUNDLE (RFC 8843), what each transport needs
 * (RFC 8829 5.2.1 and 5.3.1), offers and answers. */
#include "cli/sigctl/sdp_in.h"

#define GROUP_WORDS 2048 /* of all groups; each section can be in one BUNDLE group once */

static const struct sp_str nothing = {NULL, 0};

const struct sdp_attr *sdp_attr_of(const struct sdp *d, const struct sdp_part *m,
                                   enum sdp_slot slot)
{
    static const enum sdp_slot shared[] = {SDP_UFRAG,       SDP_PWD,   SDP_ICE_OPTIONS,
                                           SDP_FINGERPRINT, SDP_SETUP, SDP_DIRECTION};
    if (m->attr[slot].line != 0) {
        return &m->attr[slot];
    }
    for (size_t i = 0; i < sizeof(shared) / sizeof(shared[0]); i++) {
        if (shared[i] == slot && d->session.attr[slot].line != 0) {
            return &d->session.attr[slot];
        }
    }
    return NULL;
}

bool sdp_is_rejected(const struct sdp_part *m)
{
    return m->port == 0 && m->attr[SDP_BUNDLE_ONLY].line == 0;
}

static struct sdp_part *part_of(struct sdp *d, struct sp_str mid)
{
    for (unsigned i = 0; i < d->n; i++) {
        const struct sdp_attr *a = &d->media[i].attr[SDP_MID];
        if (a->line != 0 && sp_str_eq(a->value, mid)) {
            return &d->media[i];
        }
    }
    return NULL;
}

static void read_group(struct sdp *d, const struct sdp_line *l, unsigned *words,
                       struct sdp_findings *f)
{
    struct sp_str rest = l->value;
    bool bundle = sdp_is(sdp_cut(&rest, ' '), "BUNDLE"), tagged = false;
    while (rest.n > 0 && *words > 0) {
        struct sp_str mid = sdp_cut(&rest, ' ');
        struct sdp_part *m = part_of(d, mid);
        --*words;
        if (!m) {
            sdp_find(f, l->no, SDP_R_GROUP_MID, mid);
        } else if (bundle && m->bundled) {
            sdp_find(f, l->no, SDP_R_GROUP_TWICE, mid);
        } else if (bundle) {
            m->bundled = true;
            m->tagged = !tagged && m->port != 0;
            tagged = tagged || m->tagged;
        }
    }
}

void sdp_read_groups(struct sdp *d, struct sdp_findings *f)
{
    struct sdp_lines it = {d->session.text, d->session.line};
    struct sdp_line l;
    unsigned words = GROUP_WORDS;
    while (d->session.attr[SDP_GROUP].line != 0 && sdp_next(&it, &l)) {
        if (sdp_is(l.name, "group")) {
            read_group(d, &l, &words, f);
        }
    }
}

/* ---------------------------------------------------------------- transports */

static bool has_trickle(const struct sdp_attr *options)
{
    struct sp_str rest = options ? options->value : nothing;
    while (rest.n > 0) {
        if (sdp_is(sdp_cut(&rest, ' '), "trickle")) {
            return true;
        }
    }
    return false;
}

static void judge_transport(const struct sdp *d, const struct sdp_part *m, struct sdp_findings *f)
{
    if (!sdp_attr_of(d, m, SDP_UFRAG) && !sdp_attr_of(d, m, SDP_PWD)) {
        sdp_find(f, m->line, SDP_R_ICE_MISSING, nothing);
    }
    if (!sdp_attr_of(d, m, SDP_FINGERPRINT)) {
        sdp_find(f, m->line, SDP_R_FP_MISSING, nothing);
    }
    if (!sdp_attr_of(d, m, SDP_SETUP)) {
        sdp_find(f, m->line, SDP_R_SETUP_MISSING, nothing);
    }
    if (m->attr[SDP_CANDIDATE].line == 0 && m->attr[SDP_ICE_END].line == 0 &&
        d->session.attr[SDP_ICE_END].line == 0 &&
        !has_trickle(sdp_attr_of(d, m, SDP_ICE_OPTIONS))) {
        sdp_find(f, m->line, SDP_R_ICE_NOTHING, nothing);
    }
    if (m->rtp && m->bundled && m->attr[SDP_RTCP_MUX].line == 0) {
        sdp_find(f, m->line, SDP_R_MUX_MISSING, nothing);
    }
}

/* Sections that share the transport of another need not say it again (RFC 8843 7.1.3). */
static bool has_transport(const struct sdp_part *m)
{
    return m->port != 0 && (!m->bundled || m->tagged);
}

static void judge_part(const struct sdp_part *p, enum sdp_mode mode, struct sdp_findings *f)
{
    const struct sdp_attr *ufrag = &p->attr[SDP_UFRAG], *pwd = &p->attr[SDP_PWD];
    const struct sdp_attr *setup = &p->attr[SDP_SETUP];
    if ((ufrag->line != 0) != (pwd->line != 0)) {
        sdp_find(f, ufrag->line != 0 ? ufrag->line : pwd->line, SDP_R_ICE_HALF, nothing);
    }
    if (setup->line == 0) {
        return;
    }
    bool actpass = sdp_is(setup->value, "actpass");
    if (mode == SDP_OFFER && !actpass) {
        sdp_find(f, setup->line, SDP_R_SETUP_OFFER, setup->value);
    } else if (mode == SDP_ANSWER && actpass) {
        sdp_find(f, setup->line, SDP_R_SETUP_ANSWER, setup->value);
    }
}

/* ---------------------------------------------------------------- sections */

static void judge_bundle(const struct sdp_part *m, enum sdp_mode mode, struct sdp_findings *f)
{
    unsigned line = m->attr[SDP_BUNDLE_ONLY].line;
    if (line == 0) {
        return;
    }
    if (mode == SDP_ANSWER) {
        sdp_find(f, line, SDP_R_BUNDLE_ONLY_ANSWER, nothing);
    } else if (!m->bundled) {
        sdp_find(f, line, SDP_R_BUNDLE_ONLY_ALONE, nothing);
    } else if (m->port != 0) {
        sdp_find(f, line, SDP_R_BUNDLE_ONLY_PORT, nothing);
    }
}

/* Payload types below 35 have names of old (RFC 3551 6). */
static void judge_payloads(const struct sdp_part *m, struct sdp_findings *f)
{
    struct sp_str rest = m->formats;
    while (rest.n > 0) {
        struct sp_str word = sdp_cut(&rest, ' ');
        uint64_t payload;
        if (sdp_number(word, 127, &payload) && payload >= 35 && !sdp_bit(&m->mapped, payload)) {
            sdp_find(f, m->line, SDP_R_RTPMAP_MISSING, word);
        }
    }
}

static void judge_rtp(const struct sdp_part *m, struct sdp_findings *f)
{
    unsigned only = m->attr[SDP_RTCP_MUX_ONLY].line;
    if (only != 0 && m->attr[SDP_RTCP_MUX].line == 0) {
        sdp_find(f, only, SDP_R_MUX_ONLY, nothing);
    }
    judge_payloads(m, f);
    sdp_judge_rids(m, f);
    sdp_judge_simulcast(m, f);
}

static void judge_sctp(const struct sdp_part *m, struct sdp_findings *f)
{
    if (m->attr[SDP_SCTPMAP].line != 0) {
        return; /* the draft's form is remarked already */
    }
    if (m->attr[SDP_SCTP_PORT].line == 0) {
        sdp_find(f, m->line, SDP_R_SCTP_MISSING, nothing);
    }
    if (!sdp_is(m->formats, "webrtc-datachannel")) {
        sdp_find(f, m->line, SDP_R_SCTP_FORMAT, m->formats);
    }
}

static void judge_media(const struct sdp *d, const struct sdp_part *m, enum sdp_mode mode,
                        struct sdp_findings *f)
{
    if (sdp_is_rejected(m)) {
        if (m->bundled) {
            sdp_find(f, m->line, SDP_R_GROUP_REJECTED, m->attr[SDP_MID].value);
        }
        return;
    }
    if (m->attr[SDP_MID].line == 0) {
        sdp_find(f, m->line, SDP_R_MID_MISSING, nothing);
    }
    judge_part(m, mode, f);
    judge_bundle(m, mode, f);
    if (has_transport(m)) {
        judge_transport(d, m, f);
    }
    if (m->rtp) {
        judge_rtp(m, f);
    } else if (m->sctp) {
        judge_sctp(m, f);
    }
}

static void judge_mids(const struct sdp *d, struct sdp_findings *f)
{
    for (unsigned i = 1; i < d->n; i++) {
        const struct sdp_attr *a = &d->media[i].attr[SDP_MID];
        for (unsigned k = 0; a->line != 0 && k < i; k++) {
            const struct sdp_attr *b = &d->media[k].attr[SDP_MID];
            if (b->line != 0 && sp_str_eq(a->value, b->value)) {
                sdp_find(f, a->line, SDP_R_MID_TWICE, a->value);
                break;
            }
        }
    }
}

void sdp_judge(const struct sdp *d, enum sdp_mode mode, struct sdp_findings *f)
{
    unsigned active = 0, sctp = 0, bundled = 0;
    judge_part(&d->session, mode, f);
    judge_mids(d, f);
    for (unsigned i = 0; i < d->n; i++) {
        const struct sdp_part *m = &d->media[i];
        bool on = !sdp_is_rejected(m);
        judge_media(d, m, mode, f);
        active += on;
        bundled += m->bundled;
        if (on && m->sctp && ++sctp == 2) {
            sdp_find(f, m->line, SDP_R_SCTP_TWO, nothing);
        }
    }
    if (d->n == 0) {
        sdp_find(f, 1, SDP_R_M_NONE, nothing);
    } else if (active > 1 && bundled == 0) {
        sdp_find(f, d->media[0].line, SDP_R_GROUP_MISSING, nothing);
    }
}
