/* SPDX-License-Identifier: MIT
 * What a description says, in short. */
#include "cli/sigctl/sdp_show.h"

#include "cli/common/out.h"
#include "cli/sigctl/sdp_in.h"

/* ---------------------------------------------------------------- what is counted */

static const char *const kind_words[] = {"host", "srflx", "prflx", "relay", NULL};
#define KINDS 4

#define VALUE_MAX 1024 /* of what the session may say for each section */

struct counted {
    unsigned of[KINDS], all, mdns, tcp;
};

static bool ends_with(struct sp_str s, const char *tail)
{
    size_t n = strlen(tail);
    return s.n >= n && memcmp(s.p + s.n - n, tail, n) == 0;
}

static void count_candidates(const struct sdp_part *m, struct counted *c)
{
    struct sdp_lines it = {m->text, m->line};
    struct sdp_line l;
    static struct sdp_findings unwanted;
    *c = (struct counted){0};
    while (m->attr[SDP_CANDIDATE].line != 0 && sdp_next(&it, &l)) {
        struct sdp_candidate_words w;
        unwanted = (struct sdp_findings){.n = SDP_FINDINGS_MAX};
        if (!sdp_is(l.name, "candidate") || !sdp_candidate_read(l.value, l.no, &w, &unwanted)) {
            continue;
        }
        c->all++;
        c->mdns += ends_with(w.address, ".local");
        c->tcp += w.tcptype.n > 0;
        for (unsigned k = 0; k < KINDS; k++) {
            c->of[k] += sdp_is(w.kind, kind_words[k]);
        }
    }
}

/* codec is what rtpmap and fmtp say of a payload type. */
struct codec {
    struct sp_str payload, name, clock, channels, fmtp;
};

/* The value behind "payload " of the first such attribute. */
static struct sp_str find_format(const struct sdp_part *m, const char *name, struct sp_str payload)
{
    struct sdp_lines it = {m->text, m->line};
    struct sdp_line l;
    while (sdp_next(&it, &l)) {
        if (sdp_is(l.name, name) && sp_str_eq(sdp_cut(&l.value, ' '), payload)) {
            return l.value;
        }
    }
    return (struct sp_str){NULL, 0};
}

/* codecs goes over the payload types of a section, each once. */
struct codecs {
    struct sp_str rest;
    struct sdp_bits seen;
};

static bool next_codec(const struct sdp_part *m, struct codecs *it, struct codec *c)
{
    uint64_t payload;
    do {
        if (!m->rtp || it->rest.n == 0) {
            return false;
        }
        *c = (struct codec){.payload = sdp_cut(&it->rest, ' ')};
    } while (!sdp_number(c->payload, 127, &payload) || sdp_bit(&it->seen, payload));
    sdp_bit_set(&it->seen, payload);
    struct sp_str map = find_format(m, "rtpmap", c->payload);
    c->name = sdp_cut(&map, '/');
    c->clock = sdp_cut(&map, '/');
    c->channels = map;
    c->fmtp = find_format(m, "fmtp", c->payload);
    return true;
}

static unsigned count_sources(const struct sdp_part *m)
{
    struct sdp_lines it = {m->text, m->line};
    struct sdp_line l;
    struct sp_str last = {NULL, 0};
    unsigned n = 0;
    while (m->attr[SDP_SSRC].line != 0 && sdp_next(&it, &l)) {
        if (sdp_is(l.name, "ssrc")) {
            struct sp_str id = sdp_cut(&l.value, ' ');
            n += !sp_str_eq(id, last); /* lines of one source stand together */
            last = id;
        }
    }
    return n;
}

static struct sp_str value_of(const struct sdp *d, const struct sdp_part *m, enum sdp_slot slot)
{
    const struct sdp_attr *a = sdp_attr_of(d, m, slot);
    struct sp_str v = a ? a->value : (struct sp_str){NULL, 0};
    return (struct sp_str){v.p, v.n < VALUE_MAX ? v.n : VALUE_MAX};
}

static struct sp_str direction_of(const struct sdp *d, const struct sdp_part *m)
{
    struct sp_str v = value_of(d, m, SDP_DIRECTION);
    return v.n > 0 || m->sctp ? v : SP_STR("sendrecv");
}

/* ---------------------------------------------------------------- text */

static void put(FILE *f, const char *before, struct sp_str s)
{
    fputs(before, f);
    out_safe(f, s);
}

