/* SPDX-License-Identifier: MIT
 * One row per column of sigmon stat: STAT(title, width, kind, name, group, member, help). A NULL
 * title is for machines alone. kind: GAUGE is shown as it is, COUNTER as a rate. name is the one in
 * JSON, with _per_s behind a counter's. group is the object among the counters that has the member,
 * "" for the counters themselves, NULL for the reply; a NULL member is the sum of the group. */
STAT("clients", 7, GAUGE, "clients", NULL, "clients", "who is registered")
STAT("conns", 6, GAUGE, "connections", NULL, "connections", "connections, this one too")
STAT("sess", 5, GAUGE, "sessions", NULL, "sessions", "open sessions")
STAT("mons", 5, GAUGE, "monitors", NULL, "monitors", "monitors")
STAT("queued", 7, GAUGE, "queued_bytes", NULL, "queuedBytes", "bytes that wait for slow receivers")
STAT("regs/s", 7, COUNTER, "registers", "events", "register", "registrations")
STAT("calls/s", 8, COUNTER, "session_opens", "events", "session_open", "sessions opened")
STAT("msgs/s", 8, COUNTER, "messages", "relayed", NULL, "messages relayed")
STAT("bytes/s", 8, COUNTER, "relayed_bytes", "", "relayedBytes", "bytes relayed")
STAT("errs/s", 7, COUNTER, "errors", "errors", NULL, "requests refused or not delivered")
STAT("limit/s", 8, COUNTER, "limited", "events", "rate_limit", "rate limits hit")
STAT(NULL, 0, COUNTER, "offers", "relayed", "offer", "offers relayed")
STAT(NULL, 0, COUNTER, "answers", "relayed", "answer", "answers relayed")
STAT(NULL, 0, COUNTER, "candidates", "relayed", "ice", "candidates relayed")
STAT(NULL, 0, COUNTER, "byes", "relayed", "bye", "byes relayed")
STAT(NULL, 0, COUNTER, "connects", "events", "connect", "connections made")
STAT(NULL, 0, COUNTER, "disconnects", "events", "disconnect", "connections ended")
STAT(NULL, 0, COUNTER, "session_answers", "events", "session_answer", "sessions answered")
STAT(NULL, 0, COUNTER, "session_ends", "events", "session_end", "sessions ended")
STAT(NULL, 0, COUNTER, "deliver_errors", "events", "deliver_error", "messages not delivered")
STAT(NULL, 0, COUNTER, "protocol_errors", "events", "protocol_error", "messages that break a rule")
