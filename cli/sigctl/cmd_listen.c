/* SPDX-License-Identifier: MIT
 * listen: print what arrives. */
#include "cli/common/out.h"
#include "cli/sigctl/show.h"

struct listen_opts {
    const char *from, *type, *until;
    int64_t count;
};
_Static_assert(sizeof(struct listen_opts) <= CTL_VALUES_MAX, "options fit");

#define ROW(name, letter, kind, arg, member, help)                                                 \
    {                                                                                              \
        name, letter, kind, arg, NULL, offsetof(struct listen_opts, member), help                  \
    }

const struct opt listen_rows[] = {
    ROW("from", 0, OPT_STRING, "GLOB", from, "only from these peers"),
    ROW("type", 't', OPT_STRING, "TYPE", type, "only messages of this type"),
    ROW("stop-after", 'C', OPT_COUNT, "N", count, "end after N messages"),
    ROW("until", 0, OPT_STRING, "EXPR", until, "end after a message that matches the filter"),
    {0}};

struct listener {
    struct ctl *c;
    struct match match;
    int64_t left; /* messages to go; 0 or less from the start: no end */
    bool counted, done;
};

static void print_one(struct listener *l, const struct link_msg *m)
{
    if (print_is_machine(&l->c->opts)) {
        print_received(&l->c->opts, m);
    } else {
        show_message(stdout, m);
    }
    l->done = (l->counted && --l->left == 0) || match_until(&l->match, m, l->c->id);
}

static bool on_message(void *ctx, const struct link_msg *m)
{
    struct listener *l = ctx;
    if (l->done || m->type == SP_T_PRESENCE || !match_peer(&l->match, m)) {
        return false;
    }
    print_one(l, m);
    return true;
}

static bool is_done(void *ctx)
{
    return ((struct listener *)ctx)->done;
}

static void print_unread(struct listener *l)
{
    const struct link_msg *m;
    unsigned at = 0;
    while (!l->done && (m = ctl_unread(l->c, at)) != NULL) {
        if (match_peer(&l->match, m)) {
            print_one(l, m);
            ctl_drop(l->c, at);
        } else {
            at++;
        }
    }
}

int cmd_listen(struct ctl *c, const struct ctl_args *a)
{
    const struct listen_opts *o = a->values;
    struct listener l = {.c = c, .left = o->count, .counted = o->count > 0};
    int64_t deadline = ctl_deadline(c, OPT_NEVER);
    int status = match_init(c, &l.match, o->from, o->type, o->until);
    if (status) {
        return status;
    }
    print_unread(&l);
    ctl_set_take(c, on_message, &l);
    link_needs_reader(c->link, true);
    do {
        status = link_until(c->link, is_done, &l, deadline);
        if (status == EXIT_LOST) {
            status = link_recover(c->link, is_done, &l, deadline);
        } else if (status == 0) {
            break;
        }
    } while (status == 0);
    link_needs_reader(c->link, false);
    if (status == EXIT_TIMEOUT && l.counted) {
        return ctl_fail(c, status, NULL, "timed out with %lld messages to go", (long long)l.left);
    }
    return status == 0 || status == LINK_NO_READER ? status : ctl_fail_link(c);
}
