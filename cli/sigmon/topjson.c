/* SPDX-License-Identifier: MIT
 * A frame of top as an object. */
#include "cli/sigmon/topjson.h"

#include "cli/common/print.h"
#include "libproto/time.h"

#include <stdio.h>

#define ROW_BYTES 160u /* a row's own members, in sixths: print_begin counts others' text */

static void put_rate(struct sp_json *j, const char *key, double v)
{
    char text[64];
    snprintf(text, sizeof(text), "%.3f", v);
    sp_json_raw(j, key, sp_str(text));
}

static void put_us(struct sp_json *j, const char *key, int64_t us)
{
    if (us >= 0) {
        sp_json_int(j, key, us);
    }
}

static void put_count(struct sp_json *j, const char *key, uint64_t n)
{
    sp_json_int(j, key, (int64_t)(n < INT64_MAX ? n : INT64_MAX));
}

static void put_peer(struct sp_json *j, const struct top_row *r)
{
    const struct peer *p = &r->peer;
    struct sp_stamp stamp = {0};
    sp_json_str(j, "id", sp_str(p->id));
    sp_json_str_opt(j, "role", sp_str(p->role));
    if (p->since_ms >= 0) {
        sp_json_str(j, "since", sp_stamp_at(&stamp, p->since_ms));
    }
    put_us(j, "age_us", r->age_us);
    sp_json_bool(j, "gone", p->gone_us >= 0);
    put_rate(j, "out_per_s", p->out_s);
    put_rate(j, "in_per_s", p->in_s);
    put_rate(j, "bytes_per_s", p->bytes_s);
    put_count(j, "errors", p->errors);
    put_count(j, "waiting", p->waiting);
    put_count(j, "sessions", p->sessions);
    put_count(j, "out", p->out);
    put_count(j, "in", p->in);
    put_count(j, "bytes", p->bytes);
}

static void put_side(struct sp_json *j, const char *key, const struct side *s)
{
    sp_json_object(j, key);
    for (unsigned k = 0; k < BOOK_KINDS; k++) {
        sp_json_int(j, book_kind_word((enum book_kind)k), s->kinds[k]);
    }
    sp_json_bool(j, "end", s->end);
    sp_json_end(j, '}');
}

static void put_session(struct sp_json *j, const struct top_row *r)
{
    const struct call *c = &r->call;
    sp_json_str(j, "session", sp_str(c->id));
    sp_json_str(j, "from", sp_str(c->side[0].id));
    sp_json_str(j, "to", sp_str(c->side[1].id));
    sp_json_str(j, "state", sp_str(top_state(c)));
    put_us(j, "age_us", r->age_us);
    put_us(j, "setup_us", c->setup_us);
    put_us(j, "life_us", c->life_us);
    put_side(j, "from_candidates", &c->side[0]);
    put_side(j, "to_candidates", &c->side[1]);
    put_count(j, "bytes", c->side[0].bytes + c->side[1].bytes);
    sp_json_str_opt(j, "reason", sp_str(c->reason));
}

static size_t text_of(const struct top_view *v)
{
    size_t n = strlen(v->url);
    for (size_t i = 0; i < v->n; i++) {
        const struct top_row *r = v->sorted[i];
        n += ROW_BYTES;
        n += v->rows_by == TOP_PEERS ? strlen(r->peer.id) + strlen(r->peer.role)
                                     : strlen(r->call.id) + strlen(r->call.side[0].id) +
                                           strlen(r->call.side[1].id) + strlen(r->call.reason);
    }
    return n;
}

void top_json(const struct link_opts *o, const struct top_view *v, int64_t interval_us)
{
    struct print_line l;
    if (!print_begin(&l, text_of(v))) {
        return;
    }
    sp_json_str(&l.j, "type", SP_STR("top"));
    print_time(&l, link_wall_us());
    sp_json_str(&l.j, "by", sp_str(top_by_words[v->rows_by]));
    sp_json_str(&l.j, "url", sp_str(v->url));
    sp_json_int(&l.j, "interval_us", interval_us);
    put_count(&l.j, "clients", v->clients);
    put_count(&l.j, "sessions", v->sessions);
    put_rate(&l.j, "messages_per_s", v->messages_s);
    put_rate(&l.j, "errors_per_s", v->errors_s);
    sp_json_int(&l.j, "missed", v->missed);
    sp_json_array(&l.j, "rows");
    for (size_t i = 0; i < v->n; i++) {
        sp_json_object(&l.j, NULL);
        (v->rows_by == TOP_PEERS ? put_peer : put_session)(&l.j, v->sorted[i]);
        sp_json_end(&l.j, '}');
    }
    sp_json_end(&l.j, ']');
    print_end(o, &l);
}
