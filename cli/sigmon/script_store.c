/* SPDX-License-Identifier: MIT
 * What a script holds: steps, peers, pairs, the sessions that are open, texts. */
#include "cli/sigmon/script_in.h"

#include <stdlib.h>
#include <sys/random.h>

#define BLOCK_SIZE  65536u
#define FIRST_STEPS 256u

struct script_block {
    struct script_block *next;
    size_t n;
    char p[];
};

/* script_session is open in its pair. */
struct script_session {
    struct script_session *older, *newer;
    struct script_pair *pair;
    size_t len;
    char key[sizeof(uint32_t) + SP_ID_MAX]; /* the pair's index and the session's id */
};

static struct sp_str id_of(const void *peer)
{
    return sp_str(((const struct script_peer *)peer)->id);
}

static struct sp_str pair_key(const void *pair)
{
    const struct script_pair *p = pair;
    return (struct sp_str){(const char *)p->key, sizeof(p->key)};
}

static struct sp_str session_key(const void *session)
{
    const struct script_session *s = session;
    return (struct sp_str){s->key, s->len};
}

bool script_init(struct script *s)
{
    uint8_t secret[16];
    *s = (struct script){.last_bye = SIZE_MAX};
    return getrandom(secret, sizeof(secret), 0) == (ssize_t)sizeof(secret) &&
           sp_map_init(&s->by_id, id_of, secret) && sp_map_init(&s->by_pair, pair_key, secret) &&
           sp_map_init(&s->sessions, session_key, secret);
}

static void free_all(struct sp_map *m)
{
    for (size_t i = 0; m->slots && i <= m->mask; i++) {
        free(m->slots[i].value);
    }
    sp_map_fini(m);
}

void script_fini(struct script *s)
{
    while (s->blocks) {
        struct script_block *b = s->blocks;
        s->blocks = b->next;
        free(b);
    }
    free(s->steps);
    free(s->peers);
    free_all(&s->by_id);
    free_all(&s->by_pair);
    free_all(&s->sessions);
}

/* ---------------------------------------------------------------- what is kept */

/* A copy that ends with a NUL. */
struct sp_str script_keep(struct script *s, struct sp_str text)
{
    size_t need = text.n + 1;
    struct script_block *b = s->blocks;
    if (text.n == 0) {
        return SP_STR("");
    }
    if (!b || BLOCK_SIZE - b->n < need) {
        size_t room = need > BLOCK_SIZE ? need : BLOCK_SIZE;
        b = malloc(sizeof(*b) + room);
        if (!b) {
            s->full = true;
            return SP_STR("");
        }
        b->n = 0;
        b->next = s->blocks;
        s->blocks = b;
    }
    char *to = b->p + b->n;
    memcpy(to, text.p, text.n);
    to[text.n] = '\0';
    b->n = need > BLOCK_SIZE ? BLOCK_SIZE : b->n + need;
    return (struct sp_str){to, text.n};
}

/* An array of n with room for one more: v, or where it is now; NULL when out of memory. */
static void *grow(void *v, size_t *cap, size_t n, size_t size)
{
    if (n < *cap) {
        return v;
    }
    size_t more = *cap ? *cap * 2 : FIRST_STEPS;
    void *p = reallocarray(v, more, size);
    *cap = p ? more : *cap;
    return p;
}

struct step *script_step(struct script *s, enum step_kind kind, uint32_t peer)
{
    struct step *v = grow(s->steps, &s->cap, s->n, sizeof(*v));
    if (!v) {
        s->full = true;
        return NULL;
    }
    s->steps = v;
    v[s->n] = (struct step){.due_us = s->timeline.last - s->first_us, .kind = kind, .peer = peer};
    return &v[s->n++];
}

/* NULL: out of memory. */
struct script_peer *script_peer_of(struct script *s, struct sp_str id)
{
    struct script_peer *p = sp_map_get(&s->by_id, id);
    if (p) {
        return p;
    }
    struct script_peer **v = grow(s->peers, &s->peers_cap, s->npeers, sizeof(struct script_peer *));
    s->peers = v ? v : s->peers;
    p = v ? calloc(1, sizeof(*p)) : NULL;
    if (p) {
        p->index = s->npeers;
        p->conn = -1;
        p->takeover = SIZE_MAX;
        memcpy(p->id, id.p, id.n);
    }
    if (!p || !sp_map_put(&s->by_id, p)) {
        free(p);
        s->full = true;
        return NULL;
    }
    s->peers[s->npeers++] = p;
    return p;
}

struct script_pair *script_pair_of(struct script *s, const struct script_peer *a,
                                   const struct script_peer *b)
{
    uint32_t key[2] = {a->index < b->index ? a->index : b->index,
                       a->index < b->index ? b->index : a->index};
    struct script_pair *p =
        sp_map_get(&s->by_pair, (struct sp_str){(const char *)key, sizeof(key)});
    if (p) {
        return p;
    }
    p = calloc(1, sizeof(*p));
    if (p) {
        memcpy(p->key, key, sizeof(key));
        p->index = s->npairs;
    }
    if (!p || !sp_map_put(&s->by_pair, p)) {
        free(p);
        s->full = true;
        return NULL;
    }
    s->npairs++;
    return p;
}

/* ---------------------------------------------------------------- sessions */

static size_t make_key(char key[sizeof(uint32_t) + SP_ID_MAX], const struct script_pair *pair,
                       struct sp_str id)
{
    memcpy(key, &pair->index, sizeof(pair->index));
    memcpy(key + sizeof(pair->index), id.p, id.n);
    return sizeof(pair->index) + id.n;
}

struct script_session *script_session_find(const struct script *s, const struct script_pair *pair,
                                           struct sp_str id)
{
    char key[sizeof(uint32_t) + SP_ID_MAX];
    return sp_map_get(&s->sessions, (struct sp_str){key, make_key(key, pair, id)});
}

void script_session_open(struct script *s, struct script_pair *pair, struct sp_str id)
{
    struct script_session *one = calloc(1, sizeof(*one));
    if (one) {
        one->len = make_key(one->key, pair, id);
        one->pair = pair;
        one->older = pair->newest;
    }
    if (!one || !sp_map_put(&s->sessions, one)) {
        free(one);
        s->full = true;
        return;
    }
    if (pair->newest) {
        pair->newest->newer = one;
    }
    pair->newest = one;
}

void script_session_close(struct script *s, struct script_session *one)
{
    if (!one) {
        return;
    }
    if (one->older) {
        one->older->newer = one->newer;
    }
    if (one->newer) {
        one->newer->older = one->older;
    } else {
        one->pair->newest = one->older;
    }
    sp_map_del(&s->sessions, session_key(one));
    free(one);
}
