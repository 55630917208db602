/* SPDX-License-Identifier: MIT
 * Events of a server: attach, tell, come back after a loss from where it broke off. */
#include "cli/sigmon/source.h"

#include "cli/common/out.h"
#include "cli/sigmon/mon.h"
#include "cli/sigmon/recording.h"
#include "libproto/msg.h"
#include "libproto/time.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

#define ASK_US  10000000
#define TICK_US 250000

void source_init(struct source *s, struct link *link, const struct link_opts *opts,
                 const struct want *want)
{
    *s = (struct source){.link = link, .opts = opts, .want = want, .tick_us = TICK_US, .seq = -1};
}

void source_listen(struct source *s, const struct source_ops *ops, void *ctx)
{
    s->ops = ops;
    s->ctx = ctx;
}

static bool is_done(void *ctx)
{
    struct source *s = ctx;
    return s->until_seen || (s->want->past_only && !s->is_past) ||
           (s->ops->done && s->ops->done(s->ctx));
}

static void restart(struct source *s)
{
    s->seq = 0;
    if (s->ops->restart) {
        s->ops->restart(s->ctx);
    }
}

static void tell(struct source *s, const struct sp_event *ev, struct sp_str raw)
{
    if (ev->n[SP_EN_seq] >= 0) {
        if (ev->n[SP_EN_seq] <= s->seq) {
            restart(s);
        }
        s->seq = ev->n[SP_EN_seq];
    }
    s->ops->event(s->ctx, ev, raw);
    s->until_seen = s->want->has_until && sp_filter_match(&s->want->until, ev);
}

static void on_event(struct source *s, struct sp_str raw)
{
    struct sp_event ev;
    char scratch[2048];
    struct sp_diag d;
    if (is_done(s)) {
        return;
    }
    if (sp_event_parse(&ev, raw, scratch, sizeof(scratch), &d) == SP_OK) {
        tell(s, &ev, raw);
    } else {
        out_note("an event that cannot be read: %s", d.text);
    }
}

static void begin_present(struct source *s)
{
    s->is_past = false;
    if (s->ops->present) {
        s->ops->present(s->ctx);
    }
}

static void on_events(struct source *s, const struct link_msg *m)
{
    const struct sp_member *events = sp_doc_find(&m->doc, SP_STR("events"));
    struct sp_str one;
    int64_t seq;
    if (!events || events->kind != SP_J_ARRAY) {
        return;
    }
    for (size_t at = 0; sp_each_element(sp_doc_raw(&m->doc, events), &at, &one);) {
        on_event(s, one);
    }
    if (sp_doc_int(&m->doc, SP_STR("seq"), &seq) == SP_OK) {
        s->seq = seq > s->seq ? seq : s->seq;
        if (s->is_past && seq >= s->past) {
            begin_present(s);
        }
    }
}

static void on_gap(struct source *s, const struct link_msg *m)
{
    struct source_gap gap;
    if (is_done(s) || sp_doc_int(&m->doc, SP_STR("missed"), &gap.missed) != SP_OK ||
        sp_doc_int(&m->doc, SP_STR("from"), &gap.from) != SP_OK ||
        sp_doc_int(&m->doc, SP_STR("to"), &gap.to) != SP_OK) {
        return;
    }
    s->seq = gap.to > s->seq ? gap.to : s->seq;
    if (s->ops->gap) {
        s->ops->gap(s->ctx, &gap);
    }
}

/* Events may have come behind the ack in one piece: they wait for what it says. */
static void take_ack(struct source *s)
{
    const struct link_msg *ack = link_reply(s->link);
    char scratch[64];
    int64_t newest = -1;
    bool again = s->boot[0] != '\0',
         wants_past = s->want->past != WANT_NO_PAST || s->want->backlog >= 0;
    bool truncated = sp_doc_find(&ack->doc, SP_STR("truncated")) != NULL;
    bool has_newest = sp_doc_int(&ack->doc, SP_STR("seq"), &newest) == SP_OK;
    struct sp_str boot = link_text(ack, "boot", scratch, sizeof(scratch));
    s->is_asking = false;
    if (again && !sp_str_eq(boot, sp_str(s->boot))) {
        restart(s);
    }
    snprintf(s->boot, sizeof(s->boot), "%.*s", (int)boot.n, boot.n ? boot.p : "");
    s->is_past = !again && wants_past && has_newest;
    s->past = newest;
    s->seq = again || wants_past ? s->seq : newest;
    if (truncated) {
        out_note("events before the first one are not kept any more (sigd --event-ring)");
    }
}

