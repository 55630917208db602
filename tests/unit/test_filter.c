/* SPDX-License-Identifier: MIT
 * The filter language: what matches, how operators bind, and what a bad filter is told. */
#include "tests/lib/unit.h"

#include <stdlib.h>

#include "libproto/filter.h"

static struct sp_event offer(void)
{
    struct sp_event ev;
    sp_event_init(&ev, SP_EV_RELAY, 0);
    ev.kind = SP_T_OFFER;
    ev.n[SP_EN_seq] = 10;
    ev.n[SP_EN_size] = 5000;
    ev.n[SP_EN_us] = 1500;
    ev.s[SP_ES_from] = SP_STR("drone-1");
    ev.s[SP_ES_to] = SP_STR("cam-2");
    ev.s[SP_ES_session] = SP_STR("session-x");
    return ev;
}

static struct sp_event joined(void)
{
    struct sp_event ev;
    sp_event_init(&ev, SP_EV_REGISTER, 0);
    ev.s[SP_ES_id] = SP_STR("drone-1");
    ev.s[SP_ES_role] = SP_STR("drone");
    ev.s[SP_ES_reason] = SP_STR("a b, (c)");
    return ev;
}

static bool matches(const char *text, const struct sp_event *ev)
{
    struct sp_filter f;
    struct sp_diag d;
    if (sp_filter_parse(&f, sp_str(text), &d) != SP_OK) {
        fail_msg("%s: %s at %zu", text, d.text, d.off);
    }
    return sp_filter_match(&f, ev);
}

struct expectation {
    const char *text;
    bool offer, joined;
};

static void check(const struct expectation *x, size_t count)
{
    struct sp_event a = offer(), b = joined();
    for (size_t i = 0; i < count; i++) {
        if (matches(x[i].text, &a) != x[i].offer || matches(x[i].text, &b) != x[i].joined) {
            fail_msg("%s", x[i].text);
        }
    }
}

#define CHECK(table) check(table, sizeof(table) / sizeof((table)[0]))

static void test_empty_matches_all(void **state)
{
    (void)state;
    static const struct expectation x[] = {{"", true, true}, {"  \t\n ", true, true}};
    CHECK(x);
}

static void test_fields(void **state)
{
    (void)state;
    static const struct expectation x[] = {
        {"event=relay", true, false},
        {"event=register", false, true},
        {"event=re*", true, true},
        {"event!=relay", false, true},
        {"event=relay,register", true, true},
        {"event!=relay,register", false, false},
        {"type=offer", true, false},
        {"kind=offer,answer", true, false},
        {"type=answer", false, false},
        {"type!=offer", false, true},
        {"type=*", true, false},
        {"from=drone-1", true, false},
        {"from=drone-*", true, false},
        {"from=drone-?", true, false},
        {"from=drone", false, false},
        {"from!=drone-1", false, true},
        {"from=x,drone-1,y", true, false},
        {"from!=x,y", true, true},
        {"from=*", true, false},
        {"id=drone-1", false, true},
        {"peer=drone-1", true, true},
        {"peer=cam-*", true, false},
        {"peer!=cam-*", false, true},
        {"session=session-*", true, false},
        {"reason=\"a b, (c)\"", false, true},
        {"reason=\"a*\"", false, true},
        {"reason=\"\"", false, false},
        {"reason!=\"\"", true, true},
        {"role = drone", false, true},
        {"role=drone , camera", false, true},
    };
    CHECK(x);
}

static void test_numbers(void **state)
{
    (void)state;
    static const struct expectation x[] = {
        {"size=5000", true, false},   {"size!=5000", false, true},
        {"size=1,5000", true, false}, {"size>4k", true, false},
        {"size>5k", false, false},    {"size<5k", true, false},
        {"size>=5000", true, false},  {"size<=5000", true, false},
        {"size<5000", false, false},  {"size > 4kB", true, false},
        {"us>1ms", true, false},      {"us>1500", false, false},
        {"us>=1500us", true, false},  {"us<2ms", true, false},
        {"seq<1k", true, false},      {"seq=10", true, false},
        {"not size>0", false, true},  {"size<=8589934591G", true, false},
        {"not size<=4k", true, true}, {"conn=0", false, false},
    };
    CHECK(x);
}

