/* SPDX-License-Identifier: MIT
 * list: pages over thousands of clients, filters, details, pages bounded by bytes, rights. */
#include "tests/core/world.h"

#include "libproto/id.h"

#include <stdlib.h>

#define MANY 5000u

static void name_of(char *out, size_t cap, uint32_t i)
{
    /* joins in an order that is not the sorted one */
    uint32_t k = i * 2654435761u % 100000u;
    snprintf(out, cap, k % 2 ? "cam-%05u" : "drone-%05u", k);
}

static struct world *crowd(struct sock **lister)
{
    struct hub_conf conf = world_conf();
    conf.heartbeat_us = 0;
    struct world *w = world_new_conf(&conf);
    w->keep_events = false;
    char id[32];
    for (uint32_t i = 0; i < MANY; i++) {
        name_of(id, sizeof(id), i);
        join_with(w, id, i % 10 == 0 ? ",'role':'pilot'" : "");
    }
    *lister = dial_local(w);
    return w;
}

struct walk {
    char last[SP_ID_MAX + 1];
    uint32_t seen, pages;
    const char *match;
};

/* Checks one page: sorted, beyond the last one, matching; gives how many ids it held. */
static int take_page(struct walk *k, const char *page)
{
    struct sp_doc doc;
    struct sp_diag d;
    assert_int_equal(sp_scan(&doc, page, strlen(page), &wide, &d), SP_OK);
    struct sp_str ids = sp_doc_raw(&doc, sp_doc_find(&doc, SP_STR("clients"))), e;
    size_t pos = 0;
    int n = 0;
    while (sp_each_element(ids, &pos, &e)) {
        char id[SP_ID_MAX + 1];
        snprintf(id, sizeof(id), "%.*s", (int)e.n - 2, e.p + 1);
        assert_true(strcmp(k->last, id) < 0);
        assert_true(!k->match || sp_glob_match(sp_str(k->match), sp_str(id)));
        memcpy(k->last, id, sizeof(id));
        n++;
    }
    k->seen += (uint32_t)n;
    k->pages++;
    return n;
}

/* Walks all pages; filter is extra members; count is what each page must say. */
static void walk_all(struct sock *s, struct walk *k, const char *filter, int64_t limit,
                     int64_t count)
{
    char next[SP_ID_MAX + 1] = "", after[SP_ID_MAX + 20] = "";
    do {
        say(s, "{'type':'list','limit':%lld%s%s}", (long long)limit, filter, after);
        const char *page = expect(s, "clients");
        assert_int_equal(number_of(page, "count"), count);
        int n = take_page(k, page);
        assert_true(n <= limit);
        if (!value_of(page, "next", next, sizeof(next))) {
            break;
        }
        assert_int_equal(n, limit);
        assert_string_equal(next, k->last);
        snprintf(after, sizeof(after), ",'after':'%s'", next);
    } while (k->pages <= MANY);
}

static void test_pages(void **state)
{
    (void)state;
    static const int64_t limits[] = {1000, 1, 7, 999, 250};
    struct sock *s;
    struct world *w = crowd(&s);
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        struct walk k = {0};
        walk_all(s, &k, "", limits[i], MANY);
        assert_int_equal(k.seen, MANY);
        assert_int_equal(k.pages, ((int64_t)MANY + limits[i] - 1) / limits[i]);
    }
    say(s, "{'type':'list'}");
    const char *page = expect(s, "clients", "count=5000");
    assert_int_equal(count_in(page, "clients"), 1000);
    say(s, "{'type':'list','after':'zzz','rid':'r'}");
    expect_text(s, "{'type':'clients','rid':'r','clients':[],'count':5000}");
    say(s, "{'type':'list','after':'nobody-has-this','limit':1}");
    expect(s, "clients", "!next", "clients=[]");
    say(s, "{'type':'list','after':'cam-99999999999','limit':1}");
    assert_int_equal(count_in(expect(s, "clients"), "clients"), 1);
    world_free(w);
}

static void test_pages_with_filters(void **state)
{
    (void)state;
    struct sock *s;
    struct world *w = crowd(&s);
    uint32_t cams = 0, both = 0;
    char id[32];
    for (uint32_t i = 0; i < MANY; i++) {
        name_of(id, sizeof(id), i);
        cams += id[0] == 'c';
        both += id[0] == 'c' && i % 10 == 0;
    }
    struct walk k = {.match = "cam-*"};
    walk_all(s, &k, ",'match':'cam-*'", 333, cams);
    assert_int_equal(k.seen, cams);
    k = (struct walk){0};
    walk_all(s, &k, ",'role':'pilot'", 100, MANY / 10);
    assert_int_equal(k.seen, MANY / 10);
    k = (struct walk){.match = "c*"};
    walk_all(s, &k, ",'role':'pilot','match':'c*'", 1000, both);
    assert_int_equal(k.seen, both);
    say(s, "{'type':'list','match':'x*'}");
    expect_text(s, "{'type':'clients','clients':[],'count':0}");
    say(s, "{'type':'list','role':'nobody'}");
    expect(s, "clients", "count=0", "!next");
    world_free(w);
}

