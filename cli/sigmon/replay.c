/* SPDX-License-Identifier: MIT
 * sigmon replay: what a recording tells, done again against a server. */
#include "cli/sigmon/replay.h"

#include "cli/common/out.h"
#include "cli/common/print.h"
#include "cli/sigmon/idmap.h"
#include "cli/sigmon/mon.h"
#include "cli/sigmon/source.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <sys/resource.h>

#define SPARE_FDS  64u
#define SPEED_MOST 1e6

struct replay_opts {
    const char *speed;
    struct opt_list map;
};
_Static_assert(sizeof(struct replay_opts) <= MON_VALUES_MAX, "room for the options");

#define ROW(name, letter, kind, arg, member, help)                                                 \
    {                                                                                              \
        name, letter, kind, arg, NULL, offsetof(struct replay_opts, member), help                  \
    }

const struct opt replay_rows[] = {
    ROW("speed", 0, OPT_STRING, "Nx", speed, "times as fast, such as 10x; or max (1x)"),
    ROW("map", 0, OPT_LIST, "s/RE/TEXT/", map, "rename ids as sed does (repeat)"),
    {0}};

/* ---------------------------------------------------------------- reading */

static struct sp_str content_of(const struct sp_event *ev, struct sp_str raw)
{
    struct link_msg m;
    struct sp_str none = {NULL, 0};
    if (ev->event != SP_EV_RELAY || !link_scan(&m, raw)) {
        return none;
    }
    bool ice = ev->kind == SP_T_ICE;
    const struct sp_member *one = sp_doc_find(&m.doc, ice ? SP_STR("candidate") : SP_STR("sdp"));
    bool right = one && (one->kind == SP_J_STRING || (ice && one->kind == SP_J_OBJECT));
    return right ? sp_doc_raw(&m.doc, one) : none;
}

static void on_event(void *ctx, const struct sp_event *ev, struct sp_str raw)
{
    script_event(ctx, ev, content_of(ev, raw));
}

static void on_gap(void *ctx, const struct source_gap *gap)
{
    script_gap(ctx, gap->missed);
}

static void on_restart(void *ctx)
{
    script_restart(ctx);
}

static bool is_full(void *ctx)
{
    return ((const struct script *)ctx)->full;
}

static const struct source_ops ops = {
    .event = on_event, .gap = on_gap, .restart = on_restart, .done = is_full};

static int read_script(struct script *s, const struct mon_args *a, const struct want *want)
{
    int status = mon_watch(a, want, &ops, s);
    if (status == 0 && s->full) {
        return out_fail(EXIT_DATA, NULL, "out of memory");
    }
    if (status == 0 && s->n == 0) {
        return out_fail(EXIT_INVALID_RUN, NULL, "%s: no peer that could be made again", want->file);
    }
    return status;
}

/* ---------------------------------------------------------------- options */

static int read_speed(struct replay *r, const char *text)
{
    char *end;
    r->shown_speed = text ? text : "1x";
    r->speed = strcmp(r->shown_speed, "max") == 0 ? 0 : strtod(r->shown_speed, &end);
    bool is_max = strcmp(r->shown_speed, "max") == 0;
    bool ok =
        is_max || (end != r->shown_speed && (strcmp(end, "x") == 0 || *end == '\0') &&
                   isfinite(r->speed) && r->speed >= 1 / SPEED_MOST && r->speed <= SPEED_MOST);
    return ok ? 0
              : out_fail(EXIT_USAGE, NULL,
                         "--speed '%s': want a factor such as 10x or 0.5x, or max", text);
}

static int read_map(struct idmap *map, const struct opt_list *rules)
{
    char why[160];
    for (unsigned i = 0; i < rules->n; i++) {
        if (!idmap_add(map, rules->v[i], why, sizeof(why))) {
            return out_fail(EXIT_USAGE, NULL, "--map '%s': %s", rules->v[i], why);
        }
    }
    return 0;
}

static struct sp_str name_of(const void *name)
{
    return sp_str(name);
}

/* The ids as the map makes them: each an id, no two the same. */
static int rename_peers(const struct script *s, const struct idmap *map,
                        char (*names)[SP_ID_MAX + 1])
{
    static const uint8_t secret[16] = "not from outside";
    struct sp_map seen;
    int status = sp_map_init(&seen, name_of, secret) ? 0 : EXIT_DATA;
    for (uint32_t i = 0; status == 0 && i < s->npeers; i++) {
        const char *id = s->peers[i]->id;
        if (!idmap_apply(map, sp_str(id), names[i])) {
            status =
                out_fail(EXIT_USAGE, NULL, "--map makes '%s' of %s, which is no id", names[i], id);
            break;
        }
        char(*twin)[SP_ID_MAX + 1] = sp_map_get(&seen, sp_str(names[i]));
        if (twin) {
            status = out_fail(EXIT_USAGE, NULL, "--map makes %s of both %s and %s", names[i],
                              s->peers[twin - names]->id, id);
        } else if (!sp_map_put(&seen, names[i])) {
            status = EXIT_DATA;
        }
    }
    sp_map_fini(&seen);
    return status == EXIT_DATA ? out_fail(EXIT_DATA, NULL, "out of memory") : status;
}

