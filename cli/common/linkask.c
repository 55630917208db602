/* SPDX-License-Identifier: MIT
 * Asking: requests with their one answer, registering, a new token in time. */
#include "cli/common/link_in.h"
#include "cli/common/out.h"
#include "libproto/msg.h"

#include <stdlib.h>

#define RENEWAL_RID "\"renew\""
#define RENEW_AGAIN 1000000 /* while a new token has no way to the server */
#define RENEW_LEAST 200000

/* ---------------------------------------------------------------- answers */

static bool has_rid(const struct link_msg *m, const char *rid, bool or_none)
{
    const struct sp_member *member = sp_doc_find(&m->doc, SP_STR("rid"));
    return member ? sp_str_eq(sp_doc_raw(&m->doc, member), sp_str(rid)) : or_none;
}

static void keep_answer(struct link *l, const struct link_msg *m)
{
    char *copy = malloc(m->raw.n + 1);
    if (!copy) {
        return;
    }
    memcpy(copy, m->raw.p, m->raw.n);
    free(l->reply_copy);
    l->reply_copy = copy;
    l->reply = *m;
    l->reply.raw.p = l->reply.doc.buf = copy;
    l->asking = false;
    l->answered = true;
}

bool link_take_answer(struct link *l, const struct link_msg *m)
{
    /* a server of the original protocol knows no rid; an error it could not ascribe is ours too */
    bool is_it = l->asking && has_rid(m, l->rid_text, m->type == l->want || m->type == SP_T_ERROR);
    if (is_it) {
        keep_answer(l, m);
    }
    return is_it;
}

struct sp_str link_rid(struct link *l)
{
    snprintf(l->rid_text, sizeof(l->rid_text), "%u", ++l->rid);
    return sp_str(l->rid_text);
}

static void keep_text(char *to, size_t cap, struct sp_str s)
{
    snprintf(to, cap, "%.*s", (int)s.n, s.p ? s.p : "");
}

/* What the role may not do, and what would help. */
static void explain_forbidden(struct link *l, const char *details)
{
    bool nobody = !l->bearer.text[0] && !l->o->cert;
    link_set_why(l, EXIT_REFUSED, "forbidden: %s%s", details,
                 nobody ? " (no token was given)" : "");
}

static int explain_error(struct link *l, const struct link_msg *m)
{
    char a[64], b[256], details[sizeof(l->why.details)], advice[48] = "";
    struct sp_str code = link_text(m, "code", a, sizeof(a));
    struct sp_str message = link_text(m, "message", b, sizeof(b));
    int64_t ms = -1;
    enum sp_err e = sp_err_find(code);
    int status = e == SP_OK ? EXIT_REFUSED : (int)exit_of_error(e);
    char c[512];
    keep_text(details, sizeof(details), link_text(m, "details", c, sizeof(c)));
    if (sp_doc_int(&m->doc, SP_STR("retryAfter"), &ms) == SP_OK && ms >= 0) {
        snprintf(advice, sizeof(advice), ", try again in %.1f s", (double)ms / 1000);
    }
    if (e == SP_FORBIDDEN && details[0]) {
        explain_forbidden(l, details);
    } else {
        link_set_why(l, status, "the server refused: %.*s (%.*s%s%s)%s", (int)code.n, code.p,
                     (int)message.n, message.p, details[0] ? ": " : "", details, advice);
    }
    l->why.err = e;
    l->why.retry_us = ms >= 0 ? ms * 1000 : -1;
    keep_text(l->why.code, sizeof(l->why.code), code);
    memcpy(l->why.details, details, sizeof(details));
    return status;
}

/* ---------------------------------------------------------------- asking */

static bool is_answered(void *ctx)
{
    return ((struct link *)ctx)->answered;
}

int link_post(struct link *l, struct sp_str text)
{
    if (wsconn_send(l->ws, text)) {
        return 0;
    }
    return link_is_open(l) ? link_set_why(l, EXIT_LOST, "the server takes no more")
                           : link_explain_closed(l);
}

static int ask_once(struct link *l, struct sp_str text, enum sp_type want, int64_t deadline)
{
    l->answered = false;
    l->asking = true;
    l->want = want;
    int status = link_post(l, text);
    status = status ? status : link_until(l, is_answered, l, deadline);
    l->asking = false;
    if (status) {
        return status;
    }
    return l->reply.type == SP_T_ERROR ? explain_error(l, &l->reply) : 0;
}

static bool never(void *ctx)
{
    (void)ctx;
    return false;
}

/* Waits until what was refused for the moment may be asked again; false when that is too late, or
 * when the connection ends first. */
