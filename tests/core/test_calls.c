/* SPDX-License-Identifier: MIT
 * Thousands of sessions under random calls, hang-ups, takeovers and timeouts against a plain
 * array as the model: every answer and every bye is foreseen. */
#include "tests/core/world.h"

#include <stdlib.h>

#define PARTIES  40u
#define SESSIONS 8192u
#define LIMIT    30u
#define OFFER_US 60000000u
#define IDLE_US  90000000u
#define LATE_US  70000u

struct call {
    uint32_t party[2]; /* 0 opened it */
    char id[SP_ID_MAX + 1];
    bool answered, told[2];
    uint64_t opened_us, last_us;
};

struct model {
    struct world *w;
    struct sock *sock[PARTIES];
    char token[PARTIES][64];
    struct call call[SESSIONS]; /* oldest first */
    uint32_t n;
};

static struct call *find(struct model *m, uint32_t a, uint32_t b, const char *id)
{
    for (uint32_t i = m->n; i-- > 0;) {
        struct call *c = &m->call[i];
        bool pair =
            (c->party[0] == a && c->party[1] == b) || (c->party[0] == b && c->party[1] == a);
        if (pair && (!id[0] || strcmp(c->id, id) == 0)) {
            return c;
        }
    }
    return NULL;
}

static uint32_t open_calls(const struct model *m, uint32_t p)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < m->n; i++) {
        n += m->call[i].party[0] == p || m->call[i].party[1] == p;
    }
    return n;
}

static uint32_t opened_calls(const struct model *m, uint32_t p)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < m->n; i++) {
        n += m->call[i].party[0] == p;
    }
    return n;
}

static void drop(struct model *m, struct call *c)
{
    uint32_t i = (uint32_t)(c - m->call);
    memmove(c, c + 1, (m->n - i - 1) * sizeof(*c));
    m->n--;
}

static void enter(struct model *m, uint32_t p, const char *members)
{
    char id[16];
    snprintf(id, sizeof(id), "p%u", p);
    struct sock *s = dial(m->w);
    say(s, "{'type':'register','id':'%s'%s}", id, members);
    assert_true(value_of(expect(s, "registered"), "resume", m->token[p], sizeof(m->token[p])));
    m->sock[p] = s;
}

/* The receiver's copy, then the sender's ack; both name the session. */
static void expect_relayed(struct model *m, uint32_t a, uint32_t b, const char *type,
                           const char *id)
{
    char from[32], session[160];
    snprintf(from, sizeof(from), "from=p%u", a);
    snprintf(session, sizeof(session), "sessionId=%s", id);
    const char *must = id[0] ? session : "!sessionId";
    expect(m->sock[b], type, from, must);
    expect(m->sock[a], "ack", must);
}

static const char *random_id(struct model *m)
{
    static char id[16];
    id[0] = '\0';
    if (world_random(m->w, 2)) {
        snprintf(id, sizeof(id), "s%u", world_random(m->w, 6));
    }
    return id;
}

static void ask(struct model *m, uint32_t a, uint32_t b, const char *body, const char *id)
{
    char session[160] = "";
    if (id[0]) {
        snprintf(session, sizeof(session), ",'sessionId':'%s'", id);
    }
    say(m->sock[a], "{%s,'target':'p%u','rid':1%s}", body, b, session);
}

static void step_offer(struct model *m, uint32_t a, uint32_t b)
{
    const char *id = random_id(m);
    struct call *c = find(m, a, b, id);
    ask(m, a, b, "'type':'offer','sdp':'v'", id);
    if (!c && opened_calls(m, a) >= LIMIT) {
        expect(m->sock[a], "error", "code=session_limit", "rid=1");
        return;
    }
    if (!c) {
        assert_true(m->n < SESSIONS);
        c = &m->call[m->n++];
        *c = (struct call){.party = {a, b}, .opened_us = m->w->now.mono_us};
        snprintf(c->id, sizeof(c->id), "%s", id);
        const struct texts *got = &m->sock[b]->in;
        if (!id[0]) {
            assert_true(value_of(got->v[got->read].p, "sessionId", c->id, sizeof(c->id)));
        }
    }
    c->last_us = m->w->now.mono_us;
    const struct texts *got = &m->sock[b]->in;
    const char *polite = c->party[0] != b ? "true" : "false";
    char text[8] = "";
    assert_true(value_of(got->v[got->read].p, "polite", text, sizeof(text)));
    assert_string_equal(text, polite);
    expect_relayed(m, a, b, "offer", c->id);
}

static void step_other(struct model *m, uint32_t a, uint32_t b, uint32_t what)
{
    static const char *const bodies[] = {"'type':'answer','sdp':'v'", "'type':'bye'",
                                         "'type':'ice','candidate':null"};
    static const char *const types[] = {"answer", "bye", "ice"};
    const char *id = random_id(m);
    struct call *c = find(m, a, b, id);
    ask(m, a, b, bodies[what], id);
    if (!c && (what != 2 || id[0])) {
        expect(m->sock[a], "error", "code=session_not_found", "rid=1");
        return;
    }
    expect_relayed(m, a, b, types[what], c ? c->id : "");
    if (c) {
        c->last_us = m->w->now.mono_us;
        c->answered = c->answered || what == 0;
        if (what == 1) {
            drop(m, c);
        }
    }
}

