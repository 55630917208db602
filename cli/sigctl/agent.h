/* SPDX-License-Identifier: MIT
 * The inside of sigctl agent: simulated peers on one epoll set, which the link's wait serves.
 * agent.c is the command, agent_peer.c a peer's connection, agent_answer.c what it says,
 * agent_hook.c the commands of --on, agent_out.c what people and programs read. */
#ifndef SIGCTL_AGENT_H
#define SIGCTL_AGENT_H

#include "cli/sigctl/agent_fault.h"
#include "cli/sigctl/ctl.h"
#include "libtoken/token.h"

#define AGENT_ICE_MAX     1000
#define AGENT_HOOKS_MAX   256
#define AGENT_WINDOW      64       /* handshakes at a time */
#define AGENT_PENDING_MAX 100000   /* answers that wait for their time */
#define AGENT_STEP_US     10000000 /* a handshake or a hook, unless -W says */

struct agent_opts {
    int64_t first, ice, seed;
    const char *count, *hooks, *connect_rate, *duration, *role, *answer, *delay, *drop, *reject,
        *disconnect_after, *ready_file;
    struct opt_list meta;
    struct opt_pairs on;
    bool reconnect;
};
_Static_assert(sizeof(struct agent_opts) <= CTL_VALUES_MAX, "options fit");

enum agent_answer { AGENT_AUTO, AGENT_NONE, AGENT_REJECT, AGENT_TEXT };

enum agent_state {
    AGENT_WAITING, /* in the queue of those to connect */
    AGENT_OPENING,
    AGENT_READY,
    AGENT_AWAY, /* comes back */
    AGENT_GONE
};

/* agent_source is what the epoll set points to, embedded first in what it serves. */
struct agent_source {
    void (*ready)(struct agent_source *s, uint32_t events);
};

struct agent;
struct agent_hooks;

struct agent_peer {
    struct agent_source source;
    struct agent *a;
    struct wsconn *ws;
    int64_t number;
    enum agent_state state;
    bool was_ready;
    bool known;      /* whether it could register is settled */
    uint32_t life;   /* counts its connections */
    uint32_t fails;  /* attempts since it was ready */
    uint32_t token;  /* which one its connection knows */
    int64_t back_us; /* when the server wants it back; -1: not said */
    uint64_t offers_rng, life_rng;
    struct fault_timer timer; /* patience, disconnection or return, by state */
    struct agent_pending *pending;
    struct agent_peer *next; /* in the queue of those to connect */
};

/* agent_why is why peers are not registered, or were lost. */
struct agent_why {
    int status;
    char code[SP_WORD_MAX + 1], text[400];
};

struct agent_counts {
    uint64_t offers, answered, rejected, dropped, ice_sent, ice_received, byes;
    uint64_t disconnects, reconnects, errors, hooks_run, hooks_failed, hooks_lost;
};

struct agent {
    struct ctl *c;
    const struct agent_opts *o;
    int ep;
    struct agent_peer *peers;
    int64_t count, first, places, connect_rate, duration_us; /* OPT_NEVER: no bound */
    struct fault_id id;
    char pattern[SP_ID_MAX + 8];
    struct wsurl url;
    char meta[SP_META_MAX + 1];

    struct fault_timers timers;
    struct fault_range delay, disconnect;
    double drop, reject;
    uint64_t seed, jitter_rng;

    enum agent_answer answer;
    char *answer_body, **ice_bodies; /* raw members; ice_bodies ends with NULL */
    char *work;                      /* where messages are written */
    size_t work_cap;
    int64_t pending;

    struct agent_peer *queue, **queue_end;
    int64_t opening, paced_us;
    int64_t known, registered, live; /* live: in any state but gone */
    int64_t failed, lost;
    struct agent_why why_failed, why_lost;
    int64_t patience_us, start_us, wait_until_us;
    struct fault_timer renewal;
    char token[TOKEN_MAX + 1]; /* the newest */
    uint32_t tokens;           /* how many there were */
    bool ready, ending, told_error;
    bool woken; /* something came: what is due next may have changed */

