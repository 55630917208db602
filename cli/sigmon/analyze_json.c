/* SPDX-License-Identifier: MIT
 * The report of analyze as one object. */
#include "cli/common/print.h"
#include "cli/sigmon/report.h"
#include "libproto/time.h"

#include <stdlib.h>

/* A member whose name is not ours. */
static void put_count(struct sp_json *j, struct sp_str key, int64_t n)
{
    sp_buf_str(j->b, j->comma[j->depth] ? SP_STR(",") : SP_STR(""));
    j->comma[j->depth] = true;
    sp_buf_json(j->b, key);
    sp_buf_lit(j->b, ":");
    sp_buf_int(j->b, n);
}

static bool put_words(struct sp_json *j, const char *key, const struct words *w)
{
    size_t n;
    const struct word **v = words_sorted(w, &n);
    sp_json_object(j, key);
    for (size_t i = 0; i < n; i++) {
        put_count(j, (struct sp_str){v[i]->text, v[i]->len}, v[i]->n);
    }
    sp_json_end(j, '}');
    free(v);
    return v != NULL;
}

static void put_types(struct sp_json *j, const int64_t by_type[TALLY_TYPES])
{
    sp_json_int(j, "offer", by_type[TALLY_OFFER]);
    sp_json_int(j, "answer", by_type[TALLY_ANSWER]);
    sp_json_int(j, "ice", by_type[TALLY_ICE]);
    sp_json_int(j, "bye", by_type[TALLY_BYE]);
}

static void put_way(struct sp_json *j, const struct tally_way *w)
{
    sp_json_int(j, "messages", w->n);
    put_types(j, w->by_type);
    sp_json_int(j, "bytes", w->bytes);
}

static void put_stamp(struct sp_json *j, const char *key, const char *key_us, int64_t ms)
{
    struct sp_stamp stamp = {0};
    if (ms < 0) {
        sp_json_raw(j, key, SP_STR("null"));
        sp_json_raw(j, key_us, SP_STR("null"));
        return;
    }
    sp_json_str(j, key, sp_stamp_at(&stamp, ms));
    sp_json_int(j, key_us, ms * 1000);
}

static bool put_figures(struct sp_json *j, struct tally *t)
{
    const struct tally_figures *f = &t->f;
    const int64_t by_type[TALLY_TYPES] = {f->offers, f->answers, f->candidates, f->byes};
    put_stamp(j, "first_ts", "first_ts_us", f->first_ms);
    put_stamp(j, "last_ts", "last_ts_us", f->last_ms);
    sp_json_int(j, "span_us", f->span_us);
    sp_json_int(j, "events", f->events);
    bool ok = put_words(j, "by_event", &t->events);
    sp_json_int(j, "messages", f->messages);
    sp_json_object(j, "by_type");
    put_types(j, by_type);
    sp_json_end(j, '}');
    sp_json_int(j, "bytes", f->bytes);
    spread_put(j, "relay", &t->relay);
    sp_json_int(j, "errors", f->errors);
    ok = put_words(j, "by_code", &t->codes) && ok;
    ok = put_words(j, "candidates", &t->candidates) && ok;
    return put_words(j, "media", &t->media) && ok;
}

static bool put_calls(struct sp_json *j, struct tally *t)
{
    const struct tally_figures *f = &t->f;
    sp_json_object(j, "sessions");
    sp_json_int(j, "count", f->sessions);
    sp_json_int(j, "opened", f->opened);
    sp_json_int(j, "before", f->before);
    sp_json_int(j, "answered", f->answered);
    sp_json_int(j, "unanswered", f->unanswered);
    sp_json_int(j, "ended", f->ended);
    sp_json_int(j, "open", f->open);
    bool ok = put_words(j, "by_reason", &t->reasons);
    sp_json_end(j, '}');
    spread_put(j, "setup", &t->setup);
    spread_put(j, "life", &t->life);
    return ok;
}

static void put_server(struct sp_json *j, const struct tally_figures *f)
{
    sp_json_int(j, "connections", f->connections);
    sp_json_int(j, "registrations", f->registrations);
    sp_json_int(j, "takeovers", f->takeovers);
    sp_json_int(j, "disconnects", f->disconnects);
    sp_json_int(j, "rate_limits", f->rate_limits);
    sp_json_int(j, "protocol_errors", f->protocol_errors);
    sp_json_int(j, "refusals", f->refusals);
    sp_json_int(j, "gaps", f->gaps);
    sp_json_int(j, "missed", f->missed);
    sp_json_int(j, "restarts", f->restarts);
}

