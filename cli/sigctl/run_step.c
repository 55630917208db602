/* SPDX-License-Identifier: MIT
 * Doing the steps of a scenario, one after the other. */
#include "cli/common/out.h"
#include "cli/sigctl/run.h"

#include <stdlib.h>

/* ---------------------------------------------------------------- identities */

static void on_fail(void *ctx, int status, const char *code, const char *text)
{
    struct ident *who = ctx;
    run_fault_set(&who->fault, status, NULL, "%s", text);
    snprintf(who->fault.code, sizeof(who->fault.code), "%s", code ? code : "");
}

static const char *id_of(void *ctx, const char *name)
{
    const struct ident *who = ctx;
    int at = run_find_ident(who->scene, name);
    const char *id = at > 0 ? who->scene->idents[at]->c.id : "";
    return id[0] ? id : name;
}

/* The options of the run that make sense for one of its identities. */
static struct link_opts base_of(const struct scene *s)
{
    struct link_opts o = s->c->base;
    o.json = o.plain = o.pretty = false;
    o.quiet = !o.verbose;
    o.format = NULL;
    o.timeout_us = s->timeout_us;
    if (o.token_file && strcmp(o.token_file, "-") == 0) {
        o.token_file = NULL;
        o.token = link_token(s->c->link);
    }
    return o;
}

static void take_part(struct ident *who)
{
    struct ctl *c = &who->c;
    c->mode = CTL_PIPE;
    c->base = base_of(who->scene);
    c->on_fail = on_fail;
    c->id_of = id_of;
    c->scene = who;
}

struct ident *run_add_ident(struct scene *s, const char *name)
{
    struct ident *who = s->nidents < RUN_IDENTS ? calloc(1, sizeof(*who)) : NULL;
    if (who) {
        snprintf(who->name, sizeof(who->name), "%s", name);
        who->scene = s;
        take_part(who);
        s->idents[s->nidents++] = who;
    }
    return who;
}

static void free_words(char **v)
{
    for (char **at = v; at && *at; at++) {
        free(*at);
    }
    free(v);
}

void run_leave_stage(struct ident *who)
{
    ctl_fini(&who->c);
    free_words(who->kept);
    who->kept = NULL;
    who->c = (struct ctl){0};
    take_part(who);
}

/* An identity has a connection and options of its own; argv becomes what they borrow. */
static int enter_stage(struct ident *who, char **argv, int argc, struct fault *f)
{
    _Alignas(16) char values[CTL_VALUES_MAX] = {0};
    char why[256];
    int first;
    struct opt_group groups[] = {{link_rows, &who->c.base}, {register_rows, values}};
    char **copy = calloc((size_t)argc + 1, sizeof(*copy));
    if (!copy) {
        return run_fault_set(f, EXIT_DATA, NULL, "out of memory");
    }
    memcpy(copy, argv, (size_t)argc * sizeof(*copy));
    bool ok = opt_parse(groups, 2, argc, copy, &first, why, sizeof(why));
    free(copy);
    if (!ok) {
        return run_fault_set(f, EXIT_USAGE, NULL, "%s", why);
    }
    struct link *main_link = who->scene->c->link;
    who->c.link = link_new(&who->c.base);
    if (!who->c.link) {
        return run_fault_set(f, EXIT_DATA, NULL, "a file of the options cannot be read");
    }
    link_on_message(who->c.link, ctl_message, &who->c);
    link_on_wait(who->c.link, run_wait, who->scene);
    link_beside(who->c.link, main_link);
    return 0;
}

/* ---------------------------------------------------------------- words */

static char **expand(struct flow *w, const struct step *st, struct fault *f)
{
    char **v = calloc((size_t)st->n + 1, sizeof(*v));
    for (int i = 0; v && i < st->n; i++) {
        v[i] = run_expand(w, st->v[i], f);
        if (!v[i]) {
            free_words(v);
            return NULL;
        }
    }
    if (!v) {
        run_fault_set(f, EXIT_DATA, NULL, "out of memory");
    }
    return v;
}

/* ---------------------------------------------------------------- kinds of steps */

