/* SPDX-License-Identifier: MIT
 * sigd.conf (inih), .env and the environment. */
#include "daemon/confsrc.h"

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX "SIGD_"

extern char **environ;

/* ---------------------------------------------------------------- sigd.conf */

struct reading {
    char why[256];
    const char *path;
    FILE *f;
    unsigned line; /* inih does not tell its handler */
};

static char *read_line(char *str, int num, void *user)
{
    struct reading *r = user;
    r->line++;
    if (!fgets(str, num, r->f)) {
        if (ferror(r->f)) {
            snprintf(r->why, sizeof(r->why), "%.200s: %s", r->path, strerror(errno));
        }
        return NULL;
    }
    size_t n = strlen(str);
    if (n && str[n - 1] != '\n' && !feof(r->f)) {
        /* its rest would be read as a line of its own, and a comment come into force */
        snprintf(r->why, sizeof(r->why), "%.100s:%u: a line has at most %d bytes", r->path, r->line,
                 num - 2);
        return NULL;
    }
    return str;
}

static int on_pair(void *user, const char *section, const char *name, const char *value)
{
    struct reading *r = user;
    char where[160];
    if (r->why[0]) {
        return 0;
    }
    snprintf(where, sizeof(where), "%.100s:%u", r->path, r->line);
    const struct conf_row *row = conf_find(name);
    if (section[0]) {
        snprintf(r->why, sizeof(r->why), "%s: there are no sections, remove [%.32s]", where,
                 section);
        return 0;
    }
    if (!row) {
        conf_unknown(r->why, sizeof(r->why), where, name);
        return 0;
    }
    return conf_set(row, CONF_FROM_FILE, where, value, r->why, sizeof(r->why));
}

bool conf_read_file(const char *path, char *why, size_t cap)
{
    struct reading r = {.path = path, .f = fopen(path, "re")};
    if (!r.f) {
        snprintf(why, cap, "%s: %s", path, strerror(errno));
        return false;
    }
    int line = ini_parse_stream(read_line, &r, on_pair, &r);
    fclose(r.f);
    if (line > 0 && !r.why[0]) {
        snprintf(r.why, sizeof(r.why), "%s:%d: expected 'name = value'", path, line);
    }
    bool ok = line == 0 && !r.why[0];
    if (!ok) {
        snprintf(why, cap, "%s", r.why[0] ? r.why : "out of memory");
    }
    return ok;
}

/* ---------------------------------------------------------------- environment names */

static bool env_name_matches(const struct conf_row *row, const char *name)
{
    const char *o = row->name;
    for (; *o && *name; o++, name++) {
        if (*name != (*o == '-' ? '_' : (char)toupper((unsigned char)*o))) {
            return false;
        }
    }
    return *o == '\0' && *name == '\0';
}

/* SIGD_MAX_CLIENTS or, where the original service had one, MAX_CLIENTS. */
static const struct conf_row *find_env(const char *name)
{
    bool ours = strncmp(name, PREFIX, sizeof(PREFIX) - 1) == 0;
    for (size_t i = 0; i < conf_nrows; i++) {
        const struct conf_row *row = &conf_rows[i];
        if (ours ? env_name_matches(row, name + sizeof(PREFIX) - 1)
                 : row->env && strcmp(row->env, name) == 0) {
            return row;
        }
    }
    return NULL;
}

