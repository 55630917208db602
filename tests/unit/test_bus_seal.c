/* SPDX-License-Identifier: MIT
 * Messages of the bus: what is cut, changed, repeated, late or for somebody else is refused; and
 * the URLs of Redis. */
#include "daemon/net/bus_in.h"
#include "tests/lib/unit.h"

#include <time.h>

#define BOOT  UINT64_C(1800000000000000)
#define WALL  INT64_C(1800000001000)
#define OTHER ((const uint8_t *)"0123456789abcdeF")

static const uint8_t *const key = (const uint8_t *)"0123456789abcdef";
static const struct sp_str all = {BUS_ALL, sizeof(BUS_ALL) - 1};
static const struct bus_letter sample = {.kind = BUS_MESSAGE,
                                         .node = {"node-1", 6},
                                         .payload = {"{\"a\":1}", 7},
                                         .boot = BOOT,
                                         .counter = 1,
                                         .wall_ms = WALL};

static struct bus_mac *mac;

static int make_mac(void **state)
{
    (void)state;
    mac = bus_mac_new(key, 16);
    return mac ? 0 : -1;
}

static int free_mac(void **state)
{
    (void)state;
    bus_mac_free(mac);
    return 0;
}

/* ---------------------------------------------------------------- the envelope */

static void comes_back_whole(void **state)
{
    char room[512];
    struct bus_letter l;
    (void)state;
    for (int again = 0; again < 2; again++) {
        size_t n = bus_seal(mac, all, &sample, room, sizeof(room));
        assert_int_equal(n, BUS_HEAD_MIN - 1 + 6 + 7);
        assert_int_equal(bus_open(mac, all, room, n, &l), BUS_GOOD);
        assert_int_equal(l.kind, BUS_MESSAGE);
        assert_text(l.node, "node-1");
        assert_text(l.payload, "{\"a\":1}");
        assert_true(l.boot == BOOT && l.counter == 1 && l.wall_ms == WALL);
    }
}

static void without_payload_and_with_the_longest_name(void **state)
{
    char room[BUS_HEAD_MAX], name[SP_ID_MAX];
    struct bus_letter l = sample;
    (void)state;
    memset(name, 'n', sizeof(name));
    l.node = (struct sp_str){name, sizeof(name)};
    l.payload = (struct sp_str){NULL, 0};
    size_t n = bus_seal(mac, all, &l, room, sizeof(room));
    assert_int_equal(n, sizeof(room));
    assert_int_equal(bus_open(mac, all, room, n, &l), BUS_GOOD);
    assert_int_equal(l.payload.n, 0);
    assert_int_equal(l.node.n, SP_ID_MAX);
}

static void a_flipped_bit_is_refused(void **state)
{
    char room[512];
    struct bus_letter l = {.boot = 7};
    (void)state;
    size_t n = bus_seal(mac, all, &sample, room, sizeof(room));
    for (size_t bit = 0; bit < n * 8; bit++) {
        room[bit / 8] = (char)(room[bit / 8] ^ 1 << bit % 8);
        enum bus_verdict v = bus_open(mac, all, room, n, &l);
        assert_true(v == BUS_MALFORMED || v == BUS_FORGED);
        room[bit / 8] = (char)(room[bit / 8] ^ 1 << bit % 8);
    }
    assert_int_equal(l.boot, 7);
    assert_int_equal(bus_open(mac, all, room, n, &l), BUS_GOOD);
}

static void cut_or_longer_is_refused(void **state)
{
    char room[512];
    struct bus_letter l;
    (void)state;
    size_t n = bus_seal(mac, all, &sample, room, sizeof(room));
    for (size_t cut = 0; cut < n; cut++) {
        enum bus_verdict v = bus_open(mac, all, room, cut, &l);
        assert_int_equal(v, cut < BUS_HEAD_MIN + 5 ? BUS_MALFORMED : BUS_FORGED);
    }
    room[n] = 'x';
    assert_int_equal(bus_open(mac, all, room, n + 1, &l), BUS_FORGED);
}

static void for_another_channel_or_key(void **state)
{
    char room[512];
    struct bus_letter l;
    (void)state;
    size_t n = bus_seal(mac, SP_STR("sigkit:node:a"), &sample, room, sizeof(room));
    assert_int_equal(bus_open(mac, SP_STR("sigkit:node:a"), room, n, &l), BUS_GOOD);
    assert_int_equal(bus_open(mac, SP_STR("sigkit:node:b"), room, n, &l), BUS_FORGED);
    assert_int_equal(bus_open(mac, SP_STR("sigkit:node:"), room, n, &l), BUS_FORGED);
    assert_int_equal(bus_open(mac, all, room, n, &l), BUS_FORGED);
    struct bus_mac *other = bus_mac_new(OTHER, 16);
    assert_int_equal(bus_open(other, SP_STR("sigkit:node:a"), room, n, &l), BUS_FORGED);
    bus_mac_free(other);
}

