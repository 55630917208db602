/* SPDX-License-Identifier: MIT
 * Every cell of the default rights through the hub: each role sends each request to each role, over
 * local and remote connections, with and without authentication, and after reloads. */
#include "tests/core/rights_want.h"
#include "tests/core/world.h"

#define NELEMS(a) (sizeof(a) / sizeof((a)[0]))

enum past { FRESH, FROM_WIDER, SAME_AGAIN, FAILED_RELOAD, PASTS };

/* side is one of the two clients; place is the role that counts for its rights. */
struct side {
    bool auth, local;
    const char *role, *place;
};

/* cell is one case: s sends verb to t, in a world with that past. */
struct cell {
    struct side s, t;
    enum past past;
    const char *verb;
    struct world *w;
    struct sock *sender, *target;
    bool session; /* the pair has one */
};

static struct rights wider;

static void make_wider(void)
{
    static const char *const lines[] = {"local all",    "anonymous all", "drone all", "camera all",
                                        "operator all", "monitor all",   "admin all"};
    unsigned bad;
    char why[128];
    assert_true(rights_parse(&wider, lines, NELEMS(lines), &bad, why, sizeof(why)));
}

static struct sock *enter(struct world *w, const char *id, const struct side *side)
{
    char token[96];
    struct hub_grant grant;
    struct hub_peer peer = {.addr = SP_STR("192.0.2.1:1"), .local = side->local};
    snprintf(token, sizeof(token), "id=%s;role=%s", id, side->role);
    if (side->auth) {
        assert_true(world_grant(w, token, &grant));
        peer.grant = &grant;
    }
    struct sock *s = dial_peer(w, &peer);
    /* without authentication a role is a word that gives no right */
    say(s, "{'type':'register','id':'%s'%s}", id, side->auth ? "" : ",'role':'admin'");
    expect(s, "registered");
    return s;
}

static bool is_signal(const char *verb)
{
    return strcmp(verb, "offer") == 0 || strcmp(verb, "answer") == 0 || strcmp(verb, "ice") == 0 ||
           strcmp(verb, "bye") == 0;
}

static void reload_that_fails(struct world *w)
{
    struct hub_conf conf = w->conf;
    w->reload_fails = "line 7";
    struct sock *admin = conf.auth ? dial_with(w, "id=boss;role=admin") : dial_local(w);
    say(admin, "{'type':'reload','rid':1}");
    expect(admin, "error", "code=internal");
    hang_up(admin);
    w->reload_fails = NULL;
    w->reloads = 0;
}

static void go_through(struct cell *c)
{
    struct hub_conf conf = c->w->conf;
    conf.rights = NULL;
    switch (c->past) {
    case FRESH:
        break;
    case FROM_WIDER:
    case SAME_AGAIN:
        hub_reconf(c->w->hub, &conf, c->w->now);
        break;
    case FAILED_RELOAD:
        reload_that_fails(c->w);
        break;
    case PASTS:
        fail();
    }
}

static void begin(struct cell *c)
{
    struct hub_conf conf = world_conf();
    conf.event_ring = 16;
    conf.auth = c->s.auth;
    conf.rights = c->past == FROM_WIDER ? &wider : NULL;
    c->w = world_new_conf(&conf);
    c->sender = enter(c->w, "s", &c->s);
    c->target = enter(c->w, "t", &c->t);
    say(c->sender, "{'type':'offer','target':'t','sdp':'v','sessionId':'x'}");
    c->session = hub_sessions(c->w->hub) == 1;
    go_through(c);
    forget_all(c->w);
}

static void ask(struct cell *c, const char *target)
{
    const char *more = strcmp(c->verb, "ice") == 0 ? ",'candidate':'c'" : ",'sdp':'v'";
    say(c->sender, "{'type':'%s','target':'%s','rid':7%s}", c->verb, target,
        is_signal(c->verb) ? more : "");
}

static const char *answer_of(struct cell *c)
{
    assert_int_equal(unread(c->sender), 1);
    return c->sender->in.v[c->sender->in.read++].p;
}

/* The answer about t must be the one about u, which nobody is, but for the name. */
static void expect_same_but_id(const char *t, const char *u)
{
    for (; *t && (*t == *u || (*t == 't' && *u == 'u')); t++, u++) {
    }
    assert_int_equal(*t, *u);
}

static void expect_denied(struct cell *c)
{
    bool any = want_any(c->s.place, c->verb);
    bool visible = want_may(c->s.place, "list", c->t.place);
    size_t before = unread(c->target);
    ask(c, "t");
    const char *about_t = answer_of(c), *want = any && !visible ? "target_not_found" : "forbidden";
    char code[64];
    assert_true(value_of(about_t, "code", code, sizeof(code)));
    assert_string_equal(code, want);
    expect_event(c->w, "deliver_error", "code=forbidden", "from=s");
    assert_int_equal(unread(c->target), before);
    ask(c, "u");
    const char *about_u = answer_of(c);
    if (!any || !visible) {
        expect_same_but_id(about_t, about_u);
    } else {
        assert_true(value_of(about_u, "code", code, sizeof(code)));
        assert_string_equal(code, "target_not_found");
    }
}

