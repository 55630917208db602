/* SPDX-License-Identifier: MIT
 * A frame of top as an object. */
#ifndef SIGMON_TOPJSON_H
#define SIGMON_TOPJSON_H

#include "cli/common/link.h"
#include "cli/sigmon/topview.h"

/* top_json prints the view in the form that o asks for; interval_us is what its rates are of. */
void top_json(const struct link_opts *o, const struct top_view *v, int64_t interval_us);

#endif
