/* SPDX-License-Identifier: MIT
 * The texts that peers send: built once, only the target and the marker change per message.
 * A marker says which flight a message belongs to and survives any server that keeps the payload.
 */
#ifndef SIGBENCH_TEXT_H
#define SIGBENCH_TEXT_H

#include "cli/sigbench/bench.h"

/* text_new builds a text of about size bytes for targets with ids PREFIX-000000; NULL when out of
 * memory. */
struct text *text_new(enum text_kind kind, size_t size, const char *prefix, bool rid);
void text_free(struct text *t);

/* text_id writes the id of a peer, with its NUL. */
void text_id(char *out, size_t cap, const char *prefix, uint32_t peer);

/* text_make gives the message for a target and a flight of a pair, with the session unless that is
 * empty. Borrowed until the next call. */
struct sp_str text_make(struct text *t, uint32_t target, uint32_t pair, uint32_t seq,
                        struct sp_str session);

/* text_marker finds the marker in a message that came back. */
bool text_marker(struct sp_str m, uint32_t *pair, uint32_t *seq);

/* text_member finds the value of "name":"value" without decoding it; prefix is "name":" */
struct sp_str text_member(struct sp_str m, struct sp_str prefix);

#endif
