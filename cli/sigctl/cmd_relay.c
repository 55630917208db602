/* SPDX-License-Identifier: MIT
 * The commands that send to a peer: offer, answer, ice, bye, send. */
#include "cli/common/out.h"
#include "cli/sigctl/lines.h"
#include "cli/sigctl/relay.h"
#include "cli/sigctl/spec.h"

#include <stdlib.h>

struct relay_opts {
    const char *sdp, *media, *wait, *ice, *session, *candidate, *reason, *type;
    bool lines;
};
_Static_assert(sizeof(struct relay_opts) <= CTL_VALUES_MAX, "options fit");

#define ROW(name, letter, kind, arg, member, help)                                                 \
    {                                                                                              \
        name, letter, kind, arg, NULL, offsetof(struct relay_opts, member), help                   \
    }
#define ROW_SDP     ROW("sdp", 0, OPT_STRING, "SPEC", sdp, "text, @FILE, @- or auto (made up)")
#define ROW_MEDIA   ROW("media", 0, OPT_STRING, "LIST", media, "for auto: video,audio,data")
#define ROW_SESSION ROW("session", 's', OPT_STRING, "ID", session, "this session, not the newest")

const struct opt offer_rows[] = {
    ROW_SDP,
    ROW_MEDIA,
    ROW_SESSION,
    ROW("wait", 'w', OPT_CHOICE, "answer|none", wait, "wait for the answer and print it"),
    ROW("ice", 0, OPT_STRING, "SPEC", ice, "then candidates: N, @FILE, text or null"),
    {0}};

const struct opt answer_rows[] = {ROW_SDP, ROW_MEDIA, ROW_SESSION, {0}};

const struct opt ice_rows[] = {ROW("candidate", 'c', OPT_STRING, "SPEC", candidate,
                                   "text, object, @FILE (a line each), N made up, null"),
                               ROW_SESSION,
                               {0}};

const struct opt bye_rows[] = {
    ROW("reason", 0, OPT_STRING, "WORD", reason, "hangup, rejected or your own"), ROW_SESSION, {0}};

const struct opt send_rows[] = {
    ROW("type", 't', OPT_STRING, "TYPE", type, "the message's type"),
    ROW_SESSION,
    ROW("lines", 'l', OPT_FLAG, NULL, lines, "a BODY per line of stdin"),
    {0}};

static int print_answer(struct ctl *c, const struct link_msg *m, int64_t sent_us)
{
    char from[SP_ID_MAX + 1], session[SP_ID_MAX + 1];
    const struct sp_member *sdp = sp_doc_find(&m->doc, SP_STR("sdp"));
    struct sp_str raw = sdp ? sp_doc_raw(&m->doc, sdp) : SP_STR("\"\"");
    struct print_line l;
    if (!print_is_machine(&c->opts)) {
        print_sdp(raw);
        return 0;
    }
    if (print_begin(&l, m->raw.n)) {
        sp_json_bool(&l.j, "ok", true);
        sp_json_str(&l.j, "type", SP_STR("answer"));
        sp_json_str(&l.j, "from", link_text(m, "from", from, sizeof(from)));
        sp_json_str(&l.j, "session", link_text(m, "sessionId", session, sizeof(session)));
        sp_json_int(&l.j, "rtt_us", m->mono_us - sent_us);
        sp_json_raw(&l.j, "sdp", raw);
        print_time(&l, m->wall_us);
        print_end(&c->opts, &l);
    }
    return 0;
}

static int offer_and_wait(struct ctl *c, const struct relay *r, const struct relay_opts *o)
{
    char session[SP_ID_MAX + 1];
    bool wait = o->wait && strcmp(o->wait, "answer") == 0;
    struct await w = {.match = {.from = r->target, .type = "answer"}, .bye_ends = true};
    int64_t deadline = ctl_deadline(c, CTL_ONE_US), sent = link_mono_us();
    unsigned count = 0;
    ctl_set_take(c, wait ? await_take : NULL, &w);
    int status = relay_send(c, r, deadline);
    if (status == 0) {
        struct sp_str s = link_text(link_reply(c->link), "sessionId", session, sizeof(session));
        snprintf(w.session, sizeof(w.session), "%.*s", (int)s.n, s.p ? s.p : "");
        if (!wait) {
            relay_result(c, r, sent);
        }
        status = o->ice ? relay_ice(c, r->target, w.session, o->ice, deadline, &count) : 0;
    }
    if (status == 0 && wait) {
        status = await_done(c, &w, deadline);
        status = status ? status : print_answer(c, &w.kept.m, sent);
    }
    await_fini(&w);
    return status;
}

int cmd_offer(struct ctl *c, const struct ctl_args *a)
{
    const struct relay_opts *o = a->values;
    int status = 0;
    size_t n = 0;
    char *sdp = spec_sdp(c, o->sdp, o->media, false, &n, &status);
    if (!sdp) {
        return status;
    }
    struct relay r = {
        .type = "offer", .target = a->v[0], .session = o->session, .key = "sdp", .text = {sdp, n}};
    status = offer_and_wait(c, &r, o);
    free(sdp);
    return status;
}

