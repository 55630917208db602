/* SPDX-License-Identifier: MIT
 * The bus: who is written to, what is believed, whether it works. */
#include "daemon/net/bus_in.h"

#include "daemon/log.h"
#include "libproto/buf.h"
#include "libproto/id.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define TICK_MS       50u
#define PROBE_MS      500u
#define PROBE_LATE_MS 1250u  /* with PROBE_MS and two ticks: a dead Redis is told within 2 s */
#define LOG_AGAIN_MS  30000u /* the same reason for being down is logged that often */
#define DESTS         (BUS_PEERS + 1u)
#define TO_ALL        0u
#define FOR_PROBES    16u /* of BUS_UNANSWERED_MAX */

/* dest is a channel that is written to; the first is that of all. */
struct dest {
    char name[SP_ID_MAX];
    uint8_t n;
    uint64_t counter, used;
    uint32_t waiting; /* publications without an answer */
};

struct bus {
    struct redis redis; /* first: what its callbacks have leads here */
    uv_timer_t tick;
    struct bus_hooks hooks;
    void *ctx;
    char node[SP_ID_MAX + 1];
    struct bus_mac *mac;
    struct bus_peers peers;
    struct dest dests[DESTS];
    unsigned ndests;
    uint64_t lost_counter, uses;
    uint8_t asked[BUS_UNANSWERED_MAX]; /* a ring: which dest each answer to come is about */
    uint32_t asked_at, nasked;
    bool up, was_up, closed;
    uint64_t ticked_ms, probe_due_ms, probe_sent_ms; /* sent: 0 when none is under way */
    uint64_t probe, logged_ms;
    char logged[BUS_WHY];
    struct bus_counts counts;
    char room[BUS_HEAD_MAX + BUS_PAYLOAD_MAX];
};

_Static_assert(DESTS <= UINT8_MAX, "asked holds their numbers");
_Static_assert((BUS_UNANSWERED_MAX & (BUS_UNANSWERED_MAX - 1)) == 0, "a ring");

static struct bus *bus_of(struct redis *r)
{
    return (struct bus *)r;
}

uint64_t bus_clock_ms(void)
{
    return uv_hrtime() / 1000000;
}

