/* SPDX-License-Identifier: MIT
 * list: who is registered, all pages of it, and who comes and goes. */
#include "cli/common/out.h"
#include "cli/sigctl/ids.h"
#include "cli/sigctl/show.h"
#include "cli/sigctl/want.h"

#include <stdlib.h>

struct list_opts {
    const char *match, *role;
    bool count, detail, watch;
};
_Static_assert(sizeof(struct list_opts) <= CTL_VALUES_MAX, "options fit");

#define ROW(name, letter, kind, arg, member, help)                                                 \
    {                                                                                              \
        name, letter, kind, arg, NULL, offsetof(struct list_opts, member), help                    \
    }

const struct opt list_rows[] = {
    ROW("match", 'm', OPT_STRING, "GLOB", match, "only these ids"),
    ROW("role", 0, OPT_STRING, "ROLE", role, "only this role"),
    ROW("count", 0, OPT_FLAG, NULL, count, "how many, no names"),
    ROW("detail", 0, OPT_FLAG, NULL, detail, "role, since, meta"),
    ROW("watch", 'w', OPT_FLAG, NULL, watch, "then who joins and leaves"),
    {0}};

/* listing gathers the pages. What comes between two pages may concern ids that a later page no
 * longer mentions, so it is kept and shown after the list, unless the list says it already. */
struct listing {
    struct ctl *c;
    const struct list_opts *o;
    FILE *ids, *peers; /* raw elements, separated by commas */
    char *ids_text, *peers_text;
    size_t ids_size, peers_size;
    int64_t count;
    unsigned pages;
    bool printed, complete;
    struct ids here; /* who is there, as far as it was told */
    struct ctl_kept *early;
    unsigned nearly, room;
};

static void put_str(struct sp_buf *b, const char *key, const char *value)
{
    if (!value || !*value) {
        return;
    }
    if (b->n > 0) {
        sp_buf_lit(b, ",");
    }
    sp_buf_lit(b, "\"");
    sp_buf_str(b, sp_str(key));
    sp_buf_lit(b, "\":");
    sp_buf_json(b, sp_str(value));
}

static struct sp_str list_body(char *text, size_t cap, const struct list_opts *o, const char *after)
{
    struct sp_buf b;
    sp_buf_init(&b, text, cap);
    put_str(&b, "match", o->match);
    put_str(&b, "role", o->role);
    put_str(&b, "after", after);
    if (o->detail) {
        sp_buf_str(&b, b.n ? SP_STR(",\"detail\":true") : SP_STR("\"detail\":true"));
    }
    if (o->count) {
        sp_buf_str(&b, b.n ? SP_STR(",\"limit\":1") : SP_STR("\"limit\":1"));
    }
    return sp_buf_view(&b);
}

static void add_elements(FILE *f, const struct link_msg *m, struct sp_str key, bool first)
{
    const struct sp_member *member = sp_doc_find(&m->doc, key);
    struct sp_str raw = member ? sp_doc_raw(&m->doc, member) : (struct sp_str){NULL, 0};
    if (raw.n > 2 && member->kind == SP_J_ARRAY) {
        fprintf(f, "%s%.*s", first ? "" : ",", (int)(raw.n - 2), raw.p + 1);
    }
}

static void add_page(struct listing *l, const struct link_msg *m)
{
    if (!l->printed) {
        add_elements(l->ids, m, SP_STR("clients"), l->pages == 0);
        add_elements(l->peers, m, SP_STR("peers"), l->pages == 0);
    }
    if (l->o->watch) {
        ids_list(&l->here, m);
    }
    l->pages++;
}

