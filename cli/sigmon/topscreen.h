/* SPDX-License-Identifier: MIT
 * The terminal of top: the alternate screen, keys as they come, a frame in one write. */
#ifndef SIGMON_TOPSCREEN_H
#define SIGMON_TOPSCREEN_H

#include "cli/sigmon/topview.h"

/* top_screen_can tells whether there is a terminal to show frames on and to read keys from. */
bool top_screen_can(void);

/* top_screen_open takes the terminal, top_screen_close leaves it as it was found; closing what is
 * not open does nothing. */
void top_screen_open(void);
void top_screen_close(void);

/* top_screen_draw shows the view in the size that the terminal has now. */
void top_screen_draw(struct top_view *v);

/* top_screen_keys hands over what was typed; Ctrl-Z stops the process with the terminal given back
 * meanwhile. Gives what top_keys does; a terminal that has gone quits. */
bool top_screen_keys(struct top_view *v);

#endif
