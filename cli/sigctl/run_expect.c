/* SPDX-License-Identifier: MIT
 * What a scenario checks: expect and assert. */
#include "cli/sigctl/run.h"
#include "libproto/msg.h"
#include "libproto/units.h"

#include <stdlib.h>

/* wanted is a compiled expect. */
struct wanted {
    struct match match;
    char expr[SP_FILTER_MAX + 1];
    int64_t within_us; /* -1: not said */
    bool nothing;
};

static bool is_clause(const char *word)
{
    return strcmp(word, "from") == 0 || strcmp(word, "where") == 0 || strcmp(word, "within") == 0;
}

static int set_type(struct wanted *x, const char *word, struct fault *f)
{
    struct sp_guess g = sp_guess_init(sp_str(word));
    if (strcmp(word, "any") == 0 || run_has_var(word)) {
        x->match.type = strcmp(word, "any") == 0 ? NULL : word;
        return 0;
    }
    for (int t = SP_T_NONE + 1; t < SP_T_COUNT; t++) {
        sp_guess_consider(&g, sp_type_wire((enum sp_type)t));
    }
    x->match.type = word;
    if (sp_type_find(sp_str(word)) == SP_T_PRESENCE) {
        return run_fault_set(f, EXIT_USAGE, word, "presence is waited for by: NAME wait peer ID");
    }
    return sp_type_find(sp_str(word)) != SP_T_NONE
               ? 0
               : run_fault_set(f, EXIT_USAGE, word, "unknown type '%s'%s%s%s", word,
                               g.best ? ", did you mean '" : "", g.best ? g.best : "",
                               g.best ? "'?" : " (any is every type)");
}

/* The words up to the next clause, or to the end; where has its spaces back. */
static int set_where(struct wanted *x, char **v, int n, struct fault *f)
{
    struct sp_diag d;
    size_t len = 0;
    bool vars = false;
    for (int i = 0; i < n; i++) {
        int more = snprintf(x->expr + len, sizeof(x->expr) - len, "%s%s", i ? " " : "", v[i]);
        len += (size_t)more;
        vars = vars || run_has_var(v[i]);
        if (len >= sizeof(x->expr)) {
            return run_fault_set(f, EXIT_USAGE, v[0], "the expression is longer than %u bytes",
                                 SP_FILTER_MAX);
        }
    }
    x->match.has_until = true;
    if (!vars && sp_filter_parse(&x->match.until, sp_str(x->expr), &d) != SP_OK) {
        /* several words: the offset is one of them put together */
        return run_fault_set(f, EXIT_USAGE, v[0] + (n == 1 ? d.off : 0), "%s", d.text);
    }
    return 0;
}

static int set_clause(struct scene *s, struct wanted *x, char **v, int n, struct fault *f)
{
    if (n < 2 || (n > 2 && v[0][1] != 'h')) {
        return run_fault_set(f, EXIT_USAGE, n > 2 ? v[2] : v[0],
                             "usage: expect TYPE [from PEER] [where EXPR] [within DUR]");
    }
    if (v[0][0] == 'f') {
        int who = run_find_ident(s, v[1]);
        x->match.from = who > 0 ? s->idents[who]->c.id : v[1];
        return 0;
    }
    if (v[0][1] == 'h') {
        return set_where(x, v + 1, n - 1, f);
    }
    return run_has_var(v[1]) ? 0 : run_duration(v[1], &x->within_us, f);
}

static int compile(struct scene *s, struct wanted *x, char **v, int n, struct fault *f)
{
    int at = 0, status = 0;
    *x = (struct wanted){.within_us = -1};
    if (strcmp(v[0], "nothing") == 0) {
        x->nothing = true;
        at++;
    }
    if (at < n && !is_clause(v[at])) {
        status = set_type(x, v[at++], f);
    }
    while (status == 0 && at < n) {
        int end = at + 1;
        while (end < n && !is_clause(v[end])) {
            end++;
        }
        status = is_clause(v[at]) ? set_clause(s, x, v + at, end - at, f)
                                  : run_fault_set(f, EXIT_USAGE, v[at], "unexpected '%s'", v[at]);
        at = end;
    }
    return status;
}

int run_check_expect(struct scene *s, char **v, int n, struct fault *f)
{
    struct wanted x;
    if (is_clause(v[0])) {
        return run_fault_set(f, EXIT_USAGE, v[0], "expect what? A type, any or nothing");
    }
    return compile(s, &x, v, n, f);
}

/* search looks through an inbox, of which the first so many were looked at. */
struct search {
    const struct wanted *x;
    struct ctl *c;
    int found; /* -1: none yet */
};

static bool has_match(void *ctx)
{
    struct search *look = ctx;
    const struct link_msg *m;
    for (unsigned at = 0; look->found < 0 && (m = ctl_unread(look->c, at)) != NULL; at++) {
        bool is_it = match_peer(&look->x->match, m) &&
                     (!look->x->match.has_until || match_until(&look->x->match, m, look->c->id));
        look->found = is_it ? (int)at : -1;
    }
    return look->found >= 0;
}

static void describe(const struct wanted *x, char *out, size_t cap)
{
    snprintf(out, cap, "%s%s%s%s%s", x->match.type ? x->match.type : "a message",
             x->match.from ? " from " : "", x->match.from ? x->match.from : "",
             x->match.has_until ? " where " : "", x->expr);
}

