/* SPDX-License-Identifier: MIT
 * One row per field of an event, in wire order: SP_FIELD_NUM(member, name, unit) and
 * SP_FIELD_STR(member, name, longest). The name is the JSON member and the filter's word.
 * unit: COUNT, BYTES or USEC, so that a filter may say size>4k or us>2ms. */
SP_FIELD_NUM(seq, "seq", COUNT)
SP_FIELD_STR(id, "id", SP_ID_MAX)
SP_FIELD_STR(from, "from", SP_ID_MAX)
SP_FIELD_STR(to, "to", SP_ID_MAX)
SP_FIELD_STR(session, "session", SP_ID_MAX)
SP_FIELD_STR(role, "role", SP_ROLE_MAX)
SP_FIELD_STR(addr, "addr", SP_ADDR_MAX)
SP_FIELD_STR(code, "code", SP_WORD_MAX)
SP_FIELD_STR(reason, "reason", SP_REASON_MAX)
SP_FIELD_STR(summary, "summary", SP_WORD_MAX)
SP_FIELD_STR(node, "node", SP_ID_MAX)
SP_FIELD_NUM(conn, "conn", COUNT)
SP_FIELD_NUM(epoch, "epoch", COUNT)
SP_FIELD_NUM(size, "size", BYTES)
SP_FIELD_NUM(us, "us", USEC)
SP_FIELD_NUM(at, "at", USEC)
