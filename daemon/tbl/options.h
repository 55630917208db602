/* SPDX-License-Identifier: MIT
 * One row per option of sigd:
 * SIGD_OPTION(field, name, letter, type, default, low, high, original environment name, argument,
 *             help)
 * Every option is --name, SIGD_NAME in the environment and name in sigd.conf.
 * type: STRING, WORD (the grammar of an id), SECRET, LIST (strings), NUMBER, SIZE (bytes), DURATION
 * (milliseconds when bare), FLAG, CHOICE (argument lists the words). low and high bound numbers,
 * bytes and microseconds. */
SIGD_OPTION(listen, "listen", 'l', LIST, NULL, 0, 0, NULL, "ADDR",
            "listen on HOST:PORT, [IPV6]:PORT or unix:PATH; repeatable")
SIGD_OPTION(port, "port", 'p', NUMBER, "8081", 0, 65535, "PORT", "N",
            "port on 127.0.0.1 when no --listen is given")
SIGD_OPTION(health, "health", 0, STRING, "127.0.0.1:8082", 0, 0, NULL, "ADDR|none",
            "address of GET /health")
SIGD_OPTION(allow_anonymous, "allow-anonymous", 0, FLAG, "false", 0, 0, NULL, NULL,
            "let everybody in on addresses that are not local")
SIGD_OPTION(jwt_secret, "jwt-secret", 0, SECRET, NULL, 0, 0, "JWT_SECRET", "SECRET",
            "reserved: this version refuses to start with it")
SIGD_OPTION(port_file, "port-file", 0, STRING, NULL, 0, 0, NULL, "FILE",
            "write the port (or socket path) of each listener there")
SIGD_OPTION(ready_fd, "ready-fd", 0, NUMBER, "-1", -1, 1024, NULL, "FD",
            "write a line to this descriptor once clients are accepted")
SIGD_OPTION(log_level, "log-level", 0, CHOICE, "info", 0, 0, "LOG_LEVEL", "error|warn|info|debug",
            "least level that is logged")
SIGD_OPTION(log_format, "log-format", 0, CHOICE, "text", 0, 0, NULL, "text|json",
            "shape of log lines")
SIGD_OPTION(node, "node", 0, WORD, "sigd", 0, 0, NULL, "NAME", "name of this server")
SIGD_OPTION(max_clients, "max-clients", 0, NUMBER, "1000", 1, 1000000, "MAX_CLIENTS", "N",
            "connections served at once")
SIGD_OPTION(max_message, "max-message", 0, SIZE, "64K", 1024, 1048576, NULL, "SIZE",
            "largest message")
SIGD_OPTION(max_depth, "max-depth", 0, NUMBER, "16", 1, 60, NULL, "N", "nesting of a message")
SIGD_OPTION(max_members, "max-members", 0, NUMBER, "512", 1, 65536, NULL, "N",
            "members and elements of a message")
SIGD_OPTION(max_errors, "max-errors", 0, NUMBER, "20", 1, 1000, NULL, "N",
            "protocol errors in 10 s before the connection is closed")
SIGD_OPTION(max_sessions, "max-sessions", 0, NUMBER, "64", 1, 100000, NULL, "N",
            "open sessions that a client has begun")
SIGD_OPTION(send_queue, "send-queue", 0, SIZE, "256K", 4096, 67108864, NULL, "SIZE",
            "bytes queued for a receiver that reads slowly")
SIGD_OPTION(send_queue_messages, "send-queue-messages", 0, NUMBER, "256", 1, 65536, NULL, "N",
            "messages queued for such a receiver")
SIGD_OPTION(send_timeout, "send-timeout", 0, DURATION, "10s", 100000, 3600000000, NULL, "DUR",
            "how long its queue may stand still")
SIGD_OPTION(heartbeat_interval, "heartbeat-interval", 0, DURATION, "30000", 0, 86400000000,
            "HEARTBEAT_INTERVAL", "DUR", "silence before a ping; 0 is never")
SIGD_OPTION(register_timeout, "register-timeout", 0, DURATION, "10s", 100000, 3600000000, NULL,
            "DUR", "time for the first register")
SIGD_OPTION(offer_timeout, "offer-timeout", 0, DURATION, "60s", 100000, 86400000000, NULL, "DUR",
            "life of a session without an answer")
SIGD_OPTION(session_timeout, "session-timeout", 0, DURATION, "24h", 100000, 31536000000000, NULL,
            "DUR", "life of a session since its last message")
SIGD_OPTION(drain_timeout, "drain-timeout", 0, DURATION, "10s", 0, 3600000000, NULL, "DUR",
            "longest graceful stop")
SIGD_OPTION(duplicate_policy, "duplicate-policy", 0, CHOICE, "replace", 0, 0, NULL,
            "replace|reject", "what a second connection for a live id does")
SIGD_OPTION(event_ring, "event-ring", 0, NUMBER, "4096", 16, 1048576, NULL, "N",
            "newest events kept for monitors")
