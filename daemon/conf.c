/* SPDX-License-Identifier: MIT
 * Reading the configuration. Every value is kept as the text of its strongest source until all
 * sources are read; only then it is checked and converted. */
#include "daemon/conf.h"

#include "daemon/confsrc.h"
#include "libproto/id.h"
#include "libproto/units.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

const struct conf_row conf_rows[] = {
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

const size_t conf_nrows = sizeof(conf_rows) / sizeof(conf_rows[0]);

static struct conf_value values[sizeof(conf_rows) / sizeof(conf_rows[0])];

struct conf_value *conf_value_of(const struct conf_row *row)
{
    return &values[row - conf_rows];
}

const struct conf_row *conf_find(const char *name)
{
    for (size_t i = 0; i < conf_nrows; i++) {
        if (strcmp(conf_rows[i].name, name) == 0) {
            return &conf_rows[i];
        }
    }
    return NULL;
}

const char *conf_nearest(const char *name)
{
    struct sp_guess g = sp_guess_init(sp_str(name));
    for (size_t i = 0; i < conf_nrows; i++) {
        sp_guess_consider(&g, conf_rows[i].name);
    }
    return g.best;
}

void conf_unknown(char *why, size_t cap, const char *where, const char *name)
{
    const char *near = conf_nearest(name);
    if (near) {
        snprintf(why, cap, "%s: unknown option '%.64s', did you mean '%s'?", where, name, near);
    } else {
        snprintf(why, cap, "%s: unknown option '%.64s'", where, name);
    }
}

static void drop(struct conf_value *v)
{
    for (unsigned i = 0; i < v->n; i++) {
        free(v->text[i]);
        free(v->where[i]);
    }
    v->n = 0;
}

bool conf_set(const struct conf_row *row, enum conf_source source, const char *where,
              const char *text, char *why, size_t cap)
{
    struct conf_value *v = conf_value_of(row);
    if (row->type != CONF_LIST || v->source != source) {
        drop(v);
    }
    if (row->type == CONF_LIST && v->n == row->high) {
        snprintf(why, cap, "%s: %s may be given %u times", where, row->name, v->n);
        return false;
    }
    v->source = source;
    v->where[v->n] = strdup(where);
    v->text[v->n++] = strdup(text);
    return true;
}

/* ---------------------------------------------------------------- conversion */

static bool parse_flag(const char *s, bool *out)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on", "0", "1"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcasecmp(s, words[i]) == 0) {
            *out = i & 1;
            return true;
        }
    }
    return false;
}

static bool parse_quantity(const struct conf_row *row, const char *s, int64_t *v)
{
    bool minus = row->type == CONF_NUMBER && s[0] == '-';
    struct sp_str text = sp_str(s + minus);
    bool ok = row->type == CONF_SIZE       ? sp_parse_size(text, v)
              : row->type == CONF_DURATION ? sp_parse_duration(text, 1000, v)
                                           : sp_parse_count(text, v);
    *v = minus ? -*v : *v;
    return ok;
}

static bool is_word_of(const char *s, const char *words)
{
    size_t n = strlen(s);
    for (const char *p = words; *p; p += strcspn(p, "|"), p += *p == '|') {
        if (strcspn(p, "|") == n && strncmp(p, s, n) == 0) {
            return true;
        }
    }
    return false;
}

static bool convert_quantity(const struct conf_row *row, const struct conf_value *v, int64_t *out,
                             char *why, size_t cap)
{
    if (!parse_quantity(row, v->text[0], out)) {
        const char *what = row->type == CONF_SIZE       ? "a size such as 64K"
                           : row->type == CONF_DURATION ? "a duration such as 250ms or 30s"
                                                        : "a number";
        snprintf(why, cap, "%s: %s: '%.64s' is not %s", v->where[0], row->name, v->text[0], what);
        return false;
    }
    if (*out < row->low || *out > row->high) {
        int64_t unit = row->type == CONF_DURATION ? 1000 : 1;
        snprintf(why, cap, "%s: %s: '%.64s' is out of range, %lld to %lld%s", v->where[0],
                 row->name, v->text[0], (long long)(row->low / unit), (long long)(row->high / unit),
                 row->type == CONF_DURATION ? " ms" : "");
        return false;
    }
    return true;
}

