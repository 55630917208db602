/* SPDX-License-Identifier: MIT
 * Running a command line: options, connection, identity, failures, what arrived meanwhile. */
#include "cli/sigctl/ctl.h"

#include "cli/common/out.h"
#include "cli/sigctl/grammar.h"
#include "cli/sigctl/sdp.h"
#include "cli/sigctl/want.h"
#include "libproto/id.h"
#include "libproto/msg.h"

#include <stdarg.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

int ctl_fail(const struct ctl *c, int status, const char *code, const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (c->on_fail) {
        c->on_fail(c->scene, status, code, text);
    } else if (c->file) {
        out_fail((enum exit_code)status, code, "%s:%u: %s", c->file, c->line, text);
    } else if (c->mode == CTL_PIPE) {
        out_fail((enum exit_code)status, code, "line %u: %s", c->line, text);
    } else {
        out_fail((enum exit_code)status, code, "%s", text);
    }
    return status;
}

int ctl_fail_link(const struct ctl *c)
{
    const struct link_fail *why = link_why(c->link);
    if (why->status > 128) {
        return why->status;
    }
    return ctl_fail(c, why->status, why->code[0] ? why->code : NULL, "%s", why->text);
}

static int64_t peers_online(struct ctl *c)
{
    int64_t count = -1;
    if (ctl_query(c, SP_T_LIST, SP_STR("\"limit\":1"), SP_T_CLIENTS, link_deadline(CTL_ONE_US)) !=
            0 ||
        sp_doc_int(&link_reply(c->link)->doc, SP_STR("count"), &count) != SP_OK) {
        return -1;
    }
    return count;
}

int ctl_fail_to(struct ctl *c, const char *target)
{
    const struct link_fail why = *link_why(c->link);
    char online[48] = "";
    if (why.err != SP_TARGET_NOT_FOUND) {
        return ctl_fail_link(c);
    }
    int64_t n = peers_online(c);
    if (n >= 0) {
        snprintf(online, sizeof(online), " (%lld peer%s online)", (long long)n, n == 1 ? "" : "s");
    }
    return ctl_fail(c, why.status, why.code, "%s is not registered%s. Try: sigctl wait peer %s",
                    target, online, target);
}

int64_t ctl_deadline(const struct ctl *c, int64_t unless_given_us)
{
    return link_deadline(c->opts.timeout_us >= 0 ? c->opts.timeout_us : unless_given_us);
}

void ctl_set_take(struct ctl *c, ctl_take_fn fn, void *ctx)
{
    c->take = fn;
    c->take_ctx = ctx;
}

bool kept_set(struct ctl_kept *k, const struct link_msg *m)
{
    char *copy = malloc(m->raw.n + 1);
    if (!copy) {
        return false;
    }
    memcpy(copy, m->raw.p, m->raw.n);
    kept_clear(k);
    k->raw = copy;
    k->m = *m;
    k->m.raw.p = k->m.doc.buf = copy;
    return true;
}

void kept_clear(struct ctl_kept *k)
{
    free(k->raw);
    *k = (struct ctl_kept){0};
}

const struct link_msg *ctl_unread(const struct ctl *c, unsigned at)
{
    return at < c->unread ? &c->inbox[(c->first + at) % CTL_INBOX].m : NULL;
}

void ctl_drop(struct ctl *c, unsigned at)
{
    kept_clear(&c->inbox[(c->first + at) % CTL_INBOX]);
    for (; at + 1 < c->unread; at++) {
        c->inbox[(c->first + at) % CTL_INBOX] = c->inbox[(c->first + at + 1) % CTL_INBOX];
    }
    c->unread--;
    c->inbox[(c->first + c->unread) % CTL_INBOX] = (struct ctl_kept){0};
}

static void put_unread(struct ctl *c, const struct link_msg *m)
{
    if (c->unread == CTL_INBOX) {
        kept_clear(&c->inbox[c->first]);
        c->first = (c->first + 1) % CTL_INBOX;
        c->unread--;
    }
    if (kept_set(&c->inbox[(c->first + c->unread) % CTL_INBOX], m)) {
        c->unread++;
    }
}

