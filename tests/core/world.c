/* SPDX-License-Identifier: MIT
 * The fake sockets, the fake clock and what tests do with them. */
#include "tests/core/fleet.h"

#include "libproto/time.h"
#include "libproto/units.h"

#include <stdlib.h>

#define START_US 1000000000000u /* a machine that is up for some days */
#define START_MS 1764244800000  /* 2025-11-27T12:00:00Z */
#define SPINS    2000u          /* deadlines at one moment before the hub counts as spinning */

int world_busy;

static void *must(void *p)
{
    if (!p) {
        print_error("the test ran out of memory\n");
        abort();
    }
    return p;
}

static void keep(struct texts *t, const char *p, size_t n)
{
    if (t->n == t->cap) {
        t->cap = t->cap ? t->cap * 2 : 4;
        t->v = must(realloc(t->v, t->cap * sizeof(*t->v)));
    }
    char *copy = must(malloc(n + 1));
    memcpy(copy, p, n);
    copy[n] = '\0';
    t->v[t->n++] = (struct text){copy, n};
}

static void drop_texts(struct texts *t)
{
    for (size_t i = 0; i < t->n; i++) {
        free(t->v[i].p);
    }
    free(t->v);
    *t = (struct texts){0};
}

/* ---- hub_ops */

static enum hub_wrote op_write(void *ctx, void *sock, char *buf, size_t len)
{
    struct sock *s = sock;
    (void)ctx;
    if (s->closes || s->over) {
        print_error("write to a socket that is closed\n");
        abort();
    }
    memset(buf - HUB_HEADROOM, 0x5a, HUB_HEADROOM);
    if (s->gone) {
        return HUB_GONE;
    }
    if (s->room == 0) {
        return HUB_BUSY;
    }
    s->room -= s->room > 0;
    world_busy++;
    keep(&s->in, buf, len);
    world_busy--;
    memset(buf, 0x5a, len);
    return HUB_WROTE;
}

static void op_want_write(void *ctx, void *sock)
{
    struct sock *s = sock;
    (void)ctx;
    s->want_write = true;
}

static void op_ping(void *ctx, void *sock, const char *payload, size_t len)
{
    struct sock *s = sock;
    (void)ctx;
    if (len >= sizeof(s->ping) || s->closes || s->over) {
        print_error("a ping too long or to a closed socket\n");
        abort();
    }
    memcpy(s->ping, payload, len);
    s->ping[len] = '\0';
    s->pings++;
}

static void op_close(void *ctx, void *sock, unsigned code, const char *reason)
{
    struct world *w = ctx;
    struct sock *s = sock;
    if (s->closes++ || s->over) {
        print_error("a socket was closed twice\n");
        abort();
    }
    s->close_code = code;
    s->closed_us = w->now.mono_us;
    snprintf(s->close_reason, sizeof(s->close_reason), "%s", reason);
    if (!w->linger && s->ref.gen) {
        s->over = true;
        hub_closed(w->hub, s->ref, 0, w->now);
    }
}

/* A token of the tests says what it grants: "id=a;ids=cam-*;role=drone;exp=5000;key=7". "expired"
 * is one that did, anything else is none. */
static const char *op_authenticate(void *ctx, void *sock, struct sp_str raw, struct hub_grant *out)
{
    struct world *w = ctx;
    (void)sock;
    w->authentications++;
    if (raw.n < 2 || raw.n - 2 >= sizeof(w->token)) {
        return "not a token";
    }
    memcpy(w->token, raw.p + 1, raw.n - 2);
    w->token[raw.n - 2] = '\0';
    if (strcmp(w->token, "expired") == 0) {
        return hub_expired;
    }
    return world_grant(w, w->token, out) ? NULL : "not a token";
}

static bool op_vouch(void *ctx, void *sock, const struct hub_basis *basis, struct sp_str *role)
{
    (void)sock;
    const struct world *w = ctx;
    if (w->conf_role && basis && basis->conf_role) {
        *role = sp_str(w->conf_role);
    }
    return !basis || basis->key != w->revoked_key;
}

static size_t op_turn_credential(void *ctx, struct sp_str username, char *out)
{
    const struct world *w = ctx;
    int n = w->no_credentials
                ? 0
                : snprintf(out, HUB_CREDENTIAL_MAX, "%s(%.*s)",
                           w->turn_secret ? w->turn_secret : "key", (int)username.n, username.p);
    assert_true(n < (int)HUB_CREDENTIAL_MAX);
    return (size_t)n;
}

static bool op_reload(void *ctx, char *why, size_t cap)
{
    struct world *w = ctx;
    w->reloads++;
    if (w->reload_fails) {
        snprintf(why, cap, "%s", w->reload_fails);
        return false;
    }
    hub_reconf(w->hub, &w->conf, w->now);
    return true;
}

static void op_drain(void *ctx)
{
    ((struct world *)ctx)->drains++;
}