/* Gives what link_why explains. */
static int get_pages(struct listing *l)
{
    char text[1024], next[SP_ID_MAX + 1], after[SP_ID_MAX + 1] = "";
    int64_t deadline = ctl_deadline(l->c, CTL_ONE_US);
    do {
        struct sp_str body = list_body(text, sizeof(text), l->o, after);
        int status = ctl_query(l->c, SP_T_LIST, body, SP_T_CLIENTS, deadline);
        if (status) {
            return status;
        }
        const struct link_msg *m = link_reply(l->c->link);
        if (sp_doc_int(&m->doc, SP_STR("count"), &l->count) != SP_OK) {
            return link_set_why(l->c->link, EXIT_DATA, "the server's list has no count");
        }
        add_page(l, m);
        struct sp_str s = link_text(m, "next", next, sizeof(next));
        snprintf(after, sizeof(after), "%.*s", (int)s.n, s.p ? s.p : "");
    } while (after[0] && !l->o->count);
    fflush(l->ids);
    fflush(l->peers);
    return 0;
}

static void print_machine(const struct listing *l)
{
    struct print_line line;
    if (!print_begin(&line, l->ids_size + l->peers_size)) {
        return;
    }
    sp_json_bool(&line.j, "ok", true);
    sp_json_str(&line.j, "type", SP_STR("clients"));
    sp_json_int(&line.j, "count", l->count);
    if (!l->o->count) {
        sp_json_array(&line.j, "clients");
        sp_buf_put(&line.b, l->ids_text + 1, l->ids_size - 1);
        sp_json_end(&line.j, ']');
    }
    if (l->o->detail && !l->o->count) {
        sp_json_array(&line.j, "peers");
        sp_buf_put(&line.b, l->peers_text + 1, l->peers_size - 1);
        sp_json_end(&line.j, ']');
    }
    print_time(&line, link_wall_us());
    print_end(&l->c->opts, &line);
}

static void print_id(struct sp_str raw)
{
    char id[SP_ID_MAX * 4];
    size_t n = raw.p[0] == '"' ? sp_unescape(id, sizeof(id), raw) : SIZE_MAX;
    if (n != SIZE_MAX) {
        out_safe(stdout, (struct sp_str){id, n});
    }
    putchar('\n');
}

/* A template sees each peer as an object, of nothing but its id without --detail. */
static void print_formatted(const struct listing *l, struct sp_str raw)
{
    struct print_line line;
    if (l->o->detail) {
        print_object(&l->c->opts, raw);
    } else if (print_begin(&line, raw.n)) {
        sp_json_raw(&line.j, "id", raw);
        print_end(&l->c->opts, &line);
    }
}

static const struct {
    const char *key, *title;
    int width;
} detail[] = {{"id", "ID", 24},     {"role", "ROLE", 10}, {"since", "SINCE", 26},
              {"node", "NODE", 12}, {"rtt", "RTT", 8},    {"meta", "META", 0}};
#define DETAIL (sizeof(detail) / sizeof(detail[0]))

static void put_column(size_t i, struct sp_str s)
{
    out_safe(stdout, s);
    printf("%*s", detail[i].width > (int)s.n ? detail[i].width - (int)s.n : 1, "");
}

static void print_titles(void)
{
    for (size_t i = 0; i < DETAIL; i++) {
        put_column(i, sp_str(detail[i].title));
    }
    putchar('\n');
}

static void print_peer(struct sp_str raw)
{
    struct link_msg m;
    char scratch[256];
    if (!link_scan(&m, raw)) {
        return;
    }
    for (size_t i = 0; i < DETAIL; i++) {
        const struct sp_member *member = sp_doc_find(&m.doc, sp_str(detail[i].key));
        struct sp_str s = {"-", 1};
        if (member) {
            s = member->kind == SP_J_STRING ? link_text(&m, detail[i].key, scratch, sizeof(scratch))
                                            : sp_doc_raw(&m.doc, member);
        }
        put_column(i, s);
    }
    putchar('\n');
}

static void print_each(const struct listing *l)
{
    struct sp_str one, ids = {l->ids_text, l->ids_size}, peers = {l->peers_text, l->peers_size};
    struct sp_str all = l->o->detail ? peers : ids;
    if (l->o->detail && !print_is_machine(&l->c->opts)) {
        print_titles();
    }
    for (size_t at = 0; sp_each_element(all, &at, &one);) {
        if (l->c->opts.format) {
            print_formatted(l, one);
        } else if (l->o->detail) {
            print_peer(one);
        } else {
            print_id(one);
        }
    }
}

