/* SPDX-License-Identifier: MIT
 * The commands of --on: a bounded number of processes, each fed a message, read to its end, timed
 * out and collected. */
#include "cli/common/out.h"
#include "cli/sigctl/agent.h"
#include "libproto/msg.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#define QUEUE_MOST  1024
#define QUEUE_BYTES (16u * 1024 * 1024)
#define OUTPUT_MOST (1024u * 1024)

extern char **environ;

/* job is a message that waits for its command, and the command's while it runs. */
struct job {
    struct job *next;
    struct agent_peer *peer;
    uint32_t life; /* the answer is for this connection of the peer */
    enum sp_type type;
    char from[SP_ID_MAX + 1], session[SP_ID_MAX + 1];
    size_t n;
    char text[];
};

struct pipe_end {
    struct agent_source source;
    struct hook *hook;
    int fd; /* -1: closed */
};

struct hook {
    struct agent *a;
    struct job *job; /* NULL: a free place */
    pid_t pid;
    struct pipe_end in, out;
    size_t written, n, cap;
    char *text; /* what it has said */
    struct fault_timer timer;
    const char *killed; /* why we did */
};

struct agent_hooks {
    const char *command[SP_T_COUNT];
    struct job *first, **last;
    size_t waiting, bytes;
    bool told_full;
    unsigned places;
    struct hook place[];
};

const char *agent_hook_for(const struct agent *a, enum sp_type type)
{
    return a->hooks ? a->hooks->command[type] : NULL;
}

/* ---------------------------------------------------------------- what a command said */

static void remark(const struct hook *h, const char *what)
{
    agent_remark(h->job->peer, "--on %s: %s", sp_type_wire(h->job->type), what);
}

static bool say_line(const struct agent_where *w, struct sp_str line)
{
    struct link_msg m;
    return link_scan(&m, line) && sp_doc_find(&m.doc, SP_STR("type")) && agent_say_object(w, &m);
}

static bool say_lines(const struct agent_where *w, struct sp_str text)
{
    bool ok = true;
    while (text.n > 0) {
        const char *lf = memchr(text.p, '\n', text.n);
        struct sp_str line = {text.p, lf ? (size_t)(lf - text.p) : text.n};
        size_t step = line.n + (lf != NULL);
        text = (struct sp_str){text.p + step, text.n - step};
        while (line.n > 0 && strchr(" \t\r", line.p[line.n - 1])) {
            line.n--;
        }
        ok = (line.n == 0 || say_line(w, line)) && ok;
    }
    return ok;
}

/* False when it was no answer. */
static bool say(const struct hook *h, const struct agent_where *w)
{
    size_t lead = 0;
    while (lead < h->n && strchr(" \t\r\n", h->text[lead])) {
        lead++;
    }
    struct sp_str text = {h->text + lead, h->n - lead};
    if (text.n == 0) {
        return true;
    }
    if (text.p[0] == '{') {
        return say_lines(w, text);
    }
    return h->job->type == SP_T_OFFER && agent_say_sdp(w, text);
}

/* ---------------------------------------------------------------- the end of a command */

static void close_end(struct pipe_end *e)
{
    if (e->fd >= 0) {
        close(e->fd); /* which takes it out of the epoll set: nobody else has it */
        e->fd = -1;
    }
}

static void drop(struct hook *h)
{
    fault_clear(&h->a->timers, &h->timer);
    close_end(&h->in);
    close_end(&h->out);
    free(h->text);
    free(h->job);
    h->text = NULL;
    h->job = NULL;
    h->pid = 0;
}

static bool read_output(struct hook *h);

static void conclude(struct hook *h, int status)
{
    struct agent *a = h->a;
    const struct job *job = h->job;
    struct agent_where w = {job->peer, sp_str(job->from), sp_str(job->session)};
    bool here = job->peer->state == AGENT_READY && job->peer->life == job->life;
    char what[96] = "";
    while (read_output(h)) {
    }
    a->counts.hooks_run++;
    if (h->killed) {
        snprintf(what, sizeof(what), "%s", h->killed);
    } else if (WIFSIGNALED(status)) {
        snprintf(what, sizeof(what), "killed by signal %d", WTERMSIG(status));
    } else if (WEXITSTATUS(status) != 0) {
        snprintf(what, sizeof(what), "exit status %d", WEXITSTATUS(status));
    }
    bool failed = what[0] != '\0';
    if (!failed && here && !say(h, &w)) {
        snprintf(what, sizeof(what), "what it said is not an answer");
    }
    if (what[0]) {
        a->counts.hooks_failed++;
        remark(h, what);
    }
    if (failed && here && job->type == SP_T_OFFER) {
        agent_say_bye(&w);
    }
    drop(h);
}

static void put_down(struct hook *h, const char *why)
{
    h->killed = why;
    if (h->pid > 0) {
        kill(-h->pid, SIGKILL);
    }
}

