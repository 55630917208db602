/* SPDX-License-Identifier: MIT
 * The lines that a co-process writes: each is one object, written whole. */
#include "cli/sigctl/coproc.h"

/* What a command prints is collected; this is not of a command. */
static void tell(const struct coproc *co, struct print_line *l)
{
    if (co->running) {
        out_divert(NULL);
    }
    print_end(&co->c->base, l);
    if (co->running) {
        out_divert(&co->sink);
    }
}

void coproc_event(const struct coproc *co, const char *state, const char *message)
{
    struct print_line l;
    if (print_begin(&l, strlen(message))) {
        sp_json_str(&l.j, "event", SP_STR("link"));
        sp_json_str(&l.j, "state", sp_str(state));
        sp_json_str(&l.j, "message", sp_str(message));
        print_time(&l, link_wall_us());
        tell(co, &l);
    }
}

void coproc_message(const struct coproc *co, const struct link_msg *m)
{
    struct print_line l;
    if (print_begin(&l, m->raw.n)) {
        sp_json_str(&l.j, "event", SP_STR("message"));
        sp_json_raw(&l.j, "message", m->raw);
        print_time(&l, m->wall_us);
        tell(co, &l);
    }
}

static bool begin(struct print_line *l, const char *rid, int status, size_t remote)
{
    struct sp_str raw = rid ? sp_str(rid) : SP_STR("null");
    if (!print_begin(l, raw.n + remote)) {
        return false;
    }
    sp_json_raw(&l->j, "rid", raw);
    sp_json_bool(&l->j, "ok", status == 0);
    sp_json_int(&l->j, "exit", status);
    return true;
}

static void put_failure(struct print_line *l, int status, const char *code, const char *message)
{
    char word[32];
    out_word(status, word);
    sp_json_str(&l->j, "code", sp_str(code && *code ? code : word));
    sp_json_str(&l->j, "message", sp_str(message));
}

void coproc_fail(const struct coproc *co, const char *rid, int status, const char *code,
                 const char *message)
{
    struct print_line l;
    if (begin(&l, rid, status, strlen(message))) {
        put_failure(&l, status, code, message);
        tell(co, &l);
    }
}

void coproc_refuse(const struct coproc *co, const char *rid, int status, const char *code,
                   const char *message)
{
    struct print_line l;
    if (begin(&l, rid, status, strlen(message))) {
        put_failure(&l, status, code, message);
        sp_json_array(&l.j, "results");
        sp_json_end(&l.j, ']');
        tell(co, &l);
    }
}

void coproc_result(const struct coproc *co, const char *rid, int status)
{
    struct print_line l;
    size_t text = strlen(co->failed.text);
    if (!begin(&l, rid, status, co->nresults + text)) {
        return;
    }
    if (status) {
        put_failure(&l, status, co->failed.code, text > 0 ? co->failed.text : exit_text(status));
    }
    sp_json_array(&l.j, "results");
    if (co->nresults > 0) {
        sp_json_raw(&l.j, NULL, (struct sp_str){co->results, co->nresults});
    }
    sp_json_end(&l.j, ']');
    if (co->cut) {
        sp_json_bool(&l.j, "truncated", true);
    }
    tell(co, &l);
}

/* The server's words with the rid that the request had. */
static void put_reply(struct print_line *l, const struct post *p, const struct link_msg *m)
{
    const struct sp_member *rid = sp_doc_find(&m->doc, SP_STR("rid"));
    size_t end = rid->val_off + rid->val_len;
    sp_json_raw(&l->j, "reply", (struct sp_str){m->raw.p, rid->val_off});
    sp_buf_str(&l->b, sp_str(p->rid));
    sp_buf_str(&l->b, (struct sp_str){m->raw.p + end, m->raw.n - end});
}

void coproc_reply(const struct coproc *co, const struct post *p, const struct link_msg *m)
{
    struct refusal no = {0};
    struct print_line l;
    if (m->type == SP_T_ERROR) {
        refusal_of(&no, m, p->to);
    }
    if (begin(&l, p->rid, no.status, m->raw.n + strlen(p->rid) + sizeof(no.text))) {
        if (no.status) {
            put_failure(&l, no.status, no.code, no.text);
        }
        put_reply(&l, p, m);
        tell(co, &l);
    }
}
