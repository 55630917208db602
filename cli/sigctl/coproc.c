/* SPDX-License-Identifier: MIT
 * sigctl --coproc: JSON lines in and out for other programs. */
#include "cli/sigctl/coproc.h"

#include <stdlib.h>
#include <unistd.h>

/* ---------------------------------------------------------------- requests */

/* The raw rid of a request, which the caller frees; NULL when it is neither short text nor an
 * integer. */
static char *rid_of(const struct sp_doc *doc)
{
    const struct sp_member *rid = sp_doc_find(doc, SP_STR("rid"));
    char scratch[SP_RID_MAX];
    struct sp_str text;
    int64_t n;
    if (!rid) {
        return NULL;
    }
    struct sp_str raw = sp_doc_raw(doc, rid);
    bool ok =
        rid->kind == SP_J_STRING
            ? sp_doc_str(doc, SP_STR("rid"), scratch, sizeof(scratch), &text) == SP_OK && text.n > 0
            : rid->kind == SP_J_NUMBER && sp_parse_int(raw, &n);
    return ok ? strndup(raw.p, raw.n) : NULL;
}

static void take_request(struct coproc *co, struct sp_str line)
{
    struct sp_doc doc;
    struct sp_diag d;
    if (sp_scan(&doc, line.p, line.n, &sp_scan_defaults, &d) != SP_OK) {
        coproc_fail(co, NULL, EXIT_DATA, NULL, d.text);
        return;
    }
    struct link_msg m = {.doc = doc};
    char word[SP_WORD_MAX + 1], *rid = rid_of(&doc);
    struct sp_str type = link_text(&m, "type", word, SP_WORD_MAX);
    if (!rid) {
        coproc_fail(co, NULL, EXIT_DATA, NULL,
                    "want a \"rid\": text of 1 to 64 bytes, or an integer");
    } else if (sp_doc_find(&doc, SP_STR("args")) || sp_doc_find(&doc, SP_STR("line"))) {
        coproc_queue(co, &doc, rid);
    } else if (type.n == 0 || sp_str_eq(type, SP_STR("register"))) {
        coproc_fail(co, rid, type.n ? EXIT_USAGE : EXIT_DATA, NULL,
                    type.n ? "register is a command: {\"rid\":1,\"args\":[\"register\",\"ID\"]}"
                           : "want \"args\", \"line\" or a message with its \"type\"");
        free(rid);
    } else {
        coproc_post(co, &doc, rid);
    }
}

static void take_line(struct coproc *co)
{
    struct link *l = co->c->link;
    char *line;
    if (lines_next(&co->in, l, &line) != 0) {
        coproc_fail(co, NULL, EXIT_DATA, NULL, link_why(l)->text);
        co->end = co->end || co->in.err;
    } else if (!line) {
        co->end = true;
    } else if (co->in.len > 0) {
        take_request(co, (struct sp_str){line, co->in.len});
    }
}

static void on_input(void *ctx)
{
    struct coproc *co = ctx;
    lines_read(&co->in);
    while (!co->end && lines_ready(&co->in)) {
        take_line(co);
    }
    if (co->end) {
        link_on_input(co->c->link, -1, NULL, NULL);
        co->end_us = link_deadline(co->timeout_us);
    }
}

/* ---------------------------------------------------------------- connection */

static void tell_up(struct coproc *co)
{
    const struct ctl *c = co->c;
    char text[SP_ID_MAX + 32] = "connected";
    if (!co->up && link_is_open(c->link)) {
        co->up = true;
        co->gone = false;
        if (link_is_registered(c->link)) {
            snprintf(text, sizeof(text), "registered as %s", c->id);
        }
        coproc_event(co, "up", text);
    }
}

static void tell_lost(struct coproc *co, const char *why)
{
    if (co->up) {
        co->up = false;
        coproc_event(co, "lost", why);
    }
    coproc_lose(co, why);
}