static int do_command(struct ident *who, const struct step *st, char **v, struct fault *f)
{
    static char program[] = "sigctl";
    char **argv = calloc((size_t)st->n + 2, sizeof(*argv));
    int status = argv ? 0 : run_fault_set(f, EXIT_DATA, NULL, "out of memory");
    who->fault = (struct fault){0};
    if (argv) {
        argv[0] = program;
        memcpy(argv + 1, v, (size_t)st->n * sizeof(*argv));
    }
    if (status == 0 && st->kind == RUN_AS) {
        status = enter_stage(who, argv, st->n + 1, f);
    }
    if (status == 0 && !who->c.link) {
        status = run_fault_set(f, EXIT_LOST, NULL, "%s is not connected", who->name);
    }
    if (status == 0) {
        status = ctl_run(&who->c, st->n + 1, argv);
        who->c.opts = who->c.base;
        *f = who->fault;
        f->status = status;
        if (status && !f->text[0]) {
            run_fault_set(f, status, NULL, "%s", exit_text(status));
        }
    }
    free(argv);
    return status;
}

static int do_end(struct ident *who, bool orderly, struct fault *f)
{
    if (!who->c.link || !link_is_open(who->c.link)) {
        return run_fault_set(f, EXIT_LOST, NULL, "%s is not connected", who->name);
    }
    if (orderly) {
        link_close(who->c.link);
    } else {
        link_drop(who->c.link);
    }
    return 0;
}

static int do_pause(const struct scene *s, const char *word, struct fault *f)
{
    int64_t us = 0;
    int status = run_duration(word, &us, f);
    status = status ? status : link_rest(s->c->link, link_deadline(us), NULL, NULL);
    return status && !f->text[0] ? run_fault_set(f, status, NULL, "%s", link_why(s->c->link)->text)
                                 : status;
}

static int do_timeout(struct scene *s, const char *word, struct fault *f)
{
    int status = run_duration(word, &s->timeout_us, f);
    for (unsigned i = 0; i < s->nidents; i++) {
        s->idents[i]->c.base.timeout_us = s->timeout_us;
    }
    return status;
}

static int do_echo(struct scene *s, char **v, struct fault *f)
{
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    if (!out) {
        return run_fault_set(f, EXIT_DATA, NULL, "out of memory");
    }
    for (char **at = v; *at; at++) {
        fprintf(out, "%s%s", at == v ? "" : " ", *at);
    }
    fclose(out);
    run_report_echo(s, text);
    free(text);
    return 0;
}

static int do_expect(struct flow *w, struct ident *who, const struct step *st, char **v,
                     struct fault *f)
{
    int status = run_expect(w, who, v, st->n, f);
    if (status == 0 && strcmp(v[0], "nothing") != 0) {
        w->msg_line = st->line;
    }
    return status;
}

static int do_step(struct flow *w, const struct step *st, char **v, struct fault *f)
{
    struct ident *who = w->s->idents[st->who];
    switch ((int)st->kind) {
    case RUN_AS:
    case RUN_COMMAND:
        return do_command(who, st, v, f);
    case RUN_EXPECT:
        return do_expect(w, who, st, v, f);
    case RUN_DROP:
    case RUN_LEAVE:
        return do_end(who, st->kind == RUN_LEAVE, f);
    case RUN_ASSERT:
        return run_assert(v, f);
    case RUN_SET:
        return run_set(w->s, v[0], v[2]) ? 0 : run_fault_set(f, EXIT_DATA, NULL, "out of memory");
    case RUN_ECHO:
        return do_echo(w->s, v, f);
    case RUN_PAUSE:
        return do_pause(w->s, v[0], f);
    case RUN_TIMEOUT:
        return do_timeout(w->s, v[0], f);
    default:
        return 0;
    }
}

/* ---------------------------------------------------------------- one step */

static int expect_failure(const struct step *st, int status, struct fault *f)
{
    char was[sizeof(f->text)];
    if (status == 0) {
        return run_fault_set(f, EXIT_FALSE, NULL, "it did not fail");
    }
    snprintf(was, sizeof(was), "%s", f->text);
    if (st->want_status != RUN_ANY_STATUS && status != st->want_status) {
        return run_fault_set(f, EXIT_FALSE, NULL, "it failed with exit %d, not %d: %.800s", status,
                             st->want_status, was);
    }
    if (st->want_code && strcmp(st->want_code, f->code) != 0) {
        return run_fault_set(f, EXIT_FALSE, NULL, "it failed with %s, not %s: %.800s",
                             f->code[0] ? f->code : "no code", st->want_code, was);
    }
    return 0;
}

