/* SPDX-License-Identifier: MIT
 * What analyze says of a recording: for people, and as one object. */
#ifndef SIGMON_REPORT_H
#define SIGMON_REPORT_H

#include "cli/common/exits.h"
#include "cli/common/link.h"
#include "cli/sigmon/metric.h"

struct report_threshold {
    const char *text;
    struct threshold threshold;
    enum threshold_result result;
};

/* report borrows all of it. */
struct report {
    const char *file;
    struct tally *tally;
    const struct report_threshold *thresholds;
    unsigned nthresholds;
    bool all; /* every peer and pair for people too */
    int exit;
};

/* report_text and report_json print it; false when out of memory. */
bool report_text(const struct report *r);
bool report_json(const struct report *r, const struct link_opts *o);

/* report_label prints the beginning of a line, report_spread a line of percentiles where there are
 * any; for people. */
void report_label(const char *label);
void report_spread(const char *label, struct spread *s);

#endif
