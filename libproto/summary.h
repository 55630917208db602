/* SPDX-License-Identifier: MIT
 * What an event may say of an SDP or a candidate: kinds, never content. */
#ifndef SP_SUMMARY_H
#define SP_SUMMARY_H

#include "libproto/types.h"

/* Media sections of an SDP (RFC 8866 5.14). */
enum sp_media { SP_MEDIA_AUDIO = 1, SP_MEDIA_VIDEO = 2, SP_MEDIA_DATA = 4, SP_MEDIA_OTHER = 8 };

/* sp_sdp_media scans the raw JSON string of an SDP for its m= lines. */
unsigned sp_sdp_media(struct sp_str raw);

/* sp_sdp_summary names a set of enum sp_media, e.g. "audio,video"; static text. */
struct sp_str sp_sdp_summary(unsigned media);

/* sp_candidate_summary gives host, srflx, prflx, relay (RFC 8839 5.1), mdns for a host candidate
 * on a .local name, each with "/tcp" behind it where that is its transport (RFC 6544), end for null
 * or "", unknown; static text. raw is the raw JSON value. */
struct sp_str sp_candidate_summary(struct sp_str raw);

#endif
