/* SPDX-License-Identifier: MIT
 * Administration: stats, kick, drain, reload. What is allowed is the server's word. */
#include "cli/common/out.h"
#include "cli/sigctl/want.h"

#define DRAIN_US 20000000 /* sigd gives its clients 10 s unless told otherwise */
#define PROBE_US 50000

struct admin_opts {
    const char *reason;
};
_Static_assert(sizeof(struct admin_opts) <= CTL_VALUES_MAX, "options fit");

const struct opt stats_rows[] = {{0}};
const struct opt kick_rows[] = {{"reason", 0, OPT_STRING, "TEXT", NULL,
                                 offsetof(struct admin_opts, reason), "for the log of the server"},
                                {0}};
const struct opt drain_rows[] = {{0}};
const struct opt reload_rows[] = {{0}};

static const struct sp_str none = {NULL, 0};

/* ---------------------------------------------------------------- stats */

/* One row per number of the reply; our names are the tools' own: words with _, times in _us. */
static const struct stat {
    const char *wire, *name, *label;
    int64_t factor;
    bool counter; /* stands among the counters */
} stats[] = {{"clients", "clients", "clients", 1, false},
             {"connections", "connections", "connections", 1, false},
             {"sessions", "sessions", "sessions", 1, false},
             {"monitors", "monitors", "monitors", 1, false},
             {"queuedBytes", "queued_bytes", "queued bytes", 1, false},
             {"uptime", "uptime_us", "uptime", 1000000, false},
             {"relayedBytes", "relayed_bytes", "relayed bytes", 1, true}};

#define NSTATS (sizeof(stats) / sizeof(stats[0]))

/* groups are objects of counters by name. */
static const char *const groups[] = {"relayed", "errors", "events"};

#define NGROUPS (sizeof(groups) / sizeof(groups[0]))

static struct sp_str raw_member(const struct link_msg *m, const char *key, enum sp_json_kind kind)
{
    const struct sp_member *member = sp_doc_find(&m->doc, sp_str(key));
    return member && member->kind == kind ? sp_doc_raw(&m->doc, member) : none;
}

static bool number_of(const struct stat *s, const struct link_msg *m, const struct link_msg *inner,
                      int64_t *n)
{
    return sp_doc_int(s->counter ? &inner->doc : &m->doc, sp_str(s->wire), n) == SP_OK;
}

static void print_stats_object(const struct ctl *c, const struct link_msg *m,
                               const struct link_msg *inner)
{
    struct print_line l;
    char server[64];
    int64_t n;
    if (!print_begin(&l, m->raw.n)) {
        return;
    }
    sp_json_bool(&l.j, "ok", true);
    sp_json_str(&l.j, "type", SP_STR("stats"));
    sp_json_str(&l.j, "server", link_text(m, "server", server, sizeof(server)));
    for (size_t i = 0; i < NSTATS; i++) {
        if (number_of(&stats[i], m, inner, &n) && n <= INT64_MAX / stats[i].factor) {
            sp_json_int(&l.j, stats[i].name, n * stats[i].factor);
        }
    }
    for (size_t i = 0; i < NGROUPS; i++) {
        struct sp_str raw = raw_member(inner, groups[i], SP_J_OBJECT);
        sp_json_raw(&l.j, groups[i], raw.n ? raw : SP_STR("{}"));
    }
    print_time(&l, m->wall_us);
    print_end(&c->opts, &l);
}

static void print_uptime(int64_t s)
{
    printf("%lldd %02lld:%02lld:%02lld\n", (long long)(s / 86400), (long long)(s / 3600 % 24),
           (long long)(s / 60 % 60), (long long)(s % 60));
}

/* Counters that are 0 tell nobody anything. */
static void print_group(const char *name, struct sp_str raw)
{
    struct link_msg m;
    int64_t n;
    if (!raw.n || !link_scan(&m, raw)) {
        return;
    }
    for (uint32_t i = 0; i < m.doc.count; i++) {
        const struct sp_member *member = &m.doc.m[i];
        if (sp_parse_int(sp_doc_raw(&m.doc, member), &n) && n != 0) {
            printf("%-13s ", name);
            out_safe(stdout, (struct sp_str){raw.p + member->key_off, member->key_len});
            printf(" %lld\n", (long long)n);
        }
    }
}

static void print_stats(const struct link_msg *m, const struct link_msg *inner)
{
    char server[64];
    int64_t n;
    printf("%-13s ", "server");
    out_safe(stdout, link_text(m, "server", server, sizeof(server)));
    putchar('\n');
    for (size_t i = 0; i < NSTATS; i++) {
        if (!number_of(&stats[i], m, inner, &n)) {
            continue;
        }
        printf("%-13s ", stats[i].label);
        if (stats[i].factor == 1) {
            printf("%lld\n", (long long)n);
        } else {
            print_uptime(n);
        }
    }
    for (size_t i = 0; i < NGROUPS; i++) {
        print_group(groups[i], raw_member(inner, groups[i], SP_J_OBJECT));
    }
    fflush(stdout);
}

