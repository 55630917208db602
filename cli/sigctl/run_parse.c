/* SPDX-License-Identifier: MIT
 * Steps of a scenario from its lines; what is wrong is told before anything runs. */
#include "cli/common/out.h"
#include "cli/sigctl/lines.h"
#include "cli/sigctl/run.h"
#include "libproto/units.h"
#include "libproto/utf8.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>

#define SHOWN 160 /* bytes of a line that a message repeats */

enum leader { LEAD_NONE, LEAD_IDENT };

static const struct keyword {
    const char *word;
    enum run_kind kind;
    enum leader leader;
    int least, most; /* words behind it */
    const char *usage;
} keywords[] = {{"expect", RUN_EXPECT, LEAD_IDENT, 1, WORDS_MAX,
                 "NAME expect TYPE [from PEER] [where EXPR] [within DUR]"},
                {"drop", RUN_DROP, LEAD_IDENT, 0, 0, "NAME drop"},
                {"leave", RUN_LEAVE, LEAD_IDENT, 0, 0, "NAME leave"},
                {"assert", RUN_ASSERT, LEAD_NONE, 3, 3, "assert LEFT OP RIGHT"},
                {"set", RUN_SET, LEAD_NONE, 3, 3, "set NAME = VALUE"},
                {"echo", RUN_ECHO, LEAD_NONE, 0, WORDS_MAX, "echo TEXT"},
                {"pause", RUN_PAUSE, LEAD_NONE, 1, 1, "pause DUR"},
                {"timeout", RUN_TIMEOUT, LEAD_NONE, 1, 1, "timeout DUR"},
                {"parallel", RUN_PARALLEL, LEAD_NONE, 0, 0, "parallel"},
                {"repeat", RUN_REPEAT, LEAD_NONE, 1, 1, "repeat N"},
                {"end", RUN_END, LEAD_NONE, 0, 0, "end"},
                {"test", RUN_TEST, LEAD_NONE, 1, 1, "test \"NAME\""},
                {"fails", RUN_FAILS, LEAD_NONE, 0, WORDS_MAX, "fails [STATUS|CODE] [NAME] LINE"},
                {"as", RUN_AS, LEAD_NONE, 0, WORDS_MAX, "as NAME register ID [OPTIONS]"},
                {0}};

/* parse is the state of reading the lines of a scenario. */
struct parse {
    struct scene *s;
    unsigned cap;
    unsigned open[RUN_DEPTH]; /* blocks that have not ended: their steps */
    unsigned depth;
    int64_t rounds[RUN_DEPTH + 1];
    struct fault f;
    const struct step *culprit; /* where that is not the line being read */
};

int run_fault_set(struct fault *f, int status, const char *at, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(f->text, sizeof(f->text), fmt, ap);
    va_end(ap);
    f->status = status;
    f->at = at;
    f->code[0] = '\0';
    return status;
}

/* ---------------------------------------------------------------- telling */

/* The column of a byte, as a terminal counts. */
static int column_of(const char *text, size_t off)
{
    int n = 0;
    for (size_t i = 0; i < off && text[i]; i++) {
        n += ((unsigned char)text[i] & 0xC0) != 0x80;
    }
    return n;
}

static int tell(const struct scene *s, const struct step *st, const struct fault *f)
{
    size_t n = strlen(st->text), off = f->at && st->words ? (size_t)(f->at - st->words) : n;
    out_fail((enum exit_code)f->status, NULL, "%s:%u: %s", s->file, st->line, f->text);
    if (n <= SHOWN) {
        fputs("  ", stderr);
        out_safe(stderr, sp_str(st->text));
        fputc('\n', stderr);
    }
    if (n <= SHOWN && off < n) {
        fprintf(stderr, "  %*s^\n", column_of(st->text, off), "");
    }
    return f->status;
}

static int tell_line(const struct scene *s, unsigned line, const char *what)
{
    return out_fail(EXIT_DATA, NULL, "%s:%u: %s", s->file, line, what);
}

/* ---------------------------------------------------------------- bytes */

static const char *wrong_bytes(const char *p, size_t n)
{
    if (n > RUN_LINE_MOST) {
        return "the line is longer than 64 KiB";
    }
    if (memchr(p, '\0', n)) {
        return "a NUL byte; is this a scenario?";
    }
    for (size_t i = 0; i < n; i++) {
        if ((unsigned char)p[i] < ' ' && p[i] != '\t' && !(p[i] == '\r' && i + 1 == n)) {
            return "a control character";
        }
    }
    return sp_utf8_valid(p, n) ? NULL : "not UTF-8";
}