static void print_list(const struct listing *l)
{
    if (l->c->opts.json || l->c->opts.pretty) {
        print_machine(l);
    } else if (l->o->count) {
        printf("%lld\n", (long long)l->count);
    } else {
        print_each(l);
    }
    fflush(stdout);
}

/* ---------------------------------------------------------------- who comes and goes */

/* Columns of --plain stand where they are, whether or not one is known. */
static void print_columns(const struct listing *l, const struct link_msg *m)
{
    static const char *const columns[] = {"type", "event", "id", "role", "reason"};
    char scratch[SP_REASON_MAX];
    struct print_line line;
    if (!print_begin(&line, m->raw.n)) {
        return;
    }
    print_time(&line, m->wall_us);
    for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
        struct sp_str s = link_text(m, columns[i], scratch, sizeof(scratch));
        sp_json_str(&line.j, columns[i], s.n > 0 ? s : SP_STR("-"));
    }
    print_end(&l->c->opts, &line);
}

static void print_presence(const struct listing *l, const struct link_msg *m)
{
    if (l->c->opts.plain) {
        print_columns(l, m);
    } else if (print_is_machine(&l->c->opts)) {
        print_received(&l->c->opts, m);
    } else {
        show_message(stdout, m);
    }
}

/* A join of who is there, or a leave of who is not, is what the list has told already. */
static void tell(struct listing *l, const struct link_msg *m)
{
    char word[SP_WORD_MAX], scratch[SP_ID_MAX];
    struct sp_str event = link_text(m, "event", word, sizeof(word));
    bool is_here = sp_map_get(&l->here.map, link_text(m, "id", scratch, sizeof(scratch))) != NULL;
    if ((is_here && sp_str_eq(event, SP_STR("join"))) ||
        (!is_here && sp_str_eq(event, SP_STR("leave")))) {
        return;
    }
    ids_presence(&l->here, m);
    print_presence(l, m);
}

static void keep_early(struct listing *l, const struct link_msg *m)
{
    if (l->nearly == l->room) {
        unsigned room = l->room * 2 + 16;
        struct ctl_kept *more = realloc(l->early, room * sizeof(*more));
        if (!more) {
            return;
        }
        memset(more + l->room, 0, (room - l->room) * sizeof(*more));
        l->early = more;
        l->room = room;
    }
    l->nearly += kept_set(&l->early[l->nearly], m);
}

static void tell_early(struct listing *l)
{
    for (unsigned i = 0; i < l->nearly; i++) {
        if (l->complete) {
            tell(l, &l->early[i].m);
        }
        kept_clear(&l->early[i]);
    }
    l->nearly = 0;
}

static bool on_presence(void *ctx, const struct link_msg *m)
{
    struct listing *l = ctx;
    if (m->type != SP_T_PRESENCE) {
        return false;
    }
    if (l->complete) {
        tell(l, m);
    } else if (l->pages > 0) {
        keep_early(l, m);
    }
    return true;
}

static bool never(void *ctx)
{
    (void)ctx;
    return false;
}

