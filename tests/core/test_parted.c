/* SPDX-License-Identifier: MIT
 * Random schedules of three nodes: clients come and go anywhere, links and the bus fail, nodes die.
 * While they last, each message has one outcome and comes once, in order; afterwards all nodes
 * agree on who is where. */
#include "tests/core/fleet.h"

#include <stdlib.h>

#define NODES     3u
#define IDS       6u
#define SCHEDULES 200u
#define STEPS     150u
#define SENT_MAX  4096u

/* holder is a connection that has registered; seen is the number of the last message of each
 * sender's connection that came to it. */
struct holder {
    struct sock *s;
    unsigned node, id;
    bool dead; /* its node was killed */
};

struct plan {
    struct fleet *f;
    struct holder h[1024];
    size_t n;
    struct {
        size_t by;     /* who sent it */
        unsigned to;   /* the id */
        bool answered; /* acked or refused */
        bool delivered;
    } sent[SENT_MAX];
    size_t nsent;
    uint64_t last[1024][IDS]; /* of a holder: the last message of an id's */
};

static const char *const ids[IDS] = {"a", "b", "c", "d", "e", "f"};

static bool lives(const struct holder *h)
{
    return !h->dead && !h->s->over && !h->s->closes;
}

static void enroll(struct plan *p, unsigned node, unsigned id)
{
    if (!p->f->w[node] || p->n == sizeof(p->h) / sizeof(p->h[0])) {
        return;
    }
    p->h[p->n++] = (struct holder){join(p->f->w[node], ids[id]), node, id, false};
}

/* One that lives, from a random place on; n when none does. */
static size_t any_living(struct plan *p)
{
    size_t start = p->n ? fleet_random(p->f, (uint32_t)p->n) : 0;
    for (size_t i = 0; i < p->n; i++) {
        size_t at = (start + i) % p->n;
        if (lives(&p->h[at])) {
            return at;
        }
    }
    return p->n;
}

/* The number of a message is its rid and its candidate. */
static void send_one(struct plan *p)
{
    size_t by = any_living(p);
    if (by < p->n && p->nsent < SENT_MAX) {
        unsigned to = fleet_random(p->f, IDS);
        p->sent[p->nsent].by = by;
        p->sent[p->nsent].to = to;
        say(p->h[by].s, "{'type':'ice','target':'%s','candidate':'%zu','rid':%zu}", ids[to],
            p->nsent, p->nsent);
        p->nsent++;
    }
}

static void step(struct plan *p)
{
    struct fleet *f = p->f;
    unsigned i = fleet_random(f, NODES), j = (i + 1 + fleet_random(f, NODES - 1)) % NODES;
    size_t k = p->n ? fleet_random(f, (uint32_t)p->n) : 0;
    switch (fleet_random(f, 16)) {
    case 0:
    case 1:
    case 2:
        enroll(p, i, fleet_random(f, IDS));
        break;
    case 3:
        if (p->n && lives(&p->h[k])) {
            hang_up(p->h[k].s);
        }
        break;
    case 4:
        fleet_part(f, i, j, fleet_random(f, 2));
        break;
    case 5:
        fleet_up(f, i, fleet_random(f, 3) > 0);
        break;
    case 6:
        fleet_run(f, fleet_random(f, 4000));
        break;
    case 7:
        if (fleet_random(f, 4) == 0 && f->w[i]) {
            for (size_t h = 0; h < p->n; h++) {
                p->h[h].dead = p->h[h].dead || p->h[h].node == i;
            }
            fleet_kill(f, i);
        } else if (!f->w[i]) {
            fleet_start(f, i);
        }
        break;
    default:
        send_one(p);
        fleet_run(f, fleet_random(f, 3) * 5);
    }
}