static int check_bytes(const struct scene *s, const char *text, size_t n)
{
    unsigned line = 1;
    for (size_t at = 0; at < n; line++) {
        const char *lf = memchr(text + at, '\n', n - at);
        size_t len = lf ? (size_t)(lf - text) - at : n - at;
        const char *what = wrong_bytes(text + at, len);
        if (what) {
            return tell_line(s, line, what);
        }
        at += len + 1;
    }
    return n > RUN_FILE_MOST ? tell_line(s, line - 1, "the scenario is larger than 1 MiB") : 0;
}

/* ---------------------------------------------------------------- words */

/* A dollar between '...' or behind a backslash begins no variable: words() would hide which. */
static void mark_literals(char *line)
{
    char quote = '\0', *to = line;
    for (const char *p = line; *p; p++) {
        if (*p == '\\' && quote != '\'' && p[1]) {
            if (p[1] != '$') {
                *to++ = *p;
            }
            *to++ = *++p == '$' ? RUN_LITERAL : *p;
            continue;
        }
        if (quote ? *p == quote : *p == '\'' || *p == '"') {
            quote = quote ? '\0' : *p;
        }
        *to++ = *p == '$' && quote == '\'' ? RUN_LITERAL : *p;
    }
    *to = '\0';
}

static const struct keyword *find_keyword(const char *word)
{
    for (const struct keyword *k = keywords; k->word; k++) {
        if (strcmp(k->word, word) == 0) {
            return k;
        }
    }
    return NULL;
}

