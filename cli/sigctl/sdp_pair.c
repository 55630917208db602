/* SPDX-License-Identifier: MIT
 * An answer beside its offer (RFC 3264 6, RFC 8829 5.3.1, RFC 8843 7.3). */
#include "cli/sigctl/sdp_in.h"

static const struct sp_str nothing = {NULL, 0};

static struct sp_str direction_of(const struct sdp *d, const struct sdp_part *m)
{
    const struct sdp_attr *a = sdp_attr_of(d, m, SDP_DIRECTION);
    return a ? a->value : SP_STR("sendrecv");
}

/* What may be answered to a direction; all to sendrecv. */
static bool is_direction_fit(struct sp_str offered, struct sp_str answered)
{
    static const char *const to_send[] = {"recvonly", "inactive", NULL};
    static const char *const to_receive[] = {"sendonly", "inactive", NULL};
    if (sdp_is(offered, "sendonly")) {
        return sdp_is_one_of(answered, to_send);
    }
    if (sdp_is(offered, "recvonly")) {
        return sdp_is_one_of(answered, to_receive);
    }
    return !sdp_is(offered, "inactive") || sdp_is(answered, "inactive");
}

static void judge_formats(const struct sdp_part *o, const struct sdp_part *a,
                          struct sdp_findings *f)
{
    struct sp_str rest = a->formats;
    while (o->rtp && a->rtp && rest.n > 0) {
        struct sp_str word = sdp_cut(&rest, ' ');
        uint64_t payload;
        if (sdp_number(word, 127, &payload) && !sdp_bit(&o->payloads, payload)) {
            sdp_find(f, a->line, SDP_R_PAIR_PAYLOAD, word);
        }
    }
}

static void judge_transport(const struct sdp *offer, const struct sdp_part *o,
                            const struct sdp *answer, const struct sdp_part *a,
                            struct sdp_findings *f)
{
    const struct sdp_attr *os = sdp_attr_of(offer, o, SDP_SETUP);
    const struct sdp_attr *as = sdp_attr_of(answer, a, SDP_SETUP);
    const struct sdp_attr *mux = &a->attr[SDP_RTCP_MUX];
    bool chosen = os && as && !sdp_is(os->value, "actpass");
    if (chosen && sp_str_eq(os->value, as->value)) {
        sdp_find(f, as->line, SDP_R_PAIR_SETUP, as->value);
    }
    if (mux->line != 0 && o->attr[SDP_RTCP_MUX].line == 0 && (!o->bundled || o->tagged)) {
        sdp_find(f, mux->line, SDP_R_PAIR_MUX, nothing);
    }
}

static void judge_section(const struct sdp *offer, const struct sdp_part *o,
                          const struct sdp *answer, const struct sdp_part *a,
                          struct sdp_findings *f)
{
    const struct sdp_attr *om = &o->attr[SDP_MID], *am = &a->attr[SDP_MID];
    const struct sdp_attr *way = sdp_attr_of(answer, a, SDP_DIRECTION);
    if (!sp_str_eq(o->kind, a->kind)) {
        sdp_find(f, a->line, SDP_R_PAIR_KIND, a->kind);
        return;
    }
    if (sdp_is_rejected(a)) {
        return;
    }
    if (sdp_is_rejected(o)) {
        sdp_find(f, a->line, SDP_R_PAIR_REJECTED, nothing);
        return;
    }
    if (!sp_str_eq(o->proto, a->proto)) {
        sdp_find(f, a->line, SDP_R_PAIR_PROTO, a->proto);
    }
    if (om->line != 0 && am->line != 0 && !sp_str_eq(om->value, am->value)) {
        sdp_find(f, am->line, SDP_R_PAIR_MID, am->value);
    }
    if (a->bundled && !o->bundled) {
        sdp_find(f, am->line, SDP_R_PAIR_GROUP, am->value);
    }
    struct sp_str answered = direction_of(answer, a);
    if (!is_direction_fit(direction_of(offer, o), answered)) {
        sdp_find(f, way ? way->line : a->line, SDP_R_PAIR_DIRECTION, answered);
    }
    judge_formats(o, a, f);
    judge_transport(offer, o, answer, a, f);
}

void sdp_judge_pair(const struct sdp *offer, const struct sdp *answer, struct sdp_findings *f)
{
    if (offer->n != answer->n) {
        unsigned line = answer->n > 0 ? answer->media[answer->n - 1].line : 1;
        sdp_find(f, line, SDP_R_PAIR_COUNT, nothing);
    }
    for (unsigned i = 0; i < offer->n && i < answer->n; i++) {
        judge_section(offer, &offer->media[i], answer, &answer->media[i], f);
    }
}
