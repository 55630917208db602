/* SPDX-License-Identifier: MIT
 * Who may register as what: tokens at the upgrade and in register, ids, roles, what strangers may.
 */
#include "tests/core/world.h"

static struct world *auth_world(void)
{
    struct hub_conf conf = world_conf();
    conf.auth = true;
    return world_new_conf(&conf);
}

static void test_no_token(void **state)
{
    (void)state;
    struct world *w = auth_world();
    struct sock *s = dial(w), *local = dial_local(w);
    say(s, "{'type':'register','id':'a','rid':1}");
    expect(s, "error", "code=unauthorized", "rid=1", "retryable=false", "message=Unauthorized",
           "details=no token");
    expect_closed(s, 1008);
    assert_string_equal(s->close_reason, "Unauthorized");
    expect_event(w, "auth", "code=unauthorized", "reason=no token", "addr=192.0.2.1:4711");
    say(local, "{'type':'register','id':'a'}");
    expect(local, "error", "code=unauthorized");
    expect_closed(local, 1008);
    assert_int_equal(hub_clients(w->hub), 0);
    assert_int_equal(w->authentications, 0);
    assert_int_equal(hub_counts(w->hub)->failed_auths, 2);
    world_free(w);
}

static void test_bad_token_at_the_upgrade(void **state)
{
    (void)state;
    struct world *w = auth_world();
    struct sock *s = dial_with(w, "nonsense");
    expect_closed(s, 1008);
    assert_string_equal(s->close_reason, "Unauthorized");
    expect_event(w, "auth", "code=unauthorized", "reason=not a token");
    expect_event(w, "disconnect", "reason=1008 Unauthorized");
    turn(w);
    assert_int_equal(hub_connections(w->hub), 0);
    assert_int_equal(hub_counts(w->hub)->failed_auths, 1);
    world_free(w);
}

static void test_bad_token_in_register(void **state)
{
    (void)state;
    struct world *w = auth_world();
    struct sock *s = dial(w), *t = dial_with(w, "id=a");
    say(s, "{'type':'register','id':'a','token':'nonsense','rid':2}");
    expect(s, "error", "code=unauthorized", "rid=2", "details=not a token");
    expect_closed(s, 1008);
    /* what it brought before does not make up for it */
    say(t, "{'type':'register','id':'a','token':''}");
    expect(t, "error", "code=unauthorized");
    expect_closed(t, 1008);
    assert_int_equal(hub_clients(w->hub), 0);
    world_free(w);
}

static void test_expired_token(void **state)
{
    (void)state;
    struct world *w = auth_world();
    struct sock *s = dial(w), *t = dial_with(w, "expired");
    expect_closed(t, 1008);
    expect_event(w, "auth", "code=token_expired", "reason=expired");
    say(s, "{'type':'register','id':'a','token':'expired','rid':2}");
    expect(s, "error", "code=token_expired", "rid=2", "retryable=false", "message=Token expired");
    expect_closed(s, 1008);
    assert_int_equal(hub_counts(w->hub)->failed_auths, 2);
    world_free(w);
}

static void test_token_text_stays_out_of_everything(void **state)
{
    (void)state;
    struct world *w = auth_world();
    struct sock *m = dial_with(w, "id=m;role=monitor"), *s = dial(w), *bad = dial(w);
    say(m, "{'type':'monitor'}");
    say(s, "{'type':'register','id':'a','token':'id=a;id=a;role=drone;key=774411'}");
    expect(s, "registered", "id=a");
    say(bad, "{'type':'register','id':'a','token':'774411=x'}");
    advance(w, 100);
    forget(bad);
    for (size_t i = 0; i < w->events.n; i++) {
        assert_null(strstr(w->events.v[i].p, "774411"));
    }
    for (size_t i = 0; i < w->nsocks; i++) {
        for (size_t k = 0; k < w->socks[i]->in.n; k++) {
            assert_null(strstr(w->socks[i]->in.v[k].p, "774411"));
        }
    }
    world_free(w);
}

