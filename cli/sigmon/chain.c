/* SPDX-License-Identifier: MIT
 * The chain of an audit log: numbers without holes, each line with the hash of the line before. */
#include "cli/sigmon/chain.h"

#include "libproto/scan.h"
#include "libproto/time.h"

#include <inttypes.h>
#include <stdio.h>

#define LEAD "{\"seq\":"

/* What the chain needs of a record. */
struct record {
    uint64_t seq, count;
    struct sp_str prev;
    bool recovered, dropped;
};

bool chain_init(struct chain *c)
{
    *c = (struct chain){.md = EVP_MD_fetch(NULL, "SHA256", NULL), .ctx = EVP_MD_CTX_new()};
    memset(c->head, '0', CHAIN_HEX);
    return c->md && c->ctx;
}

void chain_fini(struct chain *c)
{
    EVP_MD_CTX_free(c->ctx);
    EVP_MD_free(c->md);
}

void chain_next_file(struct chain *c)
{
    c->at.file += c->at.line > 0;
    c->at.line = 0;
    c->count = (struct chain_count){0};
}

bool chain_is_log(struct sp_str start)
{
    return start.n >= sizeof(LEAD) - 1 && memcmp(start.p, LEAD, sizeof(LEAD) - 1) == 0;
}

static bool hash_line(struct chain *c, struct sp_str line)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char hash[CHAIN_HEX / 2];
    if (EVP_DigestInit_ex2(c->ctx, c->md, NULL) != 1 ||
        EVP_DigestUpdate(c->ctx, line.p, line.n) != 1 ||
        EVP_DigestFinal_ex(c->ctx, hash, NULL) != 1) {
        return false;
    }
    for (size_t i = 0; i < sizeof(hash); i++) {
        c->head[2 * i] = digits[hash[i] >> 4];
        c->head[2 * i + 1] = digits[hash[i] & 15];
    }
    return true;
}

/* ---------------------------------------------------------------- a record */

/* The text of a string member; empty when it is none, or has escapes, which ours have not. */
static struct sp_str plain(const struct sp_doc *doc, struct sp_str key)
{
    const struct sp_member *m = sp_doc_find(doc, key);
    if (!m || m->kind != SP_J_STRING || m->val_escaped) {
        return (struct sp_str){NULL, 0};
    }
    struct sp_str raw = sp_doc_raw(doc, m);
    return (struct sp_str){raw.p + 1, raw.n - 2};
}

static bool number(const struct sp_doc *doc, struct sp_str key, uint64_t *n)
{
    int64_t v;
    if (sp_doc_int(doc, key, &v) != SP_OK || v < 1) {
        return false;
    }
    *n = (uint64_t)v;
    return true;
}

static bool is_hash(struct sp_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (!((s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] >= 'a' && s.p[i] <= 'f'))) {
            return false;
        }
    }
    return s.n == CHAIN_HEX;
}

/* Takes what is needed out of a line; what is wrong with it otherwise. */
static const char *read_record(struct sp_str line, struct record *r, char *why, size_t cap)
{
    struct sp_doc doc;
    struct sp_diag d;
    int64_t ms;
    if (sp_scan(&doc, line.p, line.n, &sp_scan_defaults, &d) != SP_OK) {
        snprintf(why, cap, "%s at byte %zu", d.text, d.off + 1);
        return why;
    }
    struct sp_str event = plain(&doc, SP_STR("event"));
    *r = (struct record){.prev = plain(&doc, SP_STR("prev")),
                         .recovered = sp_str_eq(event, SP_STR("recovered")),
                         .dropped = sp_str_eq(event, SP_STR("dropped"))};
    if (!chain_is_log(line) || line.p[line.n - 1] != '}' || !number(&doc, SP_STR("seq"), &r->seq)) {
        return "no seq at its beginning";
    }
    if (!sp_stamp_parse(plain(&doc, SP_STR("ts")), &ms)) {
        return "no time in ts";
    }
    if (event.n == 0) {
        return "no event";
    }
    if (r->dropped && !number(&doc, SP_STR("count"), &r->count)) {
        return "no count of dropped events";
    }
    return is_hash(r->prev) ? NULL : "no hash in prev";
}

