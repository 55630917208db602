/* SPDX-License-Identifier: MIT
 * The strict one-pass JSON scanner: RFC 8259 with UTF-8 checked, no tree, no allocation. */
#ifndef SP_SCAN_H
#define SP_SCAN_H

#include "libproto/err.h"
#include "libproto/limits.h"
#include "libproto/types.h"

/* Kinds of a JSON value, as bits so that a table can allow several. */
enum sp_json_kind {
    SP_J_STRING = 1,
    SP_J_NUMBER = 2,
    SP_J_OBJECT = 4,
    SP_J_ARRAY = 8,
    SP_J_BOOL = 16,
    SP_J_NULL = 32,
    SP_J_ANY = 63
};

/* sp_member is one member of the top-level object, as offsets into the scanned bytes. The key is
 * without its quotes; the value is raw, a string's with its quotes. */
struct sp_member {
    uint32_t key_off, key_len;
    uint32_t val_off, val_len;
    uint8_t kind;     /* enum sp_json_kind */
    bool key_escaped; /* the key holds a backslash */
    bool val_escaped; /* the value is a string that holds a backslash */
};

/* sp_doc borrows the scanned bytes until they change. */
struct sp_doc {
    const char *buf;
    size_t len;
    uint32_t count;
    struct sp_member m[SP_DOC_MAX];
};

struct sp_scan_limits {
    uint32_t depth;   /* <= 64 */
    uint32_t top;     /* <= SP_DOC_MAX */
    uint32_t members; /* members and array elements in all */
};

/* What the server takes, and what a client must be ready for: a relayed message has gained the
 * server's members, a list may have a thousand elements. */
extern const struct sp_scan_limits sp_scan_defaults, sp_scan_replies;

/* sp_scan checks that buf is one JSON object and fills doc with its members in order. Errors:
 * SP_INVALID_JSON (d->bad_utf8 set where the bytes are not UTF-8), SP_INVALID_MESSAGE (not an
 * object, a cap exceeded, a top-level member repeated). doc is unspecified on failure. */
enum sp_err sp_scan(struct sp_doc *doc, const char *buf, size_t len,
                    const struct sp_scan_limits *lim, struct sp_diag *d) SP_MUST_CHECK;

/* sp_scan_value is sp_scan for any JSON value, without members. */
enum sp_err sp_scan_value(const char *buf, size_t len, const struct sp_scan_limits *lim,
                          struct sp_diag *d) SP_MUST_CHECK;

/* sp_doc_find gives the member with that decoded key, or NULL. */
const struct sp_member *sp_doc_find(const struct sp_doc *doc, struct sp_str key);

/* sp_doc_raw gives the member's value as it stands, quotes included. */
static inline struct sp_str sp_doc_raw(const struct sp_doc *doc, const struct sp_member *m)
{
    return (struct sp_str){doc->buf + m->val_off, m->val_len};
}

/* sp_doc_str gives the text of a string member: borrowed from the input when nothing is escaped,
 * else decoded into scratch. SP_INVALID_MEMBER: absent, not a string, U+0000 inside, an unpaired
 * surrogate, or longer than cap. */
enum sp_err sp_doc_str(const struct sp_doc *doc, struct sp_str key, char *scratch, size_t cap,
                       struct sp_str *out) SP_MUST_CHECK;

/* sp_doc_int gives an integer member within +-SP_INT_MAX. SP_INVALID_MEMBER otherwise. */
enum sp_err sp_doc_int(const struct sp_doc *doc, struct sp_str key, int64_t *out) SP_MUST_CHECK;

/* sp_unescape decodes a raw JSON string (quotes included, already scanned) into dst. Returns the
 * length, or SIZE_MAX when it does not fit, holds U+0000 or an unpaired surrogate. */
size_t sp_unescape(char *dst, size_t cap, struct sp_str raw);

/* sp_text_eq compares two raw string bodies (without quotes, already scanned) by the text that they
 * decode to. */
bool sp_text_eq(struct sp_str a, struct sp_str b);

/* sp_parse_int reads a raw JSON number that is an integer within +-SP_INT_MAX. */
bool sp_parse_int(struct sp_str raw, int64_t *out);

#endif
