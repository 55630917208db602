/* SPDX-License-Identifier: MIT
 * Two nodes on the bus, in one loop, against a real redis-server of this test: what arrives, what
 * is refused, what is told when Redis fails. The loop may not be held for more than LAG_MAX_MS. */
#include "tests/e2e/bus_world.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct world w;

static int begin(void **state)
{
    (void)state;
    return world_begin(&w);
}

static int end(void **state)
{
    (void)state;
    return world_end(&w);
}

static void both_up(void)
{
    until(&w, 5000, w.a.up && w.b.up);
}

/* ---------------------------------------------------------------- what arrives */

#define MANY 10000u

static bool send_many(struct node *from, struct node *to)
{
    while (from->sent < MANY) {
        char text[64];
        snprintf(text, sizeof(text), "%s %u", from->name, from->sent + 1);
        if (!bus_send(from->bus, sp_str(to->name), text, strlen(text))) {
            return false;
        }
        from->sent++;
    }
    return true;
}

static void many_each_way_in_order(void **state)
{
    (void)state;
    both_up();
    until(&w, 30000,
          (int)send_many(&w.a, &w.b) & (int)send_many(&w.b, &w.a) && w.a.heard == MANY &&
              w.b.heard == MANY);
    assert_int_equal(w.a.gaps + w.b.gaps + w.a.disorder + w.b.disorder, 0);
    assert_int_equal(w.a.downs + w.b.downs, 0);
    assert_int_equal(bus_counts(w.a.bus)->sent, MANY);
    assert_int_equal(bus_counts(w.a.bus)->received, MANY);
}

static void to_all_and_to_oneself(void **state)
{
    (void)state;
    both_up();
    assert_true(bus_send(w.a.bus, sp_str(""), "node-a 1", 8));
    assert_true(bus_send(w.a.bus, sp_str("node-a"), "node-a 2", 8));
    until(&w, 2000, w.a.heard == 2 && w.b.heard == 1);
    assert_int_equal(w.a.disorder + w.b.disorder + w.a.gaps + w.b.gaps, 0);
}

static void nobody_listens(void **state)
{
    (void)state;
    both_up();
    assert_true(bus_send(w.a.bus, sp_str("node-c"), "x", 1));
    until(&w, 2000, w.a.unheard == 1);
    assert_string_equal(w.a.last_unheard, "node-c");
    assert_false(bus_send(w.a.bus, sp_str("no id"), "x", 1));
    node_stop(&w.b);
    assert_true(bus_send(w.a.bus, sp_str("node-b"), "x", 1));
    until(&w, 2000, w.a.unheard == 2);
    assert_string_equal(w.a.last_unheard, "node-b");
}

static void large_ones(void **state)
{
    static char big[BUS_PAYLOAD_MAX + 1];
    (void)state;
    both_up();
    memset(big, 'x', sizeof(big));
    assert_false(bus_send(w.a.bus, sp_str("node-b"), big, sizeof(big)));
    for (unsigned i = 0; i < 6; i++) {
        assert_true(bus_send(w.a.bus, sp_str("node-b"), big, BUS_PAYLOAD_MAX));
    }
    until(&w, 10000, w.b.heard == 6);
    assert_int_equal(bus_counts(w.b.bus)->bytes_received, 6ull * BUS_PAYLOAD_MAX);
    assert_int_equal(w.a.downs + w.b.downs, 0);
}

/* A channel that is forgotten goes on above what it had: no replay, at worst a gap. */
static void more_channels_than_are_remembered(void **state)
{
    (void)state;
    both_up();
    assert_true(bus_send(w.a.bus, sp_str("node-b"), "node-a 1", 8));
    for (unsigned i = 0; i < 200; i++) {
        char name[16];
        snprintf(name, sizeof(name), "n%u", i);
        until(&w, 2000, bus_send(w.a.bus, sp_str(name), "x", 1));
        until(&w, 2000, w.a.unheard == i + 1);
    }
    assert_true(bus_send(w.a.bus, sp_str("node-b"), "node-a 2", 8));
    until(&w, 2000, w.b.heard == 2);
    assert_int_equal(w.b.disorder, 0);
}

