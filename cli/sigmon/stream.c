/* SPDX-License-Identifier: MIT
 * The stream of events: attach, print, come back after a loss from where it broke off. */
#include "cli/common/out.h"
#include "cli/sigmon/mon.h"
#include "libproto/msg.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

#define ASK_US 10000000

struct stream {
    struct link *link;
    const struct link_opts *opts;
    const struct mon_opts *o;
    const char *filter;
    struct sp_filter until;
    struct lines lines;
    int64_t seq; /* newest seen, -1: none */
    int64_t left;
    bool counted, done;
    char id[64];
};

static void on_event(struct stream *s, struct sp_str raw)
{
    struct sp_event ev;
    char scratch[2048];
    struct sp_diag d;
    if (s->done) {
        return;
    }
    if (sp_event_parse(&ev, raw, scratch, sizeof(scratch), &d) != SP_OK) {
        out_note("an event that cannot be read: %s", d.text);
        return;
    }
    if (ev.n[SP_EN_seq] >= 0) {
        if (ev.n[SP_EN_seq] <= s->seq) {
            lines_restart(&s->lines);
        }
        s->seq = ev.n[SP_EN_seq];
    }
    lines_event(&s->lines, &ev, raw);
    s->done = (s->counted && --s->left == 0) || (s->o->until && sp_filter_match(&s->until, &ev));
}

static void on_message(void *ctx, const struct link_msg *m)
{
    struct stream *s = ctx;
    const struct sp_member *events = sp_doc_find(&m->doc, SP_STR("events"));
    struct sp_str one;
    int64_t to;
    if (m->type == SP_T_EVENTS && events && events->kind == SP_J_ARRAY) {
        for (size_t at = 0; sp_each_element(sp_doc_raw(&m->doc, events), &at, &one);) {
            on_event(s, one);
        }
    } else if (m->type == SP_T_GAP) {
        lines_gap(&s->lines, m);
        if (sp_doc_int(&m->doc, SP_STR("to"), &to) == SP_OK && to > s->seq) {
            s->seq = to;
        }
    }
}

static bool is_done(void *ctx)
{
    return ((struct stream *)ctx)->done;
}

static int ask_monitor(struct stream *s, bool again)
{
    char text[SP_FILTER_MAX * 6 + 256], body[SP_FILTER_MAX * 6 + 128];
    struct sp_buf b, c;
    struct sp_json j;
    struct sp_str none = {NULL, 0};
    sp_buf_init(&c, body, sizeof(body));
    sp_json_init(&j, &c);
    sp_json_str_opt(&j, "filter", sp_str(s->filter));
    if (again && s->seq >= 0) {
        sp_json_int(&j, "since", s->seq);
    } else if (!again && s->o->backlog > 0) {
        sp_json_int(&j, "backlog", s->o->backlog);
    }
    sp_buf_init(&b, text, sizeof(text));
    sp_put_send(&b, SP_STR("monitor"), none, none, sp_buf_view(&c), link_rid(s->link));
    return link_ask(s->link, sp_buf_view(&b), SP_T_ACK, link_deadline(ASK_US));
}

/* Where strangers may not watch, an identity may. */
static int become_someone(struct stream *s)
{
    uint32_t r = 0;
    if (s->opts->id) {
        snprintf(s->id, sizeof(s->id), "%s", s->opts->id);
    } else if (getrandom(&r, sizeof(r), 0) == (ssize_t)sizeof(r)) {
        snprintf(s->id, sizeof(s->id), "sigmon-%ld-%06x", (long)getpid(), r & 0xffffff);
    }
    struct link_who who = {s->id, NULL, {NULL, 0}};
    return link_register(s->link, &who, link_deadline(ASK_US));
}

static int make_ready_file(const struct stream *s)
{
    const char *path = s->o->ready_file;
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) {
        return link_set_why(s->link, EXIT_DATA, "cannot make %s: %s", path, strerror(errno));
    }
    close(fd);
    return 0;
}

static int attach(struct stream *s, bool again)
{
    int status = ask_monitor(s, again);
    if (status && link_why(s->link)->err == SP_NOT_REGISTERED) {
        status = become_someone(s);
        status = status ? status : ask_monitor(s, again);
    }
    if (status == 0 && s->opts->verbose) {
        out_note("attached");
    }
    return status == 0 && s->o->ready_file && !again ? make_ready_file(s) : status;
}

static int follow(struct stream *s, int64_t deadline)
{
    link_comes_back(s->link, true);
    for (;;) {
        int status = link_until(s->link, is_done, s, deadline);
        if (status != EXIT_LOST) {
            return status;
        }
        bool another = link_is_sent_away(s->link);
        status = link_recover(s->link, is_done, s, deadline);
        if (status || s->done) {
            return status;
        }
        if (another) {
            s->seq = 0; /* it counts from 1 again */
            lines_restart(&s->lines);
        }
        status = attach(s, true);
        /* lost again meanwhile: the next turn sees it */
        if (status && link_is_open(s->link)) {
            return status;
        }
    }
}

static int fail(struct stream *s)
{
    const struct link_fail *why = link_why(s->link);
    if (why->status > 128) {
        return why->status;
    }
    return out_fail((enum exit_code)why->status, why->code[0] ? why->code : NULL, "%s", why->text);
}

int stream_run(struct link *link, const struct link_opts *opts, const struct mon_opts *o,
               const char *filter)
{
    struct stream s = {.link = link,
                       .opts = opts,
                       .o = o,
                       .filter = filter,
                       .lines = {.opts = opts, .time = o->time},
                       .seq = -1,
                       .left = o->stop_after,
                       .counted = o->stop_after > 0};
    if (o->until && mon_compile(&s.until, "--until", o->until) != 0) {
        return EXIT_USAGE;
    }
    link_on_message(link, on_message, &s);
    link_needs_reader(link, true);
    int status = link_open(link);
    status = status ? status : attach(&s, false);
    int64_t end = link_deadline(o->duration_us > 0 ? o->duration_us : OPT_NEVER);
    int64_t give_up = link_deadline(opts->timeout_us >= 0 ? opts->timeout_us : OPT_NEVER);
    status = status ? status : follow(&s, end < give_up ? end : give_up);
    if (status == EXIT_TIMEOUT && end <= give_up) {
        return 0;
    }
    return status == 0 || status == LINK_NO_READER ? status : fail(&s);
}
