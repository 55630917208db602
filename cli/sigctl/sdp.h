/* SPDX-License-Identifier: MIT
 * A valid session description made up on the spot (RFC 8866, RFC 8829). */
#ifndef SIGCTL_SDP_H
#define SIGCTL_SDP_H

#include "cli/sigctl/sdp_check.h"
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

/* sdp_want is what is asked of a description: the DTLS role, and how many candidates are in it,
 * with the end told behind them; 0: they trickle. */
struct sdp_want {
    const char *setup;
    unsigned ice;
};

#define SDP_ICE_MOST                                                                               \
    64 /* sdp_write and sdp_write_answer fit in SDP_WRITE_SIZE beside the offer                    \
        */
#define SDP_WRITE_SIZE(offer_size, sections)                                                       \
    (4096u + (size_t)(offer_size) + (size_t)(sections) * (1024u + SDP_ICE_MOST * 96u))

/* sdp_write is sdp_make with more said. */
void sdp_write(struct sp_buf *b, const char *media, const struct sdp_want *want);
/* sdp_write_answer answers each section of an offer that is without errors: the other direction,
 * the first codec. */
void sdp_write_answer(struct sp_buf *b, const struct sdp *offer, const struct sdp_want *want);

/* sdp_candidate writes the n-th made-up host candidate line (RFC 8839 5.1), without "a=". */
void sdp_candidate(struct sp_buf *b, unsigned n);

#endif
