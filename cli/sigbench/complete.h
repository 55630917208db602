/* SPDX-License-Identifier: MIT
 * Completion scripts of sigbench. */
#ifndef SIGBENCH_COMPLETE_H
#define SIGBENCH_COMPLETE_H

#include <stdbool.h>

/* complete_print writes the script for a shell; false when it is none of bash, zsh and fish. */
bool complete_print(const char *shell);

#endif
