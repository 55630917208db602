/* SPDX-License-Identifier: MIT
 * WebSocket (RFC 6455) without I/O: a client's handshake text, the frames of both sides. The caller
 * supplies randomness and the expected accept value. */
#ifndef SP_WSFRAME_H
#define SP_WSFRAME_H

#include "libproto/buf.h"
#include "libproto/types.h"

enum sp_ws_op {
    SP_WS_CONT = 0,
    SP_WS_TEXT = 1,
    SP_WS_BINARY = 2,
    SP_WS_CLOSE = 8,
    SP_WS_PING = 9,
    SP_WS_PONG = 10
};

#define SP_WS_HEADER_MAX 14
#define SP_WS_KEY_LEN    24
#define SP_WS_ACCEPT_LEN 28
#define SP_WS_GUID       "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

/* sp_ws_key writes the base64 of 16 random bytes (RFC 6455 4.1), no NUL. */
void sp_ws_key(char out[SP_WS_KEY_LEN], const uint8_t rnd[16]);

/* sp_ws_base64 encodes n bytes with padding; returns the length written. */
size_t sp_ws_base64(char *out, const uint8_t *p, size_t n);

/* sp_ws_request composes the upgrade request. headers: further lines, each ended by CRLF, or empty.
 * False when path, host or headers hold control characters that would split the request. */
bool sp_ws_request(struct sp_buf *b, struct sp_str host, struct sp_str path, struct sp_str key,
                   struct sp_str headers);

enum sp_ws_answer { SP_WS_MORE, SP_WS_UPGRADED, SP_WS_REFUSED, SP_WS_BAD };

/* sp_ws_response reads the server's answer: MORE until the header is whole; UPGRADED after a valid
 * 101 with the right accept value; REFUSED with another status (*status); BAD otherwise. *used is
 * the header's length. why (may be NULL) gets a static sentence on BAD. */
enum sp_ws_answer sp_ws_response(struct sp_str in, struct sp_str accept, size_t *used,
                                 unsigned *status, const char **why);

/* sp_ws_header writes a client's frame header with FIN as given and the mask bit set. */
size_t sp_ws_header(uint8_t out[SP_WS_HEADER_MAX], enum sp_ws_op op, bool fin, uint64_t len,
                    uint32_t mask);

#define SP_WS_SERVER_HEADER_MAX 10
/* sp_ws_put_header writes the header of a server's whole frame in front of its payload, where there
 * must be SP_WS_SERVER_HEADER_MAX bytes of room; returns its length. */
size_t sp_ws_put_header(char *payload, enum sp_ws_op op, uint64_t len);

/* sp_ws_mask applies the mask (its bytes in memory order) to p, which is at offset off in the
 * payload. */
void sp_ws_mask(char *p, size_t n, uint32_t mask, uint64_t off);

struct sp_ws_frame {
    enum sp_ws_op op;
    bool fin;
    uint64_t len;      /* payload */
    size_t header_len; /* bytes before it */
    uint32_t mask;     /* its bytes in memory order; of a client's frame */
};

enum sp_ws_sender { SP_WS_OF_SERVER, SP_WS_OF_CLIENT };

enum sp_ws_parse { SP_WS_NEED_MORE, SP_WS_HEADER, SP_WS_PROTOCOL_ERROR };

/* sp_ws_parse_header reads a frame header: reserved bits, masked frames of a server, unmasked ones
 * of a client, fragmented or long control frames, non-minimal lengths and unknown opcodes are
 * protocol errors (RFC 6455 5.1, 5.2, 5.5). */
enum sp_ws_parse sp_ws_parse_header(const char *p, size_t n, enum sp_ws_sender from,
                                    struct sp_ws_frame *f);

/* sp_ws_close_ok tells whether the payload of a close frame is valid (RFC 6455 5.5.1, 7.4): empty,
 * or a code that may stand on the wire; the reason's UTF-8 is the caller's to check. */
bool sp_ws_close_ok(struct sp_str payload);

#endif
