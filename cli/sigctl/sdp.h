/* SPDX-License-Identifier: MIT
 * A valid session description made up on the spot (RFC 8866, RFC 8829). */
#ifndef SIGCTL_SDP_H
#define SIGCTL_SDP_H

#include "libproto/buf.h"

/* sdp_media reads "video,audio,data" into the order given; false on another word, none or twice the
 * same. out takes the initials, e.g. "vad". */
bool sdp_media(const char *words, char out[4]);

/* sdp_media_of gives the media words of a description, in order; raw is its JSON string. False when
 * it has none that sdp_make knows, or one of them twice. */
bool sdp_media_of(struct sp_str raw, char *words, size_t cap);

/* sdp_make writes an offer (setup actpass) or an answer (active) with one section per initial in
 * media; ufrag, password and fingerprint are random. */
void sdp_make(struct sp_buf *b, const char *media, bool answer);

/* sdp_candidate writes the n-th made-up host candidate line (RFC 8839 5.1), without "a=". */
void sdp_candidate(struct sp_buf *b, unsigned n);

#endif