static uint64_t next_random(struct world *w)
{
    w->rng ^= w->rng << 13;
    w->rng ^= w->rng >> 7;
    w->rng ^= w->rng << 17;
    return w->rng;
}

static void op_random(void *ctx, void *buf, size_t len)
{
    unsigned char *p = buf;
    for (size_t i = 0; i < len; i++) {
        p[i] = (unsigned char)(next_random(ctx) >> 24);
    }
}

static uint64_t op_clock(void *ctx)
{
    return ((struct world *)ctx)->now.mono_us + 7;
}

static void op_event(void *ctx, const struct sp_event *ev)
{
    struct world *w = ctx;
    w->nevents++;
    if (!w->keep_events) {
        return;
    }
    char text[8192];
    struct sp_stamp stamp = {0};
    struct sp_buf b;
    sp_buf_init(&b, text, sizeof(text));
    sp_put_event(&b, ev, sp_stamp_at(&stamp, ev->ts_ms));
    world_busy++;
    keep(&w->events, b.p, b.n);
    world_busy--;
}

static bool op_bus_send(void *ctx, struct sp_str to, const char *p, size_t n)
{
    const struct world *w = ctx;
    return fleet_send(w->fleet, w->index, to, p, n);
}

static const struct hub_ops ops = {.write = op_write,
                                   .want_write = op_want_write,
                                   .ping = op_ping,
                                   .close = op_close,
                                   .random = op_random,
                                   .clock = op_clock,
                                   .authenticate = op_authenticate,
                                   .vouch = op_vouch,
                                   .turn_credential = op_turn_credential,
                                   .reload = op_reload,
                                   .drain = op_drain,
                                   .bus_send = op_bus_send,
                                   .event = op_event};

/* ---- the world */

struct hub_conf world_conf(void)
{
    return (struct hub_conf){.max_message = SP_MESSAGE_MAX,
                             .limits.queue_bytes = 256 * 1024,
                             .limits.queue_msgs = 256,
                             .limits.max_sessions = 64,
                             .max_errors = 20,
                             .event_ring = 4096,
                             .heartbeat_us = 30000000,
                             .register_us = 10000000,
                             .offer_us = 60000000,
                             .session_us = UINT64_C(86400000000),
                             .slow_us = 10000000,
                             .resume_us = 30000000,
                             .policy = HUB_REPLACE,
                             .scan = sp_scan_defaults,
                             .server = "sigd/test"};
}

struct world *world_new_conf(const struct hub_conf *conf)
{
    world_busy++;
    struct world *w = must(calloc(1, sizeof(*w)));
    world_busy--;
    w->now = (struct hub_now){START_US, START_MS};
    w->rng = 0x9e3779b97f4a7c15u;
    w->keep_events = true;
    w->revoked_key = UINT64_MAX;
    w->conf = *conf;
    w->hub = hub_new(conf, &ops, w, w->now);
    if (!w->hub) {
        free(w);
        return NULL;
    }
    return w;
}

struct world *world_new(void)
{
    struct hub_conf conf = world_conf();
    return world_new_conf(&conf);
}

void world_free(struct world *w)
{
    hub_free(w->hub);
    for (size_t i = 0; i < w->nsocks; i++) {
        drop_texts(&w->socks[i]->in);
        free(w->socks[i]);
    }
    free(w->socks);
    drop_texts(&w->events);
    free(w);
}

uint32_t world_random(struct world *w, uint32_t n)
{
    return (uint32_t)((next_random(w) >> 16) % n);
}

static void set_time(struct world *w, uint64_t mono_us)
{
    w->now.wall_ms = START_MS + w->wall_step + (int64_t)((mono_us - START_US) / 1000);
    w->now.mono_us = mono_us;
}

void turn(struct world *w)
{
    w->due = hub_tick(w->hub, w->now);
}

void advance(struct world *w, uint64_t ms)
{
    uint64_t until = w->now.mono_us + ms * 1000;
    unsigned spins = 0;
    turn(w);
    while (w->due <= until) {
        if (w->due > w->now.mono_us) {
            set_time(w, w->due);
            spins = 0;
        } else if (++spins > SPINS) {
            print_error("hub_tick asks again and again to be called at once\n");
            abort();
        }
        turn(w);
    }
    set_time(w, until);
    turn(w);
}

void stall(struct world *w, uint64_t ms)
{
    set_time(w, w->now.mono_us + ms * 1000);
}

void set_wall(struct world *w, int64_t by_ms)
{
    w->wall_step += by_ms;
    w->now.wall_ms += by_ms;
}

/* ---- sockets */