static int64_t wall_us(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static struct sp_str name_of(const struct dest *d)
{
    return (struct sp_str){d->name, d->n};
}

/* ---------------------------------------------------------------- to whom */

/* A channel's numbers may never run backwards: when one is forgotten, all that are new begin above
 * its last. */
static struct dest *replace_oldest(struct bus *b)
{
    struct dest *oldest = NULL;
    for (unsigned i = 1; i < DESTS; i++) {
        struct dest *d = &b->dests[i];
        if (!d->waiting && (!oldest || d->used < oldest->used)) {
            oldest = d;
        }
    }
    if (oldest && oldest->counter > b->lost_counter) {
        b->lost_counter = oldest->counter;
    }
    return oldest;
}

static struct dest *dest_get(struct bus *b, struct sp_str to)
{
    for (unsigned i = 0; i < b->ndests; i++) {
        if (sp_str_eq(name_of(&b->dests[i]), to)) {
            return &b->dests[i];
        }
    }
    struct dest *d = b->ndests < DESTS ? &b->dests[b->ndests++] : replace_oldest(b);
    if (d) {
        *d = (struct dest){.n = (uint8_t)to.n, .counter = b->lost_counter};
        memcpy(d->name, to.p, to.n);
    }
    return d;
}

static struct sp_str channel_of(const struct dest *d, char room[BUS_CHANNEL_MAX])
{
    struct sp_buf b;
    if (d->n == 0) {
        return SP_STR(BUS_ALL);
    }
    sp_buf_init(&b, room, BUS_CHANNEL_MAX);
    sp_buf_lit(&b, BUS_NODE);
    sp_buf_str(&b, name_of(d));
    return sp_buf_view(&b);
}

/* ---------------------------------------------------------------- out */

static bool publish(struct bus *b, struct dest *d, enum bus_kind kind, struct sp_str payload)
{
    char name[BUS_CHANNEL_MAX];
    struct sp_str channel = channel_of(d, name);
    struct bus_letter l = {.kind = kind,
                           .node = b->peers.self,
                           .payload = payload,
                           .boot = b->peers.boot,
                           .counter = d->counter + (kind == BUS_MESSAGE),
                           .wall_ms = wall_us() / 1000};
    size_t n = bus_seal(b->mac, channel, &l, b->room, sizeof(b->room));
    if (n == 0 || b->nasked == BUS_UNANSWERED_MAX ||
        !bus_conn_put(b->redis.pub, "PUBLISH %b %b", channel.p, channel.n, b->room, n)) {
        return false;
    }
    b->asked[(b->asked_at + b->nasked++) % BUS_UNANSWERED_MAX] = (uint8_t)(d - b->dests);
    d->counter = l.counter;
    d->used = ++b->uses;
    d->waiting++;
    return true;
}

bool bus_send(struct bus *b, struct sp_str to, const char *p, size_t n)
{
    if (!b->up || n > BUS_PAYLOAD_MAX || (to.n && !sp_id_ok(to)) ||
        b->nasked >= BUS_UNANSWERED_MAX - FOR_PROBES ||
        bus_conn_unsent(b->redis.pub) + n > BUS_UNSENT_MAX) {
        return false;
    }
    struct dest *d = dest_get(b, to);
    if (!d || !publish(b, d, BUS_MESSAGE, (struct sp_str){p, n})) {
        return false;
    }
    b->counts.sent++;
    b->counts.bytes_sent += n;
    return true;
}

void bus_on_published(struct redis *r, long long receivers)
{
    struct bus *b = bus_of(r);
    char name[SP_ID_MAX];
    if (b->nasked == 0) {
        bus_on_lost(r, "an answer to something that was not asked");
        return;
    }
    struct dest *d = &b->dests[b->asked[b->asked_at]];
    b->asked_at = (b->asked_at + 1) % BUS_UNANSWERED_MAX;
    b->nasked--;
    d->waiting--;
    if (receivers == 0 && d->n) {
        b->counts.unheard++;
        memcpy(name, d->name, d->n);
        b->hooks.unheard(b->ctx, (struct sp_str){name, d->n});
    }
}

/* ---------------------------------------------------------------- probes */

static void send_probe(struct bus *b, uint64_t now_ms)
{
    b->probe++;
    b->probe_sent_ms = now_ms;
    b->probe_due_ms = now_ms + PROBE_MS;
    if (!publish(b, &b->dests[TO_ALL], BUS_PROBE,
                 (struct sp_str){(const char *)&b->probe, sizeof(b->probe)})) {
        bus_on_lost(&b->redis, "it does not answer what is published");
    }
}

void bus_on_subscribed(struct redis *r)
{
    send_probe(bus_of(r), bus_clock_ms());
}

static void on_own_probe(struct bus *b, struct sp_str payload)
{
    if (!b->probe_sent_ms || payload.n != sizeof(b->probe) ||
        memcmp(payload.p, &b->probe, sizeof(b->probe)) != 0) {
        return;
    }
    b->probe_sent_ms = 0;
    redis_settled(&b->redis);
    if (!b->up) {
        b->counts.reconnects += b->was_up;
        b->up = b->was_up = true;
        b->logged[0] = '\0';
        LOG(LOG_INFO, "bus up", LOG_STR("node", b->peers.self));
        b->hooks.state(b->ctx, true);
    }
}

/* ---------------------------------------------------------------- in */

static void count_refusal(struct bus *b, enum bus_verdict v)
{
    uint64_t *const of[] = {
        [BUS_MALFORMED] = &b->counts.malformed, [BUS_FORGED] = &b->counts.forged,
        [BUS_REPLAYED] = &b->counts.replayed,   [BUS_UNTIMELY] = &b->counts.untimely,
        [BUS_TWIN] = &b->counts.twins,          [BUS_CROWDED] = &b->counts.crowded};
    ++*of[v];
}

/* The name is to be believed only when the MAC is good. */
static void refuse(struct bus *b, enum bus_verdict v, struct sp_str channel, struct sp_str node)
{
    count_refusal(b, v);
    if (v == BUS_TWIN) {
        LOG_LIMITED(LOG_ERROR, "two nodes of the cluster have one name", 1, LOG_STR("node", node));
    } else if (node.n) {
        LOG_LIMITED(LOG_WARN, "bus message refused", 1,
                    LOG_STR("reason", sp_str(bus_verdict_word(v))), LOG_STR("node", node),
                    LOG_STR("channel", channel));
    } else {
        LOG_LIMITED(LOG_WARN, "bus message is none of the cluster's", 1,
                    LOG_STR("reason", sp_str(bus_verdict_word(v))), LOG_STR("channel", channel));
    }
}

static void take(struct bus *b, const struct bus_letter *l, bool gap)
{
    bool is_self = sp_str_eq(l->node, b->peers.self);
    if (gap) {
        b->counts.gaps++;
        b->hooks.gap(b->ctx, l->node);
    }
    if (b->closed) {
        return;
    }
    if (l->kind == BUS_MESSAGE) {
        b->counts.received++;
        b->counts.bytes_received += l->payload.n;
        b->hooks.message(b->ctx, l->node, l->boot, l->payload.p, l->payload.n);
    } else if (is_self) {
        on_own_probe(b, l->payload);
    }
}

void bus_on_message(struct redis *r, struct sp_str channel, const char *p, size_t n)
{
    struct bus *b = bus_of(r);
    struct bus_letter l = {.kind = BUS_MESSAGE};
    struct bus_now now = {bus_clock_ms(), wall_us() / 1000};
    bool gap = false;
    enum bus_ear ear = sp_str_eq(channel, SP_STR(BUS_ALL)) ? BUS_EAR_ALL : BUS_EAR_NODE;
    enum bus_verdict v = bus_open(b->mac, channel, p, n, &l);
    if (v == BUS_GOOD) {
        v = bus_believe(&b->peers, ear, &l, now, &gap);
    }
    if (v == BUS_GOOD) {
        take(b, &l, gap);
    } else {
        refuse(b, v, channel, l.node);
    }
}

/* ---------------------------------------------------------------- state */

static void log_down(struct bus *b, const char *why)
{
    uint64_t now = bus_clock_ms();
    if (!b->up && strcmp(b->logged, why) == 0 && now - b->logged_ms < LOG_AGAIN_MS) {
        return;
    }
    LOG(LOG_WARN, b->up ? "bus down" : "bus not reached", LOG_STR("reason", sp_str(why)));
    b->logged_ms = now;
    snprintf(b->logged, sizeof(b->logged), "%s", why);
}

void bus_on_lost(struct redis *r, const char *why)
{
    struct bus *b = bus_of(r);
    bool was_up = b->up;
    log_down(b, why);
    b->up = false;
    b->probe_sent_ms = 0;
    b->nasked = 0;
    for (unsigned i = 0; i < b->ndests; i++) {
        b->dests[i].waiting = 0;
    }
    redis_drop(r);
    if (was_up) {
        b->hooks.state(b->ctx, false);
    }
}

/* Time in which this loop stood still was not Redis's. */
static void look_at_probe(struct bus *b, uint64_t now, uint64_t stood)
{
    if (b->probe_sent_ms) {
        b->probe_sent_ms += stood;
        if (now - b->probe_sent_ms >= PROBE_LATE_MS) {
            bus_on_lost(&b->redis, "what is published does not come back");
        }
    } else if (now >= b->probe_due_ms) {
        send_probe(b, now);
    }
}

static void on_tick(uv_timer_t *t)
{
    struct bus *b = t->data;
    uint64_t now = bus_clock_ms(), since = now - b->ticked_ms;
    b->ticked_ms = now;
    if (b->up) {
        look_at_probe(b, now, since > 2 * TICK_MS ? since - TICK_MS : 0);
    } else {
        redis_tick(&b->redis, now);
    }
}

bool bus_up(const struct bus *b)
{
    return b->up;
}

const struct bus_counts *bus_counts(const struct bus *b)
{
    return &b->counts;
}

/* ---------------------------------------------------------------- life */

static void on_tick_closed(uv_handle_t *h)
{
    struct bus *b = h->data;
    bus_mac_free(b->mac);
    free(b);
}

void bus_close(struct bus *b)
{
    if (b && !b->closed) {
        b->closed = true;
        b->up = false;
        redis_close(&b->redis);
        uv_close((uv_handle_t *)&b->tick, on_tick_closed);
    }
}

static bool check_conf(const struct bus_conf *conf, char *why, size_t cap)
{
    if (!sp_id_ok(sp_str(conf->node))) {
        snprintf(why, cap, "the name of this node is no id");
        return false;
    }
    if (conf->nkey < BUS_KEY_MIN) {
        snprintf(why, cap, "the cluster's key has less than %u bytes", BUS_KEY_MIN);
        return false;
    }
    return true;
}

struct bus *bus_new(uv_loop_t *loop, const struct bus_conf *conf, const struct bus_hooks *hooks,
                    void *ctx, char *why, size_t cap)
{
    struct bus *b = check_conf(conf, why, cap) ? calloc(1, sizeof(*b)) : NULL;
    if (!b) {
        return NULL;
    }
    if (!bus_url_parse(&b->redis.url, conf->url, why, cap)) {
        free(b);
        return NULL;
    }
    b->mac = bus_mac_new(conf->key, conf->nkey);
    if (!b->mac) {
        snprintf(why, cap, "there is no HMAC-SHA256");
        free(b);
        return NULL;
    }
    b->hooks = *hooks;
    b->ctx = ctx;
    snprintf(b->node, sizeof(b->node), "%s", conf->node);
    b->peers.self = sp_str(b->node);
    b->peers.boot = (uint64_t)wall_us();
    b->ndests = 1;
    b->ticked_ms = bus_clock_ms();
    redis_init(&b->redis, loop, b->peers.self);
    uv_timer_init(loop, &b->tick);
    b->tick.data = b;
    uv_timer_start(&b->tick, on_tick, 0, TICK_MS);
    return b;
}
