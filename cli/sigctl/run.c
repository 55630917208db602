/* SPDX-License-Identifier: MIT
 * run: a scenario of several identities, its tests and their report. */
#include "cli/sigctl/run.h"

#include "cli/common/out.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

_Static_assert(sizeof(struct run_opts) <= CTL_VALUES_MAX, "options fit");

#define ROW(name, letter, kind, arg, member, help)                                                 \
    {                                                                                              \
        name, letter, kind, arg, NULL, offsetof(struct run_opts, member), help                     \
    }

const struct opt run_rows[] = {
    ROW("var", 0, OPT_LIST, "NAME=VALUE", vars, "a variable of the scenario (repeat)"),
    ROW("tap", 0, OPT_FLAG, NULL, tap, "report as TAP on stdout"),
    ROW("junit", 0, OPT_STRING, "FILE", junit, "write a JUnit report too"),
    ROW("keep-going", 0, OPT_FLAG, NULL, keep_going, "after a failure go on with the next test"),
    {0}};

/* ---------------------------------------------------------------- reading the file */

/* input is a file that is read while signals are heard. */
struct input {
    int fd, err;
    char *p;
    size_t n;
    bool end;
};

static void on_readable(void *ctx)
{
    struct input *in = ctx;
    ssize_t got = read(in->fd, in->p + in->n, RUN_FILE_MOST + 1 - in->n);
    if (got > 0) {
        in->n += (size_t)got;
    } else if (got == 0 || errno != EINTR) {
        in->err = got < 0 ? errno : 0;
        in->end = true;
    }
    in->end = in->end || in->n > RUN_FILE_MOST;
}

static bool is_read(void *ctx)
{
    return ((struct input *)ctx)->end;
}

static int read_all(struct scene *s, struct input *in)
{
    struct link *l = s->c->link;
    in->p = malloc(RUN_FILE_MOST + 2);
    if (!in->p || in->fd < 0) {
        return ctl_fail(s->c, EXIT_DATA, NULL, "cannot read %s: %s", s->file, strerror(errno));
    }
    link_on_input(l, in->fd, on_readable, in);
    int status = link_rest(l, OPT_NEVER, is_read, in);
    link_on_input(l, -1, NULL, NULL);
    in->p[in->n] = '\0';
    if (status == 0 && in->err) {
        return ctl_fail(s->c, EXIT_DATA, NULL, "cannot read %s: %s", s->file, strerror(in->err));
    }
    return status;
}

static int load(struct scene *s, const char *path)
{
    bool is_stdin = strcmp(path, "-") == 0;
    struct input in = {.fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)};
    int status = read_all(s, &in);
    status = status ? status : run_parse(s, in.p, in.n);
    free(in.p);
    if (in.fd >= 0 && !is_stdin) {
        close(in.fd);
    }
    return status;
}

/* ---------------------------------------------------------------- tests */

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

static bool cut_tests(struct scene *s)
{
    unsigned n = 0, first = 0;
    while (first < s->n && s->steps[first].kind != RUN_TEST) {
        first++;
    }
    s->tests = calloc(s->ntests + 1, sizeof(*s->tests));
    if (!s->tests) {
        return false;
    }
    if (first > 0 || s->ntests == 0) {
        const char *name = s->ntests ? "set-up" : base_name(s->file);
        s->tests[n++] = (struct test){.name = name, .to = first};
        s->has_setup = s->ntests > 0;
    }
    for (unsigned i = first; i < s->n; i++) {
        if (s->steps[i].kind == RUN_TEST) {
            s->tests[n++] = (struct test){.name = s->steps[i].v[0], .from = i + 1};
        }
        s->tests[n - 1].to = i + 1;
    }
    s->ntests = n;
    return true;
}

/* What a failed test left behind is not for the next. */
static void forget_messages(const struct scene *s)
{
    for (unsigned i = 0; i < s->nidents; i++) {
        while (s->idents[i]->c.unread > 0) {
            ctl_drop(&s->idents[i]->c, 0);
        }
    }
}

