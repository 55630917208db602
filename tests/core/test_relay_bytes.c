/* SPDX-License-Identifier: MIT
 * What travels on is byte-identical and in order; what is the server's cannot be forged. */
#include "tests/core/world.h"

#include <stdlib.h>

#define STAMP "\"timestamp\":\"2025-11-27T12:00:00.000Z\""

struct pair {
    struct world *w;
    struct sock *a, *b;
};

static int set_up(void **state)
{
    static struct pair p;
    p.w = world_new();
    p.a = join(p.w, "a");
    p.b = join(p.w, "b");
    *state = &p;
    return 0;
}

static int tear_down(void **state)
{
    world_free(((struct pair *)*state)->w);
    return 0;
}

static void expect_bytes(struct sock *s, const char *want)
{
    assert_int_equal(unread(s), 1);
    assert_string_equal(s->in.v[s->in.read].p, want);
    assert_int_equal(s->in.v[s->in.read].n, strlen(want));
    s->in.read++;
}

static void test_forged_members_are_stamped_over(void **state)
{
    struct pair *p = *state;
    say_lit(p->a, "{\"from\":\"victim\",\"type\":\"offer\",\"timestamp\":\"1970\",\"target\":\"b\","
                  "\"polite\":false,\"sdp\":\"v=0\",\"sessionId\":\"s\",\"hold\":5,\"rid\":1}");
    expect_bytes(p->b,
                 "{\"type\":\"offer\",\"from\":\"a\",\"sessionId\":\"s\",\"polite\":true," STAMP
                 ",\"sdp\":\"v=0\"}");
    say_lit(p->a, "{\"type\":\"ice\",\"candidate\":null,\"from\":{\"a\":[1]},\"timestamp\":5,"
                  "\"target\":\"b\"}");
    expect_bytes(p->b, "{\"type\":\"ice\",\"from\":\"a\",\"sessionId\":\"s\"," STAMP
                       ",\"candidate\":null}");
}

static void test_escaped_keys_are_the_same_keys(void **state)
{
    struct pair *p = *state;
    say_lit(p->a,
            "{\"\\u0066rom\":\"victim\",\"t\\u0079pe\":\"offer\",\"\\u0074imestamp\":1,"
            "\"tar\\u0067et\":\"\\u0062\",\"\\u0073dp\":\"v\",\"session\\u0049d\":\"\\u0073\","
            "\"\\u0070olite\":0,\"\\u0068old\":1,\"r\\u0069d\":7,\"\\u0058\":\"keep\"}");
    expect_bytes(p->b,
                 "{\"type\":\"offer\",\"from\":\"a\",\"sessionId\":\"s\",\"polite\":true," STAMP
                 ",\"\\u0073dp\":\"v\",\"\\u0058\":\"keep\"}");
    expect(p->a, "ack", "rid=7", "sessionId=s");
}

static void test_escaped_repetition_is_refused(void **state)
{
    struct pair *p = *state;
    say_lit(p->a, "{\"type\":\"ice\",\"candidate\":null,\"target\":\"b\",\"\\u0074ype\":\"bye\"}");
    expect(p->a, "error", "code=invalid_message");
    say_lit(p->a, "{\"type\":\"ice\",\"candidate\":1,\"candidate\":null,\"target\":\"b\"}");
    expect(p->a, "error", "code=invalid_message");
    expect_nothing(p->b);
}

static void test_odd_members_pass_byte_for_byte(void **state)
{
    struct pair *p = *state;
    static const char odd[] =
        "\"n\":9007199254740993,\"e\":1E+400,\"z\":-0.0,\"deep\":{\"a\":1,\"a\":[ 1 ,\t2,\r\n {} "
        "]},"
        "\"esc\":\"\\/\\u002f\\ud83d\\ude00\\ud800\\u0000\",\"\":\"empty "
        "key\",\"u\":\"\xf0\x9f\x98\x80\","
        "\"id\":5,\"role\":[],\"meta\":null,\"limit\":\"x\",\"reason\":false,\"token\":\"t\"";
    char in[1024], want[1024];
    snprintf(in, sizeof(in), "{\"type\":\"answer\",\"target\":\"b\",\"sdp\":\"v\",%s}", odd);
    call(p->a, p->b, "a", "b");
    say(p->b, "{'type':'bye','target':'a'}");
    say(p->a, "{'type':'offer','target':'b','sdp':'','sessionId':'s'}");
    forget_all(p->w);
    say_raw(p->a, in, strlen(in));
    snprintf(want, sizeof(want),
             "{\"type\":\"answer\",\"from\":\"a\",\"sessionId\":\"s\"," STAMP ",\"sdp\":\"v\",%s}",
             odd);
    expect_bytes(p->b, want);
}

