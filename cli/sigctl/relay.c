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
}

static int ask(struct ctl *c, const struct relay *r, struct sp_str body, int64_t deadline)
{
    size_t cap = body.n + 2048;
    char *p = malloc(cap);
    struct sp_buf b;
    if (!p) {
        return link_set_why(c->link, EXIT_DATA, "out of memory");
    }
    sp_buf_init(&b, p, cap);
    sp_put_send(&b, sp_str(r->type), sp_str(r->target), sp_str(r->session), body,
                link_rid(c->link));
    int status = b.full ? link_set_why(c->link, EXIT_USAGE, "target or session too long")
                        : link_ask(c->link, sp_buf_view(&b), SP_T_ACK, deadline);
    free(p);
    return status;
}

int relay_send(struct ctl *c, const struct relay *r, int64_t deadline)
{
    size_t cap = r->body.n + r->raw.n + r->text.n * 6 + 64;
    char *p = malloc(cap);
    struct sp_buf b;
    if (!p) {
        return ctl_fail(c, EXIT_DATA, NULL, "out of memory");
    }
    sp_buf_init(&b, p, cap);
    put_body(&b, r);
    int status = ask(c, r, sp_buf_view(&b), deadline);
    free(p);
    if (status == EXIT_TIMEOUT) {
        return ctl_fail(c, status, NULL, "timed out: %s to %s was not acknowledged", r->type,
                        r->target);
    }
    return status ? ctl_fail_to(c, r->target) : 0;
}

void relay_result(struct ctl *c, const struct relay *r, int64_t sent_us)
{
    const struct link_msg *ack = link_reply(c->link);
    char session[SP_ID_MAX + 1];
    struct sp_str s = link_text(ack, "sessionId", session, sizeof(session));
    int64_t rtt = ack->mono_us - sent_us;
    struct print_line l;
    if (!print_is_machine(&c->opts)) {
        if (!c->opts.quiet) {
            printf("%s to %s delivered", r->type, r->target);
            if (s.n > 0) {
                printf(" in ");
                out_safe(stdout, s);
            }
            printf(" (%.2f ms)\n", (double)rtt / 1000);
        }
        return;
    }
    if (print_begin(&l, SP_ID_MAX * 2)) {
        sp_json_bool(&l.j, "ok", true);
        sp_json_str(&l.j, "type", SP_STR("ack"));
        sp_json_str(&l.j, "kind", sp_str(r->type));
        sp_json_str(&l.j, "to", sp_str(r->target));
        sp_json_str_opt(&l.j, "session", s);
        sp_json_int(&l.j, "rtt_us", rtt);
        print_time(&l, ack->wall_us);
        print_end(&c->opts, &l);
    }
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
