/* SPDX-License-Identifier: MIT
 * A world around a hub for tests: fake sockets, a fake clock, seeded randomness, recorded events.
 */
#ifndef TESTS_CORE_WORLD_H
#define TESTS_CORE_WORLD_H

#include "tests/lib/unit.h"

#include "daemon/core/hub.h"

#include <stdio.h>

struct fleet;
struct world;

/* text is one recorded message or event, NUL-terminated. */
struct text {
    char *p;
    size_t n;
};

struct texts {
    struct text *v;
    size_t n, cap;
    size_t read; /* the next one that expect looks at */
};

/* sock is one fake socket. It takes `room` more messages before it says busy; -1: any number. */
struct sock {
    struct world *w;
    struct hub_ref ref;
    struct texts in; /* what the hub wrote */
    long room;
    bool gone;       /* writes find no socket any more */
    bool want_write; /* the hub asked for hub_writable */
    bool over;       /* hub_closed was called */
    unsigned pings, closes;
    char ping[32]; /* payload of the last one */
    unsigned close_code;
    char close_reason[128];
    uint64_t closed_us; /* when the hub closed it */
};

/* world owns the hub and all sockets; they live until world_free. */
struct world {
    struct hub *hub;
    struct hub_now now;
    int64_t wall_step; /* ms by which the wall clock was set; see set_wall */
    uint64_t due;      /* what hub_tick gave last */
    uint64_t rng;
    bool linger;      /* hub_closed comes only with finish(); else from within the close */
    bool keep_events; /* record them in events; on at first */
    struct texts events;
    uint64_t nevents;
    struct sock **socks;
    size_t nsocks, socks_cap;
    /* authentication and administration */
    unsigned authentications, reloads, drains;
    uint64_t revoked_key;     /* hub_ops.vouch says no to it */
    bool no_credentials;      /* they cannot be made */
    const char *turn_secret;  /* credentials of the tests are "SECRET(USER)" */
    const char *conf_role;    /* what it gives those with "conf-role"; NULL: as they are */
    const char *reload_fails; /* the reason; NULL: reloads take conf into use */
    struct hub_conf conf;
    struct sp_str ids[HUB_IDS_MAX];
    char token[512];
    /* the bus: see fleet.h; NULL where the world is alone */
    struct fleet *fleet;
    unsigned index;
};

/* world_busy counts how deep the harness is in work of its own, which must not be made to run out
 * of memory. */
extern int world_busy;

/* world_conf gives the defaults of the daemon with small queues; world_new_conf makes a world of
 * it, world_new one of the defaults. NULL only when hub_new refused. */
struct hub_conf world_conf(void);
struct world *world_new_conf(const struct hub_conf *conf);
struct world *world_new(void);
void world_free(struct world *w);

/* world_random gives a number below n. */
uint32_t world_random(struct world *w, uint32_t n);

/* turn ends a turn of the loop; advance lets time pass, with hub_tick called exactly at the moments
 * that it asked for; stall lets time pass without a call, as a stopped process does. */
void turn(struct world *w);
void advance(struct world *w, uint64_t ms);
void stall(struct world *w, uint64_t ms);
/* set_wall sets the wall clock forward (or back) by so much. */
void set_wall(struct world *w, int64_t by_ms);

/* dial opens a connection; ref.gen is 0 when the hub refused it. dial_with brings a token, see
 * world_grant; one that cannot be read is refused, and so is
 * "expired". */
struct sock *dial(struct world *w);
struct sock *dial_local(struct world *w);
struct sock *dial_with(struct world *w, const char *token);
struct sock *dial_peer(struct world *w, const struct hub_peer *peer);

/* world_grant reads a token of the tests, "id=a;ids=cam-*;role=drone;exp=5000;key=7"
 * or "conf-role=drone" where the configuration gives the role: what it says
 * is what it grants; exp is wall clock in ms. False when it says anything else. Borrows token. */
bool world_grant(struct world *w, const char *token, struct hub_grant *out);
/* join dials and registers; member is extra text for the request such as ",'role':'cam'". */
struct sock *join(struct world *w, const char *id);
struct sock *join_with(struct world *w, const char *id, const char *members);

/* say sends a message; apostrophes in the format become quotes. say_raw sends bytes as they are. */
void say(struct sock *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void say_raw(struct sock *s, const char *p, size_t n);
#define say_lit(s, literal) say_raw((s), (literal), sizeof(literal) - 1)

/* hang_up ends the connection from the peer's side. finish ends the closing that the hub began. */
void hang_up(struct sock *s);
void finish(struct sock *s);
/* give_room lets the socket take n more messages (-1: any number) and calls hub_writable when the
 * hub waits for it. */
void give_room(struct sock *s, long n);
/* pong answers the last ping. */
void pong(struct sock *s);

/* expect takes the next message and checks its type and members: "rid=7" (a string's text or raw
 * JSON), "!rid" for an absent one. Gives the message. */
#define expect(s, ...) world_expect(__FILE__, __LINE__, (s), __VA_ARGS__, NULL)
const char *world_expect(const char *file, int line, struct sock *s, const char *type, ...)
    __attribute__((sentinel));
/* expect_text takes the next message and checks all its bytes; apostrophes stand for quotes. */
#define expect_text(s, text) world_expect_text(__FILE__, __LINE__, (s), (text))
void world_expect_text(const char *file, int line, struct sock *s, const char *text);
/* expect_nothing: no message is left unread and the socket is open. */
#define expect_nothing(s) world_expect_nothing(__FILE__, __LINE__, (s))
void world_expect_nothing(const char *file, int line, struct sock *s);
/* expect_closed: closed once with that code and a proper reason, no message left unread. */
#define expect_closed(s, code) world_expect_closed(__FILE__, __LINE__, (s), (code))
void world_expect_closed(const char *file, int line, struct sock *s, unsigned code);
/* expect_event checks members of the newest event whose word that is. */
#define expect_event(w, ...) world_expect_event(__FILE__, __LINE__, (w), __VA_ARGS__, NULL)
const char *world_expect_event(const char *file, int line, struct world *w, const char *word, ...)
    __attribute__((sentinel));

/* unread tells how many messages wait; forget drops them. */
size_t unread(const struct sock *s);
void forget(struct sock *s);
void forget_all(struct world *w);
/* last_event gives the newest event as JSON; "" when there is none. */
const char *last_event(const struct world *w);

/* value_of copies a member's text (or raw JSON) out of a message; false when it is absent. */
bool value_of(const char *json, const char *key, char *out, size_t cap);
/* number_of gives an integer member; -1 when it is absent. */
int64_t number_of(const char *json, const char *key);
/* count_in tells how many elements an array member has; -1 when it is absent. */
int count_in(const char *json, const char *key);
/* wide are scan limits for what the server sends: a list is longer than any request. */
extern const struct sp_scan_limits wide;

/* call opens a session from a to b, drops what both received and gives the session's id, which
 * is borrowed until the next call. */
const char *call(struct sock *a, struct sock *b, const char *from, const char *to);

#endif
