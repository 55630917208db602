/* SPDX-License-Identifier: MIT
 * Faults between the hub and its sockets: SIGD_FAULT=KIND:N does one to about each N-th message.
 * The linker puts these in front of hub_new, hub_open and hub_closed. */
#include "daemon/core/hub.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 262144u
#define SOCKS    65536u
#define HELD_MAX 1000u /* messages to others, after which one that is held back goes on its way */
#define MARK     "sigbench:"

/* The names that -Wl,--wrap gives. */
struct hub *__real_hub_new(const struct hub_conf *conf, const struct hub_ops *ops, void *ctx,
                           struct hub_now now);
struct hub_ref __real_hub_open(struct hub *h, void *sock, const struct hub_peer *peer,
                               struct hub_now now);
void __real_hub_closed(struct hub *h, struct hub_ref ref, unsigned code, struct hub_now now);
struct hub *__wrap_hub_new(const struct hub_conf *conf, const struct hub_ops *ops, void *ctx,
                           struct hub_now now);
struct hub_ref __wrap_hub_open(struct hub *h, void *sock, const struct hub_peer *peer,
                               struct hub_now now);
void __wrap_hub_closed(struct hub *h, struct hub_ref ref, unsigned code, struct hub_now now);

/* message is one that the hub writes; p has HUB_HEADROOM before it. */
struct message {
    void *ctx, *sock;
    char *p;
    size_t n;
};

/* copy is a message that is written a second time, or later. */
struct copy {
    void *sock; /* NULL: none */
    size_t n;
    unsigned age;
    char room[HUB_HEADROOM + TEXT_MAX];
};

struct fault {
    const char *name;
    bool of_acks; /* else of relayed messages */
    enum hub_wrote (*write)(const struct message *m);
};

static struct {
    const struct fault *fault;
    unsigned long one_in;
    uint64_t random;
    struct hub_ops real;
    void *socks[SOCKS]; /* by slot */
    void *last, *other; /* where the last relayed message went, and the last to another socket */
    struct copy copy, held;
} faults;

static enum hub_wrote pass(const struct message *m)
{
    return faults.real.write(m->ctx, m->sock, m->p, m->n);
}

static void keep(struct copy *c, const struct message *m)
{
    c->sock = m->sock;
    c->n = m->n;
    c->age = 0;
    memcpy(c->room + HUB_HEADROOM, m->p, m->n);
}

static enum hub_wrote pass_copy(void *ctx, struct copy *c)
{
    void *sock = c->sock;

    c->sock = NULL;
    return faults.real.write(ctx, sock, c->room + HUB_HEADROOM, c->n);
}

static bool is_open(const void *sock)
{
    for (size_t i = 0; i < SOCKS; i++) {
        if (faults.socks[i] == sock) {
            return true;
        }
    }
    return false;
}

static uint64_t next_random(void)
{
    faults.random = faults.random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return faults.random >> 33;
}

/* --- the faults ------------------------------------------------------------------------------ */

static enum hub_wrote drop(const struct message *m)
{
    (void)m;
    return HUB_WROTE;
}

static enum hub_wrote swap(const struct message *m)
{
    if (faults.held.sock) {
        return pass(m);
    }
    keep(&faults.held, m);
    return HUB_WROTE;
}

static enum hub_wrote duplicate(const struct message *m)
{
    keep(&faults.copy, m);
    enum hub_wrote wrote = pass(m);
    if (wrote == HUB_WROTE) {
        pass_copy(m->ctx, &faults.copy);
    }
    return wrote;
}

static enum hub_wrote misroute(const struct message *m)
{
    struct message to = *m;

    to.sock = faults.last == m->sock ? faults.other : faults.last;
    if (!to.sock || !is_open(to.sock)) {
        to.sock = m->sock;
    }
    return pass(&to);
}

static enum hub_wrote corrupt(const struct message *m)
{
    char *at = (char *)memmem(m->p, m->n, MARK, strlen(MARK)) + strlen(MARK);

    at[next_random() % (size_t)(m->p + m->n - at)] ^= 1;
    return pass(m);
}