int cmd_stats(struct ctl *c, const struct ctl_args *a)
{
    struct link_msg inner;
    (void)a;
    if (ctl_query(c, SP_T_STATS, none, SP_T_STATS, ctl_deadline(c, CTL_ONE_US)) != 0) {
        return ctl_fail_link(c);
    }
    const struct link_msg *m = link_reply(c->link);
    struct sp_str counters = raw_member(m, "counters", SP_J_OBJECT);
    if (!link_scan(&inner, counters.n ? counters : SP_STR("{}"))) {
        return ctl_fail(c, EXIT_DATA, NULL, "the server's counters cannot be read");
    }
    if (print_is_machine(&c->opts)) {
        print_stats_object(c, m, &inner);
    } else {
        print_stats(m, &inner);
    }
    return 0;
}

/* ---------------------------------------------------------------- kick, drain, reload */

/* Says that it is done: {"ok":true,"type":TYPE,"id":ID,"wait_us":N}. */
static void print_done(const struct ctl *c, const char *type, const char *past, const char *id,
                       int64_t wait_us)
{
    struct print_line l;
    if (!print_is_machine(&c->opts)) {
        if (!c->opts.quiet) {
            printf("%s%s%s\n", past, id ? " " : "", id ? id : "");
            fflush(stdout);
        }
        return;
    }
    if (print_begin(&l, SP_ID_MAX)) {
        sp_json_bool(&l.j, "ok", true);
        sp_json_str(&l.j, "type", sp_str(type));
        sp_json_str_opt(&l.j, "id", sp_str(id));
        if (wait_us >= 0) {
            sp_json_int(&l.j, "wait_us", wait_us);
        }
        print_time(&l, link_wall_us());
        print_end(&c->opts, &l);
    }
}

int cmd_kick(struct ctl *c, const struct ctl_args *a)
{
    const struct admin_opts *o = a->values;
    char text[1024];
    struct sp_buf b;
    if (o->reason && strlen(o->reason) > SP_REASON_MAX) {
        return ctl_fail(c, EXIT_USAGE, NULL, "--reason: %zu bytes, at most %u may be said",
                        strlen(o->reason), SP_REASON_MAX);
    }
    sp_buf_init(&b, text, sizeof(text));
    sp_buf_lit(&b, "\"target\":");
    sp_buf_json(&b, sp_str(a->v[0]));
    if (o->reason) {
        sp_buf_lit(&b, ",\"reason\":");
        sp_buf_json(&b, sp_str(o->reason));
    }
    int status = ctl_connect(c);
    if (status) {
        return status;
    }
    if (ctl_query(c, SP_T_KICK, sp_buf_view(&b), SP_T_ACK, ctl_deadline(c, CTL_ONE_US)) != 0) {
        const struct link_fail *why = link_why(c->link);
        return why->err == SP_TARGET_NOT_FOUND
                   ? ctl_fail(c, why->status, why->code, "%s is not registered. Try: sigctl list",
                              a->v[0])
                   : ctl_fail_link(c);
    }
    print_done(c, "kick", "kicked", a->v[0], -1);
    return 0;
}

static bool never(void *ctx)
{
    (void)ctx;
    return false;
}

/* The server answers nobody any more, or another one answers in its place. */
static int wait_until_gone(struct ctl *c, int64_t deadline)
{
    int status = link_until(c->link, never, NULL, deadline);
    while (status != EXIT_TIMEOUT && status < 128) {
        status = link_try(c->link);
        bool is_busy = status != 0 && link_why(c->link)->retry_us >= 0;
        if (status < 128 && !is_busy && status != EXIT_TIMEOUT && status != EXIT_LOST) {
            return 0;
        }
        int64_t next = link_mono_us() + PROBE_US;
        int end = link_rest(c->link, next, NULL, NULL);
        status = end ? end : link_mono_us() >= deadline ? EXIT_TIMEOUT : status;
    }
    return status;
}

int cmd_drain(struct ctl *c, const struct ctl_args *a)
{
    int64_t start = link_mono_us(), deadline = ctl_deadline(c, DRAIN_US);
    (void)a;
    if (ctl_query(c, SP_T_DRAIN, none, SP_T_ACK, deadline) != 0) {
        return ctl_fail_link(c);
    }
    int status = wait_until_gone(c, deadline);
    if (status == EXIT_TIMEOUT) {
        return ctl_fail(c, status, NULL,
                        "timed out: the server drains, but is not gone yet. Try: a longer -W, or "
                        "sigctl wait server for the next one");
    }
    if (status) {
        return ctl_fail_link(c);
    }
    print_done(c, "drain", "drained", NULL, link_mono_us() - start);
    return 0;
}

int cmd_reload(struct ctl *c, const struct ctl_args *a)
{
    (void)a;
    if (ctl_query(c, SP_T_RELOAD, none, SP_T_ACK, ctl_deadline(c, CTL_ONE_US)) != 0) {
        const struct link_fail why = *link_why(c->link);
        return why.err == SP_INTERNAL && why.details[0]
                   ? ctl_fail(c, why.status, why.code, "%s", why.details)
                   : ctl_fail_link(c);
    }
    print_done(c, "reload", "reloaded", NULL, -1);
    return 0;
}
