/* SPDX-License-Identifier: MIT
 * What the modules of sigbench share: the parameters, the peers and pairs, the counts of a run.
 * Times are nanoseconds of the monotonic clock unless a name says otherwise. */
#ifndef SIGBENCH_BENCH_H
#define SIGBENCH_BENCH_H

#include "cli/common/bearer.h"
#include "cli/common/opt.h"
#include "cli/common/wsconn.h"
#include "cli/sigbench/formats.h"
#include "cli/sigbench/hist.h"
#include "cli/sigbench/interval.h"
#include "cli/sigbench/procstat.h"
#include "cli/sigbench/profile.h"
#include "cli/sigbench/server.h"

#include <netinet/in.h>
#include <signal.h>
#include <stdatomic.h>

#define NS_PER_S  INT64_C(1000000000)
#define NS_PER_US INT64_C(1000)

#define SOURCES_MAX 256u
#define SERVERS_MAX 16u
#define MIX_MAX     3u /* relay, setup and churn can be mixed */

/* bench_conf holds the values of the options; durations in microseconds, -1 where not given. */
struct bench_conf {
    const char *url, *id, *token_file, *token, *env_file, *cacert, *cert, *key, *sni;
    const char *kind, *arrival, *output, *color, *stages, *mix, *source_ip, *trigger;
    const char *csv, *hgrm, *hgrm_raw, *html, *svg, *markdown, *junit;
    const char *find_max, *precision, *server_metrics;
    struct opt_list also, thresholds, max_regress;
    int64_t clients, pairs, idle, rate, count, window, ice, size, seed, server_pid, repeat;
    int64_t duration_us, warmup_us, interval_us, connect_rate, timeout_us, ramp_us, threads,
        patience_us;
    bool insecure, tls_resume, rid, check, spin, json, quiet, force, help, version;
};

struct bench;
struct pair;
struct text;
struct check;

enum peer_state { PEER_NEW, PEER_OPENING, PEER_READY, PEER_GONE };

struct peer {
    struct bench *b;
    struct wsconn *ws; /* owned */
    struct pair *pair; /* NULL: an idle client */
    uint32_t index;
    enum peer_state state;
    int64_t intended; /* when it was to connect */
    bool away;        /* it was here, and is to come back */
    unsigned tries;   /* since it went */
    int64_t retry;    /* when it tries again, in a storm; 0: it does not wait */
};

/* flight is one message (relay) or one exchange (setup) that was due. */
struct flight {
    int64_t intended, sent;
    bool done;
};

/* A setup is open until the answer and all candidates of both sides have arrived. */
enum setup_step { SETUP_IDLE, SETUP_OFFERED, SETUP_ANSWERED };

/* pair owns its ring of flights, numbered head..tail. */
struct pair {
    const struct scenario *scenario;
    struct peer *caller, *callee;
    uint32_t index;
    uint32_t head, tail, cap;
    struct flight *ring;
    enum setup_step step;
    int64_t ice_by_caller, ice_by_callee; /* candidates that arrived */
};

/* counts of the measured window; the last three are violations and count at any time. */
struct counts {
    uint64_t sent, received, errors, lost, acks, not_sent;
    uint64_t connected, connect_failed, disconnected;
    uint64_t duplicated, reordered, misdelivered;
};

/* server_counters is what the server says it has relayed and refused since it began. */
struct server_counters {
    bool ok;
    uint64_t relayed, errors;
};

enum phase { PHASE_CONNECT, PHASE_WARMUP, PHASE_MEASURE, PHASE_DRAIN, PHASE_DONE };

enum text_kind { TEXT_OFFER, TEXT_ANSWER, TEXT_ICE, TEXT_COUNT };

