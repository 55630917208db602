/* SPDX-License-Identifier: MIT
 * What the kernel says about a process: CPU time, resident memory, open descriptors. */
#ifndef SIGBENCH_PROCSTAT_H
#define SIGBENCH_PROCSTAT_H

#include <stdbool.h>
#include <stdint.h>

struct proc_sample {
    bool ok;
    int64_t at, cpu; /* ns: monotonic clock, CPU of all its threads */
    uint64_t rss, fds;
};

/* proc_sample reads /proc/PID; ok is false when there is no such process or it is not ours to see.
 * CPU comes from the scheduler's counters (ns) where the kernel has them, else from the clock ticks
 * of stat. Descriptors are counted only when asked for: ten thousand take milliseconds. */
struct proc_sample proc_sample(int64_t pid, bool with_fds);

/* proc_own_cpu gives the CPU time of this process in ns. */
int64_t proc_own_cpu(void);

#endif
