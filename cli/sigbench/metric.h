/* SPDX-License-Identifier: MIT
 * The metrics of a run under the names that thresholds and the JSON report use. */
#ifndef SIGBENCH_METRIC_H
#define SIGBENCH_METRIC_H

#include "cli/sigbench/bench.h"
#include "libproto/json.h"

enum metric_unit { UNIT_COUNT, UNIT_USEC, UNIT_BYTES, UNIT_RATIO, UNIT_PER_S };

/* Which way a metric gets better; neutral ones only describe the run. */
enum metric_better { BETTER_NEUTRAL, BETTER_LOWER, BETTER_HIGHER };

#define METRICS_MAX 200u

/* metric is one value; has is false where this run could not measure it. */
struct metric {
    char name[40];
    enum metric_unit unit;
    double value;
    bool has;
};

struct metrics {
    struct metric m[METRICS_MAX];
    unsigned n;
};

/* metrics_of computes them all; the names depend on the scenario only. */
void metrics_of(const struct bench *b, struct metrics *out);

/* metric_find accepts a name with or without the suffix of its unit; NULL when unknown. */
const struct metric *metric_find(const struct metrics *all, struct sp_str name);

/* metric_suffix gives what the JSON report appends to the name: "_us", "_bytes" … */
const char *metric_suffix(enum metric_unit unit);

/* metric_trait is what is known of a name as reports have it, "relay.p99_us", of any scenario;
 * watched: a comparison fails when it got worse and nothing else is asked for. */
struct metric_trait {
    enum metric_unit unit;
    enum metric_better better;
    bool watched;
};
struct metric_trait metric_trait_of(const char *name);

/* metric_format writes a value for people: "812 us", "1.5 MiB", "3.2 %", "5000/s". */
void metric_format(char out[32], enum metric_unit unit, double value);

/* metric_write writes a number, metrics_write an object of those that have a value. */
void metric_write(struct sp_json *j, const char *key, double value);
void metrics_write(struct sp_json *j, const char *key, const struct metrics *all);

/* threshold is a condition that must hold: NAME < VALUE. */
struct threshold {
    struct sp_str name;
    char op[3];
    double value;
};

/* threshold_parse reads "relay.p99<20ms"; false with a sentence in why. */
bool threshold_parse(struct threshold *t, const char *text, const struct metrics *all, char *why,
                     size_t cap);
bool threshold_holds(const struct threshold *t, const struct metrics *all);

#endif
