/* SPDX-License-Identifier: MIT
 * One row per option of sigd:
 * SIGD_OPTION(field, name, letter, type, default, low, high, reloadable, original environment name,
 *             argument, help)
 * Every option is --name, SIGD_NAME in the environment and name in sigd.conf.
 * type: STRING, WORD (the grammar of an id), SECRET, LIST (strings), NUMBER, SIZE (bytes), DURATION
 * (milliseconds when bare), FLAG, CHOICE (argument lists the words). low and high bound numbers,
 * bytes and microseconds; high is the most values of a LIST. Options that are not reloadable keep
 * their value until the next start. */
SIGD_OPTION(listen, "listen", 'l', LIST, NULL, 0, 15, false, NULL, "ADDR",
            "listen on HOST:PORT, [IPV6]:PORT or unix:PATH; repeatable")
SIGD_OPTION(port, "port", 'p', NUMBER, "8081", 0, 65535, false, "PORT", "N",
            "port on 127.0.0.1 when no --listen is given")
SIGD_OPTION(health, "health", 0, STRING, "127.0.0.1:8082", 0, 0, false, NULL, "ADDR|none",
            "address of GET /health")
SIGD_OPTION(allow_anonymous, "allow-anonymous", 0, FLAG, "false", 0, 0, false, NULL, NULL,
            "let everybody in on addresses that are not local")
SIGD_OPTION(tls_cert, "tls-cert", 0, STRING, NULL, 0, 0, true, NULL, "FILE",
            "certificate chain of tls: listeners (PEM)")
SIGD_OPTION(tls_key, "tls-key", 0, STRING, NULL, 0, 0, true, NULL, "FILE",
            "its private key, which others must not be able to read")
SIGD_OPTION(client_ca, "client-ca", 0, STRING, NULL, 0, 0, true, NULL, "FILE",
            "authorities that sign client certificates (PEM)")
SIGD_OPTION(client_cert, "client-cert", 0, CHOICE, "none", 0, 0, true, NULL,
            "none|optional|required", "whether tls: listeners ask for a client certificate")
SIGD_OPTION(crl, "crl", 0, STRING, NULL, 0, 0, true, NULL, "FILE",
            "revoked client certificates (PEM)")
SIGD_OPTION(cert_role, "cert-role", 0, LIST, NULL, 0, 64, true, NULL, "GLOB=ROLE",
            "role of certificates whose id matches, first match wins; repeatable")
SIGD_OPTION(jwt_secret, "jwt-secret", 0, SECRET, NULL, 0, 0, true, "JWT_SECRET", "SECRET",
            "HS256 secret of client tokens")
SIGD_OPTION(jwt_secret_file, "jwt-secret-file", 0, STRING, NULL, 0, 0, true, NULL, "FILE",
            "read that secret from FILE, which others must not be able to read")
SIGD_OPTION(jwt_key, "jwt-key", 0, LIST, NULL, 0, 15, true, NULL, "KID=FILE",
            "public key of tokens that name KID (PEM); repeatable")
SIGD_OPTION(jwt_issuer, "jwt-issuer", 0, STRING, NULL, 0, 0, true, NULL, "TEXT",
            "iss that a token must have")
SIGD_OPTION(jwt_audience, "jwt-audience", 0, STRING, NULL, 0, 0, true, NULL, "TEXT",
            "aud that a token must name")
SIGD_OPTION(jwt_leeway, "jwt-leeway", 0, DURATION, "0", 0, 300000000, true, NULL, "DUR",
            "how far the clock of a token's issuer may be off")
SIGD_OPTION(ice_server, "ice-server", 0, LIST, NULL, 0, 16, true, NULL, "URL",
            "tell clients of this stun:, stuns:, turn: or turns: server; repeatable")
SIGD_OPTION(turn_secret_file, "turn-secret-file", 0, STRING, NULL, 0, 0, true, NULL, "FILE",
            "secret shared with the TURN servers, of which time-limited credentials are made")
SIGD_OPTION(turn_ttl, "turn-ttl", 0, DURATION, "1h", 1000000, 86400000000, true, NULL, "DUR",
            "life of those credentials")
