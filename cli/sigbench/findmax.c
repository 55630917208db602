/* SPDX-License-Identifier: MIT
 * Doubling until a rate fails, then halving what is between; each step is a run of its own. What
 * the generator spoiled says nothing of the server: it bounds the search, never the result. */
#include "cli/sigbench/findmax.h"

#include "cli/common/out.h"
#include "cli/sigbench/report.h"
#include "cli/sigbench/runs.h"
#include "libproto/units.h"

#include <math.h>
#include <stdio.h>

#define START_RATE  1000
#define MOST_RATE   INT64_C(10000000)
#define ACHIEVED    0.99
#define LEAST_SENDS 20

/* --- conditions ------------------------------------------------------------------------------ */

static bool is_metric(const struct metrics *all, const char *name)
{
    return metric_find(all, sp_str(name)) != NULL;
}

/* A share is asked of the ratio where there is a count of the same name. */
static void full_name(char out[80], struct sp_str name, bool share, const char *scenario,
                      const struct metrics *all)
{
    char ratio[80];
    int n = (int)name.n;

    snprintf(ratio, sizeof(ratio), "%.*s_ratio", n, name.p);
    snprintf(out, 80, "%.*s", n, name.p);
    if (share && is_metric(all, ratio)) {
        snprintf(out, 80, "%s", ratio);
    } else if (!is_metric(all, out)) {
        snprintf(out, 80, "%s.%.*s", scenario, n, name.p);
    }
}

static bool add_condition(struct findmax *f, struct sp_str word, const struct bench *base,
                          const struct metrics *all, char *why, size_t cap)
{
    struct threshold t;
    char text[64], name[80];

    snprintf(text, sizeof(text), "%.*s", (int)word.n, word.p);
    if (word.n >= sizeof(text) || f->conds == FINDMAX_CONDS) {
        snprintf(why, cap, "up to %u conditions of 60 characters", FINDMAX_CONDS);
        return false;
    }
    size_t n = strcspn(text, "<>=");
    size_t op = strspn(text + n, "<>=");
    const char *value = text + n + op;
    bool twice = op == 2 && text[n] == '=' && text[n + 1] == '=';
    full_name(name, (struct sp_str){text, n}, strchr(value, '%') != NULL, base->scenario->name,
              all);
    snprintf(f->cond[f->conds], sizeof(f->cond[0]), "%s%.*s%s", name, twice ? 1 : (int)op, text + n,
             value);
    return threshold_parse(&t, f->cond[f->conds++], all, why, cap);
}

bool findmax_parse(struct findmax *f, const struct bench *base, char *why, size_t cap)
{
    struct metrics all;
    struct sp_str left = sp_str(base->conf.find_max ? base->conf.find_max : "");
    char wrong[256];
    int64_t millionths;

    *f = (struct findmax){.n = 0};
    metrics_of(base, &all);
    for (struct sp_str word = sp_cut(&left, ", "); word.n; word = sp_cut(&left, ", ")) {
        if (!add_condition(f, word, base, &all, wrong, sizeof(wrong))) {
            snprintf(why, cap, "--find-max: %s", wrong);
            return false;
        }
    }
    if (base->conf.find_max && f->conds == 0) {
        snprintf(why, cap, "--find-max needs a condition such as p99<5ms");
        return false;
    }
    if (!sp_parse_share(sp_str(base->conf.precision), &millionths) || millionths < 1000 ||
        millionths > 500000) {
        snprintf(why, cap, "--precision '%s': must be a share such as 2%%, 0.1%% to 50%%",
                 base->conf.precision);
        return false;
    }
    f->precision = (double)millionths / 1e6;
    return true;
}

/* --- steps ----------------------------------------------------------------------------------- */

struct search {
    struct bench *base;
    struct findmax *f;
    struct bench *best, *last; /* owned; best may be NULL */
    int64_t low, high;         /* what held and what did not; 0: none */
    const struct step *above;  /* the step at high */
    int status;                /* of a run that could not be made */
};

static double value_of(const struct metrics *all, const char *name)
{
    const struct metric *m = metric_find(all, sp_str(name));

    return m && m->has ? m->value : NAN;
}