static void put_codecs(FILE *f, const struct sdp_part *m)
{
    struct codecs it = {.rest = m->formats};
    struct codec c;
    while (next_codec(m, &it, &c)) {
        put(f, "  codec     ", c.payload);
        if (c.name.n > 0) {
            put(f, " ", c.name);
            put(f, "/", c.clock);
        }
        if (c.channels.n > 0) {
            put(f, "/", c.channels);
        }
        if (c.fmtp.n > 0) {
            put(f, "  ", c.fmtp);
        }
        putc('\n', f);
    }
}

static void put_candidates(FILE *f, const struct sdp_part *m)
{
    struct counted c;
    count_candidates(m, &c);
    fprintf(f, ", %u candidate%s", c.all, c.all == 1 ? "" : "s");
    for (unsigned k = 0; k < KINDS; k++) {
        if (c.of[k] > 0) {
            fprintf(f, ", %u %s", c.of[k], kind_words[k]);
        }
    }
    if (c.mdns > 0) {
        fprintf(f, ", %u mDNS", c.mdns);
    }
    if (c.tcp > 0) {
        fprintf(f, ", %u tcp", c.tcp);
    }
    if (m->attr[SDP_ICE_END].line != 0) {
        fputs(", no more to come", f);
    }
    putc('\n', f);
}

static void put_transport(FILE *f, const struct sdp *d, const struct sdp_part *m)
{
    struct sp_str ufrag = value_of(d, m, SDP_UFRAG), pwd = value_of(d, m, SDP_PWD);
    struct sp_str options = value_of(d, m, SDP_ICE_OPTIONS);
    struct sp_str print = value_of(d, m, SDP_FINGERPRINT), setup = value_of(d, m, SDP_SETUP);
    if (ufrag.n > 0) {
        put(f, "  ice       ufrag ", ufrag);
        fprintf(f, ", password of %zu characters", pwd.n);
        if (options.n > 0) {
            put(f, ", ", options);
        }
        put_candidates(f, m);
    }
    if (print.n > 0) {
        put(f, "  dtls      setup ", setup);
        put(f, ", ", print);
        putc('\n', f);
    }
}

static void put_rest(FILE *f, const struct sdp_part *m)
{
    if (m->rtp) {
        fprintf(f, "  rtp       %s%s, %u msid, %u ssrc, %u rid\n",
                m->attr[SDP_RTCP_MUX].line != 0 ? "rtcp-mux" : "rtcp on a port of its own",
                m->attr[SDP_RTCP_RSIZE].line != 0 ? ", reduced size" : "", m->attr[SDP_MSID].count,
                count_sources(m), m->attr[SDP_RID].count);
    } else if (m->attr[SDP_SCTP_PORT].line != 0) {
        put(f, "  sctp      port ", m->attr[SDP_SCTP_PORT].value);
        if (m->attr[SDP_SCTP_SIZE].line != 0) {
            put(f, ", messages up to ", m->attr[SDP_SCTP_SIZE].value);
        }
        putc('\n', f);
    }
}

static void put_media(FILE *f, const struct sdp *d, const struct sdp_part *m)
{
    put(f, "", m->kind);
    if (m->attr[SDP_MID].line != 0) {
        put(f, " mid ", m->attr[SDP_MID].value);
    }
    if (sdp_is_rejected(m)) {
        fputs(", rejected\n", f);
        return;
    }
    struct sp_str way = direction_of(d, m);
    if (way.n > 0) {
        put(f, ", ", way);
    }
    put(f, ", ", m->proto);
    fprintf(f, "%s\n", m->attr[SDP_BUNDLE_ONLY].line != 0 ? ", bundle-only" : "");
    put_codecs(f, m);
    put_transport(f, d, m);
    put_rest(f, m);
}

void sdp_show_text(FILE *f, const struct sdp *d)
{
    put(f, "session ", d->name);
    put(f, ", origin ", d->origin);
    fprintf(f, "\n%u section%s, bundled:", d->n, d->n == 1 ? "" : "s");
    unsigned bundled = 0;
    for (unsigned i = 0; i < d->n; i++) {
        if (d->media[i].bundled) {
            put(f, " ", d->media[i].attr[SDP_MID].value);
            bundled++;
        }
    }
    fprintf(f, "%s%s\n", bundled == 0 ? " none" : "",
            d->session.attr[SDP_ICE_LITE].line != 0 ? ", ice-lite" : "");
    for (unsigned i = 0; i < d->n; i++) {
        put_media(f, d, &d->media[i]);
    }
}

/* ---------------------------------------------------------------- JSON */