static bool take_claim(struct world *w, struct sp_str claim, struct hub_grant *out)
{
    struct sp_str value = claim, name = sp_cut(&value, "=");
    int64_t n;
    value.p += value.n > 0;
    value.n -= value.n > 0;
    if (sp_str_eq(name, SP_STR("id"))) {
        out->id = value;
    } else if (sp_str_eq(name, SP_STR("role"))) {
        out->role = value;
    } else if (sp_str_eq(name, SP_STR("ids"))) {
        w->ids[out->nids++] = value;
    } else if (sp_str_eq(name, SP_STR("exp")) && sp_parse_int(value, &n)) {
        out->expires_ms = n;
    } else if (sp_str_eq(name, SP_STR("key")) && sp_parse_int(value, &n)) {
        out->basis.key = (uint64_t)n;
    } else if (sp_str_eq(name, SP_STR("conf-role"))) {
        out->role = value;
        out->basis.conf_role = true;
    } else {
        return false;
    }
    return true;
}

bool world_grant(struct world *w, const char *token, struct hub_grant *out)
{
    struct sp_str rest = sp_str(token), claim;
    *out = (struct hub_grant){.ids = w->ids, .expires_ms = INT64_MAX, .how = "token"};
    while ((claim = sp_cut(&rest, ";")).n) {
        if (!take_claim(w, claim, out)) {
            return false;
        }
    }
    return out->id.n || out->nids;
}

struct sock *dial_peer(struct world *w, const struct hub_peer *peer)
{
    world_busy++;
    if (w->nsocks == w->socks_cap) {
        w->socks_cap = w->socks_cap ? w->socks_cap * 2 : 16;
        w->socks = must(realloc(w->socks, w->socks_cap * sizeof(struct sock *)));
    }
    struct sock *s = must(calloc(1, sizeof(*s)));
    world_busy--;
    w->socks[w->nsocks++] = s;
    s->w = w;
    s->room = -1;
    s->ref = hub_open(w->hub, s, peer, w->now);
    s->over = s->ref.gen == 0;
    if (s->closes && !w->linger) {
        s->over = true;
        hub_closed(w->hub, s->ref, 0, w->now);
    }
    return s;
}

struct sock *dial(struct world *w)
{
    return dial_peer(w, &(struct hub_peer){.addr = SP_STR("192.0.2.1:4711")});
}

struct sock *dial_local(struct world *w)
{
    return dial_peer(w, &(struct hub_peer){.addr = SP_STR("unix"), .local = true});
}

struct sock *dial_with(struct world *w, const char *token)
{
    struct hub_grant grant;
    struct hub_peer peer = {.addr = SP_STR("192.0.2.1:4711"), .grant = &grant};
    if (!world_grant(w, token, &grant)) {
        peer.grant = NULL;
        peer.refused = strcmp(token, "expired") == 0 ? hub_expired : "not a token";
    }
    return dial_peer(w, &peer);
}

struct sock *join_with(struct world *w, const char *id, const char *members)
{
    char want[160];
    struct sock *s = dial(w);
    say(s, "{'type':'register','id':'%s'%s}", id, members);
    snprintf(want, sizeof(want), "id=%s", id);
    expect(s, "registered", want);
    return s;
}

struct sock *join(struct world *w, const char *id)
{
    return join_with(w, id, "");
}

/* The copy ends where the message ends, so that a read behind it is seen by ASan. */
void say_raw(struct sock *s, const char *p, size_t n)
{
    world_busy++;
    char *copy = must(malloc(n ? n : 1));
    world_busy--;
    memcpy(copy, p, n);
    hub_receive(s->w->hub, s->ref, copy, n, s->w->now);
    free(copy);
}

static void quote(char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        p[i] = p[i] == '\'' ? '"' : p[i];
    }
}

void say(struct sock *s, const char *fmt, ...)
{
    char *text = NULL;
    va_list ap;
    va_start(ap, fmt);
    world_busy++;
    int n = vasprintf(&text, fmt, ap);
    world_busy--;
    va_end(ap);
    must(n < 0 ? NULL : text);
    quote(text, (size_t)n);
    say_raw(s, text, (size_t)n);
    free(text);
}

void hang_up(struct sock *s)
{
    if (!s->over) {
        s->over = true;
        hub_closed(s->w->hub, s->ref, 1000, s->w->now);
    }
}

void finish(struct sock *s)
{
    assert_int_equal(s->closes, 1);
    hang_up(s);
}

void give_room(struct sock *s, long n)
{
    s->room = n;
    if (s->want_write && n != 0) {
        s->want_write = false;
        hub_writable(s->w->hub, s->ref, s->w->now);
    }
}

void pong(struct sock *s)
{
    hub_pong(s->w->hub, s->ref, s->ping, strlen(s->ping), s->w->now);
}

size_t unread(const struct sock *s)
{
    return s->in.n - s->in.read;
}

void forget(struct sock *s)
{
    s->in.read = s->in.n;
}

void forget_all(struct world *w)
{
    for (size_t i = 0; i < w->nsocks; i++) {
        forget(w->socks[i]);
    }
}

const char *last_event(const struct world *w)
{
    return w->events.n ? w->events.v[w->events.n - 1].p : "";
}