static bool condition_fails(const char *cond, const struct metrics *all, char *why, size_t cap)
{
    struct threshold t;
    char text[32] = "unknown";

    if (!threshold_parse(&t, cond, all, why, cap) || threshold_holds(&t, all)) {
        return false;
    }
    const struct metric *m = metric_find(all, t.name);
    if (m && m->has) {
        metric_format(text, m->unit, m->value);
    }
    snprintf(why, cap, "%s: it is %s", cond, text);
    return true;
}

static enum step_result judge_step(const struct findmax *f, const struct report *r, struct step *s)
{
    const struct bench *b = r->b;
    double due = (double)b->counts.sent / value_of(&r->all, "seconds");
    double asked = due < (double)s->rate ? due : (double)s->rate;

    if (r->verdict.n > 0) {
        snprintf(s->why, sizeof(s->why), "%s", r->verdict.text[0]);
        return r->verdict.by_generator || server_is_unread(b) ? STEP_INVALID : STEP_FAILED;
    }
    for (unsigned i = 0; i < f->conds; i++) {
        if (condition_fails(f->cond[i], &r->all, s->why, sizeof(s->why))) {
            return STEP_FAILED;
        }
    }
    if (!(s->achieved >= ACHIEVED * asked)) {
        snprintf(s->why, sizeof(s->why), "achieved: only %.0f/s of %.0f/s", s->achieved, asked);
        return STEP_FAILED;
    }
    return STEP_HELD;
}

static void tell_step(const struct step *s, unsigned n)
{
    static const char *const words[] = {"held", "failed", "invalid"};
    char p99[32] = "";

    if (isfinite(s->p99_us)) {
        metric_format(p99, UNIT_USEC, s->p99_us);
    }
    out_note("step %u: %lld/s %s, p99 %s%s%s", n, (long long)s->rate, words[s->result], p99,
             s->why[0] ? ", " : "", s->why);
}

/* Keeps b where it is wanted. */
static void keep(struct search *s, struct bench *b, bool held)
{
    struct bench **at = held ? &s->best : &s->last;

    run_free(*at);
    *at = b;
}

/* One run; false when the search must end. */
static bool try_rate(struct search *s, int64_t rate, enum step_result *result)
{
    struct findmax *f = s->f;
    struct report r;
    char name[48];

    if (f->n == FINDMAX_STEPS || s->base->stop) {
        return false;
    }
    s->base->conf.rate = rate;
    profile_constant(&s->base->profile, (double)rate);
    struct bench *b = run_once(s->base, &s->status);
    if (!b) {
        return false;
    }
    report_init(&r, b);
    if (b->stop || b->counts.connected == 0) {
        keep(s, b, false);
        return false;
    }
    snprintf(name, sizeof(name), "%s.p99", b->scenario->name);
    struct step step = {
        .rate = rate, .achieved = value_of(&r.all, "completed"), .p99_us = value_of(&r.all, name)};
    *result = step.result = judge_step(f, &r, &step);
    f->step[f->n++] = step;
    tell_step(&step, f->n);
    keep(s, b, *result == STEP_HELD);
    return true;
}

/* What the generator spoils once may be chance: it has a second try. */
static bool step_at(struct search *s, int64_t rate)
{
    enum step_result result;

    if (!try_rate(s, rate, &result) || (result == STEP_INVALID && !try_rate(s, rate, &result))) {
        return false;
    }
    if (result == STEP_HELD) {
        s->f->confirmed = rate == s->low;
        s->low = rate;
    } else {
        s->high = rate;
        s->above = &s->f->step[s->f->n - 1];
    }
    return true;
}

/* --- search ---------------------------------------------------------------------------------- */

/* A step with fewer sends than that says nothing. */
static double least_rate(const struct bench_conf *c)
{
    return c->duration_us == OPT_NEVER ? 1 : fmax(1, LEAST_SENDS * 1e6 / (double)c->duration_us);
}

static bool is_narrow(const struct search *s)
{
    double least =
        s->low > 0 ? fmax(1, s->f->precision * (double)s->low) : least_rate(&s->base->conf);

    return s->high > 0 && (double)(s->high - s->low) <= least;
}

/* The highest rate that held and is below high. */
static int64_t next_lower(const struct search *s)
{
    int64_t rate = 0;

    for (unsigned i = 0; i < s->f->n; i++) {
        const struct step *at = &s->f->step[i];
        if (at->result == STEP_HELD && at->rate < s->high && at->rate > rate) {
            rate = at->rate;
        }
    }
    return rate;
}