static int run_test(struct flow *w, struct test *t)
{
    struct scene *s = w->s;
    int64_t start = link_mono_us();
    s->wrong = (struct wrong){0};
    s->test = t->name;
    int status = run_range(w, t->from, t->to);
    t->took_us = link_mono_us() - start;
    t->state = status ? CASE_FAILED : CASE_PASSED;
    if (status && s->wrong.step) {
        t->wrong = malloc(sizeof(*t->wrong));
        if (t->wrong) {
            *t->wrong = s->wrong;
        }
        status = s->wrong.f.status;
        forget_messages(s);
    }
    return status;
}

static int run_tests(struct scene *s)
{
    struct flow w = {.s = s};
    int status = 0;
    bool end = false;
    for (unsigned i = 0; i < s->ntests; i++) {
        struct test *t = &s->tests[i];
        int its = end ? 0 : run_test(&w, t);
        status = status ? status : its;
        end = end || (its && (!s->o->keep_going || its > 128 || i < s->has_setup));
        run_report_test(s, t, i + 1 - s->has_setup);
    }
    kept_clear(&w.msg);
    return status;
}

/* ---------------------------------------------------------------- the command */

static int set_vars(struct scene *s)
{
    for (unsigned i = 0; i < s->o->vars.n; i++) {
        char name[RUN_NAME_MAX + 1];
        const char *pair = s->o->vars.v[i], *eq = strchr(pair, '=');
        if (!eq || !run_is_name(pair, (size_t)(eq - pair))) {
            return ctl_fail(s->c, EXIT_USAGE, NULL, "--var '%s': want NAME=VALUE", pair);
        }
        snprintf(name, sizeof(name), "%.*s", (int)(eq - pair), pair);
        if (!run_set(s, name, eq + 1)) {
            return ctl_fail(s->c, EXIT_DATA, NULL, "out of memory");
        }
    }
    return 0;
}

/* Lines without an identity run on the connection of the command itself. */
static int set_stage(struct scene *s)
{
    struct ident *nobody = run_add_ident(s, "");
    if (!nobody) {
        return ctl_fail(s->c, EXIT_DATA, NULL, "out of memory");
    }
    nobody->c.link = s->c->link;
    link_on_message(s->c->link, ctl_message, &nobody->c);
    link_on_wait(s->c->link, run_wait, s);
    return set_vars(s);
}

static void clear_stage(struct scene *s)
{
    link_on_message(s->c->link, ctl_message, s->c);
    link_on_wait(s->c->link, NULL, NULL);
    for (unsigned i = 0; i < s->nidents; i++) {
        struct ident *who = s->idents[i];
        who->c.link = i == 0 ? NULL : who->c.link;
        run_leave_stage(who);
        free(who);
    }
    for (unsigned i = 0; s->tests && i < s->ntests; i++) {
        free(s->tests[i].wrong);
    }
    free(s->tests);
    run_free(s);
}

static int perform(struct scene *s)
{
    int status = 0;
    if (!cut_tests(s)) {
        return ctl_fail(s->c, EXIT_DATA, NULL, "out of memory");
    }
    if (s->o->junit) {
        s->junit = fopen(s->o->junit, "we");
        status = s->junit ? 0
                          : ctl_fail(s->c, EXIT_DATA, NULL, "cannot write %s: %s", s->o->junit,
                                     strerror(errno));
    }
    status = status ? status : run_report_open(s);
    if (status) {
        return status;
    }
    s->start_us = link_mono_us();
    run_report_begin(s);
    status = run_tests(s);
    return run_report_end(s, status);
}

int cmd_run(struct ctl *c, const struct ctl_args *a)
{
    const char *path = a->v[0];
    struct scene s = {.c = c,
                      .o = a->values,
                      .file = strcmp(path, "-") == 0 ? "stdin" : path,
                      .timeout_us = c->base.timeout_us};
    if (c->mode != CTL_ONE) {
        return ctl_fail(c, EXIT_USAGE, NULL, "run is for the command line: sigctl run FILE");
    }
    if (s.o->tap && print_is_machine(&c->opts)) {
        return ctl_fail(c, EXIT_USAGE, NULL, "--tap is a form of its own, without --json and such");
    }
    int status = set_stage(&s);
    status = status ? status : load(&s, path);
    status = status ? status : perform(&s);
    clear_stage(&s);
    return status;
}
