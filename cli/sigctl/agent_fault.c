/* SPDX-License-Identifier: MIT
 * Ranges, shares, ids by number, random numbers, timers. */
#include "cli/sigctl/agent_fault.h"

#include "libproto/id.h"
#include "libproto/units.h"

#include <stdio.h>
#include <stdlib.h>

#define BARE_US    1000000 /* a time without a unit is in seconds */
#define WIDTH_MOST 19      /* digits of an int64_t */

bool fault_range_parse(struct sp_str s, struct fault_range *r)
{
    const char *dots = s.n > 2 ? memmem(s.p, s.n, "..", 2) : NULL;
    struct fault_range v;
    if (!dots) {
        if (!sp_parse_duration(s, BARE_US, &v.least)) {
            return false;
        }
        v.most = v.least;
    } else {
        struct sp_str low = {s.p, (size_t)(dots - s.p)};
        struct sp_str high = {dots + 2, s.n - low.n - 2};
        if (!sp_parse_duration(low, BARE_US, &v.least) ||
            !sp_parse_duration(high, BARE_US, &v.most) || v.least > v.most) {
            return false;
        }
    }
    *r = v;
    return true;
}

bool fault_id_parse(struct sp_str s, struct fault_id *id)
{
    const char *percent = s.n > 0 ? memchr(s.p, '%', s.n) : NULL;
    *id = (struct fault_id){.prefix = s};
    if (!percent) {
        return true;
    }
    const char *p = percent + 1, *end = s.p + s.n;
    if (p < end && *p == '0') {
        for (p++; p < end && *p >= '0' && *p <= '9' && id->width <= WIDTH_MOST; p++) {
            id->width = id->width * 10 + (*p - '0');
        }
        if (id->width == 0) {
            return false;
        }
    }
    if (p == end || *p != 'i' || id->width > WIDTH_MOST) {
        return false;
    }
    id->numbered = true;
    id->prefix.n = (size_t)(percent - s.p);
    id->suffix = (struct sp_str){p + 1, (size_t)(end - p - 1)};
    return !memchr(p, '%', (size_t)(end - p));
}

bool fault_id_write(const struct fault_id *id, int64_t number, char out[SP_ID_MAX + 1])
{
    char digits[WIDTH_MOST + 2] = "";
    if (id->numbered) {
        snprintf(digits, sizeof(digits), "%0*lld", id->width, (long long)number);
    }
    int n = snprintf(out, SP_ID_MAX + 1, "%.*s%s%.*s", (int)id->prefix.n, id->prefix.p, digits,
                     (int)id->suffix.n, id->suffix.p ? id->suffix.p : "");
    return n > 0 && n <= (int)SP_ID_MAX && sp_id_ok(sp_str(out));
}

double fault_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (double)((z ^ z >> 31) >> 11) / 9007199254740992.0;
}

int64_t fault_pick(const struct fault_range *r, uint64_t *state)
{
    return r->least + (int64_t)(fault_random(state) * (double)(r->most - r->least + 1));
}

/* ---------------------------------------------------------------- timers */

static void put(struct fault_timers *all, size_t place, struct fault_timer *t)
{
    all->heap[place - 1] = t;
    t->place = place;
}

static void rise(struct fault_timers *all, struct fault_timer *t, size_t place)
{
    while (place > 1 && all->heap[place / 2 - 1]->at > t->at) {
        put(all, place, all->heap[place / 2 - 1]);
        place /= 2;
    }
    put(all, place, t);
}

static void sink(struct fault_timers *all, struct fault_timer *t, size_t place)
{
    for (;;) {
        size_t child = place * 2;
        if (child > all->n) {
            break;
        }
        child += child < all->n && all->heap[child]->at < all->heap[child - 1]->at;
        if (all->heap[child - 1]->at >= t->at) {
            break;
        }
        put(all, place, all->heap[child - 1]);
        place = child;
    }
    put(all, place, t);
}

void fault_clear(struct fault_timers *all, struct fault_timer *t)
{
    size_t place = t->place;
    if (place == 0) {
        return;
    }
    struct fault_timer *last = all->heap[--all->n];
    t->place = 0;
    if (last == t) {
        return;
    }
    if (place > 1 && all->heap[place / 2 - 1]->at > last->at) {
        rise(all, last, place);
    } else {
        sink(all, last, place);
    }
}

bool fault_set(struct fault_timers *all, struct fault_timer *t, int64_t at)
{
    fault_clear(all, t);
    if (all->n == all->cap) {
        size_t cap = all->cap ? all->cap * 2 : 64;
        void *heap = realloc(all->heap, cap * sizeof(*all->heap));
        if (!heap) {
            return false;
        }
        all->heap = heap;
        all->cap = cap;
    }
    t->at = at;
    rise(all, t, ++all->n);
    return true;
}

int64_t fault_next(const struct fault_timers *all)
{
    return all->n > 0 ? all->heap[0]->at : INT64_MAX;
}

void fault_fire(struct fault_timers *all, int64_t now)
{
    while (all->n > 0 && all->heap[0]->at <= now) {
        struct fault_timer *t = all->heap[0];
        fault_clear(all, t);
        t->fire(t);
    }
}

void fault_timers_free(struct fault_timers *all)
{
    free(all->heap);
    *all = (struct fault_timers){0};
}
