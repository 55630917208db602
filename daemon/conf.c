/* SPDX-License-Identifier: MIT
 * Reading the configuration. Every value is kept as the text of its strongest source until all
 * sources are read; only then it is checked and converted. The texts of one reading are a bank; a
 * reload fills another one, so that the old values hold until the new ones are known to be good. */
#include "daemon/conf.h"

#include "daemon/confsrc.h"
#include "libproto/units.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

const struct conf_row conf_rows[CONF_ROWS] = {
#define SIGD_OPTION(field, option, flag, kind, def, min, max, again, original, argument, sentence) \
    {.name = option,                                                                               \
     .letter = flag,                                                                               \
     .type = CONF_##kind,                                                                          \
     .preset = def,                                                                                \
     .low = min,                                                                                   \
     .high = max,                                                                                  \
     .reloadable = again,                                                                          \
     .env = original,                                                                              \
     .arg = argument,                                                                              \
     .help = sentence,                                                                             \
     .off = offsetof(struct conf, field)},
#include "daemon/tbl/options.h"
#undef SIGD_OPTION
};

enum {
#define SIGD_OPTION(field, option, flag, kind, def, min, max, again, ...) +!(again)
    FIXED =
#include "daemon/tbl/options.h"
#undef SIGD_OPTION
};

_Static_assert(FIXED <= CONF_LIST_MAX, "conf_reload lists them");

/* The command line and the environment are read once, since their secrets are then wiped. */
static struct {
    struct conf_bank *start, *current, *next;
    struct conf_args args;
    bool dotenv;
} all;

/* ---------------------------------------------------------------- rows and banks */

struct conf_value *conf_value_of(struct conf_bank *b, const struct conf_row *row)
{
    return &b->v[row - conf_rows];
}

const struct conf_row *conf_find(const char *name)
{
    for (size_t i = 0; i < CONF_ROWS; i++) {
        if (strcmp(conf_rows[i].name, name) == 0) {
            return &conf_rows[i];
        }
    }
    return NULL;
}

bool conf_fail(struct conf_fill *f, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    vsnprintf(f->why, f->cap, format, ap);
    va_end(ap);
    return false;
}

bool conf_unknown(struct conf_fill *f, const char *where, const char *name)
{
    struct sp_guess g = sp_guess_init(sp_str(name));
    for (size_t i = 0; i < CONF_ROWS; i++) {
        sp_guess_consider(&g, conf_rows[i].name);
    }
    if (g.best) {
        return conf_fail(f, "%s: unknown option '%.64s', did you mean '%s'?", where, name, g.best);
    }
    return conf_fail(f, "%s: unknown option '%.64s'", where, name);
}

void conf_wipe(char *s, size_t n)
{
    if (s) {
        explicit_bzero(s, n);
    }
    free(s);
}

void conf_drop(const struct conf_row *row, struct conf_value *v)
{
    for (unsigned i = 0; i < v->n; i++) {
        conf_wipe(v->text[i], row->type == CONF_SECRET ? strlen(v->text[i]) : 0);
        free(v->where[i]);
    }
    v->n = 0;
    v->source = CONF_FROM_NOWHERE;
    v->exposed = false;
}

bool conf_set(struct conf_fill *f, const struct conf_row *row, enum conf_source source,
              const char *where, const char *text)
{
    struct conf_value *v = conf_value_of(f->bank, row);
    if (source < v->source) {
        return true;
    }
    if (row->type != CONF_LIST || source > v->source) {
        conf_drop(row, v);
    }
    if (row->type == CONF_LIST && v->n == row->high) {
        return conf_fail(f, "%s: %s may be given %u times", where, row->name, v->n);
    }
    char *place = strdup(where), *copy = place ? strdup(text) : NULL;
    if (!copy) {
        free(place);
        return conf_fail(f, "out of memory");
    }
    v->source = source;
    v->exposed |= f->exposed;
    v->where[v->n] = place;
    v->text[v->n++] = copy;
    return true;
}

static void wipe_text(char *s)
{
    conf_wipe(s, s ? strlen(s) : 0);
}

static void bank_free(struct conf_bank *b)
{
    if (!b) {
        return;
    }
    for (size_t i = 0; i < CONF_ROWS; i++) {
        conf_drop(&conf_rows[i], &b->v[i]);
    }
    wipe_text(b->secret);
    wipe_text(b->cluster_key);
    wipe_text(b->turn_secret);
    wipe_text(b->turn_password);
    free(b);
}

static bool begin(struct conf_fill *f, struct conf_bank **bank, char *why, size_t cap)
{
    *bank = calloc(1, sizeof(**bank));
    *f = (struct conf_fill){.bank = *bank, .why = why, .cap = cap};
    return *bank || conf_fail(f, "out of memory");
}

static bool copy_value(struct conf_fill *f, size_t i, const struct conf_value *from)
{
    conf_drop(&conf_rows[i], &f->bank->v[i]);
    for (unsigned k = 0; k < from->n; k++) {
        if (!conf_set(f, &conf_rows[i], from->source, from->where[k], from->text[k])) {
            return false;
        }
    }
    f->bank->v[i].exposed = from->exposed;
    return true;
}

/* ---------------------------------------------------------------- load and reload */

