/* SPDX-License-Identifier: MIT
 * What the server says, to the scenario of the pair that it concerns. */
#include "cli/sigbench/checkio.h"
#include "cli/sigbench/gen.h"
#include "cli/sigbench/load.h"
#include "cli/sigbench/text.h"

#include <stdio.h>

bool load_register(struct peer *peer)
{
    char id[96], text[160];

    text_id(id, sizeof(id), peer->b->id_prefix, peer->index);
    int n = snprintf(text, sizeof(text), "{\"type\":\"register\",\"id\":\"%s\"}", id);
    return wsconn_send(peer->ws, (struct sp_str){text, (size_t)n});
}

static void on_registered(struct peer *peer, struct sp_str m, int64_t now)
{
    (void)m;
    gen_settled(peer, now);
}

static void on_relayed(struct peer *peer, enum text_kind kind, struct sp_str m, int64_t now)
{
    struct bench *b = peer->b;

    b->relayed += b->phase == PHASE_MEASURE;
    if (!checkio_arrived(peer, kind, m)) {
        b->counts.misdelivered++;
        return;
    }
    if (!peer->pair || !peer->pair->scenario->on_relayed) {
        b->counts.misdelivered++;
        return;
    }
    peer->pair->scenario->on_relayed(peer, kind, m, now);
}

static void on_offer(struct peer *peer, struct sp_str m, int64_t now)
{
    on_relayed(peer, TEXT_OFFER, m, now);
}

static void on_answer(struct peer *peer, struct sp_str m, int64_t now)
{
    on_relayed(peer, TEXT_ANSWER, m, now);
}

static void on_ice(struct peer *peer, struct sp_str m, int64_t now)
{
    on_relayed(peer, TEXT_ICE, m, now);
}

static void on_error(struct peer *peer, struct sp_str m, int64_t now)
{
    struct bench *b = peer->b;

    if (peer->state == PEER_OPENING) {
        gen_refused(peer, m, now);
        return;
    }
    if (b->first_error[0] == '\0') {
        size_t n = m.n < sizeof(b->first_error) - 1 ? m.n : sizeof(b->first_error) - 1;
        memcpy(b->first_error, m.p, n);
    }
    checkio_answered(peer, m, true);
    if (peer->state == PEER_READY && peer->pair && peer->pair->scenario->on_error) {
        peer->pair->scenario->on_error(peer, now);
    }
}

/* The close that follows says no more than that the server goes. */
static void on_goaway(struct peer *peer, struct sp_str m, int64_t now)
{
    struct bench *b = peer->b;
    (void)m;
    (void)now;
    if (b->first_error[0] == '\0') {
        snprintf(b->first_error, sizeof(b->first_error), "the server drained, connection lost");
    }
}

static void on_ack(struct peer *peer, struct sp_str m, int64_t now)
{
    (void)now;
    checkio_answered(peer, m, false);
    peer->b->counts.acks += peer->b->phase == PHASE_MEASURE;
}

void load_message(struct peer *peer, char *p, size_t n)
{
    static const struct {
        struct sp_str word;
        void (*handle)(struct peer *peer, struct sp_str m, int64_t now);
    } types[] = {{{"ice", 3}, on_ice},       {{"offer", 5}, on_offer},
                 {{"answer", 6}, on_answer}, {{"ack", 3}, on_ack},
                 {{"error", 5}, on_error},   {{"registered", 10}, on_registered},
                 {{"goaway", 6}, on_goaway}};
    struct sp_str m = {p, n};
    struct sp_str type = text_member(m, SP_STR("\"type\":\""));

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (sp_str_eq(type, types[i].word)) {
            types[i].handle(peer, m, bench_now());
            return;
        }
    }
}
