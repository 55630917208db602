/* SPDX-License-Identifier: MIT
 * What a simulated peer answers, and when. Of a session nothing is kept but an answer that waits
 * for its time. */
#include "cli/sigctl/agent.h"
#include "cli/sigctl/sdp.h"
#include "cli/sigctl/spec.h"
#include "libproto/id.h"
#include "libproto/msg.h"

#include <stdlib.h>

#define WORK_LEAST (64u * 1024)

/* agent_pending is an offer whose answer waits. */
struct agent_pending {
    struct fault_timer timer;
    struct agent_peer *peer;
    struct agent_pending *next, **link; /* of the peer */
    struct ctl_kept kept;               /* of an offer that a hook answers, else empty */
    char media[4];
    char from[SP_ID_MAX + 1], session[SP_ID_MAX + 1];
};

/* ---------------------------------------------------------------- saying */

static bool send_text(struct agent_peer *p, struct sp_str text)
{
    bool ok = wsconn_send(p->ws, text);
    p->a->counts.errors += !ok;
    return ok;
}

bool agent_say(const struct agent_where *w, enum sp_type type, struct sp_str body)
{
    struct agent *a = w->peer->a;
    struct sp_str none = {NULL, 0};
    struct sp_buf b;
    sp_buf_init(&b, a->work, a->work_cap);
    sp_put_send(&b, sp_str(sp_type_wire(type)), w->from, w->session, body, none);
    if (b.full) {
        a->counts.errors++;
        return false;
    }
    return send_text(w->peer, sp_buf_view(&b));
}

void agent_say_bye(const struct agent_where *w)
{
    w->peer->a->counts.rejected += agent_say(w, SP_T_BYE, SP_STR("\"reason\":\"rejected\""));
}

static void say_candidates(const struct agent_where *w)
{
    struct agent *a = w->peer->a;
    for (char **body = a->ice_bodies; body && *body; body++) {
        bool ok = agent_say(w, SP_T_ICE, sp_str(*body));
        a->counts.ice_sent += ok && body[1]; /* the last ends them */
    }
}

static bool say_answer(const struct agent_where *w, struct sp_str body)
{
    bool ok = agent_say(w, SP_T_ANSWER, body);
    w->peer->a->counts.answered += ok;
    if (ok) {
        say_candidates(w);
    }
    return ok;
}

static char *sdp_body(struct sp_str sdp, size_t *n)
{
    size_t cap = sdp.n * 6 + 16;
    char *p = malloc(cap);
    struct sp_buf b;
    if (p) {
        sp_buf_init(&b, p, cap);
        sp_buf_lit(&b, "\"sdp\":");
        sp_buf_json(&b, sdp);
        *n = b.n;
    }
    return p;
}

bool agent_say_sdp(const struct agent_where *w, struct sp_str sdp)
{
    size_t n = 0;
    char *body = sdp_body(sdp, &n);
    bool ok = body && say_answer(w, (struct sp_str){body, n});
    free(body);
    return ok;
}

static void say_made_up(const struct agent_where *w, const char *media)
{
    char sdp[4096];
    struct sp_buf b;
    sp_buf_init(&b, sdp, sizeof(sdp));
    sdp_make(&b, media, true);
    agent_say_sdp(w, sp_buf_view(&b));
}

static void put_missing(struct sp_buf *b, const struct link_msg *m, struct sp_str key,
                        struct sp_str value)
{
    if (value.n > 0 && !sp_doc_find(&m->doc, key)) {
        sp_buf_lit(b, "\"");
        sp_buf_str(b, key);
        sp_buf_lit(b, "\":");
        sp_buf_json(b, value);
        sp_buf_lit(b, ",");
    }
}

bool agent_say_object(const struct agent_where *w, const struct link_msg *m)
{
    struct agent *a = w->peer->a;
    struct sp_buf b;
    size_t cap = m->raw.n + 1024;
    char *p = malloc(cap);
    if (!p) {
        return false;
    }
    const char *brace = memchr(m->raw.p, '{', m->raw.n);
    size_t lead = (size_t)(brace + 1 - m->raw.p);
    sp_buf_init(&b, p, cap);
    sp_buf_lit(&b, "{");
    put_missing(&b, m, SP_STR("target"), w->from);
    put_missing(&b, m, SP_STR("sessionId"), w->session);
    sp_buf_str(&b, (struct sp_str){brace + 1, m->raw.n - lead});
    bool ok = !b.full && send_text(w->peer, sp_buf_view(&b));
    a->counts.answered += ok && m->type == SP_T_ANSWER;
    a->counts.rejected += ok && m->type == SP_T_BYE;
    a->counts.ice_sent += ok && m->type == SP_T_ICE;
    free(p);
    return ok;
}

/* ---------------------------------------------------------------- offers */

