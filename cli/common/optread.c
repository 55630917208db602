/* SPDX-License-Identifier: MIT
 * Options from all their sources: command line, environment, --env-file, the user's configuration.
 * Strongest first; a weaker source sets only what is still open. */
#include "cli/common/exits.h"
#include "cli/common/link.h"
#include "cli/common/opt_in.h"
#include "libproto/units.h"

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <stdlib.h>

/* reading is a file being read; line is counted here because inih does not tell its handler. */
struct reading {
    struct opt_flat *f;
    enum opt_source source;
    const char *path;
    FILE *file;
    unsigned line;
    int error; /* errno */
    char why[640];
};

/* What files said lives as long as the options that borrow it. */
static char *kept[OPT_ROWS_MAX];

static bool take(struct reading *r, int i, const char *name, const char *value)
{
    if (!opt_flat_is_open(r->f, i, r->source)) {
        return true;
    }
    char *copy = strdup(value);
    if (!copy) {
        r->error = ENOMEM;
        return false;
    }
    free(kept[i]);
    kept[i] = copy;
    const char *wanted = opt_flat_set(r->f, i, copy, r->source);
    if (wanted) {
        snprintf(r->why, sizeof(r->why), "%s:%u: %s '%s': must be %s", r->path, r->line, name,
                 value, wanted);
    }
    return !wanted;
}

/* ---------------------------------------------------------------- environment */

static int find_variable(const struct opt_flat *f, const char *name)
{
    for (int i = 0; i < f->n; i++) {
        if (f->row[i]->env && strcmp(f->row[i]->env, name) == 0) {
            return i;
        }
    }
    return -1;
}

static bool read_environment(struct opt_flat *f, char *why, size_t cap)
{
    for (int i = 0; i < f->n; i++) {
        const char *env = f->row[i]->env, *v = env ? getenv(env) : NULL;
        if (!v || !*v || !opt_flat_is_open(f, i, OPT_FROM_ENV)) {
            continue;
        }
        const char *wanted = opt_flat_set(f, i, v, OPT_FROM_ENV);
        if (wanted) {
            snprintf(why, cap, "%s='%s': must be %s", env, v, wanted);
            return false;
        }
    }
    return true;
}

static char *trim(char *s)
{
    s += strspn(s, " \t\r\n");
    for (char *end = s + strlen(s); end > s && isspace((unsigned char)end[-1]); end--) {
        end[-1] = '\0';
    }
    return s;
}

/* Takes the quotes off, or cuts an unquoted value at " #", as sigd does. */
static char *unquote(char *v)
{
    size_t n = strlen(v);
    if (n >= 2 && (v[0] == '"' || v[0] == '\'') && v[n - 1] == v[0]) {
        v[n - 1] = '\0';
        return v + 1;
    }
    char *comment = strstr(v, " #");
    if (comment) {
        *comment = '\0';
    }
    return trim(v);
}

static bool on_variable(struct reading *r, char *line)
{
    char *name = trim(line);
    if (*name == '\0' || *name == '#') {
        return true;
    }
    name = strncmp(name, "export ", 7) == 0 ? trim(name + 7) : name;
    char *equals = strchr(name, '=');
    if (!equals || equals == name) {
        snprintf(r->why, sizeof(r->why), "%s:%u: expected NAME=value", r->path, r->line);
        return false;
    }
    *equals = '\0';
    char *value = unquote(trim(equals + 1));
    int i = find_variable(r->f, trim(name));
    return i < 0 || !*value || take(r, i, r->f->row[i]->env, value);
}

static bool read_variables(struct reading *r)
{
    char *line = NULL;
    size_t room = 0;
    bool ok = true;
    while (ok && getline(&line, &room, r->file) >= 0) {
        r->line++;
        ok = on_variable(r, line);
    }
    if (ok && !feof(r->file)) {
        r->error = errno;
    }
    free(line);
    return ok && !r->error;
}

/* ---------------------------------------------------------------- configuration */

static bool is_configurable(const struct opt *row)
{
    return row->type != OPT_ASK && row->type != OPT_ENV_FILE && row->type != OPT_SECRET;
}

static const struct opt *find_common(const char *name, const char **near)
{
    struct sp_guess g = sp_guess_init(sp_str(name));
    for (const struct opt *row = link_rows; row->name; row++) {
        if (!is_configurable(row)) {
            continue;
        }
        if (strcmp(row->name, name) == 0) {
            return row;
        }
        sp_guess_consider(&g, row->name);
    }
    *near = g.best;
    return NULL;
}