static bool convert(struct conf *c, const struct conf_row *row, char *why, size_t cap)
{
    const struct conf_value *v = conf_value_of(row);
    void *field = (char *)c + row->off;
    if (v->n == 0) {
        return true;
    }
    switch (row->type) {
    case CONF_STRING:
    case CONF_SECRET:
        *(const char **)field = v->text[0];
        return true;
    case CONF_WORD:
        *(const char **)field = v->text[0];
        if (!sp_id_ok(sp_str(v->text[0]))) {
            snprintf(why, cap, "%s: %s: '%.64s' is not a name of A-Z a-z 0-9 . _ : @ -",
                     v->where[0], row->name, v->text[0]);
            return false;
        }
        return true;
    case CONF_CHOICE:
        *(const char **)field = v->text[0];
        if (!is_word_of(v->text[0], row->arg)) {
            snprintf(why, cap, "%s: %s: '%.64s' is not one of %s", v->where[0], row->name,
                     v->text[0], row->arg);
            return false;
        }
        return true;
    case CONF_NUMBER:
    case CONF_SIZE:
    case CONF_DURATION:
        return convert_quantity(row, v, field, why, cap);
    case CONF_FLAG:
        if (!parse_flag(v->text[0], field)) {
            snprintf(why, cap, "%s: %s: '%.64s' is neither true nor false", v->where[0], row->name,
                     v->text[0]);
            return false;
        }
        return true;
    case CONF_LIST: {
        struct conf_list *list = field;
        list->n = v->n;
        for (unsigned i = 0; i < v->n; i++) {
            list->v[i] = v->text[i];
        }
        return true;
    }
    }
    return true;
}

/* ---------------------------------------------------------------- command line */

enum { ARG_CHECK = 1000, ARG_PRINT, ARG_RIGHTS, ARG_ENV_FILE, ARG_NO_ENV_FILE, ARG_ROW };

static const struct option extra[] = {
    {"config", required_argument, NULL, 'c'},
    {"check-config", no_argument, NULL, ARG_CHECK},
    {"print-config", no_argument, NULL, ARG_PRINT},
    {"print-rights", no_argument, NULL, ARG_RIGHTS},
    {"env-file", required_argument, NULL, ARG_ENV_FILE},
    {"no-env-file", no_argument, NULL, ARG_NO_ENV_FILE},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
};

#define NEXTRA (sizeof(extra) / sizeof(extra[0]))
#define NROWS  (sizeof(conf_rows) / sizeof(conf_rows[0]))

static void bad_option(char **argv, int code, char *why, size_t cap)
{
    const char *word = argv[optind - 1];
    if (code == ':') {
        snprintf(why, cap, "%.64s needs a value", word);
    } else if (strncmp(word, "--", 2) == 0) {
        char name[64];
        snprintf(name, sizeof(name), "%.*s", (int)strcspn(word + 2, "="), word + 2);
        conf_unknown(why, cap, "command line", name);
    } else {
        snprintf(why, cap, "unknown option -%c", optopt);
    }
}

/* getopt_long takes any unambiguous start of a name; what it means could change with the next
 * option, so nobody shall get used to it. */
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

static bool take_extra(struct conf_args *a, int code)
{
    switch (code) {
    case 'c':
        a->file = optarg;
        return true;
    case 'h':
        a->help = true;
        return true;
    case 'V':
        a->version = true;
        return true;
    case ARG_CHECK:
        a->check = true;
        return true;
    case ARG_PRINT:
        a->print = true;
        return true;
    case ARG_RIGHTS:
        a->print_rights = true;
        return true;
    case ARG_ENV_FILE:
        a->env_file = optarg;
        return true;
    case ARG_NO_ENV_FILE:
        a->no_env_file = true;
        return true;
    default:
        return false;
    }
}

static void build_options(struct option *longs, char *shorts)
{
    char *s = shorts;
    *s++ = ':';
    for (size_t i = 0; i < NROWS; i++) {
        const struct conf_row *row = &conf_rows[i];
        int has = row->arg ? required_argument : optional_argument;
        longs[i] = (struct option){row->name, has, NULL, ARG_ROW + (int)i};
        if (row->letter) {
            *s++ = row->letter;
            *s++ = ':';
        }
    }
    memcpy(longs + NROWS, extra, sizeof(extra));
    memcpy(s, "c:hV", 5);
}

