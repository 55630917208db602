/* SPDX-License-Identifier: MIT
 * register: claim an id, hold it, run a program meanwhile. */
#include "cli/common/out.h"
#include "cli/sigctl/want.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>

extern char **environ;

#define CHILD_US 5000000 /* for the program of --exec to end after SIGTERM */

struct register_opts {
    struct opt_list meta;
    const char *role, *duration;
    bool hold, exec;
};
_Static_assert(sizeof(struct register_opts) <= CTL_VALUES_MAX, "options fit");

#define ROW(name, letter, kind, arg, member, help)                                                 \
    {                                                                                              \
        name, letter, kind, arg, NULL, offsetof(struct register_opts, member), help                \
    }

const struct opt register_rows[] = {
    ROW("meta", 'm', OPT_LIST, "KEY=VALUE", meta, "say something about oneself (repeat)"),
    ROW("role", 0, OPT_STRING, "ROLE", role, "drone, camera, operator …"),
    ROW("hold", 0, OPT_FLAG, NULL, hold, "stay until a signal comes"),
    ROW("for", 0, OPT_STRING, "DUR", duration, "stay for a while"),
    ROW("exec", 0, OPT_FLAG, "CMD...", exec, "run a program meanwhile, exit with its status"),
    {0}};

static int set_meta(struct ctl *c, const struct opt_list *pairs)
{
    struct sp_buf b;
    struct sp_json j;
    sp_buf_init(&b, c->meta, sizeof(c->meta) - 1);
    sp_json_init(&j, &b);
    sp_json_object(&j, NULL);
    for (unsigned i = 0; i < pairs->n; i++) {
        const char *eq = strchr(pairs->v[i], '=');
        if (!eq || eq == pairs->v[i]) {
            return ctl_fail(c, EXIT_USAGE, NULL,
                            "--meta '%s': want KEY=VALUE, as in --meta kind=quad", pairs->v[i]);
        }
        if (i > 0) {
            sp_buf_lit(&b, ",");
        }
        sp_buf_json(&b, (struct sp_str){pairs->v[i], (size_t)(eq - pairs->v[i])});
        sp_buf_lit(&b, ":");
        sp_buf_json(&b, sp_str(eq + 1));
    }
    sp_json_end(&j, '}');
    if (b.full) {
        return ctl_fail(c, EXIT_USAGE, NULL, "--meta: more than %u bytes as JSON: say less",
                        SP_META_MAX);
    }
    c->meta[b.n] = '\0';
    return 0;
}

static int take_id(struct ctl *c, const char *id)
{
    if (link_is_registered(c->link) && strcmp(c->id, id) != 0) {
        /* one id per connection */
        link_close(c->link);
        if (link_open(c->link) != 0) {
            return ctl_fail_link(c);
        }
    }
    snprintf(c->id, sizeof(c->id), "%s", id);
    c->named = true;
    return 0;
}

/* What the server told of STUN and TURN servers in its answer, if that is the last one. */
static struct sp_str servers_of(const struct ctl *c)
{
    const struct link_msg *m = link_reply(c->link);
    const struct sp_member *list =
        m->type == SP_T_REGISTERED ? sp_doc_find(&m->doc, SP_STR("iceServers")) : NULL;
    return list && list->kind == SP_J_ARRAY ? sp_doc_raw(&m->doc, list) : (struct sp_str){NULL, 0};
}

static void print_registered(struct ctl *c)
{
    struct print_line l;
    if (!print_is_machine(&c->opts)) {
        if (!c->opts.quiet) {
            printf("registered %s\n", c->id);
            fflush(stdout);
        }
        return;
    }
    struct sp_str servers = servers_of(c);
    if (print_begin(&l, SP_ID_MAX + servers.n)) {
        sp_json_bool(&l.j, "ok", true);
        sp_json_str(&l.j, "type", SP_STR("registered"));
        sp_json_str(&l.j, "id", sp_str(c->id));
        if (servers.n && !c->opts.plain) { /* columns stand where they are */
            sp_json_raw(&l.j, "ice_servers", servers);
        }
        print_time(&l, link_wall_us());
        print_end(&c->opts, &l);
    }
}

struct child {
    pid_t pid; /* 0: has ended */
    int status;
};

