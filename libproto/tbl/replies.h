/* SPDX-License-Identifier: MIT
 * One row per server-to-client message: SP_REPLY(TYPE, required members as a client may rely on).
 */
SP_REPLY(REGISTERED, "id timestamp")
SP_REPLY(OFFER, "from sdp sessionId timestamp")
SP_REPLY(ANSWER, "from sdp sessionId timestamp")
SP_REPLY(ICE, "from candidate timestamp")
SP_REPLY(BYE, "from sessionId reason timestamp")
SP_REPLY(CLIENTS, "clients count")
SP_REPLY(PONG, "timestamp")
SP_REPLY(ERROR, "message details")
SP_REPLY(ACK, "rid timestamp")
SP_REPLY(PRESENCE, "event id timestamp")
SP_REPLY(EVENTS, "events")
SP_REPLY(GAP, "missed from to")
SP_REPLY(SESSIONS, "sessions count")
SP_REPLY(STATS, "clients connections sessions uptime counters timestamp")
SP_REPLY(ICE_SERVERS, "iceServers timestamp")
SP_REPLY(GOAWAY, "reason reconnectAfter")
