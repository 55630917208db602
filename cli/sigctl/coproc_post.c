/* SPDX-License-Identifier: MIT
 * A co-process's messages: sent at once, answered in whatever order. */
#include "cli/sigctl/coproc.h"

#include <stdlib.h>

/* Neither a number, which the requests of commands have, nor the word of a renewal. */
#define RID_PREFIX "\"co-"

static struct post *post_at(const struct coproc *co, int64_t n)
{
    return &co->posts[n % COPROC_POSTS];
}

static void forget(struct coproc *co, struct post *p)
{
    free(p->rid);
    *p = (struct post){0};
    while (co->first < co->next && !post_at(co, co->first)->rid) {
        co->first++;
    }
}

/* The message as it came, with a rid of ours; NULL when out of memory. */
static char *compose(const struct sp_doc *doc, int64_t n, size_t *len)
{
    const struct sp_member *rid = sp_doc_find(doc, SP_STR("rid"));
    size_t cap = doc->len + 48, end = rid->val_off + rid->val_len;
    char *p = malloc(cap);
    struct sp_buf b;
    if (!p) {
        return NULL;
    }
    sp_buf_init(&b, p, cap);
    sp_buf_put(&b, doc->buf, rid->val_off);
    sp_buf_lit(&b, RID_PREFIX);
    sp_buf_int(&b, n);
    sp_buf_lit(&b, "\"");
    sp_buf_put(&b, doc->buf + end, doc->len - end);
    *len = b.n;
    return p;
}

static int send_it(struct coproc *co, const struct sp_doc *doc)
{
    struct link *l = co->c->link;
    size_t n = 0;
    char *text = compose(doc, co->next, &n);
    int status;
    if (!text) {
        status = link_set_why(l, EXIT_DATA, "out of memory");
    } else if (n > SP_MESSAGE_MAX) {
        status =
            link_set_why(l, EXIT_DATA, "the message has %zu bytes, %u at most", n, SP_MESSAGE_MAX);
    } else {
        status = link_post(l, (struct sp_str){text, n});
    }
    free(text);
    return status;
}

void coproc_post(struct coproc *co, const struct sp_doc *doc, char *rid)
{
    struct post *p = post_at(co, co->next);
    struct link_msg m = {.doc = *doc};
    char scratch[SP_ID_MAX + 1];
    struct sp_str to = link_text(&m, "target", scratch, SP_ID_MAX);
    int64_t now = link_mono_us();
    int status = co->next - co->first < COPROC_POSTS ? send_it(co, doc) : EXIT_REFUSED;
    if (status) {
        bool full = co->next - co->first >= COPROC_POSTS;
        coproc_fail(co, rid, status, full ? "overloaded" : NULL,
                    full ? "too many messages without an answer" : link_why(co->c->link)->text);
        free(rid);
        return;
    }
    *p = (struct post){.rid = rid};
    snprintf(p->to, sizeof(p->to), "%.*s", (int)to.n, to.p ? to.p : "");
    p->late_us = now > OPT_NEVER - co->timeout_us ? OPT_NEVER : now + co->timeout_us;
    co->next++;
}

bool coproc_answered(struct coproc *co, const struct link_msg *m)
{
    const struct sp_member *rid = sp_doc_find(&m->doc, SP_STR("rid"));
    struct sp_str raw = rid ? sp_doc_raw(&m->doc, rid) : (struct sp_str){NULL, 0};
    size_t prefix = sizeof(RID_PREFIX) - 1;
    int64_t n;
    if (raw.n <= prefix + 1 || memcmp(raw.p, RID_PREFIX, prefix) != 0 ||
        !sp_parse_int((struct sp_str){raw.p + prefix, raw.n - prefix - 1}, &n)) {
        return false;
    }
    if (n >= co->first && n < co->next && post_at(co, n)->rid) {
        coproc_reply(co, post_at(co, n), m);
        forget(co, post_at(co, n));
    }
    return true;
}

void coproc_lose(struct coproc *co, const char *why)
{
    for (int64_t n = co->first; n < co->next; n++) {
        if (post_at(co, n)->rid) {
            coproc_fail(co, post_at(co, n)->rid, EXIT_LOST, NULL, why);
            forget(co, post_at(co, n));
        }
    }
}

void coproc_expire(struct coproc *co)
{
    int64_t now = link_mono_us();
    while (co->first < co->next && post_at(co, co->first)->late_us <= now) {
        struct post *p = post_at(co, co->first);
        coproc_fail(co, p->rid, EXIT_TIMEOUT, NULL, "timed out: the server did not answer");
        forget(co, p);
    }
}

int64_t coproc_moment(const struct coproc *co)
{
    return co->first < co->next ? post_at(co, co->first)->late_us : OPT_NEVER;
}
