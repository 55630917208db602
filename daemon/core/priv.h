/* SPDX-License-Identifier: MIT
 * What the files of the core share: the client, the session, the hub. */
#ifndef CORE_PRIV_H
#define CORE_PRIV_H

#include "daemon/core/cluster.h"
#include "daemon/core/feed.h"
#include "daemon/core/held.h"
#include "daemon/core/hub.h"
#include "daemon/core/order.h"
#include "daemon/core/resume.h"
#include "daemon/core/wheel.h"
#include "libproto/id.h"
#include "libproto/map.h"
#include "libproto/time.h"

/* grant owns a copy of what authentication found out; its ids stand behind it. */
struct grant {
    struct sp_str id, role;
    int64_t expires_ms;
    struct hub_basis basis;
    char role_text[SP_ROLE_MAX];
    const char *how;
    unsigned nids;
    struct sp_str ids[];
};

enum client_state { CLIENT_OPEN, CLIENT_REGISTERED, CLIENT_CLOSING, CLIENT_DEAD };
enum timer_kind { TIMER_CLIENT, TIMER_SESSION, TIMER_HELD };

/* client is one connection, registered or not. The hub owns it from hub_open until the hub_tick
 * after hub_closed. What every relayed message touches comes first, in two cache lines. */
struct client {
    void *sock;
    struct sp_str id; /* owned, as role, meta and addr */
    enum client_state state;
    bool vouched; /* it has rights of its own, before it registers too */
    bool local, doomed;
    bool away;                   /* registered without a link: see resume.h */
    uint8_t role_ix;             /* in the table of rights */
    uint8_t missed;              /* pings in a row without a sign of life */
    uint32_t nsessions, nopened; /* in its list; those of them that it opened */
    struct session *sessions;    /* newest first */
    uint64_t last_rx_us;
    uint64_t messages_full, bytes_full; /* buckets */
    struct queue queue;
    struct hub_ref ref;
    struct monitor *monitor;
    struct watch *watch;
    uint64_t slow_since_us; /* when the queue last began to fill; 0: it is empty */
    uint64_t last_ping_us;
    uint64_t waiting_us; /* since when it may register and has not */
    uint64_t conn, epoch;
    uint64_t *err_at; /* ring of the times of its last protocol errors; NULL before the first */
    uint32_t err_count;
    uint32_t order_pos;
    uint32_t early_bytes;      /* sent before it registered */
    uint64_t refusals_full;    /* bucket of what was over the rate */
    struct grant *grant;       /* owned; NULL: none */
    struct addr_key *addr_key; /* owned; NULL: not limited */
    unsigned close_code;
    const char *close_reason; /* constant */
    int64_t since_ms, rtt_us;
    struct sp_str role, meta, addr;
    uint64_t ice_due_us; /* when it is told anew of TURN servers; 0: not by itself */
    char resume[SP_RESUME_LEN];
    struct held_by held;
    struct lasting *lasting; /* owned; NULL: it does not come back */
    struct wheel_node timer;
    struct client *next; /* in the doomed or the dead list */
    struct node *node;   /* that it is with; NULL: this one. It has no socket here */
    struct client *remote_next, *remote_prev; /* of its node */
    uint64_t listed;                          /* the list of its node that named it last */
};

/* session belongs to a pair of clients; side 0 opened it. Owned by the hub, borrowed by both. */
struct session {
    struct client *party[2];
    struct {
        struct session *next, *prev;
    } link[2];
    struct session *older, *newer; /* of all */
    uint64_t serial;
    int64_t opened_ms;
    struct sp_str id; /* points behind the struct */
    bool answered;
    uint32_t offers, answers, candidates;
    uint64_t opened_us, last_us;
    struct wheel_node timer;
};

struct watch {
    struct watch *next;
    struct client *client;
    struct sp_str match, role; /* point behind the struct */
};

/* What a role may send, made of its limits. */
struct role_rate {
    struct bucket_rate messages, bytes;
};

