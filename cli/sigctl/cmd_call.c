/* SPDX-License-Identifier: MIT
 * call: a whole session, offer to bye, with the time of each step. */
#include "cli/common/out.h"
#include "cli/sigctl/relay.h"
#include "cli/sigctl/spec.h"

#include <stdlib.h>

#define ICE_MAX 1000 /* more than any peer gathers */

struct call_opts {
    int64_t ice, ice_wait_us;
    const char *sdp, *media;
};
_Static_assert(sizeof(struct call_opts) <= CTL_VALUES_MAX, "options fit");

#define ROW(name, letter, kind, arg, member, help)                                                 \
    {                                                                                              \
        name, letter, kind, arg, NULL, offsetof(struct call_opts, member), help                    \
    }

const struct opt call_rows[] = {
    ROW("ice", 0, OPT_COUNT, "N", ice, "candidates to send and to expect"),
    ROW("ice-wait", 0, OPT_DURATION, "DUR", ice_wait_us, "how long for the peer's (1s)"),
    ROW("sdp", 0, OPT_STRING, "SPEC", sdp, "text, @FILE, @- or auto (made up)"),
    ROW("media", 0, OPT_STRING, "LIST", media, "for auto: video,audio,data"),
    {0}};

struct call {
    struct ctl *c;
    const char *to;
    struct await answer;
    int64_t start, want, got; /* candidates of the peer */
    int64_t answer_us, ice_us, bye_us;
    unsigned sent;
    bool end_of_candidates;
};

/* One rung: time, who speaks, what. */
static void rung(const struct call *k, int64_t at_us, bool ours, const char *what)
{
    char label[64];
    if (print_is_machine(&k->c->opts) || k->c->opts.quiet) {
        return;
    }
    int n = snprintf(label, sizeof(label), "%s", what);
    int dashes = n < 26 ? 26 - n : 0;
    static const char line[] = "--------------------------";
    printf("  %+10.3f ms  |%s %s %.*s%s|\n", (double)(at_us - k->start) / 1000,
           ours ? "---" : "<--", label, dashes, line, ours ? ">" : "-");
    fflush(stdout);
}

static void head(const struct call *k)
{
    if (!print_is_machine(&k->c->opts) && !k->c->opts.quiet) {
        printf("%16s%-30s  %s\n", "", k->c->id, k->to);
    }
}

/* Candidates may follow the answer in the same read, so its rung is drawn as it comes. */
static bool take_answer(struct call *k, const struct link_msg *m)
{
    char size[16], what[32];
    bool had = k->answer.kept.raw;
    bool taken = await_take(&k->answer, m);
    if (!had && k->answer.kept.raw) {
        k->answer_us = m->mono_us;
        out_size(size, m->raw.n);
        snprintf(what, sizeof(what), "answer %s", size);
        rung(k, k->answer_us, false, what);
    }
    return taken;
}

static bool on_message(void *ctx, const struct link_msg *m)
{
    struct call *k = ctx;
    struct match from = {.from = k->to, .type = "ice"};
    const struct sp_member *candidate = sp_doc_find(&m->doc, SP_STR("candidate"));
    if (match_peer(&from, m) && candidate) {
        k->end_of_candidates |= candidate->kind == SP_J_NULL;
        k->got += candidate->kind != SP_J_NULL;
        k->ice_us = m->mono_us;
        rung(k, m->mono_us, false, candidate->kind == SP_J_NULL ? "ice end" : "ice");
        return true;
    }
    return take_answer(k, m);
}

static bool has_candidates(void *ctx)
{
    const struct call *k = ctx;
    return k->end_of_candidates || k->got >= k->want || k->answer.bye.raw;
}

static int make_offer(struct call *k, const char *sdp, size_t n, int64_t deadline)
{
    char session[SP_ID_MAX + 1], size[16], what[32];
    struct relay r = {.type = "offer", .target = k->to, .key = "sdp", .text = {sdp, n}};
    out_size(size, n);
    snprintf(what, sizeof(what), "offer %s", size);
    rung(k, link_mono_us(), true, what);
    int status = relay_send(k->c, &r, deadline);
    if (status) {
        return status;
    }
    struct sp_str s = link_text(link_reply(k->c->link), "sessionId", session, sizeof(session));
    snprintf(k->answer.session, sizeof(k->answer.session), "%.*s", (int)s.n, s.p ? s.p : "");
    return await_done(k->c, &k->answer, deadline);
}

