/* SPDX-License-Identifier: MIT
 * What Tab offers at the prompt and what is shown behind the cursor. */
#include "cli/sigctl/grammar.h"
#include "cli/sigctl/lines.h"
#include "cli/sigctl/repl.h"

/* at is where a line stands at its end. */
struct at {
    char copy[4096];
    char *v[WORDS_MAX + 1];
    int n;                     /* words with v[0]; 0: no line that could be read */
    const struct command *cmd; /* NULL: not yet */
    const struct opt *option;  /* whose value comes next */
    const char *before;        /* the positional argument before; NULL: none */
    int argument;              /* number of the next positional argument, from 0 */
};

static void find_argument(struct at *a, int first)
{
    for (int i = first; i < a->n; i++) {
        const struct opt *row = grammar_row(a->cmd, a->v[i]);
        int behind = row && !(a->v[i][1] == '-' && strchr(a->v[i], '=')) ? opt_words(row) : 0;
        if (a->v[i][0] != '-') {
            a->before = a->v[i];
            a->argument++;
        }
        if (behind > 0 && i + behind >= a->n) {
            a->option = row;
        }
        i += behind;
    }
}

static bool find_place(struct at *a, const char *line, size_t n)
{
    const char *why;
    *a = (struct at){.v = {"sigctl"}};
    if (n >= sizeof(a->copy)) {
        return false;
    }
    memcpy(a->copy, line, n);
    a->n = words(a->copy, a->v, &why);
    int at = a->n > 0 ? command_index(a->n, a->v) : 0;
    a->cmd = a->n > 0 && at < a->n ? command_find(a->v[at]) : NULL;
    find_argument(a, a->cmd ? at + 1 : 1);
    return a->n > 0;
}

static void add_options(const struct command *cmd, edit_add_fn add, void *to)
{
    const struct opt *tables[3];
    char name[64];
    grammar_options(cmd ? cmd : command_find("help"), tables);
    for (int t = 0; tables[t]; t++) {
        for (const struct opt *row = tables[t]; row->name; row++) {
            if (opt_is_argument(row) && (t > 0 || !grammar_is_of_run(row))) {
                snprintf(name, sizeof(name), "--%s", row->name);
                add(to, name);
            }
        }
    }
}

static void add_commands(edit_add_fn add, void *to)
{
    for (const struct command *cmd = commands; cmd->name; cmd++) {
        add(to, cmd->name);
    }
}

/* head stands before each offer: "--wait=" */
static void add_place(const struct repl *r, const struct place *p, struct sp_str head,
                      edit_add_fn add, void *to)
{
    char whole[SP_ID_MAX + 128];
    struct sp_str word;
    const char *id;
    for (size_t at = 0; place_word(p, &at, &word);) {
        snprintf(whole, sizeof(whole), "%.*s%.*s", (int)head.n, head.p, (int)word.n, word.p);
        add(to, whole);
    }
    for (size_t at = 0; p->ids && (id = ids_each(&r->ids, &at)) != NULL;) {
        snprintf(whole, sizeof(whole), "%.*s%s", (int)head.n, head.p, id);
        add(to, whole);
    }
    if (p->commands) {
        add_commands(add, to);
    }
}

static int add_option(const struct repl *r, const struct command *cmd, const char *word,
                      edit_add_fn add, void *to)
{
    size_t head = strcspn(word, "= \t");
    if (word[head] != '=') {
        add_options(cmd, add, to);
        return -1;
    }
    const struct opt *row = grammar_row(cmd, word);
    struct place p = row ? place_value(row) : (struct place){0};
    head++;
    add_place(r, &p, (struct sp_str){word, head < 64 ? head : 0}, add, to);
    return word[head] == '@' ? (int)head + 1 : p.files ? (int)head : -1;
}

int repl_complete(void *ctx, const char *line, size_t start, edit_add_fn add, void *to)
{
    struct repl *r = ctx;
    struct at a;
    const char *word = line + start;
    bool in_quotes = start > 0 && strchr("'\"", line[start - 1]);
    struct place p = {0};
    if (!find_place(&a, line, in_quotes ? start - 1 : start)) {
        return -1;
    }
    if (word[0] == '-' && !a.option) {
        return add_option(r, a.cmd, word, add, to);
    }
    if (a.option) {
        p = place_value(a.option);
    } else if (a.cmd) {
        p = place_argument(a.cmd->args, a.argument, a.before);
    } else {
        p.commands = true;
    }
    add_place(r, &p, (struct sp_str){NULL, 0}, add, to);
    return word[0] == '@' ? 1 : p.files ? 0 : -1;
}

void repl_hint(void *ctx, const char *line, char *out, size_t cap)
{
    struct at a;
    size_t n = strlen(line);
    bool open = n > 0 && line[n - 1] != ' ';
    (void)ctx;
    out[0] = '\0';
    if (!find_place(&a, line, n) || !a.cmd) {
        return;
    }
    const char *rest = a.option ? a.option->arg : place_rest(a.cmd->args, a.argument);
    if (rest[0]) {
        snprintf(out, cap, "%s%s", open ? " " : "", rest);
    }
}
