/* SPDX-License-Identifier: MIT
 * Scenarios are sigbench's commands, and two words beside them. */
#include "cli/sigbench/complete.h"

#include "cli/common/completion.h"
#include "cli/sigbench/bench.h"

static const struct opt none[] = {{0}};

static bool describe_each(size_t i, struct completion_command *to)
{
    static const struct completion_command others[] = {
        {"compare", "FILE FILE", "judge two sets of reports", {compare_rows}},
        {"completion", "bash|zsh|fish", "a script for the shell", {none}}};
    size_t n = 0;
    while (scenarios[n].name) {
        n++;
    }
    if (i < n) {
        *to = (struct completion_command){scenarios[i].name, "", scenarios[i].help, {none}};
        return true;
    }
    i -= n;
    if (i < sizeof(others) / sizeof(others[0])) {
        *to = others[i];
        return true;
    }
    return false;
}

bool complete_print(const char *shell)
{
    const struct completion sigbench = {.program = "sigbench",
                                        .common = bench_rows,
                                        .command = describe_each,
                                        .bare = {NULL, "[FILE]", "", {none}}};
    return completion_print(&sigbench, shell);
}
