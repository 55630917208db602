/* SPDX-License-Identifier: MIT
 * Reading files of keys and secrets: bounded, and what is secret must be nobody else's. */
#include "libtoken/priv.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

bool token_file_private(const struct stat *st)
{
    mode_t others = S_IRGRP | S_IWGRP | S_IROTH | S_IWOTH;
    if (st->st_uid == 0 && geteuid() != 0) {
        others &= ~(mode_t)S_IRGRP;
    }
    return (st->st_mode & others) == 0;
}

/* The mode is that of the open file: its name may mean another one a moment later. Keys are read
 * again by a daemon, which must not wait for a pipe; a tool may be given its secret by one. */
static bool is_fit(int fd, const char *path, bool secret, char *why, size_t cap)
{
    struct stat st;
    if (fstat(fd, &st) != 0) {
        snprintf(why, cap, "cannot read %s: %s", path, strerror(errno));
        return false;
    }
    if (!secret && !S_ISREG(st.st_mode)) {
        snprintf(why, cap, "cannot read %s: not a regular file", path);
        return false;
    }
    if (secret && S_ISREG(st.st_mode) && !token_file_private(&st)) {
        snprintf(why, cap, "%s has mode %04o: others could read it (chmod 600 %s)", path,
                 (unsigned)st.st_mode & 07777, path);
        return false;
    }
    return true;
}

static bool read_all(int fd, char *p, size_t *n)
{
    ssize_t got = 1;
    *n = 0;
    while (got > 0 && *n <= TOKEN_FILE_MAX) {
        got = read(fd, p + *n, TOKEN_FILE_MAX + 1 - *n);
        if (got < 0 && errno == EINTR) {
            got = 1;
            continue;
        }
        *n += got > 0 ? (size_t)got : 0;
    }
    return got >= 0;
}

char *token_file_load(const char *path, bool secret, size_t *n, char *why, size_t cap)
{
    size_t len = 0;
    char *p = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | (secret ? 0 : O_NONBLOCK));
    if (fd < 0) {
        snprintf(why, cap, "cannot read %s: %s", path, strerror(errno));
        return NULL;
    }
    if (!is_fit(fd, path, secret, why, cap)) {
        goto out;
    }
    p = malloc(TOKEN_FILE_MAX + 2);
    if (!p || !read_all(fd, p, &len)) {
        snprintf(why, cap, "cannot read %s: %s", path, strerror(errno));
    } else if (len > TOKEN_FILE_MAX) {
        snprintf(why, cap, "%s is larger than %u KiB", path, TOKEN_FILE_MAX / 1024u);
    } else {
        p[len] = '\0';
        *n = len;
        goto out;
    }
    token_secret_free(p, len);
    p = NULL;
out:
    close(fd);
    return p;
}

char *token_secret_load(const char *path, size_t *n, char *why, size_t cap)
{
    char *p = token_file_load(path, true, n, why, cap);
    if (p && *n > 0 && p[*n - 1] == '\n') {
        *n -= *n > 1 && p[*n - 2] == '\r' ? 2 : 1;
    }
    return p;
}

void token_secret_free(char *secret, size_t n)
{
    if (secret) {
        OPENSSL_cleanse(secret, n);
        free(secret);
    }
}