static void put_peer(struct sp_json *j, const struct tally_peer *p)
{
    sp_json_object(j, NULL);
    sp_json_str(j, "id", (struct sp_str){p->id, p->len});
    sp_json_object(j, "sent");
    put_way(j, &p->sent);
    sp_json_end(j, '}');
    sp_json_object(j, "received");
    put_way(j, &p->received);
    sp_json_end(j, '}');
    sp_json_int(j, "calls", p->calls);
    sp_json_int(j, "answered", p->answered);
    sp_json_int(j, "unanswered", p->unanswered);
    sp_json_int(j, "open", p->open);
    sp_json_int(j, "called", p->called);
    sp_json_int(j, "errors", p->errors);
    sp_json_int(j, "rate_limits", p->rate_limits);
    sp_json_int(j, "protocol_errors", p->protocol_errors);
    sp_json_int(j, "registrations", p->registrations);
    sp_json_int(j, "disconnects", p->disconnects);
    sp_json_end(j, '}');
}

static void put_order(struct sp_json *j, uint64_t order)
{
    char hex[17];
    snprintf(hex, sizeof(hex), "%016llx", (unsigned long long)order);
    sp_json_str(j, "order", sp_str(hex));
}

static void put_pair(struct sp_json *j, const struct tally_pair *p)
{
    const struct sp_str ids[2] = {{p->a, p->alen}, {p->b, p->blen}};
    sp_json_object(j, NULL);
    sp_json_str(j, "a", ids[0]);
    sp_json_str(j, "b", ids[1]);
    sp_json_int(j, "sessions", p->sessions);
    put_order(j, p->both);
    sp_json_array(j, "ways");
    for (int way = 0; way < 2; way++) {
        if (p->way[way].n > 0) {
            sp_json_object(j, NULL);
            sp_json_str(j, "from", ids[way]);
            sp_json_str(j, "to", ids[!way]);
            put_way(j, &p->way[way]);
            put_order(j, p->order[way]);
            sp_json_end(j, '}');
        }
    }
    sp_json_end(j, ']');
    sp_json_end(j, '}');
}

static bool put_peers(struct sp_json *j, const struct tally *t)
{
    const struct tally_peer **peers = tally_peers(t);
    const struct tally_pair **pairs = tally_pairs(t, false);
    bool ok = peers && pairs;
    sp_json_array(j, "peers");
    for (int64_t i = 0; ok && i < t->f.peers; i++) {
        put_peer(j, peers[i]);
    }
    sp_json_end(j, ']');
    sp_json_array(j, "pairs");
    for (int64_t i = 0; ok && i < t->f.pairs; i++) {
        put_pair(j, pairs[i]);
    }
    sp_json_end(j, ']');
    free(peers);
    free(pairs);
    return ok;
}

static void put_thresholds(struct sp_json *j, const struct report *r)
{
    sp_json_array(j, "thresholds");
    for (unsigned i = 0; i < r->nthresholds; i++) {
        const struct report_threshold *one = &r->thresholds[i];
        int64_t value = metric_get(one->threshold.metric, r->tally);
        sp_json_object(j, NULL);
        sp_json_str(j, "condition", sp_str(one->text));
        sp_json_str(j, "metric", sp_str(one->threshold.metric->name));
        if (value < 0 || one->result == THRESHOLD_UNMEASURED) {
            sp_json_raw(j, "value", SP_STR("null"));
        } else {
            sp_json_int(j, "value", value);
        }
        sp_json_bool(j, "fired", one->result == THRESHOLD_FIRED);
        sp_json_end(j, '}');
    }
    sp_json_end(j, ']');
}

static bool put_all(struct sp_buf *b, const struct report *r)
{
    struct sp_json j;
    sp_json_init(&j, b);
    sp_json_object(&j, NULL);
    sp_json_bool(&j, "ok", r->exit == EXIT_OK);
    sp_json_int(&j, "exit", r->exit);
    sp_json_str(&j, "type", SP_STR("analysis"));
    sp_json_str(&j, "file", sp_str(r->file));
    bool ok = put_figures(&j, r->tally) && put_calls(&j, r->tally);
    put_server(&j, &r->tally->f);
    put_thresholds(&j, r);
    ok = put_peers(&j, r->tally) && ok;
    sp_json_end(&j, '}');
    return ok;
}

bool report_json(const struct report *r, const struct link_opts *o)
{
    char *text = NULL;
    struct sp_buf b = {.full = true};
    bool ok = true;
    for (size_t cap = 64u << 10; ok && b.full; cap *= 2) {
        free(text);
        text = malloc(cap);
        sp_buf_init(&b, text, cap);
        ok = text && put_all(&b, r);
    }
    if (ok) {
        print_object(o, sp_buf_view(&b));
    }
    free(text);
    return ok;
}
