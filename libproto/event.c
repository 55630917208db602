/* SPDX-License-Identifier: MIT
 * Events of the feed: names from the tables, one writer, one reader. */
#include "libproto/event.h"

#include "libproto/msg.h"
#include "libproto/time.h"

/* One field in wire order; at is its place in s or n of the event. */
struct field {
    struct sp_str key; /* ,"name": */
    bool is_num;
    uint8_t at;
};

static const struct field fields[] = {
#define SP_FIELD_NUM(member, name, unit)    {SP_STR_INIT(",\"" name "\":"), true, SP_EN_##member},
#define SP_FIELD_STR(member, name, longest) {SP_STR_INIT(",\"" name "\":"), false, SP_ES_##member},
#define SP_STR_INIT(literal)                                                                       \
    {                                                                                              \
        (literal), sizeof(literal) - 1                                                             \
    }
#include "libproto/tbl/event_fields.h"
#undef SP_STR_INIT
#undef SP_FIELD_NUM
#undef SP_FIELD_STR
};

#define FIELDS (sizeof(fields) / sizeof(fields[0]))

_Static_assert(SP_EN_seq == 0, "seq is the first field on the wire");

static const char *const event_words[SP_EV_COUNT] = {
    [SP_EV_NONE] = "",
#define SP_EVENT(id, wire, level, text) [SP_EV_##id] = wire,
#include "libproto/tbl/events.h"
#undef SP_EVENT
};

static const char *const str_names[SP_ES_COUNT] = {
#define SP_FIELD_NUM(member, name, unit)
#define SP_FIELD_STR(member, name, longest) [SP_ES_##member] = name,
#include "libproto/tbl/event_fields.h"
#undef SP_FIELD_NUM
#undef SP_FIELD_STR
};

static const char *const num_names[SP_EN_COUNT] = {
#define SP_FIELD_NUM(member, name, unit) [SP_EN_##member] = name,
#define SP_FIELD_STR(member, name, longest)
#include "libproto/tbl/event_fields.h"
#undef SP_FIELD_NUM
#undef SP_FIELD_STR
};

void sp_event_init(struct sp_event *ev, enum sp_event_type t, int64_t ts_ms)
{
    *ev = (struct sp_event){.ts_ms = ts_ms, .event = t, .kind = SP_T_NONE};
    for (size_t i = 0; i < SP_EN_COUNT; i++) {
        ev->n[i] = -1;
    }
}

static const uint8_t longest[SP_ES_COUNT] = {
#define SP_FIELD_NUM(member, name, unit)
#define SP_FIELD_STR(member, name, most) [SP_ES_##member] = most,
#include "libproto/tbl/event_fields.h"
#undef SP_FIELD_NUM
#undef SP_FIELD_STR
};

static size_t cut_len(const struct sp_event *ev, int field, size_t used)
{
    size_t n = ev->s[field].n, left = SP_EVENT_TEXT - used;
    n = n < left ? n : left;
    return n < longest[field] ? n : longest[field];
}

size_t sp_event_text_len(const struct sp_event *ev)
{
    size_t used = 0;
    for (int i = 0; i < SP_ES_COUNT; i++) {
        used += cut_len(ev, i, used);
    }
    return used;
}

void sp_event_pack(struct sp_event_slot *s, char *text, const struct sp_event *ev)
{
    s->ts_ms = ev->ts_ms;
    s->event = (uint8_t)ev->event;
    s->kind = (uint8_t)ev->kind;
    memcpy(s->n, ev->n, sizeof(s->n));
    size_t used = 0;
    for (int i = 0; i < SP_ES_COUNT; i++) {
        size_t n = cut_len(ev, i, used);
        if (n) {
            memcpy(text + used, ev->s[i].p, n);
        }
        s->len[i] = (uint8_t)n;
        used += n;
    }
}

void sp_event_unpack(const struct sp_event_slot *s, const char *text, struct sp_event *ev)
{
    ev->ts_ms = s->ts_ms;
    ev->event = (enum sp_event_type)s->event;
    ev->kind = (enum sp_type)s->kind;
    memcpy(ev->n, s->n, sizeof(ev->n));
    for (int i = 0; i < SP_ES_COUNT; i++) {
        ev->s[i] = (struct sp_str){text, s->len[i]};
        text += s->len[i];
    }
}

const char *sp_event_wire(enum sp_event_type t)
{
    return t < SP_EV_COUNT ? event_words[t] : "";
}

enum sp_event_type sp_event_find(struct sp_str wire)
{
    for (unsigned t = SP_EV_NONE + 1; t < SP_EV_COUNT; t++) {
        if (sp_str_eq(wire, sp_str(event_words[t]))) {
            return (enum sp_event_type)t;
        }
    }
    return SP_EV_NONE;
}

const char *sp_event_str_name(enum sp_event_str f)
{
    return f < SP_ES_COUNT ? str_names[f] : "";
}

const char *sp_event_num_name(enum sp_event_num f)
{
    return f < SP_EN_COUNT ? num_names[f] : "";
}