/* The tools read these; an operator may export them for all. */
static bool is_for_tools(const char *name)
{
    static const char *const names[] = {"SIGD_URL",        "SIGD_ID",      "SIGD_TOKEN",
                                        "SIGD_TOKEN_FILE", "SIGD_TIMEOUT", NULL};
    for (size_t i = 0; names[i]; i++) {
        if (strcmp(names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

/* Names that are not ours belong to other programs; one with our prefix is a mistake. */
static bool take_env(const char *name, const char *value, enum conf_source source,
                     const char *where, char *why, size_t cap)
{
    const struct conf_row *row = find_env(name);
    if (row && value[0] == '\0') {
        /* as good as unset, since compose files pass on what nobody has set; but not a secret,
         * whose lack would open the door */
        bool secret = row->type == CONF_SECRET;
        if (secret) {
            snprintf(why, cap, "%s: the secret is empty", where);
        }
        return !secret;
    }
    if (row) {
        struct conf_value *v = conf_value_of(row);
        bool ours = strncmp(name, PREFIX, sizeof(PREFIX) - 1) == 0;
        /* SIGD_PORT beats PORT, whichever comes first */
        if (ours || v->source != source || row->type == CONF_LIST) {
            v->source = CONF_FROM_NOWHERE;
            return conf_set(row, source, where, value, why, cap);
        }
        return true;
    }
    if (strncmp(name, PREFIX, sizeof(PREFIX) - 1) == 0 && !is_for_tools(name)) {
        char lower[64];
        snprintf(lower, sizeof(lower), "%s", name + sizeof(PREFIX) - 1);
        for (char *p = lower; *p; p++) {
            *p = *p == '_' ? '-' : (char)tolower((unsigned char)*p);
        }
        conf_unknown(why, cap, where, lower);
        return false;
    }
    return true;
}

bool conf_read_environment(char *why, size_t cap)
{
    for (char **e = environ; *e; e++) {
        char name[128], where[160];
        size_t n = strcspn(*e, "=");
        if (n >= sizeof(name) || (*e)[n] != '=') {
            continue;
        }
        snprintf(name, sizeof(name), "%.*s", (int)n, *e);
        snprintf(where, sizeof(where), "environment %s", name);
        if (!take_env(name, *e + n + 1, CONF_FROM_ENV, where, why, cap)) {
            return false;
        }
    }
    return true;
}

/* ---------------------------------------------------------------- .env */

static char *trim(char *s)
{
    while (isspace((unsigned char)*s)) {
        s++;
    }
    char *end = s + strlen(s);
    while (end > s && isspace((unsigned char)end[-1])) {
        *--end = '\0';
    }
    return s;
}

/* Takes the quotes off, or cuts an unquoted value at " #". */
static char *unquote(char *v)
{
    size_t n = strlen(v);
    if (n >= 2 && (v[0] == '"' || v[0] == '\'') && v[n - 1] == v[0]) {
        v[n - 1] = '\0';
        return v + 1;
    }
    char *hash = strstr(v, " #");
    if (hash) {
        *hash = '\0';
        return trim(v);
    }
    return v;
}

static bool take_line(char *line, const char *where, char *why, size_t cap)
{
    char *s = trim(line);
    if (*s == '\0' || *s == '#') {
        return true;
    }
    if (strncmp(s, "export ", 7) == 0) {
        s = trim(s + 7);
    }
    char *eq = strchr(s, '=');
    if (!eq || eq == s) {
        snprintf(why, cap, "%s: expected NAME=value", where);
        return false;
    }
    *eq = '\0';
    return take_env(trim(s), unquote(trim(eq + 1)), CONF_FROM_DOTENV, where, why, cap);
}

bool conf_read_dotenv(const char *path, char *why, size_t cap)
{
    const char *name = path ? path : ".env";
    FILE *f = fopen(name, "re");
    if (!f) {
        if (!path && errno == ENOENT) {
            return true;
        }
        snprintf(why, cap, "%s: %s", name, strerror(errno));
        return false;
    }
    char *line = NULL;
    size_t room = 0;
    bool ok = true;
    for (unsigned no = 1; ok && getline(&line, &room, f) >= 0; no++) {
        char where[128];
        snprintf(where, sizeof(where), "%s:%u", name, no);
        ok = take_line(line, where, why, cap);
    }
    if (ok && ferror(f)) {
        snprintf(why, cap, "%s: %s", name, strerror(errno));
        ok = false;
    }
    free(line);
    fclose(f);
    return ok;
}