static void on_message(void *ctx, const struct link_msg *m)
{
    struct source *s = ctx;
    if (s->is_asking && link_is_answered(s->link) && link_reply(s->link)->type == SP_T_ACK) {
        take_ack(s);
    }
    if (m->type == SP_T_EVENTS) {
        on_events(s, m);
    } else if (m->type == SP_T_GAP) {
        on_gap(s, m);
    }
    if (s->ops->pause) {
        s->ops->pause(s->ctx);
    }
}

/* ---------------------------------------------------------------- attaching */

static void put_past(const struct source *s, struct sp_json *j, bool again)
{
    const struct want *w = s->want;
    struct sp_stamp stamp = {0};
    if (again) {
        if (s->seq >= 0) {
            sp_json_int(j, "since", s->seq);
        }
        sp_json_str_opt(j, "boot", sp_str(s->boot));
        return;
    }
    switch (w->past) {
    case WANT_NO_PAST:
        break;
    case WANT_SEQ:
        sp_json_int(j, "since", w->since > 0 ? w->since - 1 : 0);
        break;
    case WANT_TIME:
        sp_json_str(j, "since", sp_stamp_at(&stamp, w->since));
        break;
    case WANT_AGE:
        sp_json_int(j, "age", w->since);
        break;
    }
    if (w->backlog >= 0) {
        sp_json_int(j, "backlog", w->backlog);
    }
}

static int64_t ask_deadline(const struct link_opts *o)
{
    int64_t us = o->timeout_us;
    return link_deadline(us >= 0 && us < ASK_US ? us : ASK_US);
}

static int ask_monitor(struct source *s, bool again)
{
    char text[SP_FILTER_MAX * 6 + 512], body[SP_FILTER_MAX * 6 + 256];
    struct sp_buf b, c;
    struct sp_json j;
    struct sp_str none = {NULL, 0};
    sp_buf_init(&c, body, sizeof(body));
    sp_json_init(&j, &c);
    sp_json_str_opt(&j, "filter", sp_str(s->want->filter));
    if (s->want->sample != SP_SAMPLE_ALL) {
        sp_json_int(&j, "sample", s->want->sample);
    }
    if (s->want->content) {
        sp_json_bool(&j, "content", true);
    }
    put_past(s, &j, again);
    sp_buf_init(&b, text, sizeof(text));
    sp_put_send(&b, SP_STR("monitor"), none, none, sp_buf_view(&c), link_rid(s->link));
    s->is_asking = true;
    int status = link_ask(s->link, sp_buf_view(&b), SP_T_ACK, ask_deadline(s->opts));
    if (status == 0 && s->is_asking) {
        take_ack(s);
    }
    s->is_asking = false;
    return status;
}

int source_become(struct link *l, const struct link_opts *o, char *id, size_t cap)
{
    uint32_t r = 0;
    if (o->id) {
        snprintf(id, cap, "%s", o->id);
    } else if (getrandom(&r, sizeof(r), 0) == (ssize_t)sizeof(r)) {
        snprintf(id, cap, "sigmon-%ld-%06x", (long)getpid(), r & 0xffffff);
    }
    struct link_who who = {id, NULL, {NULL, 0}};
    return link_register(l, &who, ask_deadline(o));
}

static int make_ready_file(const struct source *s)
{
    const char *path = s->want->ready_file;
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) {
        return link_set_why(s->link, EXIT_DATA, "cannot make %s: %s", path, strerror(errno));
    }
    close(fd);
    return 0;
}