static int swap_candidates(struct call *k, int64_t wait_us, int64_t deadline)
{
    char spec[32];
    if (k->want <= 0) {
        return 0;
    }
    snprintf(spec, sizeof(spec), "%lld", (long long)k->want);
    rung(k, link_mono_us(), true, "ice");
    int status = relay_ice(k->c, k->to, k->answer.session, spec, deadline, &k->sent);
    unsigned end = 0;
    status = status ? status : relay_ice(k->c, k->to, k->answer.session, "null", deadline, &end);
    if (status) {
        return status;
    }
    status = link_until(k->c->link, has_candidates, k, link_deadline(wait_us));
    return status == 0 || status == EXIT_TIMEOUT ? 0 : ctl_fail_link(k->c);
}

static int hang_up(struct call *k, int64_t deadline)
{
    struct relay r = {.type = "bye",
                      .target = k->to,
                      .session = k->answer.session,
                      .key = "reason",
                      .text = SP_STR("hangup")};
    if (k->answer.bye.raw) {
        k->bye_us = k->answer.bye.m.mono_us;
        rung(k, k->bye_us, false, "bye");
        return k->end_of_candidates || k->got >= k->want ? 0 : await_ended(k->c, &k->answer);
    }
    k->bye_us = link_mono_us();
    rung(k, k->bye_us, true, "bye");
    return relay_send(k->c, &r, deadline);
}

static void print_result(const struct call *k)
{
    struct print_line l;
    if (!print_is_machine(&k->c->opts)) {
        if (!k->c->opts.quiet) {
            printf("set up in %.3f ms; candidates: %u sent, %lld received\n",
                   (double)(k->answer_us - k->start) / 1000, k->sent, (long long)k->got);
        }
        return;
    }
    if (print_begin(&l, SP_ID_MAX * 2)) {
        sp_json_bool(&l.j, "ok", true);
        sp_json_str(&l.j, "type", SP_STR("call"));
        sp_json_str(&l.j, "to", sp_str(k->to));
        sp_json_str(&l.j, "session", sp_str(k->answer.session));
        sp_json_int(&l.j, "answer_us", k->answer_us - k->start);
        sp_json_int(&l.j, "ice_us", k->ice_us ? k->ice_us - k->start : -1);
        sp_json_int(&l.j, "bye_us", k->bye_us - k->start);
        sp_json_int(&l.j, "ice_sent", k->sent);
        sp_json_int(&l.j, "ice_received", k->got);
        print_time(&l, link_wall_us());
        print_end(&k->c->opts, &l);
    }
}

int cmd_call(struct ctl *c, const struct ctl_args *a)
{
    const struct call_opts *o = a->values;
    struct call k = {.c = c, .to = a->v[0], .want = o->ice};
    int status = 0;
    size_t n = 0;
    if (o->ice > ICE_MAX) {
        return ctl_fail(c, EXIT_USAGE, NULL, "--ice: no more than %d", ICE_MAX);
    }
    char *sdp = spec_sdp(c, o->sdp, o->media, false, &n, &status);
    if (!sdp) {
        return status;
    }
    status = relay_begin(c);
    int64_t deadline = ctl_deadline(c, CTL_ONE_US);
    k.answer.match = (struct match){.from = k.to, .type = "answer"};
    k.answer.bye_ends = true;
    ctl_set_take(c, on_message, &k);
    k.start = link_mono_us();
    if (status == 0) {
        head(&k);
        status = make_offer(&k, sdp, n, deadline);
    }
    if (status == 0) {
        status = swap_candidates(&k, o->ice_wait_us > 0 ? o->ice_wait_us : 1000000, deadline);
    }
    if (status == 0) {
        status = hang_up(&k, deadline);
    }
    if (status == 0) {
        print_result(&k);
    }
    await_fini(&k.answer);
    free(sdp);
    return status;
}