static int send_one(struct ctl *c, const struct relay *r)
{
    int64_t sent = link_mono_us();
    int status = relay_send(c, r, ctl_deadline(c, CTL_ONE_US));
    if (status == 0) {
        relay_result(c, r, sent);
    }
    return status;
}

int cmd_answer(struct ctl *c, const struct ctl_args *a)
{
    const struct relay_opts *o = a->values;
    /* a made-up answer has the sections of the offer, where that was seen */
    bool seen = !o->media && strcmp(c->offer_from, a->v[0]) == 0;
    int status = 0;
    size_t n = 0;
    char *sdp = spec_sdp(c, o->sdp, seen ? c->offer_media : o->media, true, &n, &status);
    if (!sdp) {
        return status;
    }
    struct relay r = {
        .type = "answer", .target = a->v[0], .session = o->session, .key = "sdp", .text = {sdp, n}};
    status = send_one(c, &r);
    free(sdp);
    return status;
}

int cmd_ice(struct ctl *c, const struct ctl_args *a)
{
    const struct relay_opts *o = a->values;
    struct relay r = {.type = "ice", .target = a->v[0]};
    unsigned sent = 0;
    int64_t start = link_mono_us();
    int status = relay_ice(c, a->v[0], o->session, o->candidate ? o->candidate : "auto",
                           ctl_deadline(c, CTL_ONE_US), &sent);
    if (status == 0 && sent == 0) {
        return ctl_fail(c, EXIT_DATA, NULL, "no candidate in %s", o->candidate);
    }
    if (status == 0) {
        relay_result(c, &r, start);
    }
    return status;
}

int cmd_bye(struct ctl *c, const struct ctl_args *a)
{
    const struct relay_opts *o = a->values;
    struct relay r = {.type = "bye",
                      .target = a->v[0],
                      .session = o->session,
                      .key = "reason",
                      .text = sp_str(o->reason ? o->reason : "hangup")};
    return send_one(c, &r);
}

/* The member that a body which is no object stands for. */
static const char *text_member(const char *type)
{
    static const struct {
        const char *type, *member;
    } rows[] = {{"offer", "sdp"}, {"answer", "sdp"}, {"ice", "candidate"}, {"bye", "reason"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (strcmp(rows[i].type, type) == 0) {
            return rows[i].member;
        }
    }
    return NULL;
}

static int body_of(const struct ctl *c, struct relay *r, struct sp_str body)
{
    struct sp_doc doc;
    struct sp_diag d;
    while (body.n > 0 && (body.p[body.n - 1] == '\n' || body.p[body.n - 1] == ' ')) {
        body.n--;
    }
    if (body.n == 0 || body.p[0] != '{') {
        r->key = text_member(r->type);
        r->text = body;
        return r->key ? 0
                      : ctl_fail(c, EXIT_USAGE, NULL, "BODY of %s must be a JSON object", r->type);
    }
    if (sp_scan(&doc, body.p, body.n, &sp_scan_defaults, &d) != SP_OK) {
        return ctl_fail(c, EXIT_DATA, NULL, "BODY: %s", d.text);
    }
    if (doc.count > 0) {
        const struct sp_member *last = &doc.m[doc.count - 1];
        size_t from = doc.m[0].key_off - 1, to = last->val_off + last->val_len;
        r->body = (struct sp_str){body.p + from, to - from};
    }
    return 0;
}

static int send_lines(struct ctl *c, const struct relay *to)
{
    struct lines in = {0};
    char *line = NULL;
    int status = 0;
    do {
        struct relay r = *to;
        if (lines_next(&in, c->link, &line) != 0) {
            status = ctl_fail_link(c);
        } else if (line && *line) {
            status = body_of(c, &r, sp_str(line));
            status = status ? status : send_one(c, &r);
        }
    } while (status == 0 && line);
    lines_fini(&in);
    return status;
}

int cmd_send(struct ctl *c, const struct ctl_args *a)
{
    const struct relay_opts *o = a->values;
    struct relay r = {.type = o->type, .target = a->v[0], .session = o->session};
    int status = 0;
    size_t n = 0;
    if (!o->type) {
        return ctl_fail(c, EXIT_USAGE, NULL, "send needs --type");
    }
    if (o->lines == (a->n > 1) || (o->lines && c->mode != CTL_ONE)) {
        return ctl_fail(c, EXIT_USAGE, NULL,
                        o->lines ? "-l takes the bodies from stdin, which must be free"
                                 : "send needs a BODY, or -l");
    }
    if (o->lines) {
        return send_lines(c, &r);
    }
    char *body = spec_load(c, a->v[1], &n, &status);
    if (!body) {
        return status;
    }
    status = body_of(c, &r, (struct sp_str){body, n});
    status = status ? status : send_one(c, &r);
    free(body);
    return status;
}
