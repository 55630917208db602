/* SPDX-License-Identifier: MIT
 * Attributes of RTP sections: payload types, feedback, extensions, sources, simulcast. */
#include "cli/sigctl/sdp_in.h"

/* The payload type that a value begins with, in the m= line; false with a finding. */
static bool take_payload(struct sdp_part *part, const struct sdp_line *l, enum sdp_rule form,
                         enum sdp_rule unknown, struct sp_str *rest, uint64_t *payload,
                         struct sdp_findings *f)
{
    *rest = l->value;
    struct sp_str word = sdp_cut(rest, ' ');
    if (!sdp_number(word, 127, payload) || rest->n == 0) {
        sdp_find(f, l->no, form, l->value);
        return false;
    }
    if (part->rtp && !sdp_bit(&part->payloads, *payload)) {
        sdp_find(f, l->no, unknown, word);
        return false;
    }
    return true;
}

void sdp_check_rtpmap(struct sdp_part *part, const struct sdp_line *l, struct sdp_findings *f)
{
    struct sp_str rest;
    uint64_t payload, clock, channels;
    if (!take_payload(part, l, SDP_R_RTPMAP_FORM, SDP_R_RTPMAP_PAYLOAD, &rest, &payload, f)) {
        return;
    }
    struct sp_str name = sdp_cut(&rest, '/'), rate = sdp_cut(&rest, '/');
    if (!sdp_all_of(name, sdp_is_token_char) || !sdp_number(rate, UINT32_MAX, &clock) ||
        clock == 0 || (rest.n > 0 && !sdp_number(rest, 255, &channels)) ||
        l->value.p[l->value.n - 1] == '/') {
        sdp_find(f, l->no, SDP_R_RTPMAP_FORM, l->value);
    }
    if (sdp_bit(&part->mapped, payload)) {
        sdp_find(f, l->no, SDP_R_RTPMAP_TWICE, l->value);
    }
    sdp_bit_set(&part->mapped, payload);
}

/* The payload type that RTX or FLEXFEC parameters are about (RFC 4588 8.6). */
static void check_apt(struct sdp_part *part, const struct sdp_line *l, struct sp_str rest,
                      struct sdp_findings *f)
{
    while (rest.n > 0) {
        struct sp_str v = sdp_cut(&rest, ';');
        while (v.n > 0 && v.p[0] == ' ') {
            v = (struct sp_str){v.p + 1, v.n - 1};
        }
        struct sp_str name = sdp_cut(&v, '=');
        uint64_t payload;
        if (sdp_is(name, "apt") &&
            (!sdp_number(v, 127, &payload) || !sdp_bit(&part->payloads, payload))) {
            sdp_find(f, l->no, SDP_R_FMTP_APT, v);
        }
    }
}

void sdp_check_fmtp(struct sdp_part *part, const struct sdp_line *l, struct sdp_findings *f)
{
    struct sp_str rest;
    uint64_t payload;
    if (part->rtp &&
        take_payload(part, l, SDP_R_FMTP_FORM, SDP_R_FMTP_PAYLOAD, &rest, &payload, f)) {
        check_apt(part, l, rest, f);
    }
}

void sdp_check_rtcp_fb(struct sdp_part *part, const struct sdp_line *l, struct sdp_findings *f)
{
    struct sp_str rest = l->value;
    uint64_t payload;
    if (l->value.p[0] != '*') {
        if (!take_payload(part, l, SDP_R_FB_FORM, SDP_R_FB_PAYLOAD, &rest, &payload, f)) {
            return;
        }
    } else if (!sdp_is(sdp_cut(&rest, ' '), "*")) {
        sdp_find(f, l->no, SDP_R_FB_FORM, l->value);
        return;
    }
    if (!sdp_all_of(sdp_cut(&rest, ' '), sdp_is_token_char)) {
        sdp_find(f, l->no, SDP_R_FB_FORM, l->value);
    }
}

void sdp_check_extmap(struct sdp_part *part, const struct sdp_line *l, struct sdp_findings *f)
{
    static const char *const ways[] = {"sendrecv", "sendonly", "recvonly", "inactive", NULL};
    struct sp_str uri = l->value, way = sdp_cut(&uri, ' '), id = sdp_cut(&way, '/');
    uint64_t n;
    bool directed = id.n < l->value.n && l->value.p[id.n] == '/';
    if (!sdp_number(id, UINT32_MAX, &n) || (directed && !sdp_is_one_of(way, ways)) ||
        memchr(uri.p, ':', uri.n) == NULL) {
        sdp_find(f, l->no, SDP_R_EXTMAP_FORM, l->value);
    } else if (n == 0 || n == 15 || (n > 255 && n < 4096) || n > 4351) {
        sdp_find(f, l->no, SDP_R_EXTMAP_ID, id);
    } else if (sdp_bit(&part->extensions, n)) {
        sdp_find(f, l->no, SDP_R_EXTMAP_TWICE, id);
    } else {
        sdp_bit_set(&part->extensions, n);
    }
}

void sdp_check_ssrc(struct sdp_part *part, const struct sdp_line *l, struct sdp_findings *f)
{
    struct sp_str rest = l->value, id = sdp_cut(&rest, ' ');
    uint64_t n;
    (void)part;
    if (!sdp_number(id, UINT32_MAX, &n) || !sdp_all_of(sdp_cut(&rest, ':'), sdp_is_token_char)) {
        sdp_find(f, l->no, SDP_R_SSRC_FORM, l->value);
    }
}

