/* SPDX-License-Identifier: MIT
 * The table of rights: its defaults, its grammar, what is said of mistakes, both ways of it. */
#include "tests/core/rights_want.h"
#include "tests/core/world.h"

#define NELEMS(a) (sizeof(a) / sizeof((a)[0]))

static bool parse(struct rights *r, const char *const *lines, unsigned n, unsigned *bad, char *why)
{
    why[0] = '\0';
    return rights_parse(r, lines, n, bad, why, 256);
}

static void parse_one(struct rights *r, const char *line)
{
    unsigned bad;
    char why[256];
    if (!parse(r, &line, 1, &bad, why)) {
        fail_msg("%s: %s", line, why);
    }
}

static enum sp_type type_of(const char *verb)
{
    enum sp_type t = sp_type_find(sp_str(verb));
    assert_int_not_equal(t, SP_T_NONE);
    return t;
}

static void test_defaults_cell_by_cell(void **state)
{
    (void)state;
    struct rights r;
    unsigned bad, cells = 0;
    char why[256];
    assert_true(parse(&r, NULL, 0, &bad, why));
    assert_int_equal(r.nroles, WANT_ROLES);
    for (unsigned role = 0; role < WANT_ROLES; role++) {
        assert_string_equal(r.name[role], want_roles[role]);
        for (unsigned v = 0; v < WANT_VERBS; v++) {
            enum sp_type t = type_of(want_verbs[v]);
            for (unsigned target = 0; target < RIGHTS_ROLES; target++) {
                const char *to = target < WANT_ROLES ? want_roles[target] : "";
                bool want = want_may(want_roles[role], want_verbs[v], to);
                if (rights_may(&r, role, t, target) != want) {
                    fail_msg("%s %s %u", want_roles[role], want_verbs[v], target);
                }
                cells += target < WANT_ROLES;
            }
            assert_int_equal(rights_any(&r, role, t), want_any(want_roles[role], want_verbs[v]));
        }
    }
    assert_int_equal(cells, 768);
}

/* A request that comes into being must be put into the table of this test too. */
static void test_every_request_is_looked_at(void **state)
{
    (void)state;
    unsigned verbs = 0;
    for (int t = 1; t < SP_T_COUNT; t++) {
        const struct sp_request *row = sp_request_row((enum sp_type)t);
        verbs += row && row->class != SP_CLASS_FREE;
    }
    assert_int_equal(verbs, WANT_VERBS);
}

static void test_names(void **state)
{
    (void)state;
    struct rights r;
    parse_one(&r, "pilot signal");
    assert_int_equal(rights_role(&r, SP_STR("pilot")), WANT_ROLES);
    assert_int_equal(rights_role_of_token(&r, SP_STR("pilot")), WANT_ROLES);
    assert_int_equal(rights_role(&r, SP_STR("local")), RIGHTS_LOCAL);
    assert_int_equal(rights_role(&r, SP_STR("anonymous")), RIGHTS_ANONYMOUS);
    static const char *const not_for_tokens[] = {"local", "anonymous", "",
                                                 "Admin", "admin ",    "pil"};
    for (size_t i = 0; i < NELEMS(not_for_tokens); i++) {
        assert_int_equal(rights_role_of_token(&r, sp_str(not_for_tokens[i])), RIGHTS_NOBODY);
    }
}

static const char *row_of(const struct rights *r, const char *role)
{
    static char text[4096];
    struct sp_buf b;
    sp_buf_init(&b, text, sizeof(text) - 1);
    rights_put(&b, r, rights_role(r, sp_str(role)));
    assert_false(b.full);
    text[b.n] = '\0';
    return text;
}

