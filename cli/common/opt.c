/* SPDX-License-Identifier: MIT
 * Options from tables: parsing on getopt_long, environment, help. */
#include "cli/common/opt.h"

#include "libproto/units.h"

#include <getopt.h>
#include <stdlib.h>

/* More rows than the largest tool has; a table that outgrows it fails in opt_parse at once. */
#define ROWS_MAX  160
#define LONG_BASE 0x1000

static bool is_off_word(const char *v)
{
    return strcmp(v, "0") == 0 || strcmp(v, "false") == 0 || strcmp(v, "no") == 0;
}

static bool is_choice(const char *words, const char *v)
{
    size_t n = strlen(v);
    for (const char *w = words; n > 0 && *w; w += strcspn(w, "|"), w += *w == '|') {
        if (strcspn(w, "|") == n && memcmp(w, v, n) == 0) {
            return true;
        }
    }
    return false;
}

static bool add_to_list(struct opt_list *list, const char *v)
{
    if (list->n == OPT_LIST_MAX) {
        return false;
    }
    list->v[list->n++] = v;
    return true;
}

/* The wanted form of a value, for the error sentence; NULL when any text will do. */
static const char *set_value(const struct opt *row, void *values, const char *v)
{
    void *at = (char *)values + row->off;
    switch (row->type) {
    case OPT_FLAG:
        *(bool *)at = !v || !is_off_word(v);
        return NULL;
    case OPT_STRING:
        *(const char **)at = v;
        return NULL;
    case OPT_LIST:
        return add_to_list(at, v) ? NULL : "given no more than 64 times";
    case OPT_COUNT:
        return sp_parse_count(sp_str(v), at) ? NULL : "a count such as 500 or 10k";
    case OPT_SIZE:
        return sp_parse_size(sp_str(v), at) ? NULL : "a size such as 4096 or 64K";
    case OPT_DURATION:
        if (strcmp(v, "none") == 0) {
            *(int64_t *)at = OPT_NEVER;
            return NULL;
        }
        return sp_parse_duration(sp_str(v), 1000000, at) ? NULL : "a duration such as 250ms or 5s";
    case OPT_CHOICE:
        if (!is_choice(row->arg, v)) {
            return row->arg;
        }
        *(const char **)at = v;
        return NULL;
    }
    return NULL;
}

bool opt_env(const struct opt_group *groups, size_t n, char *why, size_t cap)
{
    for (size_t g = 0; g < n; g++) {
        for (const struct opt *row = groups[g].rows; row->name; row++) {
            const char *v = row->env ? getenv(row->env) : NULL;
            if (!v || !*v) {
                continue;
            }
            const char *wanted = set_value(row, groups[g].values, v);
            if (wanted) {
                snprintf(why, cap, "%s='%s': must be %s", row->env, v, wanted);
                return false;
            }
        }
    }
    return true;
}

struct flat {
    const struct opt *row[ROWS_MAX];
    void *values[ROWS_MAX];
    struct option longs[ROWS_MAX + 1];
    char letters[2 * ROWS_MAX + 2];
    int n;
};

static bool flatten(struct flat *f, const struct opt_group *groups, size_t n)
{
    char *p = f->letters;
    f->n = 0;
    *p++ = ':';
    for (size_t g = 0; g < n; g++) {
        for (const struct opt *row = groups[g].rows; row->name; row++) {
            if (f->n == ROWS_MAX) {
                return false;
            }
            int has_arg = row->type == OPT_FLAG ? no_argument : required_argument;
            f->longs[f->n] = (struct option){row->name, has_arg, NULL, LONG_BASE + f->n};
            f->row[f->n] = row;
            f->values[f->n++] = groups[g].values;
            if (row->letter) {
                *p++ = row->letter;
                if (has_arg != no_argument) {
                    *p++ = ':';
                }
            }
        }
    }
    *p = '\0';
    f->longs[f->n] = (struct option){0};
    return true;
}

