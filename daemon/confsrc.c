/* SPDX-License-Identifier: MIT
 * sigd.conf (inih), .env, the environment and the file of the secret. What was read is wiped, since
 * secrets may be in it. */
#include "daemon/confsrc.h"

#include "libtoken/token.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PREFIX "SIGD_"

extern char **environ;

/* ---------------------------------------------------------------- files */

static bool is_fit(struct conf_fill *f, int fd, const char *path, bool is_private)
{
    struct stat st;
    if (fstat(fd, &st) != 0) {
        return conf_fail(f, "%s: %s", path, strerror(errno));
    }
    if (f->again && !S_ISREG(st.st_mode)) {
        return conf_fail(f, "%s: not a regular file, which could be read again", path);
    }
    if (is_private && !token_file_private(&st)) {
        return conf_fail(f, "%s: others may read or write it (mode %04o), use chmod 600", path,
                         (unsigned)(st.st_mode & 07777));
    }
    f->exposed = !token_file_private(&st);
    return true;
}

static bool read_all(struct conf_fill *f, int fd, const char *path, char *buf, size_t max,
                     size_t *len)
{
    ssize_t got = 0;
    for (*len = 0; *len <= max; *len += (size_t)got) {
        got = read(fd, buf + *len, max + 1 - *len);
        if (got < 0) {
            return conf_fail(f, "%s: %s", path, strerror(errno));
        }
        if (got == 0) {
            return !memchr(buf, '\0', *len) || conf_fail(f, "%s: there is a NUL byte in it", path);
        }
    }
    return conf_fail(f, "%s: larger than %zu bytes", path, max);
}

/* Gives max + 2 bytes, to be wiped, that end with a NUL. A reload must not wait for a pipe. */
static char *slurp(struct conf_fill *f, const char *path, size_t max, bool is_private)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | (f->again ? O_NONBLOCK : 0));
    if (fd < 0) {
        conf_fail(f, "%s: %s", path, strerror(errno));
        return NULL;
    }
    size_t len = 0;
    char *buf = malloc(max + 2);
    bool ok = buf ? is_fit(f, fd, path, is_private) && read_all(f, fd, path, buf, max, &len)
                  : conf_fail(f, "out of memory");
    close(fd);
    if (!ok) {
        conf_wipe(buf, buf ? max + 2 : 0);
        errno = EIO;
        return NULL;
    }
    buf[len] = '\0';
    return buf;
}

char *conf_read_secret(struct conf_fill *f, const char *where, const char *path)
{
    /* "\r\n" may follow */
    char *buf = slurp(f, path, CONF_SECRET_MAX + 2, true);
    if (!buf) {
        return NULL;
    }
    size_t n = strlen(buf);
    n -= n && buf[n - 1] == '\n';
    n -= n && buf[n - 1] == '\r';
    char *secret = n && n <= CONF_SECRET_MAX ? strndup(buf, n) : NULL;
    if (!secret) {
        conf_fail(f, "%s: the secret in %s is %s", where, path,
                  n ? "longer than 4096 bytes" : "empty");
    }
    conf_wipe(buf, CONF_SECRET_MAX + 4);
    return secret;
}

/* ---------------------------------------------------------------- sigd.conf */

struct reading {
    struct conf_fill *f;
    const char *path, *at;
    unsigned line; /* inih does not tell its handler */
    bool failed;
};

/* Indentation is skipped: inih would take the line for a second value of the option above. */
static char *read_line(char *str, int num, void *user)
{
    struct reading *r = user;
    const char *start = r->at + strspn(r->at, " \t");
    size_t n = strcspn(start, "\n"), all = n + (start[n] == '\n');
    if (*r->at == '\0' || r->failed) {
        explicit_bzero(str, (size_t)num);
        return NULL;
    }
    r->line++;
    if (all >= (size_t)num) {
        /* its rest would be read as a line of its own, and a comment come into force */
        r->failed = true;
        conf_fail(r->f, "%.100s:%u: a line has at most %d bytes", r->path, r->line, num - 2);
        explicit_bzero(str, (size_t)num);
        return NULL;
    }
    memcpy(str, start, all);
    str[all] = '\0';
    r->at = start + all;
    return str;
}

static int on_pair(void *user, const char *section, const char *name, const char *value)
{
    struct reading *r = user;
    char where[160];
    const struct conf_row *row = conf_find(name);
    if (r->failed) {
        return 1;
    }
    snprintf(where, sizeof(where), "%.100s:%u", r->path, r->line);
    if (section[0]) {
        r->failed = !conf_fail(r->f, "%s: there are no sections, remove [%.32s]", where, section);
    } else if (!row) {
        r->failed = !conf_unknown(r->f, where, name);
    } else {
        r->failed = !conf_set(r->f, row, CONF_FROM_FILE, where, value);
    }
    return 1; /* inih shall go on to the end, where its line is wiped */
}

