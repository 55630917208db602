/* SPDX-License-Identifier: MIT
 * agent: simulated peers. The link that every command has waits for them: it hears the signals, the
 * end of the reader and, in a script, its own server meanwhile. */
#include "cli/sigctl/agent.h"

#include "cli/common/out.h"
#include "cli/sigctl/want.h"
#include "libproto/id.h"
#include "libproto/units.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#define EVENTS        256
#define HOOKS_DEFAULT 8
#define SPARE_FDS     64
#define GOODBYE_US    1000000
#define TURN_US       200

#define ROW(name, kind, arg, member, help)                                                         \
    {                                                                                              \
        name, 0, kind, arg, NULL, offsetof(struct agent_opts, member), help                        \
    }

const struct opt agent_rows[] = {
    ROW("count", OPT_STRING, "N", count, "how many peers (1)"),
    ROW("first", OPT_COUNT, "N", first, "number of the first id (1)"),
    ROW("role", OPT_STRING, "ROLE", role, "drone, camera, operator …"),
    {"meta", 'm', OPT_LIST, "KEY=VALUE", NULL, offsetof(struct agent_opts, meta),
     "say something about them (repeat)"},
    ROW("answer", OPT_STRING, "SPEC", answer, "auto, none, reject, @FILE or a description"),
    ROW("ice", OPT_COUNT, "N", ice, "candidates after an answer, and their end"),
    ROW("delay", OPT_STRING, "A..B", delay, "answer after a random time, or after A"),
    ROW("drop", OPT_STRING, "P%", drop, "ignore so many offers"),
    ROW("reject", OPT_STRING, "P%", reject, "end so many sessions: bye, rejected"),
    ROW("disconnect-after", OPT_STRING, "A..B", disconnect_after,
        "drop each connection after a random time"),
    ROW("reconnect", OPT_FLAG, NULL, reconnect, "come back after each end, with back-off"),
    ROW("connect-rate", OPT_STRING, "R", connect_rate, "connections started in a second"),
    ROW("on", OPT_PAIR, "TYPE CMD", on, "a command answers messages of a type (repeat)"),
    ROW("hooks", OPT_STRING, "N", hooks, "commands that run at a time (8)"),
    ROW("ready-file", OPT_STRING, "FILE", ready_file, "made once all are registered"),
    ROW("duration", OPT_STRING, "DUR", duration, "end after this time"),
    ROW("seed", OPT_COUNT, "N", seed, "the same chance again"),
    {0}};

bool agent_watch(struct agent *a, int fd, uint32_t events, struct agent_source *s)
{
    struct epoll_event ev = {.events = events, .data.ptr = s};
    return epoll_ctl(a->ep, EPOLL_CTL_ADD, fd, &ev) == 0;
}

/* ---------------------------------------------------------------- options */

static int read_range(struct agent *a, const char *name, const char *text, struct fault_range *r)
{
    if (!text || fault_range_parse(sp_str(text), r)) {
        return 0;
    }
    return ctl_fail(a->c, EXIT_USAGE, NULL, "--%s '%s': want a time or two, such as 20ms..80ms",
                    name, text);
}

static int read_share(struct agent *a, const char *name, const char *text, double *share)
{
    int64_t millionths;
    if (!text) {
        return 0;
    }
    if (sp_parse_share(sp_str(text), &millionths)) {
        *share = (double)millionths / 1000000;
        return 0;
    }
    return ctl_fail(a->c, EXIT_USAGE, NULL,
                    "--%s '%s': want a share of 0%% to 100%%, such as 1%% or 0.5%%", name, text);
}

static int read_faults(struct agent *a)
{
    const struct agent_opts *o = a->o;
    int status = read_range(a, "delay", o->delay, &a->delay);
    status =
        status ? status : read_range(a, "disconnect-after", o->disconnect_after, &a->disconnect);
    status = status ? status : read_share(a, "drop", o->drop, &a->drop);
    status = status ? status : read_share(a, "reject", o->reject, &a->reject);
    if (status == 0 && a->drop + a->reject > 1.0000001) {
        status = ctl_fail(a->c, EXIT_USAGE, NULL, "--drop and --reject are more than all offers");
    }
    a->seed = (uint64_t)o->seed;
    if (o->seed == 0 && getrandom(&a->seed, sizeof(a->seed), 0) == (ssize_t)sizeof(a->seed)) {
        a->seed >>= 12; /* an integer that --seed and JSON can say */
    }
    a->jitter_rng = a->seed;
    return status;
}

