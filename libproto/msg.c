/* SPDX-License-Identifier: MIT
 * Client-to-server messages: found in their row, checked against it, cut into slices. */
#include "libproto/msg.h"

#include "libproto/id.h"
#include "libproto/time.h"

struct member_row {
    struct sp_str name;
    uint8_t kinds;
};

static const struct member_row members[SP_M_COUNT] = {
#define SP_MEMBER(id, word, allowed, server) [SP_M_##id] = {{word, sizeof(word) - 1}, allowed},
#include "libproto/tbl/members.h"
#undef SP_MEMBER
};

static const struct sp_str types[SP_T_COUNT] = {
#define SP_TYPE(id, word) [SP_T_##id] = {word, sizeof(word) - 1},
#include "libproto/tbl/types.h"
#undef SP_TYPE
};

static const struct sp_request requests[SP_T_COUNT] = {
#define SP_REQUEST(id, handler, must, may, when, cls, text)                                        \
    [SP_T_##id] = {SP_T_##id, must, may, when, cls, text},
#include "libproto/tbl/requests.h"
#undef SP_REQUEST
};

/* The members that never travel on. */
static const uint32_t own_bits = 0
#define SP_MEMBER(id, word, allowed, server) | ((server) ? SP_B(id) : 0u)
#include "libproto/tbl/members.h"
#undef SP_MEMBER
    ;

const struct sp_request *sp_request_row(enum sp_type t)
{
    return requests[t].type == SP_T_NONE ? NULL : &requests[t];
}

const char *sp_type_wire(enum sp_type t)
{
    return t == SP_T_NONE ? "" : types[t].p;
}

enum sp_type sp_type_find(struct sp_str wire)
{
    for (int t = SP_T_NONE + 1; t < SP_T_COUNT; t++) {
        if (sp_str_eq(types[t], wire)) {
            return (enum sp_type)t;
        }
    }
    return SP_T_NONE;
}

static enum sp_err bad(struct sp_diag *d, enum sp_err e, const struct sp_msg *msg, struct sp_str at,
                       enum sp_msg_member id, const char *what)
{
    size_t off = at.p ? (size_t)(at.p - msg->doc.buf) : 0;
    return sp_diag_set(d, e, off, "%s %s at offset %zu", members[id].name.p, what, off);
}

static enum sp_msg_member classify(const struct sp_doc *doc, const struct sp_member *m)
{
    struct sp_str key = {doc->buf + m->key_off, m->key_len};
    for (int i = 0; i < SP_M_COUNT; i++) {
        if (m->key_escaped ? sp_text_eq(members[i].name, key) : sp_str_eq(members[i].name, key)) {
            return (enum sp_msg_member)i;
        }
    }
    return SP_M_COUNT;
}

/* Decodes a short string member, into scratch where it is escaped. */
static bool take_text(struct sp_msg *msg, enum sp_msg_member id, const struct sp_member *m,
                      size_t cap)
{
    struct sp_str raw = msg->raw[id];
    if (!m->val_escaped) {
        msg->str[id] = (struct sp_str){raw.p + 1, raw.n - 2};
        return raw.n - 2 <= cap;
    }
    char *dst = msg->scratch + msg->scratch_used;
    size_t room = sizeof(msg->scratch) - msg->scratch_used;
    size_t n = sp_unescape(dst, cap < room ? cap : room, raw);
    if (n == SIZE_MAX) {
        return false;
    }
    msg->scratch_used += n;
    msg->str[id] = (struct sp_str){dst, n};
    return true;
}

static enum sp_err take_int(struct sp_msg *msg, enum sp_msg_member id, int64_t low, int64_t high,
                            struct sp_diag *d)
{
    struct sp_str raw = msg->raw[id];
    if (!sp_parse_int(raw, &msg->num[id]) || msg->num[id] < low || msg->num[id] > high) {
        return bad(d, SP_INVALID_MEMBER, msg, raw, id, "is out of range");
    }
    return SP_OK;
}

static enum sp_err take_id(struct sp_msg *msg, enum sp_msg_member id, const struct sp_member *m,
                           struct sp_diag *d)
{
    if (!take_text(msg, id, m, SP_ID_MAX) || !sp_id_ok(msg->str[id])) {
        return bad(d, SP_INVALID_ID, msg, msg->raw[id], id, "is not a valid id");
    }
    return SP_OK;
}

static enum sp_err take_string(struct sp_msg *msg, enum sp_msg_member id, const struct sp_member *m,
                               size_t cap, struct sp_diag *d)
{
    if (!take_text(msg, id, m, cap)) {
        return bad(d, SP_INVALID_MEMBER, msg, msg->raw[id], id, "is too long or holds U+0000");
    }
    return SP_OK;
}

static enum sp_err take_stamp(struct sp_msg *msg, enum sp_msg_member id, const struct sp_member *m,
                              struct sp_diag *d)
{
    if (!take_text(msg, id, m, SP_WORD_MAX) || !sp_stamp_parse(msg->str[id], &msg->num[id])) {
        return bad(d, SP_INVALID_MEMBER, msg, msg->raw[id], id, "is not a timestamp");
    }
    return SP_OK;
}

static enum sp_err take_rid(struct sp_msg *msg, const struct sp_member *m, struct sp_diag *d)
{
    struct sp_str raw = msg->raw[SP_M_RID];
    enum sp_err e = m->kind == SP_J_NUMBER ? take_int(msg, SP_M_RID, -SP_INT_MAX, SP_INT_MAX, d)
                                           : take_string(msg, SP_M_RID, m, SP_RID_MAX, d);
    if (!e) {
        msg->rid = raw;
    }
    return e;
}

static enum sp_err take_value(struct sp_msg *msg, enum sp_msg_member id, const struct sp_member *m,
                              struct sp_diag *d)
{
    switch (id) {
    case SP_M_TARGET:
    case SP_M_ID:
    case SP_M_SESSION:
    case SP_M_AFTER:
        return take_id(msg, id, m, d);
    case SP_M_RID:
        return take_rid(msg, m, d);
    case SP_M_ROLE:
        if (!take_text(msg, id, m, SP_ROLE_MAX) || !sp_id_ok(msg->str[id])) {
            return bad(d, SP_INVALID_MEMBER, msg, msg->raw[id], id, "is not a valid role");
        }
        return SP_OK;
    case SP_M_META:
        return msg->raw[id].n <= SP_META_MAX
                   ? SP_OK
                   : bad(d, SP_INVALID_MEMBER, msg, msg->raw[id], id, "is too large");
    case SP_M_MATCH:
        if (msg->raw[id].n == 2) {
            return bad(d, SP_INVALID_MEMBER, msg, msg->raw[id], id, "is empty");
        }
        return take_string(msg, id, m, SP_MATCH_MAX, d);
    case SP_M_RESUME:
    case SP_M_BOOT:
        return take_string(msg, id, m, SP_MATCH_MAX, d);
    case SP_M_REASON:
        return take_string(msg, id, m, SP_REASON_MAX, d);
    case SP_M_FILTER:
        return take_string(msg, id, m, SP_FILTER_MAX, d);
    case SP_M_LIMIT:
        return take_int(msg, id, 1, SP_LIST_MAX, d);
    case SP_M_SAMPLE:
        return take_int(msg, id, 1, SP_SAMPLE_ALL, d);
    case SP_M_SINCE:
        return m->kind == SP_J_STRING ? take_stamp(msg, id, m, d)
                                      : take_int(msg, id, 0, SP_INT_MAX, d);
    case SP_M_BACKLOG:
    case SP_M_AGE:
    case SP_M_HOLD:
    case SP_M_RECEIVED:
        return take_int(msg, id, 0, SP_INT_MAX, d);
    case SP_M_CONTENT:
    case SP_M_DETAIL:
        msg->num[id] = msg->raw[id].p[0] == 't';
        return SP_OK;
    case SP_M_TYPE:
    case SP_M_FROM:
    case SP_M_TIMESTAMP:
    case SP_M_POLITE:
    case SP_M_TOKEN:
    case SP_M_SDP:
    case SP_M_CANDIDATE:
    case SP_M_COUNT:
        return SP_OK;
    }
    return SP_OK;
}

static void pass_on(struct sp_msg *msg, const struct sp_member *m, const char **run_end)
{
    const char *from = msg->doc.buf + m->key_off - 1, *to = msg->doc.buf + m->val_off + m->val_len;
    if (*run_end) {
        msg->pass[msg->npass - 1].n = (size_t)(to - msg->pass[msg->npass - 1].p);
    } else {
        msg->pass[msg->npass++] = (struct sp_str){from, (size_t)(to - from)};
    }
    *run_end = to;
}

/* One member against its row: its kind, its value, and whether it travels on. */
static enum sp_err take_member(struct sp_msg *msg, const struct sp_member *m, const char **run_end,
                               struct sp_diag *d)
{
    enum sp_msg_member id = classify(&msg->doc, m);
    uint32_t bit = id == SP_M_COUNT ? 0 : 1u << id;
    uint32_t known = msg->row->required | msg->row->optional;
    if (bit & known) {
        bool null = m->kind == SP_J_NULL && !(members[id].kinds & SP_J_NULL);
        msg->raw[id] = sp_doc_raw(&msg->doc, m);
        if (null && !(msg->row->required & bit)) {
            *run_end = NULL;
            return SP_OK;
        }
        if (!(m->kind & members[id].kinds)) {
            return bad(d, SP_INVALID_MEMBER, msg, msg->raw[id], id, "is of the wrong kind");
        }
        enum sp_err e = take_value(msg, id, m, d);
        if (e) {
            return e;
        }
        msg->have |= bit;
    }
    if (msg->row->class == SP_CLASS_RELAY && !(bit & own_bits)) {
        pass_on(msg, m, run_end);
    } else {
        *run_end = NULL;
    }
    return SP_OK;
}

/* rid and type come before the rest, so that any later error can name its request. */
static enum sp_err take_head(struct sp_msg *msg, struct sp_diag *d)
{
    const struct sp_member *rid = sp_doc_find(&msg->doc, members[SP_M_RID].name);
    if (rid && rid->kind != SP_J_NULL) {
        msg->raw[SP_M_RID] = sp_doc_raw(&msg->doc, rid);
        if (!(rid->kind & members[SP_M_RID].kinds)) {
            return bad(d, SP_INVALID_MEMBER, msg, msg->raw[SP_M_RID], SP_M_RID,
                       "is of the wrong kind");
        }
        enum sp_err e = take_rid(msg, rid, d);
        if (e) {
            return e;
        }
    }
    const struct sp_member *type = sp_doc_find(&msg->doc, members[SP_M_TYPE].name);
    if (!type) {
        return sp_diag_set(d, SP_MISSING_MEMBER, 0, "type is missing");
    }
    msg->raw[SP_M_TYPE] = sp_doc_raw(&msg->doc, type);
    if (type->kind != SP_J_STRING) {
        return bad(d, SP_INVALID_MEMBER, msg, msg->raw[SP_M_TYPE], SP_M_TYPE,
                   "is of the wrong kind");
    }
    if (take_text(msg, SP_M_TYPE, type, SP_WORD_MAX)) {
        msg->type = sp_type_find(msg->str[SP_M_TYPE]);
    }
    msg->row = sp_request_row(msg->type);
    if (!msg->row) {
        struct sp_str word = msg->raw[SP_M_TYPE];
        bool harmless = word.n <= SP_WORD_MAX && sp_id_ok((struct sp_str){word.p + 1, word.n - 2});
        return sp_diag_set(d, SP_UNKNOWN_TYPE, type->val_off, "type %.*s is not one that I know",
                           harmless ? (int)word.n : 0, word.p);
    }
    return SP_OK;
}

enum sp_err sp_msg_decode(struct sp_msg *msg, const char *buf, size_t len,
                          const struct sp_scan_limits *lim, struct sp_diag *d)
{
    msg->type = SP_T_NONE;
    msg->row = NULL;
    msg->have = 0;
    msg->npass = 0;
    msg->scratch_used = 0;
    msg->rid = (struct sp_str){NULL, 0};
    enum sp_err e = sp_scan(&msg->doc, buf, len, lim, d);
    if (!e) {
        e = take_head(msg, d);
    }
    const char *run_end = NULL;
    for (uint32_t i = 0; !e && i < msg->doc.count; i++) {
        e = take_member(msg, &msg->doc.m[i], &run_end, d);
    }
    if (e) {
        return e;
    }
    uint32_t missing = msg->row->required & ~msg->have;
    if (missing) {
        return sp_diag_set(d, SP_MISSING_MEMBER, 0, "%s is missing",
                           members[__builtin_ctz(missing)].name.p);
    }
    return SP_OK;
}