static enum hub_wrote forge(const struct message *m)
{
    char *at = memmem(m->p, m->n, "\"from\":\"", 8);
    char *end = at ? memchr(at + 8, '"', (size_t)(m->p + m->n - at - 8)) : NULL;

    if (end) {
        end[-1] ^= 1;
    }
    return pass(m);
}

static const struct fault rows[] = {
    {"drop", false, drop},         {"swap", false, swap},       {"duplicate", false, duplicate},
    {"misroute", false, misroute}, {"corrupt", false, corrupt}, {"forge", false, forge},
    {"mute", true, drop},          {"reack", true, duplicate},
};

/* --- where they happen ----------------------------------------------------------------------- */

static bool is_of(const struct message *m, bool of_acks)
{
    static const char ack[] = "{\"type\":\"ack\"";
    bool is_ack = m->n > sizeof(ack) && memcmp(m->p, ack, sizeof(ack) - 1) == 0;

    return of_acks ? is_ack : !is_ack && memmem(m->p, m->n, MARK, strlen(MARK)) != NULL;
}

/* What is held back follows the next message to the same socket, or goes when there is none. */
static void release(void *ctx, const void *sock, bool relayed)
{
    if (faults.held.sock &&
        ((sock == faults.held.sock && relayed) || ++faults.held.age > HELD_MAX)) {
        pass_copy(ctx, &faults.held);
    }
}

static enum hub_wrote faulty_write(void *ctx, void *sock, char *buf, size_t len)
{
    struct message m = {ctx, sock, buf, len};
    bool relayed = is_of(&m, false);
    bool hit =
        len <= TEXT_MAX && is_of(&m, faults.fault->of_acks) && next_random() % faults.one_in == 0;
    bool held = faults.held.sock != NULL;
    enum hub_wrote wrote = hit ? faults.fault->write(&m) : pass(&m);

    if (held && wrote == HUB_WROTE) {
        release(ctx, sock, relayed);
    }
    if (relayed && sock != faults.last) {
        faults.other = faults.last;
        faults.last = sock;
    }
    return wrote;
}

/* Before main, because sigd takes no variable of that prefix that it does not know. */
__attribute__((constructor)) static void read_environment(void)
{
    const char *asked = getenv("SIGD_FAULT");
    size_t name = asked ? strcspn(asked, ":") : 0;

    if (!asked) {
        return;
    }
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (strlen(rows[i].name) == name && memcmp(asked, rows[i].name, name) == 0) {
            faults.fault = &rows[i];
            faults.one_in = strtoul(asked + name + (asked[name] == ':'), NULL, 10);
        }
    }
    if (!faults.fault || faults.one_in == 0) {
        fputs("sigd-faults: SIGD_FAULT must be KIND:N, N at least 1\n", stderr);
        exit(2);
    }
    unsetenv("SIGD_FAULT");
}

struct hub *__wrap_hub_new(const struct hub_conf *conf, const struct hub_ops *ops, void *ctx,
                           struct hub_now now)
{
    struct hub_ops wrapped = *ops;

    faults.real = *ops;
    if (faults.fault) {
        wrapped.write = faulty_write;
    }
    return __real_hub_new(conf, &wrapped, ctx, now);
}

struct hub_ref __wrap_hub_open(struct hub *h, void *sock, const struct hub_peer *peer,
                               struct hub_now now)
{
    struct hub_ref ref = __real_hub_open(h, sock, peer, now);

    if (ref.gen && ref.slot < SOCKS) {
        faults.socks[ref.slot] = sock;
    }
    return ref;
}

void __wrap_hub_closed(struct hub *h, struct hub_ref ref, unsigned code, struct hub_now now)
{
    void *sock = ref.slot < SOCKS ? faults.socks[ref.slot] : NULL;

    if (sock && faults.held.sock == sock) {
        faults.held.sock = NULL;
    }
    if (ref.slot < SOCKS) {
        faults.socks[ref.slot] = NULL;
    }
    __real_hub_closed(h, ref, code, now);
}