static void test_bare_words(void **state)
{
    (void)state;
    static const struct expectation x[] = {
        {"relay", true, false},         {"offer", true, false},     {"answer", false, false},
        {"register", false, true},      {"not relay", false, true}, {"relay offer", true, false},
        {"relay answer", false, false},
    };
    CHECK(x);
    /* register is an event and a message type */
    struct sp_event ev = offer();
    ev.kind = SP_T_REGISTER;
    assert_true(matches("register", &ev));
    assert_false(matches("not register", &ev));
}

static void test_binding(void **state)
{
    (void)state;
    static const struct expectation x[] = {
        {"relay or register", true, true},
        {"relay and register", false, false},
        {"relay register", false, false},
        {"answer or relay offer", true, false},
        {"offer relay or answer", true, false},
        {"register or relay answer", false, true},
        {"(register or relay) answer", false, false},
        {"(register or relay) and not answer", true, true},
        {"not relay or offer", true, true},
        {"not (relay or register)", false, false},
        {"not not relay", true, false},
        {"not (not (relay))", true, false},
        {"not relay register", false, true},
        {"((((relay))))", true, false},
        {"(relay)(offer)", true, false},
        {"relay\tand\noffer", true, false},
        {"relay and(offer)", true, false},
        {"type=offer,answer from=drone-* to=cam-2 size>4k event=relay", true, false},
        {"event!=relay or size>4k and us<1ms", false, true},
    };
    CHECK(x);
}

static void test_absent_and_unknown(void **state)
{
    (void)state;
    struct sp_event ev;
    sp_event_init(&ev, SP_EV_NONE, 0);
    assert_false(matches("event=*", &ev));
    assert_true(matches("event!=*", &ev));
    assert_false(matches("peer=*", &ev));
    assert_true(matches("from!=*", &ev));
    assert_true(matches("size!=0", &ev));
    assert_false(matches("size<1", &ev));
}

static void test_diagnostics(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t off;
        const char *says;
    } cases[] = {
        {"form=x", 0, "unknown field 'form', did you mean 'from'?"},
        {"relay and sise>4", 10, "unknown field 'sise', did you mean 'size'?"},
        {"zzzzzz=1", 0,
         "unknown field 'zzzzzz', of event type kind peer seq id from to session role addr code "
         "reason summary node conn epoch size us at"},
        {"a\x1b[2J=1", 0, "unknown field"},
        {"relya", 0, "unknown word 'relya', did you mean 'relay'?"},
        {"offfer", 0, "unknown word 'offfer', did you mean 'offer'?"},
        {"event=regster", 6, "unknown event 'regster', did you mean 'register'?"},
        {"type=offer,anwser", 11, "unknown message type 'anwser', did you mean 'answer'?"},
        {"from", 4, "the field needs one of = != < > <= >= and a value"},
        {"from=", 5, "a value is missing"},
        {"from=a,", 7, "a value is missing"},
        {"from=(", 5, "a value is missing"},
        {"from=\"abc", 5, "the quote is not closed"},
        {"size>big", 5, "a size is needed here, such as 300 or 4k"},
        {"us>2x", 3, "a duration is needed here, such as 500us or 2ms"},
        {"seq>4kB", 4, "a number is needed here, such as 100 or 10k"},
        {"size>1,2", 6, "a list of values needs = or !="},
        {"from<b", 5, "this field is text: it can only be = or !="},
        {"(relay", 6, "a parenthesis is not closed"},
        {"relay)", 5, "this parenthesis was never opened"},
        {"()", 1, "a field is missing here"},
        {"relay and", 9, "the filter ends where a field should follow"},
        {"not", 3, "the filter ends where a field should follow"},
        {"or relay", 0, "unknown word 'or'"},
        {"relay or or offer", 9, "unknown word 'or'"},
        {"=5", 0, "a field is missing here"},
        {"relay , offer", 6, "a field is missing here"},
        {"from=a\"b\"", 6, "a field is missing here"},
        {"from==x", 0, NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sp_filter f;
        struct sp_diag d;
        enum sp_err e = sp_filter_parse(&f, sp_str(cases[i].text), &d);
        if (!cases[i].says) {
            assert_int_equal(e, SP_OK);
            continue;
        }
        assert_int_equal(e, SP_INVALID_MEMBER);
        if (strcmp(d.text, cases[i].says) != 0 || d.off != cases[i].off) {
            fail_msg("%s: %s at %zu", cases[i].text, d.text, d.off);
        }
    }
    struct sp_filter f;
    assert_int_equal(sp_filter_parse(&f, SP_STR("form=x"), NULL), SP_INVALID_MEMBER);
}

