/* SPDX-License-Identifier: MIT
 * Two sets of reports against each other: reading, verdicts, printing. */
#ifndef SIGBENCH_COMPARE_H
#define SIGBENCH_COMPARE_H

#include "cli/sigbench/metric.h"

#include <cjson/cJSON.h>

#define COMPARE_SERIES_MAX   512u
#define COMPARE_WARNINGS_MAX 16u

/* series is the values of a metric, named as in the reports. */
struct series {
    char name[64];
    double *v; /* owned */
    unsigned n, cap;
};

/* side is what a file holds: one report, or several with a sample each or more. */
struct side {
    const char *file;
    char scenario[32];
    cJSON *parameters, *environment; /* owned, of the first report */
    struct series *series;           /* owned */
    unsigned n, samples;
    char invalid[160]; /* why a report is not valid, empty: all are */
};

enum change { CHANGE_NEUTRAL, CHANGE_SAME, CHANGE_BETTER, CHANGE_WORSE };

struct figures {
    double median, least, most;
};

/* row is one metric. change: of the medians, relative to the base, infinite from 0; p: of the
 * test, NAN where there are too few samples; bound: how much worse it may be, NAN where it is not
 * asked for. */
struct row {
    const char *name; /* borrowed from the base */
    struct metric_trait trait;
    struct figures base, next;
    double change, p, bound;
    enum change verdict;
    bool regression;
};

struct comparison {
    struct side base, next;
    char warning[COMPARE_WARNINGS_MAX][200];
    unsigned warnings;
    struct row *row; /* owned */
    unsigned n, regressions;
    bool tested; /* by the Mann-Whitney test, else by the margin */
};

/* side_read reads the reports of a file, "-" is standard input, sorted by value: 0, or EXIT_DATA or
 * EXIT_USAGE (of several scenarios) with a message printed. Differences among its reports become
 * warnings of c. */
int side_read(struct side *s, const char *file, struct comparison *c);
void side_free(struct side *s);
const struct series *side_find(const struct side *s, const char *name);

/* compare_warn adds a warning; compare_differences one for each member that differs. */
void compare_warn(struct comparison *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void compare_differences(struct comparison *c, const char *what, const cJSON *a, const cJSON *b);

/* compare_text and compare_json print the result; false when out of memory. */
void compare_text(const struct comparison *c);
bool compare_json(const struct comparison *c, int status);

/* compare_run is the command: gives the exit status. */
int compare_run(const struct bench_conf *conf, const char *base, const char *next);

#endif