static int keep(struct flow *w, struct search *look)
{
    bool ok = kept_set(&w->msg, ctl_unread(look->c, (unsigned)look->found));
    ctl_drop(look->c, (unsigned)look->found);
    return ok ? 0 : EXIT_DATA;
}

static int judge(struct flow *w, struct search *look, int status, struct fault *f)
{
    char what[1400];
    describe(look->x, what, sizeof(what));
    if (look->x->nothing) {
        return status == 0 ? run_fault_set(f, EXIT_FALSE, NULL, "%s came, and nothing was to", what)
               : status == EXIT_TIMEOUT
                   ? 0
                   : run_fault_set(f, status, NULL, "%s", link_why(look->c->link)->text);
    }
    if (status == EXIT_TIMEOUT) {
        return run_fault_set(f, status, NULL, "timed out after %.3g s waiting for %s",
                             (double)look->x->within_us / 1e6, what);
    }
    return status ? run_fault_set(f, status, NULL, "%s, waiting for %s",
                                  link_why(look->c->link)->text, what)
                  : keep(w, look);
}

int run_expect(struct flow *w, struct ident *who, char **v, int n, struct fault *f)
{
    struct wanted x;
    struct search look = {&x, &who->c, -1};
    int status = compile(w->s, &x, v, n, f);
    if (status) {
        return status;
    }
    if (!who->c.link) {
        return run_fault_set(f, EXIT_LOST, NULL, "%s is not connected", who->name);
    }
    if (x.within_us < 0) {
        x.within_us = who->c.base.timeout_us >= 0 ? who->c.base.timeout_us : CTL_ONE_US;
    }
    status = link_until(who->c.link, has_match, &look, link_deadline(x.within_us));
    return judge(w, &look, status, f);
}

/* ---------------------------------------------------------------- assert */

static bool is_number(const char *text, double *x)
{
    char *end;
    *x = strtod(text, &end);
    return end != text && *end == '\0';
}

static int order(const char *a, const char *b, bool *known)
{
    double x, y;
    *known = is_number(a, &x) && is_number(b, &y);
    return !*known ? 0 : x < y ? -1 : x > y;
}

enum { LESS = 1, EQUAL = 2, MORE = 4, TEXT = 8, PATTERN = 16, NOT = 32 };

static unsigned find_op(const char *word)
{
    static const struct {
        const char *word;
        unsigned how;
    } ops[] = {{"==", TEXT}, {"!=", TEXT | NOT},   {"~", PATTERN}, {"!~", PATTERN | NOT},
               {"<", LESS},  {"<=", LESS | EQUAL}, {">", MORE},    {">=", MORE | EQUAL}};
    for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
        if (strcmp(ops[i].word, word) == 0) {
            return ops[i].how;
        }
    }
    return 0;
}

/* A pattern's ^ and $ are those of each line, for descriptions have many. */
static int set_pattern(regex_t *re, const char *word, struct fault *f)
{
    char why[128];
    int err = regcomp(re, word, REG_EXTENDED | REG_NOSUB | REG_NEWLINE);
    if (err) {
        regerror(err, re, why, sizeof(why));
        return run_fault_set(f, EXIT_USAGE, word, "the pattern: %s", why);
    }
    return 0;
}

int run_check_assert(char **v, struct fault *f)
{
    regex_t re;
    unsigned how = find_op(v[1]);
    if (!how) {
        return run_fault_set(f, EXIT_USAGE, v[1], "'%s': must be == != ~ !~ < <= > or >=", v[1]);
    }
    if ((how & PATTERN) == 0 || run_has_var(v[2])) {
        return 0;
    }
    int status = set_pattern(&re, v[2], f);
    if (status == 0) {
        regfree(&re);
    }
    return status;
}

static int holds(char **v, unsigned how, bool *yes, struct fault *f)
{
    bool known = true;
    if (how & PATTERN) {
        regex_t re;
        int status = set_pattern(&re, v[2], f);
        if (status == 0) {
            *yes = regexec(&re, v[0], 0, NULL, 0) == 0;
            regfree(&re);
        }
        return status;
    }
    if (how & TEXT) {
        *yes = strcmp(v[0], v[2]) == 0;
        return 0;
    }
    int o = order(v[0], v[2], &known);
    *yes = (how & (o < 0 ? LESS : o > 0 ? MORE : EQUAL)) != 0;
    return known ? 0
                 : run_fault_set(f, EXIT_FALSE, NULL, "'%.200s' %s '%.200s': not two numbers", v[0],
                                 v[1], v[2]);
}

/* The beginning of a text, on one line. */
static void put_short(char *out, size_t cap, const char *text)
{
    size_t n = 0;
    for (; *text && n + 8 < cap; text++) {
        if (*text == '\n') {
            memcpy(out + n, " | ", 3);
            n += 3;
        } else if (*text != '\r') {
            out[n++] = *text;
        }
    }
    memcpy(out + n, *text ? "..." : "", *text ? 4 : 1);
}

int run_assert(char **v, struct fault *f)
{
    char left[300], right[200];
    bool yes = false;
    unsigned how = find_op(v[1]);
    int status = holds(v, how, &yes, f);
    if (status == 0 && yes == ((how & NOT) != 0)) {
        put_short(left, sizeof(left), v[0]);
        put_short(right, sizeof(right), v[2]);
        return run_fault_set(f, EXIT_FALSE, NULL, "it is not so: '%s' %s '%s'", left, v[1], right);
    }
    return status;
}
