/* SPDX-License-Identifier: MIT
 * What messages carry, in the events of monitors that may see it. */
#include "tests/core/world.h"

static struct sock *monitor(struct world *w, const char *members)
{
    struct sock *s = dial_local(w);
    say(s, "{'type':'monitor','rid':'m'%s}", members);
    expect(s, "ack", "rid=m");
    return s;
}

static struct world *contents_world(void)
{
    struct hub_conf conf = world_conf();
    conf.contents = true;
    conf.event_ring = 16;
    conf.max_message = 4096;
    return world_new_conf(&conf);
}

static void test_contents_for_those_who_may(void **state)
{
    (void)state;
    struct world *w = contents_world();
    struct sock *a = join(w, "a"), *s = monitor(w, ",'content':true,'filter':'relay'");
    struct sock *blind = monitor(w, ",'filter':'relay'");
    join(w, "b");
    say(a, "{'type':'offer','target':'b','sdp':'v=0\\r\\ns=secret'}");
    say(a, "{'type':'ice','target':'b','candidate':{'candidate':'host','sdpMid':'0'}}");
    say(a, "{'type':'ice','target':'b','candidate':null}");
    advance(w, 25);
    const char *batch = expect(s, "events");
    assert_non_null(strstr(batch, ",\"sdp\":\"v=0\\r\\ns=secret\"}"));
    assert_non_null(strstr(batch, ",\"candidate\":{\"candidate\":\"host\",\"sdpMid\":\"0\"}}"));
    assert_non_null(strstr(batch, ",\"candidate\":null}"));
    batch = expect(blind, "events");
    assert_null(strstr(batch, "secret"));
    assert_null(strstr(batch, "candidate"));
    world_free(w);
}

static void test_contents_are_refused(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *s = dial_local(w);
    say(s, "{'type':'monitor','content':true,'rid':1}");
    expect(s, "error", "code=forbidden");
    world_free(w);
    w = contents_world();
    struct hub_conf conf = w->conf;
    struct rights r;
    unsigned bad;
    char why[128];
    assert_true(
        rights_parse(&r, (const char *const[]){"local signal monitor"}, 1, &bad, why, sizeof(why)));
    conf.rights = &r;
    s = monitor(w, ",'content':true,'filter':'relay'");
    struct sock *a = join(w, "a");
    hub_reconf(w->hub, &conf, w->now);
    say(a, "{'type':'offer','target':'a','sdp':'secret'}");
    advance(w, 25);
    assert_null(strstr(expect(s, "events"), "secret"));
    say(s, "{'type':'monitor','content':true,'rid':1}");
    expect(s, "error", "code=forbidden");
    world_free(w);
}

/* More contents than there is room for: the old ones are null, each other one is whole. */
static void test_contents_are_bounded(void **state)
{
    (void)state;
    struct world *w = contents_world();
    struct sock *a = join(w, "a");
    for (int i = 0; i < 200; i++) {
        say(a, "{'type':'offer','target':'a','sdp':'%0*d'}", 3000, i % 10);
        say(a, "{'type':'bye','target':'a'}");
        forget(a);
    }
    struct sock *s = monitor(w, ",'content':true,'backlog':1000,'filter':'offer'");
    unsigned whole = 0, lost = 0;
    while (unread(s)) {
        const char *at = expect(s, "events");
        while ((at = strstr(at, "\"sdp\":"))) {
            at += 6;
            lost += *at == 'n';
            whole += *at == '"' && strspn(at + 1, "0") >= 2999 && at[3001] == '"';
        }
    }
    assert_int_equal(whole + lost, 4);
    assert_true(whole >= 1);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_contents_for_those_who_may),
        cmocka_unit_test(test_contents_are_refused),
        cmocka_unit_test(test_contents_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
