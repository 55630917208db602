/* SPDX-License-Identifier: MIT
 * The bus in memory. */
#include "tests/core/fleet.h"

#include <stdlib.h>

#define STEP_MS 5u

static const char *const names[FLEET_MAX] = {"n0", "n1", "n2", "n3"};

uint32_t fleet_random(struct fleet *f, uint32_t n)
{
    f->rng ^= f->rng << 13;
    f->rng ^= f->rng >> 7;
    f->rng ^= f->rng << 17;
    return (uint32_t)((f->rng >> 16) % n);
}

static void *must(void *p)
{
    if (!p) {
        print_error("the test ran out of memory\n");
        abort();
    }
    return p;
}

static void post(struct fleet *f, unsigned from, unsigned to, const char *p, size_t n)
{
    if (!f->up[to] || !f->w[to] || f->cut[from][to]) {
        f->gap[from][to] = true;
        return;
    }
    struct letter *l = must(malloc(sizeof(*l) + n));
    *l = (struct letter){.boot = f->boot[from], .n = n};
    l->due_us = f->now_us + 1000 * (uint64_t)(f->delay_ms ? fleet_random(f, f->delay_ms + 1) : 0);
    memcpy(l->text, p, n);
    *f->last[from][to] = l;
    f->last[from][to] = &l->next;
}

bool fleet_send(struct fleet *f, unsigned from, struct sp_str to, const char *p, size_t n)
{
    if (!f || !f->up[from]) {
        return false;
    }
    world_busy++;
    f->letters++;
    for (unsigned i = 0; i < f->n; i++) {
        if (to.n == 0 || sp_str_eq(to, sp_str(names[i]))) {
            post(f, from, i, p, n);
        }
    }
    world_busy--;
    return true;
}

static struct letter *take(struct fleet *f, unsigned from, unsigned to)
{
    struct letter *l = f->first[from][to];
    if (!l || l->due_us > f->now_us) {
        return NULL;
    }
    f->first[from][to] = l->next;
    if (!l->next) {
        f->last[from][to] = &f->first[from][to];
    }
    return l;
}

static void drop_letters(struct fleet *f, unsigned from, unsigned to)
{
    for (struct letter *l = f->first[from][to], *next; l; l = next) {
        next = l->next;
        f->gap[from][to] = true;
        free(l);
    }
    f->first[from][to] = NULL;
    f->last[from][to] = &f->first[from][to];
}

static bool deliver(struct fleet *f, unsigned from, unsigned to)
{
    struct letter *l = take(f, from, to);
    struct world *w = f->w[to];
    if (!l) {
        return false;
    }
    if (f->gap[from][to]) {
        f->gap[from][to] = false;
        hub_bus_gap(w->hub, sp_str(names[from]), w->now);
    }
    hub_bus_message(w->hub, sp_str(names[from]), l->boot, l->text, l->n, w->now);
    free(l);
    return true;
}

static void deliver_all(struct fleet *f)
{
    unsigned start = fleet_random(f, f->n * f->n);
    for (bool any = true; any;) {
        any = false;
        for (unsigned k = 0; k < f->n * f->n; k++) {
            unsigned at = (start + k) % (f->n * f->n), from = at / f->n, to = at % f->n;
            any = (f->w[to] && deliver(f, from, to)) || any;
        }
        for (unsigned i = 0; i < f->n; i++) {
            if (f->w[i]) {
                turn(f->w[i]);
            }
        }
    }
}

void fleet_run(struct fleet *f, uint64_t ms)
{
    for (uint64_t at = 0; at < ms; at += STEP_MS) {
        deliver_all(f);
        f->now_us += STEP_MS * 1000;
        for (unsigned i = 0; i < f->n; i++) {
            if (f->w[i]) {
                advance(f->w[i], STEP_MS);
            }
        }
    }
    deliver_all(f);
}

void fleet_meet(struct fleet *f)
{
    fleet_run(f, 1500);
}

void fleet_start(struct fleet *f, unsigned i)
{
    struct hub_conf conf = f->conf;
    conf.node = sp_str(names[i]);
    f->w[i] = must(world_new_conf(&conf));
    f->w[i]->fleet = f;
    f->w[i]->index = i;
    f->w[i]->rng += i * 7919 + f->boot[i];
    f->boot[i]++;
    stall(f->w[i], (f->now_us) / 1000);
    turn(f->w[i]);
    f->up[i] = true;
    hub_bus_state(f->w[i]->hub, true, f->w[i]->now);
}

void fleet_kill(struct fleet *f, unsigned i)
{
    world_free(f->w[i]);
    f->w[i] = NULL;
    for (unsigned k = 0; k < f->n; k++) {
        drop_letters(f, k, i);
        f->gap[k][i] = f->gap[i][k] = false; /* a new life begins a new count */
    }
}

void fleet_up(struct fleet *f, unsigned i, bool up)
{
    if (f->up[i] == up || !f->w[i]) {
        return;
    }
    f->up[i] = up;
    for (unsigned k = 0; k < f->n && !up; k++) {
        drop_letters(f, k, i);
    }
    hub_bus_state(f->w[i]->hub, up, f->w[i]->now);
}

void fleet_part(struct fleet *f, unsigned i, unsigned j, bool cut)
{
    f->cut[i][j] = f->cut[j][i] = cut;
}

struct fleet *fleet_new(unsigned n, const struct hub_conf *conf)
{
    struct fleet *f = must(calloc(1, sizeof(*f)));
    f->n = n;
    f->conf = *conf;
    f->rng = 0x2545f4914f6cdd1du;
    for (unsigned i = 0; i < FLEET_MAX; i++) {
        for (unsigned k = 0; k < FLEET_MAX; k++) {
            f->last[i][k] = &f->first[i][k];
        }
    }
    for (unsigned i = 0; i < n; i++) {
        fleet_start(f, i);
    }
    return f;
}

void fleet_free(struct fleet *f)
{
    for (unsigned i = 0; i < f->n; i++) {
        for (unsigned k = 0; k < f->n; k++) {
            drop_letters(f, i, k);
        }
        if (f->w[i]) {
            world_free(f->w[i]);
        }
    }
    free(f);
}