static void note_seen(struct wrong *x, const struct ctl *c)
{
    char type[SP_WORD_MAX + 1], from[SP_ID_MAX + 1];
    const struct link_msg *m;
    int64_t now = link_mono_us();
    for (unsigned at = 0; (m = ctl_unread(c, at)) != NULL; at++) {
        if (x->nseen == RUN_SEEN) {
            x->more++;
            continue;
        }
        struct sp_str t = link_text(m, "type", type, sizeof(type));
        struct sp_str f = link_text(m, "from", from, sizeof(from));
        snprintf(x->seen[x->nseen].what, sizeof(x->seen[0].what), "%.*s%s%.*s", (int)t.n,
                 t.p ? t.p : "", f.n ? " from " : "", (int)f.n, f.p ? f.p : "");
        x->seen[x->nseen++].age_us = now - m->mono_us;
    }
}

static void note_wrong(struct scene *s, const struct step *st, const struct fault *f)
{
    if (!s->wrong.step) {
        s->wrong = (struct wrong){.f = *f, .step = st, .who = run_who(s, st)};
        note_seen(&s->wrong, &s->idents[st->who]->c);
    }
}

/* The words live as long as who borrows them: of a register until the next one. */
static void put_words_away(const struct scene *s, const struct step *st, char **v)
{
    if (st->kind == RUN_AS) {
        s->idents[st->who]->kept = v;
    } else {
        free_words(v);
    }
}

static int run_one(struct flow *w, const struct step *st)
{
    struct fault f = {0};
    int64_t start = link_mono_us();
    if (st->kind == RUN_AS) {
        run_leave_stage(w->s->idents[st->who]);
    }
    char **v = expand(w, st, &f);
    int status = v ? do_step(w, st, v, &f) : f.status;
    if (v) {
        put_words_away(w->s, st, v);
    }
    if (st->fails && status < 128) {
        status = expect_failure(st, status, &f);
    }
    if (status == LINK_NO_READER) {
        return status;
    }
    if (status) {
        note_wrong(w->s, st, &f);
    }
    run_report_step(w->s, st, status == 0, link_mono_us() - start);
    return status;
}

/* ---------------------------------------------------------------- many steps */

static int run_repeat(struct flow *w, const struct step *st, unsigned at)
{
    struct fault f = {0};
    int64_t outer = w->round, n = 0;
    char *word = run_expand(w, st->v[0], &f);
    int status = word ? run_rounds(word, &n, &f) : f.status;
    if (status) {
        f.at = NULL;
        note_wrong(w->s, st, &f);
    }
    for (int64_t i = 1; status == 0 && i <= n; i++) {
        w->round = i;
        status = run_range(w, at + 1, st->end);
    }
    w->round = outer;
    free(word);
    return status;
}

/* Between two steps others have a turn, and signals are heard. */
static int breathe(struct flow *w, const struct step *st)
{
    struct link *l = w->s->c->link;
    struct fault f = {0};
    int status = run_wait(w->s, l, 0);
    if (status && status != LINK_NO_READER) {
        run_fault_set(&f, status, NULL, "%s", link_why(l)->text);
        note_wrong(w->s, st, &f);
    }
    return status;
}

int run_range(struct flow *w, unsigned from, unsigned to)
{
    int status = 0;
    for (unsigned i = from; status == 0 && i < to; i++) {
        const struct step *st = &w->s->steps[i];
        bool is_block = st->kind == RUN_PARALLEL || st->kind == RUN_REPEAT;
        if (!w->is_branch || st->branch == w->branch) {
            status = breathe(w, st);
            status = status                                        ? status
                     : st->kind == RUN_PARALLEL                    ? run_parallel(w, st, i)
                     : st->kind == RUN_REPEAT                      ? run_repeat(w, st, i)
                     : st->kind == RUN_END || st->kind == RUN_TEST ? 0
                                                                   : run_one(w, st);
        }
        i = is_block ? st->end : i;
    }
    return status;
}