static void test_grammar(void **state)
{
    (void)state;
    static const struct {
        const char *line, *role, *want;
    } cases[] = {
        {"drone none", "drone", "drone none"},
        {"  drone\tnone ", "drone", "drone none"},
        {"drone offer", "drone", "drone offer"},
        {"drone signal", "drone", "drone offer,answer,ice,bye"},
        {"drone signal>drone", "drone", "drone offer,answer,ice,bye>drone"},
        {"drone bye,ice,,ice", "drone", "drone ice,bye"},
        {"drone offer>admin,drone", "drone", "drone offer>drone,admin"},
        {"drone offer>admin offer>drone", "drone", "drone offer>drone,admin"},
        {"drone offer>admin offer", "drone", "drone offer"},
        {"drone admin", "drone", "drone monitor,sessions,stats,kick,drain,reload,content"},
        {"drone admin>camera", "drone",
         "drone monitor,sessions,stats,drain,reload,content kick>camera"},
        {"drone kick>camera list", "drone", "drone list kick>camera"},
        {"drone all", "drone",
         "drone offer,answer,ice,bye,list,watch,monitor,sessions,stats,kick,drain,reload,content"},
        {"pilot watch>pilot,local", "pilot", "pilot watch>local,pilot"},
        {"pilot stats", "drone",
         "drone offer,answer,ice,bye>camera,operator,admin "
         "list,watch>camera,operator"},
        {"a.b_c:d@e-9 stats", "a.b_c:d@e-9", "a.b_c:d@e-9 stats"},
        {"none none", "none", "none none"},
    };
    for (size_t i = 0; i < NELEMS(cases); i++) {
        struct rights r;
        parse_one(&r, cases[i].line);
        assert_string_equal(row_of(&r, cases[i].role), cases[i].want);
    }
}

static void test_roles_that_come_later(void **state)
{
    (void)state;
    static const char *const lines[] = {"pilot offer>tower kick>pilot", "tower answer>pilot"};
    struct rights r;
    unsigned bad;
    char why[256];
    assert_true(parse(&r, lines, 2, &bad, why));
    assert_string_equal(row_of(&r, "pilot"), "pilot offer>tower kick>pilot");
    assert_string_equal(row_of(&r, "tower"), "tower answer>pilot");
}

static void test_mistakes(void **state)
{
    (void)state;
    static const struct {
        const char *line, *why;
    } cases[] = {
        {"", "expected ROLE and what it may do"},
        {" \t", "expected ROLE and what it may do"},
        {"drone", "nothing is granted or denied ('none') to 'drone'"},
        {"drone none offer", "none stands alone, not with 'offer'"},
        {"drone offr", "unknown right 'offr', did you mean 'offer'?"},
        {"drone sginal", "unknown right 'sginal', did you mean 'signal'?"},
        {"drone offer,none", "unknown right 'none'"},
        {"drone register", "unknown right 'register'"},
        {"drone ping", "unknown right 'ping'"},
        {"drone unwatch", "unknown right 'unwatch', did you mean 'watch'?"},
        {"drone registered", "unknown right 'registered'"},
        {"drone OFFER", "unknown right 'OFFER'"},
        {"drone offer>camra", "unknown role 'camra', did you mean 'camera'?"},
        {"drone offer>", "no role behind '>'"},
        {"drone >camera", "no right before '>camera'"},
        {"drone offer>camera>drone", "unknown role 'camera>drone'"},
        {"drone offer>*", "unknown role '*'"},
        {"drone offer>all", "unknown role 'all'"},
        {"drone stats>camera", "no target belongs to 'stats'"},
        {"drone monitor>camera", "no target belongs to 'monitor'"},
        {"-drone offer", "not a role's name: '-drone'"},
        {"dr/one offer", "not a role's name: 'dr/one'"},
        {"abcdefghijklmnopqrstuvwxyz0123456 offer",
         "not a role's name: 'abcdefghijklmnopqrstuvwxyz0123456'"},
    };
    for (size_t i = 0; i < NELEMS(cases); i++) {
        const char *lines[] = {"pilot offer>drone", cases[i].line};
        struct rights r;
        unsigned bad = 99;
        char why[256];
        assert_false(parse(&r, lines, 2, &bad, why));
        assert_int_equal(bad, 1);
        if (strncmp(why, cases[i].why, strlen(cases[i].why)) != 0) {
            fail_msg("'%s': %s", cases[i].line, why);
        }
    }
}

static void test_a_row_twice(void **state)
{
    (void)state;
    static const char *const lines[] = {"pilot offer", "drone none", "pilot none"};
    struct rights r;
    unsigned bad;
    char why[256];
    assert_false(parse(&r, lines, 3, &bad, why));
    assert_int_equal(bad, 2);
    assert_string_equal(why, "there is a row already for 'pilot'");
}

static void test_a_sentence_is_cut_to_its_room(void **state)
{
    (void)state;
    const char *line = "drone nonsense-that-is-long";
    struct rights r;
    unsigned bad;
    char why[16];
    memset(why, 'x', sizeof(why));
    assert_false(rights_parse(&r, &line, 1, &bad, why, 8));
    assert_string_equal(why, "unknown");
    assert_int_equal(why[8], 'x');
}

