/* SPDX-License-Identifier: MIT
 * What completion scripts are made from: the table of commands. */
#include "cli/common/completion.h"

#include "cli/sigctl/ctl.h"

const struct opt completion_rows[] = {{0}};

static bool describe(size_t i, struct completion_command *to)
{
    const struct command *cmd = &commands[i];
    *to = (struct completion_command){cmd->name, cmd->args, cmd->help, {cmd->rows}};
    return cmd->name != NULL;
}

int cmd_completion(struct ctl *c, const struct ctl_args *a)
{
    const struct completion sigctl = {.program = "sigctl",
                                      .common = link_rows,
                                      .command = describe,
                                      .bare = {.args = "", .rows = {ctl_rows}},
                                      .has_at = true,
                                      .ids = "list --plain -W 500ms"};
    return completion_print(&sigctl, a->v[0])
               ? 0
               : ctl_fail(c, EXIT_USAGE, NULL, "completion for bash, zsh or fish");
}
