/* SPDX-License-Identifier: MIT
 * The inside of a script, shared by script.c (events) and script_store.c (what it holds). Each is
 * NULL, or does nothing, when out of memory, with full set. */
#ifndef SIGMON_SCRIPT_IN_H
#define SIGMON_SCRIPT_IN_H

#include "cli/sigmon/script.h"

/* script_keep gives a copy that ends with a NUL, empty where text is. */
struct sp_str script_keep(struct script *s, struct sp_str text);

/* script_step adds a step, due at the event that is being read. */
struct step *script_step(struct script *s, enum step_kind kind, uint32_t peer);

/* script_peer_of finds or makes the peer of an id, script_pair_of the pair of two. */
struct script_peer *script_peer_of(struct script *s, struct sp_str id);
struct script_pair *script_pair_of(struct script *s, const struct script_peer *a,
                                   const struct script_peer *b);

/* script_session_find gives the open session of a pair with that id, or NULL; open adds one, close
 * takes one out and frees it, NULL being none. */
struct script_session *script_session_find(const struct script *s, const struct script_pair *pair,
                                           struct sp_str id);
void script_session_open(struct script *s, struct script_pair *pair, struct sp_str id);
void script_session_close(struct script *s, struct script_session *one);

#endif