void agent_hooks_reap(struct agent *a)
{
    int status;
    for (unsigned i = 0; a->hooks && i < a->hooks->places; i++) {
        struct hook *h = &a->hooks->place[i];
        if (h->job && waitpid(h->pid, &status, WNOHANG) == h->pid) {
            h->pid = 0; /* its number may be another's from here on */
            conclude(h, status);
        }
    }
}

/* ---------------------------------------------------------------- pipes */

static bool grow(struct hook *h)
{
    size_t cap = h->cap ? h->cap * 2 : 4096;
    char *p = h->n == h->cap && cap <= OUTPUT_MOST ? realloc(h->text, cap) : NULL;
    if (p) {
        h->text = p;
        h->cap = cap;
    }
    return h->n < h->cap;
}

/* True when there may be more at once. */
static bool read_output(struct hook *h)
{
    if (h->out.fd < 0) {
        return false;
    }
    if (!grow(h)) {
        close_end(&h->out);
        put_down(h, "it said more than a message can hold");
        return false;
    }
    ssize_t n = read(h->out.fd, h->text + h->n, h->cap - h->n);
    if (n > 0) {
        h->n += (size_t)n;
        return true;
    }
    if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        close_end(&h->out);
    }
    return n < 0 && errno == EINTR;
}

static void on_output(struct agent_source *s, uint32_t events)
{
    (void)events;
    while (read_output(((struct pipe_end *)(void *)s)->hook)) {
    }
}

static void on_input(struct agent_source *s, uint32_t events)
{
    struct hook *h = ((struct pipe_end *)(void *)s)->hook;
    (void)events;
    while (h->in.fd >= 0 && h->written < h->job->n) {
        ssize_t n = write(h->in.fd, h->job->text + h->written, h->job->n - h->written);
        if (n < 0 && errno == EAGAIN) {
            return;
        }
        if (n < 0 && errno != EINTR) {
            break; /* a command need not read its message */
        }
        h->written += n > 0 ? (size_t)n : 0;
    }
    close_end(&h->in);
}

static void on_late(struct fault_timer *t)
{
    struct hook *h = (struct hook *)(void *)((char *)t - offsetof(struct hook, timer));
    put_down(h, "killed, it took too long");
}

/* ---------------------------------------------------------------- starting */

#define OWN 5

/* The environment with our variables before it, which count. */
static char **make_environment(const struct agent *a, const struct job *job)
{
    static const char *const names[OWN] = {"SIGKIT_TYPE", "SIGKIT_FROM", "SIGKIT_ID",
                                           "SIGKIT_SESSION", "SIGD_URL"};
    char id[SP_ID_MAX + 1];
    agent_id(job->peer, id);
    const char *const values[OWN] = {sp_type_wire(job->type), job->from, id, job->session,
                                     a->c->base.url};
    size_t n = OWN, of = 0;
    while (environ[of]) {
        of++;
    }
    char **env = calloc(OWN + of + 1, sizeof(*env));
    for (int i = 0; env && i < OWN; i++) {
        if (asprintf(&env[i], "%s=%s", names[i], values[i]) < 0) {
            env[i] = NULL;
        }
    }
    for (size_t i = 0; env && i < of; i++) {
        bool ours = false;
        for (int k = 0; k < OWN; k++) {
            size_t len = strlen(names[k]);
            ours |= strncmp(environ[i], names[k], len) == 0 && environ[i][len] == '=';
        }
        if (!ours) {
            env[n++] = environ[i];
        }
    }
    return env;
}

static void free_environment(char **env)
{
    for (int i = 0; env && i < OWN; i++) {
        free(env[i]);
    }
    free(env);
}

/* Gives an errno. */
static int spawn(struct hook *h, int in, int out)
{
    const char *command = agent_hook_for(h->a, h->job->type);
    char *argv[] = {"sh", "-c", (char *)(uintptr_t)command, NULL};
    char **env = make_environment(h->a, h->job);
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    sigset_t none, pipes;
    sigemptyset(&none);
    sigemptyset(&pipes);
    sigaddset(&pipes, SIGPIPE);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                        POSIX_SPAWN_SETPGROUP);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setsigdefault(&attr, &pipes);
    posix_spawnattr_setpgroup(&attr, 0);
    int err = env ? posix_spawn(&h->pid, "/bin/sh", &files, &attr, argv, env) : ENOMEM;
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&files);
    free_environment(env);
    return err;
}

static bool watch_end(struct hook *h, struct pipe_end *e, int fd, uint32_t events,
                      void (*ready)(struct agent_source *, uint32_t))
{
    *e = (struct pipe_end){{ready}, h, fd};
    return fcntl(fd, F_SETFL, O_NONBLOCK) == 0 && agent_watch(h->a, fd, events, &e->source);
}

