/* SPDX-License-Identifier: MIT
 * A script from a pipe or file: a command a line, the first failure ends it. */
#include "cli/sigctl/ctl.h"
#include "cli/sigctl/lines.h"

static int run_line(struct ctl *c, char *line)
{
    char *v[WORDS_MAX + 1] = {"sigctl"};
    const char *why = NULL;
    int n = words(line, v, &why);
    if (n == 0) {
        return ctl_fail(c, EXIT_USAGE, NULL, "%s", why);
    }
    return n > 1 ? ctl_run(c, n, v) : 0;
}

int pipe_run(struct ctl *c)
{
    struct lines in = {0};
    char *line = NULL;
    int status;
    do {
        c->line++;
        status = lines_next(&in, c->link, &line);
        if (status) {
            status = ctl_fail_link(c);
        } else if (line) {
            status = run_line(c, line);
        }
    } while (status == 0 && line);
    lines_fini(&in);
    return status;
}
