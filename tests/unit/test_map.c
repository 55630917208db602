/* SPDX-License-Identifier: MIT
 * The keyed map: growth, deletion inside probe runs, SipHash's independence of alignment. */
#include "tests/lib/unit.h"

#include <stdio.h>

#include "libproto/map.h"

#define ITEMS 5000

struct item {
    char name[16];
    size_t n;
    bool in;
};

static struct item items[ITEMS];
static const uint8_t secret[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

static struct sp_str key_of(const void *value)
{
    const struct item *it = value;
    return (struct sp_str){it->name, it->n};
}

static void fill(void)
{
    for (size_t i = 0; i < ITEMS; i++) {
        items[i].n = (size_t)snprintf(items[i].name, sizeof(items[i].name), "client-%zu", i);
        items[i].in = false;
    }
}

static void assert_all(const struct sp_map *m)
{
    uint32_t in = 0;
    for (size_t i = 0; i < ITEMS; i++) {
        assert_ptr_equal(sp_map_get(m, key_of(&items[i])), items[i].in ? &items[i] : NULL);
        in += items[i].in;
    }
    assert_int_equal(m->count, in);
}

static void test_put_get_del(void **state)
{
    (void)state;
    struct sp_map m;
    fill();
    assert_true(sp_map_init(&m, key_of, secret));
    assert_null(sp_map_get(&m, SP_STR("client-0")));
    assert_null(sp_map_del(&m, SP_STR("client-0")));
    for (size_t i = 0; i < ITEMS; i++) {
        assert_true(sp_map_put(&m, &items[i]));
        items[i].in = true;
    }
    assert_all(&m);
    for (size_t i = 0; i < ITEMS; i += 3) {
        assert_ptr_equal(sp_map_del(&m, key_of(&items[i])), &items[i]);
        items[i].in = false;
    }
    assert_all(&m);
    assert_null(sp_map_get(&m, SP_STR("")));
    sp_map_fini(&m);
}

/* A long walk of puts and deletes: backward-shift deletion must never lose a neighbour. */
static void test_churn(void **state)
{
    (void)state;
    struct sp_map m;
    uint32_t x = 2463534242u;
    fill();
    assert_true(sp_map_init(&m, key_of, secret));
    for (int step = 0; step < 60000; step++) {
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        struct item *it = &items[x % 300];
        if (it->in) {
            assert_ptr_equal(sp_map_del(&m, key_of(it)), it);
        } else {
            assert_true(sp_map_put(&m, it));
        }
        it->in = !it->in;
        if (step % 5000 == 0) {
            assert_all(&m);
        }
    }
    assert_all(&m);
    sp_map_fini(&m);
}

static void test_siphash(void **state)
{
    (void)state;
    char text[64 + 8];
    for (size_t n = 0; n < 64; n++) {
        uint64_t want = 0;
        for (size_t at = 0; at < 8; at++) {
            memset(text, (int)at, sizeof(text));
            for (size_t i = 0; i < n; i++) {
                text[at + i] = (char)i;
            }
            uint64_t got = sp_siphash(1, 2, text + at, n);
            assert_true(at == 0 || got == want);
            want = got;
        }
    }
    assert_true(sp_siphash(1, 2, "a", 1) != sp_siphash(1, 3, "a", 1));
    assert_true(sp_siphash(1, 2, "a", 1) != sp_siphash(2, 2, "a", 1));
    assert_true(sp_siphash(1, 2, "\0", 1) != sp_siphash(1, 2, "", 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_put_get_del),
        cmocka_unit_test(test_churn),
        cmocka_unit_test(test_siphash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