static void note_offer(struct ctl *c, const struct link_msg *m)
{
    char from[SP_ID_MAX + 1];
    const struct sp_member *sdp = sp_doc_find(&m->doc, SP_STR("sdp"));
    if (sdp && sdp_media_of(sp_doc_raw(&m->doc, sdp), c->offer_media, sizeof(c->offer_media))) {
        struct sp_str s = link_text(m, "from", from, sizeof(from));
        snprintf(c->offer_from, sizeof(c->offer_from), "%.*s", (int)s.n, s.p ? s.p : "");
    }
}

void ctl_message(void *ctl, const struct link_msg *m)
{
    struct ctl *c = ctl;
    if (m->type == SP_T_OFFER) {
        note_offer(c, m);
    }
    if (c->take && c->take(c->take_ctx, m)) {
        return;
    }
    if (c->show) {
        c->show(c, m);
    } else if (c->mode == CTL_PIPE && m->type != SP_T_PRESENCE) {
        put_unread(c, m);
    }
}

static int choose_id(struct ctl *c)
{
    const char *id = c->opts.id;
    uint32_t r = 0;
    if (c->named) {
        return 0;
    }
    if (id && (strlen(id) > SP_ID_MAX || !sp_id_ok(sp_str(id)))) {
        return link_set_why(c->link, EXIT_USAGE,
                            "'%s' is not an id: want 1 to %u of A-Z a-z 0-9 . _ : @ -, a letter or "
                            "digit first",
                            id, SP_ID_MAX);
    }
    if (id) {
        snprintf(c->id, sizeof(c->id), "%s", id);
    } else if (!link_token_id(c->link, c->id) &&
               getrandom(&r, sizeof(r), 0) == (ssize_t)sizeof(r)) {
        snprintf(c->id, sizeof(c->id), "sigctl-%ld-%06x", (long)getpid(), r & 0xffffff);
    }
    c->named = true;
    return 0;
}

static int become_someone(struct ctl *c)
{
    int status = choose_id(c);
    struct link_who who = {c->id, c->role[0] ? c->role : NULL, sp_str(c->meta[0] ? c->meta : NULL)};
    status = status ? status : link_register(c->link, &who, ctl_deadline(c, CTL_ONE_US));
    if (status == 0) {
        c->was_here = true;
        if (c->opts.verbose) {
            out_note("registered as %s", c->id);
        }
    }
    return status;
}

int ctl_identity(struct ctl *c)
{
    return link_is_registered(c->link) || become_someone(c) == 0 ? 0 : ctl_fail_link(c);
}

int ctl_connect(struct ctl *c)
{
    int status;
    if (link_is_open(c->link)) {
        return 0;
    }
    if (c->mode != CTL_REPL && c->was_here) {
        status = c->base.retry > 0 ? link_recover(c->link, NULL, NULL, ctl_deadline(c, CTL_ONE_US))
                                   : link_explain_closed(c->link);
    } else {
        status = link_open(c->link);
    }
    if (status) {
        return ctl_fail_link(c);
    }
    return c->was_here ? ctl_identity(c) : 0;
}

int ctl_query(struct ctl *c, enum sp_type type, struct sp_str body, enum sp_type want,
              int64_t deadline)
{
    char text[1024];
    struct sp_str none = {NULL, 0};
    for (bool tried = false;; tried = true) {
        struct sp_buf b;
        sp_buf_init(&b, text, sizeof(text));
        sp_put_send(&b, sp_str(sp_type_wire(type)), none, none, body, link_rid(c->link));
        if (b.full) {
            return link_set_why(c->link, EXIT_USAGE, "request too long");
        }
        int status = link_ask(c->link, sp_buf_view(&b), want, deadline);
        if (status == 0 || tried || link_why(c->link)->err != SP_NOT_REGISTERED) {
            return status;
        }
        status = become_someone(c);
        if (status) {
            return status;
        }
    }
}