static void forget(struct agent_pending *w)
{
    struct agent *a = w->peer->a;
    fault_clear(&a->timers, &w->timer);
    *w->link = w->next;
    if (w->next) {
        w->next->link = w->link;
    }
    a->pending--;
    kept_clear(&w->kept);
    free(w);
}

void agent_forget(struct agent_peer *p)
{
    while (p->pending) {
        forget(p->pending);
    }
}

static void act(const struct agent_where *w, const struct link_msg *m, const char *media)
{
    struct agent *a = w->peer->a;
    if (m) {
        agent_hook_add(w->peer, m);
        return;
    }
    switch (a->answer) {
    case AGENT_AUTO:
        say_made_up(w, media);
        return;
    case AGENT_TEXT:
        say_answer(w, sp_str(a->answer_body));
        return;
    case AGENT_REJECT:
        agent_say_bye(w);
        return;
    case AGENT_NONE:
        return;
    }
}

static void on_time(struct fault_timer *t)
{
    struct agent_pending *p = (struct agent_pending *)(void *)t;
    struct agent_where w = {p->peer, sp_str(p->from), sp_str(p->session)};
    act(&w, p->kept.raw ? &p->kept.m : NULL, p->media);
    forget(p);
}

static void copy_id(char to[SP_ID_MAX + 1], struct sp_str s)
{
    size_t n = s.n <= SP_ID_MAX ? s.n : 0;
    if (n > 0) {
        memcpy(to, s.p, n);
    }
    to[n] = '\0';
}

static bool act_later(const struct agent_where *w, const struct link_msg *m, const char *media,
                      int64_t at)
{
    struct agent *a = w->peer->a;
    struct agent_pending *p = a->pending < AGENT_PENDING_MAX ? calloc(1, sizeof(*p)) : NULL;
    if (!p) {
        return false;
    }
    p->peer = w->peer;
    p->timer.fire = on_time;
    memcpy(p->media, media, sizeof(p->media));
    copy_id(p->from, w->from);
    copy_id(p->session, w->session);
    if ((m && !kept_set(&p->kept, m)) || !fault_set(&a->timers, &p->timer, at)) {
        kept_clear(&p->kept);
        free(p);
        return false;
    }
    a->pending++;
    p->next = w->peer->pending;
    p->link = &w->peer->pending;
    if (p->next) {
        p->next->link = &p->next;
    }
    w->peer->pending = p;
    return true;
}

static void media_of(const struct link_msg *m, char media[4])
{
    char words[32];
    const struct sp_member *sdp = sp_doc_find(&m->doc, SP_STR("sdp"));
    if (!sdp || !sdp_media_of(sp_doc_raw(&m->doc, sdp), words, sizeof(words)) ||
        !sdp_media(words, media)) {
        memcpy(media, "v\0\0", 4);
    }
}

/* Each offer takes the same numbers of the peer's stream, whatever becomes of it. */
static void on_offer(const struct agent_where *w, const struct link_msg *m)
{
    struct agent *a = w->peer->a;
    double lot = fault_random(&w->peer->offers_rng);
    int64_t delay = fault_pick(&a->delay, &w->peer->offers_rng);
    const struct link_msg *hooked = agent_hook_for(a, SP_T_OFFER) ? m : NULL;
    char media[4] = "";
    a->counts.offers++;
    if (lot < a->drop) {
        a->counts.dropped++;
        return;
    }
    if (lot < a->drop + a->reject) {
        agent_say_bye(w);
        return;
    }
    if (a->answer == AGENT_AUTO) {
        media_of(m, media);
    }
    if (delay <= 0) {
        act(w, hooked, media);
    } else if (!act_later(w, hooked, media, link_deadline(delay))) {
        a->counts.errors++;
    }
}

/* ---------------------------------------------------------------- other messages */

static void on_ice(const struct agent_where *w, const struct link_msg *m)
{
    const struct sp_member *candidate = sp_doc_find(&m->doc, SP_STR("candidate"));
    w->peer->a->counts.ice_received += candidate && candidate->kind != SP_J_NULL;
}

static void on_bye(const struct agent_where *w, const struct link_msg *m)
{
    struct agent_pending *next;
    (void)m;
    w->peer->a->counts.byes++;
    for (struct agent_pending *p = w->peer->pending; p; p = next) {
        next = p->next;
        if (sp_str_eq(sp_str(p->session), w->session) && sp_str_eq(sp_str(p->from), w->from)) {
            forget(p);
        }
    }
}

