/* SPDX-License-Identifier: MIT
 * Percentiles of values that are all kept. */
#include "cli/sigmon/spread.h"

#include <stdlib.h>

void spread_fini(struct spread *s)
{
    free(s->v);
    *s = (struct spread){0};
}

bool spread_add(struct spread *s, int64_t value)
{
    if (s->n == s->cap) {
        size_t cap = s->cap ? s->cap * 2 : 64;
        int64_t *v = reallocarray(s->v, cap, sizeof(*v));
        if (!v) {
            return false;
        }
        s->v = v;
        s->cap = cap;
    }
    s->v[s->n++] = value;
    s->sorted = false;
    return true;
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

int64_t spread_rank(struct spread *s, unsigned permille)
{
    if (s->n == 0) {
        return -1;
    }
    if (!s->sorted) {
        qsort(s->v, s->n, sizeof(*s->v), by_value);
        s->sorted = true;
    }
    size_t rank = (s->n * permille + 999) / 1000;
    return s->v[rank > 0 ? rank - 1 : 0];
}

static void put_rank(struct sp_json *j, const char *key, struct spread *s, unsigned permille)
{
    int64_t v = spread_rank(s, permille);
    if (v < 0) {
        sp_json_raw(j, key, SP_STR("null"));
    } else {
        sp_json_int(j, key, v);
    }
}

void spread_put(struct sp_json *j, const char *key, struct spread *s)
{
    sp_json_object(j, key);
    sp_json_int(j, "count", (int64_t)s->n);
    put_rank(j, "p50_us", s, 500);
    put_rank(j, "p90_us", s, 900);
    put_rank(j, "p99_us", s, 990);
    put_rank(j, "max_us", s, 1000);
    sp_json_end(j, '}');
}
