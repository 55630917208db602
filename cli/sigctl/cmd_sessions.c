/* SPDX-License-Identifier: MIT
 * sessions: the open sessions of the server, oldest first, all pages of them. */
#include "cli/common/out.h"
#include "cli/sigctl/want.h"
#include "libproto/event.h"

struct sessions_opts {
    const char *match;
    bool count;
};
_Static_assert(sizeof(struct sessions_opts) <= CTL_VALUES_MAX, "options fit");

#define ROW(name, letter, kind, arg, member, help)                                                 \
    {                                                                                              \
        name, letter, kind, arg, NULL, offsetof(struct sessions_opts, member), help                \
    }

const struct opt sessions_rows[] = {
    ROW("match", 'm', OPT_STRING, "GLOB", match, "only those of these ids, on either side"),
    ROW("count", 0, OPT_FLAG, NULL, count, "how many, no sessions"),
    {0}};

/* One row per member: its name in our output, a width for people (0: the last column). */
static const struct column {
    const char *wire, *name;
    int width;
    int64_t factor; /* 0: text */
} columns[] = {
    {"id", "session", 31, 0},           {"from", "from", 20, 0},    {"to", "to", 20, 0},
    {"state", "state", 9, 0},           {"offers", "offers", 3, 1}, {"answers", "answers", 3, 1},
    {"candidates", "candidates", 4, 1}, {"since", "since", 25, 0},  {"idle", "idle_us", 0, 1000}};

#define NCOLUMNS (sizeof(columns) / sizeof(columns[0]))

static struct sp_str body_of(char *text, size_t cap, const struct sessions_opts *o,
                             struct sp_str after)
{
    struct sp_buf b;
    sp_buf_init(&b, text, cap);
    sp_buf_str(&b, o->count ? SP_STR("\"limit\":1") : SP_STR("\"limit\":1000"));
    if (o->match) {
        sp_buf_lit(&b, ",\"match\":");
        sp_buf_json(&b, sp_str(o->match));
    }
    if (after.n > 0) {
        sp_buf_lit(&b, ",\"after\":");
        sp_buf_json(&b, after);
    }
    return sp_buf_view(&b);
}

static void print_machine(const struct ctl *c, const struct link_msg *m, int64_t wall_us)
{
    struct print_line l;
    char scratch[SP_ID_MAX + 1];
    int64_t n;
    if (!print_begin(&l, m->raw.n)) {
        return;
    }
    for (size_t i = 0; i < NCOLUMNS; i++) {
        const struct column *k = &columns[i];
        if (k->factor == 0) {
            sp_json_str(&l.j, k->name, link_text(m, k->wire, scratch, sizeof(scratch)));
        } else if (sp_doc_int(&m->doc, sp_str(k->wire), &n) == SP_OK) {
            sp_json_int(&l.j, k->name, n * k->factor);
        }
    }
    print_time(&l, wall_us);
    print_end(&c->opts, &l);
}

static void print_human(const struct link_msg *m)
{
    char scratch[SP_ID_MAX + 1];
    for (size_t i = 0; i < NCOLUMNS; i++) {
        const struct column *k = &columns[i];
        int64_t n = 0;
        if (k->factor == 0) {
            struct sp_str s = link_text(m, k->wire, scratch, sizeof(scratch));
            out_safe(stdout, s);
            printf("%*s", k->width > (int)s.n ? k->width - (int)s.n : 1, "");
        } else if (sp_doc_int(&m->doc, sp_str(k->wire), &n) == SP_OK && k->width > 0) {
            printf("%*lld ", k->width, (long long)n);
        } else {
            printf("idle %.1f s\n", (double)n / 1000);
        }
    }
}

static void print_page(const struct ctl *c, const struct link_msg *reply)
{
    const struct sp_member *list = sp_doc_find(&reply->doc, SP_STR("sessions"));
    struct link_msg m;
    struct sp_str one;
    size_t at = 0;
    while (list && list->kind == SP_J_ARRAY &&
           sp_each_element(sp_doc_raw(&reply->doc, list), &at, &one)) {
        if (!link_scan(&m, one)) {
            continue;
        }
        if (print_is_machine(&c->opts)) {
            print_machine(c, &m, reply->wall_us);
        } else {
            print_human(&m);
        }
    }
    fflush(stdout);
}

static void print_count(const struct ctl *c, const struct link_msg *reply, int64_t count)
{
    struct print_line l;
    if (!print_is_machine(&c->opts)) {
        printf("%lld\n", (long long)count);
    } else if (print_begin(&l, 0)) {
        sp_json_bool(&l.j, "ok", true);
        sp_json_str(&l.j, "type", SP_STR("sessions"));
        sp_json_int(&l.j, "count", count);
        print_time(&l, reply->wall_us);
        print_end(&c->opts, &l);
    }
}

int cmd_sessions(struct ctl *c, const struct ctl_args *a)
{
    const struct sessions_opts *o = a->values;
    char text[1024], scratch[SP_ID_MAX + 1], after[SP_ID_MAX + 1];
    struct sp_str next = {NULL, 0};
    int status = want_match(c, o->match);
    status = status ? status : ctl_connect(c);
    if (status) {
        return status;
    }
    int64_t count, deadline = ctl_deadline(c, CTL_ONE_US);
    do {
        struct sp_str body = body_of(text, sizeof(text), o, next);
        if (ctl_query(c, SP_T_SESSIONS, body, SP_T_SESSIONS, deadline) != 0) {
            return ctl_fail_link(c);
        }
        const struct link_msg *reply = link_reply(c->link);
        if (sp_doc_int(&reply->doc, SP_STR("count"), &count) != SP_OK) {
            return ctl_fail(c, EXIT_DATA, NULL, "the server's list has no count");
        }
        if (o->count) {
            print_count(c, reply, count);
            return 0;
        }
        print_page(c, reply);
        next = link_text(reply, "next", scratch, sizeof(scratch));
        snprintf(after, sizeof(after), "%.*s", (int)next.n, next.p ? next.p : "");
        next = sp_str(after);
    } while (next.n > 0);
    return 0;
}
