/* SPDX-License-Identifier: MIT
 * STUN and TURN servers out of the configuration: their URLs, passwords of known vectors, what is
 * refused and who is to blame. */
#include "daemon/net/ice.h"
#include "tests/lib/unit.h"

#include <stdio.h>

#define NELEMS(a) (sizeof(a) / sizeof((a)[0]))

static char why[256];
static struct net_bad bad;

static struct ice *make(const struct net_ice *conf)
{
    why[0] = '\0';
    return ice_new(conf, &bad, why, sizeof(why));
}

/* ---------------------------------------------------------------- URLs */

static void test_urls_of_the_rfcs(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        enum ice_kind kind;
    } good[] = {
        /* RFC 7064 appendix A, RFC 7065 appendix A */
        {"stun:example.org", ICE_STUN},
        {"stuns:example.org", ICE_STUN},
        {"stun:example.org:8000", ICE_STUN},
        {"turn:example.org", ICE_TURN},
        {"turns:example.org", ICE_TURN},
        {"turn:example.org:8000", ICE_TURN},
        {"turn:example.org?transport=udp", ICE_TURN},
        {"turn:example.org?transport=tcp", ICE_TURN},
        {"turns:example.org?transport=tcp", ICE_TURN},
        {"turns:example.org:5349?transport=udp", ICE_TURN},
        {"turn:192.0.2.1:1", ICE_TURN},
        {"turn:[2001:db8::1]", ICE_TURN},
        {"turns:[::ffff:192.0.2.1]:65535?transport=tcp", ICE_TURN},
        {"stun:localhost", ICE_STUN},
        {"stun:a", ICE_STUN},
        {"stun:1a.2b:3478", ICE_STUN},
        {"stun:my_host.EXAMPLE-1.org", ICE_STUN},
    };
    for (size_t i = 0; i < NELEMS(good); i++) {
        enum ice_kind kind = ICE_STUN;
        if (!ice_url(good[i].url, &kind, why, sizeof(why))) {
            fail_msg("%s: %s", good[i].url, why);
        }
        assert_int_equal(kind, good[i].kind);
    }
}

static const char *const bad_urls[][2] = {
    {"", "URL is wanted"},
    {"turn", "expected ':'"},
    {"turn:", "host is missing"},
    {"turn:?transport=udp", "host is missing"},
    {":example.org", "URL is wanted"},
    {"example.org", "URL is wanted"},
    {"example.org:3478", "URL is wanted"},
    {"http://example.org", "URL is wanted"},
    {"trun:example.org", "did you mean 'turn:'?"},
    {"tunrs:example.org", "did you mean 'turns:'?"},
    {"stn:example.org", "did you mean 'stun:'?"},
    {"TURN:example.org", "URL is wanted"},
    {"turn://example.org", "no '//'"},
    {"turn:user@example.org", "no place in a URL"},
    {"turn:user:secret@example.org", "no place in a URL"},
    {"turn:example.org:", "port"},
    {"turn:example.org:0", "port"},
    {"turn:example.org:65536", "port"},
    {"turn:example.org:123456", "port"},
    {"turn:example.org:+1", "port"},
    {"turn:example.org:80 ", "unexpected ' '"},
    {"turn: example.org", "host is missing"},
    {"turn:example.org/path", "unexpected '/path'"},
    {"turn:example.org#x", "unexpected '#x'"},
    {"turn:ex%41mple.org", "unexpected '%41mple.org'"},
    {"turn:ex\xc3\xa4mple.org", "unexpected"},
    {"turn:example.org\n", "unexpected"},
    {"turn:example.org?", "only ?transport"},
    {"turn:example.org?x=y", "only ?transport"},
    {"turn:example.org?transport=", "neither udp nor tcp"},
    {"turn:example.org?transport=sctp", "neither udp nor tcp"},
    {"turn:example.org?transport=UDP", "neither udp nor tcp"},
    {"turn:example.org?transport=udp&x", "unexpected '&x'"},
    {"stun:example.org?transport=udp", "nothing may follow"},
    {"stuns:example.org?", "nothing may follow"},
    {"turn:.example.org", "neither a name nor an address"},
    {"turn:example..org", "neither a name nor an address"},
    {"turn:example.org.", "neither a name nor an address"},
    {"turn:-example.org", "neither a name nor an address"},
    {"turn:example-.org", "neither a name nor an address"},
    {"turn:192.0.2", "neither a name nor an address"},
    {"turn:192.0.2.256", "neither a name nor an address"},
    {"turn:1.192.0.2.1", "neither a name nor an address"},
    {"turn:example.7", "neither a name nor an address"},
    {"turn:2001:db8::1", "neither a name nor an address"},
    {"turn:[]", "IPv6"},
    {"turn:[192.0.2.1]", "IPv6"},
    {"turn:[2001:db8::1", "IPv6"},
    {"turn:[fe80::1%25eth0]", "IPv6"},
    {"turn:[::1]x", "unexpected 'x'"},
    {"turn:[1:2:3:4:5:6:7:8:9:10:11:12:13:14:15:16:17:18:19:20:21:22:23:24]", "IPv6"},
};

