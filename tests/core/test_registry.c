/* SPDX-License-Identifier: MIT
 * 10,000 random steps of registering, taking over and closing against a simple model: one owner
 * per id, the list equals the model and is sorted. */
#include "tests/core/world.h"

#include <stdlib.h>

#define STEPS 10000u
#define NAMES 120u
#define CONNS 200u

static const char *name_of(uint32_t i)
{
    static char name[SP_ID_MAX + 1];
    /* common prefixes longer and shorter than the eight bytes that the index compares first */
    static const char *const stems[] = {"a", "drone", "drone-00", "drone-00000000", "Z.z:z@z-"};
    snprintf(name, sizeof(name), "%s%u", stems[i % 5], i / 5);
    return name;
}

struct model {
    struct sock *owner[NAMES]; /* NULL: nobody has the id */
    struct sock *conn[CONNS];
    int32_t id[CONNS]; /* -1: not registered */
    uint32_t owners;
};

static void lose_owner(struct model *m, struct sock *s)
{
    for (uint32_t i = 0; i < NAMES; i++) {
        if (m->owner[i] == s) {
            m->owner[i] = NULL;
            m->owners--;
        }
    }
}

static void step_register(struct world *w, struct model *m, uint32_t c)
{
    uint32_t id = world_random(w, NAMES);
    char want[160];
    struct sock *s = m->conn[c], *old = m->owner[id];
    say(s, "{'type':'register','id':'%s'}", name_of(id));
    if (m->id[c] >= 0 && (uint32_t)m->id[c] != id) {
        expect(s, "error", "code=already_registered");
        return;
    }
    snprintf(want, sizeof(want), "id=%s", name_of(id));
    expect(s, "registered", want);
    if (old && old != s) {
        expect_closed(old, 4501);
    }
    m->owners += !old;
    m->owner[id] = s;
    m->id[c] = (int32_t)id;
}

static void step_close(struct world *w, struct model *m, uint32_t c)
{
    struct sock *s = m->conn[c];
    if (!s->closes) {
        lose_owner(m, s);
        if (world_random(w, 4) == 0) {
            hub_fault(w->hub, s->ref, HUB_FAULT_BINARY, w->now);
            expect_closed(s, 1003);
        }
    }
    hang_up(s);
    m->conn[c] = NULL;
}

static void step(struct world *w, struct model *m)
{
    uint32_t c = world_random(w, CONNS);
    if (!m->conn[c]) {
        m->conn[c] = dial(w);
        m->id[c] = -1;
        return;
    }
    if (m->conn[c]->closes || world_random(w, 3) == 0) {
        step_close(w, m, c);
    } else {
        step_register(w, m, c);
    }
    if (world_random(w, 10) == 0) {
        turn(w);
    }
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The ids that the model says are there, sorted, as the list would show them. */
static void expected_list(const struct model *m, char *out, size_t cap)
{
    static char store[NAMES][SP_ID_MAX + 1];
    const char *names[NAMES];
    uint32_t n = 0;
    for (uint32_t i = 0; i < NAMES; i++) {
        if (m->owner[i]) {
            snprintf(store[n], sizeof(store[n]), "%s", name_of(i));
            names[n] = store[n];
            n++;
        }
    }
    qsort(names, n, sizeof(names[0]), by_text);
    size_t at = (size_t)snprintf(out, cap, "{'type':'clients','clients':[");
    for (uint32_t i = 0; i < n; i++) {
        at += (size_t)snprintf(out + at, cap - at, "%s'%s'", i ? "," : "", names[i]);
    }
    snprintf(out + at, cap - at, "],'count':%u}", n);
}

static void check_list(struct world *w, const struct model *m, struct sock *lister)
{
    static char want[64 * 1024];
    say(lister, "{'type':'list'}");
    expected_list(m, want, sizeof(want));
    expect_text(lister, want);
    assert_int_equal(hub_clients(w->hub), m->owners);
}

static void run(uint64_t seed, bool linger)
{
    static struct model m;
    memset(&m, 0, sizeof(m));
    struct hub_conf conf = world_conf();
    conf.max_errors = 1000;
    struct world *w = world_new_conf(&conf);
    w->rng ^= seed * 0x2545f4914f6cdd1du;
    w->linger = linger;
    w->keep_events = false;
    struct sock *lister = dial_local(w);
    for (uint32_t i = 0; i < STEPS; i++) {
        step(w, &m);
        if (i % 37 == 0 || world_random(w, 50) == 0) {
            check_list(w, &m, lister);
        }
    }
    check_list(w, &m, lister);
    for (uint32_t c = 0; c < CONNS; c++) {
        if (m.conn[c]) {
            step_close(w, &m, c);
        }
    }
    check_list(w, &m, lister);
    assert_int_equal(m.owners, 0);
    assert_int_equal(hub_connections(w->hub), 1);
    world_free(w);
}

static void test_random_steps(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        run(seed, false);
    }
}

static void test_random_steps_with_late_closes(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        run(seed, true);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_steps),
        cmocka_unit_test(test_random_steps_with_late_closes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