static bool on_signal(void *ctx, int signo)
{
    struct child *child = ctx;
    int status;
    if (signo == SIGCHLD) {
        if (waitpid(child->pid, &status, WNOHANG) == child->pid) {
            child->pid = 0;
            child->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
        }
        return true;
    }
    if (signo == SIGWINCH) {
        return true;
    }
    /* what ends us ends it; its own end then ends us */
    kill(child->pid, signo);
    return true;
}

static int spawn(const struct ctl *c, char **argv, struct child *child)
{
    posix_spawnattr_t attr;
    sigset_t none, all;
    sigemptyset(&none);
    sigemptyset(&all);
    sigaddset(&all, SIGPIPE);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setsigdefault(&attr, &all);
    setenv("SIGD_URL", c->base.url, 1);
    if (c->base.token_file && strcmp(c->base.token_file, "-") != 0) {
        unsetenv("SIGD_TOKEN");
        setenv("SIGD_TOKEN_FILE", c->base.token_file, 1);
    }
    int err = posix_spawnp(&child->pid, argv[0], NULL, &attr, argv, environ);
    posix_spawnattr_destroy(&attr);
    return err ? ctl_fail(c, EXIT_DATA, NULL, "cannot run %s: %s", argv[0], strerror(err)) : 0;
}

static bool has_ended(void *ctx)
{
    return ((struct child *)ctx)->pid == 0;
}

static bool never(void *ctx)
{
    (void)ctx;
    return false;
}

static int stay(struct ctl *c, link_done_fn done, void *ctx, int64_t deadline)
{
    for (;;) {
        int status = link_until(c->link, done, ctx, deadline);
        if (status == EXIT_TIMEOUT) {
            return 0;
        }
        if (status == EXIT_LOST) {
            status = link_recover(c->link, done, ctx, deadline);
            if (status == 0 && !done(ctx)) {
                continue;
            }
        }
        return status == 0 ? 0 : ctl_fail_link(c);
    }
}

/* The program has a while to end by itself; what holds on to its life does not hold us. */
static void end_child(struct ctl *c, struct child *child)
{
    static const int signals[] = {SIGTERM, SIGKILL};
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]) && child->pid; i++) {
        kill(child->pid, signals[i]);
        link_rest(c->link, i == 0 ? link_deadline(CHILD_US) : OPT_NEVER, has_ended, child);
    }
}

static int run_meanwhile(struct ctl *c, char **argv, int64_t deadline)
{
    struct child child = {0};
    int status = spawn(c, argv, &child);
    if (status) {
        return status;
    }
    link_on_signal(c->link, on_signal, &child);
    status = stay(c, has_ended, &child, deadline);
    end_child(c, &child);
    link_on_signal(c->link, NULL, NULL);
    return status ? status : child.status;
}

/* What is wrong with the arguments is told before anything is asked of a server. */
static int check(struct ctl *c, const struct ctl_args *a, int64_t *stay_us)
{
    const struct register_opts *o = a->values;
    if (o->exec && !a->exec) {
        return ctl_fail(c, EXIT_USAGE, NULL,
                        "--exec needs a program: register ID --exec CMD [ARGUMENT...]");
    }
    if (o->hold && o->duration) {
        return ctl_fail(c, EXIT_USAGE, NULL, "--hold or --for, not both");
    }
    int status = want_role(c, o->role);
    status = status == 0 && a->n > 0 ? want_id(c, a->v[0]) : status;
    status = status ? status : want_duration(c, "for", o->duration, 1, stay_us);
    return status == 0 && o->meta.n > 0 ? set_meta(c, &o->meta) : status;
}

int cmd_register(struct ctl *c, const struct ctl_args *a)
{
    const struct register_opts *o = a->values;
    int64_t stay_us = OPT_NEVER;
    int status = check(c, a, &stay_us);
    status = status ? status : ctl_connect(c);
    status = status == 0 && a->n > 0 ? take_id(c, a->v[0]) : status;
    if (status == 0) {
        snprintf(c->role, sizeof(c->role), "%s", o->role ? o->role : "");
        status = ctl_identity(c);
    }
    if (status) {
        return status;
    }
    print_registered(c);
    if (a->exec) {
        return run_meanwhile(c, a->exec, link_deadline(stay_us));
    }
    return o->hold || o->duration ? stay(c, never, NULL, link_deadline(stay_us)) : 0;
}