static int flat_find(const struct flat *f, int code)
{
    for (int i = 0; i < f->n; i++) {
        if (code == LONG_BASE + i || (code < LONG_BASE && code && f->row[i]->letter == code)) {
            return i;
        }
    }
    return -1;
}

static const char *nearest(const struct flat *f, struct sp_str word)
{
    struct sp_guess g = sp_guess_init(word);
    for (int i = 0; i < f->n; i++) {
        sp_guess_consider(&g, f->row[i]->name);
    }
    return g.best;
}

static void explain_unknown(const struct flat *f, const char *arg, char *why, size_t cap)
{
    if (optopt) {
        int i = flat_find(f, optopt);
        if (i >= 0) {
            snprintf(why, cap, "--%s takes no value", f->row[i]->name);
        } else {
            snprintf(why, cap, "unknown option '-%c'", optopt);
        }
        return;
    }
    size_t n = strcspn(arg, "=");
    const char *near = n > 2 ? nearest(f, (struct sp_str){arg + 2, n - 2}) : NULL;
    snprintf(why, cap, "unknown option '%.*s'%s%s%s", (int)n, arg, near ? ", did you mean '--" : "",
             near ? near : "", near ? "'?" : "");
}

/* getopt_long takes any unambiguous start of a name; the next option could change what it means. */
static bool is_abbreviated(char **argv, const char *name)
{
    for (int back = 1; back <= 2 && optind > back; back++) {
        const char *word = argv[optind - back];
        size_t n = strncmp(word, "--", 2) == 0 ? strcspn(word + 2, "=") : 0;
        if (n && strncmp(word + 2, name, n) == 0) {
            return name[n] != '\0';
        }
    }
    return false;
}

static bool parse_one(const struct flat *f, int code, char **argv, char *why, size_t cap)
{
    if (code == '?') {
        explain_unknown(f, argv[optind - 1], why, cap);
        return false;
    }
    if (code == ':') {
        int i = flat_find(f, optopt);
        snprintf(why, cap, "--%s needs a value (%s)", f->row[i]->name, f->row[i]->arg);
        return false;
    }
    int i = flat_find(f, code);
    if (code >= LONG_BASE && is_abbreviated(argv, f->row[i]->name)) {
        snprintf(why, cap, "unknown option, did you mean '--%s'?", f->row[i]->name);
        return false;
    }
    const char *wanted = set_value(f->row[i], f->values[i], optarg);
    if (wanted) {
        snprintf(why, cap, "--%s '%s': must be %s", f->row[i]->name, optarg, wanted);
        return false;
    }
    return true;
}

bool opt_parse(const struct opt_group *groups, size_t n, int argc, char **argv, int *first,
               char *why, size_t cap)
{
    struct flat f;
    if (!flatten(&f, groups, n)) {
        snprintf(why, cap, "too many options");
        return false;
    }
    opterr = 0;
    optind = 0; /* glibc: forget what an earlier call permuted */
    for (;;) {
        optopt = 0;
        int code = getopt_long(argc, argv, f.letters, f.longs, NULL);
        if (code == -1) {
            break;
        }
        if (!parse_one(&f, code, argv, why, cap)) {
            return false;
        }
    }
    *first = optind;
    return true;
}

static int row_label(char *out, size_t cap, const struct opt *row)
{
    char letter[8] = "    ";
    if (row->letter) {
        snprintf(letter, sizeof(letter), "-%c, ", row->letter);
    }
    return snprintf(out, cap, "%s--%s%s%s", letter, row->name, row->arg ? " " : "",
                    row->arg ? row->arg : "");
}

void opt_help(FILE *f, const struct opt *rows)
{
    char label[128];
    int width = 0;
    for (const struct opt *row = rows; row->name; row++) {
        int n = row_label(label, sizeof(label), row);
        width = n > width ? n : width;
    }
    for (const struct opt *row = rows; row->name; row++) {
        row_label(label, sizeof(label), row);
        fprintf(f, "  %-*s  %s", width, label, row->help);
        if (row->env) {
            fprintf(f, " [%s]", row->env);
        }
        fputc('\n', f);
    }
}