static void a_new_life(void **state)
{
    (void)state;
    both_up();
    assert_true(bus_send(w.a.bus, sp_str("node-b"), "node-a 1", 8));
    until(&w, 2000, w.b.heard == 1);
    node_stop(&w.a);
    node_start(&w, &w.a, "node-a");
    until(&w, 5000, w.a.up);
    uint64_t former = w.b.boot;
    assert_true(bus_send(w.a.bus, sp_str("node-b"), "node-a 2", 8));
    until(&w, 2000, w.b.heard == 2);
    assert_int_equal(w.b.gaps, 1);
    assert_true(w.b.boot > former);
}

static void twins_are_told(void **state)
{
    struct node twin = {0};
    (void)state;
    both_up();
    node_start(&w, &twin, "node-a");
    until(&w, 5000, bus_counts(w.a.bus)->twins > 0);
    node_stop(&twin);
}

/* ---------------------------------------------------------------- who is refused */

static void garbage_is_refused(void **state)
{
    (void)state;
    both_up();
    uint64_t before = bus_counts(w.b.bus)->malformed;
    redis_do(&w, "PUBLISH sigkit:node:node-b garbage");
    redis_do(&w, "PUBLISH sigkit:all %b", "\1\0\1xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
             (size_t)51);
    redis_do(&w, "PUBLISH sigkit:node:node-b %b", "", (size_t)0);
    until(&w, 2000, bus_counts(w.b.bus)->malformed + bus_counts(w.b.bus)->forged == before + 3);
    assert_int_equal(w.b.heard, 0);
    assert_int_equal(w.b.downs, 0);
}

static void recorded_replayed_and_forged(void **state)
{
    char copy[512];
    size_t n;
    (void)state;
    both_up();
    world_record(&w, "sigkit:node:node-b");
    assert_true(bus_send(w.a.bus, sp_str("node-b"), "node-a 1", 8));
    until(&w, 2000, w.b.heard == 1);
    n = world_recorded(&w, copy, sizeof(copy));
    const struct bus_counts *c = bus_counts(w.b.bus);
    redis_do(&w, "PUBLISH sigkit:node:node-b %b", copy, n);
    until(&w, 2000, c->replayed == 1);
    uint64_t forged = c->forged;
    redis_do(&w, "PUBLISH sigkit:all %b", copy, n);
    until(&w, 2000, c->forged == forged + 1);
    copy[n - 1] = '7';
    redis_do(&w, "PUBLISH sigkit:node:node-b %b", copy, n);
    until(&w, 2000, c->forged == forged + 2);
    assert_true(bus_send(w.a.bus, sp_str("node-b"), "node-a 2", 8));
    until(&w, 2000, w.b.heard == 2);
    assert_int_equal(w.b.disorder + w.b.gaps, 0);
}

static void another_key(void **state)
{
    struct node stranger = {.key = "another key, of another cluster"};
    (void)state;
    both_up();
    node_start(&w, &stranger, "stranger");
    until(&w, 5000, stranger.up);
    assert_true(bus_send(stranger.bus, sp_str("node-b"), "stranger 1", 10));
    until(&w, 2000, bus_counts(w.b.bus)->forged >= 2);
    assert_int_equal(w.b.heard, 0);
    node_stop(&stranger);
}

/* ---------------------------------------------------------------- when Redis fails */

static void killed_and_back(void **state)
{
    (void)state;
    both_up();
    uint64_t at = now_ms();
    world_kill_redis(&w);
    until(&w, 2000, !w.a.up && !w.b.up);
    print_message("down after %llu ms\n", (unsigned long long)(now_ms() - at));
    assert_false(bus_send(w.a.bus, sp_str("node-b"), "x", 1));
    run_for(&w, 3000); /* until the pauses between attempts are the longest */
    world_start_redis(&w);
    at = now_ms();
    until(&w, 3000, w.a.up && w.b.up);
    print_message("up after %llu ms\n", (unsigned long long)(now_ms() - at));
    assert_true(bus_send(w.a.bus, sp_str("node-b"), "node-a 1", 8));
    until(&w, 2000, w.b.heard == 1);
    assert_int_equal(bus_counts(w.a.bus)->reconnects, 1);
}