static void test_ids(void **state)
{
    (void)state;
    static const struct {
        const char *token, *id;
        bool good;
    } cases[] = {
        {"id=a", "a", true},
        {"id=a", "b", false},
        {"id=a", "A", false},
        {"id=a", "a2", false},
        {"ids=cam-*", "cam-1", true},
        {"ids=cam-*", "cam", false},
        {"ids=cam-?", "cam-12", false},
        {"ids=*", "x", true},
        {"id=a;ids=b*", "a", true},
        {"id=a;ids=b*", "b7", true},
        {"id=a;ids=b*", "c", false},
        {"ids=b;ids=c;ids=d-*", "d-1", true},
        {"ids=b;ids=c;ids=d-*", "d", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (int late = 0; late < 2; late++) {
            char token[128];
            struct world *w = auth_world();
            struct sock *s = late ? dial(w) : dial_with(w, cases[i].token);
            snprintf(token, sizeof(token), late ? ",'token':'%s'" : "", cases[i].token);
            say(s, "{'type':'register','id':'%s','rid':1%s}", cases[i].id, token);
            if (cases[i].good) {
                expect(s, "registered", "rid=1");
            } else {
                expect(s, "error", "code=forbidden", "rid=1");
                expect_event(w, "deliver_error", "code=forbidden");
            }
            expect_nothing(s);
            assert_int_equal(hub_clients(w->hub), cases[i].good);
            world_free(w);
        }
    }
}

static void test_an_id_that_was_denied_may_be_another(void **state)
{
    (void)state;
    struct world *w = auth_world();
    struct sock *s = dial_with(w, "id=a;role=drone");
    say(s, "{'type':'register','id':'b'}");
    expect(s, "error", "code=forbidden", "details=the token is not for the id b");
    say(s, "{'type':'register','id':'a'}");
    expect(s, "registered", "id=a");
    say(s, "{'type':'register','id':'b','token':'id=b;role=admin','rid':1}");
    expect(s, "error", "code=already_registered", "rid=1");
    expect_nothing(s);
    world_free(w);
}

static void test_roles(void **state)
{
    (void)state;
    struct world *w = auth_world();
    struct sock *s = dial_with(w, "id=a;role=drone"), *n = dial_with(w, "id=n");
    struct sock *boss = dial_with(w, "id=boss;role=admin");
    say(s, "{'type':'register','id':'a','role':'admin'}");
    expect(s, "error", "code=forbidden", "details=the token gives the role drone");
    say(s, "{'type':'register','id':'a','role':'drone'}");
    expect(s, "registered");
    say(n, "{'type':'register','id':'n','role':'drone'}");
    expect(n, "error", "code=forbidden", "details=the token gives no role");
    say(n, "{'type':'register','id':'n'}");
    expect(n, "registered");
    say(boss, "{'type':'list','detail':true}");
    const char *list = expect(boss, "clients", "count=2");
    assert_non_null(strstr(list, "{\"id\":\"a\",\"role\":\"drone\","));
    assert_non_null(strstr(list, "{\"id\":\"n\",\"since\":"));
    world_free(w);
}

static void expect_nothing_allowed(struct world *w, const char *token)
{
    static const char *const words[] = {"list",  "watch", "monitor", "sessions",
                                        "stats", "drain", "reload"};
    for (int registered = 0; registered < 2; registered++) {
        struct sock *s = dial_with(w, token);
        if (registered) {
            say(s, "{'type':'register','id':'a'}");
            expect(s, "registered");
            say(s, "{'type':'offer','target':'o','sdp':'v'}");
            expect(s, "error", "code=forbidden");
        }
        for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
            say(s, "{'type':'%s'}", words[i]);
            expect(s, "error", "code=forbidden");
        }
        say(s, "{'type':'kick','target':'o'}");
        expect(s, "error", "code=forbidden");
        expect_nothing(s);
        hang_up(s);
    }
}

static void test_roles_that_give_nothing(void **state)
{
    (void)state;
    struct world *w = auth_world();
    struct sock *o = dial_with(w, "id=o;role=operator");
    say(o, "{'type':'register','id':'o'}");
    expect(o, "registered");
    expect_nothing_allowed(w, "id=a");
    expect_nothing_allowed(w, "id=a;role=local");
    expect_nothing_allowed(w, "id=a;role=anonymous");
    expect_nothing_allowed(w, "id=a;role=pilot");
    expect_nothing_allowed(w, "id=a;role=ADMIN");
    expect_nothing(o);
    assert_int_equal(w->drains + w->reloads, 0);
    world_free(w);
}

