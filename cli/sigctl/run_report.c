/* SPDX-License-Identifier: MIT
 * What a scenario tells: lines for people, TAP, an object a step. The output of its commands goes
 * elsewhere meanwhile. */
#include "cli/common/out.h"
#include "cli/sigctl/run.h"

#include <fcntl.h>
#include <unistd.h>

#define SHOWN 160

/* ---------------------------------------------------------------- where it goes */

int run_report_open(struct scene *s)
{
    const struct link_opts *o = &s->c->base;
    bool ours = s->o->tap || print_is_machine(o);
    fflush(stdout);
    s->real_out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    s->no_out = !o->verbose ? open("/dev/null", O_WRONLY | O_CLOEXEC)
                : ours      ? fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3)
                            : fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    if (s->real_out < 0 || s->no_out < 0) {
        return ctl_fail(s->c, EXIT_DATA, NULL, "too many open files");
    }
    return 0;
}

/* Commands change what out_* knows of the options; a report has those of the run. */
static void ours(const struct scene *s)
{
    const struct link_opts *o = &s->c->base;
    fflush(stdout);
    dup2(s->real_out, STDOUT_FILENO);
    out_init(&(struct out_conf){"sigctl", o->json, o->quiet, o->color});
}

static void theirs(const struct scene *s)
{
    fflush(stdout);
    dup2(s->no_out, STDOUT_FILENO);
}

static bool is_human(const struct scene *s)
{
    return !s->o->tap && !print_is_machine(&s->c->base);
}

const char *run_who(const struct scene *s, const struct step *st)
{
    return s->idents[st->who]->name;
}

void run_age(char out[32], int64_t us)
{
    if (us < 1000000) {
        snprintf(out, 32, "%.1f ms ago", (double)us / 1e3);
    } else {
        snprintf(out, 32, "%.1f s ago", (double)us / 1e6);
    }
}

/* ---------------------------------------------------------------- a failure */