struct hub {
    struct hub_conf conf; /* its pointers are not kept: see rights and limits */
    struct rights rights;
    struct limits limits[RIGHTS_ROLES];
    struct role_rate rates[RIGHTS_ROLES];
    struct hub_ops ops;
    void *ctx;
    struct client **slots; /* by hub_ref.slot; NULL: free */
    uint32_t *gens, *free_slots;
    uint32_t nslots, nfree, nconn, nsessions;
    uint32_t nexpiring; /* grants that end some day */
    int64_t wall_lead;  /* of the wall clock before the other when it was looked at, ms */
    bool stopping, withheld;
    uint64_t last_conn, last_epoch, last_session, started_us;
    struct session *oldest, *newest;
    struct addrs addrs;
    struct hub_counts counts;
    struct sp_map ids;
    struct order order;
    struct wheel wheel;
    struct feed feed;
    struct cluster cluster;
    struct holding holding;
    uint32_t naway;
    size_t away_bytes; /* kept for those */
    struct watch *watches;
    struct client *doomed, *dead;
    struct sp_stamp stamp, since_stamp;
    struct hub_now now; /* of the call in progress */
    char *out;          /* HUB_HEADROOM behind the start of the allocation */
    size_t out_cap;
    struct sp_msg msg;
};

/* ---- client.c */
struct client *client_get(const struct hub *h, struct hub_ref ref);
struct client *client_find(struct hub *h, struct sp_str id);
/* client_name gives its id or, before it registers, the id that its grant is for. */
struct sp_str client_name(const struct client *c);
/* client_send writes or queues hub->out[0..n); on overflow the client is doomed and the result is
 * HUB_BUSY. */
enum hub_wrote client_send(struct hub *h, struct client *c, struct sp_buf *b);
/* client_relay is client_send for what other peers send, which outlives a takeover. */
enum hub_wrote client_relay(struct hub *h, struct client *c, struct sp_buf *b);
/* client_put writes or queues a message to one that is not away. client_ping sends a ping
 * that says that time. */
enum hub_wrote client_put(struct hub *h, struct client *c, struct sp_buf *b, bool relayed);
void client_ping(struct hub *h, struct client *c, uint64_t us);
/* client_drain writes what is queued as far as the socket takes it; false when it is busy or gone.
 */
bool client_drain(struct hub *h, struct client *c);
/* client_doom marks a connection for closing; the work is done in hub_settle. */
void client_doom(struct hub *h, struct client *c, enum sp_close code);
/* client_doom_for is client_doom with a reason of its own, a constant. */
void client_doom_for(struct hub *h, struct client *c, enum sp_close code, const char *reason);
/* client_leave takes a registered client out of the registry and ends its sessions. */
void client_leave(struct hub *h, struct client *c, enum sp_bye why);
void client_arm(struct hub *h, struct client *c);
void client_timer(struct hub *h, struct client *c);
void client_free(struct hub *h, struct client *c);
/* str_dup copies into memory of its own, to be freed with str_free; .p is NULL when out of memory.
 */
struct sp_str str_dup(struct sp_str s);
/* str_keep copies to *at, which moves behind it: for strings that stand behind a struct. */
struct sp_str str_keep(char **at, struct sp_str s);
void str_free(struct sp_str s);

/* hub_settle carries out what was marked for closing during a call. */
void hub_settle(struct hub *h);

/* ---- reply.c */
/* The same words whether a target is unknown or hidden. */
#define NOT_REGISTERED "%.*s is not registered"

struct sp_buf hub_out(struct hub *h);
struct sp_str hub_stamp(struct hub *h);
/* reply_open begins a reply to the request in progress, with its rid; reply_send adds the timestamp
 * and ends and sends it. */