static bool narrow(struct search *s)
{
    while (!is_narrow(s)) {
        int64_t rate = s->high > 0 ? s->low + (s->high - s->low) / 2 : s->low * 2;
        if (s->high == 0 && s->low >= MOST_RATE) {
            return true;
        }
        if (!step_at(s, rate < MOST_RATE ? rate : MOST_RATE)) {
            return false;
        }
    }
    return true;
}

/* A rate that held once only by luck falls out at its second run, and the search goes on below. */
static void search(struct search *s)
{
    int64_t start = s->base->conf.rate > 0 ? s->base->conf.rate : START_RATE;

    if (!step_at(s, start)) {
        return;
    }
    while (narrow(s) && s->low > 0) {
        if (!step_at(s, s->low) || s->f->confirmed) {
            return;
        }
        run_free(s->best);
        s->best = NULL;
        s->low = next_lower(s);
    }
}

static void conclude(struct search *s, struct report *r)
{
    struct findmax *f = s->f;

    f->rate = s->low;
    report_init(r, s->best ? s->best : s->last);
    r->found = f;
    r->stop = s->base->stop;
    if (!s->above) {
        return;
    }
    f->limit_rate = s->high;
    snprintf(f->limit, sizeof(f->limit), "%s", s->above->why);
    if (s->above->result == STEP_INVALID) {
        r->verdict.n = 0;
        report_object(&r->verdict, "the generator is the limit at %lld/s: %.100s",
                      (long long)s->high, f->limit);
    }
}

int findmax_run(struct bench *base)
{
    struct findmax f;
    struct report r;
    char why[256];
    struct search s = {.base = base, .f = &f, .status = EXIT_OK};

    if (!findmax_parse(&f, base, why, sizeof(why))) {
        return out_fail(EXIT_USAGE, NULL, "%s", why);
    }
    search(&s);
    bool away = s.last && s.last->counts.connected == 0 && s.last->counts.connect_failed > 0;
    if (away) {
        report_init(&r, s.last);
    } else if (s.best || s.last) {
        conclude(&s, &r);
    }
    r.files = &base->files;
    int status = away || s.best || s.last ? report_print(&r) : s.status;
    run_free(s.best);
    run_free(s.last);
    return status;
}

void findmax_write(struct sp_json *j, const struct findmax *f)
{
    static const char *const words[] = {"held", "failed", "invalid"};

    sp_json_object(j, "find_max");
    sp_json_int(j, "rate", f->rate);
    sp_json_bool(j, "confirmed", f->confirmed);
    sp_json_str_opt(j, "limit", sp_str(f->limit));
    if (f->limit_rate) {
        sp_json_int(j, "limit_rate", f->limit_rate);
    }
    metric_write(j, "precision_ratio", f->precision);
    sp_json_array(j, "conditions");
    for (unsigned i = 0; i < f->conds; i++) {
        sp_json_str(j, NULL, sp_str(f->cond[i]));
    }
    sp_json_end(j, ']');
    sp_json_array(j, "steps");
    for (unsigned i = 0; i < f->n; i++) {
        const struct step *s = &f->step[i];
        sp_json_object(j, NULL);
        sp_json_int(j, "rate", s->rate);
        sp_json_str(j, "result", sp_str(words[s->result]));
        if (isfinite(s->achieved)) {
            metric_write(j, "achieved_per_s", s->achieved);
        }
        if (isfinite(s->p99_us)) {
            metric_write(j, "p99_us", s->p99_us);
        }
        sp_json_str_opt(j, "why", sp_str(s->why));
        sp_json_end(j, '}');
    }
    sp_json_end(j, ']');
    sp_json_end(j, '}');
}

void findmax_print(const struct findmax *f)
{
    if (f->rate) {
        printf("%-10s  %s%lld/s%s%s", "find-max", out_sgr("1"), (long long)f->rate, out_sgr("0"),
               f->confirmed ? "" : ", not confirmed");
    } else {
        printf("%-10s  no rate holds", "find-max");
    }
    if (f->limit[0]) {
        printf("; at %lld/s %s", (long long)f->limit_rate, f->limit);
    }
    putchar('\n');
}
