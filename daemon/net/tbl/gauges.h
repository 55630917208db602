/* SPDX-License-Identifier: MIT
 * One row per plain metric of /metrics: METRIC(name behind sigd_, GAUGE or COUNTER, expression of
 * struct sample s, help). Those with labels are in metrics.c. */
METRIC("connections", GAUGE, hub_connections(s->n->hub), "WebSocket connections")
METRIC("clients", GAUGE, hub_clients(s->n->hub), "Registered clients")
METRIC("sessions", GAUGE, hub_sessions(s->n->hub), "Open sessions")
METRIC("monitors", GAUGE, hub_monitors(s->n->hub), "Connections that stream events")
METRIC("handshakes", GAUGE, s->n->nshaking, "Connections without a WebSocket yet")
METRIC("max_clients", GAUGE, s->n->conf.max_clients, "Connections served at once, at most")
METRIC("queue_bytes", GAUGE, hub_queued_bytes(s->n->hub), "Bytes queued for slow receivers")
METRIC("accepting", GAUGE, s->n->accepting, "1 while new connections are accepted")
METRIC("draining", GAUGE, s->n->stopping, "1 while the server ends gracefully")
METRIC("withholding", GAUGE, s->n->withheld,
       "1 while nothing is relayed because the audit log fails")
METRIC("relayed_bytes_total", COUNTER, s->c->relayed_bytes,
       "Bytes of relayed messages, as received")
METRIC("auth_failures_total", COUNTER, s->c->failed_auths, "Failed authentications")
METRIC("reload_failures_total", COUNTER, s->c->failed_reloads, "Reloads that changed nothing")
METRIC("tls_failures_total", COUNTER, s->n->tls_failures,
       "TLS handshakes that failed for another reason than the client's certificate")
METRIC("certificate_refusals_total", COUNTER, s->n->cert_refusals,
       "TLS handshakes that failed for the client's certificate")
METRIC("audit_records_total", COUNTER, s->audit.written, "Events in the audit log")
METRIC("audit_drops_total", COUNTER, s->audit.dropped, "Events that the audit log had no room for")
METRIC("audit_queue", GAUGE, s->audit.queued, "Events that wait for the audit log")
METRIC("audit_failing", GAUGE, s->audit.failing, "1 while the audit log cannot be written")
