/* SPDX-License-Identifier: MIT
 * Written beside its place and renamed, so that nobody reads half a report. */
#include "cli/sigbench/outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool cannot(char *why, size_t cap, const char *path)
{
    snprintf(why, cap, "cannot write %s: %s", path, strerror(errno));
    return false;
}

static void release(struct outfile *o)
{
    free(o->path);
    free(o->temp);
    *o = (struct outfile){0};
}

/* Pipes and devices are written as they are: they cannot be replaced. */
static int open_beside(struct outfile *o, const struct stat *old, bool exists)
{
    if (exists && !S_ISREG(old->st_mode)) {
        return open(o->path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    }
    if (exists && access(o->path, W_OK) != 0) {
        return -1;
    }
    if (asprintf(&o->temp, "%s.%ld.tmp", o->path, (long)getpid()) < 0) {
        o->temp = NULL;
        return -1;
    }
    int fd = open(o->temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (fd < 0) {
        free(o->temp);
        o->temp = NULL;
    } else if (exists) {
        fchmod(fd, old->st_mode & 07777);
    }
    return fd;
}

bool outfile_open(struct outfile *o, const char *path, char *why, size_t cap)
{
    struct stat old;

    *o = (struct outfile){0};
    if (strcmp(path, "-") == 0) {
        o->f = stdout;
        return true;
    }
    bool exists = stat(path, &old) == 0;
    o->path = exists ? realpath(path, NULL) : strdup(path);
    int fd = o->path ? open_beside(o, &old, exists) : -1;
    o->f = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (!o->f) {
        cannot(why, cap, path);
        if (fd >= 0) {
            close(fd);
        }
        outfile_discard(o);
        return false;
    }
    return true;
}

bool outfile_commit(struct outfile *o, char *why, size_t cap)
{
    bool ok = fflush(o->f) == 0 && !ferror(o->f);

    if (o->f == stdout) {
        release(o);
        return true; /* out_done tells what became of it */
    }
    ok = fclose(o->f) == 0 && ok;
    o->f = NULL;
    if (ok && o->temp) {
        ok = rename(o->temp, o->path) == 0;
    }
    if (!ok) {
        cannot(why, cap, o->path);
        outfile_discard(o);
        return false;
    }
    release(o);
    return true;
}

void outfile_discard(struct outfile *o)
{
    if (o->f && o->f != stdout) {
        fclose(o->f);
    }
    if (o->temp) {
        unlink(o->temp);
    }
    release(o);
}
