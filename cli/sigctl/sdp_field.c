/* SPDX-License-Identifier: MIT
 * The values of the lines that are no attributes (RFC 8866 5). */
#include "cli/sigctl/sdp_in.h"

#define WORDS 16

static bool is_address(const struct sp_str v[3], bool multicast)
{
    struct sp_str address = v[2], plain = multicast ? sdp_cut(&address, '/') : v[2];
    if (!sdp_is(v[0], "IN")) {
        return false;
    }
    if (sdp_is(v[1], "IP4")) {
        return sdp_is_ip4(plain) || sdp_is_host(plain);
    }
    return sdp_is(v[1], "IP6") && (sdp_is_ip6(plain) || sdp_is_host(plain));
}

typedef void (*field_fn)(struct sdp *d, struct sdp_part *part, const struct sdp_line *l,
                         struct sdp_findings *f);

static void check_version(struct sdp *d, struct sdp_part *part, const struct sdp_line *l,
                          struct sdp_findings *f)
{
    (void)d;
    (void)part;
    if (!sdp_is(l->value, "0")) {
        sdp_find(f, l->no, SDP_R_V_VALUE, l->value);
    }
}

static void check_origin(struct sdp *d, struct sdp_part *part, const struct sdp_line *l,
                         struct sdp_findings *f)
{
    struct sp_str v[6];
    bool more;
    uint64_t n;
    (void)part;
    d->origin = l->value;
    if (sdp_split(l->value, v, 6, &more) < 6 || more || v[0].n == 0) {
        sdp_find(f, l->no, SDP_R_O_FORM, l->value);
        return;
    }
    for (size_t i = 0; i < v[1].n; i++) {
        if (v[1].p[i] < '0' || v[1].p[i] > '9') {
            sdp_find(f, l->no, SDP_R_O_ID, v[1]);
            break;
        }
    }
    if (v[1].n == 0) {
        sdp_find(f, l->no, SDP_R_O_ID, v[1]);
    } else if (sdp_number(v[1], UINT64_MAX, &n) && n > INT64_MAX) {
        sdp_find(f, l->no, SDP_R_O_ID_RANGE, v[1]);
    }
    if (!sdp_number(v[2], UINT64_MAX, &n)) {
        sdp_find(f, l->no, SDP_R_O_VERSION, v[2]);
    }
    if (!is_address(v + 3, false)) {
        sdp_find(f, l->no, SDP_R_O_ADDRESS, v[5]);
    }
}

static void check_text(struct sdp *d, struct sdp_part *part, const struct sdp_line *l,
                       struct sdp_findings *f)
{
    (void)part;
    if (l->type == 's') {
        d->name = l->value;
    }
    if (l->value.n == 0) {
        sdp_find(f, l->no, SDP_R_FIELD_EMPTY, (struct sp_str){l->raw.p, 2});
    }
}

static void check_connection(struct sdp *d, struct sdp_part *part, const struct sdp_line *l,
                             struct sdp_findings *f)
{
    struct sp_str v[3];
    bool more;
    (void)d;
    (void)part;
    if (sdp_split(l->value, v, 3, &more) < 3 || more || !is_address(v, true)) {
        sdp_find(f, l->no, SDP_R_C_FORM, l->value);
    }
}

static void check_bandwidth(struct sdp *d, struct sdp_part *part, const struct sdp_line *l,
                            struct sdp_findings *f)
{
    struct sp_str number = l->value, word = sdp_cut(&number, ':');
    uint64_t n;
    (void)d;
    (void)part;
    if (!sdp_all_of(word, sdp_is_token_char) || !sdp_number(number, UINT64_MAX, &n)) {
        sdp_find(f, l->no, SDP_R_B_FORM, l->value);
    }
}

/* A time: digits, maybe a unit (RFC 8866 5.10), maybe a sign where it is an offset. */
static bool is_time(struct sp_str s, bool offset)
{
    uint64_t n;
    bool sign = offset && s.n > 0 && s.p[0] == '-';
    s = (struct sp_str){s.p + sign, s.n - sign};
    s.n -= s.n > 1 && memchr("dhms", s.p[s.n - 1], 4) != NULL;
    return sdp_number(s, UINT64_MAX, &n);
}

static void check_times(struct sdp *d, struct sdp_part *part, const struct sdp_line *l,
                        struct sdp_findings *f)
{
    struct sp_str v[2];
    bool more;
    uint64_t a = 0, b = 0;
    (void)d;
    (void)part;
    if (sdp_split(l->value, v, 2, &more) < 2 || more || !sdp_number(v[0], UINT64_MAX, &a) ||
        !sdp_number(v[1], UINT64_MAX, &b)) {
        sdp_find(f, l->no, SDP_R_T_FORM, l->value);
    } else if (a != 0 || b != 0) {
        sdp_find(f, l->no, SDP_R_T_ZERO, l->value);
    }
}

