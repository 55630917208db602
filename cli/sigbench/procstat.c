/* SPDX-License-Identifier: MIT
 * /proc readings. The files are parsed with strtoll on purpose: their formats are ABI.
 * schedstat of the process covers its first thread only, so the threads are added up. */
#include "cli/sigbench/procstat.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static bool slurp(const char *path, char *buf, size_t cap)
{
    FILE *f = fopen(path, "re");

    if (!f) {
        return false;
    }
    size_t n = fread(buf, 1, cap - 1, f);
    fclose(f);
    buf[n] = '\0';
    return n > 0;
}

static int64_t cpu_of_threads(int64_t pid)
{
    char path[512], buf[128];
    struct dirent *e;
    int64_t sum = 0;

    snprintf(path, sizeof(path), "/proc/%lld/task", (long long)pid);
    DIR *d = opendir(path);
    if (!d) {
        return 0;
    }
    while ((e = readdir(d))) {
        snprintf(path, sizeof(path), "/proc/%lld/task/%s/schedstat", (long long)pid, e->d_name);
        if (e->d_name[0] != '.' && slurp(path, buf, sizeof(buf))) {
            sum += strtoll(buf, NULL, 10);
        }
    }
    closedir(d);
    return sum;
}

/* utime and stime are the 14th and 15th field; the name before them may hold anything. */
static int64_t cpu_of_stat(int64_t pid)
{
    char path[64], buf[1024];
    int64_t ticks = 0;

    snprintf(path, sizeof(path), "/proc/%lld/stat", (long long)pid);
    char *p = slurp(path, buf, sizeof(buf)) ? strrchr(buf, ')') : NULL;
    for (int field = 3; p && field <= 15; field++) {
        p = strchr(p + 1, ' ');
        if (p && field >= 14) {
            ticks += strtoll(p + 1, NULL, 10);
        }
    }
    return ticks * (INT64_C(1000000000) / sysconf(_SC_CLK_TCK));
}

static uint64_t rss_of(int64_t pid)
{
    char path[64], buf[256];

    snprintf(path, sizeof(path), "/proc/%lld/statm", (long long)pid);
    char *p = slurp(path, buf, sizeof(buf)) ? strchr(buf, ' ') : NULL;
    return p ? strtoull(p, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

static uint64_t fds_of(int64_t pid)
{
    char path[64];
    struct dirent *e;
    uint64_t n = 0;

    snprintf(path, sizeof(path), "/proc/%lld/fd", (long long)pid);
    DIR *d = opendir(path);
    if (!d) {
        return 0;
    }
    while ((e = readdir(d))) {
        n += e->d_name[0] != '.';
    }
    closedir(d);
    return n;
}

struct proc_sample proc_sample(int64_t pid, bool with_fds)
{
    struct proc_sample s = {0};
    struct timespec t;

    if (pid <= 0) {
        return s;
    }
    s.fds = with_fds ? fds_of(pid) : 0;
    s.rss = rss_of(pid);
    clock_gettime(CLOCK_MONOTONIC, &t);
    s.at = (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
    s.cpu = cpu_of_threads(pid);
    if (s.cpu == 0) {
        s.cpu = cpu_of_stat(pid);
    }
    s.ok = s.rss > 0;
    return s;
}

int64_t proc_own_cpu(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}