/* ---------------------------------------------------------------- the chain */

static bool follows_torn(const struct chain *c, const struct record *r)
{
    return r->recovered && memcmp(r->prev.p, c->head, CHAIN_HEX) == 0 &&
           (c->seq == 0 || r->seq == c->seq + 1);
}

static bool is_zero(struct sp_str hash)
{
    for (size_t i = 0; i < hash.n; i++) {
        if (hash.p[i] != '0') {
            return false;
        }
    }
    return true;
}

/* The first record of the first file may continue a file that is not here. */
static bool begins(const struct record *r, char *why, size_t cap)
{
    if ((r->seq == 1) == is_zero(r->prev)) {
        return true;
    }
    snprintf(why, cap, "record %" PRIu64 " %s", r->seq,
             r->seq == 1 ? "begins a chain, but prev is not zero" : "has no record before it");
    return false;
}

static bool follows(const struct chain *c, const struct record *r, char *why, size_t cap)
{
    uint64_t want = c->seq + 1;
    if (r->seq > want + 1) {
        snprintf(why, cap, "records %" PRIu64 " to %" PRIu64 " are missing before this one", want,
                 r->seq - 1);
    } else if (r->seq == want + 1) {
        snprintf(why, cap, "record %" PRIu64 " is missing before this one", want);
    } else if (r->seq == 1 && is_zero(r->prev)) {
        snprintf(why, cap, "another chain begins here: record 1 after record %" PRIu64, c->seq);
    } else if (r->seq < want) {
        snprintf(why, cap, "out of order: record %" PRIu64 " after record %" PRIu64, r->seq,
                 c->seq);
    } else if (memcmp(r->prev.p, c->head, CHAIN_HEX) != 0) {
        snprintf(why, cap,
                 "prev of record %" PRIu64 " is not the hash of record %" PRIu64
                 ": one of the two was changed",
                 r->seq, c->seq);
    } else {
        return true;
    }
    return false;
}

static bool fail_torn(struct chain *c, char *why, size_t cap)
{
    c->bad = c->torn_at;
    snprintf(why, cap, "not a record (%s), and none after it that tells so", c->torn_why);
    return false;
}

static bool check(struct chain *c, const struct record *r, char *why, size_t cap)
{
    if (c->torn) {
        return follows_torn(c, r) || fail_torn(c, why, cap);
    }
    return c->seq == 0 ? begins(r, why, cap) : follows(c, r, why, cap);
}

static void take(struct chain *c, const struct record *r)
{
    struct chain_count *n = &c->count;
    c->torn = false;
    c->seq = n->last = r->seq;
    n->first = n->records == 0 ? r->seq : n->first;
    n->records++;
    n->drops += r->count;
    n->recovered += r->recovered;
}

bool chain_line(struct chain *c, struct sp_str line, bool ended, char *why, size_t cap)
{
    struct record r = {0};
    char text[sizeof(c->torn_why)];
    const char *wrong = ended ? read_record(line, &r, text, sizeof(text)) : "cut off";
    c->at.line++;
    c->count.lines++;
    c->bad = c->at;
    if (wrong && c->torn) {
        return fail_torn(c, why, cap);
    }
    if (!wrong && !check(c, &r, why, cap)) {
        return false;
    }
    if (!hash_line(c, line)) {
        snprintf(why, cap, "cannot be hashed");
        return false;
    }
    if (wrong) {
        c->torn = true;
        c->torn_at = c->at;
        snprintf(c->torn_why, sizeof(c->torn_why), "%s", wrong);
    } else {
        take(c, &r);
    }
    return true;
}

bool chain_end(struct chain *c, char *why, size_t cap)
{
    return !c->torn || fail_torn(c, why, cap);
}
