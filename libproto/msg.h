/* SPDX-License-Identifier: MIT
 * Messages: decoding what clients send, encoding what the server and the clients send. */
#ifndef SP_MSG_H
#define SP_MSG_H

#include "libproto/buf.h"
#include "libproto/err.h"
#include "libproto/json.h"
#include "libproto/scan.h"
#include "libproto/types.h"

enum sp_msg_member {
#define SP_MEMBER(id, name, kinds, own) SP_M_##id,
#include "libproto/tbl/members.h"
#undef SP_MEMBER
    SP_M_COUNT
};

#define SP_B(id)         (1u << SP_M_##id)
#define SP_ST_OPEN       1u
#define SP_ST_REGISTERED 2u
#define SP_ST_VOUCHED    4u

enum sp_class { SP_CLASS_FREE, SP_CLASS_RELAY, SP_CLASS_QUERY, SP_CLASS_ADMIN };

/* sp_request is one row of tbl/requests.h. */
struct sp_request {
    enum sp_type type;
    uint32_t required, optional; /* SP_B() bits */
    uint32_t states;             /* SP_ST_* bits */
    enum sp_class class;
    const char *help;
};

/* sp_request_row gives the row of a type; NULL for SP_T_NONE and server-to-client types. */
const struct sp_request *sp_request_row(enum sp_type t);

/* sp_type_wire and sp_type_find map the words of "type"; find gives SP_T_NONE if unknown. */
const char *sp_type_wire(enum sp_type t);
enum sp_type sp_type_find(struct sp_str wire);

/* sp_msg is one decoded client-to-server message. Everything borrows from the input buffer, or
 * from scratch where an escape had to be decoded. */
struct sp_msg {
    enum sp_type type;
    const struct sp_request *row;
    struct sp_doc doc;
    uint32_t have;                  /* SP_B() bits of the members that are present, not null */
    struct sp_str raw[SP_M_COUNT];  /* raw values; valid where have says so */
    struct sp_str str[SP_M_COUNT];  /* decoded short strings: all but sdp and token */
    int64_t num[SP_M_COUNT];        /* integers: limit, backlog, hold; since, as ms if text */
    struct sp_str rid;              /* raw, echoed as it stands; n is 0 when absent */
    struct sp_str pass[SP_DOC_MAX]; /* runs of members to forward, "key":value,"key":value */
    uint32_t npass;
    size_t scratch_used;
    char scratch[2048];
};

/* sp_msg_decode scans and checks one client-to-server message against its row. On failure msg->rid
 * and msg->type are still set where the message got that far, so that the error can echo them.
 * Errors: those of sp_scan, SP_UNKNOWN_TYPE, SP_MISSING_MEMBER, SP_INVALID_MEMBER, SP_INVALID_ID.
 */
enum sp_err sp_msg_decode(struct sp_msg *msg, const char *buf, size_t len,
                          const struct sp_scan_limits *lim, struct sp_diag *d) SP_MUST_CHECK;

static inline bool sp_msg_has(const struct sp_msg *m, enum sp_msg_member id)
{
    return (m->have >> id) & 1u;
}

/* sp_stamped is what the server adds to a relayed message. */
struct sp_stamped {
    enum sp_type type;
    struct sp_str from;
    struct sp_str session; /* n is 0: no session */
    struct sp_str timestamp;
    int polite; /* -1: not an offer */
};

/* sp_put_relay composes the forwarded message: the server's members, then the sender's others byte
 * for byte. Check b->full afterwards. */
void sp_put_relay(struct sp_buf *b, const struct sp_stamped *s, const struct sp_msg *m);

/* sp_put_error composes an error; rid (raw) and target may be empty, retry_after_ms < 0: none. */
void sp_put_error(struct sp_buf *b, enum sp_err e, struct sp_str details, struct sp_str rid,
                  struct sp_str target, int64_t retry_after_ms, struct sp_str timestamp);

/* sp_put_ack composes the one answer to a request with a rid; session may be empty. */
void sp_put_ack(struct sp_buf *b, struct sp_str rid, struct sp_str session,
                struct sp_str timestamp);

/* sp_put_bye composes a bye that the server itself sends. */
void sp_put_bye(struct sp_buf *b, struct sp_str from, struct sp_str session, enum sp_bye reason,
                struct sp_str timestamp);

/* Client side: sp_put_register and sp_put_send compose requests; empty slices leave the member out,
 * rid is raw JSON. body is raw JSON members ("\"sdp\":\"v=0\"") that follow the known ones. */
void sp_put_register(struct sp_buf *b, struct sp_str id, struct sp_str role, struct sp_str meta,
                     struct sp_str token, struct sp_str resume, struct sp_str rid);
void sp_put_send(struct sp_buf *b, struct sp_str type, struct sp_str target, struct sp_str session,
                 struct sp_str body, struct sp_str rid);

#endif
