/* SPDX-License-Identifier: MIT
 * Test vectors as files: a callback for each file of a directory. */
#ifndef TESTS_FILES_H
#define TESTS_FILES_H

#include <stddef.h>

/* Borrows data, which is a heap block of exactly n bytes, so that ASan sees the first byte read
 * behind it. */
typedef void (*files_fn)(void *ctx, const char *name, const char *data, size_t n);

/* files_each calls fn for each regular file of dir in the order of names. Returns how many; -1 when
 * the directory or a file cannot be read, with a line on stderr. */
int files_each(const char *dir, files_fn fn, void *ctx);

#endif
