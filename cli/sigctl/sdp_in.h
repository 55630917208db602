/* SPDX-License-Identifier: MIT
 * What the files that read session descriptions share. */
#ifndef SIGCTL_SDP_IN_H
#define SIGCTL_SDP_IN_H

#include "cli/sigctl/sdp_check.h"

#define SDP_WORDS_MAX 64

/* sdp_split cuts at single spaces; two in a row make an empty word. Gives how many there are, at
 * most cap; with *more (may be NULL) true when that was not all. */
unsigned sdp_split(struct sp_str s, struct sp_str *v, unsigned cap, bool *more);
/* sdp_cut takes what stands before the character off *rest, all of it when there is none. */
struct sp_str sdp_cut(struct sp_str *rest, char at);

/* sdp_number reads decimal digits alone, up to most. */
bool sdp_number(struct sp_str s, uint64_t most, uint64_t *v);
bool sdp_is(struct sp_str s, const char *word);
bool sdp_is_one_of(struct sp_str s, const char *const *words);
/* sdp_all_of: one character or more, all of them of the class. */
bool sdp_all_of(struct sp_str s, bool (*is)(char c));
bool sdp_is_token_char(char c);
bool sdp_is_ice_char(char c);
bool sdp_is_ip4(struct sp_str s);
bool sdp_is_ip6(struct sp_str s);
bool sdp_is_host(struct sp_str s);

/* sdp_field judges the value of a line that is no attribute. */
void sdp_field(struct sdp *d, struct sdp_part *part, const struct sdp_line *l,
               struct sdp_findings *f);
/* sdp_attribute judges an attribute line and fills its slot. */
void sdp_attribute(struct sdp *d, struct sdp_part *part, const struct sdp_line *l,
                   struct sdp_findings *f);

/* sdp_read_groups finds what is wrong with the groups and marks the sections of BUNDLE groups. */
void sdp_read_groups(struct sdp *d, struct sdp_findings *f);

/* sdp_judge_rids and sdp_judge_simulcast look at the rid lines of a section. */
void sdp_judge_rids(const struct sdp_part *part, struct sdp_findings *f);
void sdp_judge_simulcast(const struct sdp_part *part, struct sdp_findings *f);

/* sdp_check_fn judges the value of an attribute. */
typedef void (*sdp_check_fn)(struct sdp_part *part, const struct sdp_line *l,
                             struct sdp_findings *f);

void sdp_check_fingerprint(struct sdp_part *part, const struct sdp_line *l, struct sdp_findings *f);
void sdp_check_rtpmap(struct sdp_part *part, const struct sdp_line *l, struct sdp_findings *f);
void sdp_check_fmtp(struct sdp_part *part, const struct sdp_line *l, struct sdp_findings *f);
void sdp_check_rtcp_fb(struct sdp_part *part, const struct sdp_line *l, struct sdp_findings *f);
void sdp_check_extmap(struct sdp_part *part, const struct sdp_line *l, struct sdp_findings *f);
void sdp_check_ssrc(struct sdp_part *part, const struct sdp_line *l, struct sdp_findings *f);
void sdp_check_ssrc_group(struct sdp_part *part, const struct sdp_line *l, struct sdp_findings *f);
void sdp_check_msid(struct sdp_part *part, const struct sdp_line *l, struct sdp_findings *f);
void sdp_check_rid(struct sdp_part *part, const struct sdp_line *l, struct sdp_findings *f);
void sdp_check_simulcast(struct sdp_part *part, const struct sdp_line *l, struct sdp_findings *f);
void sdp_check_rtcp(struct sdp_part *part, const struct sdp_line *l, struct sdp_findings *f);

#endif