/* scenario is one row of the table in load.c; NULL where it has no such thing. */
struct scenario {
    const char *name, *help;
    bool pairs;         /* clients come in pairs that exchange messages */
    bool timed_connect; /* connecting is what is measured */
    /* makes the next flight of a pair; intended is when it was due */
    void (*launch)(struct bench *b, struct pair *p, int64_t intended);
    /* tells whether it could; NULL: when both are there */
    bool (*may_launch)(const struct pair *p);
    void (*on_relayed)(struct peer *peer, enum text_kind kind, struct sp_str m, int64_t now);
    void (*on_error)(struct peer *peer, int64_t now);
    /* a peer lost its connection, which is what the scenario is about; NULL: a fault */
    void (*on_lost)(struct peer *peer, int64_t now);
    /* a peer that was away is registered, or could not connect */
    void (*on_back)(struct peer *peer, bool ok, int64_t now);
    /* the measured window begins; what is due now, gives when the next is; all that was to happen
     * has */
    void (*begin)(struct bench *b, int64_t now);
    int64_t (*tick)(struct bench *b, int64_t now);
    bool (*is_over)(const struct bench *b);
};

/* schedule is the part of one thread in the sends of all. */
struct schedule {
    bool poisson;
    const struct profile *profile;
    struct profile constant; /* before the measured window */
    int64_t origin;
    double n, step; /* the number of the next send, and how far the one after it is */
    double next;    /* when it is due */
    uint64_t rng;
};

/* crew is what the threads of a run share. */
struct crew {
    unsigned n;
    _Atomic unsigned connected; /* threads whose clients are there */
    _Atomic int64_t opened;     /* when all were; 0: not yet */
    _Atomic bool aborted;       /* a thread could not be had */
    struct server_watch server;
    const volatile sig_atomic_t *stop; /* the signal that ends the run */
};

/* progress is what a thread tells the one that shows it. */
struct progress {
    _Atomic uint64_t settled, sent, received;
};

struct bench {
    struct bench_conf conf;
    struct profile profile;
    struct sockaddr_in sources[SOURCES_MAX];
    unsigned source_count;
    unsigned mix[MIX_MAX]; /* weights of the first scenarios */

    struct crew *crew;
    unsigned shard; /* which of its threads this is */
    uint32_t first_peer, first_pair;
    struct progress progress;
    void (*show)(const struct bench *b, int64_t now); /* of the thread that shows it; else NULL */
    struct bench *const *all;                         /* the threads, for show */
    const struct scenario *scenario;
    struct wsurl url, metrics_url;
    struct wsurl *also; /* conf.also, resolved; borrowed by shards */
    struct wsconn_tls *tls;
    char headers[BEARER_HEADER_MAX];
    char shown_url[512]; /* without a token */
    char id_prefix[80];

    int ep;
    struct peer *peers;
    uint32_t peer_count, idle_count, started, settled, opening, timed_from;
    int64_t connect_start, last_settled;
    struct pair *pairs;
    uint32_t pair_count, next_pair;

    enum phase phase;
    int64_t start, measure_start, measure_end, phase_end;
    bool is_waiting;               /* for the clients of the other threads */
    uint64_t outstanding, relayed; /* flights; messages that arrived in the measured window */
    uint64_t completed;            /* flights that ended well in it, whenever they were due */
    volatile sig_atomic_t stop;    /* the signal that ended the run */

    struct schedule schedule;
    struct text *text[TEXT_COUNT];
    uint32_t run_id;     /* by chance: what its messages are known by */
    struct check *check; /* NULL: nothing is checked */
    int64_t swept;       /* when flights were last given up */
    struct server_counters server_began;
    struct counts counts;
    struct hist latency, raw, complete, lag;
    struct hist of[MIX_MAX]; /* of a mix: the latency of each scenario */
    struct intervals intervals;
    struct format_files files;
    struct proc_sample server_start, server_connected, server_m0, server_m1;
    int64_t own_cpu_m0, own_cpu_m1;
    char first_error[256], connect_error[160], server_error[160];
};

/* bench_now reads the monotonic clock. */
int64_t bench_now(void);

/* bench_is_open tells whether sends are on a schedule. */
static inline bool bench_is_open(const struct bench *b)
{
    return b->profile.n > 0;
}

/* bench_in_window tells whether something due at that time belongs to the measurement. */
static inline bool bench_in_window(const struct bench *b, int64_t intended)
{
    return b->measure_start && intended >= b->measure_start &&
           (!b->measure_end || intended < b->measure_end);
}

/* bench_rows are the options of every run, compare_rows those of compare alone. */
extern const struct opt bench_rows[], compare_rows[];

/* scenarios is the table in load.c, those that can be mixed first; its last row has no name. */
extern const struct scenario scenarios[];

#endif