static int prepare(struct ctl *c, const struct command *cmd)
{
    return (cmd->flags & (CMD_LOCAL | CMD_LATE)) != 0 ? 0 : ctl_connect(c);
}

/* Everything behind --exec is another program's. */
static char **cut_exec(int *argc, char **argv)
{
    for (int i = 1; i < *argc; i++) {
        if (strcmp(argv[i], "--exec") == 0 && i + 1 < *argc) {
            *argc = i + 1;
            return argv + i + 1;
        }
    }
    return NULL;
}

/* A line shares the connection and the identity of all; pointers differ where it says something. */
static const char *misplaced(const struct ctl *c, const struct command *cmd)
{
    const char *name = grammar_misplaced(&c->base, &c->opts);
    bool other_id = c->named && cmd->run != cmd_register && c->opts.id && c->opts.id != c->base.id;
    return name ? name : other_id && strcmp(c->opts.id, c->id) != 0 ? "id" : NULL;
}

static int wrong_count(const struct ctl *c, const struct command *cmd)
{
    return ctl_fail(c, EXIT_USAGE, NULL, "usage: %s %s", cmd->name, cmd->args);
}

/* Who is meant may be one of a scenario's identities. */
static int name_target(const struct ctl *c, const struct command *cmd, const struct ctl_args *a)
{
    bool first = strncmp(cmd->args, "TO", 2) == 0 || strncmp(cmd->args, "ID", 2) == 0;
    int at = first ? 0 : a->n == 2 && strcmp(a->v[0], "peer") == 0 ? 1 : a->n;
    if (c->id_of && at < a->n) {
        a->v[at] = (char *)c->id_of(c->scene, a->v[at]);
    }
    return at < a->n ? want_id(c, a->v[at]) : 0;
}

int ctl_run(struct ctl *c, int argc, char **argv)
{
    _Alignas(16) char values[CTL_VALUES_MAX] = {0};
    char why[256];
    struct ctl_args a = {.values = values, .exec = cut_exec(&argc, argv)};
    int at = command_index(argc, argv);
    const struct command *cmd = at < argc ? command_find(argv[at]) : NULL;
    if (!cmd) {
        const char *near = at < argc ? command_nearest(argv[at]) : NULL;
        return ctl_fail(c, EXIT_USAGE, NULL, "unknown command '%s'%s%s%s",
                        at < argc ? argv[at] : "", near ? ", did you mean '" : "", near ? near : "",
                        near ? "'?" : " (try: sigctl help)");
    }
    c->opts = c->base;
    struct opt_group groups[] = {{link_rows, &c->opts}, {cmd->rows, values}};
    bool ok = opt_parse(groups, 2, argc, argv, &at, why, sizeof(why));
    print_settle(&c->opts);
    out_init(&(struct out_conf){"sigctl", c->opts.json, c->opts.quiet, c->opts.color});
    if (!ok || (c->opts.format && !print_check_format(c->opts.format, why, sizeof(why)))) {
        return ctl_fail(c, EXIT_USAGE, NULL, "%s", why);
    }
    if (misplaced(c, cmd)) {
        return ctl_fail(c, EXIT_USAGE, NULL, "--%s is for the whole run: it stands behind sigctl",
                        misplaced(c, cmd));
    }
    if (c->opts.help) {
        help_one(stdout, cmd);
        return 0;
    }
    a.v = argv + at + 1;
    a.n = argc - at - 1;
    if (a.n < cmd->least || (cmd->most >= 0 && a.n > cmd->most)) {
        return wrong_count(c, cmd);
    }
    int status = name_target(c, cmd, &a);
    status = status ? status : prepare(c, cmd);
    if (status == 0) {
        status = cmd->run(c, &a);
    }
    ctl_set_take(c, NULL, NULL);
    return status;
}

void ctl_fini(struct ctl *c)
{
    while (c->unread > 0) {
        ctl_drop(c, 0);
    }
    link_free(c->link);
}