static void on_error(const struct agent_where *w, const struct link_msg *m)
{
    char code[64], details[256];
    struct agent *a = w->peer->a;
    if (w->peer->state == AGENT_OPENING) {
        agent_refused(w->peer, m);
        return;
    }
    a->counts.errors++;
    if (!a->told_error || a->c->opts.verbose) {
        struct sp_str c = link_text(m, "code", code, sizeof(code));
        struct sp_str d = link_text(m, "details", details, sizeof(details));
        agent_remark(w->peer, "%.*s%s%.*s", (int)c.n, c.p ? c.p : "", d.n ? ": " : "", (int)d.n,
                     d.p ? d.p : "");
        a->told_error = true;
    }
}

static void on_registered(const struct agent_where *w, const struct link_msg *m)
{
    (void)m;
    agent_registered(w->peer);
}

void agent_take(struct agent_peer *p, const struct link_msg *m)
{
    static void (*const handlers[SP_T_COUNT])(const struct agent_where *w,
                                              const struct link_msg *m) = {[SP_T_OFFER] = on_offer,
                                                                           [SP_T_ICE] = on_ice,
                                                                           [SP_T_BYE] = on_bye,
                                                                           [SP_T_ERROR] = on_error,
                                                                           [SP_T_REGISTERED] =
                                                                               on_registered};
    char from[SP_ID_MAX], session[SP_ID_MAX];
    struct agent_where w = {p, link_text(m, "from", from, sizeof(from)),
                            link_text(m, "sessionId", session, sizeof(session))};
    if (p->a->c->opts.verbose && m->type != SP_T_REGISTERED) {
        agent_print_message(p, m);
    }
    if (handlers[m->type]) {
        handlers[m->type](&w, m);
    }
    if (m->type != SP_T_OFFER && p->state == AGENT_READY && agent_hook_for(p->a, m->type)) {
        agent_hook_add(p, m);
    }
}

/* ---------------------------------------------------------------- texts */

static int read_answer(struct agent *a, const char *spec)
{
    static const char *const words[] = {
        [AGENT_AUTO] = "auto", [AGENT_NONE] = "none", [AGENT_REJECT] = "reject"};
    int status = 0;
    size_t n = 0, body_n = 0;
    for (enum agent_answer k = AGENT_AUTO; k <= AGENT_REJECT; k++) {
        if (strcmp(spec, words[k]) == 0) {
            a->answer = k;
            return 0;
        }
    }
    if (spec[0] != '@' && strncmp(spec, "v=", 2) != 0) {
        return ctl_fail(a->c, EXIT_USAGE, NULL,
                        "--answer '%s': want auto, none, reject, @FILE or a description", spec);
    }
    char *text = spec_load(a->c, spec, &n, &status);
    if (!text) {
        return status;
    }
    a->answer = AGENT_TEXT;
    a->answer_body = sdp_body((struct sp_str){text, n}, &body_n);
    free(text);
    char *body = a->answer_body ? realloc(a->answer_body, body_n + 1) : NULL;
    if (!body) {
        return ctl_fail(a->c, EXIT_DATA, NULL, "out of memory");
    }
    body[body_n] = '\0';
    a->answer_body = body;
    return 0;
}

static int make_candidates(struct agent *a)
{
    char spec[32], text[512];
    struct spec_ice ice;
    int status = 0;
    size_t n = 0;
    if (a->o->ice == 0) {
        return 0;
    }
    snprintf(spec, sizeof(spec), "%lld", (long long)a->o->ice);
    a->ice_bodies = calloc((size_t)a->o->ice + 2, sizeof(*a->ice_bodies));
    spec_ice_open(a->c, spec, &ice);
    for (bool more = a->ice_bodies; more;) {
        struct sp_buf b;
        sp_buf_init(&b, text, sizeof(text));
        sp_buf_lit(&b, "\"candidate\":");
        more = spec_ice_next(a->c, &ice, &b, &status);
        sp_buf_str(&b, more ? SP_STR("") : SP_STR("null"));
        a->ice_bodies[n] = strndup(b.p, b.n);
        more = a->ice_bodies[n++] && more;
    }
    spec_ice_close(&ice);
    return n == (size_t)a->o->ice + 1 && a->ice_bodies[n - 1]
               ? 0
               : ctl_fail(a->c, EXIT_DATA, NULL, "out of memory");
}

int agent_answer_init(struct agent *a)
{
    int status = read_answer(a, a->o->answer ? a->o->answer : "auto");
    status = status ? status : make_candidates(a);
    if (status) {
        return status;
    }
    a->work_cap = WORK_LEAST + (a->answer_body ? strlen(a->answer_body) : 0);
    a->work = malloc(a->work_cap);
    return a->work ? 0 : ctl_fail(a->c, EXIT_DATA, NULL, "out of memory");
}

void agent_answer_fini(struct agent *a)
{
    for (char **body = a->ice_bodies; body && *body; body++) {
        free(*body);
    }
    free(a->ice_bodies);
    free(a->answer_body);
    free(a->work);
}