static void test_failure_leaves_the_output(void **state)
{
    (void)state;
    struct sp_filter f;
    struct sp_diag d;
    memset(&f, 0x5a, sizeof(f));
    assert_int_equal(sp_filter_parse(&f, SP_STR("relay ("), &d), SP_INVALID_MEMBER);
    assert_int_equal(f.nop, 0x5a5a);
}

/* repeat writes count copies of unit between head and tail. */
static enum sp_err parse_repeated(const char *head, const char *unit, size_t count,
                                  const char *tail)
{
    struct sp_filter f;
    struct sp_diag d;
    size_t n = strlen(head), u = strlen(unit), t = strlen(tail);
    char *text = malloc(n + u * count + t);
    memcpy(text, head, n);
    for (size_t i = 0; i < count; i++) {
        memcpy(text + n + i * u, unit, u);
    }
    memcpy(text + n + u * count, tail, t);
    enum sp_err e = sp_filter_parse(&f, (struct sp_str){text, n + u * count + t}, &d);
    free(text);
    return e;
}

static void test_bounds(void **state)
{
    (void)state;
    assert_int_equal(parse_repeated("", " ", SP_FILTER_MAX, ""), SP_OK);
    assert_int_equal(parse_repeated("", " ", SP_FILTER_MAX + 1, ""), SP_INVALID_MEMBER);
    assert_int_equal(parse_repeated("relay", " relay", 31, ""), SP_OK);
    assert_int_equal(parse_repeated("relay", " relay", 32, ""), SP_INVALID_MEMBER);
    assert_int_equal(parse_repeated("from=a", ",a", 63, ""), SP_OK);
    assert_int_equal(parse_repeated("from=a", ",a", 64, ""), SP_INVALID_MEMBER);
    assert_int_equal(parse_repeated("", "not ", 63, "relay"), SP_OK);
    assert_int_equal(parse_repeated("", "not ", 64, "relay"), SP_INVALID_MEMBER);
    assert_int_equal(parse_repeated("", "(", 64, ""), SP_INVALID_MEMBER);
    assert_int_equal(parse_repeated("", "(", 1000, ""), SP_INVALID_MEMBER);
    assert_int_equal(parse_repeated("from=\"", "x", SP_FILTER_MAX - 7, "\""), SP_OK);
}

static void test_deepest_evaluation(void **state)
{
    (void)state;
    struct sp_event ev = offer();
    char text[SP_FILTER_MAX] = "";
    /* right-leaning: all the values wait on the evaluation stack */
    for (int i = 0; i < 30; i++) {
        strncat(text, "relay or(", sizeof(text) - strlen(text) - 1);
    }
    strncat(text, "answer", sizeof(text) - strlen(text) - 1);
    for (int i = 0; i < 30; i++) {
        strncat(text, ")", sizeof(text) - strlen(text) - 1);
    }
    assert_true(matches(text, &ev));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty_matches_all),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_bare_words),
        cmocka_unit_test(test_binding),
        cmocka_unit_test(test_absent_and_unknown),
        cmocka_unit_test(test_diagnostics),
        cmocka_unit_test(test_failure_leaves_the_output),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_deepest_evaluation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
