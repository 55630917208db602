/* SPDX-License-Identifier: MIT
 * Candidates (RFC 8839 5.1, RFC 6544) and fingerprints (RFC 8122 5). */
#include "cli/sigctl/sdp_in.h"

#define FIXED 8 /* words up to the type */

/* a rule of one of the fixed words; true where it holds */
static bool check_numbers(const struct sp_str v[FIXED], unsigned line, struct sdp_findings *f)
{
    uint64_t n;
    unsigned before = f->errors;
    if (v[0].n > 32 || !sdp_all_of(v[0], sdp_is_ice_char)) {
        sdp_find(f, line, SDP_R_CAND_FOUNDATION, v[0]);
    }
    if (!sdp_number(v[1], 256, &n) || n == 0) {
        sdp_find(f, line, SDP_R_CAND_COMPONENT, v[1]);
    }
    if (!sdp_number(v[3], INT32_MAX, &n) || n == 0) {
        sdp_find(f, line, SDP_R_CAND_PRIORITY, v[3]);
    }
    if (!sdp_is_ip4(v[4]) && !sdp_is_ip6(v[4]) && !sdp_is_host(v[4])) {
        sdp_find(f, line, SDP_R_CAND_ADDRESS, v[4]);
    }
    if (!sdp_number(v[5], 65535, &n)) {
        sdp_find(f, line, SDP_R_CAND_PORT, v[5]);
    }
    if (!sdp_is(v[6], "typ") || v[7].n == 0) {
        sdp_find(f, line, SDP_R_CAND_TYP, v[6]);
    }
    return f->errors == before;
}

static bool is_transport(struct sp_str s, const char *lower, const char *upper)
{
    return sdp_is(s, lower) || sdp_is(s, upper);
}

/* The extensions that rules know, of the words behind the type. */
struct extensions {
    struct sp_str raddr, rport, tcptype;
};

static bool read_extensions(struct sp_str *v, unsigned n, struct extensions *e)
{
    for (unsigned i = 0; i + 1 < n; i += 2) {
        struct sp_str *to = sdp_is(v[i], "raddr")     ? &e->raddr
                            : sdp_is(v[i], "rport")   ? &e->rport
                            : sdp_is(v[i], "tcptype") ? &e->tcptype
                                                      : NULL;
        if (v[i].n == 0 || v[i + 1].n == 0) {
            return false;
        }
        if (to) {
            *to = v[i + 1];
        }
    }
    return n % 2 == 0;
}

static void check_related(struct sp_str kind, const struct extensions *e, unsigned line,
                          struct sdp_findings *f)
{
    static const char *const based[] = {"srflx", "prflx", "relay", NULL};
    uint64_t n;
    if (e->raddr.n == 0 && e->rport.n == 0) {
        if (sdp_is_one_of(kind, based)) {
            sdp_find(f, line, SDP_R_CAND_RELATED, kind);
        }
    } else if (!sdp_number(e->rport, 65535, &n) ||
               !(sdp_is_ip4(e->raddr) || sdp_is_ip6(e->raddr) || sdp_is_host(e->raddr))) {
        sdp_find(f, line, SDP_R_CAND_RADDR, e->raddr.n > 0 ? e->raddr : e->rport);
    }
}

static void check_kind(const struct sp_str v[FIXED], const struct extensions *e, unsigned line,
                       struct sdp_findings *f)
{
    static const char *const kinds[] = {"host", "srflx", "prflx", "relay", NULL};
    static const char *const tcptypes[] = {"active", "passive", "so", NULL};
    bool tcp = is_transport(v[2], "tcp", "TCP");
    if (!tcp && !is_transport(v[2], "udp", "UDP")) {
        sdp_find(f, line, SDP_R_CAND_TRANSPORT, v[2]);
    }
    if (!sdp_is_one_of(v[7], kinds)) {
        sdp_find(f, line, SDP_R_CAND_KIND, v[7]);
    }
    if (tcp && !sdp_is_one_of(e->tcptype, tcptypes)) {
        sdp_find(f, line, SDP_R_CAND_TCPTYPE, e->tcptype);
    }
    check_related(v[7], e, line, f);
}