static void stopped_and_back(void **state)
{
    (void)state;
    both_up();
    uint64_t at = now_ms();
    kill(w.redis, SIGSTOP);
    until(&w, 2000, !w.a.up && !w.b.up);
    print_message("down after %llu ms\n", (unsigned long long)(now_ms() - at));
    run_for(&w, 5000 - (now_ms() - at));
    kill(w.redis, SIGCONT);
    at = now_ms();
    until(&w, 3000, w.a.up && w.b.up);
    print_message("up after %llu ms\n", (unsigned long long)(now_ms() - at));
    assert_true(bus_send(w.a.bus, sp_str("node-b"), "node-a 1", 8));
    until(&w, 2000, w.b.heard == 1);
}

/* What is not read by Redis is bounded here. */
static void a_stopped_redis_fills_nobody(void **state)
{
    static char text[65536];
    unsigned n = 0;
    (void)state;
    both_up();
    kill(w.redis, SIGSTOP);
    while (bus_send(w.a.bus, sp_str("node-b"), text, sizeof(text))) {
        n++;
    }
    kill(w.redis, SIGCONT);
    assert_in_range(n, BUS_UNSENT_MAX / sizeof(text) / 2, BUS_UNSENT_MAX / sizeof(text));
    until(&w, 5000, w.b.heard == n);
    for (n = 0; bus_send(w.a.bus, sp_str("node-b"), "x", 1); n++) {
    }
    assert_in_range(n, BUS_UNANSWERED_MAX - 64, BUS_UNANSWERED_MAX);
}

static void connections_killed(void **state)
{
    (void)state;
    both_up();
    for (unsigned i = 0; i < 2; i++) {
        redis_do(&w, i ? "CLIENT KILL TYPE pubsub" : "CLIENT KILL TYPE normal SKIPME yes");
        until(&w, 2000, w.a.downs == i + 1 && w.b.downs == i + 1);
        both_up();
    }
    redis_do(&w, "FLUSHALL");
    assert_true(bus_send(w.a.bus, sp_str("node-b"), "node-a 1", 8));
    until(&w, 2000, w.b.heard == 1);
    assert_int_equal(w.a.downs, 2);
}

static void gaps_after_a_loss(void **state)
{
    (void)state;
    both_up();
    assert_true(bus_send(w.a.bus, sp_str("node-b"), "node-a 1", 8));
    until(&w, 2000, w.b.heard == 1);
    redis_do(&w, "CLIENT PAUSE 600000 WRITE");
    assert_true(bus_send(w.a.bus, sp_str("node-b"), "node-a 2", 8));
    until(&w, 4000, !w.a.up && !w.b.up);
    redis_do(&w, "CLIENT UNPAUSE");
    both_up();
    assert_true(bus_send(w.a.bus, sp_str("node-b"), "node-a 3", 8));
    until(&w, 2000, w.b.last == 3);
    assert_true(w.b.gaps == 1 || w.b.heard == 3);
}

/* PUBLISH stores nothing and goes on. */
static void out_of_memory(void **state)
{
    (void)state;
    both_up();
    redis_do(&w, "CONFIG SET maxmemory 1");
    redis_fails(&w, "SET x y", "OOM");
    assert_true(bus_send(w.a.bus, sp_str("node-b"), "node-a 1", 8));
    until(&w, 2000, w.b.heard == 1);
    redis_do(&w, "CONFIG SET maxmemory 0");
    assert_int_equal(w.a.downs + w.b.downs, 0);
}

static void forbidden_later(void **state)
{
    (void)state;
    both_up();
    redis_do(&w, "ACL SETUSER default -publish");
    until(&w, 2000, !w.a.up && !w.b.up);
    assert_true(world_logged(&w, "NOPERM"));
    redis_do(&w, "ACL SETUSER default +publish");
    both_up();
}

