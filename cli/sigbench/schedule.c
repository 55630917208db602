/* SPDX-License-Identifier: MIT
 * Sends of all threads are numbered through: each thread has every n-th. */
#include "cli/sigbench/schedule.h"

#include <math.h>

/* splitmix64: the schedule only has to look random and be the same for the same seed. */
double schedule_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (double)((z ^ z >> 31) >> 11) / 9007199254740992.0;
}

static void begin(struct bench *b, int64_t now, const struct profile *p)
{
    struct schedule *s = &b->schedule;
    s->poisson = strcmp(b->conf.arrival, "poisson") == 0;
    s->profile = p;
    s->origin = now;
    s->step = b->crew->n;
    s->n = b->shard;
    s->rng = s->rng ? s->rng : (uint64_t)b->conf.seed + b->shard;
    s->next = (double)now + profile_time(p, s->n);
}

void schedule_constant(struct bench *b, int64_t now)
{
    profile_constant(&b->schedule.constant, b->profile.piece[0].to);
    begin(b, now, &b->schedule.constant);
}

void schedule_profile(struct bench *b, int64_t now)
{
    begin(b, now, &b->profile);
}

void schedule_step(struct schedule *s)
{
    s->n += s->poisson ? -log(1.0 - schedule_random(&s->rng)) * s->step : s->step;
    s->next = (double)s->origin + profile_time(s->profile, s->n);
}