static bool wait_for_leave(struct link *l, int64_t deadline)
{
    const struct link_fail why = l->why;
    int64_t at = why.retry_us >= 0 ? link_deadline(why.retry_us) : OPT_NEVER;
    int end = at < deadline ? link_until(l, never, NULL, at) : EXIT_LOST;
    if (end != EXIT_TIMEOUT && end < 128) {
        l->why = why;
    }
    return end == EXIT_TIMEOUT;
}

/* Tells whether the same may be asked again; else why says what to give up with. */
static bool may_ask_again(struct link *l, int64_t deadline)
{
    if (l->why.err != SP_OK) {
        return wait_for_leave(l, deadline);
    }
    /* what a server that sends everybody away has not answered, it has not done */
    return l->why.status == EXIT_LOST && l->goaway_us >= 0 && !l->recovering &&
           link_recover(l, NULL, NULL, deadline) == 0;
}

int link_ask(struct link *l, struct sp_str text, enum sp_type want, int64_t deadline)
{
    for (int64_t left = l->o->retry;; left--) {
        int status = ask_once(l, text, want, deadline);
        if (status == 0 || left <= 0) {
            return status;
        }
        if (!may_ask_again(l, deadline)) {
            return l->why.status;
        }
    }
}

static bool put_register(struct link *l, struct sp_buf *b, const struct link_who *who,
                         struct sp_str rid)
{
    struct sp_str none = {NULL, 0};
    sp_put_register(b, sp_str(who->id), sp_str(who->role), who->meta,
                    l->stale ? sp_str(l->bearer.text) : none, none, rid);
    return !b->full;
}

int link_register(struct link *l, const struct link_who *who, int64_t deadline)
{
    char text[SP_META_MAX + TOKEN_MAX + 1024];
    struct sp_buf b;
    sp_buf_init(&b, text, sizeof(text));
    if (!put_register(l, &b, who, link_rid(l))) {
        return link_set_why(l, EXIT_USAGE, "id or meta too long");
    }
    int status = link_ask(l, sp_buf_view(&b), SP_T_REGISTERED, deadline);
    if (status == 0) {
        l->who = *who;
        l->registered = true;
        l->stale = false;
    }
    return status;
}

/* ---------------------------------------------------------------- a new token in time */

/* After two thirds of what is left, so that a refused or late token leaves time for another. */
void link_plan_renewal(struct link *l)
{
    int64_t left = l->bearer.file ? bearer_left_us(&l->bearer, link_wall_us()) : INT64_MAX;
    int64_t wait = left / 3 * 2;
    l->renew_us = OPT_NEVER;
    if (left > 0 && left < INT64_MAX) {
        l->renew_us = link_deadline(wait > RENEW_LEAST ? wait : RENEW_LEAST);
    }
    if (l->stale && l->renew_us > link_deadline(RENEW_AGAIN)) {
        l->renew_us = link_deadline(RENEW_AGAIN);
    }
}

static void register_again(struct link *l)
{
    char text[SP_META_MAX + TOKEN_MAX + 1024];
    struct sp_buf b;
    sp_buf_init(&b, text, sizeof(text));
    if (put_register(l, &b, &l->who, SP_STR(RENEWAL_RID)) && wsconn_send(l->ws, sp_buf_view(&b))) {
        l->stale = false;
    }
}

static void give_up(struct link *l)
{
    l->closed = (struct wsconn_closed){.end = WSCONN_END_CLOSE, .code = SP_CLOSE_NORMAL};
    l->stale = false;
    l->renewing = true;
    wsconn_close(l->ws, SP_CLOSE_NORMAL, "new token");
    wsconn_abort(l->ws);
}

void link_renew(struct link *l)
{
    l->stale = bearer_reload(&l->bearer) || l->stale;
    if (l->stale && link_is_open(l) && l->registered) {
        register_again(l);
    } else if (l->stale && link_is_open(l) && l->comes_back) {
        give_up(l);
    }
    link_plan_renewal(l);
}

bool link_take_renewal(struct link *l, const struct link_msg *m)
{
    bool is_it = has_rid(m, RENEWAL_RID, false);
    if (is_it && m->type == SP_T_ERROR) {
        const struct link_fail why = l->why;
        char text[sizeof(why.text) + 32];
        explain_error(l, m);
        snprintf(text, sizeof(text), "the new token: %s", l->why.text);
        link_remark(l, text);
        l->why = why;
    } else if (is_it && l->o->verbose) {
        link_remark(l, "the server has the new token");
    }
    return is_it;
}
