/* SPDX-License-Identifier: MIT
 * Events of the feed that monitors receive: one struct, one table of fields. */
#ifndef SP_EVENT_H
#define SP_EVENT_H

#include "libproto/buf.h"
#include "libproto/err.h"
#include "libproto/limits.h"
#include "libproto/types.h"

enum sp_event_type {
    SP_EV_NONE = 0,
#define SP_EVENT(id, wire, level, text) SP_EV_##id,
#include "libproto/tbl/events.h"
#undef SP_EVENT
    SP_EV_COUNT
};

/* The string fields and the number fields, each numbered from 0. */
enum sp_event_str {
#define SP_FIELD_NUM(member, name, unit)
#define SP_FIELD_STR(member, name, longest) SP_ES_##member,
#include "libproto/tbl/event_fields.h"
#undef SP_FIELD_NUM
#undef SP_FIELD_STR
    SP_ES_COUNT
};

enum sp_event_num {
#define SP_FIELD_NUM(member, name, unit) SP_EN_##member,
#define SP_FIELD_STR(member, name, longest)
#include "libproto/tbl/event_fields.h"
#undef SP_FIELD_NUM
#undef SP_FIELD_STR
    SP_EN_COUNT
};

/* sp_event borrows its strings. A number that is absent is -1, a string that is absent is empty.
 * Use: ev.s[SP_ES_from], ev.n[SP_EN_size]. */
struct sp_event {
    int64_t ts_ms;
    enum sp_event_type event;
    enum sp_type kind; /* the message's type on relay events, else SP_T_NONE */
    struct sp_str s[SP_ES_COUNT];
    int64_t n[SP_EN_COUNT];
};

/* The longest event there is: four ids, its node, a reason and a word. */
#define SP_EVENT_TEXT (5u * SP_ID_MAX + SP_REASON_MAX + SP_WORD_MAX)

/* sp_event_slot is an event but for its strings, for rings and queues; they stand one behind the
 * other elsewhere. */
struct sp_event_slot {
    int64_t ts_ms;
    int64_t n[SP_EN_COUNT];
    uint8_t event, kind;
    uint8_t len[SP_ES_COUNT];
};

/* sp_event_text_len gives the bytes that the strings of ev take, each cut at its field's longest;
 * at most SP_EVENT_TEXT. sp_event_pack copies ev into s and those strings into text,
 * sp_event_unpack makes an event that borrows from text. */
size_t sp_event_text_len(const struct sp_event *ev);
void sp_event_pack(struct sp_event_slot *s, char *text, const struct sp_event *ev);
void sp_event_unpack(const struct sp_event_slot *s, const char *text, struct sp_event *ev);

/* sp_event_init makes an event with every field absent. */
void sp_event_init(struct sp_event *ev, enum sp_event_type t, int64_t ts_ms);

const char *sp_event_wire(enum sp_event_type t);
enum sp_event_type sp_event_find(struct sp_str wire);
const char *sp_event_str_name(enum sp_event_str f);
const char *sp_event_num_name(enum sp_event_num f);

/* sp_put_event writes one event object; ts is its timestamp as text. */
void sp_put_event(struct sp_buf *b, const struct sp_event *ev, struct sp_str ts);

/* sp_event_parse reads one event object back; strings are borrowed from raw or decoded into
 * scratch. Members it does not know are passed over, so that newer daemons can be watched. An
 * event word it does not know gives SP_EV_NONE, a kind SP_T_NONE. Numbers below 0 are refused. */
enum sp_err sp_event_parse(struct sp_event *ev, struct sp_str raw, char *scratch, size_t cap,
                           struct sp_diag *d) SP_MUST_CHECK;

/* sp_each_element walks a raw JSON array that was scanned already: start with *pos = 0; gives one
 * raw element a call, false at the end. */
bool sp_each_element(struct sp_str array, size_t *pos, struct sp_str *element);

#endif