static int read_counts(struct agent *a)
{
    const struct agent_opts *o = a->o;
    int status = want_count(a->c, "count", o->count, &a->count);
    status = status ? status : want_count(a->c, "hooks", o->hooks, &a->places);
    status = status ? status : want_count(a->c, "connect-rate", o->connect_rate, &a->connect_rate);
    status = status ? status : want_duration(a->c, "duration", o->duration, 1, &a->duration_us);
    status = status ? status : want_role(a->c, o->role);
    if (status) {
        return status;
    }
    if (o->ice > AGENT_ICE_MAX) {
        return ctl_fail(a->c, EXIT_USAGE, NULL, "--ice: no more than %d", AGENT_ICE_MAX);
    }
    if (a->places > AGENT_HOOKS_MAX) {
        return ctl_fail(a->c, EXIT_USAGE, NULL, "--hooks: no more than %d", AGENT_HOOKS_MAX);
    }
    if (a->count > INT32_MAX) {
        return ctl_fail(a->c, EXIT_USAGE, NULL, "--count: no more than %d", INT32_MAX);
    }
    return 0;
}

static int read_ids(struct agent *a)
{
    char own[SP_ID_MAX + 1], id[SP_ID_MAX + 1];
    const char *given = a->c->opts.id;
    if (!given) {
        given = a->count == 1 && link_token_id(a->c->link, own) ? own : "agent-%i";
    }
    bool alone = a->count == 1 || strchr(given, '%');
    int n = snprintf(a->pattern, sizeof(a->pattern), "%s%s", given, alone ? "" : "-%i");
    if (n >= (int)sizeof(a->pattern) || !fault_id_parse(sp_str(a->pattern), &a->id)) {
        return ctl_fail(a->c, EXIT_USAGE, NULL,
                        "--id '%s': want an id with one %%i or %%04i for the number", given);
    }
    for (int64_t i = 0; i < a->count; i++) {
        if (!fault_id_write(&a->id, a->first + i, id)) {
            return ctl_fail(a->c, EXIT_USAGE, NULL, "--id '%s': number %lld gives no id", given,
                            (long long)(a->first + i));
        }
    }
    return a->count == 1 || a->id.numbered
               ? 0
               : ctl_fail(a->c, EXIT_USAGE, NULL, "--id '%s': all would be the same", given);
}

static int read_meta(struct agent *a)
{
    const struct opt_list *pairs = &a->o->meta;
    struct sp_buf b;
    struct sp_json j;
    sp_buf_init(&b, a->meta, sizeof(a->meta) - 1);
    sp_json_init(&j, &b);
    sp_json_object(&j, NULL);
    for (unsigned i = 0; i < pairs->n; i++) {
        const char *eq = strchr(pairs->v[i], '=');
        if (!eq || eq == pairs->v[i]) {
            return ctl_fail(a->c, EXIT_USAGE, NULL, "--meta '%s': want KEY=VALUE", pairs->v[i]);
        }
        sp_buf_str(&b, i > 0 ? SP_STR(",") : SP_STR(""));
        sp_buf_json(&b, (struct sp_str){pairs->v[i], (size_t)(eq - pairs->v[i])});
        sp_buf_lit(&b, ":");
        sp_buf_json(&b, sp_str(eq + 1));
    }
    sp_json_end(&j, '}');
    if (b.full) {
        return ctl_fail(a->c, EXIT_USAGE, NULL, "--meta: more than %u bytes", SP_META_MAX);
    }
    a->meta[pairs->n > 0 ? b.n : 0] = '\0';
    return 0;
}

static int raise_nofile(struct agent *a)
{
    struct rlimit lim;
    int64_t hooks = a->o->on.n > 0 ? 2 * a->places : 0;
    if (getrlimit(RLIMIT_NOFILE, &lim) != 0) {
        return 0;
    }
    lim.rlim_cur = lim.rlim_max;
    setrlimit(RLIMIT_NOFILE, &lim);
    if (lim.rlim_max < (uint64_t)(a->count + hooks + SPARE_FDS)) {
        return ctl_fail(a->c, EXIT_USAGE, NULL,
                        "%lld agents need more descriptors than the limit of %llu (try: ulimit -n)",
                        (long long)a->count, (unsigned long long)lim.rlim_max);
    }
    return 0;
}

/* ---------------------------------------------------------------- life */

static int make_peers(struct agent *a)
{
    a->queue_end = &a->queue;
    a->ep = epoll_create1(EPOLL_CLOEXEC);
    a->peers = calloc((size_t)a->count, sizeof(*a->peers));
    if (a->ep < 0 || !a->peers) {
        return ctl_fail(a->c, EXIT_DATA, NULL, "cannot hold %lld agents: %s", (long long)a->count,
                        strerror(errno));
    }
    for (int64_t i = 0; i < a->count; i++) {
        agent_peer_init(a, &a->peers[i], a->first + i);
        agent_peer_queue(&a->peers[i]);
    }
    a->live = a->count;
    return 0;
}

