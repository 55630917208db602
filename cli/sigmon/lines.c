/* SPDX-License-Identifier: MIT
 * The lines of sigmon: an event, a gap. */
#include "cli/sigmon/lines.h"

#include "cli/common/out.h"
#include "cli/common/print.h"
#include "libproto/json.h"
#include "libproto/msg.h"

#include <stdlib.h>
#include <time.h>

static void put_clock(int64_t ms)
{
    char text[16];
    time_t t = (time_t)(ms / 1000);
    struct tm tm;
    localtime_r(&t, &tm);
    strftime(text, sizeof(text), "%H:%M:%S", &tm);
    printf("%s.%03d  ", text, (int)(ms % 1000));
}

static void put_time(struct lines *l, int64_t ms)
{
    const char *how = l->time ? l->time : "abs";
    if (!l->any) {
        l->first_ms = l->last_ms = ms;
        l->any = true;
    }
    fputs(out_sgr("2"), stdout);
    if (strcmp(how, "abs") == 0) {
        put_clock(ms);
    } else if (strcmp(how, "rel") == 0) {
        printf("%+10.3f  ", (double)(ms - l->first_ms) / 1000);
    } else if (strcmp(how, "delta") == 0) {
        printf("%+10.3f  ", (double)(ms - l->last_ms) / 1000);
    } else if (strcmp(how, "epoch") == 0) {
        printf("%lld.%03d  ", (long long)(ms / 1000), (int)(ms % 1000));
    }
    fputs(out_sgr("0"), stdout);
    l->last_ms = ms;
}

static void pad(int used, int width)
{
    printf("%*s", used < width ? width - used : 1, "");
}

/* Whom the event is about: the sender, the client, or an address that is nobody yet. */
static enum sp_event_str subject_of(const struct sp_event *ev)
{
    if (ev->s[SP_ES_from].n > 0) {
        return SP_ES_from;
    }
    return ev->s[SP_ES_id].n > 0 ? SP_ES_id : SP_ES_addr;
}

static void put_parties(const struct sp_event *ev)
{
    struct sp_str from = ev->s[subject_of(ev)], to = ev->s[SP_ES_to];
    int used = (int)from.n;
    out_safe(stdout, from);
    if (to.n > 0) {
        fputs(" → ", stdout);
        out_safe(stdout, to);
        used += 3 + (int)to.n;
    }
    pad(used, 30);
}

struct sp_str lines_session(struct sp_str s)
{
    static const char lead[] = "session-";
    if (s.n > sizeof(lead) - 1 && memcmp(s.p, lead, sizeof(lead) - 1) == 0) {
        s = (struct sp_str){s.p + sizeof(lead) - 1, s.n - (sizeof(lead) - 1)};
    }
    s.n = s.n > 8 ? 8 : s.n;
    return s;
}

static void put_session(struct sp_str s)
{
    s = lines_session(s);
    out_safe(stdout, s);
    pad((int)s.n, 9);
}

/* How it went, of events that have a code only when they went wrong. */
static const struct verdict {
    enum sp_event_type event;
    const char *good, *bad;
} verdicts[] = {{SP_EV_AUTH, "ok by", "refused:"},
                {SP_EV_ADMIN, "done", "failed:"},
                {SP_EV_RELOAD, "done", "failed:"},
                {SP_EV_DRAIN, "the server is stopping", "failed:"}};

static const struct verdict *verdict_of(const struct sp_event *ev)
{
    for (size_t i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++) {
        if (verdicts[i].event == ev->event) {
            return &verdicts[i];
        }
    }
    return NULL;
}

static void put_detail(const struct sp_event *ev)
{
    static const enum sp_event_str told[] = {SP_ES_summary, SP_ES_code, SP_ES_reason,
                                             SP_ES_role,    SP_ES_node, SP_ES_addr};
    const struct verdict *v = verdict_of(ev);
    if (v) {
        printf(" %s", ev->s[SP_ES_code].n > 0 ? v->bad : v->good);
    }
    for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++) {
        if (ev->s[told[i]].n > 0 && told[i] != subject_of(ev)) {
            putchar(' ');
            out_safe(stdout, ev->s[told[i]]);
        }
    }
    if (ev->n[SP_EN_us] >= 0) {
        printf(" %lld us", (long long)ev->n[SP_EN_us]);
    }
}

static const char *colour_of(const struct sp_event *ev)
{
    bool wrong = ev->event == SP_EV_DELIVER_ERROR || ev->event == SP_EV_PROTOCOL_ERROR ||
                 ev->event == SP_EV_RATE_LIMIT || (verdict_of(ev) && ev->s[SP_ES_code].n > 0);
    bool by_hand =
        ev->event == SP_EV_DRAIN || ev->event == SP_EV_RELOAD || ev->event == SP_EV_ADMIN;
    return wrong ? "31" : by_hand ? "33" : ev->event == SP_EV_RELAY ? "36" : "1";
}