/* A page that ends exactly at the last match has no next one. */
static void test_no_next_after_the_last(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *s = join(w, "b1");
    join(w, "a");
    join(w, "b2");
    join(w, "c");
    say(s, "{'type':'list','limit':4}");
    expect(s, "clients", "!next", "count=4");
    say(s, "{'type':'list','limit':3}");
    expect(s, "clients", "next=b2", "count=4");
    say(s, "{'type':'list','limit':2,'match':'b*'}");
    expect(s, "clients", "!next", "count=2", "clients=[\"b1\",\"b2\"]");
    say(s, "{'type':'list','limit':1,'match':'b*'}");
    expect(s, "clients", "next=b1", "count=2");
    say(s, "{'type':'list','limit':1,'match':'b*','after':'b1'}");
    expect(s, "clients", "!next", "count=2", "clients=[\"b2\"]");
    world_free(w);
}

static void test_details(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *s = join_with(w, "b", ",'role':'cam','meta':{'x' : [1, 2]}");
    stall(w, 1500);
    join(w, "a");
    say(s, "{'type':'list','detail':true}");
    expect_text(s, "{'type':'clients','clients':['a','b'],'count':2,'peers':["
                   "{'id':'a','since':'2025-11-27T12:00:01.500Z'},"
                   "{'id':'b','role':'cam','meta':{'x' : [1, 2]},"
                   "'since':'2025-11-27T12:00:00.000Z'}]}");
    say(s, "{'type':'list','detail':false,'match':'b'}");
    expect_text(s, "{'type':'clients','clients':['b'],'count':1}");
    world_free(w);
}

static void test_pages_are_bounded_by_bytes(void **state)
{
    (void)state;
    struct world *w = world_new();
    w->keep_events = false;
    char id[SP_ID_MAX + 1], member[SP_META_MAX + 100];
    snprintf(member, sizeof(member), ",'role':'%032d','meta':{'k':'%0*d'}", 1, (int)SP_META_MAX - 8,
             0);
    for (int i = 0; i < 400; i++) {
        snprintf(id, sizeof(id), "m%0*d", (int)SP_ID_MAX - 1, i);
        join_with(w, id, member);
    }
    struct sock *s = dial_local(w);
    struct walk k = {0};
    char next[SP_ID_MAX + 1], after[SP_ID_MAX + 20] = "";
    bool more = true;
    while (more) {
        say(s, "{'type':'list','detail':true%s}", after);
        const char *page = expect(s, "clients", "count=400");
        assert_true(strlen(page) <= 192 * 1024);
        assert_true(count_in(page, "clients") > 0);
        assert_int_equal(count_in(page, "clients"), count_in(page, "peers"));
        take_page(&k, page);
        more = value_of(page, "next", next, sizeof(next));
        snprintf(after, sizeof(after), ",'after':'%s'", next);
    }
    assert_int_equal(k.seen, 400);
    assert_true(k.pages > 4 && k.pages < 20);
    world_free(w);
}

static void test_thousand_longest_ids_fit_in_a_page(void **state)
{
    (void)state;
    struct world *w = world_new();
    w->keep_events = false;
    char id[SP_ID_MAX + 1];
    for (int i = 0; i < 1000; i++) {
        snprintf(id, sizeof(id), "m%0*d", (int)SP_ID_MAX - 1, i);
        join(w, id);
    }
    struct sock *s = dial_local(w);
    say(s, "{'type':'list','rid':'\\u0041\\u0041'}");
    assert_int_equal(count_in(expect(s, "clients", "!next"), "clients"), 1000);
    world_free(w);
}

static void test_rights(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *untrusted = dial(w), *trusted = dial_local(w), *member = join(w, "a");
    say(untrusted, "{'type':'list','rid':1}");
    expect(untrusted, "error", "code=not_registered", "rid=1");
    say(trusted, "{'type':'list','rid':1}");
    expect(trusted, "clients", "count=1", "rid=1");
    say(member, "{'type':'list'}");
    expect(member, "clients", "count=1", "!rid");
    world_free(w);
}

/* Each client's meta may be nested as deep as a message may be, and stands two levels deeper in a
 * list; clients must be able to read that, or one spoils the list for all. */
static void test_deep_meta_does_not_spoil_the_list(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sock *s = dial(w);
    char meta[128] = "";
    unsigned depth = SP_DEPTH_MAX;
    do {
        size_t n = 0;
        depth--;
        for (unsigned i = 0; i < depth; i++) {
            n += (size_t)snprintf(meta + n, sizeof(meta) - n, "{'a':");
        }
        n += (size_t)snprintf(meta + n, sizeof(meta) - n, "0");
        for (unsigned i = 0; i < depth; i++) {
            n += (size_t)snprintf(meta + n, sizeof(meta) - n, "}");
        }
        forget(s);
        say(s, "{'type':'register','id':'a','meta':%s}", meta);
    } while (hub_clients(w->hub) == 0 && depth > 1);
    forget(s);
    say(s, "{'type':'list','detail':true}");
    const char *page = expect(s, "clients", "count=1");
    struct sp_doc doc;
    struct sp_diag d;
    assert_int_equal(sp_scan(&doc, page, strlen(page), &sp_scan_replies, &d), SP_OK);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rights),
        cmocka_unit_test(test_no_next_after_the_last),
        cmocka_unit_test(test_details),
        cmocka_unit_test(test_pages),
        cmocka_unit_test(test_pages_with_filters),
        cmocka_unit_test(test_pages_are_bounded_by_bytes),
        cmocka_unit_test(test_thousand_longest_ids_fit_in_a_page),
        cmocka_unit_test(test_deep_meta_does_not_spoil_the_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