void reply_open(struct hub *h, struct sp_json *j, struct sp_buf *b, enum sp_type t);
void reply_send(struct hub *h, struct client *c, struct sp_json *j);
/* reply_error answers with an error and counts protocol errors. */
void reply_error(struct hub *h, struct client *c, enum sp_err e, struct sp_str target,
                 const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* reply_hidden says that there is no such target, and notes for the operator that there is one. */
void reply_hidden(struct hub *h, struct client *c, struct sp_str target);
/* reply_wait answers with an error that says when to try again. */
void reply_wait(struct hub *h, struct client *c, enum sp_err e, uint64_t wait_us,
                const char *details);
/* reply_ack answers a request that has a rid; nothing otherwise. */
void reply_ack(struct hub *h, struct client *c, struct sp_str session);

/* ---- auth.c */
/* auth_open looks at what a new connection brought; it may doom it. False: out of memory. */
bool auth_open(struct hub *h, struct client *c, const struct hub_peer *peer);
/* auth_register checks a register against its token or, without one, the client's grant. False:
 * answered. *own is what the token grants, for auth_take or free; NULL without a token. */
bool auth_register(struct hub *h, struct client *c, const struct sp_msg *m, struct grant **own);
/* auth_take puts a grant, which may be NULL, in the place of the client's. Takes own. */
void auth_take(struct hub *h, struct client *c, struct grant *own);
/* auth_role gives the role that a register under a grant results in. */
struct sp_str auth_role(const struct hub *h, const struct grant *g, const struct sp_msg *m);
/* auth_regrade gives a client the role that its grant results in now. False: out of memory. */
bool auth_regrade(struct hub *h, struct client *c, struct sp_str role);
/* auth_place finds the client's place in the table of rights. */
void auth_place(struct hub *h, struct client *c);
/* auth_drop frees its grant. */
void auth_drop(struct hub *h, struct client *c);
/* auth_follow_clock moves the timers when the wall clock was set; gives when to look again. */
uint64_t auth_follow_clock(struct hub *h);
/* auth_due gives the monotonic time at which its grant ends; UINT64_MAX: never. */
uint64_t auth_due(const struct hub *h, const struct client *c);
/* auth_end closes it when that time has come; true when it did. */
bool auth_end(struct hub *h, struct client *c);

/* ---- ice.c */
/* ice_is_timed tells whether clients get credentials that end. */
bool ice_is_timed(const struct hub *h);
/* ice_put adds iceServers and ttl to a message to a registered client, with credentials of its own
 * where they are made, and plans when it is told anew. Nothing where nothing is configured; what
 * cannot be made now is left out and told later. */
void ice_put(struct hub *h, struct client *c, struct sp_json *j);
/* ice_due gives the time at which it is told anew; UINT64_MAX: never. ice_tell does it when that
 * time has come. */
uint64_t ice_due(const struct client *c);
void ice_tell(struct hub *h, struct client *c);
/* ice_change has every client told anew soon: what they know does not hold any more. */
void ice_change(struct hub *h);

/* ---- hub.c */
/* hub_charge takes more from the sender's bucket for a request that was dear: n messages' worth. */
void hub_charge(struct hub *h, struct client *c, uint32_t n);
/* hub_again handles a held message, already counted, as if it came now; it is not held again. */
void hub_again(struct hub *h, struct client *c, const char *buf, size_t len);

/* ---- reconf.c */
void reconf_limits(struct hub *h, const struct hub_conf *conf);

/* ---- relay.c */
/* relay_target finds the target of a request and whether its sender has the right to it; answers
 * and gives NULL otherwise. */
struct client *relay_target(struct hub *h, struct client *c, const struct sp_msg *m);

/* ---- session.c */
struct client *session_other(const struct session *s, const struct client *c);
/* session_find gives the pair's session with that id, or its newest when id is empty. */
struct session *session_find(struct client *a, struct client *b, struct sp_str id);
/* session_open makes one; an empty id asks for a server-made one. NULL: out of memory. */
struct session *session_open(struct hub *h, struct client *opener, struct client *other,
                             struct sp_str id);
/* session_end tells the parties but skip, emits the event and frees it. */
void session_end(struct hub *h, struct session *s, enum sp_bye why, const struct client *skip);
/* session_end_all ends those of one that goes, and tells the others. */
void session_end_all(struct hub *h, struct client *c, enum sp_bye why);
/* session_close ends it after a bye that the parties have seen; reason is the word of its
 * sender, by. */
void session_close(struct hub *h, struct session *s, struct sp_str reason, const struct client *by);
/* session_discard frees it without a word, for hub_free. */
void session_discard(struct hub *h, struct session *s);
void session_touch(struct hub *h, struct session *s);
/* session_answered notes an answer; the first one makes the session answered. */
void session_answered(struct hub *h, struct session *s);
void session_timer(struct hub *h, struct session *s);
/* session_move_all hands the sessions of one connection of an id to its next. */
void session_move_all(struct client *from, struct client *to);

/* ---- presence.c */
void presence_tell(struct hub *h, const struct client *c, const char *event);
/* seen is what decides who may see a client. */
struct seen {
    struct sp_str role;
    uint8_t role_ix;
};

/* presence_change tells of a client that was seen differently before: who sees it still gets same
 * (NULL: nothing), the others a join or a leave. */
void presence_change(struct hub *h, const struct client *c, struct seen before, const char *same);
void presence_drop(struct hub *h, struct client *c);

/* ---- handlers, one per row of requests.h */
#define SP_REQUEST(id, handler, must, may, when, cls, text)                                        \
    void on_##handler(struct hub *h, struct client *c, const struct sp_msg *m);
#include "libproto/tbl/requests.h"
#undef SP_REQUEST

#endif
