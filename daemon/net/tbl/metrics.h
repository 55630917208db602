/* SPDX-License-Identifier: MIT
 * One row per metric family of /metrics, in their order: METRIC_NUMBER(name, type, expression of
 * struct sample *s, help) has one value, METRIC_FAMILY(name, type, function, help) several, which
 * put_<function> writes. */
METRIC_FAMILY("sigd_info", GAUGE, info, "Version and node")
METRIC_NUMBER("sigd_connections", GAUGE, hub_connections(s->n->hub), "WebSocket connections")
METRIC_NUMBER("sigd_clients", GAUGE, hub_clients(s->n->hub), "Registered clients")
METRIC_NUMBER("sigd_sessions", GAUGE, hub_sessions(s->n->hub), "Open sessions")
METRIC_NUMBER("sigd_monitors", GAUGE, hub_monitors(s->n->hub), "Connections that stream events")
METRIC_NUMBER("sigd_handshakes", GAUGE, s->n->nshaking, "Connections without a WebSocket yet")
METRIC_NUMBER("sigd_max_clients", GAUGE, s->n->conf.max_clients,
              "Connections served at once, at most")
METRIC_NUMBER("sigd_queue_bytes", GAUGE, hub_queued_bytes(s->n->hub),
              "Bytes queued for slow receivers")
METRIC_NUMBER("sigd_accepting", GAUGE, s->n->accepting, "1 while new connections are accepted")
METRIC_NUMBER("sigd_draining", GAUGE, s->n->stopping, "1 while the server ends gracefully")
METRIC_NUMBER("sigd_withholding", GAUGE, s->n->withheld,
              "1 while nothing is relayed because the audit log fails")
METRIC_NUMBER("sigd_held", GAUGE, hub_held(s->n->hub), "Offers that wait for their target")
METRIC_NUMBER("sigd_away", GAUGE, hub_away(s->n->hub),
              "Clients whose link is lost and who may come back")
METRIC_NUMBER("sigd_away_bytes", GAUGE, hub_away_bytes(s->n->hub), "Bytes kept for them")
METRIC_NUMBER("sigd_cluster_up", GAUGE, s->k.up, "1 while other nodes can be reached")
METRIC_NUMBER("sigd_cluster_nodes", GAUGE, s->k.nodes, "Other nodes that are up")
METRIC_NUMBER("sigd_cluster_clients", GAUGE, s->k.clients, "Clients of other nodes")
METRIC_NUMBER("sigd_cluster_pending", GAUGE, s->k.carried,
              "Messages to other nodes' clients whose outcome is not known yet")
METRIC_NUMBER("sigd_cluster_sent_total", COUNTER, s->k.counts.carried,
              "Messages sent to other nodes' clients")
METRIC_NUMBER("sigd_cluster_received_total", COUNTER, s->k.counts.taken,
              "Messages of other nodes' clients that were delivered")
METRIC_NUMBER("sigd_cluster_unsent_total", COUNTER, s->k.counts.unsent,
              "Batches for other nodes that the bus did not take")
METRIC_NUMBER("sigd_cluster_malformed_total", COUNTER,
              s->k.counts.malformed + s->k.counts.strangers,
              "What other nodes said that made no sense")
METRIC_FAMILY("sigd_bus_refused_total", COUNTER, bus_refused,
              "Messages of the bus that were refused, by the reason")
METRIC_NUMBER("sigd_bus_sent_total", COUNTER, bus_of(s)->sent, "Messages published on the bus")
METRIC_NUMBER("sigd_bus_received_total", COUNTER, bus_of(s)->received,
              "Messages that came over the bus")
METRIC_NUMBER("sigd_bus_gaps_total", COUNTER, bus_of(s)->gaps, "Times that messages were lost")
METRIC_NUMBER("sigd_bus_reconnects_total", COUNTER, bus_of(s)->reconnects,
              "Connections to Redis that were made anew")
METRIC_NUMBER("sigd_relayed_bytes_total", COUNTER, s->c->relayed_bytes,
              "Bytes of relayed messages, as received")
METRIC_NUMBER("sigd_auth_failures_total", COUNTER, s->c->failed_auths, "Failed authentications")
METRIC_NUMBER("sigd_reload_failures_total", COUNTER, s->c->failed_reloads,
              "Reloads that changed nothing")
METRIC_NUMBER("sigd_tls_failures_total", COUNTER, s->n->tls_failures,
              "TLS handshakes that failed for another reason than the client's certificate")
METRIC_NUMBER("sigd_certificate_refusals_total", COUNTER, s->n->cert_refusals,
              "TLS handshakes that failed for the client's certificate")
METRIC_NUMBER("sigd_audit_records_total", COUNTER, s->audit.written, "Events in the audit log")
METRIC_NUMBER("sigd_audit_drops_total", COUNTER, s->audit.dropped,
              "Events that the audit log had no room for")
METRIC_NUMBER("sigd_audit_queue", GAUGE, s->audit.queued, "Events that wait for the audit log")
METRIC_NUMBER("sigd_audit_failing", GAUGE, s->audit.failing,
              "1 while the audit log cannot be written")
METRIC_FAMILY("sigd_events_total", COUNTER, events, "Events by kind")
METRIC_FAMILY("sigd_relays_total", COUNTER, relays, "Relayed messages by type")
METRIC_FAMILY("sigd_errors_total", COUNTER, errors, "Failed requests by error code")
METRIC_FAMILY("sigd_relay_duration_seconds", HISTOGRAM, latency,
              "From the arrival of a message to its write")
METRIC_FAMILY("sigd_http_answers_total", COUNTER, answers,
              "Plain requests and refused upgrades by status")
METRIC_FAMILY("sigd_degraded", GAUGE, degraded, "1 for what works less well than it should")
METRIC_FAMILY("sigd_loop_lag_seconds", GAUGE, lag, "How late the timer of each second last came")
METRIC_FAMILY("process_cpu_seconds_total", COUNTER, cpu, "User and system time")
METRIC_FAMILY("process_start_time_seconds", GAUGE, start, "When the process began, Unix time")
METRIC_NUMBER("process_resident_memory_bytes", GAUGE, metrics_rss(), "Resident memory")
METRIC_NUMBER("process_open_fds", GAUGE, open_fds(), "Open file descriptors")
METRIC_NUMBER("process_max_fds", GAUGE, max_fds(), "Limit of open file descriptors")
