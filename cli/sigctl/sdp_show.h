/* SPDX-License-Identifier: MIT
 * A description that was read, for people and as an object. Passwords are not shown. */
#ifndef SIGCTL_SDP_SHOW_H
#define SIGCTL_SDP_SHOW_H

#include "cli/sigctl/sdp_check.h"
#include "libproto/json.h"

#include <stdio.h>

/* sdp_show_text prints a few lines for each section, safe for a terminal. */
void sdp_show_text(FILE *f, const struct sdp *d);

/* sdp_show_size gives what print_begin wants to know for sdp_show_json. */
size_t sdp_show_size(const struct sdp *d);
/* sdp_show_json adds the members of the object that j has open. */
void sdp_show_json(struct sp_json *j, const struct sdp *d);

#endif
