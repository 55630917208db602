/* SPDX-License-Identifier: MIT
 * One row per limit that a role may have of its own: LIMIT_ROW(member, name, kind, low, high). The
 * names are those of the options that set it for everybody. kind: COUNT or SIZE. */
LIMIT_ROW(message_rate, "message-rate", COUNT, 0, 1000000)
LIMIT_ROW(message_burst, "message-burst", COUNT, 1, 1000000)
LIMIT_ROW(byte_rate, "byte-rate", SIZE, 0, 1073741824)
LIMIT_ROW(byte_burst, "byte-burst", SIZE, 4096, 1073741824)
LIMIT_ROW(max_sessions, "max-sessions", COUNT, 1, 100000)
LIMIT_ROW(queue_bytes, "send-queue", SIZE, 4096, 67108864)
LIMIT_ROW(queue_msgs, "send-queue-messages", COUNT, 1, 65536)
