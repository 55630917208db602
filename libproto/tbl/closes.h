/* SPDX-License-Identifier: MIT
 * One row per WebSocket close code that sigd sends: SP_CLOSE(ID, code, default reason).
 * RFC 6455 section 7.4.1; 4000-4499 ask for a reconnect with back-off, 4500-4999 forbid it. */
SP_CLOSE(NORMAL, 1000, "bye")
SP_CLOSE(GOING_AWAY, 1001, "server going away")
SP_CLOSE(PROTOCOL, 1002, "protocol error")
SP_CLOSE(UNSUPPORTED, 1003, "text frames only")
SP_CLOSE(BAD_UTF8, 1007, "invalid utf-8")
SP_CLOSE(POLICY, 1008, "too many protocol errors")
SP_CLOSE(TOO_BIG, 1009, "message too big")
SP_CLOSE(INTERNAL, 1011, "internal error")
SP_CLOSE(HEARTBEAT, 4400, "heartbeat lost")
SP_CLOSE(NOT_REGISTERED, 4408, "not registered in time")
SP_CLOSE(SLOW, 4409, "slow receiver")
SP_CLOSE(RATE, 4429, "rate limit")
SP_CLOSE(NODE_LOST, 4453, "node lost")
SP_CLOSE(REPLACED, 4501, "replaced by a newer connection")
SP_CLOSE(KICKED, 4502, "kicked")
SP_CLOSE(TOKEN, 4503, "token expired")
