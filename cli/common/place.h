/* SPDX-License-Identifier: MIT
 * What may stand where on a command line, read from the texts of the tables: words in small letters
 * are meant literally, TO and ID are registered clients, SESSION a session, EXPR a filter, FILE a
 * file, COMMAND a command; "..." behind a word: that and more of the kind. */
#ifndef CLI_PLACE_H
#define CLI_PLACE_H

#include "cli/common/opt.h"
#include "libproto/types.h"

/* place is borrowed from a table. */
struct place {
    struct sp_str words; /* "answer|none"; those in capital letters say what, not how */
    bool ids, sessions, exprs, files, commands;
};

/* place_argument gives the place of the positional argument number at (from 0) of a command whose
 * arguments are args ("TO [SPEC]"), behind the word before (NULL: none); nothing may stand behind
 * the last unless it repeats. */
struct place place_argument(const char *args, int at, const char *before);
/* place_repeats tells whether all arguments from number at on are of one kind. */
bool place_repeats(const char *args, int at);
/* place_rest gives the text of the arguments from number at on, "" for none. */
const char *place_rest(const char *args, int at);
/* place_value gives the place of an option's value. */
struct place place_value(const struct opt *row);

/* place_word gives one literal word a call; start with *at = 0; false at the end. */
bool place_word(const struct place *p, size_t *at, struct sp_str *word);
/* place_has_word tells whether word is one of "answer|none". */
bool place_has_word(struct sp_str words, const char *word);
/* place_is_any is false where nothing is known of what may stand there. */
bool place_is_any(const struct place *p);

#endif