bool conf_read_file(struct conf_fill *f, const char *path)
{
    char *buf = slurp(f, path, CONF_FILE_MAX, false);
    if (!buf) {
        return false;
    }
    struct reading r = {.f = f, .path = path, .at = buf};
    int line = ini_parse_stream(read_line, &r, on_pair, &r);
    conf_wipe(buf, CONF_FILE_MAX + 2);
    f->exposed = false;
    if (r.failed || line == 0) {
        return !r.failed;
    }
    return line > 0 ? conf_fail(f, "%s:%d: expected 'name = value'", path, line)
                    : conf_fail(f, "out of memory");
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

static bool is_ours(const char *name)
{
    return strncmp(name, PREFIX, sizeof(PREFIX) - 1) == 0;
}

/* SIGD_MAX_CLIENTS or, where the original service had one, MAX_CLIENTS. */
static const struct conf_row *find_env(const char *name)
{
    bool ours = is_ours(name);
    for (size_t i = 0; i < CONF_ROWS; i++) {
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

static bool take_env_value(struct conf_fill *f, const struct conf_row *row, bool ours,
                           const char *value, enum conf_source source, const char *where)
{
    if (value[0] == '\0') {
        /* as good as unset, since compose files pass on what nobody has set; but not a secret,
         * whose lack would open the door */
        return row->type != CONF_SECRET || conf_fail(f, "%s: the secret is empty", where);
    }
    struct conf_value *v = conf_value_of(f->bank, row);
    if (v->source == source) {
        /* SIGD_PORT beats PORT, whichever comes first */
        if (!ours) {
            return true;
        }
        conf_drop(row, v);
    }
    return conf_set(f, row, source, where, value);
}

/* Names that are not ours belong to other programs; one with our prefix is a mistake. */
static bool take_env(struct conf_fill *f, const char *name, const char *value,
                     enum conf_source source, const char *where)
{
    const struct conf_row *row = find_env(name);
    if (row) {
        return take_env_value(f, row, is_ours(name), value, source, where);
    }
    if (!is_ours(name) || is_for_tools(name)) {
        return true;
    }
    char lower[64];
    snprintf(lower, sizeof(lower), "%s", name + sizeof(PREFIX) - 1);
    for (char *p = lower; *p; p++) {
        *p = *p == '_' ? '-' : (char)tolower((unsigned char)*p);
    }
    return conf_unknown(f, where, lower);
}

/* Copies the name of NAME=value; false for anything that is no option of ours. */
static bool env_name(const char *entry, char *name, size_t cap)
{
    size_t n = strcspn(entry, "=");
    if (n >= cap || entry[n] != '=') {
        return false;
    }
    snprintf(name, cap, "%.*s", (int)n, entry);
    return true;
}

/* /proc/PID/environ shows the strings themselves, whatever the array says. */
static void wipe_environment(void)
{
    char **out = environ;
    for (char **e = environ; *e; e++) {
        char name[128];
        const struct conf_row *row = env_name(*e, name, sizeof(name)) ? find_env(name) : NULL;
        if (row && row->type == CONF_SECRET) {
            explicit_bzero(*e, strlen(*e));
        } else {
            *out++ = *e;
        }
    }
    *out = NULL;
}

bool conf_read_environment(struct conf_fill *f)
{
    for (char **e = environ; *e; e++) {
        char name[128], where[160];
        if (!env_name(*e, name, sizeof(name))) {
            continue;
        }
        snprintf(where, sizeof(where), "environment %s", name);
        if (!take_env(f, name, *e + strlen(name) + 1, CONF_FROM_ENV, where)) {
            return false;
        }
    }
    wipe_environment();
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

static bool take_line(struct conf_fill *f, char *line, const char *where)
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
        return conf_fail(f, "%s: expected NAME=value", where);
    }
    *eq = '\0';
    return take_env(f, trim(s), unquote(trim(eq + 1)), CONF_FROM_DOTENV, where);
}

bool conf_read_dotenv(struct conf_fill *f, const char *path, bool must)
{
    const char *name = path ? path : ".env";
    char *buf = slurp(f, name, CONF_FILE_MAX, false);
    if (!buf) {
        return !path && !must && errno == ENOENT;
    }
    f->dotenv = true;
    bool ok = true;
    char *rest = buf;
    for (unsigned no = 1; ok && rest; no++) {
        char where[128];
        char *line = strsep(&rest, "\n");
        snprintf(where, sizeof(where), "%.100s:%u", name, no);
        ok = take_line(f, line, where);
    }
    conf_wipe(buf, CONF_FILE_MAX + 2);
    f->exposed = false;
    return ok;
}