/* A tool may lack a common option, or give its name another meaning: then the variable differs. */
static int find_own(const struct opt_flat *f, const struct opt *common)
{
    const char *env = common->env ? common->env : "";
    for (int i = 0; i < f->n; i++) {
        const struct opt *row = f->row[i];
        if (strcmp(row->name, common->name) == 0 && strcmp(row->env ? row->env : "", env) == 0) {
            return i;
        }
    }
    return -1;
}

static int on_pair(void *user, const char *section, const char *name, const char *value)
{
    struct reading *r = user;
    const char *near = NULL;
    if (r->why[0] || r->error) {
        return 0;
    }
    if (section[0]) {
        snprintf(r->why, sizeof(r->why), "%s:%u: there are no sections, remove [%s]", r->path,
                 r->line, section);
        return 0;
    }
    const struct opt *common = find_common(name, &near);
    if (!common) {
        snprintf(r->why, sizeof(r->why), "%s:%u: unknown option '%s'%s%s%s", r->path, r->line, name,
                 near ? ", did you mean '" : "", near ? near : "", near ? "'?" : "");
        return 0;
    }
    if (!*value) {
        snprintf(r->why, sizeof(r->why), "%s:%u: %s needs a value", r->path, r->line, name);
        return 0;
    }
    int i = find_own(r->f, common);
    return i < 0 || take(r, i, name, value);
}

/* inih takes an indented line for more of the value before it, and the rest of one that is too long
 * for a line of its own. */
static char *read_line(char *str, int num, void *user)
{
    struct reading *r = user;
    if (!fgets(str, num, r->file)) {
        r->error = r->error || !ferror(r->file) ? r->error : errno;
        return NULL;
    }
    r->line++;
    size_t n = strlen(str), lead = strspn(str, " \t");
    if (n + 1 == (size_t)num && str[n - 1] != '\n' && !r->why[0]) {
        snprintf(r->why, sizeof(r->why), "%s:%u: the line is longer than %d bytes", r->path,
                 r->line, num - 2);
    }
    memmove(str, str + lead, n - lead + 1);
    return str;
}

static bool read_pairs(struct reading *r)
{
    int line = ini_parse_stream(read_line, r, on_pair, r);
    if (line > 0 && !r->why[0] && !r->error) {
        snprintf(r->why, sizeof(r->why), "%s:%d: expected 'name = value'", r->path, line);
    }
    if (line < 0) {
        r->error = ENOMEM;
    }
    return !r->why[0] && !r->error;
}

static const char *config_path(char *path, size_t cap)
{
    const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    if (config && config[0] == '/') {
        snprintf(path, cap, "%s/sigkit/config", config);
    } else if (home && home[0] == '/') {
        snprintf(path, cap, "%s/.config/sigkit/config", home);
    } else {
        return NULL;
    }
    return path;
}

/* ---------------------------------------------------------------- all of it */

static bool read_file(struct reading *r, bool (*lines)(struct reading *), char *why, size_t cap)
{
    bool ok = false;
    r->file = fopen(r->path, "re");
    if (r->file) {
        ok = lines(r);
        fclose(r->file);
    } else {
        r->error = errno;
    }
    if (!ok) {
        snprintf(why, cap, "%s%s%s", r->why[0] ? r->why : r->path, r->why[0] ? "" : ": ",
                 r->why[0] ? "" : strerror(r->error));
    }
    return ok;
}

static bool read_config(struct opt_flat *f, char *why, size_t cap)
{
    char path[4096];
    struct reading r = {.f = f, .source = OPT_FROM_CONFIG, .path = config_path(path, sizeof(path))};
    bool ok = !r.path || read_file(&r, read_pairs, why, cap);
    return ok || (!r.file && (r.error == ENOENT || r.error == ENOTDIR));
}

int opt_read(const struct opt_group *groups, size_t n, int argc, char **argv, int *first, char *why,
             size_t cap)
{
    struct opt_flat f;
    struct reading r = {.f = &f, .source = OPT_FROM_ENV_FILE};
    if (!opt_flatten(&f, groups, n, why, cap) || !opt_flat_parse(&f, argc, argv, first, why, cap)) {
        return EXIT_USAGE;
    }
    for (int i = 0; i < f.n; i++) {
        const struct opt *row = f.row[i];
        if (row->type == OPT_ASK && f.from[i] == OPT_FROM_ARGV) {
            return 0; /* help stays there when a file is wrong */
        }
        if (row->type == OPT_ENV_FILE) {
            r.path = *(const char **)((char *)f.values[i] + row->off);
        }
    }
    if (!read_environment(&f, why, cap)) {
        return EXIT_USAGE;
    }
    bool ok = !r.path || read_file(&r, read_variables, why, cap);
    return ok && read_config(&f, why, cap) ? 0 : EXIT_DATA;
}