bool sdp_candidate_read(struct sp_str value, unsigned line, struct sdp_candidate_words *w,
                        struct sdp_findings *f)
{
    struct sp_str v[SDP_WORDS_MAX];
    struct extensions e = {0};
    unsigned before = f->errors;
    static const char again[] = "candidate:";
    if (value.n >= sizeof(again) - 1 && memcmp(value.p, again, sizeof(again) - 1) == 0) {
        sdp_find(f, line, SDP_R_CAND_DOUBLED, value);
        return false;
    }
    unsigned n = sdp_split(value, v, SDP_WORDS_MAX, NULL);
    if (n < FIXED) {
        sdp_find(f, line, SDP_R_CAND_FORM, value);
        return false;
    }
    if (!check_numbers(v, line, f)) {
        return false;
    }
    if (!read_extensions(v + FIXED, n - FIXED, &e)) {
        sdp_find(f, line, SDP_R_CAND_EXTENSION, value);
        return false;
    }
    check_kind(v, &e, line, f);
    *w = (struct sdp_candidate_words){v[2], v[4], v[5], v[7], e.tcptype};
    return f->errors == before;
}

/* ---------------------------------------------------------------- fingerprints */

/* Pairs of hex digits between colons: how many; 0 when they are none. */
static size_t count_pairs(struct sp_str hex, bool *lower)
{
    for (size_t i = 0; i < hex.n; i++) {
        char c = hex.p[i];
        bool colon = i % 3 == 2, small = c >= 'a' && c <= 'f';
        bool digit = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F') || small;
        if (colon ? c != ':' : !digit) {
            return 0;
        }
        *lower = *lower || (small && !colon);
    }
    return hex.n % 3 == 2 ? (hex.n + 1) / 3 : 0;
}

static bool is_hash(struct sp_str s, const char *name)
{
    size_t i = 0;
    while (i < s.n && name[i] && (s.p[i] | ('A' <= s.p[i] && s.p[i] <= 'Z' ? 32 : 0)) == name[i]) {
        i++;
    }
    return i == s.n && !name[i];
}

/* hash names are not case-sensitive (RFC 8122 5); MD5 is there to be refused */
static const struct hash {
    const char *name;
    size_t bytes;
    bool broken, weak;
} hashes[] = {{"sha-256", 32, false, false}, {"sha-384", 48, false, false},
              {"sha-512", 64, false, false}, {"sha-224", 28, false, false},
              {"sha-1", 20, false, true},    {"md5", 16, true, false},
              {"md2", 16, true, false}};

static const struct hash *hash_of(struct sp_str name)
{
    for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++) {
        if (is_hash(name, hashes[i].name)) {
            return &hashes[i];
        }
    }
    return NULL;
}

void sdp_check_fingerprint(struct sdp_part *part, const struct sdp_line *l, struct sdp_findings *f)
{
    struct sp_str hex = l->value, name = sdp_cut(&hex, ' ');
    const struct hash *hash = hash_of(name);
    bool lower = false;
    size_t bytes = count_pairs(hex, &lower);
    (void)part;
    if (hex.n == 0 || name.n == 0) {
        sdp_find(f, l->no, SDP_R_FP_FORM, l->value);
    } else if (!hash) {
        sdp_find(f, l->no, SDP_R_FP_HASH, name);
    } else if (hash->broken) {
        sdp_find(f, l->no, SDP_R_FP_BROKEN, name);
    } else if (bytes == 0) {
        sdp_find(f, l->no, SDP_R_FP_HEX, hex);
    } else if (bytes != hash->bytes) {
        sdp_find(f, l->no, SDP_R_FP_LENGTH, hex);
    } else if (hash->weak) {
        sdp_find(f, l->no, SDP_R_FP_WEAK, name);
    } else if (lower) {
        sdp_find(f, l->no, SDP_R_FP_CASE, hex);
    }
}
