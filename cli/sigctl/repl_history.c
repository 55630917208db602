/* SPDX-License-Identifier: MIT
 * The history: a private file to which all sessions append, and what must not get into it. */
#include "cli/sigctl/repl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINES_KEPT  1000
#define LINES_MOST  2000 /* then the file is cut to LINES_KEPT */
#define FILE_MOST   (4 * 1024 * 1024)
#define TOKEN_LEAST 8 /* letters of the first part of a token */

static bool make_dir(const char *path)
{
    return mkdir(path, 0700) == 0 || errno == EEXIST;
}

/* The directories of $XDG_STATE_HOME may not be there yet. */
static bool make_path(char *path, size_t cap)
{
    char dir[3000];
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    if (state && state[0] == '/') {
        snprintf(dir, sizeof(dir), "%s", state);
    } else if (home && home[0] == '/') {
        snprintf(dir, sizeof(dir), "%s/.local", home);
        make_dir(dir);
        snprintf(dir, sizeof(dir), "%s/.local/state", home);
    } else {
        return false;
    }
    snprintf(path, cap, "%s/sigkit", dir);
    if (!make_dir(dir) || !make_dir(path)) {
        return false;
    }
    snprintf(path, cap, "%s/sigkit/history", dir);
    return true;
}

/* The file, locked until it is closed, with the right mode; -1: there is none. */
static int open_history(void)
{
    char path[4096];
    struct stat st;
    int fd = make_path(path, sizeof(path))
                 ? open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0600)
                 : -1;
    if (fd >= 0 && (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || flock(fd, LOCK_EX) != 0 ||
                    ((st.st_mode & 0777) != 0600 && fchmod(fd, 0600) != 0))) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static char *read_all(int fd, size_t *n)
{
    struct stat st;
    size_t size = fstat(fd, &st) == 0 && st.st_size > 0 ? (size_t)st.st_size : 0;
    size = size < FILE_MOST ? size : FILE_MOST;
    char *p = malloc(size + 1);
    ssize_t got =
        p ? pread(fd, p, size, st.st_size > (off_t)size ? st.st_size - (off_t)size : 0) : -1;
    if (got < 0) {
        free(p);
        return NULL;
    }
    p[got] = '\0';
    *n = (size_t)got;
    return p;
}

/* Where the last LINES_KEPT lines begin when there are more than LINES_MOST. */
static char *newest(char *p, size_t n)
{
    unsigned lines = 0;
    for (size_t i = 0; i < n; i++) {
        lines += p[i] == '\n';
    }
    for (unsigned drop = lines > LINES_MOST ? lines - LINES_KEPT : 0; drop > 0; drop--) {
        p = strchr(p, '\n') + 1;
    }
    return p;
}

void history_load(void)
{
    size_t n = 0;
    int fd = open_history();
    char *all = fd >= 0 ? read_all(fd, &n) : NULL;
    char *kept = all ? newest(all, strlen(all)) : NULL;
    if (kept != all && ftruncate(fd, 0) == 0 && write(fd, kept, strlen(kept)) < 0) {
        kept = all;
    }
    for (char *line = kept, *end; line && (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = '\0';
        edit_learn(line);
    }
    free(all);
    if (fd >= 0) {
        close(fd);
    }
}

void history_add(const char *line)
{
    char *text = NULL;
    edit_learn(line);
    int n = asprintf(&text, "%s\n", line);
    int fd = n > 0 ? open_history() : -1;
    if (fd >= 0) {
        /* a full disk costs the line, not the session */
        if (write(fd, text, (size_t)n) < 0) {
            errno = 0;
        }
        close(fd);
    }
    free(n > 0 ? text : NULL);
}

/* A JSON Web Token begins with a JSON object in base64url: eyJ…, and has parts. */
static bool has_jwt(const char *line)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for (const char *p = line; (p = strstr(p, "eyJ")) != NULL; p++) {
        size_t n = strspn(p, letters);
        if (n >= TOKEN_LEAST && p[n] == '.') {
            return true;
        }
    }
    return false;
}

bool repl_has_secret(const char *line)
{
    return strcasestr(line, "token") || strcasestr(line, "bearer ") || has_jwt(line);
}