static void test_bad_urls(void **state)
{
    (void)state;
    for (size_t i = 0; i < NELEMS(bad_urls); i++) {
        enum ice_kind kind = ICE_TURN;
        if (ice_url(bad_urls[i][0], &kind, why, sizeof(why))) {
            fail_msg("%s passes", bad_urls[i][0]);
        }
        if (!strstr(why, bad_urls[i][1])) {
            fail_msg("%s: %s", bad_urls[i][0], why);
        }
        assert_int_equal(kind, ICE_TURN);
    }
}

static void test_lengths_of_names(void **state)
{
    (void)state;
    char url[512];
    enum ice_kind kind;
    for (int label = 62; label <= 64; label++) {
        snprintf(url, sizeof(url), "turn:%0*d.org", label, 0);
        assert_int_equal(ice_url(url, &kind, why, sizeof(why)), label <= 63);
    }
    /* four labels and their dots: 252 and what follows */
    for (int last = 1; last <= 3; last++) {
        snprintf(url, sizeof(url), "turns:%062d.%062d.%062d.%062d.%.*s:65535?transport=tcp", 0, 0,
                 0, 0, last, "abc");
        assert_int_equal(ice_url(url, &kind, why, sizeof(why)), last <= 1);
    }
    memset(url, 'a', sizeof(url) - 1);
    url[sizeof(url) - 1] = '\0';
    memcpy(url, "turn:", 5);
    assert_false(ice_url(url, &kind, why, sizeof(why)));
    assert_string_equal(why, "longer than 300 bytes");
}

/* ---------------------------------------------------------------- what the hub is told */

static void test_one_list_of_each_kind(void **state)
{
    (void)state;
    static const char *const urls[] = {"turn:t", "stun:s", "turns:t?transport=tcp", "stuns:s:1"};
    struct net_ice conf = {.urls = {urls, 4}, .secret = "north", .ttl_us = 7999999};
    struct ice *ice = make(&conf);
    assert_non_null(ice);
    struct hub_ice v = ice_view(ice);
    assert_text(v.stun, "[\"stun:s\",\"stuns:s:1\"]");
    assert_text(v.turn, "[\"turn:t\",\"turns:t?transport=tcp\"]");
    assert_text(v.username, "");
    assert_text(v.credential, "");
    assert_int_equal(v.ttl_us, 7000000);
    ice_free(ice);
    conf = (struct net_ice){.urls = {urls, 3}, .user = "u", .password = "p", .ttl_us = 7000000};
    ice = make(&conf);
    assert_non_null(ice);
    v = ice_view(ice);
    assert_text(v.stun, "[\"stun:s\"]");
    assert_text(v.username, "u");
    assert_text(v.credential, "p");
    char out[HUB_CREDENTIAL_MAX];
    assert_int_equal(ice_credential(ice, SP_STR("x"), out), 0);
    ice_free(ice);
    conf = (struct net_ice){.urls = {NULL, 0}};
    ice = make(&conf);
    assert_int_equal(ice_view(ice).stun.n + ice_view(ice).turn.n, 0);
    ice_free(ice);
}

static void test_sixteen_of_the_longest(void **state)
{
    (void)state;
    char url[512];
    const char *urls[16];
    snprintf(url, sizeof(url), "turns:%062d.%062d.%062d.%062d.a:65535?transport=tcp", 0, 0, 0, 0);
    for (size_t i = 0; i < NELEMS(urls); i++) {
        urls[i] = url;
    }
    struct net_ice conf = {.urls = {urls, NELEMS(urls)}, .secret = "north"};
    struct ice *ice = make(&conf);
    assert_non_null(ice);
    assert_int_equal(ice_view(ice).turn.n, NELEMS(urls) * (strlen(url) + 3) + 1);
    ice_free(ice);
}