static void test_most_roles(void **state)
{
    (void)state;
    char text[RIGHTS_ROLES][48];
    const char *lines[RIGHTS_ROLES];
    struct rights r;
    unsigned bad, room = RIGHTS_ROLES - WANT_ROLES;
    char why[256];
    for (unsigned i = 0; i <= room; i++) {
        snprintf(text[i], sizeof(text[i]), "r%u offer>r%u,drone list", i, room - 1 - i);
        lines[i] = text[i];
    }
    snprintf(text[room], sizeof(text[room]), "r%u none", room);
    assert_true(parse(&r, lines, room, &bad, why));
    assert_int_equal(r.nroles, RIGHTS_ROLES);
    assert_true(rights_may(&r, RIGHTS_ROLES - 1, SP_T_OFFER, WANT_ROLES));
    assert_true(rights_may(&r, WANT_ROLES, SP_T_OFFER, RIGHTS_ROLES - 1));
    assert_false(rights_may(&r, WANT_ROLES, SP_T_OFFER, RIGHTS_ROLES - 2));
    assert_true(rights_may(&r, WANT_ROLES, SP_T_LIST, RIGHTS_ROLES - 1));
    assert_false(parse(&r, lines, room + 1, &bad, why));
    assert_int_equal(bad, room);
    assert_string_equal(why, "too many roles with 'r24'");
}

/* What is printed gives the same table when it is read. */
static void assert_round_trip(const struct rights *r)
{
    static char text[RIGHTS_ROLES][8192];
    const char *lines[RIGHTS_ROLES];
    struct rights again;
    unsigned bad;
    char why[256];
    for (unsigned i = 1; i < r->nroles; i++) {
        struct sp_buf b;
        sp_buf_init(&b, text[i], sizeof(text[i]) - 1);
        rights_put(&b, r, i);
        assert_false(b.full);
        text[i][b.n] = '\0';
        lines[i - 1] = text[i];
    }
    if (!parse(&again, lines, r->nroles - 1, &bad, why)) {
        fail_msg("%s: %s", lines[bad], why);
    }
    assert_memory_equal(r, &again, sizeof(again));
}

static uint32_t rng = 2463534242u;

static uint32_t random_below(uint32_t n)
{
    rng ^= rng << 13;
    rng ^= rng >> 17;
    rng ^= rng << 5;
    return rng % n;
}

static void random_grants(char *line, size_t cap, unsigned nroles)
{
    static const char *const words[] = {"offer", "answer", "ice",    "bye",   "list",
                                        "watch", "kick",   "signal", "admin", "all"};
    size_t n = strlen(line);
    for (uint32_t k = 1 + random_below(4); k > 0; k--) {
        n += (size_t)snprintf(line + n, cap - n, " %s,%s", words[random_below(10)],
                              words[random_below(7)]);
        for (uint32_t t = random_below(4), i = 0; i < t; i++) {
            n += (size_t)snprintf(line + n, cap - n, "%cr%u", i ? ',' : '>', random_below(nroles));
        }
        n += (size_t)snprintf(line + n, cap - n, "%s", random_below(3) ? "" : " stats,drain");
    }
}

static void test_round_trip(void **state)
{
    (void)state;
    struct rights r;
    unsigned bad;
    char why[256];
    assert_true(parse(&r, NULL, 0, &bad, why));
    assert_round_trip(&r);
    for (int round = 0; round < 2000; round++) {
        char text[24][512];
        const char *lines[24];
        unsigned n = 1 + random_below(24);
        for (unsigned i = 0; i < n; i++) {
            snprintf(text[i], sizeof(text[i]), "r%u%s", i, random_below(8) ? "" : " none");
            if (strlen(text[i]) < 4) {
                random_grants(text[i], sizeof(text[i]), n);
            }
            lines[i] = text[i];
        }
        if (!parse(&r, lines, n, &bad, why)) {
            fail_msg("%s: %s", lines[bad], why);
        }
        assert_round_trip(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_request_is_looked_at),
        cmocka_unit_test(test_defaults_cell_by_cell),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_grammar),
        cmocka_unit_test(test_roles_that_come_later),
        cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_a_row_twice),
        cmocka_unit_test(test_a_sentence_is_cut_to_its_room),
        cmocka_unit_test(test_most_roles),
        cmocka_unit_test(test_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