static int attach(struct source *s, bool again)
{
    int status = ask_monitor(s, again);
    if (status && link_why(s->link)->err == SP_NOT_REGISTERED) {
        status = source_become(s->link, s->opts, s->id, sizeof(s->id));
        status = status ? status : ask_monitor(s, again);
    }
    if (status == 0 && s->opts->verbose) {
        out_note("attached");
    }
    return status == 0 && s->want->ready_file && !again ? make_ready_file(s) : status;
}

int source_open(struct source *s)
{
    link_on_message(s->link, on_message, s);
    int status = link_open(s->link);
    return status ? status : attach(s, false);
}

int source_follow(struct source *s, int64_t deadline)
{
    link_comes_back(s->link, true);
    for (;;) {
        int64_t tick = s->ops->tick ? link_deadline(s->tick_us) : OPT_NEVER;
        int status = link_until(s->link, is_done, s, tick < deadline ? tick : deadline);
        if (status == EXIT_TIMEOUT && tick < deadline) {
            s->ops->tick(s->ctx);
            continue;
        }
        if (status != EXIT_LOST) {
            return status;
        }
        status = link_recover(s->link, is_done, s, deadline);
        if (status || is_done(s)) {
            return status;
        }
        status = attach(s, true);
        /* lost again meanwhile: the next turn sees it */
        if (status && link_is_open(s->link)) {
            return status;
        }
    }
}

/* ---------------------------------------------------------------- a whole run */

static bool is_wanted(const struct source *s, const struct sp_filter *f, const struct sp_event *ev)
{
    const struct want *w = s->want;
    return (w->past != WANT_SEQ || ev->n[SP_EN_seq] >= w->since) &&
           (w->past != WANT_TIME || ev->ts_ms >= w->since) && sp_filter_match(f, ev);
}

struct recorded {
    struct source *s;
    struct sp_filter filter;
};

/* One line of a recording. Gives false with a sentence in why when it is none. */
static bool on_line(void *ctx, struct sp_str line, char *why, size_t cap)
{
    struct recorded *r = ctx;
    struct link_msg m;
    struct sp_event ev;
    struct sp_diag d;
    char scratch[2048], type[32];
    if (!link_scan(&m, line)) {
        snprintf(why, cap, "not a JSON object");
        return false;
    }
    if (!sp_doc_find(&m.doc, SP_STR("event"))) {
        if (m.type == SP_T_GAP) {
            on_gap(r->s, &m);
        } else if (sp_str_eq(link_text(&m, "type", type, sizeof(type)), SP_STR("restart"))) {
            restart(r->s);
        }
        return true;
    }
    if (sp_event_parse(&ev, line, scratch, sizeof(scratch), &d) != SP_OK) {
        snprintf(why, cap, "%s", d.text);
        return false;
    }
    if (is_wanted(r->s, &r->filter, &ev)) {
        tell(r->s, &ev, line);
    }
    return true;
}

static bool recording_done(void *ctx)
{
    return is_done(((struct recorded *)ctx)->s);
}

static int read_recording(struct source *s)
{
    struct recorded r = {.s = s};
    int status = want_compile(&r.filter, "filter", s->want->filter);
    s->is_past = true;
    status = status ? status : recording_read(s->want->file, on_line, recording_done, &r);
    begin_present(s);
    if (s->ops->pause) {
        s->ops->pause(s->ctx);
    }
    return status;
}

int source_run(struct source *s)
{
    if (s->want->file) {
        return read_recording(s);
    }
    link_needs_reader(s->link, true);
    if (s->ops->signal) {
        link_on_signal(s->link, s->ops->signal, s->ctx);
    }
    int status = source_open(s);
    if (status) {
        return mon_fail(s->link);
    }
    int64_t end = link_deadline(s->want->duration_us), give_up = OPT_NEVER;
    if (s->opts->timeout_us >= 0) {
        give_up = link_deadline(s->opts->timeout_us);
    }
    status = s->ops->opened ? s->ops->opened(s->ctx, s) : 0;
    status = status ? status : source_follow(s, end < give_up ? end : give_up);
    if (s->ops->closing) {
        s->ops->closing(s->ctx);
    }
    if (status == EXIT_TIMEOUT && end <= give_up) {
        return 0;
    }
    return status ? mon_fail(s->link) : 0;
}