/* Reads what came to a connection. */
static void judge(struct plan *p, size_t at)
{
    const struct texts *in = &p->h[at].s->in;
    for (size_t i = 0; i < in->n; i++) {
        const char *m = in->v[i].p;
        char type[32], word[64];
        assert_true(value_of(m, "type", type, sizeof(type)));
        if (strcmp(type, "ice") == 0) {
            assert_true(value_of(m, "candidate", word, sizeof(word)));
            size_t no = strtoul(word, NULL, 10);
            assert_true(no < p->nsent);
            assert_false(p->sent[no].delivered);
            assert_int_equal(p->sent[no].to, p->h[at].id);
            p->sent[no].delivered = true;
            /* of one connection to another: in order */
            size_t by = p->sent[no].by;
            assert_true(value_of(m, "from", word, sizeof(word)));
            assert_string_equal(word, ids[p->h[by].id]);
            for (size_t k = 0; k < i; k++) {
                char before[64];
                if (value_of(in->v[k].p, "candidate", before, sizeof(before)) &&
                    p->sent[strtoul(before, NULL, 10)].by == by) {
                    assert_true(strtoul(before, NULL, 10) < no);
                }
            }
        } else if (number_of(m, "rid") >= 0) {
            size_t no = (size_t)number_of(m, "rid");
            assert_true(no < p->nsent && p->sent[no].by == at);
            assert_false(p->sent[no].answered);
            p->sent[no].answered = true;
            if (strcmp(type, "ack") == 0) {
                continue;
            }
            assert_string_equal(type, "error");
        }
    }
}

/* Killed nodes' sockets are gone with their worlds: they are judged before. */
static void judge_all(struct plan *p)
{
    for (size_t i = 0; i < p->n; i++) {
        if (!p->h[i].dead) {
            judge(p, i);
        }
    }
    for (size_t i = 0; i < p->nsent; i++) {
        const struct holder *by = &p->h[p->sent[i].by];
        if (!by->dead && lives(by)) {
            assert_true(p->sent[i].answered);
        }
    }
}

static void heal(struct fleet *f)
{
    for (unsigned i = 0; i < NODES; i++) {
        for (unsigned j = 0; j < NODES; j++) {
            f->cut[i][j] = false;
        }
        if (!f->w[i]) {
            fleet_start(f, i);
        }
        fleet_up(f, i, true);
    }
    fleet_run(f, 5000);
}

/* Exactly one connection holds an id, and every node knows where. */
static void agree(struct plan *p)
{
    unsigned owners[IDS] = {0}, where[IDS];
    for (size_t i = 0; i < p->n; i++) {
        if (lives(&p->h[i])) {
            owners[p->h[i].id]++;
            where[p->h[i].id] = p->h[i].node;
        }
    }
    for (unsigned n = 0; n < NODES; n++) {
        struct sock *s = dial_local(p->f->w[n]);
        unsigned total = 0;
        for (unsigned i = 0; i < IDS; i++) {
            char node[48];
            assert_in_range(owners[i], 0, 1);
            say(s, "{'type':'list','detail':true,'match':'%s'}", ids[i]);
            const char *m = expect(s, "clients");
            assert_int_equal(number_of(m, "count"), owners[i]);
            if (owners[i]) {
                snprintf(node, sizeof(node), "\"node\":\"n%u\"", where[i]);
                assert_non_null(strstr(m, node));
            }
            total += owners[i];
        }
        say(s, "{'type':'list'}");
        assert_int_equal(number_of(expect(s, "clients"), "count"), total);
        hang_up(s);
    }
}

static void test_schedules(void **state)
{
    (void)state;
    unsigned delivered = 0, refused = 0;
    for (unsigned seed = 1; seed <= SCHEDULES; seed++) {
        struct hub_conf conf = world_conf();
        conf.max_errors = 100000;
        struct plan *p = calloc(1, sizeof(*p));
        p->f = fleet_new(NODES, &conf);
        p->f->rng = seed * 0x9e3779b97f4a7c15u;
        p->f->delay_ms = fleet_random(p->f, 40);
        fleet_meet(p->f);
        for (unsigned i = 0; i < STEPS; i++) {
            step(p);
        }
        heal(p->f);
        agree(p);
        judge_all(p);
        for (size_t i = 0; i < p->nsent; i++) {
            delivered += p->sent[i].delivered;
            refused += p->sent[i].answered && !p->sent[i].delivered;
        }
        fleet_free(p->f);
        free(p);
    }
    print_message("%u delivered, %u refused\n", delivered, refused);
    /* or the schedules show nothing */
    assert_true(delivered > 10 * SCHEDULES && refused > 5 * SCHEDULES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_schedules)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
