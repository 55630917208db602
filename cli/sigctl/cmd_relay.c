/* SPDX-License-Identifier: MIT
 * The commands that send a message of the protocol to a peer: offer, answer, ice, bye. */
#include "cli/sigctl/relay.h"
#include "cli/sigctl/spec.h"

#include <stdlib.h>

struct relay_opts {
    const char *sdp, *media, *wait, *ice, *session, *candidate, *reason;
    int64_t target_us;
};
#define TARGET_MOST_US 60000000 /* the server's own bound */
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
    ROW("wait-target", 0, OPT_DURATION, "DUR", target_us,
        "have it wait so long for TO to register"),
    ROW("ice", 0, OPT_STRING, "SPEC", ice, "then candidates: N, @FILE, text or null"),
    {0}};

const struct opt answer_rows[] = {ROW_SDP, ROW_MEDIA, ROW_SESSION, {0}};

const struct opt ice_rows[] = {ROW("candidate", 'c', OPT_STRING, "SPEC", candidate,
                                   "text, object, @FILE (a line each), N made up, null"),
                               ROW_SESSION,
                               {0}};

const struct opt bye_rows[] = {
    ROW("reason", 0, OPT_STRING, "WORD", reason, "hangup, rejected or your own"), ROW_SESSION, {0}};

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
    int64_t deadline = ctl_deadline(c, CTL_ONE_US + r->hold_ms * 1000), sent = link_mono_us();
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

/* The positional SPEC is another way to write an option; NULL with the failure printed in *status
 * when both are given. */
static const char *spec_of(const struct ctl *c, const struct ctl_args *a, const char *option,
                           const char *given, int *status)
{
    if (a->n > 1 && given) {
        *status = ctl_fail(c, EXIT_USAGE, NULL,
                           "SPEC and --%s say the same thing: give one of them", option);
        return NULL;
    }
    return a->n > 1 ? a->v[1] : given;
}

int cmd_offer(struct ctl *c, const struct ctl_args *a)
{
    const struct relay_opts *o = a->values;
    int status = 0;
    size_t n = 0;
    const char *spec = spec_of(c, a, "sdp", o->sdp, &status);
    char *sdp = status ? NULL : spec_sdp(c, spec, o->media, false, &n, &status);
    if (!sdp) {
        return status;
    }
    struct relay r = {
        .type = "offer", .target = a->v[0], .session = o->session, .key = "sdp", .text = {sdp, n}};
    r.hold_ms = (o->target_us < TARGET_MOST_US ? o->target_us : TARGET_MOST_US) / 1000;
    status = relay_begin(c);
    status = status ? status : offer_and_wait(c, &r, o);
    free(sdp);
    return status;
}

static int send_one(struct ctl *c, const struct relay *r)
{
    int status = relay_begin(c);
    return status ? status : relay_one(c, r);
}

int cmd_answer(struct ctl *c, const struct ctl_args *a)
{
    const struct relay_opts *o = a->values;
    int status = 0;
    size_t n = 0;
    const char *spec = spec_of(c, a, "sdp", o->sdp, &status), *media = o->media;
    if (status) {
        return status;
    }
    /* a made-up answer has the sections of the offer, where that was seen and has some */
    if (!media && (!spec || strcmp(spec, "auto") == 0) && strcmp(c->offer_from, a->v[0]) == 0 &&
        c->offer_media[0]) {
        media = c->offer_media;
    }
    char *sdp = spec_sdp(c, spec, media, true, &n, &status);
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
    int status = 0;
    const char *spec = spec_of(c, a, "candidate", o->candidate, &status);
    status = status ? status : relay_begin(c);
    if (status) {
        return status;
    }
    int64_t start = link_mono_us();
    status =
        relay_ice(c, a->v[0], o->session, spec ? spec : "auto", ctl_deadline(c, CTL_ONE_US), &sent);
    if (status == 0 && sent == 0) {
        return ctl_fail(c, EXIT_DATA, NULL, "no candidate in %s", spec ? spec : "auto");
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