/* A command that comes back by itself says so by a remark. */
static void on_remark(void *ctx, const char *text)
{
    struct coproc *co = ctx;
    if (co->up && !link_is_open(co->c->link)) {
        tell_lost(co, text);
    } else {
        out_note("%s", text);
    }
}

static void on_message(void *ctx, const struct link_msg *m)
{
    struct coproc *co = ctx;
    tell_up(co);
    if (!coproc_answered(co, m)) {
        coproc_message(co, m);
        ctl_message(co->c, m);
    }
}

static bool is_over(void *ctx)
{
    const struct coproc *co = ctx;
    return co->end && co->njobs == 0 && co->first == co->next;
}

static bool has_work(void *ctx)
{
    const struct coproc *co = ctx;
    return co->njobs > 0 || is_over(ctx);
}

/* Every wait, that of a command too, ends when the time after the input's end is over. */
static int on_wait(void *ctx, struct link *l, int64_t deadline)
{
    struct coproc *co = ctx;
    int64_t late = coproc_moment(co), until = deadline < late ? deadline : late;
    int status = link_serve(l, co->end && co->end_us < until ? co->end_us : until);
    coproc_expire(co);
    if (status == 0 && co->end && link_mono_us() >= co->end_us) {
        return link_set_why(l, EXIT_TIMEOUT, "the input has ended");
    }
    return status;
}

static int come_back(struct coproc *co)
{
    struct link *l = co->c->link;
    link_explain_closed(l);
    tell_lost(co, link_why(l)->text);
    int status = link_recover(l, is_over, co, OPT_NEVER);
    if (status >= 128) {
        return status;
    }
    if (status) {
        /* the next command opens a new connection, and a register another identity */
        co->gone = true;
        co->c->was_here = false;
        coproc_event(co, "closed", link_why(l)->text);
    } else {
        tell_up(co);
    }
    return 0;
}

static int serve(struct coproc *co)
{
    struct link *l = co->c->link;
    int status = 0;
    while (status == 0 && !is_over(co)) {
        if (!link_is_open(l) && !co->gone) {
            status = come_back(co);
        } else if (co->njobs > 0) {
            status = coproc_next(co);
            tell_up(co);
        } else {
            status = co->gone ? link_rest(l, OPT_NEVER, has_work, co)
                              : link_until(l, has_work, co, OPT_NEVER);
            status = status < 128 ? 0 : status;
        }
    }
    return status;
}

static int start(struct coproc *co)
{
    struct ctl *c = co->c;
    c->on_fail = coproc_on_fail;
    c->scene = co;
    int status = ctl_connect(c);
    status = status == 0 && c->base.id ? ctl_identity(c) : status;
    c->on_fail = NULL;
    if (status) {
        coproc_event(co, "closed", co->failed.text);
        out_note("%s", co->failed.text);
    }
    return status;
}

int coproc_run(struct ctl *c)
{
    static struct coproc co;
    co = (struct coproc){.c = c, .in = {.forgiving = true}};
    co.timeout_us = c->base.timeout_us >= 0 ? c->base.timeout_us : CTL_ONE_US;
    co.posts = calloc(COPROC_POSTS, sizeof(*co.posts));
    if (!co.posts) {
        return ctl_fail(c, EXIT_DATA, NULL, "out of memory");
    }
    c->mode = CTL_PIPE;
    c->base.json = true;
    c->opts = c->base;
    int status = start(&co);
    if (status == 0) {
        tell_up(&co);
        link_on_message(c->link, on_message, &co);
        link_on_remark(c->link, on_remark, &co);
        link_on_input(c->link, STDIN_FILENO, on_input, &co);
        link_on_wait(c->link, on_wait, &co);
        link_comes_back(c->link, true);
        link_needs_reader(c->link, true);
        status = serve(&co);
        link_on_wait(c->link, NULL, NULL);
        link_on_message(c->link, ctl_message, c);
    }
    lines_fini(&co.in);
    free(co.results);
    free(co.posts);
    return status;
}