static int check_fds(const struct replay *r, const struct script *s)
{
    struct rlimit lim;
    uint32_t peers = r->speed > 0 ? s->most : s->joins;
    if (getrlimit(RLIMIT_NOFILE, &lim) != 0) {
        return 0;
    }
    lim.rlim_cur = lim.rlim_max;
    setrlimit(RLIMIT_NOFILE, &lim);
    if (lim.rlim_max < (uint64_t)peers + SPARE_FDS) {
        return out_fail(EXIT_USAGE, NULL,
                        "%u peers at a time need more descriptors than the limit of %llu (try: "
                        "ulimit -n %llu)",
                        peers, (unsigned long long)lim.rlim_max,
                        (unsigned long long)peers + SPARE_FDS);
    }
    return 0;
}

/* ---------------------------------------------------------------- running */

/* A server that is not there, or wants another token, is told before anything is sent; it is waited
 * for as the options say. */
static int find_server(struct replay *r)
{
    char why[256];
    bool usage = false;
    if (!wsurl_parse(&r->url, r->opts->url, &usage, why, sizeof(why))) {
        return out_fail(usage ? EXIT_USAGE : EXIT_CONNECT, NULL, "%s", why);
    }
    int status = link_open(r->link);
    if (status) {
        return mon_fail(r->link);
    }
    link_close(r->link);
    return 0;
}

/* How it ended, in one word for scripts and one sentence for people. */
static int judge(const struct replay *r, int status, char *why, size_t cap)
{
    const struct replay_counts *n = &r->counts;
    if (r->full) {
        snprintf(why, cap, "out of memory");
        return EXIT_DATA;
    }
    if (status > 128) {
        return status;
    }
    if (status) {
        snprintf(why, cap, "%s", status == EXIT_TIMEOUT ? "timed out" : link_why(r->link)->text);
        return status;
    }
    if (r->gone) {
        snprintf(why, cap, "%s", r->why_gone);
        return r->gone;
    }
    if (n->registered == 0 && r->first_status) {
        snprintf(why, cap, "%s", r->first);
        return r->first_status;
    }
    if (n->differently + n->not_registered + n->lost > 0) {
        snprintf(why, cap, "not as recorded; first: %s", r->first);
        return EXIT_FALSE;
    }
    return 0;
}

static int run(struct replay *r, const struct want *want)
{
    char why[600] = "";
    int64_t end = link_deadline(want->duration_us), give_up = OPT_NEVER;
    if (r->opts->timeout_us >= 0) {
        give_up = link_deadline(r->opts->timeout_us);
    }
    int status = find_server(r);
    if (status) {
        return status;
    }
    status = replay_all(r, end < give_up ? end : give_up);
    if (status == EXIT_TIMEOUT && end <= give_up) {
        status = 0;
    }
    replay_goodbye(r);
    if (status == LINK_NO_READER) {
        return status;
    }
    status = judge(r, status, why, sizeof(why));
    replay_print(r, status);
    if (why[0]) {
        mon_error("%s", why);
    }
    return status;
}

static int prepare(struct replay *r, const struct script *s, const struct opt_list *rules)
{
    struct idmap map = {.n = 0};
    char(*names)[SP_ID_MAX + 1] = calloc((size_t)s->npeers + 1, sizeof(*names));
    int status = names ? 0 : out_fail(EXIT_DATA, NULL, "out of memory");
    status = status ? status : read_map(&map, rules);
    status = status ? status : rename_peers(s, &map, names);
    status = status ? status : check_fds(r, s);
    if (status == 0 && !replay_init(r, s, names)) {
        status = out_fail(EXIT_DATA, NULL, "out of memory");
    }
    idmap_fini(&map);
    free(names);
    return status;
}

static int replay(struct replay *r, const struct mon_args *a, const struct want *want,
                  struct script *s)
{
    const struct replay_opts *o = a->values;
    int status = read_speed(r, o->speed);
    status = status ? status : read_script(s, a, want);
    status = status ? status : prepare(r, s, &o->map);
    if (status == 0) {
        r->link = link_new(a->opts);
        r->has_token = r->link && (link_token(r->link) || a->opts->cert);
        status = r->link ? run(r, want) : EXIT_DATA;
        link_free(r->link);
    }
    return status;
}

int replay_run(const struct mon_args *a)
{
    struct want want;
    struct script script;
    int status = want_read_file(&want, a->want, "replay", a->words, a->n);
    status = status ? status : mon_check_format(a->opts);
    struct replay *r = status ? NULL : calloc(1, sizeof(*r));
    if (!r) {
        return status ? status : out_fail(EXIT_DATA, NULL, "out of memory");
    }
    r->opts = a->opts;
    r->file = want.file;
    r->ep = -1;
    status = script_init(&script) ? replay(r, a, &want, &script)
                                  : out_fail(EXIT_DATA, NULL, "out of memory");
    replay_fini(r);
    script_fini(&script);
    free(r);
    return status;
}