void sdp_check_ssrc_group(struct sdp_part *part, const struct sdp_line *l, struct sdp_findings *f)
{
    struct sp_str rest = l->value, word = sdp_cut(&rest, ' ');
    uint64_t n;
    bool good = sdp_all_of(word, sdp_is_token_char);
    (void)part;
    while (good && rest.n > 0) {
        good = sdp_number(sdp_cut(&rest, ' '), UINT32_MAX, &n);
    }
    if (!good) {
        sdp_find(f, l->no, SDP_R_SSRC_GROUP, l->value);
    }
}

void sdp_check_msid(struct sdp_part *part, const struct sdp_line *l, struct sdp_findings *f)
{
    struct sp_str v[2];
    bool more, good;
    unsigned n = sdp_split(l->value, v, 2, &more);
    (void)part;
    good = !more;
    for (unsigned i = 0; i < n; i++) {
        good = good && v[i].n <= 64 && sdp_all_of(v[i], sdp_is_token_char);
    }
    if (!good) {
        sdp_find(f, l->no, SDP_R_MSID_FORM, l->value);
    }
}

void sdp_check_rtcp(struct sdp_part *part, const struct sdp_line *l, struct sdp_findings *f)
{
    struct sp_str v[4];
    bool more;
    uint64_t port;
    unsigned n = sdp_split(l->value, v, 4, &more);
    bool good = !more && (n == 1 || n == 4) && sdp_number(v[0], 65535, &port);
    (void)part;
    if (good && n == 4) {
        good = sdp_is(v[1], "IN") && ((sdp_is(v[2], "IP4") && sdp_is_ip4(v[3])) ||
                                      (sdp_is(v[2], "IP6") && sdp_is_ip6(v[3])));
    }
    if (!good) {
        sdp_find(f, l->no, SDP_R_RTCP_FORM, l->value);
    }
}

/* ---------------------------------------------------------------- simulcast */

static bool is_rid_char(char c)
{
    return (sdp_is_ice_char(c) && c != '+' && c != '/') || c == '-' || c == '_';
}

/* Whether a rid line before this one (0: any) has the id. */
static bool has_rid(const struct sdp_part *part, struct sp_str id, unsigned before)
{
    struct sdp_lines it = {part->text, part->line};
    struct sdp_line l;
    while (part->attr[SDP_RID].line != 0 && sdp_next(&it, &l) && (before == 0 || l.no < before)) {
        if (sdp_is(l.name, "rid") && sp_str_eq(sdp_cut(&l.value, ' '), id)) {
            return true;
        }
    }
    return false;
}

void sdp_check_rid(struct sdp_part *part, const struct sdp_line *l, struct sdp_findings *f)
{
    struct sp_str rest = l->value, id = sdp_cut(&rest, ' '), way = sdp_cut(&rest, ' ');
    (void)part;
    if (!sdp_all_of(id, is_rid_char) || (!sdp_is(way, "send") && !sdp_is(way, "recv"))) {
        sdp_find(f, l->no, SDP_R_RID_FORM, l->value);
    }
}

/* A list of streams (";") of alternatives (","), "~" for paused ones (RFC 8853 5.1). */
static bool is_rid_list(struct sp_str list)
{
    bool good = list.n > 0;
    while (good && list.n > 0) {
        struct sp_str stream = sdp_cut(&list, ';');
        good = stream.n > 0;
        while (good && stream.n > 0) {
            struct sp_str id = sdp_cut(&stream, ',');
            size_t paused = id.n > 0 && id.p[0] == '~';
            good = sdp_all_of((struct sp_str){id.p + paused, id.n - paused}, is_rid_char);
        }
    }
    return good;
}

void sdp_check_simulcast(struct sdp_part *part, const struct sdp_line *l, struct sdp_findings *f)
{
    struct sp_str v[4];
    bool more, good;
    unsigned n = sdp_split(l->value, v, 4, &more);
    (void)part;
    good = !more && n % 2 == 0;
    for (unsigned i = 0; good && i + 1 < n; i += 2) {
        good = (sdp_is(v[i], "send") || sdp_is(v[i], "recv")) && is_rid_list(v[i + 1]);
    }
    if (!good) {
        sdp_find(f, l->no, SDP_R_SIMULCAST_FORM, l->value);
    }
}

void sdp_judge_simulcast(const struct sdp_part *part, struct sdp_findings *f)
{
    struct sp_str v[4];
    const struct sdp_attr *a = &part->attr[SDP_SIMULCAST];
    unsigned n = a->line != 0 ? sdp_split(a->value, v, 4, NULL) : 0;
    for (unsigned i = 1; i < n; i += 2) {
        for (unsigned streams = 0; v[i].n > 0 && streams < SDP_WORDS_MAX; streams++) {
            size_t at = 0;
            while (at < v[i].n && v[i].p[at] != ';' && v[i].p[at] != ',') {
                at++;
            }
            size_t paused = v[i].p[0] == '~';
            struct sp_str id = {v[i].p + paused, at - paused};
            if (id.n > 0 && !has_rid(part, id, 0)) {
                sdp_find(f, a->line, SDP_R_SIMULCAST_RID, id);
            }
            size_t skip = at + (at < v[i].n);
            v[i] = (struct sp_str){v[i].p + skip, v[i].n - skip};
        }
    }
}

/* Ids are compared for so many lines only; a section has a handful. */
void sdp_judge_rids(const struct sdp_part *part, struct sdp_findings *f)
{
    struct sdp_lines it = {part->text, part->line};
    struct sdp_line l;
    unsigned left = SDP_WORDS_MAX;
    while (part->attr[SDP_RID].count > 1 && left > 0 && sdp_next(&it, &l)) {
        if (sdp_is(l.name, "rid")) {
            left--;
            struct sp_str rest = l.value, id = sdp_cut(&rest, ' ');
            if (has_rid(part, id, l.no)) {
                sdp_find(f, l.no, SDP_R_RID_TWICE, id);
            }
        }
    }
}
