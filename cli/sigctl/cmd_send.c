/* SPDX-License-Identifier: MIT
 * send: a message of any type, once, again and again, or many from stdin. */
#include "cli/sigctl/jsonl.h"
#include "cli/sigctl/lines.h"
#include "cli/sigctl/spec.h"
#include "cli/sigctl/want.h"

#include <stdlib.h>

struct send_opts {
    const char *type, *session, *repeat, *interval;
    bool lines, jsonl;
};
_Static_assert(sizeof(struct send_opts) <= CTL_VALUES_MAX, "options fit");

#define ROW(name, letter, kind, arg, member, help)                                                 \
    {                                                                                              \
        name, letter, kind, arg, NULL, offsetof(struct send_opts, member), help                    \
    }

const struct opt send_rows[] = {
    ROW("type", 't', OPT_STRING, "TYPE", type, "the message's type"),
    ROW("session", 's', OPT_STRING, "ID", session, "this session, not the newest"),
    ROW("lines", 'l', OPT_FLAG, NULL, lines, "a BODY per line of stdin"),
    ROW("jsonl", 0, OPT_FLAG, NULL, jsonl, "an object per line: {\"to\":\"cam-2\",\"type\":…}"),
    ROW("repeat", 0, OPT_STRING, "N", repeat, "N times; none: no end"),
    ROW("interval", 0, OPT_STRING, "DUR", interval, "between two (1s)"),
    {0}};

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
    int status;
    do {
        struct relay r = *to;
        status = lines_next(&in, c->link, &line);
        if (status) {
            status = status == LINK_NO_READER ? status : ctl_fail_link(c);
        } else if (line && *line) {
            status = body_of(c, &r, (struct sp_str){line, in.len});
            status = status ? status : relay_one(c, &r);
        }
    } while (status == 0 && line);
    lines_fini(&in);
    return status;
}

static int repeat(struct ctl *c, struct relay *r, const struct send_opts *o)
{
    int64_t times = 1, interval = 1000000;
    int status = want_count(c, "repeat", o->repeat, &times);
    status = status ? status : want_duration(c, "interval", o->interval, 0, &interval);
    status = status ? status : relay_begin(c);
    r->counter = o->repeat ? "seq" : NULL;
    link_needs_reader(c->link, o->repeat != NULL);
    while (status == 0 && r->count < times) {
        int64_t next = link_deadline(interval);
        r->count++;
        status = relay_one(c, r);
        if (status == 0 && r->count < times) {
            status = link_rest(c->link, next, NULL, NULL);
        }
    }
    link_needs_reader(c->link, false);
    return status;
}

static int send_body(struct ctl *c, const char *spec, struct relay *r, const struct send_opts *o)
{
    int status = 0;
    size_t n = 0;
    char *body = spec_load(c, spec, &n, &status);
    if (body) {
        status = body_of(c, r, (struct sp_str){body, n});
        status = status ? status : repeat(c, r, o);
    }
    free(body);
    return status;
}

static int send_stdin(struct ctl *c, const struct relay *r, bool jsonl)
{
    int status = relay_begin(c);
    if (status == 0) {
        link_needs_reader(c->link, true);
        status = jsonl ? jsonl_send(c, r) : send_lines(c, r);
        link_needs_reader(c->link, false);
    }
    return status;
}

/* What is wrong with the words together, or NULL. */
static const char *misuse(const struct ctl *c, const struct ctl_args *a)
{
    const struct send_opts *o = a->values;
    bool in = o->lines || o->jsonl;
    const struct {
        bool so;
        const char *text;
    } rows[] = {
        {o->lines && o->jsonl, "-l and --jsonl: one of them"},
        {in && a->n > 1, "-l and --jsonl take what is sent from stdin, so without a BODY"},
        {in && c->mode != CTL_ONE,
         "-l and --jsonl need stdin, which is where the commands come from"},
        {in && (o->repeat || o->interval), "--repeat and --interval are for one BODY"},
        {o->jsonl && o->session, "--session: say \"sessionId\" in the lines of --jsonl"},
        {!o->jsonl && a->n == 0, "send needs TO, or --jsonl"},
        {!o->jsonl && !o->type, "send needs --type TYPE; a type in BODY counts with --jsonl alone"},
        {!in && a->n < 2, "send needs a BODY, or -l or --jsonl"},
        {o->interval && !o->repeat, "--interval is for --repeat"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].so) {
            return rows[i].text;
        }
    }
    return NULL;
}

int cmd_send(struct ctl *c, const struct ctl_args *a)
{
    const struct send_opts *o = a->values;
    struct relay r = {.type = o->type, .target = a->n > 0 ? a->v[0] : NULL, .session = o->session};
    const char *wrong = misuse(c, a);
    if (wrong) {
        return ctl_fail(c, EXIT_USAGE, NULL, "%s", wrong);
    }
    return o->lines || o->jsonl ? send_stdin(c, &r, o->jsonl) : send_body(c, a->v[1], &r, o);
}