static void test_white_space_stays_inside_members(void **state)
{
    struct pair *p = *state;
    say_lit(p->a, " \n{ \"x\" :\t1 ,\r\n \"y\" : [ ] , \"type\" : \"ice\" , \"z\" : { } ,"
                  " \"target\" : \"b\" , \"candidate\" : null }\t ");
    assert_int_equal(unread(p->b), 1);
    const char *m = expect(p->b, "ice", "from=a", "x=1", "y=[ ]", "z={ }", "candidate=null");
    const char *x = strstr(m, "\"x\" :\t1"), *y = strstr(m, "\"y\" : [ ]");
    const char *z = strstr(m, "\"z\" : { }"), *c = strstr(m, "\"candidate\" : null");
    assert_true(x && y && z && c && x < y && y < z && z < c);
}

static void test_bye_gets_a_reason_where_it_has_none(void **state)
{
    struct pair *p = *state;
    say(p->a, "{'type':'offer','target':'b','sdp':'','sessionId':'s'}");
    say(p->a, "{'type':'offer','target':'b','sdp':'','sessionId':'t'}");
    forget_all(p->w);
    say_lit(p->a, "{\"reason\":\"bat\\u0074ery\",\"type\":\"bye\",\"target\":\"b\",\"x\":1}");
    expect_bytes(p->b, "{\"type\":\"bye\",\"from\":\"a\",\"sessionId\":\"t\"," STAMP
                       ",\"reason\":\"bat\\u0074ery\",\"x\":1}");
    say_lit(p->a, "{\"type\":\"bye\",\"target\":\"b\"}");
    expect_bytes(p->b, "{\"type\":\"bye\",\"from\":\"a\",\"sessionId\":\"s\","
                       "\"reason\":\"hangup\"," STAMP "}");
}

static void test_only_members_of_the_server(void **state)
{
    struct pair *p = *state;
    say_lit(p->a, "{\"candidate\":\"\",\"target\":\"b\",\"type\":\"ice\"}");
    expect_bytes(p->b, "{\"type\":\"ice\",\"from\":\"a\"," STAMP ",\"candidate\":\"\"}");
}

static void say_members(struct sock *s, unsigned count)
{
    char in[8192];
    size_t n = (size_t)snprintf(in, sizeof(in), "{\"type\":\"ice\",\"target\":\"b\"");
    for (unsigned i = 0; i < count - 3; i++) {
        n += (size_t)snprintf(in + n, sizeof(in) - n, ",\"m%u\":%u", i, i);
    }
    snprintf(in + n, sizeof(in) - n, ",\"candidate\":null}");
    say_raw(s, in, strlen(in));
}

/* As many members as the server takes must not become more than a receiver takes: the server's own
 * come on top of the sender's. */
static void test_most_members_can_be_read_by_the_receiver(void **state)
{
    struct pair *p = *state;
    call(p->a, p->b, "a", "b");
    unsigned count = SP_TOP_MAX;
    say_members(p->a, SP_TOP_MAX + 1);
    expect(p->a, "error", "code=invalid_message");
    for (say_members(p->a, count); unread(p->a); say_members(p->a, --count)) {
        expect(p->a, "error", "code=invalid_message");
        assert_true(count > SP_TOP_MAX / 2);
    }
    assert_int_equal(unread(p->b), 1);
    struct text got = p->b->in.v[p->b->in.read];
    struct sp_doc doc;
    struct sp_diag d;
    assert_non_null(strstr(got.p, ",\"m0\":0,\"m1\":1,\"m2\":2,"));
    assert_int_equal(sp_scan(&doc, got.p, got.n, &sp_scan_replies, &d), SP_OK);
}

