/* SPDX-License-Identifier: MIT
 * The columns of top. */
#include "cli/common/out.h"
#include "cli/sigmon/lines.h"
#include "cli/sigmon/topview.h"
#include "libproto/utf8.h"

#include <stdio.h>

const char *const top_by_words[TOP_VIEWS] = {[TOP_PEERS] = "peers", [TOP_SESSIONS] = "sessions"};

const char *top_state(const struct call *c)
{
    return book_is_over(c) ? "ended" : c->answered_us >= 0 ? "answered" : "waiting";
}

void top_safe(char *out, size_t cap, struct sp_str s)
{
    char safe[2048];
    size_t n = sp_utf8_safe(safe, sizeof(safe), s, false), k = 0;
    for (size_t i = 0; i < n && k + 1 < cap; i++) {
        unsigned char ch = (unsigned char)safe[i];
        if (ch < 0x80) {
            out[k++] = safe[i];
        } else if ((ch & 0xC0) != 0x80) {
            out[k++] = '?'; /* nobody knows how wide it is */
        }
    }
    out[k] = '\0';
}

static void put_rate(char cell[TOP_CELL], double v)
{
    char text[16];
    if (v > 0 && v < 9.95) {
        snprintf(cell, TOP_CELL, "%.1f", v);
    } else {
        out_size(text, (uint64_t)(v + 0.5));
        snprintf(cell, TOP_CELL, "%s", text);
    }
}

static void put_count(char cell[TOP_CELL], uint64_t n)
{
    char text[16];
    out_size(text, n);
    snprintf(cell, TOP_CELL, "%s", text);
}

static void put_age_of(char cell[TOP_CELL], int64_t us)
{
    long long s = (long long)(us / 1000000);
    if (us < 0) {
        snprintf(cell, TOP_CELL, "-");
    } else if (s < 60) {
        snprintf(cell, TOP_CELL, "%llds", s);
    } else if (s < 3600) {
        snprintf(cell, TOP_CELL, "%lldm%02lld", s / 60, s % 60);
    } else if (s < 86400) {
        snprintf(cell, TOP_CELL, "%lldh%02lld", s / 3600, s / 60 % 60);
    } else {
        snprintf(cell, TOP_CELL, "%lldd%02lld", s / 86400, s / 3600 % 24);
    }
}

static void put_age(const struct top_row *r, char cell[TOP_CELL])
{
    put_age_of(cell, r->age_us);
}

static int by_age(const struct top_row *a, const struct top_row *b)
{
    return (a->age_us > b->age_us) - (a->age_us < b->age_us);
}

/* A column that is a member of the row. */
#define MEMBER(name, member, how)                                                                  \
    static void put_##name(const struct top_row *r, char cell[TOP_CELL])                           \
    {                                                                                              \
        how(cell, r->member);                                                                      \
    }                                                                                              \
    static int by_##name(const struct top_row *a, const struct top_row *b)                         \
    {                                                                                              \
        return (a->member > b->member) - (a->member < b->member);                                  \
    }

#define TEXT(name, member)                                                                         \
    static void put_##name(const struct top_row *r, char cell[TOP_CELL])                           \
    {                                                                                              \
        top_safe(cell, TOP_CELL, sp_str(r->member));                                               \
    }                                                                                              \
    static int by_##name(const struct top_row *a, const struct top_row *b)                         \
    {                                                                                              \
        return strcmp(a->member, b->member);                                                       \
    }

/* ---------------------------------------------------------------- peers */

TEXT(id, peer.id)
TEXT(role, peer.role)
MEMBER(out_s, peer.out_s, put_rate)
MEMBER(in_s, peer.in_s, put_rate)
MEMBER(bytes_s, peer.bytes_s, put_rate)
MEMBER(errors, peer.errors, put_count)
MEMBER(waiting, peer.waiting, put_count)
MEMBER(sessions, peer.sessions, put_count)
MEMBER(out, peer.out, put_count)
MEMBER(in, peer.in, put_count)
MEMBER(bytes, peer.bytes, put_count)

static void put_since(const struct top_row *r, char cell[TOP_CELL])
{
    if (r->peer.gone_us >= 0) {
        snprintf(cell, TOP_CELL, "gone");
    } else {
        put_age(r, cell);
    }
}

