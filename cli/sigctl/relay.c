/* SPDX-License-Identifier: MIT
 * Sending to a peer and waiting for what comes back. */
#include "cli/sigctl/relay.h"

#include "cli/common/out.h"
#include "cli/sigctl/spec.h"
#include "libproto/msg.h"

#include <stdlib.h>

static void put_body(struct sp_buf *b, const struct relay *r)
{
    if (r->body.n > 0) {
        sp_buf_str(b, r->body);
    } else if (r->key) {
        sp_buf_lit(b, "\"");
        sp_buf_str(b, sp_str(r->key));
        sp_buf_lit(b, "\":");
        if (r->raw.n > 0) {
            sp_buf_str(b, r->raw);
        } else {
            sp_buf_json(b, r->text);
        }
    }
    if (r->hold_ms) {
        sp_buf_lit(b, ",\"hold\":");
        sp_buf_int(b, r->hold_ms);
    }
}

size_t relay_size(const struct relay *r)
{
    return r->body.n + r->raw.n + r->text.n * 6 + 2112;
}

bool relay_put(struct sp_buf *b, const struct relay *r, struct sp_str rid)
{
    size_t cap = relay_size(r);
    char *p = malloc(cap);
    struct sp_buf body;
    if (!p) {
        return false;
    }
    sp_buf_init(&body, p, cap);
    put_body(&body, r);
    sp_put_send(b, sp_str(r->type), sp_str(r->target), sp_str(r->session), sp_buf_view(&body), rid);
    free(p);
    return !b->full;
}

static int ask(struct ctl *c, const struct relay *r, int64_t deadline)
{
    size_t cap = relay_size(r);
    char *p = malloc(cap);
    struct sp_buf b;
    if (!p) {
        return link_set_why(c->link, EXIT_DATA, "out of memory");
    }
    sp_buf_init(&b, p, cap);
    int status = relay_put(&b, r, link_rid(c->link))
                     ? link_ask(c->link, sp_buf_view(&b), SP_T_ACK, deadline)
                     : link_set_why(c->link, EXIT_USAGE, "target or session too long");
    free(p);
    return status;
}

int relay_send(struct ctl *c, const struct relay *r, int64_t deadline)
{
    int status = ask(c, r, deadline);
    if (status == EXIT_TIMEOUT) {
        return ctl_fail(c, status, NULL, "timed out: %s to %s was not acknowledged", r->type,
                        r->target);
    }
    return status ? ctl_fail_to(c, r->target) : 0;
}

void refusal_of(struct refusal *r, const struct link_msg *error, const char *target)
{
    char a[64], b[256], d[256], advice[48] = "";
    struct sp_str code = link_text(error, "code", a, sizeof(a));
    struct sp_str message = link_text(error, "message", b, sizeof(b));
    struct sp_str details = link_text(error, "details", d, sizeof(d));
    enum sp_err e = sp_err_find(code);
    int64_t ms = -1;
    if (sp_doc_int(&error->doc, SP_STR("retryAfter"), &ms) == SP_OK && ms >= 0) {
        snprintf(advice, sizeof(advice), ", try again in %.1f s", (double)ms / 1000);
    }
    r->status = e == SP_OK ? EXIT_REFUSED : (int)exit_of_error(e);
    r->retry_us = ms >= 0 ? ms * 1000 : -1;
    snprintf(r->code, sizeof(r->code), "%.*s", (int)code.n, code.p ? code.p : "");
    if (e == SP_TARGET_NOT_FOUND && target[0]) {
        snprintf(r->text, sizeof(r->text), "%s is not registered. Try: sigctl wait peer %s", target,
                 target);
    } else {
        snprintf(r->text, sizeof(r->text), "the server refused: %.*s (%.*s%s%.*s)%s", (int)code.n,
                 code.p, (int)message.n, message.p, details.n ? ": " : "", (int)details.n,
                 details.p, advice);
    }
}

static void tell_ack(const struct ctl *c, const struct relay *r, const struct relay_ack *ack)
{
    if (c->opts.quiet) {
        return;
    }
    printf("%s to ", r->type);
    out_safe(stdout, sp_str(r->target));
    printf(" delivered");
    if (ack->session.n > 0) {
        printf(" in ");
        out_safe(stdout, ack->session);
    }
    printf(" (%.2f ms)\n", (double)ack->rtt_us / 1000);
    fflush(stdout);
}

static void put_count(struct print_line *l, const struct relay *r)
{
    if (r->counter) {
        sp_json_int(&l->j, r->counter, r->count);
    }
}

void relay_acked(struct ctl *c, const struct relay *r, const struct relay_ack *ack)
{
    struct print_line l;
    if (!print_is_machine(&c->opts)) {
        tell_ack(c, r, ack);
        return;
    }
    if (print_begin(&l, SP_ID_MAX * 3)) {
        sp_json_bool(&l.j, "ok", true);
        sp_json_str(&l.j, "type", SP_STR("ack"));
        sp_json_str(&l.j, "kind", sp_str(r->type));
        sp_json_str(&l.j, "to", sp_str(r->target));
        put_count(&l, r);
        sp_json_str_opt(&l.j, "session", ack->session);
        sp_json_int(&l.j, "rtt_us", ack->rtt_us);
        print_time(&l, ack->wall_us);
        print_end(&c->opts, &l);
    }
}