static int watch(struct listing *l)
{
    char text[1024];
    struct list_opts only = {.match = l->o->match, .role = l->o->role};
    struct sp_str body = list_body(text, sizeof(text), &only, NULL);
    return ctl_query(l->c, SP_T_WATCH, body, SP_T_ACK, ctl_deadline(l->c, CTL_ONE_US));
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Tells, in order, whom one set has and the other has not. */
static void tell_missed(const struct listing *l, const struct ids *these, const struct ids *those,
                        const char *event)
{
    const char **names = calloc(ids_count(these) + 1, sizeof(*names)), *id;
    char text[SP_ID_MAX + 128];
    struct link_msg m;
    size_t n = 0;
    for (size_t at = 0; names && (id = ids_each(these, &at)) != NULL;) {
        names[n] = id;
        n += sp_map_get(&those->map, sp_str(id)) == NULL;
    }
    if (names) {
        qsort(names, n, sizeof(*names), by_name);
    }
    for (size_t i = 0; i < n; i++) {
        snprintf(text, sizeof(text),
                 "{\"type\":\"presence\",\"event\":\"%s\",\"id\":\"%s\",\"missed\":true}", event,
                 names[i]);
        if (link_scan(&m, sp_str(text))) {
            print_presence(l, &m);
        }
    }
    free(names);
}

/* After a loss: who came and went meanwhile is told like the rest. */
static int catch_up(struct listing *l)
{
    struct ids before = l->here;
    if (!ids_init(&l->here, NULL)) {
        l->here = before;
        return link_set_why(l->c->link, EXIT_DATA, "out of memory");
    }
    l->complete = false;
    l->pages = 0;
    int status = watch(l);
    status = status ? status : get_pages(l);
    if (status == 0) {
        tell_missed(l, &before, &l->here, "leave");
        tell_missed(l, &l->here, &before, "join");
        ids_fini(&before);
        l->complete = true;
    } else {
        ids_fini(&l->here);
        l->here = before;
    }
    tell_early(l);
    return status;
}

/* A loss while catching up is one more loss; one that cannot be mended is the end. */
static int come_back(struct listing *l, int64_t deadline)
{
    int status;
    do {
        status = link_recover(l->c->link, NULL, NULL, deadline);
        if (status) {
            return status;
        }
        status = catch_up(l);
    } while (status == EXIT_LOST && !link_is_open(l->c->link));
    return status;
}

static int follow(struct listing *l)
{
    int64_t deadline = ctl_deadline(l->c, OPT_NEVER);
    int status = 0;
    l->complete = true;
    tell_early(l);
    link_needs_reader(l->c->link, true);
    link_comes_back(l->c->link, true);
    while (status == 0) {
        status = link_until(l->c->link, never, NULL, deadline);
        if (status == EXIT_LOST) {
            status = come_back(l, deadline);
        }
    }
    link_needs_reader(l->c->link, false);
    link_comes_back(l->c->link, false);
    if (status == EXIT_TIMEOUT) {
        return ctl_fail(l->c, status, NULL, "timed out; without -W list --watch has no end");
    }
    return status == LINK_NO_READER ? status : ctl_fail_link(l->c);
}

/* ---------------------------------------------------------------- the command */

static int check(const struct ctl *c, const struct list_opts *o)
{
    if (o->count && (o->watch || o->detail)) {
        return ctl_fail(c, EXIT_USAGE, NULL, "--count prints a number alone: leave out --%s",
                        o->watch ? "watch" : "detail");
    }
    int status = want_match(c, o->match);
    return status ? status : want_role(c, o->role);
}

static int run(struct listing *l)
{
    int status = ctl_connect(l->c);
    if (status) {
        return status;
    }
    if (l->o->watch) {
        ctl_set_take(l->c, on_presence, l);
        status = watch(l);
    }
    status = status ? status : get_pages(l);
    if (status) {
        return ctl_fail_link(l->c);
    }
    print_list(l);
    l->printed = true;
    return l->o->watch ? follow(l) : 0;
}

int cmd_list(struct ctl *c, const struct ctl_args *a)
{
    int status = check(c, a->values);
    struct listing *l = status ? NULL : calloc(1, sizeof(*l));
    if (status || !l || !ids_init(&l->here, NULL)) {
        free(l);
        return status ? status : ctl_fail(c, EXIT_DATA, NULL, "out of memory");
    }
    l->c = c;
    l->o = a->values;
    l->ids = open_memstream(&l->ids_text, &l->ids_size);
    l->peers = open_memstream(&l->peers_text, &l->peers_size);
    if (!l->ids || !l->peers) {
        abort(); /* out of memory before anything was asked */
    }
    /* sp_each_element passes over the bracket of an array, print_machine leaves the blank out */
    fputs(" ", l->ids);
    fputs(" ", l->peers);
    status = run(l);
    tell_early(l);
    ids_fini(&l->here);
    fclose(l->ids);
    fclose(l->peers);
    free(l->ids_text);
    free(l->peers_text);
    free(l->early);
    free(l);
    return status;
}