static int begin(struct hook *h)
{
    int in[2], out[2];
    if (pipe2(in, O_CLOEXEC) != 0) {
        return errno;
    }
    if (pipe2(out, O_CLOEXEC) != 0) {
        int err = errno;
        close(in[0]);
        close(in[1]);
        return err;
    }
    bool ok = watch_end(h, &h->in, in[1], EPOLLOUT, on_input) &&
              watch_end(h, &h->out, out[0], EPOLLIN, on_output);
    h->out.fd = out[0];
    int err = ok ? spawn(h, in[0], out[1]) : errno;
    close(in[0]);
    close(out[1]);
    return err;
}

static void start(struct hook *h, struct job *job)
{
    struct agent *a = h->a;
    *h = (struct hook){.a = a, .job = job, .in.fd = -1, .out.fd = -1, .timer.fire = on_late};
    int err = begin(h);
    if (err) {
        a->counts.hooks_failed++;
        remark(h, strerror(err));
        drop(h);
        return;
    }
    fault_set(&a->timers, &h->timer, link_deadline(a->patience_us));
}

void agent_hooks_start(struct agent *a)
{
    struct agent_hooks *hooks = a->hooks;
    for (unsigned i = 0; hooks && i < hooks->places && hooks->first; i++) {
        if (hooks->place[i].job) {
            continue;
        }
        struct job *job = hooks->first;
        hooks->first = job->next;
        hooks->last = hooks->first ? hooks->last : &hooks->first;
        hooks->waiting--;
        hooks->bytes -= job->n;
        start(&hooks->place[i], job);
    }
}

static void copy(char to[SP_ID_MAX + 1], const struct link_msg *m, const char *key)
{
    char scratch[SP_ID_MAX];
    struct sp_str s = link_text(m, key, scratch, sizeof(scratch));
    if (s.n > 0 && s.n <= SP_ID_MAX) {
        memcpy(to, s.p, s.n);
    }
}

void agent_hook_add(struct agent_peer *p, const struct link_msg *m)
{
    struct agent_hooks *hooks = p->a->hooks;
    bool full = hooks->waiting == QUEUE_MOST || hooks->bytes + m->raw.n > QUEUE_BYTES;
    struct job *job = full ? NULL : calloc(1, sizeof(*job) + m->raw.n + 1);
    if (!job) {
        p->a->counts.hooks_lost++;
        if (!hooks->told_full) {
            agent_remark(p,
                         "--on %s: too many messages wait for their command, some are left out "
                         "(try: --hooks)",
                         sp_type_wire(m->type));
            hooks->told_full = true;
        }
        return;
    }
    job->peer = p;
    job->life = p->life;
    job->type = m->type;
    copy(job->from, m, "from");
    copy(job->session, m, "sessionId");
    memcpy(job->text, m->raw.p, m->raw.n);
    job->text[m->raw.n] = '\n';
    job->n = m->raw.n + 1;
    *hooks->last = job;
    hooks->last = &job->next;
    hooks->waiting++;
    hooks->bytes += job->n;
}

/* ---------------------------------------------------------------- life */

static int read_commands(struct agent *a)
{
    static const bool arrives[SP_T_COUNT] = {
#define SP_REPLY(id, members) [SP_T_##id] = true,
#include "libproto/tbl/replies.h"
#undef SP_REPLY
    };
    for (unsigned i = 0; i < a->o->on.n; i++) {
        const char *word = a->o->on.v[i].name;
        enum sp_type type = sp_type_find(sp_str(word));
        if (!arrives[type]) {
            return ctl_fail(a->c, EXIT_USAGE, NULL, "--on '%s': no message of that type arrives",
                            word);
        }
        if (a->hooks->command[type]) {
            return ctl_fail(a->c, EXIT_USAGE, NULL, "--on %s: given twice", word);
        }
        a->hooks->command[type] = a->o->on.v[i].value;
    }
    return 0;
}

int agent_hooks_init(struct agent *a)
{
    size_t places = (size_t)a->places;
    if (a->o->on.n == 0) {
        return 0;
    }
    a->hooks = calloc(1, sizeof(*a->hooks) + places * sizeof(a->hooks->place[0]));
    if (!a->hooks) {
        return ctl_fail(a->c, EXIT_DATA, NULL, "out of memory");
    }
    a->hooks->places = (unsigned)places;
    a->hooks->last = &a->hooks->first;
    for (size_t i = 0; i < places; i++) {
        a->hooks->place[i].a = a;
    }
    return read_commands(a);
}

void agent_hooks_fini(struct agent *a)
{
    struct agent_hooks *hooks = a->hooks;
    if (!hooks) {
        return;
    }
    for (unsigned i = 0; i < hooks->places; i++) {
        struct hook *h = &hooks->place[i];
        if (h->job) {
            put_down(h, "");
            while (waitpid(h->pid, NULL, 0) < 0 && errno == EINTR) {
            }
            drop(h);
        }
    }
    while (hooks->first) {
        struct job *job = hooks->first;
        hooks->first = job->next;
        free(job);
    }
    free(hooks);
    a->hooks = NULL;
}
