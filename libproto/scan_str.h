/* SPDX-License-Identifier: MIT
 * What the two halves of the scanner share; not installed. */
#ifndef SP_SCAN_STR_H
#define SP_SCAN_STR_H

#include "libproto/scan.h"

struct scanner {
    const char *base, *p, *end;
    const struct sp_scan_limits *lim;
    struct sp_diag *d;
    uint32_t members;
    bool escaped; /* of the string scanned last */
};

/* sp_scan_fail fills the diagnostic with the place that s->p stands at. */
enum sp_err sp_scan_fail(struct scanner *s, enum sp_err e, const char *what);

/* sp_scan_string goes from the byte behind the opening quote to the one behind the closing quote.
 */
enum sp_err sp_scan_string(struct scanner *s);

#endif
