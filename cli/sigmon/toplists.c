/* SPDX-License-Identifier: MIT
 * The server's lists, page by page. */
#include "cli/sigmon/toplists.h"

#include "libproto/msg.h"
#include "libproto/time.h"

#include <stdio.h>

#define ASK_US     10000000
#define PAGES_MOST 100u /* no server says for ever that there is more */

static int64_t wall_ms(const struct link_msg *m, const char *key)
{
    char text[64];
    int64_t ms;
    return sp_stamp_parse(link_text(m, key, text, sizeof(text)), &ms) ? ms : -1;
}

static void on_peer(struct crowd *c, const struct link_msg *m)
{
    char id[SP_ID_MAX + 1], role[SP_ROLE_MAX + 1];
    crowd_peer(c, link_text(m, "id", id, sizeof(id)), link_text(m, "role", role, sizeof(role)),
               wall_ms(m, "since"));
}

static uint32_t count(const struct link_msg *m, const char *key)
{
    int64_t n;
    bool is_one = sp_doc_int(&m->doc, sp_str(key), &n) == SP_OK && n > 0 && n < UINT32_MAX;
    return is_one ? (uint32_t)n : 0;
}

static void on_session(struct crowd *c, const struct link_msg *m)
{
    char id[SP_ID_MAX + 1], from[SP_ID_MAX + 1], to[SP_ID_MAX + 1], state[SP_WORD_MAX];
    int64_t since_ms = wall_ms(m, "since");
    struct call *call =
        crowd_call(c, link_text(m, "id", id, sizeof(id)), link_text(m, "from", from, sizeof(from)),
                   link_text(m, "to", to, sizeof(to)), since_ms >= 0 ? since_ms : 0,
                   sp_str_eq(link_text(m, "state", state, sizeof(state)), SP_STR("answered")));
    if (call && call->side[0].offers == 0) {
        call->side[0].offers = count(m, "offers");
        call->side[1].answers = count(m, "answers");
    }
}

/* Two lists, asked for alike. */
static const struct list {
    const char *type, *body, *array;
    enum sp_type want;
    void (*on_element)(struct crowd *c, const struct link_msg *m);
    void (*settle)(struct crowd *c, int64_t now_us);
    const char *without; /* what follows when it is refused */
} lists[] = {{"list", "\"detail\":true", "peers", SP_T_CLIENTS, on_peer, crowd_settle_peers,
              "list refused: peers since now"},
             {"sessions", "\"limit\":1000", "sessions", SP_T_SESSIONS, on_session,
              crowd_settle_calls, "sessions refused: those since now"}};

#define NLISTS (sizeof(lists) / sizeof(lists[0]))

static int ask(struct link *l, const struct list *list, const char *after)
{
    char text[2048], body[1024];
    struct sp_buf b, c;
    struct sp_str none = {NULL, 0};
    sp_buf_init(&c, body, sizeof(body));
    sp_buf_str(&c, sp_str(list->body));
    if (after[0]) {
        sp_buf_lit(&c, ",\"after\":");
        sp_buf_json(&c, sp_str(after));
    }
    sp_buf_init(&b, text, sizeof(text));
    sp_put_send(&b, sp_str(list->type), none, none, sp_buf_view(&c), link_rid(l));
    return link_ask(l, sp_buf_view(&b), list->want, link_deadline(ASK_US));
}

static void take_page(struct crowd *c, const struct list *list, const struct link_msg *reply)
{
    const struct sp_member *array = sp_doc_find(&reply->doc, sp_str(list->array));
    int64_t ms = wall_ms(reply, "timestamp");
    struct link_msg m;
    struct sp_str one;
    if (ms >= 0) {
        crowd_clock(c, ms, reply->mono_us);
    }
    for (size_t at = 0; array && array->kind == SP_J_ARRAY &&
                        sp_each_element(sp_doc_raw(&reply->doc, array), &at, &one);) {
        if (link_scan(&m, one)) {
            list->on_element(c, &m);
        }
    }
}

static int take_list(struct link *l, struct crowd *c, const struct list *list, link_done_fn done,
                     void *ctx)
{
    char next[SP_ID_MAX + 1], after[SP_ID_MAX + 1] = "";
    unsigned pages = 0;
    do {
        int status = ask(l, list, after);
        if (status) {
            return status;
        }
        take_page(c, list, link_reply(l));
        struct sp_str s = link_text(link_reply(l), "next", next, sizeof(next));
        snprintf(after, sizeof(after), "%.*s", (int)s.n, s.n ? s.p : "");
    } while (after[0] && ++pages < PAGES_MOST && !(done && done(ctx)));
    list->settle(c, link_mono_us());
    return 0;
}

int top_lists(struct link *l, struct crowd *c, link_done_fn done, void *ctx, char *note, size_t cap)
{
    note[0] = '\0';
    for (size_t i = 0; i < NLISTS; i++) {
        int status = take_list(l, c, &lists[i], done, ctx);
        if (status && (link_why(l)->err == SP_OK || status > 128)) {
            return status;
        }
        if (status) {
            snprintf(note, cap, "%s", lists[i].without);
        }
    }
    return 0;
}