/* Takes every bye that waits, from whomever, and marks its call; then drops what was told. */
static void take_byes(struct model *m, const char *reason, uint32_t skip)
{
    char want[64], from[32], id[SP_ID_MAX + 1];
    snprintf(want, sizeof(want), "reason=%s", reason);
    for (uint32_t p = 0; p < PARTIES; p++) {
        while (unread(m->sock[p])) {
            const char *bye = expect(m->sock[p], "bye", want);
            assert_true(value_of(bye, "from", from, sizeof(from)));
            assert_true(value_of(bye, "sessionId", id, sizeof(id)));
            struct call *c = find(m, p, (uint32_t)atoi(from + 1), id);
            assert_non_null(c);
            uint32_t side = c->party[0] == p ? 0 : 1;
            assert_false(c->told[side]);
            c->told[side] = true;
            c->told[!side] = c->told[!side] || c->party[!side] == skip;
            c->told[!side] = c->told[!side] || c->party[0] == c->party[1];
        }
    }
    for (uint32_t i = m->n; i-- > 0;) {
        struct call *c = &m->call[i];
        assert_int_equal(c->told[0], c->told[1]);
        if (c->told[0]) {
            drop(m, c);
        }
    }
}

static uint64_t due_of(const struct call *c)
{
    return c->answered ? c->last_us + IDLE_US : c->opened_us + OFFER_US;
}

static void step_time(struct model *m)
{
    advance(m->w, world_random(m->w, 5000));
    for (uint32_t i = 0; i < m->n; i++) {
        m->call[i].told[0] = m->call[i].told[1] = false;
    }
    uint64_t now = m->w->now.mono_us;
    uint32_t early = 0, all = m->n;
    for (uint32_t i = 0; i < m->n; i++) {
        early += due_of(&m->call[i]) > now;
    }
    take_byes(m, "timeout", UINT32_MAX);
    assert_true(m->n >= early && m->n <= all);
    for (uint32_t i = 0; i < m->n; i++) {
        early -= due_of(&m->call[i]) > now;
        assert_true(due_of(&m->call[i]) + LATE_US > now);
    }
    assert_int_equal(early, 0);
}

static void drop_self_calls(struct model *m, uint32_t p)
{
    for (uint32_t i = m->n; i-- > 0;) {
        if (m->call[i].party[0] == p && m->call[i].party[1] == p) {
            drop(m, &m->call[i]);
        }
    }
}

static void step_leave(struct model *m, uint32_t p)
{
    char members[100];
    uint32_t how = world_random(m->w, 3);
    if (how == 0) {
        hang_up(m->sock[p]);
        drop_self_calls(m, p);
        take_byes(m, "peer-left", p);
        enter(m, p, "");
    } else if (how == 1) {
        struct sock *old = m->sock[p];
        enter(m, p, "");
        expect_closed(old, 4501);
        drop_self_calls(m, p);
        take_byes(m, "replaced", p);
    } else {
        struct sock *old = m->sock[p];
        snprintf(members, sizeof(members), ",'resume':'%s'", m->token[p]);
        enter(m, p, members);
        expect_closed(old, 4501);
        return;
    }
    assert_int_equal(open_calls(m, p), 0);
}

static void run(uint64_t seed)
{
    struct hub_conf conf = world_conf();
    conf.limits.max_sessions = LIMIT;
    conf.heartbeat_us = 0;
    conf.offer_us = OFFER_US;
    conf.session_us = IDLE_US;
    struct model *m = calloc(1, sizeof(*m));
    assert_non_null(m);
    m->w = world_new_conf(&conf);
    m->w->rng ^= seed * 0x2545f4914f6cdd1du;
    m->w->keep_events = false;
    for (uint32_t p = 0; p < PARTIES; p++) {
        enter(m, p, "");
    }
    for (uint32_t i = 0; i < 20000; i++) {
        uint32_t a = world_random(m->w, PARTIES), b = world_random(m->w, PARTIES);
        uint32_t what = world_random(m->w, 400);
        if (what < 250) {
            step_offer(m, a, b);
        } else if (what < 390) {
            step_other(m, a, b, what % 3);
        } else if (what < 396) {
            step_time(m);
        } else {
            step_leave(m, a);
        }
        assert_int_equal(hub_sessions(m->w->hub), m->n);
        assert_int_equal(unread(m->sock[a]) + unread(m->sock[b]), 0);
    }
    advance(m->w, 200000);
    assert_int_equal(hub_sessions(m->w->hub), 0);
    world_free(m->w);
    free(m);
}

static void test_random_calls(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        run(seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_calls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
