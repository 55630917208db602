/* SPDX-License-Identifier: MIT
 * Whether a step of a scenario can be right, before anything runs: commands, options, variables. */
#include "cli/sigctl/grammar.h"
#include "cli/sigctl/lines.h"
#include "cli/sigctl/run.h"
#include "libproto/units.h"

#include <stdlib.h>

int run_duration(const char *word, int64_t *us, struct fault *f)
{
    if (!sp_parse_duration(sp_str(word), 1000000, us)) {
        return run_fault_set(f, EXIT_USAGE, word, "'%s': must be a duration such as 250ms or 5s",
                             word);
    }
    return 0;
}

int run_rounds(const char *word, int64_t *n, struct fault *f)
{
    if (!sp_parse_count(sp_str(word), n) || *n < 0 || *n > RUN_ROUNDS) {
        return run_fault_set(f, EXIT_USAGE, word, "'%s': must be a count up to %d", word,
                             RUN_ROUNDS);
    }
    return 0;
}

/* The words with something in the place of each variable; gives whether there was one. */
static bool stand_in(const struct step *st, char **argv)
{
    static char program[] = "sigctl", one[] = "1";
    bool vars = false;
    argv[0] = program;
    for (int i = 0; i < st->n; i++) {
        bool var = run_has_var(st->v[i]);
        argv[i + 1] = var ? one : st->v[i];
        vars = vars || var;
    }
    argv[st->n + 1] = NULL;
    return vars;
}

static int count_to_exec(int argc, char **argv)
{
    for (int i = 1; i + 1 < argc; i++) {
        if (strcmp(argv[i], "--exec") == 0) {
            return i + 1;
        }
    }
    return argc;
}

static int check_command(const struct step *st, struct fault *f)
{
    char *argv[WORDS_MAX + 2], why[256];
    _Alignas(16) char values[CTL_VALUES_MAX] = {0};
    const struct link_opts none = LINK_OPTS_INIT;
    struct link_opts opts = none;
    bool vars = stand_in(st, argv);
    int argc = count_to_exec(st->n + 1, argv), at = command_index(argc, argv);
    const struct command *cmd = at < argc ? command_find(argv[at]) : NULL;
    if (!cmd || cmd->run == cmd_run) {
        return run_fault_set(f, EXIT_USAGE, at < argc ? argv[at] : NULL,
                             cmd ? "a scenario runs no scenario" : "no such command");
    }
    struct opt_group groups[] = {{link_rows, &opts}, {cmd->rows, values}};
    if (!opt_parse(groups, 2, argc, argv, &at, why, sizeof(why))) {
        /* with a variable in its place a value may be right */
        bool is_sure = !vars || strncmp(why, "unknown option", 14) == 0;
        return is_sure ? run_fault_set(f, EXIT_USAGE, NULL, "%s", why) : 0;
    }
    const char *misplaced = st->kind == RUN_AS ? NULL : grammar_misplaced(&none, &opts);
    if (misplaced || (opts.id && cmd->run != cmd_agent)) {
        return run_fault_set(f, EXIT_USAGE, NULL, "--%s stands in the line of as, or behind sigctl",
                             misplaced ? misplaced : "id");
    }
    int n = argc - at - 1;
    if (n < cmd->least || (cmd->most >= 0 && n > cmd->most)) {
        return run_fault_set(f, EXIT_USAGE, NULL, "usage: %s %s", cmd->name, cmd->args);
    }
    return 0;
}

static int check_set(struct scene *s, const struct step *st, struct fault *f)
{
    static const char *const ours[] = {"msg", "id", "env", "i"};
    bool ok = run_is_name(st->v[0], strlen(st->v[0]));
    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
        ok = ok && strcmp(st->v[0], ours[i]) != 0;
    }
    if (!ok || strcmp(st->v[1], "=") != 0) {
        return run_fault_set(f, EXIT_USAGE, ok ? st->v[1] : st->v[0],
                             ok ? "usage: set NAME = VALUE"
                                : "this cannot be the name of a variable");
    }
    if (!run_set(s, st->v[0], NULL)) {
        return run_fault_set(f, EXIT_USAGE, st->v[0], "more than %u variables", RUN_VARS);
    }
    return 0;
}

int run_check_step(struct scene *s, struct step *st, struct fault *f)
{
    int64_t us;
    for (int i = 0; i < st->n; i++) {
        int status = run_check_vars(s, st->v[i], f);
        if (status) {
            return status;
        }
    }
    switch ((int)st->kind) {
    case RUN_COMMAND:
    case RUN_AS:
        return check_command(st, f);
    case RUN_EXPECT:
        return run_check_expect(s, st->v, st->n, f);
    case RUN_ASSERT:
        return run_check_assert(st->v, f);
    case RUN_SET:
        return check_set(s, st, f);
    case RUN_PAUSE:
    case RUN_TIMEOUT:
        return run_has_var(st->v[0]) ? 0 : run_duration(st->v[0], &us, f);
    default:
        return 0;
    }
}
