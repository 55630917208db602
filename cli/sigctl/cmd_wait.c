/* SPDX-License-Identifier: MIT
 * wait: until a peer, a number of peers, a message or the server is there. Event-driven: watch
 * first, then list, so that nothing falls between. */
#include "cli/common/compare.h"
#include "cli/common/out.h"
#include "cli/sigctl/ids.h"
#include "cli/sigctl/relay.h"
#include "cli/sigctl/want.h"

#define PROBE_US 50000 /* between two looks for a server */

struct wait_opts {
    const char *match, *from, *type, *until;
    bool gone;
};
_Static_assert(sizeof(struct wait_opts) <= CTL_VALUES_MAX, "options fit");

#define ROW(name, letter, kind, arg, member, help)                                                 \
    {                                                                                              \
        name, letter, kind, arg, NULL, offsetof(struct wait_opts, member), help                    \
    }

const struct opt wait_rows[] = {
    ROW("gone", 0, OPT_FLAG, NULL, gone, "peer: until it is not registered"),
    ROW("match", 'm', OPT_STRING, "GLOB", match, "peers: count only these"),
    ROW("type", 't', OPT_STRING, "TYPE", type, "message: of this type"),
    ROW("from", 0, OPT_STRING, "GLOB", from, "message: from these peers"),
    ROW("until", 0, OPT_STRING, "EXPR", until, "message: that matches the filter"),
    {0}};

struct peers {
    struct ids ids;
    struct compare want;
};

static bool is_so(void *ctx)
{
    const struct peers *p = ctx;
    return compare_holds(&p->want, (int64_t)ids_count(&p->ids));
}

static bool on_presence(void *ctx, const struct link_msg *m)
{
    struct peers *p = ctx;
    if (m->type == SP_T_PRESENCE) {
        ids_presence(&p->ids, m);
    }
    return false;
}

/* A terminal's session watches everybody already, for its completion. */
static int watch(struct ctl *c, const char *match, int64_t deadline)
{
    char text[SP_MATCH_MAX * 6 + 32];
    struct sp_buf b;
    if (c->mode == CTL_REPL) {
        return 0;
    }
    sp_buf_init(&b, text, sizeof(text));
    if (match) {
        sp_buf_lit(&b, "\"match\":");
        sp_buf_json(&b, sp_str(match));
    }
    return ctl_query(c, SP_T_WATCH, sp_buf_view(&b), SP_T_ACK, deadline);
}

static int list_all(struct ctl *c, struct peers *p, int64_t deadline)
{
    char after[SP_ID_MAX + 1] = "", next[SP_ID_MAX + 1];
    ids_clear(&p->ids);
    do {
        char text[SP_MATCH_MAX * 6 + SP_ID_MAX + 64];
        struct sp_buf b;
        sp_buf_init(&b, text, sizeof(text));
        sp_buf_lit(&b, "\"limit\":1000");
        if (p->ids.match) {
            sp_buf_lit(&b, ",\"match\":");
            sp_buf_json(&b, sp_str(p->ids.match));
        }
        if (after[0]) {
            sp_buf_lit(&b, ",\"after\":");
            sp_buf_json(&b, sp_str(after));
        }
        int status = ctl_query(c, SP_T_LIST, sp_buf_view(&b), SP_T_CLIENTS, deadline);
        if (status) {
            return status;
        }
        ids_list(&p->ids, link_reply(c->link));
        struct sp_str s = link_text(link_reply(c->link), "next", next, sizeof(next));
        snprintf(after, sizeof(after), "%.*s", (int)s.n, s.p ? s.p : "");
    } while (after[0]);
    return 0;
}

static int watch_peers(struct ctl *c, struct peers *p, int64_t deadline)
{
    for (;;) {
        int status = watch(c, p->ids.match, deadline);
        status = status ? status : list_all(c, p, deadline);
        link_comes_back(c->link, c->base.retry > 0);
        status = status ? status : link_until(c->link, is_so, p, deadline);
        link_comes_back(c->link, false);
        if (status != EXIT_LOST || c->base.retry <= 0) {
            return status;
        }
        status = link_recover(c->link, NULL, NULL, deadline);
        if (status) {
            return status;
        }
    }
}