/* ---------------------------------------------------------------- ways to Redis */

static void passwords(void **state)
{
    struct node wrong = {.url = "redis://:wrong-secret@127.0.0.1:%u"};
    struct node none = {.url = "redis://127.0.0.1:%u"};
    struct node right = {.url = "redis://:right-secret@127.0.0.1:%u/3"};
    struct node user = {.url = "redis://joe:joes%2Fsecret@localhost:%u"};
    struct node path = {.url = "unix:redis.sock?pass=right-secret"};
    struct node *const all[] = {&wrong, &none, &right, &user, &path};
    (void)state;
    both_up();
    redis_do(&w, "ACL SETUSER joe on >joes/secret +@all ~* &*");
    redis_do(&w, "CONFIG SET requirepass right-secret");
    for (size_t i = 0; i < 5; i++) {
        char name[8];
        snprintf(name, sizeof(name), "n%zu", i);
        node_start(&w, all[i], name);
    }
    until(&w, 5000, right.up && user.up && path.up);
    until(&w, 5000, world_logged(&w, "WRONGPASS") && world_logged(&w, "NOAUTH"));
    assert_false(wrong.up || none.up);
    assert_false(world_logged(&w, "-secret"));
    for (size_t i = 0; i < 5; i++) {
        node_stop(all[i]);
    }
}

static void nobody_there(void **state)
{
    struct node refused = {.url = "redis://127.0.0.1:1"};
    struct node missing = {.url = "unix:nothing.sock"};
    struct node unknown = {.url = "redis://no-such-host.invalid"};
    struct node *const all[] = {&refused, &missing, &unknown};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        char name[8];
        snprintf(name, sizeof(name), "n%zu", i);
        node_start(&w, all[i], name);
    }
    until(&w, 5000, world_logged(&w, "Connection refused") && world_logged(&w, "No such file"));
    until(&w, 20000, world_logged(&w, "host not found") || world_logged(&w, "too long"));
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(all[i]->downs, 0);
        node_stop(all[i]);
    }
}

/* What hiredis' own asynchronous half would end the program over. */
static void not_a_redis(void **state)
{
    static const char *const says[] = {"HTTP/1.1 400 Bad Request\r\n\r\n",
                                       "+OK\r\n+OK\r\n+OK\r\n",
                                       "*3\r\n:1\r\n:2\r\n:3\r\n",
                                       "*3\r\n$9\r\nsubscribe\r\n$1\r\nx\r\n$1\r\ny\r\n:1\r\n",
                                       "*3\r\n$11\r\nunsubscribe\r\n$1\r\nx\r\n$1\r\ny\r\n",
                                       "*-1\r\n$-1\r\n",
                                       "$3000000\r\nx",
                                       ""};
    (void)state;
    for (size_t i = 0; i < sizeof(says) / sizeof(says[0]); i++) {
        struct node odd = {.url = "unix:odd.sock"};
        world_serve(&w, "odd.sock", says[i]);
        node_start(&w, &odd, "odd");
        until(&w, 5000, world_served(&w) >= 4);
        assert_false(odd.up);
        node_stop(&odd);
        world_serve(&w, "odd.sock", NULL);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(many_each_way_in_order),
        TEST(to_all_and_to_oneself),
        TEST(nobody_listens),
        TEST(large_ones),
        TEST(more_channels_than_are_remembered),
        TEST(a_new_life),
        TEST(twins_are_told),
        TEST(garbage_is_refused),
        TEST(recorded_replayed_and_forged),
        TEST(another_key),
        TEST(killed_and_back),
        TEST(stopped_and_back),
        TEST(a_stopped_redis_fills_nobody),
        TEST(connections_killed),
        TEST(gaps_after_a_loss),
        TEST(out_of_memory),
        TEST(forbidden_later),
        TEST(passwords),
        TEST(nobody_there),
        TEST(not_a_redis),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