static const char *advice(const struct wrong *x)
{
    static const struct {
        int status;
        enum run_kind kind;
        const char *text;
    } rows[] = {
        {EXIT_TIMEOUT, RUN_EXPECT, "a longer within, or sigctl run --trace: each frame"},
        {EXIT_FALSE, RUN_ASSERT, "echo $msg before it: the whole message"},
        {EXIT_LOST, RUN_EXPECT, "as NAME register ID: connects again"},
        {EXIT_LOST, RUN_COMMAND, "as NAME register ID: connects again"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        bool is_it = rows[i].status == x->f.status && rows[i].kind == x->step->kind;
        if (is_it && (x->step->kind != RUN_ASSERT || strstr(x->step->text, "$msg"))) {
            return rows[i].text;
        }
    }
    return NULL;
}

static void tell_seen(FILE *f, const struct wrong *x)
{
    char age[32];
    fprintf(f, "  %s has unread: ", x->who);
    for (unsigned i = 0; i < x->nseen; i++) {
        run_age(age, x->seen[i].age_us);
        fputs(i ? ", " : "", f);
        out_safe(f, sp_str(x->seen[i].what));
        fprintf(f, " (%s)", age);
    }
    if (x->more) {
        fprintf(f, ", %u more", x->more);
    }
    fputs(x->nseen ? "\n" : "nothing\n", f);
}

static void tell_wrong(const struct scene *s, const struct wrong *x)
{
    const char *help = advice(x);
    out_fail((enum exit_code)x->f.status, x->f.code[0] ? x->f.code : NULL, "%s:%u: %s", s->file,
             x->step->line, x->f.text);
    fputs("  ", stderr);
    out_safe(stderr, (struct sp_str){x->step->text, strnlen(x->step->text, SHOWN)});
    fputc('\n', stderr);
    if (x->who[0]) {
        tell_seen(stderr, x);
    }
    if (help) {
        fprintf(stderr, "  try: %s\n", help);
    }
}

/* ---------------------------------------------------------------- steps */

static void put_seen(struct sp_json *j, const struct wrong *x)
{
    sp_json_array(j, "seen");
    for (unsigned i = 0; i < x->nseen; i++) {
        sp_json_object(j, NULL);
        sp_json_str(j, "message", sp_str(x->seen[i].what));
        sp_json_int(j, "age_us", x->seen[i].age_us);
        sp_json_end(j, '}');
    }
    sp_json_end(j, ']');
}

void run_report_step(struct scene *s, const struct step *st, bool ok, int64_t took_us)
{
    const struct wrong *x = &s->wrong;
    struct print_line l;
    if (!print_is_machine(&s->c->base) || s->o->tap ||
        !print_begin(&l, strlen(st->text) * 6 + sizeof(*x) * 6)) {
        return;
    }
    sp_json_bool(&l.j, "ok", ok);
    sp_json_str(&l.j, "file", sp_str(s->file));
    sp_json_int(&l.j, "line", st->line);
    sp_json_str(&l.j, "identity", sp_str(run_who(s, st)));
    sp_json_str(&l.j, "step", sp_str(st->text));
    sp_json_str(&l.j, "test", sp_str(s->test));
    sp_json_int(&l.j, "elapsed_us", took_us);
    if (!ok && x->step == st) {
        sp_json_int(&l.j, "exit", x->f.status);
        sp_json_str_opt(&l.j, "code", sp_str(x->f.code));
        sp_json_str(&l.j, "message", sp_str(x->f.text));
        put_seen(&l.j, x);
    }
    ours(s);
    print_end(&s->c->base, &l);
    theirs(s);
}

void run_report_echo(struct scene *s, const char *text)
{
    if (!is_human(s) && !s->o->tap) {
        return;
    }
    ours(s);
    fputs(s->o->tap ? "# " : "", stdout);
    out_safe(stdout, sp_str(text));
    putchar('\n');
    theirs(s);
}

/* ---------------------------------------------------------------- tests */

void run_report_begin(struct scene *s)
{
    ours(s);
    if (s->o->tap) {
        printf("TAP version 13\n1..%u\n", s->ntests - s->has_setup);
    }
    theirs(s);
}

/* A # in the name would begin a directive. */
static void tap_name(const char *name)
{
    for (const char *p = name; *p;) {
        size_t n = strcspn(p, "#\\");
        out_safe(stdout, (struct sp_str){p, n});
        p += n;
        if (*p) {
            printf("\\%c", *p++);
        }
    }
}

static void put_yaml(const char *key, const char *text)
{
    char out[8 * 1024];
    struct sp_buf b;
    sp_buf_init(&b, out, sizeof(out));
    sp_buf_json(&b, sp_str(text)); /* a JSON string is one of YAML */
    printf("%s%.*s\n", key, (int)b.n, b.p);
}

static void tap_wrong(const struct scene *s, const struct wrong *x)
{
    char line[SP_WORD_MAX + SP_ID_MAX + 64], age[32];
    puts("  ---");
    put_yaml("  message: ", x->f.text);
    put_yaml("  file: ", s->file);
    printf("  line: %u\n  exit: %d\n", x->step->line, x->f.status);
    snprintf(line, sizeof(line), "%.150s", x->step->text);
    put_yaml("  step: ", line);
    puts(x->nseen ? "  seen:" : "  seen: []");
    for (unsigned i = 0; i < x->nseen; i++) {
        run_age(age, x->seen[i].age_us);
        snprintf(line, sizeof(line), "%s, %s", x->seen[i].what, age);
        put_yaml("    - ", line);
    }
    puts("  ...");
}

static void tap_test(const struct scene *s, const struct test *t, unsigned number)
{
    if (number == 0) {
        printf("Bail out! the set-up failed: ");
        tap_name(t->wrong ? t->wrong->f.text : "");
        putchar('\n');
        return;
    }
    printf("%sok %u - ", t->state == CASE_FAILED ? "not " : "", number);
    tap_name(t->name);
    puts(t->state == CASE_SKIPPED ? " # SKIP after a failure" : "");
    if (t->wrong) {
        tap_wrong(s, t->wrong);
    }
}

static void show_test(const struct scene *s, const struct test *t)
{
    static const struct {
        const char *word, *colour;
    } rows[] = {[CASE_SKIPPED] = {"skipped", "33"},
                [CASE_PASSED] = {"ok     ", "32"},
                [CASE_FAILED] = {"FAILED ", "31"}};
    if (s->c->base.quiet) {
        return;
    }
    printf("%s%s%s ", out_sgr(rows[t->state].colour), rows[t->state].word, out_sgr("0"));
    out_safe(stdout, sp_str(t->name));
    if (t->state != CASE_SKIPPED) {
        printf(" (%.3f s)", (double)t->took_us / 1e6);
    }
    putchar('\n');
}

/* A set-up is told of when it failed; nothing of TAP may stand behind its "Bail out!". */
static bool is_told(const struct scene *s, const struct test *t, unsigned number)
{
    bool bailed = s->has_setup && s->tests[0].state == CASE_FAILED && s->o->tap;
    return number == 0 ? t->state == CASE_FAILED : !bailed;
}

void run_report_test(struct scene *s, const struct test *t, unsigned number)
{
    ours(s);
    if (s->o->tap && is_told(s, t, number)) {
        tap_test(s, t, number);
    } else if (is_human(s) && is_told(s, t, number)) {
        show_test(s, t);
    }
    fflush(stdout);
    if (t->wrong && !s->o->tap) {
        tell_wrong(s, t->wrong);
    }
    theirs(s);
}

/* ---------------------------------------------------------------- the end */

static void sum_up(const struct scene *s, const unsigned count[3], int status)
{
    struct print_line l;
    unsigned n = count[0] + count[1] + count[2];
    int64_t took = link_mono_us() - s->start_us;
    if (is_human(s) && !s->c->base.quiet) {
        printf("%u test%s, %u passed", n, n == 1 ? "" : "s", count[CASE_PASSED]);
        if (count[CASE_FAILED]) {
            printf(", %u failed", count[CASE_FAILED]);
        }
        if (count[CASE_SKIPPED]) {
            printf(", %u skipped", count[CASE_SKIPPED]);
        }
        printf(" (%.2f s)\n", (double)took / 1e6);
    }
    if (print_is_machine(&s->c->base) && !s->o->tap && print_begin(&l, strlen(s->file) * 6)) {
        sp_json_bool(&l.j, "ok", status == 0);
        sp_json_str(&l.j, "file", sp_str(s->file));
        sp_json_int(&l.j, "tests", n);
        sp_json_int(&l.j, "passed", count[CASE_PASSED]);
        sp_json_int(&l.j, "failed", count[CASE_FAILED]);
        sp_json_int(&l.j, "skipped", count[CASE_SKIPPED]);
        sp_json_int(&l.j, "elapsed_us", took);
        print_end(&s->c->base, &l);
    }
}

int run_report_end(struct scene *s, int status)
{
    unsigned count[3] = {0};
    for (unsigned i = s->has_setup; i < s->ntests; i++) {
        count[s->tests[i].state]++;
    }
    ours(s);
    sum_up(s, count, status);
    int wrong = s->junit ? run_report_xml(s) : 0;
    close(s->real_out);
    close(s->no_out);
    return status ? status : wrong;
}