static void print_done(const struct ctl *c, const char *what, int64_t count, int64_t start)
{
    struct print_line l;
    if (!print_is_machine(&c->opts)) {
        return;
    }
    if (print_begin(&l, 0)) {
        sp_json_bool(&l.j, "ok", true);
        sp_json_str(&l.j, "type", sp_str(what));
        if (count >= 0) {
            sp_json_int(&l.j, "count", count);
        }
        sp_json_int(&l.j, "wait_us", link_mono_us() - start);
        print_time(&l, link_wall_us());
        print_end(&c->opts, &l);
    }
}

static int wait_for_peers(struct ctl *c, struct peers *p, const char *match, const char *what)
{
    int64_t start = link_mono_us(), deadline = ctl_deadline(c, CTL_ONE_US);
    if (!ids_init(&p->ids, match)) {
        return ctl_fail(c, EXIT_DATA, NULL, "out of memory");
    }
    int status = ctl_connect(c);
    if (status == 0) {
        ctl_set_take(c, on_presence, p);
        status = watch_peers(c, p, deadline);
        if (status == EXIT_TIMEOUT) {
            ctl_fail(c, status, NULL,
                     "timed out waiting for %s (%zu registered%s%s). Try: sigctl list, or a longer "
                     "-W",
                     what, ids_count(&p->ids), match ? " that match " : "", match ? match : "");
        } else if (status) {
            ctl_fail_link(c);
        }
        if (c->mode == CTL_PIPE && link_is_open(c->link)) {
            struct sp_str none = {NULL, 0};
            ctl_query(c, SP_T_UNWATCH, none, SP_T_ACK, link_deadline(CTL_ONE_US));
        }
    }
    if (status == 0) {
        print_done(c, "peers", (int64_t)ids_count(&p->ids), start);
    }
    ids_fini(&p->ids);
    return status;
}

static int wait_peer(struct ctl *c, const struct ctl_args *a)
{
    const struct wait_opts *o = a->values;
    struct peers p = {.want = {o->gone ? COMPARE_LT : COMPARE_GE, 1}};
    char what[SP_ID_MAX + 32];
    if (a->n != 2) {
        return ctl_fail(c, EXIT_USAGE, NULL, "usage: wait peer ID [--gone]");
    }
    snprintf(what, sizeof(what), "%s%s", a->v[1], o->gone ? " to leave" : "");
    return wait_for_peers(c, &p, a->v[1], what);
}

static int wait_peers(struct ctl *c, const struct ctl_args *a)
{
    const struct wait_opts *o = a->values;
    struct peers p = {0};
    char what[64];
    if (a->n != 2) {
        return ctl_fail(c, EXIT_USAGE, NULL, "usage: wait peers '>=N' [--match GLOB]");
    }
    if (!compare_parse(&p.want, a->v[1], COMPARE_GE)) {
        return ctl_fail(c, EXIT_USAGE, NULL,
                        "wait peers '%s': must be a number, or >= <= = != > < and a number",
                        a->v[1]);
    }
    snprintf(what, sizeof(what), "peers %s", a->v[1]);
    int status = want_match(c, o->match);
    return status ? status : wait_for_peers(c, &p, o->match, what);
}

struct expect {
    struct await await;
    const char *me;
};

static bool on_message(void *ctx, const struct link_msg *m)
{
    struct expect *e = ctx;
    if (m->type == SP_T_PRESENCE) {
        return false;
    }
    if (e->await.match.has_until && !match_until(&e->await.match, m, e->me)) {
        seen_add(&e->await.seen, m);
        return false;
    }
    return await_take(&e->await, m);
}