static void too_large_is_refused(void **state)
{
    static char room[BUS_HEAD_MAX + BUS_PAYLOAD_MAX + 1], payload[BUS_PAYLOAD_MAX + 1];
    struct bus_letter l = sample;
    (void)state;
    l.payload = (struct sp_str){payload, BUS_PAYLOAD_MAX};
    size_t n = bus_seal(mac, all, &l, room, sizeof(room));
    assert_int_equal(bus_open(mac, all, room, n, &l), BUS_GOOD);
    l = sample;
    l.payload = (struct sp_str){payload, BUS_PAYLOAD_MAX + 1};
    n = bus_seal(mac, all, &l, room, sizeof(room));
    assert_int_equal(bus_open(mac, all, room, n, &l), BUS_MALFORMED);
}

/* ---------------------------------------------------------------- who is believed */

static struct bus_peers peers;
static struct bus_now now;
static bool gap;

static int forget_all(void **state)
{
    (void)state;
    peers = (struct bus_peers){.self = SP_STR("me"), .boot = BOOT};
    now = (struct bus_now){1000000, WALL};
    return 0;
}

static enum bus_verdict hear_on(enum bus_ear ear, const char *node, uint64_t boot, uint64_t counter,
                                enum bus_kind kind)
{
    struct bus_letter l = sample;
    l.node = sp_str(node);
    l.boot = boot;
    l.counter = counter;
    l.kind = kind;
    gap = false;
    return bus_believe(&peers, ear, &l, now, &gap);
}

static enum bus_verdict hear(const char *node, uint64_t boot, uint64_t counter)
{
    return hear_on(BUS_EAR_ALL, node, boot, counter, BUS_MESSAGE);
}

#define assert_heard(verdict, is_gap)                                                              \
    do {                                                                                           \
        assert_int_equal((verdict), BUS_GOOD);                                                     \
        assert_int_equal(gap, (is_gap));                                                           \
    } while (0)

static void in_order_without_a_gap(void **state)
{
    (void)state;
    for (uint64_t i = 1; i < 100; i++) {
        assert_heard(hear("a", BOOT, i), false);
        assert_heard(hear_on(BUS_EAR_NODE, "a", BOOT, i, BUS_MESSAGE), false);
        assert_heard(hear("b", BOOT + 1, i), false);
    }
}

static void a_replay_is_refused(void **state)
{
    (void)state;
    assert_heard(hear("a", BOOT, 1), false);
    assert_heard(hear("a", BOOT, 2), false);
    assert_int_equal(hear("a", BOOT, 2), BUS_REPLAYED);
    assert_int_equal(hear("a", BOOT, 1), BUS_REPLAYED);
    assert_int_equal(hear("a", BOOT, 0), BUS_REPLAYED);
    assert_heard(hear("a", BOOT, 3), false);
    assert_int_equal(hear("b", BOOT, 0), BUS_REPLAYED);
}

static void reordered_is_a_gap_and_a_replay(void **state)
{
    (void)state;
    assert_heard(hear("a", BOOT, 1), false);
    assert_heard(hear("a", BOOT, 3), true);
    assert_int_equal(hear("a", BOOT, 2), BUS_REPLAYED);
    assert_heard(hear("a", BOOT, 4), false);
}

static void met_late_is_a_gap(void **state)
{
    (void)state;
    assert_heard(hear("a", BOOT, 7), true);
    assert_heard(hear("a", BOOT, 8), false);
    assert_heard(hear_on(BUS_EAR_NODE, "a", BOOT, 2, BUS_MESSAGE), true);
}

static void a_new_life_is_a_gap_once(void **state)
{
    (void)state;
    assert_heard(hear("a", BOOT, 1), false);
    assert_heard(hear_on(BUS_EAR_NODE, "a", BOOT, 1, BUS_MESSAGE), false);
    assert_heard(hear("a", BOOT + 1, 1), true);
    assert_heard(hear_on(BUS_EAR_NODE, "a", BOOT + 1, 1, BUS_MESSAGE), false);
    assert_int_equal(hear("a", BOOT, 2), BUS_REPLAYED);
    assert_int_equal(hear_on(BUS_EAR_NODE, "a", BOOT, 2, BUS_MESSAGE), BUS_REPLAYED);
    assert_heard(hear("a", BOOT + 1, 2), false);
}

