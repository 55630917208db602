/* SPDX-License-Identifier: MIT
 * Options from tables: values, parsing on getopt_long, help. */
#include "cli/common/opt.h"

#include "cli/common/opt_in.h"
#include "libproto/units.h"

#define LONG_BASE 0x1000

bool opt_is_argument(const struct opt *row)
{
    return row->type != OPT_SECRET;
}

bool opt_takes_value(const struct opt *row)
{
    return row->type != OPT_FLAG && row->type != OPT_ASK;
}

int opt_words(const struct opt *row)
{
    return row->type == OPT_PAIR ? 2 : opt_takes_value(row);
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

/* The second word follows, see set_second. */
static bool add_pair(struct opt_pairs *pairs, const char *name)
{
    if (pairs->n == OPT_PAIRS_MAX) {
        return false;
    }
    pairs->v[pairs->n].name = name;
    pairs->v[pairs->n++].value = NULL;
    return true;
}

static bool set_duration(const char *v, int64_t least, int64_t *us)
{
    if (strcmp(v, "none") == 0) {
        *us = OPT_NEVER;
        return true;
    }
    return sp_parse_duration(sp_str(v), 1000000, us) && *us >= least;
}

/* The wanted form of a value, for the error sentence; NULL when any text will do. */
static const char *set_value(const struct opt *row, void *values, const char *v)
{
    void *at = (char *)values + row->off;
    switch (row->type) {
    case OPT_FLAG:
    case OPT_ASK:
        *(bool *)at = !v || is_choice("true|yes|on|1", v);
        return !v || *(bool *)at || is_choice("false|no|off|0", v) ? NULL : "true or false";
    case OPT_STRING:
    case OPT_ENV_FILE:
    case OPT_SECRET:
        *(const char **)at = v;
        return NULL;
    case OPT_LIST:
        return add_to_list(at, v) ? NULL : "given no more than 64 times";
    case OPT_PAIR:
        return add_pair(at, v) ? NULL : "given no more than 32 times";
    case OPT_COUNT:
        return sp_parse_count(sp_str(v), at) ? NULL : "a count such as 500 or 10k";
    case OPT_SIZE:
        return sp_parse_size(sp_str(v), at) ? NULL : "a size such as 4096 or 64K";
    case OPT_DURATION:
        return set_duration(v, 0, at) ? NULL : "a duration such as 250ms or 5s";
    case OPT_TIMEOUT:
        return set_duration(v, 1, at) ? NULL
                                      : "a duration such as 250ms or 5s, longer than 0, or none";
    case OPT_CHOICE:
        if (!is_choice(row->arg, v)) {
            return row->arg;
        }
        *(const char **)at = v;
        return NULL;
    }
    return NULL;
}

static bool is_alternative(const char *a, const char *b)
{
    for (const char *const *names = opt_alternatives; *names; names++) {
        if (is_choice(*names, a) && is_choice(*names, b)) {
            return strcmp(a, b) != 0;
        }
    }
    return false;
}

bool opt_flat_is_open(const struct opt_flat *f, int i, enum opt_source from)
{
    for (int j = 0; j < f->n; j++) {
        if (f->from[j] > from && (j == i || is_alternative(f->row[i]->name, f->row[j]->name))) {
            return false;
        }
    }
    return true;
}

const char *opt_flat_set(struct opt_flat *f, int i, const char *v, enum opt_source from)
{
    const char *wanted = set_value(f->row[i], f->values[i], v);
    f->from[i] = from;
    if (!opt_takes_value(f->row[i]) && !*(bool *)((char *)f->values[i] + f->row[i]->off)) {
        return wanted; /* json = false excludes nothing */
    }
    for (int j = 0; j < f->n; j++) {
        if (f->from[j] < from && is_alternative(f->row[i]->name, f->row[j]->name)) {
            memset((char *)f->values[j] + f->row[j]->off, 0,
                   opt_takes_value(f->row[j]) ? sizeof(const char *) : sizeof(bool));
        }
    }
    return wanted;
}

static bool add_row(struct opt_flat *f, const struct opt *row, void *values)
{
    if (f->n == OPT_ROWS_MAX) {
        return false;
    }
    f->row[f->n] = row;
    f->values[f->n] = values;
    f->from[f->n++] = OPT_FROM_DEFAULT;
    return true;
}

bool opt_flatten(struct opt_flat *f, const struct opt_group *groups, size_t n, char *why,
                 size_t cap)
{
    char *p = f->letters;
    struct option *o = f->longs;
    f->n = 0;
    *p++ = ':';
    for (size_t g = 0; g < n; g++) {
        for (const struct opt *row = groups[g].rows; row->name; row++) {
            if (!add_row(f, row, groups[g].values)) {
                snprintf(why, cap, "too many options");
                return false;
            }
            if (opt_is_argument(row)) {
                *o++ = (struct option){row->name,
                                       opt_takes_value(row) ? required_argument : no_argument, NULL,
                                       LONG_BASE + f->n - 1};
            }
            if (row->letter) {
                *p++ = row->letter;
                if (opt_takes_value(row)) {
                    *p++ = ':';
                }
            }
        }
    }
    *p = '\0';
    *o = (struct option){0};
    return true;
}

static int flat_find(const struct opt_flat *f, int code)
{
    for (int i = 0; i < f->n; i++) {
        if (code == LONG_BASE + i || (code < LONG_BASE && code && f->row[i]->letter == code)) {
            return i;
        }
    }
    return -1;
}

static const char *nearest(const struct opt_flat *f, struct sp_str word)
{
    struct sp_guess g = sp_guess_init(word);
    for (int i = 0; i < f->n; i++) {
        if (opt_is_argument(f->row[i])) {
            sp_guess_consider(&g, f->row[i]->name);
        }
    }
    return g.best;
}

static void explain_unknown(const struct opt_flat *f, const char *arg, char *why, size_t cap)
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

/* getopt_long knows options of one word; it goes on behind what is taken here, and sorts it with
 * the option. */
static bool set_second(const struct opt_flat *f, int i, int argc, char **argv)
{
    struct opt_pairs *pairs = (void *)((char *)f->values[i] + f->row[i]->off);
    if (optind >= argc) {
        return false;
    }
    pairs->v[pairs->n - 1].value = argv[optind++];
    return true;
}

/* An alternative that the same command line gives, or -1. */
static int find_rival(const struct opt_flat *f, int i)
{
    for (int j = 0; j < f->n; j++) {
        if (f->from[j] == OPT_FROM_ARGV && is_alternative(f->row[i]->name, f->row[j]->name)) {
            return j;
        }
    }
    return -1;
}

static bool parse_one(struct opt_flat *f, int code, int argc, char **argv, char *why, size_t cap)
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
    const char *wanted = opt_flat_set(f, i, optarg, OPT_FROM_ARGV);
    if (wanted) {
        snprintf(why, cap, "--%s '%s': must be %s", f->row[i]->name, optarg, wanted);
        return false;
    }
    int rival = find_rival(f, i);
    if (rival >= 0) {
        snprintf(why, cap, "--%s and --%s exclude each other", f->row[rival]->name,
                 f->row[i]->name);
        return false;
    }
    if (f->row[i]->type == OPT_PAIR && !set_second(f, i, argc, argv)) {
        snprintf(why, cap, "--%s needs two values (%s)", f->row[i]->name, f->row[i]->arg);
        return false;
    }
    return true;
}

bool opt_flat_parse(struct opt_flat *f, int argc, char **argv, int *first, char *why, size_t cap)
{
    opterr = 0;
    optind = 0; /* glibc: forget what an earlier call permuted */
    for (;;) {
        optopt = 0;
        int code = getopt_long(argc, argv, f->letters, f->longs, NULL);
        if (code == -1) {
            break;
        }
        if (!parse_one(f, code, argc, argv, why, cap)) {
            return false;
        }
    }
    *first = optind;
    return true;
}

bool opt_parse(const struct opt_group *groups, size_t n, int argc, char **argv, int *first,
               char *why, size_t cap)
{
    struct opt_flat f;
    return opt_flatten(&f, groups, n, why, cap) && opt_flat_parse(&f, argc, argv, first, why, cap);
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
        if (!opt_is_argument(row)) {
            continue;
        }
        row_label(label, sizeof(label), row);
        fprintf(f, "  %-*s  %s", width, label, row->help);
        if (row->env) {
            fprintf(f, " [%s]", row->env);
        }
        fputc('\n', f);
    }
}