static const struct top_column peers[] = {
    {"id", 15, true, put_id, by_id, "who it is"},
    {"role", 8, true, put_role, by_role, "its role"},
    {"since", 6, false, put_since, by_age, "for how long it is registered, or gone"},
    {"out/s", 7, false, put_out_s, by_out_s, "messages it sends, each second"},
    {"in/s", 7, false, put_in_s, by_in_s, "messages it gets, each second"},
    {"bytes/s", 8, false, put_bytes_s, by_bytes_s, "bytes both ways, each second"},
    {"errors", 6, false, put_errors, by_errors, "refused, not delivered, over a rate"},
    {"waiting", 7, false, put_waiting, by_waiting, "its offers without an answer"},
    {"sessions", 8, false, put_sessions, by_sessions, "its open sessions"},
    {"out", 7, false, put_out, by_out, "messages it sent since top began"},
    {"in", 7, false, put_in, by_in, "messages it got since top began"},
    {"bytes", 8, false, put_bytes, by_bytes, "bytes both ways since top began"},
    {0}};

/* ---------------------------------------------------------------- sessions */

static void put_session(const struct top_row *r, char cell[TOP_CELL])
{
    top_safe(cell, TOP_CELL, lines_session(sp_str(r->call.id)));
}

static int by_session(const struct top_row *a, const struct top_row *b)
{
    return strcmp(a->call.id, b->call.id);
}

static void put_parties(const struct top_row *r, char cell[TOP_CELL])
{
    char a[TOP_CELL / 2 - 8], b[TOP_CELL / 2 - 8];
    top_safe(a, sizeof(a), sp_str(r->call.side[0].id));
    top_safe(b, sizeof(b), sp_str(r->call.side[1].id));
    snprintf(cell, TOP_CELL, "%s → %s", a, b);
}

static int by_parties(const struct top_row *a, const struct top_row *b)
{
    int order = strcmp(a->call.side[0].id, b->call.side[0].id);
    return order ? order : strcmp(a->call.side[1].id, b->call.side[1].id);
}

static void put_state(const struct top_row *r, char cell[TOP_CELL])
{
    snprintf(cell, TOP_CELL, "%s", top_state(&r->call));
}

static int by_state(const struct top_row *a, const struct top_row *b)
{
    return strcmp(top_state(&b->call), top_state(&a->call));
}

static void put_span(char cell[TOP_CELL], int64_t us)
{
    char text[16] = "-";
    if (us >= 0) {
        out_span(text, us);
    }
    snprintf(cell, TOP_CELL, "%s", text);
}

/* Kinds by their first letters, as h2r1, with a '.' once the side said that these are all. */
static size_t put_side(char *p, size_t cap, const struct side *s)
{
    size_t n = 0;
    for (unsigned k = 0; k < BOOK_KINDS; k++) {
        if (s->kinds[k] > 0 && n < cap) {
            n += (size_t)snprintf(p + n, cap - n, "%c%u", book_kind_word((enum book_kind)k)[0],
                                  s->kinds[k]);
        }
    }
    if (n < cap) {
        n += (size_t)snprintf(p + n, cap - n, "%s%s", n == 0 ? "-" : "", s->end ? "." : "");
    }
    return n < cap ? n : cap - 1;
}

static void put_candidates(const struct top_row *r, char cell[TOP_CELL])
{
    size_t n = put_side(cell, TOP_CELL / 2, &r->call.side[0]);
    cell[n++] = '/';
    put_side(cell + n, TOP_CELL / 2, &r->call.side[1]);
}

static int by_candidates(const struct top_row *a, const struct top_row *b)
{
    uint32_t x = a->call.side[0].candidates + a->call.side[1].candidates;
    uint32_t y = b->call.side[0].candidates + b->call.side[1].candidates;
    return (x > y) - (x < y);
}

static uint64_t bytes_of(const struct top_row *r)
{
    return r->call.side[0].bytes + r->call.side[1].bytes;
}

static void put_call_bytes(const struct top_row *r, char cell[TOP_CELL])
{
    put_count(cell, bytes_of(r));
}

static int by_call_bytes(const struct top_row *a, const struct top_row *b)
{
    return (bytes_of(a) > bytes_of(b)) - (bytes_of(a) < bytes_of(b));
}

MEMBER(setup, call.setup_us, put_span)
TEXT(reason, call.reason)

static const struct top_column sessions[] = {
    {"session", 8, true, put_session, by_session, "the begin of its id"},
    {"parties", 21, true, put_parties, by_parties, "who called whom"},
    {"state", 8, true, put_state, by_state, "waiting for the answer, answered, ended"},
    {"age", 6, false, put_age, by_age, "since the offer"},
    {"setup", 9, false, put_setup, by_setup, "from the offer to the answer"},
    {"candidates", 14, false, put_candidates, by_candidates, "of each side, since top began"},
    {"bytes", 7, false, put_call_bytes, by_call_bytes, "both ways, since top began"},
    {"reason", 16, true, put_reason, by_reason, "why it ended"},
    {0}};

const struct top_column *const top_columns[TOP_VIEWS] = {peers, sessions};