/* Every second member is the sender's: the most runs there can be. */
static void test_many_runs(void **state)
{
    struct pair *p = *state;
    say_lit(p->a, "{\"m0\":0,\"type\":\"offer\",\"m1\":1,\"target\":\"b\",\"m2\":2,\"from\":0,"
                  "\"m3\":3,\"sessionId\":\"s\",\"sdp\":\"\",\"timestamp\":0,\"m5\":5,"
                  "\"rid\":\"r\",\"m6\":6,\"hold\":0,\"m7\":7,\"polite\":0,\"m8\":8}");
    expect_bytes(p->b,
                 "{\"type\":\"offer\",\"from\":\"a\",\"sessionId\":\"s\",\"polite\":true," STAMP
                 ",\"m0\":0,\"m1\":1,\"m2\":2,\"m3\":3,\"sdp\":\"\",\"m5\":5,\"m6\":6,\"m7\":7,"
                 "\"m8\":8}");
}

static void test_largest_message(void **state)
{
    struct pair *p = *state;
    char id[SP_ID_MAX + 1], from[160];
    memset(id, 'i', SP_ID_MAX);
    id[SP_ID_MAX] = '\0';
    struct sock *longest = join(p->w, id);
    char *m = malloc(SP_MESSAGE_MAX + 1);
    assert_non_null(m);
    int head = snprintf(m, SP_MESSAGE_MAX,
                        "{\"type\":\"offer\",\"target\":\"b\",\"sessionId\":\"%s\",\"sdp\":\"", id);
    memset(m + head, 'x', SP_MESSAGE_MAX - (size_t)head);
    memcpy(m + SP_MESSAGE_MAX - 2, "\"}", 2);
    say_raw(longest, m, SP_MESSAGE_MAX);
    snprintf(from, sizeof(from), "from=%s", id);
    const char *got = expect(p->b, "offer", from);
    assert_true(strlen(got) > SP_MESSAGE_MAX);
    free(m);
    expect_event(p->w, "relay", "kind=offer", "size=65536", "us=7", "to=b");
}

static void test_candidate_kinds(void **state)
{
    struct pair *p = *state;
    static const char *const bad[] = {"1", "true", "[]"};
    for (int i = 0; i < 3; i++) {
        say(p->a, "{'type':'ice','target':'b','candidate':%s}", bad[i]);
        expect(p->a, "error", "code=invalid_member");
    }
    say(p->a, "{'type':'ice','target':'b'}");
    expect(p->a, "error", "code=missing_member");
    say(p->a, "{'type':'offer','target':'b','sdp':null}");
    expect(p->a, "error", "code=invalid_member");
    say(p->a, "{'type':'offer','target':'b','sdp':{}}");
    expect(p->a, "error", "code=invalid_member");
    say(p->a, "{'type':'offer','target':'b','sdp':'v','hold':-1}");
    expect(p->a, "error", "code=invalid_member");
    expect_nothing(p->b);
    assert_int_equal(hub_sessions(p->w->hub), 0);
}

/* Content stays out of the events: kinds and sizes only. */
static void test_events_hold_no_content(void **state)
{
    struct pair *p = *state;
    say(p->a, "{'type':'offer','target':'b','sdp':'v=0\\r\\nm=audio 9 SECRET\\r\\n'}");
    say(p->a, "{'type':'ice','target':'b','candidate':"
              "'candidate:1 1 udp 1 203.0.113.9 5000 typ srflx raddr 10.0.0.7'}");
    say(p->a, "{'type':'nonsense','id':'SECRET 203.0.113.9'}");
    for (size_t i = 0; i < p->w->events.n; i++) {
        assert_null(strstr(p->w->events.v[i].p, "SECRET"));
        assert_null(strstr(p->w->events.v[i].p, "203.0.113"));
        assert_null(strstr(p->w->events.v[i].p, "10.0.0.7"));
    }
}

int main(void)
{
#define EACH(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        EACH(test_only_members_of_the_server),
        EACH(test_forged_members_are_stamped_over),
        EACH(test_escaped_keys_are_the_same_keys),
        EACH(test_escaped_repetition_is_refused),
        EACH(test_odd_members_pass_byte_for_byte),
        EACH(test_white_space_stays_inside_members),
        EACH(test_bye_gets_a_reason_where_it_has_none),
        EACH(test_most_members_can_be_read_by_the_receiver),
        EACH(test_many_runs),
        EACH(test_largest_message),
        EACH(test_candidate_kinds),
        EACH(test_events_hold_no_content),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
