/* SPDX-License-Identifier: MIT
 * libproto/scan.c compiled a second time without SSE2, under these names (see CMakeLists.txt). */
#ifndef TESTS_FUZZ_PORTABLE_H
#define TESTS_FUZZ_PORTABLE_H

#include "libproto/scan.h"

/* portable_scan is sp_scan. */
enum sp_err portable_scan(struct sp_doc *doc, const char *buf, size_t len,
                          const struct sp_scan_limits *lim, struct sp_diag *d) SP_MUST_CHECK;
/* portable_scan_value is sp_scan_value. */
enum sp_err portable_scan_value(const char *buf, size_t len, const struct sp_scan_limits *lim,
                                struct sp_diag *d) SP_MUST_CHECK;

#endif