int run_find_ident(const struct scene *s, const char *name)
{
    for (unsigned i = 1; i < s->nidents; i++) {
        if (strcmp(s->idents[i]->name, name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

bool run_is_name(const char *name, size_t n)
{
    bool ok = n > 0 && n <= RUN_NAME_MAX && (isalpha((unsigned char)name[0]) || name[0] == '_');
    for (size_t i = 0; ok && i < n; i++) {
        ok = isalnum((unsigned char)name[i]) || name[i] == '_';
    }
    return ok;
}

/* Every word that could begin a line, for a mistyped one; of the shortest every other is near. */
static const char *nearest(const struct scene *s, const char *word, bool only_idents)
{
    struct sp_guess g = sp_guess_init(sp_str(word));
    for (unsigned i = 1; i < s->nidents; i++) {
        sp_guess_consider(&g, s->idents[i]->name);
    }
    for (const struct keyword *k = keywords; k->word && !only_idents; k++) {
        sp_guess_consider(&g, k->word);
    }
    for (const struct command *cmd = commands; cmd->name && !only_idents; cmd++) {
        sp_guess_consider(&g, cmd->name);
    }
    for (int e = SP_OK + 1; e < SP_ERR_COUNT && !only_idents; e++) {
        sp_guess_consider(&g, sp_err_wire((enum sp_err)e));
    }
    return strlen(word) > 2 ? g.best : NULL;
}

static int unknown_word(struct parse *p, char **v)
{
    bool leads = v[1] && (find_keyword(v[1]) || command_find(v[1]));
    const char *near = nearest(p->s, v[0], leads);
    if (near) {
        return run_fault_set(&p->f, EXIT_USAGE, v[0], "unknown %s '%s', did you mean '%s'?",
                             leads ? "identity" : "word", v[0], near);
    }
    if (leads) {
        return run_fault_set(&p->f, EXIT_USAGE, v[0],
                             "unknown identity '%s' (try: as %s register ID)", v[0], v[0]);
    }
    return run_fault_set(&p->f, EXIT_USAGE, v[0],
                         "unknown word '%s', no identity and no command (see: sigctl help)", v[0]);
}

/* ---------------------------------------------------------------- one line */

static int usage(struct parse *p, const char *at, const char *text)
{
    return run_fault_set(&p->f, EXIT_USAGE, at, "usage: %s", text);
}

static int take_name(struct parse *p, struct step *st, char **v)
{
    if (!v[0] || !v[1] || strcmp(v[1], "register") != 0) {
        return usage(p, v[0] ? v[0] : NULL, "as NAME register ID [OPTIONS]");
    }
    if (!run_is_name(v[0], strlen(v[0])) || find_keyword(v[0]) || command_find(v[0])) {
        return run_fault_set(
            &p->f, EXIT_USAGE, v[0],
            "'%s' cannot be the name of an identity: want letters, digits and _, and "
            "no word of ours",
            v[0]);
    }
    int at = run_find_ident(p->s, v[0]);
    if (at < 0 && !run_add_ident(p->s, v[0])) {
        return run_fault_set(&p->f, EXIT_USAGE, v[0], "more than %u identities", RUN_IDENTS - 1);
    }
    st->who = at < 0 ? p->s->nidents - 1 : (unsigned)at;
    return 0;
}

static bool begins_line(const struct parse *p, const char *word)
{
    return word && (run_find_ident(p->s, word) > 0 || find_keyword(word) || command_find(word));
}

/* A code is one of the server's, or what no word of ours is like and stands before a line: a peer's
 * own reason. */
static bool is_code(const struct parse *p, char **v)
{
    return sp_err_find(sp_str(v[0])) != SP_OK ||
           (!nearest(p->s, v[0], false) && begins_line(p, v[1]));
}

/* Gives how many words of v say how the line must fail. */
static int take_fails(const struct parse *p, struct step *st, char **v)
{
    st->fails = true;
    st->want_status = RUN_ANY_STATUS;
    if (v[0] && strspn(v[0], "0123456789") == strlen(v[0]) && strlen(v[0]) <= 3) {
        st->want_status = (int)strtol(v[0], NULL, 10);
        return 1;
    }
    if (v[0] && !begins_line(p, v[0]) && is_code(p, v)) {
        st->want_code = v[0];
        return 1;
    }
    return 0;
}

static int take_keyword(struct parse *p, struct step *st, const struct keyword *k, char **v)
{
    int n = 0;
    while (v[n + 1]) {
        n++;
    }
    if (n < k->least || n > k->most || (k->leader == LEAD_IDENT) != (st->who > 0)) {
        return usage(p, v[0], k->usage);
    }
    if (st->fails && k->kind != RUN_EXPECT && k->kind != RUN_ASSERT) {
        return run_fault_set(&p->f, EXIT_USAGE, v[0], "'%s' cannot be what fails", k->word);
    }
    st->kind = k->kind;
    st->v = v + 1;
    st->n = n;
    return 0;
}

static int take_words(struct parse *p, struct step *st, char **v)
{
    if (strcmp(v[0], "fails") == 0) {
        v++;
        v += take_fails(p, st, v);
    }
    if (v[0] && strcmp(v[0], "as") == 0) {
        st->kind = RUN_AS;
        st->v = v + 2;
        return take_name(p, st, v + 1);
    }
    int who = v[0] ? run_find_ident(p->s, v[0]) : -1;
    if (who > 0) {
        st->who = (unsigned)who;
        v++;
    }
    if (!v[0]) {
        return usage(p, NULL, who > 0 ? "NAME COMMAND" : "fails [STATUS|CODE] [NAME] LINE");
    }
    const struct keyword *k = find_keyword(v[0]);
    if (k) {
        return take_keyword(p, st, k, v);
    }
    st->kind = RUN_COMMAND;
    st->v = v;
    if (v[0][0] != '-' && !command_find(v[0])) {
        return unknown_word(p, v);
    }
    return 0;
}

static int split(struct parse *p, struct step *st)
{
    char *v[WORDS_MAX + 1];
    const char *why = NULL;
    mark_literals(st->words);
    int n = words(st->words, v, &why);
    if (n == 0) {
        return run_fault_set(&p->f, EXIT_USAGE, NULL, "%s", why);
    }
    char **copy = calloc((size_t)n + 1, sizeof(*copy));
    if (!copy) {
        return run_fault_set(&p->f, EXIT_DATA, NULL, "out of memory");
    }
    memcpy(copy, v + 1, (size_t)(n - 1) * sizeof(*copy));
    st->argv = copy;
    int status = take_words(p, st, copy);
    for (st->n = 0; status == 0 && st->v[st->n];) {
        st->n++;
    }
    return status;
}

/* ---------------------------------------------------------------- blocks */

static int open_block(struct parse *p, const struct step *st)
{
    int64_t rounds = 1;
    for (unsigned i = 0; i < p->depth && st->kind == RUN_PARALLEL; i++) {
        if (p->s->steps[p->open[i]].kind == RUN_PARALLEL) {
            return run_fault_set(&p->f, EXIT_USAGE, st->words, "parallel within parallel");
        }
    }
    if (p->depth == RUN_DEPTH) {
        return run_fault_set(&p->f, EXIT_USAGE, st->words, "more than %u blocks in each other",
                             RUN_DEPTH);
    }
    if (st->kind == RUN_REPEAT && !run_has_var(st->v[0]) &&
        run_rounds(st->v[0], &rounds, &p->f) != 0) {
        return p->f.status;
    }
    p->rounds[p->depth + 1] = p->rounds[p->depth] * (rounds > 0 ? rounds : 1);
    if (p->rounds[p->depth + 1] > RUN_ROUNDS) {
        return run_fault_set(&p->f, EXIT_USAGE, st->v[0], "more than %d rounds in all", RUN_ROUNDS);
    }
    p->open[p->depth++] = p->s->n;
    return 0;
}

static bool is_led(const struct step *st)
{
    return st->who > 0 || st->kind == RUN_COMMAND;
}

/* A block of a branch has lines of one identity, for two never use a connection at once. */
static int brand_block(struct parse *p, unsigned from, unsigned to, unsigned *branch)
{
    const struct step *first = NULL;
    for (unsigned i = from; i <= to; i++) {
        struct step *st = &p->s->steps[i];
        if (is_led(st) && first && st->who != first->who) {
            p->culprit = st;
            return run_fault_set(&p->f, EXIT_USAGE, st->words,
                                 "a repeat within parallel has the lines of one identity");
        }
        first = !first && is_led(st) ? st : first;
    }
    *branch = first ? first->who : *branch;
    for (unsigned i = from; i <= to; i++) {
        p->s->steps[i].branch = *branch;
    }
    return 0;
}

static int brand(struct parse *p, unsigned from, unsigned to)
{
    unsigned branch = 0;
    for (unsigned i = from; i < to; i++) {
        struct step *st = &p->s->steps[i];
        unsigned last = st->kind == RUN_REPEAT ? st->end : i;
        branch = is_led(st) ? st->who : branch;
        int status = brand_block(p, i, last, &branch);
        if (status) {
            return status;
        }
        i = last;
    }
    return 0;
}

static int close_block(struct parse *p, const struct step *st)
{
    if (p->depth == 0) {
        return run_fault_set(&p->f, EXIT_USAGE, st->words, "there is no block to end");
    }
    unsigned from = p->open[--p->depth];
    p->s->steps[from].end = p->s->n;
    return p->s->steps[from].kind == RUN_PARALLEL ? brand(p, from + 1, p->s->n) : 0;
}

static int place(struct parse *p, const struct step *st)
{
    switch ((int)st->kind) {
    case RUN_PARALLEL:
    case RUN_REPEAT:
        return open_block(p, st);
    case RUN_END:
        return close_block(p, st);
    case RUN_TEST:
        if (p->depth > 0) {
            return run_fault_set(&p->f, EXIT_USAGE, st->words, "a test within a block");
        }
        p->s->ntests++;
        return 0;
    default:
        return 0;
    }
}

/* ---------------------------------------------------------------- all lines */

static struct step *new_step(struct parse *p)
{
    struct scene *s = p->s;
    if (s->n == p->cap) {
        unsigned cap = p->cap ? p->cap * 2 : 64;
        struct step *more = realloc(s->steps, cap * sizeof(*more));
        if (!more) {
            return NULL;
        }
        s->steps = more;
        p->cap = cap;
    }
    s->steps[s->n] = (struct step){0};
    return &s->steps[s->n];
}

static int take_line(struct parse *p, unsigned line, const char *text)
{
    text += strspn(text, " \t");
    size_t n = strlen(text);
    while (n > 0 && strchr(" \t\r", text[n - 1])) {
        n--;
    }
    if (n == 0 || text[0] == '#') {
        return 0;
    }
    struct step *st = new_step(p);
    if (!st) {
        return tell_line(p->s, line, "out of memory");
    }
    st->line = line;
    st->text = strndup(text, n);
    st->words = strndup(text, n);
    p->s->n++; /* what it owns is freed with the scene, whatever comes */
    if (!st->text || !st->words) {
        return tell_line(p->s, line, "out of memory");
    }
    p->s->n--;
    int status = split(p, st);
    status = status ? status : place(p, st);
    status = status ? status : run_check_step(p->s, st, &p->f);
    p->s->n++;
    return status ? tell(p->s, p->culprit ? p->culprit : st, &p->f) : 0;
}

int run_parse(struct scene *s, char *text, size_t n)
{
    struct parse p = {.s = s, .rounds = {1}};
    unsigned line = 1;
    int status = check_bytes(s, text, n);
    for (char *at = text; status == 0 && at < text + n; line++) {
        char *lf = memchr(at, '\n', n - (size_t)(at - text));
        if (lf) {
            *lf = '\0';
        }
        status = take_line(&p, line, at);
        at = lf ? lf + 1 : text + n;
    }
    if (status == 0 && p.depth > 0) {
        const struct step *st = &s->steps[p.open[p.depth - 1]];
        run_fault_set(&p.f, EXIT_USAGE, st->words, "the block has no end");
        return tell(s, st, &p.f);
    }
    return status == 0 && s->n == 0 ? tell_line(s, line, "the scenario has no line") : status;
}

void run_free(struct scene *s)
{
    for (unsigned i = 0; i < s->n; i++) {
        free(s->steps[i].text);
        free(s->steps[i].words);
        free(s->steps[i].argv);
    }
    free(s->steps);
    for (unsigned i = 0; i < s->nvars; i++) {
        free(s->vars[i].value);
    }
}
