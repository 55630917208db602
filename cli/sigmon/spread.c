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