SIGD_OPTION(turn_user, "turn-user", 0, STRING, NULL, 0, 0, true, NULL, "NAME",
            "user of the TURN servers, the same for all clients")
SIGD_OPTION(turn_password_file, "turn-password-file", 0, STRING, NULL, 0, 0, true, NULL, "FILE",
            "read its password from FILE, which others must not be able to read")
SIGD_OPTION(rights, "rights", 0, LIST, NULL, 0, 64, true, NULL, "ROLE GRANT...",
            "what ROLE may do, instead of its row of --print-rights; repeatable")
SIGD_OPTION(default_role, "default-role", 0, WORD, NULL, 0, 0, true, NULL, "ROLE",
            "role of a token or certificate that names none")
SIGD_OPTION(role_limit, "role-limit", 0, LIST, NULL, 0, 64, true, NULL, "ROLE NAME=VALUE...",
            "limits of ROLE instead of the general ones; repeatable")
SIGD_OPTION(message_rate, "message-rate", 0, NUMBER, "200", 0, 1000000, true, NULL, "N",
            "messages a second that a connection may send; 0 is no limit")
SIGD_OPTION(message_burst, "message-burst", 0, NUMBER, "1000", 1, 1000000, true, NULL, "N",
            "messages it may send at once")
SIGD_OPTION(byte_rate, "byte-rate", 0, SIZE, "512K", 0, 1073741824, true, NULL, "SIZE",
            "bytes a second that a connection may send; 0 is no limit")
SIGD_OPTION(byte_burst, "byte-burst", 0, SIZE, "4M", 1024, 1073741824, true, NULL, "SIZE",
            "bytes it may send at once")
SIGD_OPTION(address_rate, "address-rate", 0, NUMBER, "100", 0, 1000000, true, NULL, "N",
            "connections a second from an address (IPv6: from a /64); 0 is no limit")
SIGD_OPTION(address_burst, "address-burst", 0, NUMBER, "1000", 1, 1000000, true, NULL, "N",
            "connections it may open at once")
SIGD_OPTION(auth_failures, "auth-failures", 0, NUMBER, "10", 0, 1000000, true, NULL, "N",
            "failed authentications a minute before an address must wait; 0 is no limit")
SIGD_OPTION(unregistered_bytes, "unregistered-bytes", 0, SIZE, "16K", 1024, 1048576, true, NULL,
            "SIZE", "bytes a connection may send before it registers")
SIGD_OPTION(trusted_proxy, "trusted-proxy", 0, LIST, NULL, 0, 64, true, NULL, "CIDR",
            "believe X-Forwarded-For from there; repeatable")
SIGD_OPTION(allow_origin, "allow-origin", 0, LIST, NULL, 0, 64, true, NULL, "PATTERN",
            "browsers of this origin may connect, such as https://*.example.com; repeatable")
SIGD_OPTION(health_host, "health-host", 0, LIST, NULL, 0, 64, true, NULL, "NAME",
            "Host that the health listener answers to; repeatable")
SIGD_OPTION(audit, "audit", 0, STRING, NULL, 0, 0, false, NULL, "FILE",
            "append who did what to FILE")
SIGD_OPTION(audit_required, "audit-required", 0, FLAG, "false", 0, 0, false, NULL, NULL,
            "refuse service while it cannot be written")
SIGD_OPTION(audit_queue, "audit-queue", 0, NUMBER, "16384", 64, 1048576, false, NULL, "N",
            "records that wait for the disk")
SIGD_OPTION(port_file, "port-file", 0, STRING, NULL, 0, 0, false, NULL, "FILE",
            "write the port (or socket path) of each listener there")
SIGD_OPTION(ready_fd, "ready-fd", 0, NUMBER, "-1", -1, 1024, false, NULL, "FD",
            "write a line to this descriptor once clients are accepted")
SIGD_OPTION(log_level, "log-level", 0, CHOICE, "info", 0, 0, true, "LOG_LEVEL",
            "error|warn|info|debug", "least level that is logged")