static bool set_defaults(struct conf_fill *f)
{
    for (size_t i = 0; i < CONF_ROWS; i++) {
        const struct conf_row *row = &conf_rows[i];
        if (row->preset && !conf_set(f, row, CONF_FROM_DEFAULT, "default", row->preset)) {
            return false;
        }
    }
    return true;
}

static bool read_sources(struct conf_fill *f)
{
    const struct conf_args *a = &all.args;
    for (size_t i = 0; i < CONF_ROWS; i++) {
        if (!copy_value(f, i, &all.start->v[i])) {
            return false;
        }
    }
    /* a .env that has gone must not take what it protected with it */
    return (!a->file || conf_read_file(f, a->file)) &&
           (a->no_env_file || conf_read_dotenv(f, a->env_file, f->again && all.dotenv)) &&
           set_defaults(f);
}

bool conf_load(struct conf *c, struct conf_args *args, int argc, char **argv, char *why, size_t cap,
               bool *usage)
{
    struct conf_fill f;
    conf_free();
    *usage = false;
    if (!begin(&f, &all.start, why, cap)) {
        return false;
    }
    *usage = true;
    if (!conf_read_args(&f, args, argc, argv)) {
        return false;
    }
    *usage = false;
    if (args->help || args->version) {
        return true;
    }
    all.args = *args;
    if (!conf_read_environment(&f) || !begin(&f, &all.current, why, cap) || !read_sources(&f) ||
        !conf_convert(c, &f, usage) || !conf_check_together(c, &f)) {
        return false;
    }
    all.dotenv = f.dotenv;
    return true;
}

static bool is_same(const struct conf_value *a, const struct conf_value *b)
{
    if (a->n != b->n) {
        return false;
    }
    for (unsigned i = 0; i < a->n; i++) {
        if (strcmp(a->text[i], b->text[i]) != 0) {
            return false;
        }
    }
    return true;
}

static bool keep_fixed(struct conf_fill *f, struct conf_list *fixed)
{
    for (size_t i = 0; i < CONF_ROWS; i++) {
        const struct conf_value *old = &all.current->v[i];
        if (conf_rows[i].reloadable || is_same(old, &f->bank->v[i])) {
            continue;
        }
        if (!copy_value(f, i, old)) {
            return false;
        }
        fixed->v[fixed->n++] = conf_rows[i].name;
    }
    return true;
}

bool conf_reload(struct conf *next, struct conf_list *fixed, char *why, size_t cap)
{
    struct conf_fill f;
    struct conf c;
    struct conf_list kept = {.n = 0};
    bool flag;
    conf_abort();
    if (!begin(&f, &all.next, why, cap)) {
        return false;
    }
    f.again = true;
    /* converted twice: a bad value is an error even where it would not be used */
    if (!read_sources(&f) || !conf_convert(&c, &f, &flag) || !keep_fixed(&f, &kept) ||
        !conf_convert(&c, &f, &flag) || !conf_check_together(&c, &f)) {
        conf_abort();
        return false;
    }
    *next = c;
    *fixed = kept;
    return true;
}

void conf_commit(void)
{
    bank_free(all.current);
    all.current = all.next;
    all.next = NULL;
}

void conf_abort(void)
{
    bank_free(all.next);
    all.next = NULL;
}

void conf_free(void)
{
    conf_abort();
    bank_free(all.current);
    bank_free(all.start);
    memset(&all, 0, sizeof(all));
}

/* ---------------------------------------------------------------- for people */

void conf_print(FILE *f)
{
    for (size_t i = 0; i < CONF_ROWS; i++) {
        const struct conf_row *row = &conf_rows[i];
        const struct conf_value *v = &all.current->v[i];
        for (unsigned k = 0; k < v->n; k++) {
            const char *text = row->type == CONF_SECRET ? "********" : v->text[k];
            fprintf(f, "%s = %s  ; %s\n", row->name, text, v->where[k]);
        }
        if (v->n == 0) {
            fprintf(f, "; %s is not set\n", row->name);
        }
    }
}

const char *conf_exposed(void)
{
    struct conf_bank *b = all.next ? all.next : all.current;
    for (size_t i = 0; i < CONF_ROWS; i++) {
        if (conf_rows[i].type == CONF_SECRET && b->v[i].exposed) {
            return b->v[i].where[0];
        }
    }
    return NULL;
}

const char *conf_where(const char *name)
{
    return conf_where_nth(name, 0);
}

const char *conf_where_nth(const char *name, unsigned i)
{
    const struct conf_value *v = conf_value_of(all.next ? all.next : all.current, conf_find(name));
    return i < v->n ? v->where[i] : name;
}

void conf_help(FILE *f)
{
    for (size_t i = 0; i < CONF_ROWS; i++) {
        const struct conf_row *row = &conf_rows[i];
        char left[64], letter[8] = "    ";
        if (row->letter) {
            snprintf(letter, sizeof(letter), "-%c, ", row->letter);
        }
        snprintf(left, sizeof(left), "%s--%s%s%s", letter, row->name, row->arg ? " " : "",
                 row->arg ? row->arg : "");
        fprintf(f, "  %-42s %s", left, row->help);
        if (row->preset && row->type != CONF_FLAG) {
            fprintf(f, " [%s]", row->preset);
        }
        fputc('\n', f);
    }
}
