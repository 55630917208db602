/* SPDX-License-Identifier: MIT
 * The inside of completion scripts: parts that the shells have in common. */
#ifndef CLI_COMPLETION_IN_H
#define CLI_COMPLETION_IN_H

#include "cli/common/completion.h"
#include "cli/common/place.h"

/* completion_part prints a part of a script, with the program in place of "NAME". */
void completion_part(const struct completion *c, const char *part);

/* completion_argument and completion_value are those of place.h without what the program does not
 * offer. */
struct place completion_argument(const struct completion *c, const char *args, int at,
                                 const char *before);
struct place completion_value(const struct completion *c, const struct opt *row);
/* completion_is_last tells that arguments behind number at are like it, or not told apart. */
bool completion_is_last(const char *args, int at);
/* completion_is_source is true of options that say which server is meant, and who asks. */
bool completion_is_source(const struct opt *row);

/* These print words, each with a space before it: the commands, the literal words of a place, a
 * field with each of its values ("type=offer"). */
void completion_commands(const struct completion *c);
void completion_words(const struct completion *c, const struct place *p);
void completion_values_of(const struct completion_field *field);

/* a shell's script */
void completion_bash(const struct completion *c);
void completion_zsh(const struct completion *c);
void completion_fish(const struct completion *c);

#endif