static void expect_relayed(struct cell *c)
{
    bool needs = strcmp(c->verb, "answer") == 0 || strcmp(c->verb, "bye") == 0;
    ask(c, "t");
    if (needs && !c->session) {
        expect(c->sender, "error", "code=session_not_found");
        return;
    }
    expect(c->sender, "ack", "rid=7");
    expect(c->target, c->verb, "from=s");
}

static void check_targeted(struct cell *c)
{
    if (!want_may(c->s.place, c->verb, c->t.place)) {
        expect_denied(c);
    } else if (is_signal(c->verb)) {
        expect_relayed(c);
    } else {
        ask(c, "t");
        expect(c->sender, "ack", "rid=7");
        expect_closed(c->target, 4502);
    }
}

static void check_list(struct cell *c)
{
    const char *list = expect(c->sender, "clients", "rid=7");
    bool self = want_may(c->s.place, "list", c->s.place);
    bool other = want_may(c->s.place, "list", c->t.place);
    assert_int_equal(strstr(list, "\"s\"") != NULL, self);
    assert_int_equal(strstr(list, "\"t\"") != NULL, other);
    assert_int_equal(number_of(list, "count"), self + other);
    assert_int_equal(count_in(list, "clients"), self + other);
}

static void check_watch(struct cell *c)
{
    bool may = want_may(c->s.place, "watch", c->t.place);
    expect(c->sender, "ack", "rid=7");
    hang_up(c->target);
    if (may) {
        expect(c->sender, "presence", "event=leave", "id=t");
    }
    if (c->session) {
        expect(c->sender, "bye", "from=t");
    }
    c->target = enter(c->w, "t", &c->t);
    if (may) {
        expect(c->sender, "presence", "event=join", "id=t");
    }
    assert_int_equal(unread(c->sender), 0);
}

static void check_untargeted(struct cell *c)
{
    say(c->sender, "{'type':'%s','rid':7}", c->verb);
    bool may = want_any(c->s.place, c->verb);
    if (!may) {
        expect(c->sender, "error", "code=forbidden", "rid=7");
        expect_event(c->w, "deliver_error", "code=forbidden", "from=s");
    } else if (strcmp(c->verb, "list") == 0) {
        check_list(c);
    } else if (strcmp(c->verb, "watch") == 0) {
        check_watch(c);
    } else if (strcmp(c->verb, "sessions") == 0 || strcmp(c->verb, "stats") == 0) {
        expect(c->sender, c->verb, "rid=7");
    } else {
        expect(c->sender, "ack", "rid=7");
    }
    assert_int_equal(c->w->drains, may && strcmp(c->verb, "drain") == 0);
    assert_int_equal(c->w->reloads, may && strcmp(c->verb, "reload") == 0);
    assert_int_equal(hub_monitors(c->w->hub), may && strcmp(c->verb, "monitor") == 0);
}

static void check_cell(struct cell *c)
{
    begin(c);
    if (is_signal(c->verb) || strcmp(c->verb, "kick") == 0) {
        check_targeted(c);
    } else {
        check_untargeted(c);
    }
    world_free(c->w);
}

static unsigned check_verbs(struct cell *c)
{
    for (unsigned v = 0; v < WANT_VERBS; v++) {
        c->verb = want_verbs[v];
        check_cell(c);
    }
    return WANT_VERBS;
}

/* What a token may say, and what comes of it. */
static const struct {
    const char *word, *place;
} words[] = {{"", ""},
             {"pilot", ""},
             {"local", ""},
             {"anonymous", ""},
             {"drone", "drone"},
             {"camera", "camera"},
             {"operator", "operator"},
             {"monitor", "monitor"},
             {"admin", "admin"}};

static unsigned check_past(enum past past)
{
    unsigned cells = 0;
    for (unsigned kinds = 0; kinds < 4; kinds++) {
        struct cell c = {.past = past};
        c.s.local = kinds & 1;
        c.t.local = kinds & 2;
        c.s.role = c.t.role = "";
        c.s.place = c.s.local ? "local" : "anonymous";
        c.t.place = c.t.local ? "local" : "anonymous";
        cells += check_verbs(&c);
        c.s.auth = c.t.auth = true;
        for (size_t i = 0; i < NELEMS(words) * NELEMS(words); i++) {
            c.s.role = words[i / NELEMS(words)].word;
            c.s.place = words[i / NELEMS(words)].place;
            c.t.role = words[i % NELEMS(words)].word;
            c.t.place = words[i % NELEMS(words)].place;
            cells += check_verbs(&c);
        }
    }
    print_message("%u cells\n", cells);
    return cells;
}

static void test_cells(void **state)
{
    (void)state;
    assert_true(check_past(FRESH) >= 300);
}

static void test_cells_right_after_rights_were_taken(void **state)
{
    (void)state;
    make_wider();
    assert_true(check_past(FROM_WIDER) >= 300);
}

static void test_cells_after_the_same_again(void **state)
{
    (void)state;
    assert_true(check_past(SAME_AGAIN) >= 300);
}

static void test_cells_after_a_reload_that_failed(void **state)
{
    (void)state;
    assert_true(check_past(FAILED_RELOAD) >= 300);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cells),
        cmocka_unit_test(test_cells_right_after_rights_were_taken),
        cmocka_unit_test(test_cells_after_the_same_again),
        cmocka_unit_test(test_cells_after_a_reload_that_failed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