void sp_put_event(struct sp_buf *b, const struct sp_event *ev, struct sp_str ts)
{
    sp_buf_lit(b, "{");
    if (ev->n[SP_EN_seq] >= 0) {
        sp_buf_lit(b, "\"seq\":");
        sp_buf_int(b, ev->n[SP_EN_seq]);
        sp_buf_lit(b, ",");
    }
    sp_buf_lit(b, "\"ts\":");
    sp_buf_json(b, ts);
    sp_buf_lit(b, ",\"event\":");
    sp_buf_json(b, sp_str(sp_event_wire(ev->event)));
    if (ev->kind != SP_T_NONE) {
        sp_buf_lit(b, ",\"kind\":");
        sp_buf_json(b, sp_str(sp_type_wire(ev->kind)));
    }
    for (size_t i = 1; i < FIELDS; i++) {
        const struct field *f = &fields[i];
        if (f->is_num && ev->n[f->at] >= 0) {
            sp_buf_str(b, f->key);
            sp_buf_int(b, ev->n[f->at]);
        } else if (!f->is_num && ev->s[f->at].n > 0) {
            sp_buf_str(b, f->key);
            sp_buf_json(b, ev->s[f->at]);
        }
    }
    sp_buf_lit(b, "}");
}

/* What the reader carries from member to member: strings with escapes are decoded one after the
 * other into scratch. */
struct reader {
    struct sp_event ev;
    const struct sp_doc *doc;
    struct sp_buf scratch;
};

static bool read_str(struct reader *r, const struct sp_member *m, struct sp_str *out)
{
    struct sp_str raw = sp_doc_raw(r->doc, m);

    if (m->kind != SP_J_STRING) {
        return false;
    }
    if (!m->val_escaped) {
        *out = (struct sp_str){raw.p + 1, raw.n - 2};
        return true;
    }
    struct sp_buf *s = &r->scratch;
    size_t n = sp_unescape(s->p + s->n, s->cap - s->n, raw);
    if (n == SIZE_MAX) {
        return false;
    }
    *out = (struct sp_str){s->p + s->n, n};
    s->n += n;
    return true;
}

static bool read_num(const struct reader *r, const struct sp_member *m, int64_t *out)
{
    int64_t v;

    if (m->kind != SP_J_NUMBER || !sp_parse_int(sp_doc_raw(r->doc, m), &v) || v < 0) {
        return false;
    }
    *out = v;
    return true;
}

static bool read_field(struct reader *r, const struct sp_member *m, struct sp_str key)
{
    for (size_t i = 0; i < FIELDS; i++) {
        const struct field *f = &fields[i];
        struct sp_str name = {f->key.p + 2, f->key.n - 4};
        if (sp_str_eq(key, name)) {
            return f->is_num ? read_num(r, m, &r->ev.n[f->at]) : read_str(r, m, &r->ev.s[f->at]);
        }
    }
    return true;
}

static bool read_member(struct reader *r, const struct sp_member *m)
{
    struct sp_str key = {r->doc->buf + m->key_off, m->key_len};
    struct sp_str word;

    if (sp_str_eq(key, SP_STR("ts"))) {
        return read_str(r, m, &word) && sp_stamp_parse(word, &r->ev.ts_ms);
    }
    if (sp_str_eq(key, SP_STR("event"))) {
        if (!read_str(r, m, &word)) {
            return false;
        }
        r->ev.event = sp_event_find(word);
        return true;
    }
    if (sp_str_eq(key, SP_STR("kind"))) {
        if (!read_str(r, m, &word)) {
            return false;
        }
        r->ev.kind = sp_type_find(word);
        return true;
    }
    return read_field(r, m, key);
}

enum sp_err sp_event_parse(struct sp_event *ev, struct sp_str raw, char *scratch, size_t cap,
                           struct sp_diag *d)
{
    struct sp_doc doc;
    enum sp_err e = sp_scan(&doc, raw.p, raw.n, &sp_scan_defaults, d);

    if (e != SP_OK) {
        return e;
    }
    struct reader r = {.doc = &doc};
    sp_event_init(&r.ev, SP_EV_NONE, 0);
    sp_buf_init(&r.scratch, scratch, cap);
    for (uint32_t i = 0; i < doc.count; i++) {
        const struct sp_member *m = &doc.m[i];
        if (m->kind != SP_J_NULL && !read_member(&r, m)) {
            return sp_diag_set(d, SP_INVALID_MEMBER, m->val_off, "bad value in an event");
        }
    }
    *ev = r.ev;
    return SP_OK;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The offset after the string whose opening quote is at i. */
static size_t skip_string(struct sp_str s, size_t i)
{
    for (i++; i < s.n && s.p[i] != '"'; i++) {
        if (s.p[i] == '\\') {
            i++;
        }
    }
    return i < s.n ? i + 1 : s.n;
}

/* The offset after the value at i. */
static size_t skip_value(struct sp_str s, size_t i)
{
    size_t depth = 0;

    while (i < s.n) {
        char c = s.p[i];
        if (c == '"') {
            i = skip_string(s, i);
            if (depth == 0) {
                return i;
            }
            continue;
        }
        if (depth == 0 && (c == ',' || c == ']' || is_space(c))) {
            return i;
        }
        if (c == '{' || c == '[') {
            depth++;
        } else if ((c == '}' || c == ']') && --depth == 0) {
            return i + 1;
        }
        i++;
    }
    return i;
}

bool sp_each_element(struct sp_str array, size_t *pos, struct sp_str *element)
{
    size_t i = *pos;

    while (i < array.n && (is_space(array.p[i]) || array.p[i] == ',' || i == 0)) {
        i++;
    }
    if (i >= array.n || array.p[i] == ']') {
        return false;
    }
    size_t end = skip_value(array, i);
    *element = (struct sp_str){array.p + i, end - i};
    *pos = end;
    return true;
}