    struct agent_hooks *hooks;
    struct agent_counts counts;
};

void agent_id(const struct agent_peer *p, char out[SP_ID_MAX + 1]);

/* agent_watch has a descriptor served; false when the kernel does not. */
bool agent_watch(struct agent *a, int fd, uint32_t events, struct agent_source *s);

/* --- agent_peer.c */

/* agent_resolve reads the URL; gives 0 or an exit status with the failure printed. */
int agent_resolve(struct agent *a);
void agent_peer_init(struct agent *a, struct agent_peer *p, int64_t number);
/* agent_peer_queue has it connected in its turn. */
void agent_peer_queue(struct agent_peer *p);
/* agent_connect starts what may start now and gives when the next may, INT64_MAX when that depends
 * on others. */
int64_t agent_connect(struct agent *a, int64_t now);
/* agent_registered and agent_refused take the server's word on a registration. */
void agent_registered(struct agent_peer *p);
void agent_refused(struct agent_peer *p, const struct link_msg *m);
/* agent_peer_end says good-bye; agent_is_over tells that all have. */
void agent_peer_end(struct agent_peer *p);
bool agent_is_over(const struct agent *a);
void agent_peer_fini(struct agent_peer *p);
/* agent_read_token reads the token again; agent_plan_renewal sets when that happens next for those
 * who are registered. */
void agent_read_token(struct agent *a);
void agent_plan_renewal(struct agent *a);

/* --- agent_answer.c */

/* agent_answer_init prepares the texts; gives 0 or an exit status with the failure printed. */
int agent_answer_init(struct agent *a);
void agent_answer_fini(struct agent *a);
/* agent_take takes one message of the server. */
void agent_take(struct agent_peer *p, const struct link_msg *m);
/* agent_forget drops what a peer would still have answered. */
void agent_forget(struct agent_peer *p);

/* agent_where says whom to answer; everything is borrowed. */
struct agent_where {
    struct agent_peer *peer;
    struct sp_str from, session; /* session may be empty */
};

/* agent_say sends a message with body (raw members); false counts an error. */
bool agent_say(const struct agent_where *w, enum sp_type type, struct sp_str body);
/* agent_say_object sends a JSON object, with target and session filled in where it has none. */
bool agent_say_object(const struct agent_where *w, const struct link_msg *m);
/* agent_say_sdp answers with a description, then the candidates. */
bool agent_say_sdp(const struct agent_where *w, struct sp_str sdp);
void agent_say_bye(const struct agent_where *w);

/* --- agent_hook.c */

/* agent_hooks_init reads --on; gives 0 or an exit status with the failure printed. */
int agent_hooks_init(struct agent *a);
void agent_hooks_fini(struct agent *a);
/* agent_hook_for gives the command for a type of message, or NULL. */
const char *agent_hook_for(const struct agent *a, enum sp_type type);
/* agent_hook_add has the command run with a copy of the message, now or in its turn. */
void agent_hook_add(struct agent_peer *p, const struct link_msg *m);
/* agent_hooks_start starts those whose turn it is; agent_hooks_reap collects those that ended. */
void agent_hooks_start(struct agent *a);
void agent_hooks_reap(struct agent *a);

/* --- agent_out.c */

void agent_print_ready(const struct agent *a);
void agent_print_summary(const struct agent *a);
/* agent_print_message prints a message that arrived, with -v. */
void agent_print_message(const struct agent_peer *p, const struct link_msg *m);
/* agent_remark prints a line about a peer on stderr. */
void agent_remark(const struct agent_peer *p, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* agent_make_ready writes --ready-file; gives 0 or an exit status with the failure printed. */
int agent_make_ready(const struct agent *a);

#endif
