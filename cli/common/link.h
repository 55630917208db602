/* SPDX-License-Identifier: MIT
 * What sigctl and sigmon share above a connection: common options, connecting with patience,
 * waiting with deadlines, registering, requests with their one answer. */
#ifndef CLI_LINK_H
#define CLI_LINK_H

#include "cli/common/opt.h"
#include "cli/common/wsconn.h"
#include "libproto/err.h"
#include "libproto/scan.h"

/* link_opts are the values of the options that every tool has. -1 in a number: not given. */
struct link_opts {
    const char *url, *id, *token_file, *token, *env_file;
    const char *cacert, *cert, *key, *sni;
    const char *format, *color;
    int64_t timeout_us, wait_server_us, retry;
    bool insecure, json, plain, pretty, quiet, verbose, trace, help, version;
};

#define LINK_OPTS_INIT                                                                             \
    (struct link_opts)                                                                             \
    {                                                                                              \
        .url = "ws://127.0.0.1:8081", .timeout_us = -1, .wait_server_us = -1, .retry = -1          \
    }

/* link_rows describes struct link_opts. */
extern const struct opt link_rows[];

/* link_msg is one scanned message of the server; everything borrows from it. */
struct link_msg {
    struct sp_str raw;
    struct sp_doc doc;
    enum sp_type type; /* SP_T_NONE for a word of a newer server */
    int64_t wall_us, mono_us;
};

/* link_fail says why the last call did not give 0. */
struct link_fail {
    int status;      /* enum exit_code, or 128 + signal */
    enum sp_err err; /* the server's code where it is one of the table */
    char code[SP_WORD_MAX + 1];
    int64_t retry_us; /* how long the server asks to wait before another attempt; -1: not said */
    char text[480];
    char details[256]; /* of the server's error */
};

/* link_who is an identity to register; strings are borrowed until the link is freed. meta is a raw
 * JSON object or empty. */
struct link_who {
    const char *id, *role;
    struct sp_str meta;
};

/* The reader of stdout has gone: not a failure, the tool ends quietly. */
#define LINK_NO_READER 512

struct link;
typedef void (*link_message_fn)(void *ctx, const struct link_msg *m);
typedef void (*link_input_fn)(void *ctx);
/* gives true when it took the signal; else SIGINT, SIGTERM and SIGHUP end the wait */
typedef bool (*link_signal_fn)(void *ctx, int signo);
typedef bool (*link_done_fn)(void *ctx);
typedef void (*link_remark_fn)(void *ctx, const char *text);
typedef int (*link_wait_fn)(void *ctx, struct link *l, int64_t deadline);

/* link_new borrows o for its life. NULL with a message printed when a file cannot be read. */
struct link *link_new(const struct link_opts *o);
/* link_free closes, waiting for the server's close frame no longer than 200 ms. */
void link_free(struct link *l);

/* link_on_message sets who gets the messages that answer no request. */
void link_on_message(struct link *l, link_message_fn fn, void *ctx);
/* link_on_input has one more descriptor served while waiting; fd -1 for none. */
void link_on_input(struct link *l, int fd, link_input_fn fn, void *ctx);
void link_on_signal(struct link *l, link_signal_fn fn, void *ctx);
/* link_on_remark sets who prints what happens to the connection, instead of out_note. */
void link_on_remark(struct link *l, link_remark_fn fn, void *ctx);
/* link_comes_back says that the caller answers EXIT_LOST with link_recover: a connection without
 * an identity then ends when there is a new token. */
void link_comes_back(struct link *l, bool on);
/* link_beside puts l into the ring of other: while one of them waits, the connections of all are
 * served, and their inputs. False when the ring is full. link_free takes it out. */
bool link_beside(struct link *l, struct link *other);
/* link_on_wait has fn called where the link would wait for readiness: it lets others run, calls
 * link_serve, or gives a status (see link_set_why) that ends the wait. NULL: link_serve. */
void link_on_wait(struct link *l, link_wait_fn fn, void *ctx);
/* link_serve waits for one round of readiness of l and its ring, no longer than the deadline, and
 * serves it; 0, 128 + N or LINK_NO_READER. */
int link_serve(struct link *l, int64_t deadline);
/* link_needs_reader makes waits end with LINK_NO_READER once nobody reads stdout any more. */
void link_needs_reader(struct link *l, bool on);

/* link_token_id gives the id that the link's token is for; false when there is none. */
bool link_token_id(const struct link *l, char out[SP_ID_MAX + 1]);
/* link_token borrows the token for the options of another link; NULL: none. */
const char *link_token(const struct link *l);

/* link_open connects unless connected: once, or as often as --retry and --wait-server allow, no
 * sooner than the server advises. link_try connects once. */
int link_open(struct link *l);
int link_try(struct link *l);
bool link_is_open(const struct link *l);
/* link_is_sent_away tells that the server which ended the connection is about to end itself. */
bool link_is_sent_away(const struct link *l);

/* link_register registers and remembers the identity for link_recover. */
int link_register(struct link *l, const struct link_who *who, int64_t deadline);
bool link_is_registered(const struct link *l);

/* link_rid gives the raw rid of the next request; link_ask sends the request that carries it and
 * waits for its ack, reply (of type want) or error. As often as --retry says, it asks again what
 * the server refused for the moment (retryAfter) or left unanswered when it sent us away. */
struct sp_str link_rid(struct link *l);
int link_ask(struct link *l, struct sp_str text, enum sp_type want, int64_t deadline);
/* link_post sends a text and waits for nothing: what answers it comes as a message. */
int link_post(struct link *l, struct sp_str text);
/* link_reply borrows the answer of the last link_ask that gave 0. Messages that come with it in one
 * piece are told before link_ask returns: link_is_answered says that they come behind it. */
const struct link_msg *link_reply(const struct link *l);
bool link_is_answered(const struct link *l);

/* link_until serves the connection until done, then gives 0; EXIT_TIMEOUT at the deadline,
 * EXIT_LOST when the connection ends (or is none), 128 + N on a signal. */
int link_until(struct link *l, link_done_fn done, void *ctx, int64_t deadline);

/* link_recover connects and registers again after a loss, when the server said or else with
 * jittered back-off, as often as --retry says (streams without it: for ever) and as the close code
 * permits. It remarks what happened. done (may be NULL) ends it early with 0. */
int link_recover(struct link *l, link_done_fn done, void *ctx, int64_t deadline);

/* link_rest serves the link, connected or not, until a moment or until done (may be NULL); 0 or
 * 128 + N. */
int link_rest(struct link *l, int64_t until, link_done_fn done, void *ctx);

/* link_close says good-bye to the server and forgets the identity; link_open may follow. */
void link_close(struct link *l);

/* link_drop ends the connection without a word and forgets the identity; link_open may follow. */
void link_drop(struct link *l);

/* link_explain_closed fills link_why with how the connection ended and gives the status. */
int link_explain_closed(struct link *l);

/* link_url gives the URL without the token that it may hold. */
const char *link_url(const struct link *l);

const struct link_fail *link_why(const struct link *l);
/* link_set_why fills it and gives status. */
int link_set_why(struct link *l, int status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* link_text gives a string member, decoded into scratch where needed; empty when absent. */
struct sp_str link_text(const struct link_msg *m, const char *key, char *scratch, size_t cap);

/* link_scan scans raw into m with the bounds of a client that trusts its server's sizes. */
bool link_scan(struct link_msg *m, struct sp_str raw);

int64_t link_mono_us(void);
int64_t link_wall_us(void);
/* link_deadline gives now + us, OPT_NEVER staying what it is. */
int64_t link_deadline(int64_t us);

#endif