static void add_number(struct sp_json *j, const char *key, struct sp_str s)
{
    uint64_t n;
    if (sdp_number(s, INT64_MAX, &n)) {
        sp_json_int(j, key, (int64_t)n);
    } else {
        sp_json_raw(j, key, SP_STR("null"));
    }
}

static void add_text(struct sp_json *j, const char *key, struct sp_str s)
{
    if (s.n > 0) {
        sp_json_str(j, key, s);
    } else {
        sp_json_raw(j, key, SP_STR("null"));
    }
}

static void add_codecs(struct sp_json *j, const struct sdp_part *m)
{
    struct codecs it = {.rest = m->formats};
    struct codec c;
    sp_json_array(j, "codecs");
    while (next_codec(m, &it, &c)) {
        sp_json_object(j, NULL);
        add_number(j, "payload", c.payload);
        add_text(j, "name", c.name);
        add_number(j, "clock", c.clock);
        add_number(j, "channels", c.channels);
        add_text(j, "fmtp", c.fmtp);
        sp_json_end(j, '}');
    }
    sp_json_end(j, ']');
}

static void add_ice(struct sp_json *j, const struct sdp *d, const struct sdp_part *m)
{
    struct counted c;
    struct sp_str options = value_of(d, m, SDP_ICE_OPTIONS);
    count_candidates(m, &c);
    sp_json_object(j, "ice");
    add_text(j, "ufrag", value_of(d, m, SDP_UFRAG));
    sp_json_int(j, "pwd_length", (int64_t)value_of(d, m, SDP_PWD).n);
    sp_json_array(j, "options");
    while (options.n > 0) {
        sp_json_str(j, NULL, sdp_cut(&options, ' '));
    }
    sp_json_end(j, ']');
    sp_json_object(j, "candidates");
    for (unsigned k = 0; k < KINDS; k++) {
        sp_json_int(j, kind_words[k], c.of[k]);
    }
    sp_json_int(j, "mdns", c.mdns);
    sp_json_int(j, "tcp", c.tcp);
    sp_json_int(j, "all", c.all);
    sp_json_end(j, '}');
    sp_json_bool(j, "complete", m->attr[SDP_ICE_END].line != 0);
    sp_json_end(j, '}');
}

static void add_media(struct sp_json *j, const struct sdp *d, const struct sdp_part *m)
{
    struct sp_str print = value_of(d, m, SDP_FINGERPRINT), hash = sdp_cut(&print, ' ');
    sp_json_object(j, NULL);
    sp_json_str(j, "kind", m->kind);
    add_text(j, "mid", m->attr[SDP_MID].value);
    sp_json_int(j, "port", (int64_t)m->port);
    sp_json_str(j, "protocol", m->proto);
    add_text(j, "direction", direction_of(d, m));
    sp_json_bool(j, "rejected", sdp_is_rejected(m));
    sp_json_bool(j, "bundled", m->bundled);
    sp_json_bool(j, "bundle_only", m->attr[SDP_BUNDLE_ONLY].line != 0);
    add_codecs(j, m);
    add_ice(j, d, m);
    sp_json_object(j, "dtls");
    add_text(j, "setup", value_of(d, m, SDP_SETUP));
    add_text(j, "hash", hash);
    add_text(j, "fingerprint", print);
    sp_json_end(j, '}');
    sp_json_bool(j, "rtcp_mux", m->attr[SDP_RTCP_MUX].line != 0);
    sp_json_bool(j, "rtcp_rsize", m->attr[SDP_RTCP_RSIZE].line != 0);
    add_number(j, "sctp_port", m->attr[SDP_SCTP_PORT].value);
    add_number(j, "max_message_size", m->attr[SDP_SCTP_SIZE].value);
    sp_json_int(j, "msids", m->attr[SDP_MSID].count);
    sp_json_int(j, "ssrcs", count_sources(m));
    sp_json_int(j, "rids", m->attr[SDP_RID].count);
    sp_json_end(j, '}');
}

size_t sdp_show_size(const struct sdp *d)
{
    size_t n = d->text.n + VALUE_MAX;
    for (unsigned i = 0; i < d->n; i++) {
        n += 6 * VALUE_MAX + d->media[i].formats.n * 20;
    }
    return n;
}

void sdp_show_json(struct sp_json *j, const struct sdp *d)
{
    add_text(j, "name", d->name);
    add_text(j, "origin", d->origin);
    sp_json_bool(j, "ice_lite", d->session.attr[SDP_ICE_LITE].line != 0);
    sp_json_array(j, "media");
    for (unsigned i = 0; i < d->n; i++) {
        add_media(j, d, &d->media[i]);
    }
    sp_json_end(j, ']');
}
