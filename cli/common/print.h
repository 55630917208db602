/* SPDX-License-Identifier: MIT
 * Machine output: every line is one JSON object, shown as such, indented, as values or through a
 * template. Human output is each tool's own business. */
#ifndef CLI_PRINT_H
#define CLI_PRINT_H

#include "cli/common/link.h"
#include "libproto/json.h"

/* print_is_machine tells whether the options ask for one of the machine forms. */
bool print_is_machine(const struct link_opts *o);

/* print_settle makes the options ask for JSON lines while output is diverted. */
void print_settle(struct link_opts *o);

/* print_check_format tells whether a template is well formed: text, \n \t \\, %%, %{member},
 * %12{member}, %-12{member}. False with a sentence in why. */
bool print_check_format(const char *format, char *why, size_t cap);

/* print_object prints one JSON object in the form that o asks for and flushes it. */
void print_object(const struct link_opts *o, struct sp_str object);

/* print_line is an object under construction. */
struct print_line {
    struct sp_buf b;
    struct sp_json j;
};

/* print_begin opens the object; remote is how many bytes of others' text will go in. False when
 * out of memory, with a message printed. */
bool print_begin(struct print_line *l, size_t remote);
/* print_stamp adds ts and ts_us to an object, print_time to a line. */
void print_stamp(struct sp_json *j, int64_t wall_us);
void print_time(struct print_line *l, int64_t wall_us);
/* print_members adds the members of a received message as they came, without ok, ts and ts_us,
 * which are ours. */
void print_members(struct print_line *l, const struct sp_doc *doc);
/* print_end closes, prints and frees. */
void print_end(const struct link_opts *o, struct print_line *l);

/* print_received prints a received message with ts and ts_us. */
void print_received(const struct link_opts *o, const struct link_msg *m);

/* print_sdp prints the text of a raw JSON string line by line, escaped for a terminal. */
void print_sdp(struct sp_str raw);

#endif
