/* SPDX-License-Identifier: MIT
 * The rows of top: taken, filtered, sorted. */
#include "cli/sigmon/topview.h"

#include "libproto/units.h"

#include <stdio.h>
#include <stdlib.h>

void top_view_init(struct top_view *v, const char *url)
{
    char why[64];
    *v = (struct top_view){.url = url, .by = TOP_SESSIONS};
    top_view_sort(v, "-age", why, sizeof(why)); /* the newest first */
    v->by = TOP_PEERS;
    top_view_sort(v, "out/s", why, sizeof(why));
}

void top_view_fini(struct top_view *v)
{
    free(v->rows);
    free(v->sorted);
}

bool top_view_sort(struct top_view *v, const char *name, char *why, size_t cap)
{
    const struct top_column *columns = top_columns[v->by];
    bool reverse = name[0] == '-';
    struct sp_guess guess = sp_guess_init(sp_str(name + reverse));
    for (unsigned i = 0; columns[i].name; i++) {
        if (strcmp(columns[i].name, name + reverse) == 0) {
            v->order[v->by] = (struct top_order){.column = i, .reverse = reverse};
            return true;
        }
        sp_guess_consider(&guess, columns[i].name);
    }
    int n = snprintf(why, cap, "--by %s has no column '%s'", top_by_words[v->by], name + reverse);
    if (guess.best && n > 0 && (size_t)n < cap) {
        snprintf(why + n, cap - (size_t)n, ", did you mean '%s'?", guess.best);
    }
    return false;
}

/* ---------------------------------------------------------------- the filter */

enum sp_err top_view_filter(struct top_view *v, const char *text, struct sp_diag *d)
{
    struct sp_filter f;
    enum sp_err err = sp_filter_parse(&f, sp_str(text), d);
    if (err == SP_OK) {
        v->filter = f;
        snprintf(v->filter_text, sizeof(v->filter_text), "%s", text);
    }
    return err;
}

/* A row as the event that a filter would have it. */
static struct sp_event peer_event(const struct peer *p)
{
    struct sp_event ev;
    sp_event_init(&ev, p->gone_us < 0 ? SP_EV_REGISTER : SP_EV_DISCONNECT, 0);
    ev.s[SP_ES_id] = sp_str(p->id);
    ev.s[SP_ES_role] = sp_str(p->role);
    ev.n[SP_EN_conn] = p->conn;
    ev.n[SP_EN_size] = (int64_t)p->bytes;
    return ev;
}

static struct sp_event call_event(const struct call *c)
{
    struct sp_event ev;
    sp_event_init(&ev,
                  book_is_over(c)       ? SP_EV_SESSION_END
                  : c->answered_us >= 0 ? SP_EV_SESSION_ANSWER
                                        : SP_EV_SESSION_OPEN,
                  0);
    ev.s[SP_ES_session] = sp_str(c->id);
    ev.s[SP_ES_from] = sp_str(c->side[0].id);
    ev.s[SP_ES_to] = sp_str(c->side[1].id);
    ev.s[SP_ES_reason] = sp_str(c->reason);
    ev.n[SP_EN_size] = (int64_t)(c->side[0].bytes + c->side[1].bytes);
    ev.n[SP_EN_us] = book_is_over(c) ? c->life_us : c->setup_us;
    return ev;
}

static bool is_shown(const struct top_view *v, const struct sp_event *ev)
{
    return v->filter_text[0] == '\0' || sp_filter_match(&v->filter, ev);
}

/* ---------------------------------------------------------------- rows */

static bool make_room(struct top_view *v, size_t n)
{
    if (n <= v->room) {
        return true;
    }
    size_t room = n + n / 2 + 64;
    struct top_row *rows = realloc(v->rows, room * sizeof(*rows));
    if (rows) {
        v->rows = rows;
    }
    struct top_row **sorted = realloc(v->sorted, room * sizeof(struct top_row *));
    if (sorted) {
        v->sorted = sorted;
    }
    v->room = rows && sorted ? room : v->room;
    return rows && sorted;
}

/* The server's clock and the one that stamped it may be a moment apart. */
static int64_t age_of(int64_t server_ms, int64_t since_ms)
{
    if (server_ms < 0 || since_ms < 0) {
        return -1;
    }
    return server_ms > since_ms ? (server_ms - since_ms) * 1000 : 0;
}

static void take_peers(struct top_view *v, const struct crowd *c, int64_t server_ms)
{
    for (const struct peer *p = c->newest; p; p = p->older) {
        struct sp_event ev = peer_event(p);
        if (is_shown(v, &ev)) {
            struct top_row *r = &v->rows[v->n++];
            r->peer = *p;
            r->age_us = age_of(server_ms, p->since_ms);
        }
    }
}

static void take_calls(struct top_view *v, const struct crowd *c, int64_t server_ms)
{
    for (const struct call *call = c->book.newest; call; call = call->older) {
        struct sp_event ev = call_event(call);
        if (is_shown(v, &ev)) {
            struct top_row *r = &v->rows[v->n++];
            r->call = *call;
            int64_t opened_us = call->opened_us >= 0 ? call->opened_us : call->first_us;
            r->age_us = age_of(server_ms, opened_us / 1000);
        }
    }
}

static int by_order(const void *a, const void *b, void *ctx)
{
    const struct top_view *v = ctx;
    const struct top_row *x = *(struct top_row *const *)a, *y = *(struct top_row *const *)b;
    const struct top_column *columns = top_columns[v->by];
    const struct top_order *o = &v->order[v->by];
    const struct top_column *k = &columns[o->column];
    int order = k->cmp(x, y);
    order = k->left == o->reverse ? -order : order;
    /* what is equal stays where it was */
    return order ? order : columns[0].cmp(x, y);
}

void top_view_resort(struct top_view *v)
{
    for (size_t i = 0; i < v->n; i++) {
        v->sorted[i] = &v->rows[i];
    }
    if (v->n > 1) {
        qsort_r(v->sorted, v->n, sizeof(struct top_row *), by_order, v);
    }
}

bool top_view_refresh(struct top_view *v, const struct crowd *c, int64_t now_us)
{
    int64_t server_ms = crowd_server_ms(c, now_us);
    v->n = 0;
    if (!make_room(v, v->by == TOP_PEERS ? c->peers.count : c->book.n)) {
        return false;
    }
    (v->by == TOP_PEERS ? take_peers : take_calls)(v, c, server_ms);
    v->rows_by = v->by;
    v->clients = c->here;
    v->sessions = c->open;
    v->missed = c->missed;
    v->messages_s = c->messages_s;
    v->errors_s = c->errors_s;
    v->stale = false;
    top_view_resort(v);
    return true;
}
