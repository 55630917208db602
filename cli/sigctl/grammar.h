/* SPDX-License-Identifier: MIT
 * What may stand where on a command line, read from the texts of the tables: words in small letters
 * are meant literally, TO and ID are registered clients, FILE is a file, COMMAND a command. */
#ifndef SIGCTL_GRAMMAR_H
#define SIGCTL_GRAMMAR_H

#include "cli/sigctl/ctl.h"

/* place is borrowed from a table. */
struct place {
    struct sp_str words; /* "answer|none"; those in capital letters say what, not how */
    bool ids, files, commands;
};

/* grammar_argument gives the place of the positional argument number at (from 0) behind the word
 * before (NULL: none); nothing may stand behind the last. */
struct place grammar_argument(const struct command *cmd, int at, const char *before);
/* grammar_value gives the place of an option's value. */
struct place grammar_value(const struct opt *row);
/* grammar_word gives one literal word a call; start with *at = 0; false at the end. */
bool grammar_word(const struct place *p, size_t *at, struct sp_str *word);
/* grammar_rest gives the text of the arguments from number at on, "" for none. */
const char *grammar_rest(const struct command *cmd, int at);

/* grammar_row finds the option that arg ("--wait", "--wait=answer", "-W") names, of cmd (NULL: no
 * command) or common; NULL: there is none. */
const struct opt *grammar_row(const struct command *cmd, const char *arg);
/* grammar_is_of_run tells whether an option of link_rows is of the whole run: a line of a script or
 * at the prompt cannot have it. grammar_misplaced names the one that line has and run has not. */
bool grammar_is_of_run(const struct opt *row);
const char *grammar_misplaced(const struct link_opts *run, const struct link_opts *line);
/* grammar_options gives the tables of a line with cmd (NULL: without a command), NULL at the end.
 */
void grammar_options(const struct command *cmd, const struct opt *tables[3]);

#endif
