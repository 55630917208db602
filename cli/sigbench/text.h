/* SPDX-License-Identifier: MIT
 * The texts that peers send: built once, only the target and the marker change per message.
 * A marker says which flight a message belongs to and survives any server that keeps the payload.
 */
#ifndef SIGBENCH_TEXT_H
#define SIGBENCH_TEXT_H

#include "cli/sigbench/bench.h"
#include "cli/sigbench/check.h"

/* What is asked for beside the message: an ack, or all that the checker needs: a stamp with its
 * checksum, filler made of that checksum, and a rid that names the message. */
enum text_extra { TEXT_PLAIN, TEXT_RID, TEXT_CHECKED };

/* text_new builds a text of about size bytes for targets with ids PREFIX-000000; NULL when out of
 * memory. */
struct text *text_new(enum text_kind kind, size_t size, const char *prefix, enum text_extra extra);
void text_free(struct text *t);

/* text_id writes the id of a peer, with its NUL. */
void text_id(char *out, size_t cap, const char *prefix, uint32_t peer);

/* text_make gives the message for a target and a flight of a pair, with the session unless that is
 * empty. Borrowed until the next call. */
struct sp_str text_make(struct text *t, uint32_t target, uint32_t pair, uint32_t seq,
                        struct sp_str session);

/* text_make_checked is text_make of a checked text: the target is that of the stamp. */
struct sp_str text_make_checked(struct text *t, const struct check_stamp *stamp, uint32_t pair,
                                uint32_t seq, struct sp_str session);

/* text_check reads what a peer got of a checked text's kind: the stamp, whether its checksum fits,
 * whether all that the sender wrote has arrived as it was, and whom the server calls the sender.
 * Changes t. */
void text_check(struct text *t, struct sp_str m, struct check_arrival *out);

/* text_answered reads which message of a peer an ack or error names; src is left alone. False when
 * it names none: *named tells whether it has a rid at all. */
bool text_answered(struct sp_str m, struct check_stamp *out, bool *named);

/* text_marker finds the marker in a message that came back. */
bool text_marker(struct sp_str m, uint32_t *pair, uint32_t *seq);

/* text_member finds the value of "name":"value" without decoding it; prefix is "name":" */
struct sp_str text_member(struct sp_str m, struct sp_str prefix);

#endif