/* Before it registers a connection may what its grant lets it, and nothing without one. */
static void test_before_register(void **state)
{
    (void)state;
    struct world *w = auth_world();
    struct sock *o = dial_with(w, "id=o;role=operator"), *m = dial_with(w, "id=m;role=monitor");
    struct sock *s = dial(w), *local = dial_local(w);
    say(o, "{'type':'list','rid':1}");
    expect(o, "clients", "count=0", "rid=1");
    say(o, "{'type':'watch','rid':2}");
    expect(o, "ack", "rid=2");
    say(o, "{'type':'monitor','rid':3}");
    expect(o, "error", "code=forbidden", "rid=3");
    say(o, "{'type':'offer','target':'x','sdp':'v'}");
    expect(o, "error", "code=not_registered");
    say(m, "{'type':'monitor','rid':4}");
    expect(m, "ack", "rid=4");
    for (int i = 0; i < 2; i++) {
        struct sock *stranger = i ? local : s;
        say(stranger, "{'type':'list'}");
        expect(stranger, "error", "code=not_registered");
        say(stranger, "{'type':'watch'}");
        expect(stranger, "error", "code=not_registered");
        say(stranger, "{'type':'monitor'}");
        expect(stranger, "error", "code=forbidden");
        say(stranger, "{'type':'ping'}");
        expect(stranger, "pong");
        expect_nothing(stranger);
    }
    world_free(w);
}

static void test_without_authentication(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *s = dial(w), *local = dial_local(w);
    say(s, "{'type':'register','id':'a','token':'whatever','role':'admin'}");
    expect(s, "registered");
    say(s, "{'type':'stats'}");
    expect(s, "error", "code=forbidden");
    say(s, "{'type':'list'}");
    expect(s, "clients");
    say(local, "{'type':'stats'}");
    expect(local, "stats");
    assert_int_equal(w->authentications, 0);
    world_free(w);
}

static void test_early_bytes(void **state)
{
    (void)state;
    struct hub_conf conf = world_conf();
    conf.auth = true;
    conf.early_bytes = 100;
    struct world *w = world_new_conf(&conf);
    struct sock *s = dial(w), *t = dial_with(w, "id=t;role=drone"), *u = dial(w);
    assert_int_equal(hub_max_message(w->hub, s->ref), 100);
    assert_int_equal(hub_max_message(w->hub, t->ref), SP_MESSAGE_MAX);
    say(s, "{'type':'ping','x':'%074d'}", 0);
    expect(s, "pong");
    say_lit(s, "{\"ty");
    expect(s, "error", "code=invalid_json");
    expect_nothing(s);
    say_lit(s, "{");
    expect_closed(s, 1008);
    assert_string_equal(s->close_reason, "too much before register");
    say(t, "{'type':'ping','x':'%0200d'}", 0);
    expect(t, "pong");
    say(u, "{'type':'register','id':'u','token':'id=u;role=drone'}");
    expect(u, "registered");
    assert_int_equal(hub_max_message(w->hub, u->ref), SP_MESSAGE_MAX);
    say(u, "{'type':'ping','x':'%0200d'}", 0);
    expect(u, "pong");
    world_free(w);
}

static void test_withheld(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *a = join(w, "a"), *b = join(w, "b"), *s = dial_local(w);
    call(a, b, "a", "b");
    hub_withhold(w->hub, true);
    static const char *const words[] = {"offer", "answer", "ice", "bye"};
    for (size_t i = 0; i < 4; i++) {
        say(a, "{'type':'%s','target':'b','sdp':'v','candidate':null,'rid':%zu}", words[i], i);
        expect(a, "error", "code=overloaded", "retryable=true");
    }
    expect_nothing(b);
    say(s, "{'type':'register','id':'s','rid':1}");
    expect(s, "error", "code=overloaded", "rid=1");
    say(s, "{'type':'stats'}");
    expect(s, "stats", "clients=2", "sessions=1");
    say(s, "{'type':'kick','target':'a'}");
    expect(s, "error", "code=overloaded");
    say(s, "{'type':'reload'}");
    expect(s, "error", "code=overloaded");
    assert_int_equal(w->reloads, 0);
    say(s, "{'type':'drain','rid':2}");
    expect(s, "ack");
    say(a, "{'type':'ping'}");
    expect(a, "pong");
    hub_withhold(w->hub, false);
    say(a, "{'type':'bye','target':'b'}");
    expect(b, "bye", "reason=hangup");
    say(s, "{'type':'register','id':'s'}");
    expect(s, "registered");
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_token),
        cmocka_unit_test(test_bad_token_at_the_upgrade),
        cmocka_unit_test(test_bad_token_in_register),
        cmocka_unit_test(test_expired_token),
        cmocka_unit_test(test_token_text_stays_out_of_everything),
        cmocka_unit_test(test_ids),
        cmocka_unit_test(test_an_id_that_was_denied_may_be_another),
        cmocka_unit_test(test_roles),
        cmocka_unit_test(test_roles_that_give_nothing),
        cmocka_unit_test(test_before_register),
        cmocka_unit_test(test_without_authentication),
        cmocka_unit_test(test_early_bytes),
        cmocka_unit_test(test_withheld),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