static void probes_show_what_is_lost(void **state)
{
    (void)state;
    assert_heard(hear_on(BUS_EAR_ALL, "a", BOOT, 0, BUS_PROBE), false);
    assert_heard(hear_on(BUS_EAR_ALL, "a", BOOT, 0, BUS_PROBE), false);
    assert_heard(hear("a", BOOT, 1), false);
    assert_heard(hear_on(BUS_EAR_ALL, "a", BOOT, 1, BUS_PROBE), false);
    assert_int_equal(hear_on(BUS_EAR_ALL, "a", BOOT, 0, BUS_PROBE), BUS_REPLAYED);
    assert_heard(hear_on(BUS_EAR_ALL, "a", BOOT, 2, BUS_PROBE), true);
    assert_int_equal(hear("a", BOOT, 2), BUS_REPLAYED);
    assert_heard(hear("a", BOOT, 3), false);
}

static void clocks_matter_when_nodes_meet(void **state)
{
    (void)state;
    now.wall_ms = WALL + BUS_SKEW_MS + 1;
    assert_int_equal(hear("a", BOOT, 1), BUS_UNTIMELY);
    now.wall_ms = WALL - BUS_SKEW_MS - 1;
    assert_int_equal(hear("a", BOOT, 1), BUS_UNTIMELY);
    assert_int_equal(peers.n, 0);
    now.wall_ms = WALL + BUS_SKEW_MS;
    assert_heard(hear("a", BOOT, 1), false);
    now.wall_ms = WALL - BUS_SKEW_MS;
    assert_heard(hear("b", BOOT, 1), false);
    now.wall_ms = WALL + 1000000000;
    assert_heard(hear("a", BOOT, 2), false);
    assert_int_equal(hear("a", BOOT + 1, 1), BUS_UNTIMELY);
    assert_heard(hear("a", BOOT, 3), false);
}

static void a_clock_that_was_set_back(void **state)
{
    (void)state;
    assert_heard(hear("a", BOOT, 5), true);
    now.mono_ms += BUS_FORGET_MS;
    assert_int_equal(hear("a", BOOT - 1, 1), BUS_REPLAYED);
    now.mono_ms++;
    assert_heard(hear("a", BOOT - 1, 1), true);
    assert_int_equal(hear("a", BOOT - 1, 1), BUS_REPLAYED);
}

/* A life that is forgotten, not over: its numbers still count. */
static void silence_opens_no_door_to_replays(void **state)
{
    (void)state;
    assert_heard(hear("a", BOOT, 5), true);
    now.mono_ms += BUS_FORGET_MS + 1;
    assert_int_equal(hear("a", BOOT, 5), BUS_REPLAYED);
    now.wall_ms += BUS_FORGET_MS - BUS_SKEW_MS;
    assert_int_equal(hear("a", BOOT - 1, 1), BUS_UNTIMELY);
}

static void own_messages_and_a_twin(void **state)
{
    (void)state;
    assert_heard(hear("me", BOOT, 1), false);
    assert_heard(hear("me", BOOT, 5), false);
    assert_int_equal(hear("me", BOOT, 5), BUS_REPLAYED);
    assert_int_equal(hear("me", BOOT + 1, 1), BUS_TWIN);
    assert_int_equal(hear("me", BOOT - 1, 1), BUS_TWIN);
    assert_heard(hear("me", BOOT, 6), false);
}

static void the_table_is_bounded(void **state)
{
    char name[16];
    (void)state;
    for (unsigned i = 0; i < BUS_PEERS; i++) {
        snprintf(name, sizeof(name), "n%u", i);
        assert_heard(hear(name, BOOT, 1), false);
        now.mono_ms++;
    }
    assert_int_equal(hear("more", BOOT, 1), BUS_CROWDED);
    now.mono_ms += BUS_FORGET_MS - BUS_PEERS + 1;
    assert_heard(hear("more", BOOT, 1), false);
    assert_int_equal(hear("evenmore", BOOT, 1), BUS_CROWDED);
    assert_int_equal(hear("n1", BOOT, 1), BUS_REPLAYED);
    assert_int_equal(peers.n, BUS_PEERS);
}

/* ---------------------------------------------------------------- URLs */