static void put_human(struct lines *l, const struct sp_event *ev, struct sp_str raw)
{
    char word[64];
    struct link_msg m;
    struct sp_str event = sp_str(sp_event_wire(ev->event));
    if (ev->event == SP_EV_NONE && link_scan(&m, raw)) {
        event = link_text(&m, "event", word, sizeof(word));
    }
    put_time(l, ev->ts_ms);
    fputs(out_sgr(colour_of(ev)), stdout);
    out_safe(stdout, event);
    fputs(out_sgr("0"), stdout);
    pad((int)event.n, 15);
    printf("%-9s", ev->kind == SP_T_NONE ? "" : sp_type_wire(ev->kind));
    put_parties(ev);
    put_session(ev->s[SP_ES_session]);
    if (ev->n[SP_EN_size] >= 0) {
        printf("%6lld", (long long)ev->n[SP_EN_size]);
    } else {
        printf("%6s", "");
    }
    put_detail(ev);
    putchar('\n');
    fflush(stdout);
}

/* ---------------------------------------------------------------- objects */

char *lines_event_object(const struct sp_event *ev, struct sp_str raw, size_t *n)
{
    size_t cap = raw.n + 64;
    char *p = malloc(cap);
    struct link_msg m;
    struct sp_buf b;
    if (!p || raw.n < 2 || !link_scan(&m, raw)) {
        free(p);
        return NULL;
    }
    sp_buf_init(&b, p, cap);
    if (sp_doc_find(&m.doc, SP_STR("ts_us"))) {
        sp_buf_put(&b, raw.p, raw.n);
    } else {
        sp_buf_put(&b, raw.p, raw.n - 1);
        sp_buf_lit(&b, ",\"ts_us\":");
        sp_buf_int(&b, ev->ts_ms * 1000);
        sp_buf_lit(&b, "}");
    }
    /* line breaks between tokens are legal in what peers sent */
    for (size_t i = 0; i < b.n; i++) {
        p[i] = p[i] == '\n' || p[i] == '\r' ? ' ' : p[i];
    }
    *n = b.n;
    return p;
}

#define OWN_MAX 256u

static void end_own(struct sp_json *j)
{
    print_stamp(j, link_wall_us());
    sp_json_end(j, '}');
}

static char *begin_own(struct sp_buf *b, struct sp_json *j, const char *type)
{
    char *p = malloc(OWN_MAX);
    if (p) {
        sp_buf_init(b, p, OWN_MAX);
        sp_json_init(j, b);
        sp_json_object(j, NULL);
        sp_json_str(j, "type", sp_str(type));
    }
    return p;
}

char *lines_gap_object(const struct source_gap *gap, size_t *n)
{
    struct sp_buf b;
    struct sp_json j;
    char *p = begin_own(&b, &j, "gap");
    if (p) {
        sp_json_int(&j, "missed", gap->missed);
        sp_json_int(&j, "from", gap->from);
        sp_json_int(&j, "to", gap->to);
        end_own(&j);
        *n = b.n;
    }
    return p;
}

char *lines_restart_object(size_t *n)
{
    struct sp_buf b;
    struct sp_json j;
    char *p = begin_own(&b, &j, "restart");
    if (p) {
        end_own(&j);
        *n = b.n;
    }
    return p;
}

/* ---------------------------------------------------------------- lines */

/* Prints and frees. */
static void print_own(const struct lines *l, char *p, size_t n)
{
    if (p) {
        print_object(l->opts, (struct sp_str){p, n});
    }
    free(p);
}

void lines_event(struct lines *l, const struct sp_event *ev, struct sp_str raw)
{
    size_t n = 0;
    if (print_is_machine(l->opts)) {
        char *p = lines_event_object(ev, raw, &n);
        print_own(l, p, n);
    } else {
        put_human(l, ev, raw);
    }
}

void lines_restart(struct lines *l)
{
    size_t n = 0;
    if (print_is_machine(l->opts)) {
        char *p = lines_restart_object(&n);
        print_own(l, p, n);
        return;
    }
    printf("%s-- the server has restarted, events may be missing --%s\n", out_sgr("33"),
           out_sgr("0"));
    fflush(stdout);
}

void lines_gap(struct lines *l, const struct source_gap *gap)
{
    size_t n = 0;
    if (print_is_machine(l->opts)) {
        char *p = lines_gap_object(gap, &n);
        print_own(l, p, n);
        return;
    }
    printf("%s-- gap: %lld events missed, %lld to %lld --%s\n", out_sgr("33"),
           (long long)gap->missed, (long long)gap->from, (long long)gap->to, out_sgr("0"));
    fflush(stdout);
}