/* r= and z=, which WebRTC has no use for. */
static void check_repeat(struct sdp *d, struct sdp_part *part, const struct sdp_line *l,
                         struct sdp_findings *f)
{
    struct sp_str v[WORDS];
    bool more, repeat = l->type == 'r';
    unsigned n = sdp_split(l->value, v, WORDS, &more), good = 0;
    (void)d;
    (void)part;
    while (good < n && is_time(v[good], !repeat && good % 2 == 1)) {
        good++;
    }
    if (good < n || (repeat ? n < 3 : n % 2 != 0)) {
        sdp_find(f, l->no, repeat ? SDP_R_R_FORM : SDP_R_Z_FORM, l->value);
    }
}

static void check_key(struct sdp *d, struct sdp_part *part, const struct sdp_line *l,
                      struct sdp_findings *f)
{
    (void)d;
    (void)part;
    sdp_find(f, l->no, SDP_R_K_OBSOLETE, (struct sp_str){l->raw.p, 2});
}

/* ---------------------------------------------------------------- m= */

static void check_payloads(struct sdp_part *part, const struct sdp_line *l, struct sdp_findings *f)
{
    struct sp_str rest = part->formats;
    while (rest.n > 0) {
        struct sp_str word = sdp_cut(&rest, ' ');
        uint64_t payload;
        if (!sdp_number(word, 127, &payload)) {
            sdp_find(f, l->no, SDP_R_M_PAYLOAD, word);
        } else if (sdp_bit(&part->payloads, payload)) {
            sdp_find(f, l->no, SDP_R_M_PAYLOAD_TWICE, word);
        } else {
            sdp_bit_set(&part->payloads, payload);
        }
    }
}

static void check_proto(struct sdp_part *part, const struct sdp_line *l, struct sdp_findings *f)
{
    static const char *const now[] = {"UDP/TLS/RTP/SAVPF", "TCP/DTLS/RTP/SAVPF", "UDP/DTLS/SCTP",
                                      "TCP/DTLS/SCTP", NULL};
    static const char *const old[] = {"RTP/AVP",          "RTP/AVPF",  "RTP/SAVP", "RTP/SAVPF",
                                      "UDP/TLS/RTP/SAVP", "DTLS/SCTP", NULL};
    bool is_old = sdp_is_one_of(part->proto, old);
    if (!is_old && !sdp_is_one_of(part->proto, now)) {
        sdp_find(f, l->no, SDP_R_M_PROTO, part->proto);
        return;
    }
    part->sctp = memmem(part->proto.p, part->proto.n, "SCTP", 4) != NULL;
    part->rtp = !part->sctp;
    if (is_old) {
        sdp_find(f, l->no, SDP_R_M_PROTO_OLD, part->proto);
    }
    if (part->sctp && !sdp_is(part->kind, "application")) {
        sdp_find(f, l->no, SDP_R_M_SCTP_KIND, part->kind);
    }
}

static void check_port(struct sdp_part *part, struct sp_str text, const struct sdp_line *l,
                       struct sdp_findings *f)
{
    uint64_t many;
    struct sp_str count = text, port = sdp_cut(&count, '/');
    bool counted = port.n < text.n;
    if (!sdp_number(port, 65535, &part->port) || (counted && !sdp_number(count, 65535, &many))) {
        sdp_find(f, l->no, SDP_R_M_PORT, text);
        part->port = 9; /* not rejected */
    } else if (counted) {
        sdp_find(f, l->no, SDP_R_M_PORTS, text);
    }
}

static void check_media(struct sdp *d, struct sdp_part *part, const struct sdp_line *l,
                        struct sdp_findings *f)
{
    static const char *const kinds[] = {"audio", "video", "application", NULL};
    struct sp_str rest = l->value, port;
    (void)d;
    part->kind = sdp_cut(&rest, ' ');
    port = sdp_cut(&rest, ' ');
    part->proto = sdp_cut(&rest, ' ');
    part->formats = rest;
    if (!sdp_all_of(part->kind, sdp_is_token_char) || port.n == 0 || part->proto.n == 0 ||
        rest.n == 0 || rest.p[rest.n - 1] == ' ') {
        sdp_find(f, l->no, SDP_R_M_FORM, l->value);
        part->port = 9;
        return;
    }
    if (!sdp_is_one_of(part->kind, kinds)) {
        sdp_find(f, l->no, SDP_R_M_KIND, part->kind);
    }
    check_port(part, port, l, f);
    check_proto(part, l, f);
    if (part->rtp) {
        check_payloads(part, l, f);
    }
}

void sdp_field(struct sdp *d, struct sdp_part *part, const struct sdp_line *l,
               struct sdp_findings *f)
{
    static const struct {
        char letter;
        field_fn check;
    } fields[] = {{'v', check_version}, {'o', check_origin},     {'s', check_text},
                  {'i', check_text},    {'u', check_text},       {'e', check_text},
                  {'p', check_text},    {'c', check_connection}, {'b', check_bandwidth},
                  {'t', check_times},   {'r', check_repeat},     {'z', check_repeat},
                  {'k', check_key},     {'m', check_media}};
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (fields[i].letter == l->type) {
            fields[i].check(d, part, l, f);
            return;
        }
    }
}