static int init(struct agent *a)
{
    static int (*const steps[])(struct agent *) = {
        read_counts,       raise_nofile,     read_ids,      read_faults, read_meta,
        agent_answer_init, agent_hooks_init, agent_resolve, make_peers};
    const struct link_opts *o = &a->c->opts;
    a->ep = -1;
    a->count = 1;
    a->places = HOOKS_DEFAULT;
    a->connect_rate = a->duration_us = OPT_NEVER;
    a->first = a->o->first > 0 ? a->o->first : 1;
    a->patience_us = o->timeout_us > 0 ? o->timeout_us : AGENT_STEP_US;
    a->start_us = link_mono_us();
    a->wait_until_us = o->wait_server_us > 0 ? link_deadline(o->wait_server_us) : 0;
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        int status = steps[i](a);
        if (status) {
            return status;
        }
    }
    if (a->o->ready_file && unlink(a->o->ready_file) != 0 && errno != ENOENT) {
        return ctl_fail(a->c, EXIT_DATA, NULL, "cannot make %s: %s", a->o->ready_file,
                        strerror(errno));
    }
    return 0;
}

static void fini(struct agent *a)
{
    agent_hooks_fini(a);
    for (int64_t i = 0; a->peers && i < a->count; i++) {
        agent_peer_fini(&a->peers[i]);
    }
    fault_timers_free(&a->timers);
    agent_answer_fini(a);
    free(a->peers);
    if (a->ep >= 0) {
        close(a->ep);
    }
}

static void on_events(void *ctx)
{
    struct agent *a = ctx;
    struct epoll_event ev[EVENTS];
    int n = epoll_wait(a->ep, ev, EVENTS, 0);
    for (int i = 0; i < n; i++) {
        struct agent_source *s = ev[i].data.ptr;
        s->ready(s, ev[i].events);
    }
    a->woken = true;
}

static bool on_signal(void *ctx, int signo)
{
    if (signo == SIGCHLD) {
        agent_hooks_reap(ctx);
        ((struct agent *)ctx)->woken = true;
    }
    return signo == SIGCHLD || signo == SIGWINCH;
}

static int fail_because(struct agent *a, int64_t n, const char *what, const struct agent_why *why)
{
    return ctl_fail(a->c, why->status, why->code[0] ? why->code : NULL,
                    "%lld of %lld agents %s: %s", (long long)n, (long long)a->count, what,
                    why->text);
}

/* What becomes known while it runs; not 0 or -1 (an end without a fault) when that ends the run. */
static int look(struct agent *a)
{
    if (!a->ready && a->known == a->count) {
        if (a->failed > 0) {
            return fail_because(a, a->failed, "could not register", &a->why_failed);
        }
        a->ready = true;
        agent_print_ready(a);
        return a->o->ready_file ? agent_make_ready(a) : 0;
    }
    if (a->ready && a->live == 0) {
        return a->lost > 0 ? fail_because(a, a->lost, "lost their connection", &a->why_lost) : -1;
    }
    return 0;
}

static bool has_news(void *ctx)
{
    const struct agent *a = ctx;
    return a->woken || (!a->ready && a->known == a->count) || (a->ready && a->live == 0);
}

static int run(struct agent *a)
{
    int64_t end = link_deadline(a->duration_us);
    int status = 0;
    agent_read_token(a);
    agent_plan_renewal(a);
    a->paced_us = link_mono_us();
    while (status == 0) {
        int64_t now = link_mono_us();
        if (now >= end) {
            break;
        }
        fault_fire(&a->timers, now);
        int64_t next = agent_connect(a, now), due = fault_next(&a->timers);
        agent_hooks_start(a);
        next = next < due ? next : due;
        next = next < end ? next : end;
        a->woken = false;
        /* however much is due, the sockets and signals have their turn */
        int64_t least = link_mono_us() + TURN_US;
        status = link_rest(a->c->link, next > least ? next : least, has_news, a);
        status = status ? status : look(a);
    }
    if (status == 0 && !a->ready) {
        return ctl_fail(a->c, EXIT_TIMEOUT, NULL, "only %lld of %lld agents are registered%s%s",
                        (long long)a->registered, (long long)a->count, a->failed > 0 ? ": " : "",
                        a->failed > 0 ? a->why_failed.text : "");
    }
    return status < 0 ? 0 : status;
}

static bool is_over(void *ctx)
{
    return agent_is_over(ctx);
}

int cmd_agent(struct ctl *c, const struct ctl_args *args)
{
    struct agent *a = calloc(1, sizeof(*a));
    if (!a) {
        return ctl_fail(c, EXIT_DATA, NULL, "out of memory");
    }
    a->c = c;
    a->o = args->values;
    int status = init(a);
    if (status == 0) {
        link_on_input(c->link, a->ep, on_events, a);
        link_on_signal(c->link, on_signal, a);
        link_needs_reader(c->link, true);
        status = run(a);
        a->ending = true;
        agent_hooks_fini(a);
        for (int64_t i = 0; i < a->count; i++) {
            agent_peer_end(&a->peers[i]);
        }
        link_needs_reader(c->link, false);
        link_rest(c->link, link_deadline(GOODBYE_US), is_over, a);
        link_on_input(c->link, -1, NULL, NULL);
        link_on_signal(c->link, NULL, NULL);
        if (a->ready) {
            agent_print_summary(a);
        }
    }
    fini(a);
    explicit_bzero(a->token, sizeof(a->token));
    free(a);
    return status;
}
