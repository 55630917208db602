/* SPDX-License-Identifier: MIT
 * listen: print what arrives. */
#include "cli/common/out.h"
#include "cli/sigctl/show.h"
#include "cli/sigctl/want.h"

struct listen_opts {
    const char *from, *type, *until, *count;
};
_Static_assert(sizeof(struct listen_opts) <= CTL_VALUES_MAX, "options fit");

#define ROW(name, letter, kind, arg, member, help)                                                 \
    {                                                                                              \
        name, letter, kind, arg, NULL, offsetof(struct listen_opts, member), help                  \
    }

const struct opt listen_rows[] = {
    ROW("from", 0, OPT_STRING, "GLOB", from, "only from these peers"),
    ROW("type", 't', OPT_STRING, "TYPE", type, "only messages of this type"),
    ROW("stop-after", 'C', OPT_STRING, "N", count, "end after N messages"),
    ROW("until", 0, OPT_STRING, "EXPR", until, "end after a message that matches the filter"),
    {0}};

struct listener {
    struct ctl *c;
    struct match match;
    int64_t left, of; /* messages to go, OPT_NEVER: no end; and at first */
    bool done;
};

static void print_one(struct listener *l, const struct link_msg *m)
{
    if (print_is_machine(&l->c->opts)) {
        print_received(&l->c->opts, m);
    } else {
        show_message(stdout, m);
    }
    l->done = (l->of != OPT_NEVER && --l->left == 0) || match_until(&l->match, m, l->c->id);
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

static int give_up(const struct ctl *c, const struct listener *l, int status)
{
    if (status != EXIT_TIMEOUT) {
        return ctl_fail_link(c);
    }
    if (l->of != OPT_NEVER) {
        return ctl_fail(c, status, NULL,
                        "timed out: %lld of %lld messages came; -W none waits on, --type and "
                        "--from choose",
                        (long long)(l->of - l->left), (long long)l->of);
    }
    return ctl_fail(c, status, NULL,
                    l->match.has_until ? "timed out: no message matched --until; -W none waits on"
                                       : "timed out; without -W listen has no end");
}

int cmd_listen(struct ctl *c, const struct ctl_args *a)
{
    const struct listen_opts *o = a->values;
    struct listener l = {.c = c, .of = OPT_NEVER};
    int status = match_init(c, &l.match, o->from, o->type, o->until);
    status = status ? status : want_count(c, "stop-after", o->count, &l.of);
    status = status ? status : ctl_connect(c);
    status = status ? status : ctl_identity(c);
    if (status) {
        return status;
    }
    int64_t deadline = ctl_deadline(c, OPT_NEVER);
    l.left = l.of;
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
    return status == 0 || status == LINK_NO_READER ? status : give_up(c, &l, status);
}
