/* SPDX-License-Identifier: MIT
 * Text of others inside HTML, SVG, XML and Markdown. */
#ifndef SIGBENCH_MARKUP_H
#define SIGBENCH_MARKUP_H

#include "libproto/types.h"

#include <stdio.h>

/* markup_xml writes text as content or as the value of an attribute: control characters, hidden
 * ones and what is no UTF-8 become \xNN or \u{N}. */
void markup_xml(FILE *f, struct sp_str text);

/* markup_md writes text as one cell of a table in Markdown: nothing of it is markup. */
void markup_md(FILE *f, struct sp_str text);

#endif
