/* SPDX-License-Identifier: MIT
 * One row per client-to-server message: SP_REQUEST(TYPE, handler, required members, optional
 * members, states it is allowed in, class, help). A handler that does not exist is a link error.
 * states: SP_ST_OPEN before registration, SP_ST_VOUCHED before it when the connection has rights of
 * its own (it is local, or came with a token or certificate), SP_ST_REGISTERED after.
 * class: SP_CLASS_FREE needs no right; SP_CLASS_RELAY needs the right towards the target's role,
 * and members that the server does not own travel on unchanged; SP_CLASS_QUERY tells only of roles
 * that the right names; SP_CLASS_ADMIN needs the right, towards the target's role where there is a
 * target. */
SP_REQUEST(REGISTER, register, SP_B(ID),
           SP_B(ROLE) | SP_B(META) | SP_B(TOKEN) | SP_B(RESUME) | SP_B(RECEIVED),
           SP_ST_OPEN | SP_ST_REGISTERED, SP_CLASS_FREE, "claim a client id")
SP_REQUEST(OFFER, offer, SP_B(TARGET) | SP_B(SDP), SP_B(SESSION) | SP_B(HOLD), SP_ST_REGISTERED,
           SP_CLASS_RELAY, "open or renegotiate a session")
SP_REQUEST(ANSWER, answer, SP_B(TARGET) | SP_B(SDP), SP_B(SESSION), SP_ST_REGISTERED,
           SP_CLASS_RELAY, "accept an offer")
SP_REQUEST(ICE, ice, SP_B(TARGET) | SP_B(CANDIDATE), SP_B(SESSION), SP_ST_REGISTERED,
           SP_CLASS_RELAY, "send an ICE candidate; null ends the candidates")
SP_REQUEST(BYE, bye, SP_B(TARGET), SP_B(SESSION) | SP_B(REASON), SP_ST_REGISTERED, SP_CLASS_RELAY,
           "end a session")
SP_REQUEST(LIST, list, 0, SP_B(MATCH) | SP_B(ROLE) | SP_B(LIMIT) | SP_B(AFTER) | SP_B(DETAIL),
           SP_ST_VOUCHED | SP_ST_REGISTERED, SP_CLASS_QUERY, "registered clients, a page at a time")
SP_REQUEST(ICE_SERVERS, ice_servers, 0, 0, SP_ST_REGISTERED, SP_CLASS_FREE,
           "STUN and TURN servers, with fresh credentials")
SP_REQUEST(PING, ping, 0, 0, SP_ST_OPEN | SP_ST_REGISTERED, SP_CLASS_FREE, "answered by pong")
SP_REQUEST(WATCH, watch, 0, SP_B(MATCH) | SP_B(ROLE), SP_ST_VOUCHED | SP_ST_REGISTERED,
           SP_CLASS_QUERY, "be told who joins and leaves")
SP_REQUEST(UNWATCH, unwatch, 0, 0, SP_ST_OPEN | SP_ST_REGISTERED, SP_CLASS_FREE, "stop watching")
SP_REQUEST(MONITOR, monitor, 0,
           SP_B(FILTER) | SP_B(BACKLOG) | SP_B(SINCE) | SP_B(AGE) | SP_B(SAMPLE) | SP_B(BOOT) |
               SP_B(CONTENT),
           SP_ST_OPEN | SP_ST_REGISTERED, SP_CLASS_ADMIN, "stream the events of the server")
SP_REQUEST(SESSIONS, sessions, 0, SP_B(MATCH) | SP_B(LIMIT) | SP_B(AFTER),
           SP_ST_OPEN | SP_ST_REGISTERED, SP_CLASS_ADMIN, "open sessions, a page at a time")
SP_REQUEST(STATS, stats, 0, 0, SP_ST_OPEN | SP_ST_REGISTERED, SP_CLASS_ADMIN,
           "counters of the server")
SP_REQUEST(KICK, kick, SP_B(TARGET), SP_B(REASON), SP_ST_OPEN | SP_ST_REGISTERED, SP_CLASS_ADMIN,
           "close a client's connection with 4502")
SP_REQUEST(DRAIN, drain, 0, 0, SP_ST_OPEN | SP_ST_REGISTERED, SP_CLASS_ADMIN,
           "end the server gracefully, as SIGTERM does")
SP_REQUEST(RELOAD, reload, 0, 0, SP_ST_OPEN | SP_ST_REGISTERED, SP_CLASS_ADMIN,
           "read the configuration again, as SIGHUP does")