static const struct conf_row *row_of_letter(int letter)
{
    for (size_t i = 0; i < NROWS; i++) {
        if (conf_rows[i].letter == letter) {
            return &conf_rows[i];
        }
    }
    return NULL;
}

static bool read_flags(struct conf_args *a, int argc, char **argv, char *why, size_t cap)
{
    struct option longs[NROWS + NEXTRA + 1] = {{0}};
    char shorts[2 * NROWS + 8];
    build_options(longs, shorts);
    optind = 1;
    opterr = 0;
    for (int code; (code = getopt_long(argc, argv, shorts, longs, NULL)) != -1;) {
        if (code == '?' || code == ':') {
            bad_option(argv, code, why, cap);
            return false;
        }
        if (take_extra(a, code)) {
            continue;
        }
        const struct conf_row *row =
            code >= ARG_ROW ? &conf_rows[code - ARG_ROW] : row_of_letter(code);
        char where[64];
        snprintf(where, sizeof(where), "--%s", row->name);
        if (code >= ARG_ROW && is_abbreviated(argv, row->name)) {
            bad_option(argv, '?', why, cap);
            return false;
        }
        if (!conf_set(row, CONF_FROM_FLAG, where, optarg ? optarg : "true", why, cap)) {
            return false;
        }
    }
    if (optind < argc) {
        snprintf(why, cap, "sigd takes no argument '%.64s'", argv[optind]);
        return false;
    }
    return true;
}

/* ---------------------------------------------------------------- all of it */

static void set_defaults(void)
{
    for (size_t i = 0; i < conf_nrows; i++) {
        if (conf_rows[i].preset) {
            conf_set(&conf_rows[i], CONF_FROM_DEFAULT, "default", conf_rows[i].preset, NULL, 0);
        }
    }
}

bool conf_load(struct conf *c, struct conf_args *args, int argc, char **argv, char *why, size_t cap,
               bool *usage)
{
    memset(c, 0, sizeof(*c));
    memset(args, 0, sizeof(*args));
    /* flags first, since they name the files; read again last, since they win */
    *usage = true;
    if (!read_flags(args, argc, argv, why, cap)) {
        return false;
    }
    *usage = false;
    conf_free();
    set_defaults();
    if ((args->file && !conf_read_file(args->file, why, cap)) ||
        (!args->no_env_file && !conf_read_dotenv(args->env_file, why, cap)) ||
        !conf_read_environment(why, cap)) {
        return false;
    }
    *usage = true;
    if (!read_flags(args, argc, argv, why, cap)) {
        return false;
    }
    for (size_t i = 0; i < conf_nrows; i++) {
        if (!convert(c, &conf_rows[i], why, cap)) {
            *usage = conf_value_of(&conf_rows[i])->source == CONF_FROM_FLAG;
            return false;
        }
    }
    *usage = false;
    return true;
}

void conf_print(FILE *f)
{
    for (size_t i = 0; i < conf_nrows; i++) {
        const struct conf_row *row = &conf_rows[i];
        const struct conf_value *v = conf_value_of(row);
        for (unsigned k = 0; k < v->n; k++) {
            const char *text = row->type == CONF_SECRET ? "********" : v->text[k];
            fprintf(f, "%s = %s  ; %s\n", row->name, text, v->where[k]);
        }
        if (v->n == 0) {
            fprintf(f, "; %s is not set\n", row->name);
        }
    }
}

const char *conf_where(const char *name)
{
    return conf_where_nth(name, 0);
}

const char *conf_where_nth(const char *name, unsigned i)
{
    const struct conf_value *v = conf_value_of(conf_find(name));
    return i < v->n ? v->where[i] : name;
}

void conf_help(FILE *f)
{
    for (size_t i = 0; i < conf_nrows; i++) {
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

void conf_free(void)
{
    for (size_t i = 0; i < conf_nrows; i++) {
        drop(&values[i]);
    }
}