static int wait_message(struct ctl *c, const struct ctl_args *a)
{
    const struct wait_opts *o = a->values;
    struct expect e = {.me = c->id};
    const struct link_msg *m;
    int status = match_init(c, &e.await.match, o->from, o->type, o->until);
    status = status ? status : ctl_connect(c);
    status = status ? status : ctl_identity(c);
    if (status) {
        return status;
    }
    for (unsigned at = 0; !e.await.kept.raw && (m = ctl_unread(c, at)) != NULL; at++) {
        if (on_message(&e, m)) {
            ctl_drop(c, at);
        }
    }
    ctl_set_take(c, on_message, &e);
    status = await_done(c, &e.await, ctl_deadline(c, CTL_ONE_US));
    if (status == 0 && print_is_machine(&c->opts)) {
        print_received(&c->opts, &e.await.kept.m);
    } else if (status == 0) {
        show_message(stdout, &e.await.kept.m);
    }
    await_fini(&e.await);
    return status;
}

/* No sooner than the server advises; else often, for nobody else waits for this server so. */
static int64_t next_try(const struct link_fail *why, int64_t deadline)
{
    int64_t next = link_deadline(why->retry_us >= 0 ? why->retry_us : PROBE_US);
    return next < deadline ? next : deadline;
}

static bool may_come(int status)
{
    return status == EXIT_CONNECT || status == EXIT_LOST || status == EXIT_REFUSED ||
           status == EXIT_TIMEOUT;
}

static int wait_server(struct ctl *c, const struct ctl_args *a)
{
    int64_t start = link_mono_us(), deadline = ctl_deadline(c, CTL_ONE_US);
    int64_t left = c->base.retry >= 0 ? c->base.retry : OPT_NEVER;
    int status = link_is_open(c->link) ? 0 : link_try(c->link);
    (void)a;
    for (; may_come(status) && left > 0; left--) {
        const struct link_fail why = *link_why(c->link);
        if (link_mono_us() >= deadline) {
            return ctl_fail(c, EXIT_TIMEOUT, NULL, "timed out: no server at %s (%s)",
                            link_url(c->link), why.text);
        }
        status = link_rest(c->link, next_try(&why, deadline), NULL, NULL);
        status = status ? status : link_try(c->link);
    }
    if (status) {
        return ctl_fail_link(c);
    }
    print_done(c, "server", -1, start);
    return 0;
}

/* What a form does not know it would ignore, and the wait would be for something else. */
struct given {
    const char *name;
    bool yes;
};

static int check_options(const struct ctl *c, const char *form, const char *known,
                         const struct given *given)
{
    for (; given->name; given++) {
        if (given->yes && !strstr(known, given->name)) {
            return ctl_fail(c, EXIT_USAGE, NULL, "wait %s has no --%s; %s%s", form, given->name,
                            *known ? "it takes " : "it takes no option of its own", known);
        }
    }
    return 0;
}

int cmd_wait(struct ctl *c, const struct ctl_args *a)
{
    static const struct {
        const char *word, *known;
        int most;
        int (*run)(struct ctl *c, const struct ctl_args *a);
    } kinds[] = {{"peer", "--gone", 2, wait_peer},
                 {"peers", "--match", 2, wait_peers},
                 {"message", "--type --from --until", 1, wait_message},
                 {"server", "", 1, wait_server}};
    const struct wait_opts *o = a->values;
    const struct given given[] = {{"gone", o->gone},           {"match", o->match != NULL},
                                  {"type", o->type != NULL},   {"from", o->from != NULL},
                                  {"until", o->until != NULL}, {NULL, false}};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(a->v[0], kinds[i].word) != 0) {
            continue;
        }
        if (a->n > kinds[i].most) {
            return ctl_fail(c, EXIT_USAGE, NULL, "wait %s takes no further word, but '%s' came",
                            a->v[0], a->v[1]);
        }
        int status = check_options(c, a->v[0], kinds[i].known, given);
        return status ? status : kinds[i].run(c, a);
    }
    return ctl_fail(c, EXIT_USAGE, NULL,
                    "wait for '%s'? Want peer ID, peers '>=N', message or server", a->v[0]);
}
