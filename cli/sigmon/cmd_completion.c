/* SPDX-License-Identifier: MIT
 * What completion scripts are made from: the table of commands, the words of filters. */
#include "cli/common/completion.h"

#include "cli/common/out.h"
#include "cli/sigmon/mon.h"
#include "libproto/buf.h"
#include "libproto/msg.h"

const struct opt completion_rows[] = {{0}};

static const char event_words[] =
#define SP_EVENT(id, word, level, text) " " word
#include "libproto/tbl/events.h"
#undef SP_EVENT
    ;

/* Those that clients send; others are in no event. */
static void put_types(char *to, size_t cap)
{
    struct sp_buf b;
    sp_buf_init(&b, to, cap - 1);
    for (int t = SP_T_NONE + 1; t < SP_T_COUNT; t++) {
        if (sp_request_row((enum sp_type)t)) {
            sp_buf_str(&b, SP_STR(" "));
            sp_buf_str(&b, sp_str(sp_type_wire((enum sp_type)t)));
        }
    }
    to[b.n] = '\0';
}

/* Three of the filter's own, the fields of events, and events by name. */
static const char exprs[] = " event= type= peer="
#define SP_FIELD_NUM(member, name, unit)    " " name "="
#define SP_FIELD_STR(member, name, longest) " " name "="
#include "libproto/tbl/event_fields.h"
#undef SP_FIELD_NUM
#undef SP_FIELD_STR
#define SP_EVENT(id, word, level, text) " " word
#include "libproto/tbl/events.h"
#undef SP_EVENT
    ;

static struct completion_command describe(const struct mon_command *cmd)
{
    return (struct completion_command){
        cmd->name, cmd->args, cmd->help, {cmd->rows, cmd->wants ? want_rows : NULL}};
}

/* help is no row of the table: main answers it. */
static bool describe_each(size_t i, struct completion_command *to)
{
    static const struct opt none[] = {{0}};
    static const struct completion_command help = {
        "help", "[COMMAND|options]", "this text, or more of it", {none}};
    size_t n = 0;
    while (mon_commands[n].name) {
        n++;
    }
    *to = i < n ? describe(&mon_commands[i]) : help;
    return i <= n;
}

int completion_run(const struct mon_args *a)
{
    char type_words[512];
    const struct completion_field fields[] = {
        {"event", event_words}, {"type", type_words}, {"kind", type_words}, {0}};
    const struct completion sigmon = {.program = "sigmon",
                                      .common = link_rows,
                                      .command = describe_each,
                                      .bare = describe(&mon_commands[0]),
                                      .sessions =
                                          "tail -d 100ms -W 500ms -F '%{session}' session_open",
                                      .live = "--since 10m",
                                      .recorded = "-C 500",
                                      .exprs = exprs,
                                      .fields = fields};
    put_types(type_words, sizeof(type_words));
    return a->n == 1 && completion_print(&sigmon, a->words[0])
               ? 0
               : out_fail(EXIT_USAGE, NULL, "completion for bash, zsh or fish");
}
