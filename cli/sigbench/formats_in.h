/* SPDX-License-Identifier: MIT
 * The writers of the formats, between formats.c and those that implement them. */
#ifndef SIGBENCH_FORMATS_IN_H
#define SIGBENCH_FORMATS_IN_H

#include "cli/sigbench/compare.h"
#include "cli/sigbench/report.h"

#include <stdio.h>

/* A writer puts the whole report on f; whether it arrived is seen when f is closed. */
void format_csv(FILE *f, const struct report *r);
void format_html(FILE *f, const struct report *r);
void format_svg(FILE *f, const struct report *r);
void format_markdown(FILE *f, const struct report *r);
void format_junit(FILE *f, const struct report *r);

/* The same of a comparison. */
void format_markdown_compare(FILE *f, const struct comparison *c);

#endif
