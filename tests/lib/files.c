/* SPDX-License-Identifier: MIT
 * Test vectors as files. */
#include "tests/lib/files.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static char *load(const char *path, size_t n)
{
    FILE *f = fopen(path, "rb");
    char *data = malloc(n);

    if (!f || (n && !data) || fread(data, 1, n, f) != n) {
        free(data);
        data = NULL;
    }
    if (f) {
        fclose(f);
    }
    return data;
}

/* 1: called, 0: not a file, -1: cannot be read. */
static int visit(const char *dir, const char *name, files_fn fn, void *ctx)
{
    char path[4096];
    struct stat st;

    if (name[0] == '.') {
        return 0;
    }
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
        return 0;
    }
    size_t n = (size_t)st.st_size;
    char *data = load(path, n);
    if (!data) {
        perror(path);
        return -1;
    }
    fn(ctx, name, data, n);
    free(data);
    return 1;
}

int files_each(const char *dir, files_fn fn, void *ctx)
{
    struct dirent **list;
    int n = scandir(dir, &list, NULL, alphasort), count = 0;

    if (n < 0) {
        perror(dir);
        return -1;
    }
    for (int i = 0; i < n; i++) {
        int r = count < 0 ? 0 : visit(dir, list[i]->d_name, fn, ctx);
        count = r < 0 ? -1 : count + r;
        free(list[i]);
    }
    free(list);
    return count;
}
