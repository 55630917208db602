/* SPDX-License-Identifier: MIT
 * The clock of a recording. */
#include "cli/sigmon/timeline.h"

int64_t timeline_us(struct timeline *t, const struct sp_event *ev)
{
    int64_t us = ev->ts_ms * 1000, at = ev->n[SP_EN_at];
    if (at >= 0 && !t->set) {
        t->offset = us - at;
        t->set = true;
    }
    us = at >= 0 ? at + t->offset : us;
    t->last = us > t->last ? us : t->last;
    return t->last;
}

void timeline_restart(struct timeline *t)
{
    t->set = false;
}