static void good_urls(void **state)
{
    static const struct {
        const char *text, *host, *port, *path, *user, *pass;
        unsigned db;
    } rows[] = {
        {"redis://h", "h", "6379", "", "", "", 0},
        {"redis://h/", "h", "6379", "", "", "", 0},
        {"redis://10.0.0.1:7000/3", "10.0.0.1", "7000", "", "", "", 3},
        {"redis://u:p@h:1", "h", "1", "", "u", "p", 0},
        {"redis://:p@h:1", "h", "1", "", "", "p", 0},
        {"redis://u:p%40%3a@:%2F@h:1", "h", "1", "", "u", "p@:@:/", 0},
        {"redis://[::1]:65535/0", "::1", "65535", "", "", "", 0},
        {"redis://[fe80::1]", "fe80::1", "6379", "", "", "", 0},
        {"unix:/run/r.sock", "", "", "/run/r.sock", "", "", 0},
        {"unix:/r?db=2&pass=p%26&user=u", "", "", "/r", "u", "p&", 2},
    };
    struct bus_url u;
    char why[BUS_WHY];
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        bool ok = bus_url_parse(&u, rows[i].text, why, sizeof(why));
        if (!ok) {
            fail_msg("%s: %s", rows[i].text, why);
        }
        assert_string_equal(u.host, rows[i].host);
        assert_string_equal(u.port, rows[i].port);
        assert_string_equal(u.path, rows[i].path);
        assert_string_equal(u.user, rows[i].user);
        assert_string_equal(u.pass, rows[i].pass);
        assert_int_equal(u.db, rows[i].db);
        assert_true(bus_check_url(rows[i].text, why, sizeof(why)));
    }
}

static void bad_urls(void **state)
{
    static const char *const rows[][2] = {
        {"", "begins neither"},
        {"http://h", "begins neither"},
        {"rediss://h", "no TLS"},
        {"redis://", "host"},
        {"redis://:6379", "host"},
        {"redis://secret@h", "no password"},
        {"redis://@h", "no password"},
        {"redis://secret:@h", "no password"},
        {"redis://secret:%zz@h", "%XX"},
        {"redis://secret:%00@h", "%XX"},
        {"redis://u:secret@", "host"},
        {"redis://u:secret@[::1", "]"},
        {"redis://u:secret@h:0", "port"},
        {"redis://u:secret@h:65536", "port"},
        {"redis://u:secret@h:", "port"},
        {"redis://u:secret@[::1]x", "port"},
        {"redis://u:secret@h/x", "database"},
        {"redis://u:secret@h/70000", "database"},
        {"redis://u:secret/x@h", "database"},
        {"redis://u:secret?@h", "write it"},
        {"unix:", "path"},
        {"unix:r.sock", "path"},
        {"unix:/r?secret", "behind its ?"},
        {"unix:/r?user=secret", "without a password"},
        {"unix:/r?user=u&pass=%secret", "%XX"},
        {"unix:/r?secret=1", "behind its ?"},
        {"unix:/r?db=secret", "database"},
        {"unix:/"
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
         "aaaaaaaaaaaaaaaaaaaaaaaaa",
         "path"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char why[BUS_WHY];
        if (bus_check_url(rows[i][0], why, sizeof(why)) || !strstr(why, rows[i][1]) ||
            strstr(why, "secret")) {
            fail_msg("%s: %s", rows[i][0], why);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_back_whole),
        cmocka_unit_test(without_payload_and_with_the_longest_name),
        cmocka_unit_test(a_flipped_bit_is_refused),
        cmocka_unit_test(cut_or_longer_is_refused),
        cmocka_unit_test(for_another_channel_or_key),
        cmocka_unit_test(too_large_is_refused),
        cmocka_unit_test_setup(in_order_without_a_gap, forget_all),
        cmocka_unit_test_setup(a_replay_is_refused, forget_all),
        cmocka_unit_test_setup(reordered_is_a_gap_and_a_replay, forget_all),
        cmocka_unit_test_setup(met_late_is_a_gap, forget_all),
        cmocka_unit_test_setup(a_new_life_is_a_gap_once, forget_all),
        cmocka_unit_test_setup(probes_show_what_is_lost, forget_all),
        cmocka_unit_test_setup(clocks_matter_when_nodes_meet, forget_all),
        cmocka_unit_test_setup(a_clock_that_was_set_back, forget_all),
        cmocka_unit_test_setup(silence_opens_no_door_to_replays, forget_all),
        cmocka_unit_test_setup(own_messages_and_a_twin, forget_all),
        cmocka_unit_test_setup(the_table_is_bounded, forget_all),
        cmocka_unit_test(good_urls),
        cmocka_unit_test(bad_urls),
    };
    return cmocka_run_group_tests(tests, make_mac, free_mac);
}