static void test_who_is_to_blame(void **state)
{
    (void)state;
    static const char *const turn[] = {"stun:s", "turn:t"}, *const broken[] = {"stun:s", "turn:"},
                             *const leaky[] = {"turn:me:hunter2@t"};
    static char long_user[ICE_USER_MAX + 2];
    memset(long_user, 'u', sizeof(long_user) - 1);
    const struct {
        struct net_ice conf;
        const char *option;
        unsigned i;
        const char *says;
    } cases[] = {
        {{.urls = {turn, 2}}, "ice-server", 0, "wants credentials"},
        {{.urls = {broken, 2}, .secret = "s"}, "ice-server", 1, "'turn:'"},
        {{.urls = {leaky, 1}, .secret = "s"}, "ice-server", 0, "'***'"},
        {{.urls = {turn, 1}, .secret = "s"}, "turn-secret-file", 0, "no ice-server"},
        {{.urls = {NULL, 0}, .user = "u", .password = "p"}, "turn-user", 0, "no ice-server"},
        {{.urls = {turn, 2}, .user = "u\x01", .password = "p"}, "turn-user", 0, "not UTF-8"},
        {{.urls = {turn, 2}, .user = "u\xff", .password = "p"}, "turn-user", 0, "not UTF-8"},
        {{.urls = {turn, 2}, .user = long_user, .password = "p"}, "turn-user", 0, "508"},
        {{.urls = {turn, 2}, .user = "u", .password = "\xff"}, "turn-password-file", 0, "UTF-8"},
    };
    for (size_t i = 0; i < NELEMS(cases); i++) {
        assert_null(make(&cases[i].conf));
        assert_string_equal(bad.option, cases[i].option);
        assert_int_equal(bad.i, cases[i].i);
        if (!strstr(why, cases[i].says) || strstr(why, "hunter2")) {
            fail_msg("%zu: %s", i, why);
        }
    }
}

static void test_serial_grows_with_changes_only(void **state)
{
    (void)state;
    static const char *const a[] = {"turn:a"}, *const b[] = {"turn:b"},
                             *const s[] = {"turn:a", "stun:s"};
    const struct net_ice confs[] = {
        {.urls = {a, 1}, .secret = "north", .ttl_us = 1000000},
        {.urls = {b, 1}, .secret = "north", .ttl_us = 1000000},
        {.urls = {s, 2}, .secret = "north", .ttl_us = 1000000},
        {.urls = {a, 1}, .secret = "south", .ttl_us = 1000000},
        {.urls = {a, 1}, .secret = "north", .ttl_us = 2000000},
        {.urls = {a, 1}, .user = "u", .password = "p"},
        {.urls = {a, 1}, .user = "v", .password = "p"},
        {.urls = {a, 1}, .user = "u", .password = "q"},
        {.urls = {NULL, 0}},
    };
    for (size_t i = 0; i < NELEMS(confs); i++) {
        for (size_t k = 0; k < NELEMS(confs); k++) {
            struct ice *old = make(&confs[i]), *fresh = make(&confs[k]);
            uint32_t before = ice_view(old).serial;
            ice_follow(fresh, old);
            assert_int_equal(ice_view(fresh).serial, before + (i != k));
            ice_free(old);
            ice_free(fresh);
        }
    }
    /* the life of nothing is no change */
    struct net_ice shared = {.urls = {a, 1}, .user = "u", .password = "p", .ttl_us = 5000000};
    struct ice *old = make(&confs[5]), *fresh = make(&shared);
    ice_follow(fresh, old);
    assert_int_equal(ice_view(fresh).serial, ice_view(old).serial);
    ice_free(old);
    ice_free(fresh);
}

/* ---------------------------------------------------------------- passwords */

/* RFC 2202 3, cases 2, 6 and 7; the last as `openssl dgst -sha1 -hmac SECRET -binary | base64` has
 * it. */
static void test_known_passwords(void **state)
{
    (void)state;
    static char aa[81];
    static const char *const urls[] = {"turn:t"};
    memset(aa, '\xaa', 80);
    const struct {
        const char *secret, *user, *password;
    } rows[] = {
        {"Jefe", "what do ya want for nothing?", "7/zfauXrL6LSdBbV8YTfnCWafHk="},
        {aa, "Test Using Larger Than Block-Size Key - Hash Key First",
         "qkrl4VJy0A6VcFY3zoo7Ve1AIRI="},
        {aa, "Test Using Larger Than Block-Size Key and Larger Than One Block-Size Data",
         "6OmdD0UjfXhta7qnllx4CLv/GpE="},
        {"a secret that TURN servers share", "1764248400:drone-1", "i0yHL0fex5BzLMmgq3SN60sCKRk="},
    };
    for (size_t i = 0; i < NELEMS(rows); i++) {
        struct net_ice conf = {.urls = {urls, 1}, .secret = rows[i].secret};
        struct ice *ice = make(&conf);
        char out[HUB_CREDENTIAL_MAX];
        size_t n = ice_credential(ice, sp_str(rows[i].user), out);
        struct sp_str got = {out, n};
        assert_text(got, rows[i].password);
        ice_free(ice);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_urls_of_the_rfcs),
        cmocka_unit_test(test_bad_urls),
        cmocka_unit_test(test_lengths_of_names),
        cmocka_unit_test(test_one_list_of_each_kind),
        cmocka_unit_test(test_sixteen_of_the_longest),
        cmocka_unit_test(test_who_is_to_blame),
        cmocka_unit_test(test_serial_grows_with_changes_only),
        cmocka_unit_test(test_known_passwords),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