SIGD_OPTION(log_format, "log-format", 0, CHOICE, "text", 0, 0, false, NULL, "text|json",
            "shape of log lines")
SIGD_OPTION(node, "node", 0, WORD, "sigd", 0, 0, false, NULL, "NAME", "name of this server")
SIGD_OPTION(redis, "redis", 0, SECRET, NULL, 0, 0, false, NULL, "URL",
            "talk to other nodes: redis://[USER:PASSWORD@]HOST:PORT or unix:PATH")
SIGD_OPTION(cluster_key_file, "cluster-key-file", 0, STRING, NULL, 0, 0, false, NULL, "FILE",
            "key that all nodes share, which others must not be able to read")
SIGD_OPTION(max_clients, "max-clients", 0, NUMBER, "1000", 1, 1000000, false, "MAX_CLIENTS", "N",
            "connections served at once")
SIGD_OPTION(max_message, "max-message", 0, SIZE, "64K", 1024, 1048576, false, NULL, "SIZE",
            "largest message")
SIGD_OPTION(max_depth, "max-depth", 0, NUMBER, "16", 1, 60, true, NULL, "N", "nesting of a message")
SIGD_OPTION(max_members, "max-members", 0, NUMBER, "512", 1, 65536, true, NULL, "N",
            "members and elements of a message")
SIGD_OPTION(max_errors, "max-errors", 0, NUMBER, "20", 1, 1000, true, NULL, "N",
            "protocol errors in 10 s before the connection is closed")
SIGD_OPTION(max_sessions, "max-sessions", 0, NUMBER, "64", 1, 100000, true, NULL, "N",
            "open sessions that a client has begun")
SIGD_OPTION(send_queue, "send-queue", 0, SIZE, "256K", 4096, 67108864, true, NULL, "SIZE",
            "bytes queued for a receiver that reads slowly")
SIGD_OPTION(send_queue_messages, "send-queue-messages", 0, NUMBER, "256", 1, 65536, true, NULL, "N",
            "messages queued for such a receiver")
SIGD_OPTION(send_timeout, "send-timeout", 0, DURATION, "10s", 100000, 3600000000, true, NULL, "DUR",
            "how long its queue may stand still")
SIGD_OPTION(heartbeat_interval, "heartbeat-interval", 0, DURATION, "30000", 0, 86400000000, true,
            "HEARTBEAT_INTERVAL", "DUR", "silence before a ping; 0 is never")
SIGD_OPTION(register_timeout, "register-timeout", 0, DURATION, "10s", 100000, 3600000000, true,
            NULL, "DUR", "time for the first register")
SIGD_OPTION(offer_timeout, "offer-timeout", 0, DURATION, "60s", 100000, 86400000000, true, NULL,
            "DUR", "life of a session without an answer")
SIGD_OPTION(session_timeout, "session-timeout", 0, DURATION, "24h", 100000, 31536000000000, true,
            NULL, "DUR", "life of a session since its last message")
SIGD_OPTION(resume_window, "resume-window", 0, DURATION, "30s", 0, 3600000000, true, NULL, "DUR",
            "how long a client whose link is lost may be away; 0 is never")
SIGD_OPTION(drain_timeout, "drain-timeout", 0, DURATION, "10s", 0, 3600000000, true, NULL, "DUR",
            "longest graceful stop")
SIGD_OPTION(reconnect_window, "reconnect-window", 0, DURATION, "10s", 0, 3600000000, true, NULL,
            "DUR", "time over which a stop spreads the reconnects")
SIGD_OPTION(duplicate_policy, "duplicate-policy", 0, CHOICE, "replace", 0, 0, true, NULL,
            "replace|reject", "what a second connection for a live id does")
SIGD_OPTION(event_ring, "event-ring", 0, NUMBER, "4096", 16, 1048576, false, NULL, "N",
            "newest events kept for monitors")
SIGD_OPTION(log_sdp, "log-sdp", 0, CHOICE, "none", 0, 0, false, NULL, "none|full",
            "what messages carry, in the events of monitors that may see it")
