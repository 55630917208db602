/* SPDX-License-Identifier: MIT
 * Branches of a parallel block: threads of which one runs at a time. Where a link would wait, the
 * turn goes to the next; when all wait, the one whose turn it is waits for all of them. */
#include "cli/sigctl/run.h"

#include <stdlib.h>

static struct flow *next_of(const struct crew *w, int state)
{
    for (unsigned i = 1; i <= w->n; i++) {
        struct flow *f = &w->flows[(w->current + i) % w->n];
        if ((int)f->state == state) {
            return f;
        }
    }
    return NULL;
}

static void give_turn(struct crew *w, struct flow *to)
{
    w->current = (unsigned)(to - w->flows);
    pthread_cond_signal(&to->turn);
}

static void await_turn(struct crew *w, struct flow *me)
{
    while (&w->flows[w->current] != me) {
        pthread_cond_wait(&me->turn, &w->lock);
    }
}

static int serve_all(struct crew *w, struct link *l)
{
    int64_t first = OPT_NEVER;
    for (unsigned i = 0; i < w->n; i++) {
        const struct flow *f = &w->flows[i];
        first = f->state == FLOW_WAITING && f->deadline < first ? f->deadline : first;
    }
    int status = link_serve(l, first);
    for (unsigned i = 0; i < w->n; i++) {
        w->flows[i].state = w->flows[i].state == FLOW_WAITING ? FLOW_READY : w->flows[i].state;
    }
    w->stop = status ? status : w->stop;
    return status;
}

static int wait_in_crew(struct crew *w, struct link *l, int64_t deadline)
{
    struct flow *me = &w->flows[w->current], *next;
    int status = 0;
    if (w->stop) {
        return link_set_why(l, LINK_NO_READER, "another branch has failed");
    }
    pthread_mutex_lock(&w->lock);
    me->deadline = deadline;
    me->state = FLOW_WAITING;
    while (me->state == FLOW_WAITING) {
        next = next_of(w, FLOW_READY);
        if (next) {
            give_turn(w, next);
            await_turn(w, me);
        } else {
            status = serve_all(w, l);
        }
    }
    pthread_mutex_unlock(&w->lock);
    if (status == 0 && w->stop) {
        return link_set_why(l, LINK_NO_READER, "another branch has failed");
    }
    return status;
}

int run_wait(void *ctx, struct link *l, int64_t deadline)
{
    struct scene *s = ctx;
    return s->crew ? wait_in_crew(s->crew, l, deadline) : link_serve(l, deadline);
}

static void *branch(void *ctx)
{
    struct flow *me = ctx, *next;
    struct crew *w = me->s->crew;
    pthread_mutex_lock(&w->lock);
    await_turn(w, me);
    pthread_mutex_unlock(&w->lock);
    me->status = run_range(me, me->from, me->to);
    pthread_mutex_lock(&w->lock);
    me->state = FLOW_ENDED;
    w->stop = w->stop ? w->stop : me->status;
    w->left--;
    next = next_of(w, FLOW_READY);
    next = next ? next : next_of(w, FLOW_WAITING);
    if (next) {
        give_turn(w, next);
    }
    pthread_cond_signal(&w->done);
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

/* ---------------------------------------------------------------- a block */

static bool is_new(const struct crew *w, unsigned who)
{
    for (unsigned i = 0; i < w->n; i++) {
        if (w->flows[i].branch == who) {
            return false;
        }
    }
    return true;
}

static void add_branches(struct crew *w, const struct flow *parent, unsigned from, unsigned to)
{
    const struct scene *s = parent->s;
    for (unsigned i = from; i < to; i++) {
        unsigned who = s->steps[i].branch;
        if (!is_new(w, who)) {
            continue;
        }
        struct flow *f = &w->flows[w->n++];
        *f = (struct flow){.s = parent->s,
                           .branch = who,
                           .from = from,
                           .to = to,
                           .is_branch = true,
                           .round = parent->round};
        pthread_cond_init(&f->turn, NULL);
        if (parent->msg.raw) {
            kept_set(&f->msg, &parent->msg.m);
        }
    }
}

static unsigned start(struct crew *w)
{
    unsigned n = 0;
    w->left = w->n;
    while (n < w->n && pthread_create(&w->flows[n].thread, NULL, branch, &w->flows[n]) == 0) {
        n++;
    }
    for (unsigned i = n; i < w->n; i++) {
        w->flows[i].state = FLOW_ENDED;
        w->flows[i].status = w->stop = EXIT_DATA;
        w->left--;
    }
    return n;
}

/* What the last expect of the block, as it is written, got is the message after it. */
static int join(struct crew *w, struct flow *parent, unsigned started)
{
    int status = w->stop;
    for (unsigned i = 0; i < w->n; i++) {
        struct flow *f = &w->flows[i];
        if (i < started) {
            pthread_join(f->thread, NULL);
        }
        if (f->msg_line > parent->msg_line) {
            kept_clear(&parent->msg);
            parent->msg = f->msg;
            parent->msg_line = f->msg_line;
        } else {
            kept_clear(&f->msg);
        }
        pthread_cond_destroy(&f->turn);
    }
    return status;
}

int run_parallel(struct flow *w, const struct step *st, unsigned from)
{
    struct crew crew = {.lock = PTHREAD_MUTEX_INITIALIZER, .done = PTHREAD_COND_INITIALIZER};
    crew.flows = calloc(RUN_IDENTS, sizeof(*crew.flows));
    if (!crew.flows) {
        return EXIT_DATA;
    }
    add_branches(&crew, w, from + 1, st->end);
    w->msg_line = 0;
    if (crew.n > 0) {
        pthread_mutex_lock(&crew.lock);
        w->s->crew = &crew;
        unsigned started = start(&crew);
        while (crew.left > 0) {
            pthread_cond_wait(&crew.done, &crew.lock);
        }
        pthread_mutex_unlock(&crew.lock);
        join(&crew, w, started);
        w->s->crew = NULL;
    }
    free(crew.flows);
    return crew.stop;
}