void relay_refused(struct ctl *c, const struct relay *r, const struct refusal *no)
{
    struct print_line l;
    char word[32];
    out_word(no->status, word);
    if (!print_is_machine(&c->opts)) {
        ctl_fail(c, no->status, no->code, "%s %lld: %s", r->counter, (long long)r->count, no->text);
        return;
    }
    if (print_begin(&l, SP_ID_MAX + sizeof(no->text))) {
        sp_json_bool(&l.j, "ok", false);
        put_count(&l, r);
        sp_json_int(&l.j, "exit", no->status);
        sp_json_str(&l.j, "code", sp_str(no->code[0] ? no->code : word));
        sp_json_str(&l.j, "message", sp_str(no->text));
        sp_json_str_opt(&l.j, "to", sp_str(r->target));
        print_time(&l, link_wall_us());
        print_end(&c->opts, &l);
    }
}

void relay_result(struct ctl *c, const struct relay *r, int64_t sent_us)
{
    const struct link_msg *ack = link_reply(c->link);
    char session[SP_ID_MAX + 1];
    relay_acked(c, r,
                &(struct relay_ack){link_text(ack, "sessionId", session, sizeof(session)),
                                    ack->mono_us - sent_us, ack->wall_us});
}

int relay_begin(struct ctl *c)
{
    int status = ctl_connect(c);
    return status ? status : ctl_identity(c);
}

int relay_one(struct ctl *c, const struct relay *r)
{
    int64_t sent = link_mono_us();
    int status = relay_send(c, r, ctl_deadline(c, CTL_ONE_US));
    if (status == 0) {
        relay_result(c, r, sent);
    }
    return status;
}

int relay_ice(struct ctl *c, const char *target, const char *session, const char *spec,
              int64_t deadline, unsigned *sent)
{
    struct spec_ice ice;
    struct relay r = {.type = "ice", .target = target, .session = session, .key = "candidate"};
    int status = spec_ice_open(c, spec, &ice);
    size_t cap = ice.n * 6 + 1024;
    char *p = malloc(cap);
    while (p && status == 0) {
        struct sp_buf b;
        sp_buf_init(&b, p, cap);
        if (!spec_ice_next(c, &ice, &b, &status)) {
            break;
        }
        r.raw = sp_buf_view(&b);
        status = relay_send(c, &r, deadline);
        *sent += status == 0;
    }
    free(p);
    spec_ice_close(&ice);
    return status;
}

bool await_take(void *ctx, const struct link_msg *m)
{
    struct await *w = ctx;
    char session[SP_ID_MAX + 1];
    struct match from_only = {.from = w->match.from};
    struct sp_str s = link_text(m, "sessionId", session, sizeof(session));
    bool mine = !w->session[0] || sp_str_eq(s, sp_str(w->session));
    if (!w->kept.raw && mine && match_peer(&w->match, m)) {
        return kept_set(&w->kept, m);
    }
    if (m->type == SP_T_BYE && mine && w->bye_ends && match_peer(&from_only, m)) {
        kept_set(&w->bye, m);
    }
    seen_add(&w->seen, m);
    return false;
}

static bool is_over(void *ctx)
{
    const struct await *w = ctx;
    return w->kept.raw || w->bye.raw;
}

int await_ended(const struct ctl *c, const struct await *w)
{
    char scratch[SP_REASON_MAX + 1];
    struct sp_str reason = link_text(&w->bye.m, "reason", scratch, sizeof(scratch));
    char code[SP_REASON_MAX + 1];
    snprintf(code, sizeof(code), "%.*s", (int)reason.n, reason.p ? reason.p : "");
    bool left = strcmp(code, "peer-left") == 0;
    return ctl_fail(c, left ? EXIT_NO_PEER : EXIT_REFUSED, code, "%s ended the session: %s",
                    w->match.from, code);
}

int await_done(struct ctl *c, struct await *w, int64_t deadline)
{
    int64_t start = link_mono_us();
    int status = link_until(c->link, is_over, w, deadline);
    if (status == EXIT_TIMEOUT) {
        return ctl_fail(c, status, NULL, "timed out after %.1f s waiting for %s from %s (seen: %s)",
                        (double)(link_mono_us() - start) / 1e6,
                        w->match.type ? w->match.type : "a message",
                        w->match.from ? w->match.from : "anyone", seen_text(&w->seen));
    }
    if (status) {
        return ctl_fail_link(c);
    }
    return w->kept.raw ? 0 : await_ended(c, w);
}

void await_fini(struct await *w)
{
    kept_clear(&w->kept);
    kept_clear(&w->bye);
}
