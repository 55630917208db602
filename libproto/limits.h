/* SPDX-License-Identifier: MIT
 * Every fixed bound of the protocol and where it comes from. */
#ifndef SP_LIMITS_H
#define SP_LIMITS_H

#define SP_ID_MAX        128u       /* protocol: client and session ids */
#define SP_RID_MAX       64u        /* protocol: request ids, decoded bytes */
#define SP_ROLE_MAX      32u        /* a role is a short word */
#define SP_ADDR_MAX      64u        /* [IPv6%zone]:port, or "unix" */
#define SP_WORD_MAX      32u        /* error codes, summaries */
#define SP_REASON_MAX    100u       /* RFC 6455 5.5.1 allows 123; the protocol promises 100 */
#define SP_META_MAX      2048u      /* protocol: meta of a registration */
#define SP_FILTER_MAX    1024u      /* source text of an event filter */
#define SP_MATCH_MAX     128u       /* a glob is no longer than an id */
#define SP_RESUME_LEN    22u        /* 128 bits in base62 */
#define SP_SESSION_LEN   (8u + 22u) /* "session-" and 128 bits in base62 */
#define SP_TOP_MAX       64u        /* members at the top level */
#define SP_DOC_MAX       72u /* members a document can hold: SP_TOP_MAX and what the server stamps */
#define SP_MEMBERS_MAX   512u             /* members and elements in all */
#define SP_DEPTH_MAX     16u              /* nesting, the top-level object counts as 1 */
#define SP_MESSAGE_MAX   (64u * 1024u)    /* default largest message */
#define SP_LIST_MAX      1000u            /* ids in one page of a list */
#define SP_SAMPLE_ALL    1000000u         /* a sample is so many events of a million */
#define SP_TIMESTAMP_LEN 24u              /* 2025-11-27T12:00:00.000Z */
#define SP_INT_MAX       9007199254740991 /* 2^53-1: what a JSON peer can hold (RFC 8259 6) */

#endif
